//! The pages of a window of events, one after another.

use std::collections::{HashSet, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use url::Url;

use super::{Events, MOST_EMPTY, SMALL_PAGES};
use crate::onelogin::error::{Cause, Error};
use crate::onelogin::next_page::{Following, NextPage, PageEnd, Progress};
use crate::onelogin::page::Page;
use crate::onelogin::splitter::Element;

/// The span of requests for the narrowest window: a second, and one more on both sides.
const NARROWEST: TimeDelta = TimeDelta::seconds(3);

/// The pages of a window, one after another.
///
/// An ascending order of events is requested and not relied upon: no watermark is taken from the last
/// of them.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    /// The server's clock when it answered, from its `Date` header.
    pub server_now: Option<DateTime<Utc>>,
    events: &'a Events,
    span: (DateTime<Utc>, DateTime<Utc>),
    /// URL of the first page.
    url: Url,
    /// Types that are still to be requested by themselves.
    requests: VecDeque<String>,
    /// The page that is read; `None` between two pages and after the last one.
    page: Option<Page<'a>>,
    /// The request that follows it.
    next: Option<Next>,
    pages: u32,
    /// Events of the last page that has ended.
    on_page: u64,
    progress: Progress,
    most: u32,
    /// Pages that were requested by a cursor.
    seen: HashSet<NextPage>,
    /// The cursor of the page that is read.
    at: Option<NextPage>,
}

/// The request after a page.
#[derive(Debug)]
enum Next {
    /// The page at a cursor.
    Cursor(NextPage),
    /// The first page of other types.
    Types(String),
}

impl<'a> Walk<'a> {
    /// The pages of a span, of which the first one has come. `requests` are those for the first pages of further types.
    pub(super) fn new(
        events: &'a Events,
        span: (DateTime<Utc>, DateTime<Utc>),
        (url, requests): (Url, VecDeque<String>),
        page: Page<'a>,
        most: u32,
    ) -> Self {
        Self {
            server_now: page.server_now(),
            events,
            span,
            url,
            requests,
            page: Some(page),
            next: None,
            pages: 1,
            on_page: 0,
            progress: Progress::default(),
            most,
            seen: HashSet::new(),
            at: None,
        }
    }

    /// Hands some events to `sink`; each page begins with a call of its own. Gives `false` when nothing
    /// follows.
    ///
    /// # Errors
    ///
    /// [`Error`], when a page does not come. The walk cannot go on then, and the records handed out
    /// must be dropped.
    pub(crate) async fn next(&mut self, sink: &mut impl FnMut(Element<'_>)) -> Result<bool, Error> {
        if let Some(next) = self.next.take() {
            self.page = Some(self.request(next).await?);
        }
        let Some(page) = &mut self.page else { return Ok(false) };
        let progress = &mut self.progress;
        let mut counted = |element: Element<'_>| {
            progress.see(&element);
            sink(element);
        };
        if page.hand_out(&mut counted) {
            return Ok(true);
        }
        if !page.is_complete() {
            // A part of it has been handed out, so another request for it would repeat that.
            page.read_on().await.map_err(Error::of_window)?;
            return Ok(true);
        }
        let following = page.following();
        let endpoint = page.endpoint().to_owned();
        self.page = None;
        self.on_page = self.progress.records();
        let next = self.after(following, endpoint)?;
        self.next = next.map(Next::Cursor).or_else(|| self.requests.pop_front().map(Next::Types));
        Ok(self.next.is_some())
    }

    /// The page to request after the current one, which has ended; `None` if it was the last.
    fn after(&mut self, following: Following, endpoint: String) -> Result<Option<NextPage>, Error> {
        let PageEnd { records, is_repeated, is_known, pages, empty } = self.progress.end_page();
        let largest = &self.events.largest_page;
        largest.set(largest.get().max(records));
        let is_full = records >= self.events.full_page();
        let at = match following {
            Following::Unknown if self.may_be_full(records) => {
                return Err(Cause::NoNextPage { endpoint, records }.into());
            }
            Following::Unreadable => {
                return Err(Cause::NoNextPage { endpoint, records }.into());
            }
            Following::Unknown | Following::End => return Ok(None),
            // An empty page may have a cursor for a later day, but then no link.
            Following::Page { has_link: false, .. } if records == 0 => return Ok(None),
            Following::Page { at, has_link } if !self.seen.insert(at.clone()) => {
                // Some servers show the last page by repeating its own cursor. A full page has to come twice by it.
                let is_own = self.at.as_ref() == Some(&at);
                let is_last = !is_full && (is_own || !has_link) || is_own && is_known && pages > 1;
                return match (is_last, is_known) {
                    (true, _) => Ok(None),
                    // They turn in a circle, or the server ignores the cursor.
                    (false, true) => Err(Cause::NoNextPage { endpoint, records }.into()),
                    // One cursor may lead to page after page.
                    (false, false) if empty <= MOST_EMPTY => Ok(Some(at)),
                    (false, false) => Err(Cause::EmptyPages { endpoint, pages: empty }.into()),
                };
            }
            Following::Page { at, .. } => at,
        };
        if is_repeated {
            return Err(Cause::PageRepeated { endpoint, page: self.pages }.into());
        }
        if empty > MOST_EMPTY {
            return Err(Cause::EmptyPages { endpoint, pages: empty }.into());
        }
        Ok(Some(at))
    }

    /// Checks whether a page that does not show whether another follows may be full. A few events of one second are
    /// no sign of it.
    fn may_be_full(&self, records: u64) -> bool {
        let is_largest = records >= self.events.largest_page.get();
        let is_narrowest = self.span.1 - self.span.0 <= NARROWEST;
        records >= self.events.full_page()
            || (is_largest && !is_narrowest && SMALL_PAGES.contains(&records))
    }

    /// Hands the first page to `sink`. Returns whether it was the only one.
    ///
    /// # Errors
    ///
    /// As [`Walk::next`].
    pub(crate) async fn first_page(
        &mut self,
        sink: &mut impl FnMut(Element<'_>),
    ) -> Result<bool, Error> {
        loop {
            match self.next(sink).await {
                Ok(true) if self.next.is_none() => {}
                Ok(has_next) => return Ok(!has_next),
                Err(error) if error.may_have_more() => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }

    /// Pages that were requested.
    #[must_use]
    pub(crate) fn pages(&self) -> u32 {
        self.pages
    }

    /// The number of events on the first page, if all of it was handed out and another follows it: then it
    /// was full.
    #[must_use]
    pub(crate) fn full_first_page(&self) -> Option<u64> {
        let is_full = self.pages == 1 && matches!(self.next, Some(Next::Cursor(_)));
        is_full.then_some(self.on_page)
    }

    async fn request(&mut self, next: Next) -> Result<Page<'a>, Error> {
        if self.pages == self.most {
            return Err(Cause::TooManyPages { pages: self.most }.into());
        }
        self.pages += 1;
        let is_first = matches!(next, Next::Types(_));
        self.at = match &next {
            Next::Cursor(at) => Some(at.clone()),
            Next::Types(_) => None,
        };
        let url = match next {
            Next::Cursor(NextPage { name, value }) => {
                let mut url = self.url.clone();
                url.query_pairs_mut().append_pair(name, &value);
                url
            }
            Next::Types(types) => {
                self.url = self.events.url(self.span.0, self.span.1, &types);
                // Its pages may have the same cursors: those that count pages do.
                (self.seen, self.progress) = (HashSet::new(), Progress::default());
                self.url.clone()
            }
        };
        self.events.page(&url, self.span, (self.pages, is_first)).await
    }
}
