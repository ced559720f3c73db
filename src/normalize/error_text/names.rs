//! Names that the record itself gives.

mod fold;

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::readable::readable;
use super::vocabulary::{is_common, is_placeholder_term};
use super::{addresses, scan};
use fold::{fold, starts_with};

/// Longest separator between two names, as in `Roe, Jane`.
const LONGEST_SEPARATOR: usize = 2;
/// Names in a row that are one.
const MOST_NAMES: usize = 5;

/// The person's name in a sentence such as `Jane Roe could not be suspended in Wiki`.
pub(crate) fn in_sentence(description: &str) -> Option<&str> {
    static VERB: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(" could not be "));
    VERB.find(description.as_bytes()).map(|end| &description[..end])
}

/// Replaces the names, and each of their terms, wherever they stand as a term, also joined or as an initial beside
/// one of them. Within an address they stay: it is replaced as one.
pub(super) fn replaced<'a>(text: &'a str, names: &[&str]) -> Cow<'a, str> {
    Forms::of(names).replaced(text)
}

/// The names of a person whose texts are searched one after another.
#[derive(Debug)]
pub(crate) struct KnownNames<'a> {
    names: Vec<&'a str>,
    forms: Forms<'a>,
}

impl<'a> KnownNames<'a> {
    pub(crate) fn new(names: Vec<&'a str>) -> Self {
        let forms = Forms::of(&names);
        Self { names, forms }
    }

    /// Replaces them in a text with placeholders, where a login such as `jroe7` is `jroe<n>`.
    pub(super) fn replaced_in_normalised<'t>(&self, text: &'t str) -> Cow<'t, str> {
        // Few texts have such a login, and it takes longer than all the rest.
        let has_login = text.match_indices("<n>").any(|(at, _)| {
            text[..at].ends_with(|c: char| c.is_alphanumeric() || "._->".contains(c))
        });
        if !has_login {
            return self.forms.replaced(text);
        }
        let logins: Vec<String> = logins_in_normalised(&self.names).collect();
        let logins = logins.iter().map(|text| Form { text, is_login: true });
        Forms::new(self.forms.longest_first.iter().copied().chain(logins).collect()).replaced(text)
    }
}

/// Logins with digits as they are in a text whose numbers, and perhaps other names, are placeholders.
fn logins_in_normalised(names: &[&str]) -> impl Iterator<Item = String> {
    let logins = names.iter().filter(|name| {
        !name.contains('@') && name.chars().filter(|c| c.is_alphabetic()).count() > 1
    });
    let with_digits = logins.filter(|name| name.bytes().any(|b| b.is_ascii_digit()));
    with_digits
        .flat_map(|login| {
            let others: Vec<&str> = names.iter().copied().filter(|other| other != login).collect();
            let login = readable(login);
            [login.to_string(), replaced(&login, &others).into_owned()]
        })
        .map(|login| scan::normalised(&login, login.len() * 4))
        .map(|login| login.trim_start_matches("<n>").to_owned())
        .filter(|login| login.contains('<') && !login.starts_with('<'))
}

/// The texts that may stand for a person.
#[derive(Debug)]
struct Forms<'a> {
    /// `Anne-Marie` before `Anne`.
    longest_first: Vec<Form<'a>>,
    /// The bytes that one may begin with, however it is written: always the first ones of characters that are not ASCII.
    first_bytes: Bytes,
}

impl<'a> Forms<'a> {
    fn of(names: &[&'a str]) -> Self {
        let mut forms = Vec::with_capacity(4 * names.len());
        for name in names {
            add_forms(name, &mut forms);
        }
        Self::new(forms)
    }

    fn new(mut longest_first: Vec<Form<'a>>) -> Self {
        longest_first.sort_unstable_by_key(|form| std::cmp::Reverse(form.text.len()));
        let mut first_bytes = Bytes([0, 0, 0, u64::MAX]);
        for form in &longest_first {
            if let Some(first) = form.text.chars().flat_map(fold).next().filter(char::is_ascii) {
                first_bytes.insert(first as u8);
                first_bytes.insert(first.to_ascii_uppercase() as u8);
            }
        }
        Self { longest_first, first_bytes }
    }

    fn replaced<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let forms = &self.longest_first;
        if forms.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut out = String::new();
        let mut copied = 0;
        for (at, &byte) in text.as_bytes().iter().enumerate() {
            // Most places end here.
            if !self.first_bytes.contains(byte) || at < copied || !is_term_start(text, at) {
                continue;
            }
            if let Some((length, placeholder)) = length_of_name(text, at, forms) {
                let from = initial_before(text, at, forms).filter(|&from| from >= copied);
                out.push_str(&text[copied..from.unwrap_or(at)]);
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
}

/// A set of bytes.
#[derive(Debug)]
struct Bytes([u64; 4]);

impl Bytes {
    fn insert(&mut self, byte: u8) {
        self.0[usize::from(byte / 64)] |= 1 << (byte % 64);
    }

    fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte / 64)] >> (byte % 64) & 1 == 1
    }
}

