//! Names that the record itself gives.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::addresses;
use super::vocabulary::{is_ordinary, is_placeholder_term};

/// The person's name in a sentence such as `Jane Roe could not be suspended in Wiki`.
pub(crate) fn in_sentence(description: &str) -> Option<&str> {
    description.split_once(" could not be ").map(|(name, _)| name)
}

/// Replaces the names, and each of their terms, wherever they stand as a term. Within an address they stay:
/// it is replaced as one.
pub(super) fn replaced<'a>(text: &'a str, names: &[&str]) -> Cow<'a, str> {
    if names.is_empty() || text.is_empty() {
        return composed(text);
    }
    let names: Vec<Cow<'_, str>> = names.iter().map(|name| composed(name)).collect();
    match composed(text) {
        Cow::Borrowed(text) => replaced_in(text, &names),
        Cow::Owned(text) => Cow::Owned(replaced_in(&text, &names).into_owned()),
    }
}

/// One form of a text: programs write `é` as one character or as two.
fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.nfc().collect())
}

fn replaced_in<'a>(text: &'a str, names: &[Cow<'_, str>]) -> Cow<'a, str> {
    let mut wanted: Vec<Form<'_>> = names.iter().flat_map(|name| forms(name)).collect();
    // The longest one first: `Jane Roe` before `Jane`.
    wanted.sort_unstable_by_key(|form| std::cmp::Reverse(form.text.len()));
    let mut out = String::new();
    let (mut copied, mut before) = (0, None);
    for (at, c) in text.char_indices() {
        let is_term_start = c.is_alphanumeric() && !before.is_some_and(joins);
        before = Some(c);
        if at < copied || !is_term_start {
            continue;
        }
        if let Some((length, placeholder)) = length_of_one(text, at, &wanted) {
            out.push_str(&text[copied..at]);
            out.push_str(placeholder);
            copied = at + length;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// A text that may stand for a person.
struct Form<'a> {
    text: &'a str,
    /// All of a name of several terms.
    is_whole: bool,
}

/// A name and its terms.
fn forms(name: &str) -> impl Iterator<Item = Form<'_>> {
    let name = name.trim();
    let is_whole = name.contains(char::is_whitespace) && name.len() <= 200;
    let local = name.split_once('@').map_or("", |(local, _)| local);
    let terms = name.split(|c: char| c.is_whitespace() || c == ',').chain([local]);
    let terms = terms.filter(|term| !term.is_empty()).map(|text| Form { text, is_whole: false });
    is_whole.then_some(Form { text: name, is_whole }).into_iter().chain(terms)
}

impl Form<'_> {
    /// Ordinary terms are no names on their own: `Will` also begins `will be retried`. Few terms come here,
    /// because this takes longer than to find that a term is not in the text.
    fn is_name(&self) -> bool {
        let letters = self.text.chars().count();
        self.is_whole
            // A letter of an alphabet is no name; one character of another script can be.
            || (letters > 1 || !self.text.is_ascii() && letters == 1)
                && self.text.chars().any(char::is_alphanumeric)
                && !self.text.bytes().all(|b| b.is_ascii_digit())
                && !is_ordinary(self.text)
                && !is_placeholder_term(self.text)
    }
}

/// The length of the name that stands here, and what replaces it.
fn length_of_one(text: &str, at: usize, wanted: &[Form<'_>]) -> Option<(usize, &'static str)> {
    let rest = &text[at..];
    wanted.iter().find_map(|form| {
        let name = form.text;
        let length = prefix(rest, name)?;
        // Some scripts write terms without spaces.
        let is_apart = |c: Option<char>| !c.is_some_and(joins);
        if !is_apart(rest[length..].chars().next()) && !is_apart(name.chars().next_back()) {
            return None;
        }
        if !form.is_name() {
            return None;
        }
        if name.contains('@') {
            return Some((length, "<email>"));
        }
        (!is_in_address(text, at, length)).then_some((length, "<name>"))
    })
}

/// The bytes of the text that equal a name but for case.
fn prefix(text: &str, name: &str) -> Option<usize> {
    let mut rest = text.char_indices();
    for wanted in name.chars() {
        let (_, found) = rest.next()?;
        let is_equal = found == wanted
            || found.eq_ignore_ascii_case(&wanted)
            || (!found.is_ascii() && found.to_lowercase().eq(wanted.to_lowercase()));
        if !is_equal {
            return None;
        }
    }
    Some(rest.next().map_or(text.len(), |(end, _)| end))
}

/// Checks whether a character makes one term with its neighbour. Scripts without upper and lower case write
/// terms without spaces, and a number after a name is no part of it.
fn joins(c: char) -> bool {
    c.is_lowercase() || c.is_uppercase()
}

/// Checks whether a place belongs to an e-mail address or a URL.
fn is_in_address(text: &str, at: usize, length: usize) -> bool {
    let (before, after) = (&text[..at], &text[at + length..]);
    let ends_url = |c: char| c.is_whitespace() || "\"'<>()[],;".contains(c);
    let url = before.trim_end_matches(|c| !ends_url(c)).len();
    let from = before.trim_end_matches(addresses::is_of_mail).len();
    let to = after.trim_start_matches(addresses::is_of_mail).len();
    before[url..].contains("://") || addresses::is_mail(&text[from..text.len() - to])
}
