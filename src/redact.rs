//! Redaction: takes the program's secrets and control characters out of values from outside.
//!
//! The program writes its own texts and searches only the values that it puts into them (URLs, paths, names,
//! answers, errors of servers and libraries), so a password that is an ordinary term spoils no message.
//! The list of secrets is one for the process: a message is put together far from where the secret was read.

use std::collections::HashSet;
use std::fmt::{self, Display};
use std::sync::{PoisonError, RwLock};

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;

/// A shorter secret would be found in every other text.
pub(crate) const SHORTEST: usize = 4;
/// This many characters in a row of a secret give it away.
const PART: usize = 12;
/// A value is cut after this many characters: a server may send a page of text as its error.
const LONGEST_VALUE: usize = 600;
const MASK: &str = "[redacted]";

static SECRETS: RwLock<Option<Secrets>> = RwLock::new(None);

/// The forms in which the secrets may appear.
#[derive(Debug, Default)]
struct Secrets {
    /// Each run of [`PART`] characters of a longer form.
    parts: HashSet<Vec<char>>,
    /// Forms that are shorter than that.
    whole: HashSet<Vec<char>>,
}

/// Adds a secret to those that are redacted from now on. A text below [`SHORTEST`] is none.
pub(crate) fn register(secret: &str) {
    if secret.chars().count() < SHORTEST {
        return;
    }
    let mut secrets = SECRETS.write().unwrap_or_else(PoisonError::into_inner);
    secrets.get_or_insert_default().add(secret);
}

/// Returns a value from outside as it may be shown: on one line, without secrets and control characters.
pub(crate) fn clean(value: &str) -> String {
    let mut text: Vec<char> = value.chars().collect();
    let secrets = SECRETS.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(secrets) = secrets.as_ref() {
        text = secrets.mask(&text);
    }
    drop(secrets);
    let is_cut = text.len() > LONGEST_VALUE;
    text.truncate(LONGEST_VALUE);
    let mut shown: String = text.into_iter().map(printable).collect();
    if is_cut {
        shown.push('…');
    }
    shown
}

/// A value from outside that is cleaned when it is formatted.
pub(crate) struct Outside<T>(pub(crate) T);

impl<T: Display> Display for Outside<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&clean(&self.0.to_string()))
    }
}

/// A character that moves no cursor and turns no direction of text.
fn printable(c: char) -> char {
    match c {
        '\n' | '\t' | '\r' | '\u{2028}' | '\u{2029}' => ' ',
        '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => '\u{FFFD}',
        c if c.is_control() => '\u{FFFD}',
        c => c,
    }
}

impl Secrets {
    fn add(&mut self, secret: &str) {
        for form in forms(secret) {
            let form: Vec<char> = form.chars().collect();
            if form.len() >= PART {
                self.parts.extend(form.windows(PART).map(<[char]>::to_vec));
            } else if form.len() >= SHORTEST {
                self.whole.insert(form);
            }
        }
    }

    fn mask(&self, text: &[char]) -> Vec<char> {
        let mut is_secret = vec![false; text.len()];
        let lengths: HashSet<usize> = self.whole.iter().map(Vec::len).collect();
        for at in 0..text.len() {
            for &length in lengths.iter().chain([&PART]) {
                let Some(run) = text.get(at..at + length) else { continue };
                let list = if length == PART { &self.parts } else { &self.whole };
                if list.contains(run) {
                    is_secret[at..at + length].fill(true);
                }
            }
        }
        let mut masked = Vec::with_capacity(text.len());
        for (at, &c) in text.iter().enumerate() {
            if !is_secret[at] {
                masked.push(c);
            } else if at == 0 || !is_secret[at - 1] {
                masked.extend(MASK.chars());
            }
        }
        masked
    }
}