fn is_term_start(text: &str, at: usize) -> bool {
    text[at..].starts_with(char::is_alphanumeric) && !text[..at].ends_with(joins)
}

/// A text that may stand for a person.
#[derive(Debug, Clone, Copy)]
struct Form<'a> {
    text: &'a str,
    /// A login, as it is in a text with placeholders.
    is_login: bool,
}

/// Adds the terms of a name, the parts of a double name, and what an e-mail address has before its `@`. It is done for
/// each record, so in one walk over the name.
fn add_forms<'a>(name: &'a str, forms: &mut Vec<Form<'a>>) {
    let name = name.trim();
    let mut add = |text: &'a str| {
        if !text.is_empty() {
            forms.push(Form { text, is_login: false });
        }
    };
    let (mut from, mut is_double, mut is_address, mut has_address) = (0, false, false, false);
    for (at, c) in name.char_indices().chain([(name.len(), ',')]) {
        if c == '@' {
            if !has_address {
                add(&name[..at]);
            }
            (is_address, has_address) = (true, true);
        } else if c == '-' {
            is_double = true;
        } else if c == ',' || c.is_whitespace() {
            let term = &name[from..at];
            add(term);
            if is_double && !is_address {
                term.split('-').filter(|part| part.len() > 2).for_each(&mut add);
            }
            (from, is_double, is_address) = (at + c.len_utf8(), false, false);
        }
    }
}

impl Form<'_> {
    /// Common terms are no names on their own: `Will` also begins `will be retried`. Few terms come here,
    /// because this takes longer than to find that a term is not in the text.
    fn is_name(&self) -> bool {
        let letters = self.text.chars().count();
        self.is_login
            // A letter of an alphabet is no name; one character of another script can be.
            || (letters > 1 || !self.text.is_ascii() && letters == 1)
                && self.text.chars().any(char::is_alphanumeric)
                && !self.text.bytes().all(|b| b.is_ascii_digit())
                && !is_common(self.text)
                && !is_placeholder_term(self.text)
    }

    /// The number of bytes of a text that equal this.
    fn prefix_of(&self, text: &str) -> Option<usize> {
        starts_with(text, self.text)
    }
}

/// The length of the name that stands here, of one term or more, and what replaces it.
fn length_of_name(text: &str, at: usize, forms: &[Form<'_>]) -> Option<(usize, &'static str)> {
    let rest = &text[at..];
    let (form, first) = matching(rest, forms).find(|(form, length)| {
        // Some scripts write terms without spaces, and `JaneRoe` goes on with another name.
        is_apart(form.text, &rest[*length..]) || next_name(rest, *length, "", forms).is_some()
    })?;
    if form.text.contains('@') {
        return (!is_in_url(text, at)).then_some((first, "<email>"));
    }
    let (mut end, mut length, mut is_name, mut written) = (first, first, form.is_name(), None);
    for _ in 1..MOST_NAMES {
        let next = separators(&rest[end..]).find_map(|separator| {
            let (end, is_name) = next_name(rest, end, separator, forms)?;
            Some((separator, end, is_name))
        });
        let Some((separator, next_end, is_next_name)) = next else { break };
        let is_capital = rest[end + separator.len()..].starts_with(char::is_uppercase);
        end = next_end;
        // `Roe will be created` does not end with a name of Will Roe, but `Jean de la Cruz` does.
        if is_next_name || is_capital || !separator.contains(' ') {
            (length, is_name) = (end, is_name || is_next_name);
            written = Some(length).filter(|_| is_written_as_name(&rest[..length])).or(written);
        }
    }
    let mut length = if is_name { length } else { written? };
    length += initial_after(&rest[length..], forms);
    (!is_in_address(text, at, length)).then_some((length, "<name>"))
}

/// Checks whether common terms in a row are a name: `Will Grant` and `will.grant`, but not `will grant`.
fn is_written_as_name(terms: &str) -> bool {
    let mut each = terms.split(|c: char| !c.is_alphanumeric()).filter(|term| !term.is_empty());
    !terms.contains(' ') || each.all(|term| term.starts_with(char::is_uppercase))
}

/// The forms that a text begins with, the longest first.
fn matching<'f>(
    text: &'f str,
    forms: &'f [Form<'f>],
) -> impl Iterator<Item = (&'f Form<'f>, usize)> {
    forms.iter().filter_map(move |form| Some((form, form.prefix_of(text)?)))
}

