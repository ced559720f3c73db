//! One answer of the current API: a page of records and what stands around them.
//!
//! A page is held until it is complete, so that a failure on the way costs no more than another request
//! for it. One that is larger than [`HELD`] is handed out while it comes; a failure then costs the window.

use chrono::{DateTime, Utc};

use super::client::Incoming;
use super::envelope::Envelope;
use super::error::Error;
use super::headers;
use super::malformed::Malformed;
use super::next_page::Following;
use super::splitter::{Element, Limits, Shape, Splitter};

/// Bytes of records that are held. A thousand events are about one million.
const HELD: usize = 2 * 1024 * 1024;
/// Bytes that are handed out without a pause.
const AT_ONCE: usize = 64 * 1024;

/// A page while it is read.
#[derive(Debug)]
pub(super) struct Page<'a> {
    incoming: Incoming<'a>,
    splitter: Splitter,
    shape: Shape,
    records: Records,
    is_complete: bool,
    /// The page after it, once it is complete.
    following: Following,
    /// True if it has no record, and nothing but an empty list.
    is_bare: bool,
}

impl<'a> Page<'a> {
    /// Reads a page, to its end or until as much is held as may be.
    pub(super) async fn read(incoming: Incoming<'a>, shape: Shape) -> Result<Self, Error> {
        let splitter = Splitter::limited(shape, Limits::ANSWER);
        let (is_complete, records) = (incoming.is_empty(), Records::default());
        let following = if is_complete { Following::End } else { Following::Unknown };
        let is_bare = false;
        let mut page = Self { incoming, splitter, shape, records, is_complete, following, is_bare };
        page.read_on().await?;
        Ok(page)
    }

    /// Reads a page that has to be short.
    pub(super) async fn read_all(incoming: Incoming<'a>, shape: Shape) -> Result<Self, Error> {
        let page = Self::read(incoming, shape).await?;
        if page.is_complete {
            return Ok(page);
        }
        let limit = Malformed::TooLarge { limit: "2 MiB of records" };
        Err(Error::body(&page.incoming, limit))
    }

    /// Checks whether all of it has been read.
    pub(super) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// A page at a cursor: an empty list alone does not show that it is the last, for an error may look like it.
    pub(super) fn after_cursor(mut self) -> Self {
        if self.is_bare {
            self.following = Following::Unreadable;
        }
        self
    }

    /// The server's clock when it answered, from its `Date` header.
    pub(super) fn server_now(&self) -> Option<DateTime<Utc>> {
        headers::clock(self.incoming.headers())
    }

    /// Checks whether the headers announce another page.
    pub(super) fn has_next(&self) -> bool {
        headers::has_next_page(self.incoming.headers())
    }

    /// The number of users found on all pages, from the headers.
    pub(super) fn total(&self) -> Option<u64> {
        headers::total_count(self.incoming.headers())
    }

    /// The number of pages with users that were found, from the headers.
    pub(super) fn pages(&self) -> Option<u64> {
        headers::total_pages(self.incoming.headers())
    }

    /// The page after this one, which is complete.
    pub(super) fn following(&mut self) -> Following {
        std::mem::take(&mut self.following)
    }

    /// The URL of the request without its query, for messages.
    pub(super) fn endpoint(&self) -> &str {
        self.incoming.endpoint()
    }

    /// Hands out some of what is held. Gives `false` if nothing is left.
    pub(super) fn hand_out(&mut self, sink: &mut impl FnMut(Element<'_>)) -> bool {
        self.records.hand_out(sink)
    }

    /// Reads on, until as much is held as may be.
    pub(super) async fn read_on(&mut self) -> Result<(), Error> {
        while !self.is_complete && self.records.text.len() < HELD {
            let chunk = self.incoming.chunk().await?;
            let mut sink = |element: Element<'_>| self.records.push(element);
            let split = match &chunk {
                Some(chunk) => self.splitter.feed(chunk, &mut sink),
                None => self.splitter.finish(self.incoming.has_certain_end(), &mut sink),
            };
            split.map_err(|malformed| Error::body(&self.incoming, malformed))?;
            if chunk.is_none() {
                self.is_complete = true;
                self.read_envelope()?;
            }
        }
        Ok(())
    }

    fn read_envelope(&mut self) -> Result<(), Error> {
        if self.shape == Shape::Page {
            let has_records = self.records.any;
            let envelope = Envelope::read(&self.incoming, self.splitter.page_text(), has_records)?;
            self.following = envelope.following();
            self.is_bare = !has_records && envelope.is_bare();
        }
        Ok(())
    }
}

/// The hash and the length of a record above the limit.
type Large = ([u8; 32], u64);

/// Records, stored back to back.
#[derive(Debug, Default)]
struct Records {
    text: Vec<u8>,
    /// The end of each one, and the hash and length of one above the limit.
    ends: Vec<(usize, Option<Large>)>,
    /// Records, and their bytes, that were handed out.
    handed_out: (usize, usize),
    /// True if there was any, handed out or not.
    any: bool,
}

impl Records {
    fn push(&mut self, element: Element<'_>) {
        let (text, large) = match element {
            Element::Text(text) => (text, None),
            Element::TooLarge { head, digest, bytes } => (head, Some((digest, bytes))),
        };
        self.text.extend_from_slice(text);
        self.ends.push((self.text.len(), large));
        self.any = true;
    }

    fn hand_out(&mut self, sink: &mut impl FnMut(Element<'_>)) -> bool {
        let (first, begin) = self.handed_out;
        let mut start = begin;
        for (record, (end, large)) in self.ends.iter().enumerate().skip(first) {
            if start - begin > AT_ONCE {
                self.handed_out = (record, start);
                return true;
            }
            let text = &self.text[start..*end];
            sink(match *large {
                None => Element::Text(text),
                Some((digest, bytes)) => Element::TooLarge { head: text, digest, bytes },
            });
            start = *end;
        }
        self.text.clear();
        self.ends.clear();
        self.handed_out = (0, 0);
        false
    }
}
