//! The events API: `GET /api/1/events`, page by page.

use std::cell::Cell;
use std::collections::{HashSet, VecDeque};

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use url::Url;

use super::call_budget::CallBudget;
use super::client::{Incoming, Meter, Purpose};
use super::error::{Cause, Error};
use super::malformed::Malformed;
use super::next_page::{Following, NextPage, PageEnd, Progress};
use super::page::Page;
use super::resource::Resource;
use super::retry::Policy;
use super::session::Session;
use super::source::Scope;
use super::splitter::{Element, Shape};
use super::users::texts;
use super::{ConfigError, Options};

const EVENTS: [&str; 3] = ["api", "1", "events"];
const TYPES: [&str; 4] = ["api", "1", "events", "types"];

/// Filters have milliseconds, so requests have them too.
const DATE_FORMAT: &str = "%Y-%m-%dT%H:%M:%S%.3fZ";

/// Pages of the narrowest window, which cannot be split: a server that never ends would be read for
/// ever.
pub(crate) const PAGES_AT_ALL: u32 = 100_000;

/// Events per page as documented.
const PAGE: u64 = 50;

/// Empty pages in a row that are read. A server that cuts pages before it looks at the types has some.
const MOST_EMPTY: u32 = 50;

/// Parameters of requests to the events API.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    /// Numbers of event types; not every server looks at them.
    pub types: Vec<i64>,
    /// Those of them that are failures.
    pub failures: Vec<i64>,
    /// Events per page; `None` leaves it to the server, which documents 50.
    pub limit: Option<u32>,
    /// Calls in any hour, over all runs.
    pub calls_per_hour: u64,
}

/// The events API of one account.
#[derive(Debug)]
pub(crate) struct Events {
    pub(super) session: Box<Session>,
    types: Vec<i64>,
    failures: Vec<i64>,
    /// True if the server takes one type per request, and each is requested by itself.
    takes_one_type: Cell<bool>,
    limit: Option<u32>,
}

impl Events {
    /// A source; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], when the base URL is not acceptable, the credential cannot be one, or the HTTP
    /// client cannot start.
    pub(crate) fn new(
        options: &Options,
        client_id: SecretString,
        client_secret: SecretString,
        query: &Query,
    ) -> Result<Self, ConfigError> {
        let session =
            Box::new(Session::new(options, client_id, client_secret, query.calls_per_hour)?);
        Ok(Self {
            session,
            types: query.types.clone(),
            failures: query.failures.clone(),
            takes_one_type: Cell::new(false),
            limit: query.limit,
        })
    }

    /// Limits on attempts.
    #[must_use]
    pub(crate) fn policy(&self) -> &Policy {
        &self.session.policy
    }

    /// Host and port, without the default port.
    #[must_use]
    pub(crate) fn host(&self) -> String {
        self.session.client.host()
    }

    /// OneLogin's id of the account, once a token has named it.
    #[must_use]
    pub(crate) fn account_id(&self) -> Option<i64> {
        self.session.tokens.account_id()
    }

    /// Network traffic.
    #[must_use]
    pub(crate) fn meter(&self) -> &Meter {
        &self.session.client.meter
    }

    /// The calls that may be made.
    #[must_use]
    pub(crate) fn budget(&self) -> &CallBudget {
        &self.session.budget
    }

    /// Requests each type by itself from now on: the server takes only the first of several.
    pub(crate) fn request_types_one_by_one(&self) {
        self.takes_one_type.set(true);
    }

    /// Events per page, if that is given.
    #[must_use]
    pub(crate) fn page_limit(&self) -> Option<u32> {
        self.limit
    }

    /// Requests the first page of the events from `from` to `to`. All pages are of this span, so that
    /// events which appear meanwhile move nothing in it.
    ///
    /// # Errors
    ///
    /// [`Error`], when no usable answer came.
    pub(crate) async fn open(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        scope: Scope,
    ) -> Result<Walk<'_>, Error> {
        let types = if scope.failures_only { &self.failures } else { &self.types };
        self.open_types(from, to, types, scope.most_pages).await
    }

    /// Requests the first page of events of these types.
    ///
    /// # Errors
    ///
    /// [`Error`], when no usable answer came.
    pub(crate) async fn open_types(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        types: &[i64],
        most: u32,
    ) -> Result<Walk<'_>, Error> {
        let types: Vec<String> = types.iter().map(ToString::to_string).collect();
        let together = if self.takes_one_type.get() { 1 } else { types.len().max(1) };
        let mut requests: VecDeque<String> = types.chunks(together).map(|t| t.join(",")).collect();
        let first = requests.pop_front().unwrap_or_default();
        let url = self.url(from, to, &first);
        let page = self.page(&url, (from, to), (1, true)).await?;
        Ok(Walk {
            server_now: page.server_now(),
            events: self,
            span: (from, to),
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
        })
    }

    fn url(&self, from: DateTime<Utc>, to: DateTime<Utc>, types: &str) -> Url {
        let mut url = self.session.client.url(&EVENTS);
        let time = |at: DateTime<Utc>| at.format(DATE_FORMAT).to_string();
        url.query_pairs_mut()
            .append_pair("since", &time(from))
            .append_pair("until", &time(to))
            .append_pair("event_type_id", types)
            // The plus sign is encoded: bare, it would be a space.
            .append_pair("sort", "+id");
        if let Some(limit) = self.limit {
            url.query_pairs_mut().append_pair("limit", &limit.to_string());
        }
        url
    }

    /// Requests the names of all event types, and gives the text of each, which may be no JSON.
    ///
    /// # Errors
    ///
    /// [`Error`], when no usable answer came.
    pub(crate) async fn types(&self) -> Result<Vec<Vec<u8>>, Error> {
        let url = self.session.client.url(&TYPES);
        let read = async |incoming| Page::read_all(incoming, Shape::Page).await;
        let mut page = self.session.get(&url, Purpose::new(Resource::Events), read).await?;
        Ok(texts(&mut page))
    }

    async fn page<'a>(
        &'a self,
        url: &Url,
        span: (DateTime<Utc>, DateTime<Utc>),
        (page, is_first): (u32, bool),
    ) -> Result<Page<'a>, Error> {
        let purpose =
            Purpose { span: Some(span), page: Some(page), ..Purpose::new(Resource::Events) };
        let read = async |incoming: Incoming<'a>| {
            // A page that another one announced has an envelope, even if it is empty.
            if incoming.is_empty() && !is_first {
                return Err(Error::body(&incoming, Malformed::Truncated { bytes: 0 }));
            }
            Page::read(incoming, Shape::Page).await
        };
        self.session.get(url, purpose, read).await
    }

    /// Events from which on a page counts as full: the server may have more.
    fn full_page(&self) -> u64 {
        self.limit.map_or(PAGE, u64::from).min(PAGE)
    }
}

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
        let is_full = records >= self.events.full_page();
        let at = match following {
            Following::Unknown if is_full => {
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
