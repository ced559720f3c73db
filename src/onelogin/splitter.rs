//! Splits a body into its records while it arrives, in flat memory.
//!
//! Only brackets and strings are followed here. Whether a record is valid JSON is decided by whoever
//! reads it, so that one bad record costs one record and not the answer. Where quotes or brackets do
//! not match, [`search`] finds the next record. One splitter serves every entrance: both APIs and files.

mod held;
mod limits;
mod recover;
mod scan;
mod search;

use super::body_kind;
use super::malformed::Malformed;
pub use held::Element;
use held::Held;
pub(crate) use held::MAX_ELEMENT;
pub(crate) use limits::Limits;
use scan::{Scan, Stop, scalar};
use search::Search;

pub(super) const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Bytes of a page around its records: a status and a cursor need a few hundred.
const MAX_PAGE_TEXT: usize = 1024 * 1024;
/// Arrays within arrays; a deeper one is a record.
const DEEPEST: usize = 8;

/// The form of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One array of records.
    Array,
    /// One object whose `data` is an array of records.
    Page,
    /// Any number of arrays, pages and records, one after another, as people save them.
    Values,
}

/// A splitter for one body. Feed it every chunk in order, then call [`Splitter::finish`].
///
/// After an error it must not be fed again.
#[derive(Debug)]
pub struct Splitter {
    shape: Shape,
    limits: Limits,
    place: Place,
    /// Arrays and objects around the current place, outermost first.
    frames: Vec<Frame>,
    /// The current record, as far as earlier chunks had it.
    held: Held,
    /// The text of a page without its records.
    page: Vec<u8>,
    /// Bytes in earlier chunks.
    offset: u64,
    records: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frame {
    Array,
    Page,
}

/// The meaning of the next byte.
#[derive(Debug)]
enum Place {
    /// Before a value at the top level.
    Start,
    /// After the opening bracket: a record or the end.
    First,
    /// After a comma: a record.
    Next,
    /// In a number or literal.
    Scalar,
    /// In a value with brackets or quotes.
    Within(Scan),
    /// After a value that is not handed out before it is clear that it ended there.
    Closed,
    /// Between a record and a comma.
    AfterElement,
    /// In a value that is broken.
    Broken { search: Box<Search>, from: u64, after_complete: bool },
    /// In a page, before or after its records.
    Page(Scan),
    /// After the only value.
    Done,
}

impl Splitter {
    /// A splitter that has read nothing yet.
    #[must_use]
    pub fn new(shape: Shape) -> Self {
        Self::limited(shape, Limits::NONE)
    }

    /// The same with limits.
    pub(crate) fn limited(shape: Shape, limits: Limits) -> Self {
        Self {
            shape,
            limits,
            place: Place::Start,
            frames: Vec::new(),
            held: Held::default(),
            page: Vec::new(),
            offset: 0,
            records: 0,
        }
    }

    /// The text of the page around its records, which are left out.
    pub(super) fn page_text(&self) -> &[u8] {
        &self.page
    }

