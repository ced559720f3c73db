//! The events API: `GET /api/1/events`, page by page.

use std::cell::Cell;
use std::collections::HashSet;

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use url::Url;

use super::call_budget::CallBudget;
use super::client::{Meter, Purpose};
use super::error::{Cause, Error};
use super::page::Page;
use super::resource::Resource;
use super::retry::Policy;
use super::session::Session;
use super::splitter::{Element, Shape};
use super::users::{USERS_PER_REQUEST, texts};
use super::{ConfigError, Options};

const EVENTS: [&str; 3] = ["api", "1", "events"];
const TYPES: [&str; 4] = ["api", "1", "events", "types"];

/// Filters have milliseconds, so requests have them too.
const DATE_FORMAT: &str = "%Y-%m-%dT%H:%M:%S%.3fZ";

/// Pages of a window: about a minute of reading. A window with more is split, so that what was read is
/// kept when the budget ends.
const MOST_PAGES: u32 = 250;
/// Pages of the narrowest window, which cannot be split: a server that never ends would be read for
/// ever.
const PAGES_AT_ALL: u32 = 100_000;
/// Pages that a window is expected to have at most.
const PLANNED_PAGES: u32 = 100;
/// A window takes at most this share of an hour's calls.
const SHARE: u64 = 4;

/// Parameters of requests to the events API.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    /// Numbers of event types; not every server looks at them.
    pub types: Vec<i64>,
    /// Events per page; `None` leaves it to the server, which documents 50.
    pub limit: Option<u32>,
    /// Calls in any hour, over all runs.
    pub calls_per_hour: u64,
}

/// The events API of one account.
#[derive(Debug)]
pub(crate) struct Events {
    pub(super) session: Box<Session>,
    types: String,
    limit: Option<u32>,
    pub(super) users_per_request: Cell<usize>,
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
        let types: Vec<String> = query.types.iter().map(ToString::to_string).collect();
        let session =
            Box::new(Session::new(options, client_id, client_secret, query.calls_per_hour)?);
        let users_per_request = Cell::new(USERS_PER_REQUEST);
        Ok(Self { session, types: types.join(","), limit: query.limit, users_per_request })
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

    /// Calls to reserve for a window, a small part of an hour's: those of a killed run are lost.
    #[must_use]
    pub(crate) fn calls_of_a_window(&self) -> u32 {
        self.calls_per_window().min(PLANNED_PAGES)
    }

    /// Calls that a window may use, without retries.
    #[must_use]
    pub(crate) fn calls_per_window(&self) -> u32 {
        let share = self.session.budget.per_hour() / SHARE;
        u32::try_from(share).map_or(MOST_PAGES, |share| share.clamp(1, MOST_PAGES))
    }

    /// Requests the first page of the events from `from` to `to`. All pages are of this span, so that
    /// events which appear meanwhile move nothing in it. A window that `may_be_cut` is given up when it
    /// turns out too large.
    ///
    /// # Errors
    ///
    /// [`Error`], when no usable answer came.
    pub(crate) async fn open(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        may_be_cut: bool,
    ) -> Result<Walk<'_>, Error> {
        let mut url = self.session.client.url(&EVENTS);
        let time = |at: DateTime<Utc>| at.format(DATE_FORMAT).to_string();
        url.query_pairs_mut()
            .append_pair("since", &time(from))
            .append_pair("until", &time(to))
            .append_pair("event_type_id", &self.types)
            // The plus sign is encoded: bare, it would be a space.
            .append_pair("sort", "+id");
        if let Some(limit) = self.limit {
            url.query_pairs_mut().append_pair("limit", &limit.to_string());
        }
        let most = if may_be_cut { self.calls_per_window() } else { PAGES_AT_ALL };
        let span = (from, to);
        let page = self.page(&url, span, 1).await?;
        let server_now = page.server_now();
        let seen = HashSet::new();
        Ok(Walk { server_now, events: self, url, span, page: Some(page), pages: 1, most, seen })
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

    async fn page(
        &self,
        url: &Url,
        span: (DateTime<Utc>, DateTime<Utc>),
        page: u32,
    ) -> Result<Page<'_>, Error> {
        let purpose =
            Purpose { span: Some(span), page: Some(page), ..Purpose::new(Resource::Events) };
        let read = async |incoming| Page::read(incoming, Shape::Page).await;
        self.session.get(url, purpose, read).await
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
    /// The page that is read; `None` after the last one.
    page: Option<Page<'a>>,
    pages: u32,
    most: u32,
    /// Cursors that were followed.
    seen: HashSet<String>,
}

impl<'a> Walk<'a> {
    /// Hands some events to `sink`, and requests what follows. Gives `false` when nothing does.
    ///
    /// # Errors
    ///
    /// [`Error`], when a page does not come. The walk cannot go on then, and the records handed out
    /// must be dropped.
    pub(crate) async fn next(&mut self, sink: &mut impl FnMut(Element<'_>)) -> Result<bool, Error> {
        let Some(page) = &mut self.page else { return Ok(false) };
        if page.hand_out(sink) {
            return Ok(true);
        }
        if !page.is_complete() {
            // A part of it has been handed out, so another request for it would repeat that.
            page.read_on().await.map_err(Error::of_window)?;
            return Ok(true);
        }
        // Some servers show the last page by repeating its cursor.
        let next = page.next().filter(|cursor| self.seen.insert(cursor.clone()));
        self.page = match next {
            Some(cursor) => Some(self.request(&cursor).await?),
            None => None,
        };
        Ok(self.page.is_some())
    }

    async fn request(&mut self, cursor: &str) -> Result<Page<'a>, Error> {
        if self.pages == self.most {
            return Err(Cause::TooManyPages { pages: self.most }.into());
        }
        self.pages += 1;
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("after_cursor", cursor);
        self.events.page(&url, self.span, self.pages).await
    }
}
