//! The end of one JSON value, found by its brackets and strings alone.

use memchr::memchr2;

/// Keys whose array holds the records of a page, in the files of known senders.
const PAGE_KEYS: [&[u8]; 3] = [b"data", b"records", b"events"];
/// Longest of [`PAGE_KEYS`], and one byte to notice a longer key.
const KEY_BYTES: usize = 8;

/// Progress within a value that began with a bracket or a quote.
#[derive(Debug, Clone, Default)]
pub(super) struct Scan {
    pub(super) depth: usize,
    string: InString,
    /// The first bracket.
    opener: u8,
    /// Place of the last opening quote, from the start of the current chunk; negative if it stands in
    /// an earlier one.
    quote: isize,
    /// The last string at the first level, as far as earlier chunks had it.
    key: Vec<u8>,
    /// True if that string is one of the page keys, and whether its colon has come.
    page_key: PageKey,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum PageKey {
    #[default]
    No,
    Named,
    BeforeValue,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum InString {
    #[default]
    No,
    Yes,
    /// After a backslash.
    Escaped,
    /// After the closing quote, if what follows has not come yet.
    Closed,
}

/// The reason for which a scan stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The chunk ended first.
    ChunkEnd,
    /// The value ended.
    Closed,
    /// The array of a page began.
    PageArray,
    /// Something stands here that JSON does not allow: quotes or brackets do not match. `quote` is the
    /// place of the last opening quote, as in [`Scan::quote`].
    Broken { quote: isize },
}

impl Scan {
    /// A scan within an object whose first bracket was read.
    pub(super) fn in_object() -> Self {
        Self { depth: 1, opener: b'{', ..Self::default() }
    }

    pub(super) fn is_in_string(&self) -> bool {
        matches!(self.string, InString::Yes | InString::Escaped)
    }

    /// The place of the last opening quote.
    pub(super) fn quote(&self) -> isize {
        self.quote
    }

    /// Reads on from `start`; gives the place of the next byte. With `PAGES` it looks for the array of
    /// a page.
    pub(super) fn advance<const PAGES: bool>(
        &mut self,
        chunk: &[u8],
        start: usize,
    ) -> (usize, Stop) {
        let mut at = start;
        while at < chunk.len() {
            match self.string {
                InString::No => {
                    let byte = chunk[at];
                    if PAGES && self.depth == 1 && self.begins_page(byte) {
                        return (at + 1, Stop::PageArray);
                    }
                    match byte {
                        b'"' => {
                            self.string = InString::Yes;
                            self.quote = at.cast_signed();
                            self.key.clear();
                        }
                        b'{' | b'[' => {
                            if self.depth == 0 {
                                self.opener = byte;
                            }
                            self.depth += 1;
                        }
                        b'}' | b']' => {
                            if self.depth == 1 {
                                // In ASCII each closing bracket stands two after its opening one.
                                if byte != self.opener + 2 {
                                    let quote = at.cast_signed();
                                    return (at + 1, Stop::Broken { quote });
                                }
                                return (at + 1, Stop::Closed);
                            }
                            self.depth -= 1;
                        }
                        _ => {}
                    }
                    at += 1;
                }
                InString::Yes => {
                    let Some(found) = memchr2(b'"', b'\\', &chunk[at..]) else { break };
                    at += found + 1;
                    if chunk[at - 1] == b'\\' {
                        self.string = InString::Escaped;
                        continue;
                    }
                    if self.depth == 0 {
                        return (at, Stop::Closed);
                    }
                    if PAGES && self.depth == 1 {
                        self.page_key = self.page_key(&chunk[..at - 1]);
                    }
                    self.string = match chunk.get(at) {
                        Some(b',' | b':' | b'}' | b']') => InString::No,
                        _ => InString::Closed,
                    };
                }
                InString::Escaped => {
                    self.string = InString::Yes;
                    at += 1;
                }
                InString::Closed => match chunk[at] {
                    b',' | b':' | b'}' | b']' => self.string = InString::No,
                    b' ' | b'\t' | b'\n' | b'\r' => at += 1,
                    _ => return (at, Stop::Broken { quote: self.quote }),
                },
            }
        }
        self.next_chunk::<PAGES>(chunk);
        (chunk.len(), Stop::ChunkEnd)
    }

    /// Counts places from the start of the next chunk.
    fn next_chunk<const PAGES: bool>(&mut self, chunk: &[u8]) {
        if PAGES && self.depth == 1 && self.is_in_string() {
            let from = usize::try_from(self.quote + 1).unwrap_or(0).min(chunk.len());
            let room = KEY_BYTES.saturating_sub(self.key.len());
            self.key.extend(chunk[from..].iter().take(room));
        }
        self.quote -= chunk.len().cast_signed();
    }

    /// Checks whether the string that ends here is the key of a page's array.
    fn page_key(&self, before: &[u8]) -> PageKey {
        let from = usize::try_from(self.quote + 1).unwrap_or(0);
        let (head, tail) = (&self.key[..], &before[from.min(before.len())..]);
        let is = |key: &&[u8]| {
            key.len() == head.len() + tail.len() && key.starts_with(head) && key.ends_with(tail)
        };
        if PAGE_KEYS.iter().any(is) { PageKey::Named } else { PageKey::No }
    }

    /// Checks whether this byte, at the first level, opens the array of a page.
    fn begins_page(&mut self, byte: u8) -> bool {
        self.page_key = match (self.page_key, byte) {
            (PageKey::BeforeValue, b'[') => {
                self.page_key = PageKey::No;
                return self.opener == b'{';
            }
            (PageKey::Named, b':') => PageKey::BeforeValue,
            (key, b' ' | b'\t' | b'\n' | b'\r') => key,
            _ => PageKey::No,
        };
        false
    }
}

/// The end of a number, literal or nonsense, exclusive; `None` if it is not in this chunk.
pub(super) fn scalar(chunk: &[u8], start: usize) -> Option<usize> {
    let is_end = |byte: &u8| matches!(byte, b',' | b']' | b' ' | b'\t' | b'\n' | b'\r');
    Some(start + chunk[start..].iter().position(is_end)?)
}
