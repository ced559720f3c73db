//! Names that the record itself gives.

use std::borrow::Cow;

use super::addresses;
use super::vocabulary::{is_ordinary, is_placeholder_term};

/// The person's name in a sentence such as `Jane Roe could not be suspended in Wiki`.
#[allow(dead_code)] // for the facts of rows that an earlier version wrote
pub(crate) fn in_sentence(description: &str) -> Option<&str> {
    description.split_once(" could not be ").map(|(name, _)| name)
}

/// Replaces the names, and each of their terms, wherever they stand as a term. Within an address they stay:
/// it is replaced as one.
pub(super) fn replaced<'a>(text: &'a str, names: &[&str]) -> Cow<'a, str> {
    let mut wanted: Vec<&str> = names.iter().flat_map(|name| forms(name)).collect();
    if wanted.is_empty() {
        return Cow::Borrowed(text);
    }
    // The longest one first: `Jane Roe` before `Jane`.
    wanted.sort_unstable_by_key(|name| std::cmp::Reverse(name.len()));
    let mut out = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(first) = text[at..].chars().next() {
        let found = if is_term_start(text, at) { length_of_one(text, at, &wanted) } else { None };
        if let Some((length, placeholder)) = found {
            out.push_str(&text[copied..at]);
            out.push_str(placeholder);
            at += length;
            copied = at;
        } else {
            at += first.len_utf8();
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// A name and its terms. Ordinary terms are no names on their own: `Will` also begins `will be retried`.
fn forms(name: &str) -> impl Iterator<Item = &str> {
    let name = name.trim();
    let is_whole = name.contains(char::is_whitespace) && name.len() <= 200;
    let local = name.split_once('@').map_or("", |(local, _)| local);
    let terms = name.split(|c: char| c.is_whitespace() || c == ',').chain([local]);
    let terms = terms.filter(|term| {
        let letters = term.chars().count();
        // A letter of an alphabet is no name; one character of another script can be.
        (letters > 1 || !term.is_ascii() && letters == 1)
            && term.chars().any(char::is_alphanumeric)
            && !term.bytes().all(|b| b.is_ascii_digit())
            && !is_ordinary(term)
            && !is_placeholder_term(term)
    });
    is_whole.then_some(name).into_iter().chain(terms)
}

/// The length of the name that stands here, and what replaces it.
fn length_of_one(text: &str, at: usize, wanted: &[&str]) -> Option<(usize, &'static str)> {
    let rest = &text[at..];
    wanted.iter().find_map(|name| {
        let length = prefix(rest, name)?;
        // Some scripts write terms without spaces.
        let is_apart = |c: Option<char>| !c.is_some_and(joins);
        if !is_apart(rest[length..].chars().next()) && !is_apart(name.chars().next_back()) {
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

fn is_term_start(text: &str, at: usize) -> bool {
    let starts = |c: char| c.is_alphanumeric();
    text[at..].chars().next().is_some_and(starts)
        && !text[..at].chars().next_back().is_some_and(joins)
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
