//! Splits one top-level JSON array into its elements while it arrives, in flat memory.
//!
//! The legacy answer has no paging: one array, of any size. Only brackets and strings are followed
//! here. Whether an element is valid JSON is decided by whoever reads it, so that one bad record
//! costs one record and not the response.

use memchr::memchr2;

use super::body_kind;

/// The largest element accepted, in bytes. A record is a few hundred bytes; without a limit, an
/// unclosed string would collect the whole response in memory.
pub(crate) const MAX_ELEMENT: usize = 16 * 1024 * 1024;

pub(super) const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Why a body is not one complete JSON array.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The body begins with something else: a web page, an object, plain text.
    #[error("the body is not a JSON array but {kind}")]
    NotAnArray {
        /// A description without any value of the body.
        kind: String,
    },
    /// The body ended before the closing bracket. An empty body is the shortest case.
    #[error("the body ended after {bytes} bytes, before its JSON was closed")]
    Truncated {
        /// Length of the body, in bytes after decompression.
        bytes: u64,
    },
    /// Something follows the closing bracket.
    #[error("the JSON array is followed by more data at byte {offset}")]
    TrailingData {
        /// Where it begins, in bytes after decompression.
        offset: u64,
    },
    /// A byte that cannot stand between two elements.
    #[error("the JSON array has `{}` at byte {offset}, where {expected} belongs", found.escape_ascii())]
    Unexpected {
        /// The byte.
        found: u8,
        /// What JSON allows there.
        expected: &'static str,
        /// Where it stands, in bytes after decompression.
        offset: u64,
    },
    /// The body began as JSON and went on as something else.
    #[error("the body is no JSON from some place on")]
    NotJson,
    /// An element longer than [`MAX_ELEMENT`].
    #[error(
        "an element of the JSON array, before byte {offset}, is larger than {MAX_ELEMENT} bytes"
    )]
    ElementTooLarge {
        /// How far the body was read, in bytes after decompression.
        offset: u64,
    },
}

/// A splitter for one body. Feed it every chunk in order, then call [`Splitter::finish`].
///
/// After an error it must not be fed again.
#[derive(Debug, Default)]
pub struct Splitter {
    place: Place,
    /// The beginning of an element that did not end in its chunk.
    held: Vec<u8>,
    /// Bytes in the chunks before this one.
    offset: u64,
}

/// Where in the grammar the next byte stands.
#[derive(Debug, Default, Clone, Copy)]
enum Place {
    /// Before anything but this many bytes of a byte order mark.
    #[default]
    Start,
    Mark(usize),
    BeforeArray,
    /// After the opening bracket: an element or the end.
    First,
    /// After a comma: an element.
    Next,
    Element(Element),
    AfterElement,
    AfterArray,
}

/// How far an element has been read.
#[derive(Debug, Clone, Copy)]
enum Element {
    /// A number, `true`, `false`, `null`, or nonsense: it ends before a delimiter.
    Scalar,
    /// An object, an array or a string: it ends with its closing bracket or quote.
    Enclosed { depth: usize, string: InString },
}

#[derive(Debug, Clone, Copy)]
enum InString {
    No,
    Yes,
    /// The last byte was a backslash.
    Escaped,
}

impl Splitter {
    /// A splitter that has seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the next chunk and hands each element that ends in it to `sink`, as the bytes that
    /// came, without the whitespace around it. Only an element that spans chunks is copied.
    ///
    /// # Errors
    ///
    /// [`Malformed`], when the body can no longer be one JSON array. Elements before that place
    /// have been handed out.
    pub fn feed(&mut self, chunk: &[u8], sink: &mut impl FnMut(&[u8])) -> Result<(), Malformed> {
        let mut at = 0;
        while at < chunk.len() {
            if let Place::Element(element) = self.place {
                at = self.element(element, chunk, at, sink)?;
            } else {
                at = self.between(chunk, at)?;
            }
        }
        self.offset += chunk.len() as u64;
        Ok(())
    }

    /// Says whether the array was closed. Only then has every element been handed out.
    ///
    /// # Errors
    ///
    /// [`Malformed::Truncated`] when it was not.
    pub fn finish(&self) -> Result<(), Malformed> {
        match self.place {
            Place::AfterArray => Ok(()),
            _ => Err(Malformed::Truncated { bytes: self.offset }),
        }
    }