/// A secret as it is, percent-encoded, escaped as in JSON, and in Base64 wherever it stands in the encoded
/// text, so also after a client id.
fn forms(secret: &str) -> Vec<String> {
    let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let quoted = serde_json::Value::from(secret).to_string();
    let mut forms = vec![
        secret.to_owned(),
        encoded.replace('+', "%20"),
        lower_escapes(&encoded),
        encoded,
        quoted[1..quoted.len() - 1].to_owned(),
    ];
    for shift in 0..3 {
        let mut bytes = vec![0; shift];
        bytes.extend_from_slice(secret.as_bytes());
        let base64 = BASE64_STANDARD_NO_PAD.encode(&bytes);
        // The first and the last character also depend on the bytes around the secret.
        let from = (shift * 8).div_ceil(6);
        let to = bytes.len() * 8 / 6;
        let core = base64.get(from..to).unwrap_or_default();
        forms.push(core.replace('+', "-").replace('/', "_"));
        forms.push(core.to_owned());
    }
    forms
}

/// `%2F` as `%2f`, and so on.
fn lower_escapes(encoded: &str) -> String {
    let mut parts = encoded.split('%');
    let mut lower = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (escape, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        lower.push('%');
        lower.push_str(&escape.to_ascii_lowercase());
        lower.push_str(rest);
    }
    lower
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cleans with these secrets only: the list of the process is left alone.
    fn cleaned(secrets: &[&str], text: &str) -> String {
        let mut list = Secrets::default();
        for secret in secrets {
            list.add(secret);
        }
        list.mask(&text.chars().collect::<Vec<_>>()).into_iter().collect()
    }

    const SECRET: &str = "s3cr3t/With+Signs&more";

    #[test]
    fn a_secret_is_found_in_every_form() {
        for (form, expected) in [
            (SECRET.to_owned(), "[redacted]"),
            (format!("a {SECRET} b {SECRET}"), "a [redacted] b [redacted]"),
            ("x=s3cr3t%2FWith%2BSigns%26more".to_owned(), "x=[redacted]"),
            ("x=s3cr3t%2fWith%2bSigns%26more".to_owned(), "x=[redacted]"),
            ("3cr3t/With+Signs".to_owned(), "[redacted]"),
            ("s3cr3t/With".to_owned(), "s3cr3t/With"),
        ] {
            assert_eq!(cleaned(&[SECRET], &form), expected, "{form}");
        }
        assert_eq!(cleaned(&["a\"b\\c"], r#"{"x":"a\"b\\c"}"#), r#"{"x":"[redacted]"}"#);
    }

    #[test]
    fn base64_is_found_with_and_without_a_client_id() {
        for secret in [SECRET, "hunter2", "onelogin"] {
            for (before, after) in
                [("", ""), ("id:", ""), ("1:", ""), ("22:", ""), ("", ":x"), ("abcdef:", ":x")]
            {
                let basic = BASE64_STANDARD_NO_PAD.encode(format!("{before}{secret}{after}"));
                let shown = cleaned(&[secret], &basic);
                assert!(shown.contains(MASK), "{before}{secret}{after}: {basic} {shown}");
                let left = shown.replace(MASK, "").len();
                assert!(left <= (before.len() + after.len()) * 4 / 3 + 4, "{basic} {shown}");
            }
        }
    }

    #[test]
    fn a_short_secret_is_found_as_a_whole_only() {
        assert_eq!(
            cleaned(&["hunter2"], "hunter hunter2 hunter22"),
            "hunter [redacted] [redacted]2"
        );
        assert_eq!(cleaned(&["hunter2"], "unter2"), "unter2");
    }

    #[test]
    fn neighbours_and_overlaps_leave_no_rest() {
        let (one, two) = ("abcdefghijkl", "ghijklmnopqrst");
        assert_eq!(cleaned(&[one, two], "-abcdefghijklmnopqrst-"), "-[redacted]-");
        assert_eq!(cleaned(&[one], ""), "");
        assert_eq!(cleaned(&[], "ä"), "ä");
        assert_eq!(cleaned(&["ähnlichkeit und so"], "öähnlichkeit und soö"), "ö[redacted]ö");
    }

    #[test]
    fn control_characters_are_replaced_and_long_values_are_cut() {
        assert_eq!(clean("a\u{1b}[31mb\nc\u{202E}d\0"), "a\u{FFFD}[31mb c\u{FFFD}d\u{FFFD}");
        assert_eq!(clean(&"x".repeat(10_000)).chars().count(), LONGEST_VALUE + 1);
        assert_eq!(format!("{:<4}|", Outside("a\u{7}")), "a\u{FFFD}  |");
    }
}
