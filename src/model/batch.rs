//! Records on their way to their statements.
//!
//! A million records are ten million texts. A batch stores them back to back in one buffer, so that no
//! text is allocated by itself, and the batch moves between tasks without a copy.

use std::num::NonZeroU32;
use std::ops::Range;

use super::{Failure, Reject, Success};

/// Records in a batch.
const MOST_RECORDS: u64 = 1_000;
/// Bytes of a record beside its texts, roughly.
const RECORD_BYTES: usize = 250;
/// Bytes of texts in a batch: large records must not need more memory.
const MOST_BYTES: usize = 1024 * 1024;

/// Bytes of a text for which memory is not doubled: few of them fill a batch.
const LONG: usize = 256 * 1024;

/// A text within the [`TextArena`] it was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextRef {
    start: u32,
    /// One more than the place of its end, so that an `Option` takes no more memory: a run remembers hundreds of
    /// thousands of them.
    after_end: NonZeroU32,
}

impl TextRef {
    fn new(start: u32, end: u32) -> Self {
        Self { start, after_end: NonZeroU32::MIN.saturating_add(end) }
    }

    fn range(self) -> Range<usize> {
        self.start as usize..self.after_end.get() as usize - 1
    }

    /// A part of the text, in bytes from its beginning.
    pub(crate) fn part(self, part: Range<usize>) -> Self {
        Self::new(self.start + place(part.start), self.start + place(part.end))
    }
}

/// Texts, stored back to back. At most 4 GiB of them, which no batch comes near.
#[derive(Debug, Default)]
pub struct TextArena(String);

impl TextArena {
    /// Writes a text.
    pub fn write(&mut self, text: &str) -> TextRef {
        let start = self.here();
        if text.len() > LONG {
            self.0.reserve_exact(text.len());
        }
        self.0.push_str(text);
        self.since(start)
    }

    /// The text itself.
    #[must_use]
    pub fn get(&self, text: TextRef) -> &str {
        &self.0[text.range()]
    }

    /// Bytes written.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Checks that nothing is written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Place of the next text.
    #[must_use]
    pub fn here(&self) -> u32 {
        place(self.0.len())
    }

    /// Writes a part of the text that began at some place.
    pub fn part(&mut self, part: &str) {
        self.0.push_str(part);
    }

    /// Writes another text as a part of the one that began at some place.
    pub fn copy(&mut self, text: TextRef) {
        self.0.extend_from_within(text.range());
    }

    /// The text from some place to the end.
    #[must_use]
    pub fn since(&self, start: u32) -> TextRef {
        TextRef::new(start, self.here())
    }

    /// Removes all texts, and keeps their memory.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Removes the text from some place to the end.
    pub fn forget(&mut self, start: u32) {
        self.0.truncate(start as usize);
    }

    /// A text without the spaces around it.
    #[must_use]
    pub fn trimmed(&self, text: TextRef) -> TextRef {
        let whole = self.get(text);
        let end = whole.trim_end_matches(' ').len();
        let start = (whole.len() - whole.trim_start_matches(' ').len()).min(end);
        text.part(start..end)
    }
}

fn place(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a batch is far below 4 GiB")
}

/// Some records of a source, in the order in which they came.
#[derive(Debug, Default)]
pub struct Batch {
    /// The texts of the records below.
    pub texts: TextArena,
    /// Records of failures.
    pub failures: Vec<Failure>,
    /// Records of successes.
    pub successes: Vec<Success>,
    /// Records that could not be read.
    pub rejects: Vec<Reject>,
    /// Types of events that are not selected, one entry per event.
    pub ignored: Vec<i64>,
    /// OneLogin's ids of the accounts that the failures and successes name, each once.
    pub account_ids: Vec<i64>,
    /// Number of failures at the end of each page.
    pub page_ends: Vec<usize>,
}

impl Batch {
    /// Notes the account that a record names.
    pub(crate) fn note_account(&mut self, account_id: i64) {
        if !self.account_ids.contains(&account_id) {
            self.account_ids.push(account_id);
        }
    }

    /// Checks whether it fills a statement or two: more would only take memory.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.records() >= MOST_RECORDS || self.text_bytes() >= MOST_BYTES
    }

    /// Bytes of memory that its records need, roughly.
    pub(crate) fn bytes(&self) -> usize {
        let records = self.failures.len() + self.successes.len() + self.rejects.len();
        self.text_bytes() + records * RECORD_BYTES
    }

    fn text_bytes(&self) -> usize {
        let rejected: usize = self.rejects.iter().map(|reject| reject.raw.len()).sum();
        self.texts.len() + rejected
    }

    /// Notes that a page has ended: what follows was read later.
    pub fn end_page(&mut self) {
        self.page_ends.push(self.failures.len());
    }

    /// Number of records of all kinds.
    #[must_use]
    pub fn records(&self) -> u64 {
        let counts =
            [self.failures.len(), self.successes.len(), self.rejects.len(), self.ignored.len()];
        counts.iter().sum::<usize>() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_may_be_missing_takes_no_more_memory() {
        assert_eq!(size_of::<Option<TextRef>>(), size_of::<TextRef>());
    }

    #[test]
    fn texts_keep_apart_and_can_be_removed() {
        let mut texts = TextArena::default();
        let one = texts.write("one");
        let place = texts.here();
        texts.part("t");
        texts.part("wo");
        let two = texts.since(place);
        assert_eq!((texts.get(one), texts.get(two)), ("one", "two"));
        texts.forget(place);
        let other = texts.write("");
        assert_eq!((texts.get(one), texts.get(other), texts.len()), ("one", "", 3));
    }

    #[test]
    fn a_batch_is_full_by_records_of_all_kinds_or_by_bytes() {
        let mut batch = Batch { ignored: vec![8; 999], ..Batch::default() };
        assert!(!batch.is_full());
        batch.ignored.push(8);
        assert!(batch.is_full());

        let mut batch = Batch::default();
        batch.texts.write(&"x".repeat(MOST_BYTES - 1));
        assert!(!batch.is_full());
        batch.texts.write("x");
        assert!(batch.is_full());
    }

    #[test]
    fn spaces_around_a_text_are_left_out() {
        let mut texts = TextArena::default();
        for (text, trimmed) in [(" a b ", "a b"), ("a", "a"), ("  ", ""), ("", ""), ("\ta", "\ta")]
        {
            let written = texts.write(text);
            assert_eq!(texts.get(texts.trimmed(written)), trimmed, "{text:?}");
        }
    }
}
