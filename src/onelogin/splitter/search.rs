//! The end of a value that is broken: where does the next one begin?
//!
//! Quotes cannot be trusted there, so only brackets are counted. The value ends at `},{"`, if its
//! brackets are balanced there or the key is its own first key: the next value begins like this one.
//! The last value of an array ends at `}]`.

/// Surroundings of the broken value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Around {
    /// Nothing: values stand one after another.
    TopLevel,
    /// An array that stands in nothing else.
    Array,
    /// An array within a page.
    Page,
    /// An array within an array.
    Nested,
}

/// A search for the end of a broken value.
#[derive(Debug)]
pub(super) struct Search {
    around: Around,
    depth: usize,
    stage: Stage,
    /// Bytes that may already stand after the value.
    pending: Vec<u8>,
    /// The first key of the broken value.
    own_key: Vec<u8>,
    /// True if brackets were balanced at the last closing one.
    is_balanced: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Within,
    /// After `}`, or `}]}`.
    Closed {
        on_this_line: bool,
        after_array: bool,
    },
    /// After `},`.
    Comma,
    /// After `},{`.
    Open,
    /// In the first key of what may be the next value; where it begins in `pending`.
    Key(usize),
    /// After `}]`.
    ArrayEnd,
}

/// The meaning of a byte.
enum Next {
    /// A part of the value.
    Within(Stage),
    /// Perhaps a part of what stands after the value.
    Pending(Stage),
    /// The last byte that was needed to see that the value has ended.
    Ended,
}

/// A longer first key is none of this API's.
const LONGEST_KEY: usize = 64;
/// A gap between two values that is longer is none.
const LONGEST_GAP: usize = 4 * 1024;

impl Search {
    /// A search that begins `depth` levels within a value which begins with `head`.
    pub(super) fn new(around: Around, depth: usize, head: &[u8]) -> Self {
        let own_key = first_key(head).unwrap_or_default().to_vec();
        let stage = Stage::Within;
        Self { around, depth, stage, pending: Vec::new(), own_key, is_balanced: false }
    }

    /// The same after a value that was complete, followed by what cannot follow it.
    pub(super) fn after_complete(around: Around, head: &[u8]) -> Self {
        let stage = Stage::Closed { on_this_line: true, after_array: false };
        Self { stage, is_balanced: true, ..Self::new(around, 0, head) }
    }

    /// Reads a byte, and hands what belongs to the value to `within`. Gives `true` if the value has
    /// ended; then [`Search::rest`] has what stands after it.
    pub(super) fn ends_before(&mut self, byte: u8, within: &mut impl FnMut(&[u8])) -> bool {
        match self.next(byte) {
            Next::Within(stage) => {
                self.stage = stage;
                within(&self.pending);
                self.pending.clear();
                within(&[byte]);
            }
            Next::Pending(stage) => {
                self.stage = stage;
                self.pending.push(byte);
            }
            Next::Ended => {
                self.pending.push(byte);
                return true;
            }
        }
        self.count(byte);
        false
    }

    /// Checks whether the body may end here: after a value, and the array or page around it.
    pub(super) fn may_end(&self) -> bool {
        match self.around {
            Around::TopLevel => matches!(self.stage, Stage::Closed { .. }),
            Around::Array => self.stage == Stage::ArrayEnd,
            Around::Page => matches!(self.stage, Stage::Closed { after_array: true, .. }),
            Around::Nested => false,
        }
    }

    /// Bytes that may already stand after the value.
    pub(super) fn pending(&self) -> &[u8] {
        &self.pending
    }

    /// The text that closes the array and page around the value where the body may end.
    pub(super) fn end(&self) -> &'static [u8] {
        match self.around {
            Around::Array => b"]",
            Around::Page => b"]}",
            Around::TopLevel | Around::Nested => b"",
        }
    }

    /// The bytes after the value, from its separator on; a comma is left out.
    pub(super) fn rest(&self) -> &[u8] {
        let text = self.pending.trim_ascii_start();
        text.strip_prefix(b",").unwrap_or(text).trim_ascii_start()
    }

    fn next(&self, byte: u8) -> Next {
        let is_blank = matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        let is_listed = self.around != Around::TopLevel;
        let stage = match (self.stage, byte) {
            _ if self.pending.len() > LONGEST_GAP => None,
            (Stage::Closed { on_this_line, after_array }, _) if is_blank => {
                Some(Stage::Closed { on_this_line: on_this_line && byte != b'\n', after_array })
            }
            (Stage::Closed { .. }, b',') if is_listed => Some(Stage::Comma),
            (Stage::Closed { .. }, b']') if is_listed => Some(Stage::ArrayEnd),
            (Stage::Closed { on_this_line: false, .. }, b'{') if !is_listed => Some(Stage::Open),
            (Stage::Comma | Stage::Open | Stage::ArrayEnd, _) if is_blank => Some(self.stage),
            (Stage::Comma, b'{') => Some(Stage::Open),
            (Stage::Open, b'"') if self.is_balanced => return Next::Ended,
            (Stage::Open, b'"') => Some(Stage::Key(self.pending.len() + 1)),
            (Stage::Key(from), b'"') if self.pending[from..] == self.own_key => return Next::Ended,
            (Stage::Key(from), _) if byte != b'"' && self.pending.len() - from < LONGEST_KEY => {
                Some(self.stage)
            }
            (Stage::ArrayEnd, b',' | b'}') if self.around == Around::Page && self.is_balanced => {
                return Next::Ended;
            }
            (Stage::ArrayEnd, b',' | b']') if self.around == Around::Nested && self.is_balanced => {
                return Next::Ended;
            }
            _ => None,
        };
        match (stage, byte) {
            (Some(stage), _) => Next::Pending(stage),
            (None, b'}') => {
                let after_array = self.stage == Stage::ArrayEnd;
                Next::Within(Stage::Closed { on_this_line: true, after_array })
            }
            (None, _) => Next::Within(Stage::Within),
        }
    }

    fn count(&mut self, byte: u8) {
        match byte {
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                if byte == b'}' {
                    self.is_balanced = self.depth == 0;
                }
            }
            _ => {}
        }
    }
}

/// The first key of an object, as its text has it.
fn first_key(head: &[u8]) -> Option<&[u8]> {
    let inside = head.strip_prefix(b"{")?.trim_ascii_start().strip_prefix(b"\"")?;
    let key = &inside[..inside.iter().take(LONGEST_KEY).position(|byte| *byte == b'"')?];
    (!key.is_empty()).then_some(key)
}