    /// Takes one byte that is not part of an element; gives the place of the next one.
    fn between(&mut self, chunk: &[u8], at: usize) -> Result<usize, Malformed> {
        let byte = chunk[at];
        let offset = self.offset + at as u64;
        let unexpected = |expected| Err(Malformed::Unexpected { found: byte, expected, offset });
        self.place = match (self.place, byte) {
            (Place::Start, first) if first == BOM[0] => Place::Mark(1),
            (Place::Mark(seen), next) if next == BOM[seen] => match seen + 1 {
                3 => Place::BeforeArray,
                seen => Place::Mark(seen),
            },
            (Place::Start | Place::BeforeArray, b' ' | b'\t' | b'\n' | b'\r') => Place::BeforeArray,
            (Place::Start | Place::BeforeArray, b'[') => Place::First,
            (Place::Start | Place::Mark(_) | Place::BeforeArray, _) => {
                return Err(Malformed::NotAnArray { kind: body_kind::of(&chunk[at..]) });
            }
            (place, b' ' | b'\t' | b'\n' | b'\r') => place,
            (Place::First | Place::AfterElement, b']') => Place::AfterArray,
            (Place::AfterElement, b',') => Place::Next,
            (Place::AfterElement, _) => return unexpected("a comma or `]`"),
            (Place::AfterArray, _) => return Err(Malformed::TrailingData { offset }),
            (_, b',' | b':' | b']' | b'}') => return unexpected("an element"),
            (_, first) => {
                // The first byte is read again as part of the element.
                self.place = Place::Element(Element::starting_with(first));
                return Ok(at);
            }
        };
        Ok(at + 1)
    }

    /// Reads on in an element to its end or the end of the chunk; gives the place of the next byte.
    fn element(
        &mut self,
        element: Element,
        chunk: &[u8],
        start: usize,
        sink: &mut impl FnMut(&[u8]),
    ) -> Result<usize, Malformed> {
        let (end, rest) = match element {
            Element::Scalar => scalar(chunk, start),
            Element::Enclosed { depth, string } => enclosed(chunk, start, depth, string),
        };
        let part = &chunk[start..end];
        if self.held.len() + part.len() > MAX_ELEMENT {
            return Err(Malformed::ElementTooLarge { offset: self.offset + end as u64 });
        }
        match rest {
            Some(rest) => {
                self.held.extend_from_slice(part);
                self.place = Place::Element(rest);
            }
            None if self.held.is_empty() => {
                sink(part);
                self.place = Place::AfterElement;
            }
            None => {
                self.held.extend_from_slice(part);
                sink(&self.held);
                self.held.clear();
                self.place = Place::AfterElement;
            }
        }
        Ok(end)
    }
}

impl Element {
    fn starting_with(byte: u8) -> Self {
        match byte {
            b'{' | b'[' | b'"' => Self::Enclosed { depth: 0, string: InString::No },
            _ => Self::Scalar,
        }
    }
}

/// The end of a scalar, exclusive, and what is still to read of it.
fn scalar(chunk: &[u8], start: usize) -> (usize, Option<Element>) {
    let delimiter = |byte: &u8| matches!(byte, b',' | b']' | b' ' | b'\t' | b'\n' | b'\r');
    match chunk[start..].iter().position(delimiter) {
        Some(length) => (start + length, None),
        None => (chunk.len(), Some(Element::Scalar)),
    }
}

/// The end of an object, array or string, exclusive, and what is still to read of it.
fn enclosed(
    chunk: &[u8],
    start: usize,
    mut depth: usize,
    mut string: InString,
) -> (usize, Option<Element>) {
    let mut at = start;
    while at < chunk.len() {
        match string {
            InString::Escaped => {
                string = InString::Yes;
                at += 1;
            }
            InString::Yes => {
                let Some(found) = memchr2(b'"', b'\\', &chunk[at..]) else { break };
                at += found + 1;
                if chunk[at - 1] == b'\\' {
                    string = InString::Escaped;
                    continue;
                }
                string = InString::No;
                if depth == 0 {
                    return (at, None);
                }
            }
            InString::No => {
                match chunk[at] {
                    b'"' => string = InString::Yes,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                at += 1;
                if depth == 0 && matches!(string, InString::No) {
                    return (at, None);
                }
            }
        }
    }
    (chunk.len(), Some(Element::Enclosed { depth, string }))
}

#[cfg(test)]
mod tests;