/// The end of the name after a separator, and whether it is a name on its own.
fn next_name(
    rest: &str,
    length: usize,
    separator: &str,
    forms: &[Form<'_>],
) -> Option<(usize, bool)> {
    let from = length + separator.len();
    let after = &rest[from..];
    let is_long = |form: &Form<'_>| !separator.is_empty() || form.text.len() > 2;
    matching(after, forms)
        .filter(|(form, _)| !form.text.contains('@') && is_long(form))
        .find(|(form, length)| is_apart(form.text, &after[*length..]))
        .map(|(form, length)| (from + length, form.is_name()))
}

/// The separators of two names that a text may begin with, the longest first.
fn separators(text: &str) -> impl Iterator<Item = &str> {
    let length = text.bytes().take(LONGEST_SEPARATOR).take_while(|b| b" ,._-".contains(b)).count();
    (0..=length).rev().map(|end| &text[..end])
}

/// The beginning of an initial before a name, as in `J. Roe`.
fn initial_before(text: &str, at: usize, forms: &[Form<'_>]) -> Option<usize> {
    let before = text[..at].strip_suffix(' ')?.strip_suffix('.')?;
    let (from, initial) = before.char_indices().next_back()?;
    let is_term = !before[..from].ends_with(char::is_alphanumeric);
    (is_term && is_initial(initial, forms)).then_some(from)
}

/// The length of an initial after a name, as in `Roe, J.`.
fn initial_after(text: &str, forms: &[Form<'_>]) -> usize {
    let separator = [", ", " "].into_iter().find(|separator| text.starts_with(separator));
    let after = separator.map_or("", |separator| &text[separator.len()..]);
    let Some(initial) = after.chars().next().filter(|&c| is_initial(c, forms)) else { return 0 };
    let rest = &after[initial.len_utf8()..];
    if rest.starts_with('.') { text.len() - rest.len() + 1 } else { 0 }
}

fn is_initial(c: char, forms: &[Form<'_>]) -> bool {
    c.is_uppercase()
        && forms.iter().any(|form| form.text.chars().next().is_some_and(|f| fold(f).eq(fold(c))))
}

/// Checks whether a name ends where the rest of the text begins. In some scripts terms stand without spaces.
fn is_apart(name: &str, rest: &str) -> bool {
    let joins = |c: Option<char>| c.is_some_and(joins);
    !joins(rest.chars().next()) || !joins(name.chars().next_back())
}

/// Checks whether a character makes one term with its neighbour. Scripts without upper and lower case write
/// terms without spaces, and a number after a name is no part of it.
fn joins(c: char) -> bool {
    c.is_lowercase() || c.is_uppercase()
}

/// Checks whether a place belongs to an e-mail address or a URL.
fn is_in_address(text: &str, at: usize, length: usize) -> bool {
    let (before, after) = (&text[..at], &text[at + length..]);
    let from = before.trim_end_matches(addresses::is_of_mail).len();
    let to = after.trim_start_matches(addresses::is_of_mail).len();
    is_in_url(text, at) || addresses::is_mail(&text[from..text.len() - to])
}

fn is_in_url(text: &str, at: usize) -> bool {
    let before = &text[..at];
    let ends_url = |c: char| c.is_whitespace() || "\"'<>()[],;".contains(c);
    let url = before.trim_end_matches(|c| !ends_url(c)).len();
    before[url..].contains("://")
}
