//! The text of an error without what differs from person to person, and its fingerprint.
//!
//! Names, addresses, ids and numbers become placeholders, so that one error of a thousand people is one
//! text. Codes from 100 to 599 that stand alone stay, because they are most often an HTTP status.

mod addresses;
mod names;
mod readable;
mod scan;
mod vocabulary;

use std::borrow::Cow;
use std::collections::HashMap;

use sha2::{Digest, Sha256};

pub(crate) use names::{KnownNames, in_sentence};
use readable::readable;

/// Bytes of a normalised text: more would be a page of HTML, whose beginning distinguishes it.
const LONGEST: usize = 500;
/// Bytes of a text that are read.
const LONGEST_READ: usize = 8 * 1024;
/// Texts that a cache remembers, at most 9 MiB.
const REMEMBERED: usize = 1_000;

/// A normalised text with its fingerprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorText {
    /// The text with placeholders; empty if there is none.
    pub text: String,
    /// 16 hexadecimal digits.
    pub fingerprint: String,
}

impl ErrorText {
    /// Normalises a text. `names` are the names, the login and the e-mail address of the person concerned,
    /// as far as they are known: a part of a name is found too. A null and a blank text are equal.
    #[must_use]
    pub fn of(text: Option<&str>, names: &[&str]) -> Self {
        let text = readable(read_part(text.unwrap_or_default()));
        Self::without_names(&names::replaced(&text, names))
    }

    /// A normalised text without further names; `None` if it has none of them.
    pub(crate) fn without(text: &str, names: &KnownNames<'_>) -> Option<Self> {
        match names.replaced_in_normalised(text) {
            Cow::Borrowed(_) => None,
            Cow::Owned(text) => Some(Self::without_names(&text)),
        }
    }

    fn without_names(text: &str) -> Self {
        let text = scan::normalised(text, LONGEST);
        Self { fingerprint: fingerprint(&text), text }
    }
}

/// A cache of normalised texts: most failures of a load repeat a few of them.
#[derive(Debug, Default)]
pub struct ErrorTexts(HashMap<String, ErrorText>);

impl ErrorTexts {
    /// The same as [`ErrorText::of`].
    pub fn of(&mut self, text: Option<&str>, names: &[&str]) -> &ErrorText {
        let text = readable(read_part(text.unwrap_or_default()));
        let text = names::replaced(&text, names);
        if !self.0.contains_key(text.as_ref()) {
            if self.0.len() >= REMEMBERED {
                self.0.clear();
            }
            self.0.insert(text.clone().into_owned(), ErrorText::without_names(&text));
        }
        &self.0[text.as_ref()]
    }
}

/// The fingerprint of a normalised text: 16 hexadecimal digits.
pub(crate) fn fingerprint(normalised: &str) -> String {
    let hash = Sha256::digest(normalised);
    format!("{:016x}", u64::from_be_bytes(std::array::from_fn(|i| hash[i])))
}

/// The beginning of a long text, which ends between two terms.
fn read_part(text: &str) -> &str {
    if text.len() <= LONGEST_READ {
        return text;
    }
    let part = &text[..text.floor_char_boundary(LONGEST_READ)];
    part.rfind(char::is_whitespace).map_or(part, |end| &part[..end])
}

#[cfg(test)]
mod tests;
