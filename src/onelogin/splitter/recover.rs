//! The way on where quotes or brackets do not match.

use super::search::{Around, Search};
use super::{Element, Frame, Malformed, Place, Splitter};

impl Splitter {
    /// The surroundings of the current value.
    pub(super) fn around(&self) -> Around {
        match self.frames[..] {
            [] => Around::TopLevel,
            [.., Frame::Page, Frame::Array] => Around::Page,
            [.., Frame::Array, Frame::Array] => Around::Nested,
            [..] => Around::Array,
        }
    }

    /// Begins to search for the end of a broken value at the next byte, at `at` of the chunk.
    pub(super) fn break_off(&mut self, depth: usize, at: usize, after_complete: bool) {
        let (around, head) = (self.around(), self.held.head());
        let search = if after_complete {
            Search::after_complete(around, head)
        } else {
            Search::new(around, depth, head)
        };
        let from = self.offset + at as u64;
        self.place = Place::Broken { search: Box::new(search), from, after_complete };
    }

    /// Begins to search at the last opening quote: the string that began there may be the one that was
    /// not closed. The value began at `start` of the chunk, or in an earlier one.
    pub(super) fn break_at_quote(
        &mut self,
        chunk: &[u8],
        start: usize,
        quote: isize,
        depth: usize,
        sink: &mut impl FnMut(Element<'_>),
    ) -> Result<usize, Malformed> {
        let resume = usize::try_from(quote).ok().filter(|quote| *quote >= start);
        // The bytes of an earlier chunk are read again from the quote on.
        let again = match resume {
            Some(_) => Vec::new(),
            None => self.held.split_off(quote.unsigned_abs()),
        };
        let resume = resume.unwrap_or(start);
        self.held.push(&chunk[start..resume]);
        self.break_off(depth, resume, false);
        self.read_again(&again, resume, sink)?;
        Ok(resume)
    }

    /// Reads on in a broken value; gives the place of the next byte.
    pub(super) fn broken(
        &mut self,
        chunk: &[u8],
        start: usize,
        sink: &mut impl FnMut(Element<'_>),
    ) -> Result<usize, Malformed> {
        let Place::Broken { search, .. } = &mut self.place else {
            unreachable!("called there only")
        };
        for (at, byte) in chunk.iter().enumerate().skip(start) {
            if search.ends_before(*byte, &mut |text| self.held.push(text)) {
                let rest = search.rest().to_vec();
                self.emit(sink)?;
                if rest.first() == Some(&b'{') && !self.frames.is_empty() {
                    // The comma before it was read.
                    self.place = Place::Next;
                }
                self.read_again(&rest, at + 1, sink)?;
                return Ok(at + 1);
            }
        }
        Ok(chunk.len())
    }

    /// Reads bytes again that end before `end` of the chunk.
    fn read_again(
        &mut self,
        bytes: &[u8],
        end: usize,
        sink: &mut impl FnMut(Element<'_>),
    ) -> Result<(), Malformed> {
        let offset = self.offset;
        self.offset = (offset + end as u64).saturating_sub(bytes.len() as u64);
        let read = self.read(bytes, sink);
        self.offset = offset;
        read
    }

    /// At the end of the body: an open string may be one that was never closed, and the brackets in it
    /// may be those that close the body.
    pub(super) fn end_broken(
        &mut self,
        sink: &mut impl FnMut(Element<'_>),
    ) -> Result<(), Malformed> {
        if let Place::Within(scan) = &self.place
            && scan.is_in_string()
            && !self.held.is_large()
        {
            let (quote, depth) = (scan.quote(), scan.depth);
            self.break_at_quote(&[], 0, quote, depth, sink)?;
        }
        match &self.place {
            Place::Broken { search, .. } if search.may_end() => {
                let end = search.end();
                self.emit(sink)?;
                self.read_again(end, 0, sink)
            }
            _ => Ok(()),
        }
    }
}
