//! The events API: `GET /api/1/events`, page by page.

mod walk;

use std::cell::Cell;
use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use url::Url;

pub(crate) use self::walk::Walk;
use super::account_api::AccountApi;
use super::call_budget::CallBudget;
use super::client::{Incoming, Meter, Purpose};
use super::error::Error;
use super::malformed::Malformed;
use super::page::Page;
use super::resource::Resource;
use super::retry::Policy;
use super::source::Scope;
use super::splitter::Shape;
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

/// Sizes of pages below the documented one that a server may have. As many events on a page that does not show whether
/// another follows may be a full page.
const SMALL_PAGES: [u64; 5] = [10, 20, 25, 30, 40];

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
    pub(super) api: Box<AccountApi>,
    types: Vec<i64>,
    failures: Vec<i64>,
    /// True if the server takes one type per request, and each is requested by itself.
    takes_one_type: Cell<bool>,
    limit: Option<u32>,
    /// Events of the largest page so far.
    largest_page: Cell<u64>,
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
        let api =
            Box::new(AccountApi::new(options, client_id, client_secret, query.calls_per_hour)?);
        Ok(Self {
            api,
            types: query.types.clone(),
            failures: query.failures.clone(),
            takes_one_type: Cell::new(false),
            limit: query.limit,
            largest_page: Cell::new(0),
        })
    }

    /// Limits on attempts.
    #[must_use]
    pub(crate) fn policy(&self) -> &Policy {
        &self.api.policy
    }

    /// Host and port, without the default port.
    #[must_use]
    pub(crate) fn host(&self) -> String {
        self.api.client.host()
    }

    /// OneLogin's id of the account, once a token has named it.
    #[must_use]
    pub(crate) fn account_id(&self) -> Option<i64> {
        self.api.tokens.account_id()
    }

    /// Network traffic.
    #[must_use]
    pub(crate) fn meter(&self) -> &Meter {
        &self.api.client.meter
    }

    /// The calls that may be made.
    #[must_use]
    pub(crate) fn budget(&self) -> &CallBudget {
        &self.api.budget
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
        Ok(Walk::new(self, (from, to), (url, requests), page, most))
    }

    fn url(&self, from: DateTime<Utc>, to: DateTime<Utc>, types: &str) -> Url {
        let mut url = self.api.client.url(&EVENTS);
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
        let url = self.api.client.url(&TYPES);
        let read = async |incoming| Page::read_all(incoming, Shape::Page).await;
        let mut page = self.api.get(&url, Purpose::new(Resource::Events), read).await?;
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
            let page = Page::read(incoming, Shape::Page).await?;
            Ok(if is_first { page } else { page.after_cursor() })
        };
        self.api.get(url, purpose, read).await
    }

    /// Events from which on a page counts as full: the server may have more.
    fn full_page(&self) -> u64 {
        self.limit.map_or(PAGE, u64::from).min(PAGE)
    }
}