    /// Reads the next chunk and hands each record that ends in it to `sink`, as the bytes that came,
    /// without the whitespace around it. Only a record that spans chunks is copied.
    ///
    /// # Errors
    /// [`Malformed`], when the body has another form or passes a limit. Records before that place have
    /// been handed out.
    pub fn feed(
        &mut self,
        chunk: &[u8],
        sink: &mut impl FnMut(Element<'_>),
    ) -> Result<(), Malformed> {
        self.read(chunk, sink)?;
        self.offset += chunk.len() as u64;
        if self.offset > self.limits.bytes {
            return Err(Malformed::TooLarge { limit: "2 GiB" });
        }
        Ok(())
    }

    /// Ends the body. Only then has every record been handed out. `is_certain` if the transport vouches
    /// for the end: then an unterminated string in the last record costs that record only.
    ///
    /// # Errors
    /// [`Malformed`], when the body was not complete.
    pub fn finish(
        &mut self,
        is_certain: bool,
        sink: &mut impl FnMut(Element<'_>),
    ) -> Result<(), Malformed> {
        if is_certain {
            self.end_broken(sink)?;
        }
        let truncated = Malformed::Truncated { bytes: self.offset };
        match &self.place {
            Place::Done => Ok(()),
            Place::Start if self.shape == Shape::Values => Ok(()),
            Place::Closed | Place::Scalar if self.frames.is_empty() => self.emit(sink),
            Place::Broken { from, after_complete: true, .. } => {
                Err(Malformed::NotJson { offset: *from })
            }
            _ => Err(truncated),
        }
    }

    /// Ends a line whose value may be incomplete: what was read of it is handed out as a record, and
    /// the next line begins a new value.
    pub(super) fn end_line(&mut self, sink: &mut impl FnMut(Element<'_>)) {
        let is_blank = matches!(self.place, Place::Start) && self.frames.is_empty();
        if !is_blank && self.finish(true, sink).is_err() {
            if let Place::Broken { search, .. } = &self.place {
                self.held.push(search.pending());
            }
            self.held.emit(sink);
        }
        self.place = Place::Start;
        self.frames.clear();
    }

    fn read(&mut self, chunk: &[u8], sink: &mut impl FnMut(Element<'_>)) -> Result<(), Malformed> {
        let mut at = 0;
        while at < chunk.len() {
            at = match &mut self.place {
                Place::Within(_) => self.within(chunk, at, sink)?,
                Place::Scalar => self.scalar(chunk, at, sink)?,
                Place::Page(_) => self.around_records(chunk, at)?,
                Place::Broken { .. } => self.broken(chunk, at, sink)?,
                _ => self.between(chunk, at, sink)?,
            };
        }
        Ok(())
    }

    /// Reads one byte that is not part of a value; gives the place of the next one.
    fn between(
        &mut self,
        chunk: &[u8],
        at: usize,
        sink: &mut impl FnMut(Element<'_>),
    ) -> Result<usize, Malformed> {
        let byte = chunk[at];
        if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            if matches!(self.place, Place::Closed) {
                self.held.push_blank(byte);
            }
            return Ok(at + 1);
        }
        match (&self.place, byte) {
            (Place::Start, byte) if BOM.contains(&byte) => {}
            (Place::Start, _) => return self.begin(chunk, at),
            (Place::First | Place::AfterElement, b']') => self.leave_array(),
            // An empty place in the array: what stood there is lost, which must not pass unseen.
            (Place::Next, b']') => {
                self.emit(sink)?;
                self.leave_array();
            }
            (Place::First | Place::Next, b',') => {
                self.emit(sink)?;
                self.place = Place::Next;
            }
            (Place::First | Place::Next, b'}' | b':') => self.break_off(0, at, false),
            (Place::First | Place::Next, _) => return Ok(self.begin_element(byte, at)),
            (Place::Closed, _) if !self.can_follow(byte) => {
                self.break_off(0, at, true);
                return Ok(at);
            }
            (Place::Closed, _) => {
                self.emit(sink)?;
                return Ok(at);
            }
            (Place::AfterElement, b',') => self.place = Place::Next,
            _ => return Err(Malformed::NotJson { offset: self.offset + at as u64 }),
        }
        Ok(at + 1)
    }

    /// Begins a value at the top level.
    fn begin(&mut self, chunk: &[u8], at: usize) -> Result<usize, Malformed> {
        let unexpected =
            |expected| Malformed::Unexpected { found: body_kind::of(&chunk[at..]), expected };
        match (self.shape, chunk[at]) {
            (Shape::Array | Shape::Values, b'[') => self.enter_array(),
            (Shape::Page, b'{') => {
                self.frames.push(Frame::Page);
                self.page.push(b'{');
                self.place = Place::Page(Scan::in_object());
            }
            (Shape::Values, b'{' | b'"') => self.place = Place::Within(Scan::default()),
            // Between values that were taken out of an array.
            (Shape::Values, b',') => {}
            (Shape::Array, _) => return Err(unexpected("a JSON array")),
            (Shape::Page, _) => return Err(unexpected("a JSON object")),
            (Shape::Values, _) => self.break_off(0, at, false),
        }
        // What is part of a record is read again.
        Ok(if matches!(self.place, Place::Within(_) | Place::Broken { .. }) { at } else { at + 1 })
    }

    fn begin_element(&mut self, byte: u8, at: usize) -> usize {
        if byte == b'[' && self.shape == Shape::Values && self.frames.len() < DEEPEST {
            self.enter_array();
            return at + 1;
        }
        self.place = match byte {
            b'{' | b'[' | b'"' => Place::Within(Scan::default()),
            _ => Place::Scalar,
        };
        at
    }

    fn enter_array(&mut self) {
        self.frames.push(Frame::Array);
        self.place = Place::First;
    }

    /// Reads on in a record to its end or the end of the chunk; gives the place of the next byte.
    fn within(
        &mut self,
        chunk: &[u8],
        start: usize,
        sink: &mut impl FnMut(Element<'_>),
    ) -> Result<usize, Malformed> {
        let Place::Within(scan) = &mut self.place else { unreachable!("called there only") };
        let (end, stop) = match self.shape {
            Shape::Values => scan.advance::<true>(chunk, start),
            Shape::Array | Shape::Page => scan.advance::<false>(chunk, start),
        };
        let depth = scan.depth;
        match stop {
            Stop::Closed if self.held.is_empty() && self.ends_at(chunk, end) => {
                self.count_record()?;
                self.held.pass(&chunk[start..end], sink);
                self.leave_element();
            }
            Stop::Closed => {
                self.held.push(&chunk[start..end]);
                self.place = Place::Closed;
            }
            Stop::ChunkEnd => self.held.push(&chunk[start..end]),
            Stop::PageArray => {
                self.held.clear();
                self.frames.push(Frame::Page);
                self.enter_array();
            }
            Stop::Broken { quote } => {
                return self.break_at_quote(chunk, start, quote, depth, sink);
            }
        }
        Ok(end)
    }

    /// Checks whether the value that ends here is followed by what may follow it, as far as this chunk shows.
    fn ends_at(&self, chunk: &[u8], end: usize) -> bool {
        let next = chunk[end..].iter().find(|byte| !byte.is_ascii_whitespace());
        next.is_some_and(|next| self.can_follow(*next))
    }

    fn can_follow(&self, byte: u8) -> bool {
        match self.frames.last() {
            Some(_) => matches!(byte, b',' | b']'),
            None => matches!(byte, b',' | b'{' | b'[') || BOM.contains(&byte),
        }
    }

    fn scalar(
        &mut self,
        chunk: &[u8],
        start: usize,
        sink: &mut impl FnMut(Element<'_>),
    ) -> Result<usize, Malformed> {
        let end = scalar(chunk, start);
        self.held.push(&chunk[start..end.unwrap_or(chunk.len())]);
        if end.is_some() {
            self.place = Place::Closed;
            if self.ends_at(chunk, end.unwrap_or_default()) {
                self.emit(sink)?;
            }
        }
        Ok(end.unwrap_or(chunk.len()))
    }

    /// Reads on in a page, before or after its records.
    fn around_records(&mut self, chunk: &[u8], start: usize) -> Result<usize, Malformed> {
        let Place::Page(scan) = &mut self.place else { unreachable!("called there only") };
        let (end, stop) = scan.advance::<true>(chunk, start);
        if self.shape == Shape::Page {
            self.page.extend_from_slice(&chunk[start..end]);
            if self.page.len() > MAX_PAGE_TEXT {
                return Err(Malformed::TooLarge { limit: "1 MiB around its records" });
            }
        }
        match stop {
            Stop::ChunkEnd => {}
            Stop::PageArray => self.enter_array(),
            Stop::Closed => {
                self.frames.pop();
                self.leave_element();
            }
            Stop::Broken { .. } => {
                return Err(Malformed::NotJson { offset: self.offset + end as u64 });
            }
        }
        Ok(end)
    }

    fn leave_array(&mut self) {
        self.frames.pop();
        if self.frames.last() == Some(&Frame::Page) {
            if self.shape == Shape::Page {
                self.page.push(b']');
            }
            self.place = Place::Page(Scan::in_object());
        } else {
            self.leave_element();
        }
    }

    fn leave_element(&mut self) {
        self.place = match (self.frames.last(), self.shape) {
            (Some(_), _) => Place::AfterElement,
            (None, Shape::Values) => Place::Start,
            (None, Shape::Array | Shape::Page) => Place::Done,
        };
    }

    /// Hands out what is held, even if it is nothing.
    fn emit(&mut self, sink: &mut impl FnMut(Element<'_>)) -> Result<(), Malformed> {
        self.count_record()?;
        self.held.emit(sink);
        self.leave_element();
        Ok(())
    }

    fn count_record(&mut self) -> Result<(), Malformed> {
        self.records += 1;
        if self.records > self.limits.records {
            return Err(Malformed::TooLarge { limit: "5,000,000 records" });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
