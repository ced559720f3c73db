//! The text of the record at hand, up to the limit of a record.

use sha2::{Digest, Sha256};

/// The largest record, in bytes. A record is a few hundred bytes; without a limit, one broken string
/// would collect the whole answer in memory.
pub(crate) const MAX_ELEMENT: usize = 1024 * 1024;
/// Blanks after a record that are kept, should more of it follow.
const BLANKS: usize = 4 * 1024;
/// Bytes that are kept of a larger one.
const HEAD: usize = 4 * 1024;

/// One record of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element<'a> {
    /// Its text as it came, which may be no JSON.
    Text(&'a [u8]),
    /// A record above the limit.
    TooLarge {
        /// Its first bytes.
        head: &'a [u8],
        /// The SHA-256 hash of all of its text.
        digest: [u8; 32],
        /// Its length.
        bytes: u64,
    },
}

/// The text of one record, as far as it has come.
#[derive(Debug, Default)]
pub(super) struct Held {
    text: Vec<u8>,
    /// Blanks at the end of the text.
    blanks: usize,
    /// The hash and the length, once the text is above the limit.
    large: Option<(Sha256, u64)>,
}

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The first bytes; all that came, while that is within the limit.
    pub(super) fn head(&self) -> &[u8] {
        &self.text
    }

    pub(super) fn is_large(&self) -> bool {
        self.large.is_some()
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.blanks = 0;
        match &mut self.large {
            Some((hash, length)) => {
                hash.update(bytes);
                *length += bytes.len() as u64;
            }
            None if self.text.len() + bytes.len() <= MAX_ELEMENT => {
                self.text.extend_from_slice(bytes);
            }
            None => {
                let hash = Sha256::new().chain_update(&self.text).chain_update(bytes);
                self.large = Some((hash, (self.text.len() + bytes.len()) as u64));
                let missing = HEAD.saturating_sub(self.text.len()).min(bytes.len());
                self.text.extend_from_slice(&bytes[..missing]);
                self.text.truncate(HEAD);
                self.text.shrink_to(HEAD);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.text.capacity()
    }

    /// Adds a blank, which belongs to the record only if more of it follows.
    pub(super) fn push_blank(&mut self, byte: u8) {
        if self.blanks < BLANKS && self.text.len() < MAX_ELEMENT && !self.is_large() {
            self.text.push(byte);
            self.blanks += 1;
        }
    }

    /// Takes the last `bytes` bytes away; none above the limit, where they are no longer there.
    pub(super) fn split_off(&mut self, bytes: usize) -> Vec<u8> {
        if self.is_large() {
            return Vec::new();
        }
        self.text.split_off(self.text.len().saturating_sub(bytes))
    }

    /// Hands out the record, and holds nothing then.
    pub(super) fn emit(&mut self, sink: &mut impl FnMut(Element<'_>)) {
        match self.large.take() {
            None => sink(Element::Text(self.text.trim_ascii_end())),
            Some((hash, bytes)) => {
                let digest = hash.finalize().into();
                sink(Element::TooLarge { head: &self.text, digest, bytes });
            }
        }
        self.clear();
    }

    /// Hands out a record that one chunk has as a whole.
    pub(super) fn pass(&mut self, text: &[u8], sink: &mut impl FnMut(Element<'_>)) {
        if text.len() <= MAX_ELEMENT {
            sink(Element::Text(text));
        } else {
            self.push(text);
            self.emit(sink);
        }
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.blanks = 0;
        self.large = None;
    }
}
