//! The events API: `GET /api/1/events`, page by page.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde_json::value::RawValue;
use url::Url;

use super::call_budget::CallBudget;
use super::client::{Meter, Purpose};
use super::envelope::{Body, Envelope, Page};
use super::error::{Cause, Error};
use super::headers;
use super::resource::Resource;
use super::retry::Policy;
use super::session::Session;
use super::{ConfigError, Options};

const EVENTS: [&str; 3] = ["api", "1", "events"];
const TYPES: [&str; 4] = ["api", "1", "events", "types"];

/// What is filtered by milliseconds is asked for in milliseconds.
const DATE_FORMAT: &str = "%Y-%m-%dT%H:%M:%S%.3fZ";

/// Pages of a window: about a minute of reading. One with more is asked for in smaller pieces, so
/// that what was read is kept when the budget ends.
const MOST_PAGES: u32 = 250;
/// Pages of the narrowest window, which cannot be asked for in smaller pieces: a server that never
/// ends would be read for ever.
const PAGES_AT_ALL: u32 = 100_000;
/// A window takes at most this share of an hour's calls.
const SHARE: u64 = 4;

/// What to ask the events API for.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    /// Numbers of event types; not every server looks at them.
    pub types: Vec<i64>,
    /// Events a page; none leaves it to the server, which documents 50.
    pub limit: Option<u32>,
    /// Calls in any hour, over all runs.
    pub calls_per_hour: u64,
}

/// The events API of one account.
#[derive(Debug)]
pub(crate) struct Events {
    pub(super) session: Session,
    types: String,
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
        let types: Vec<String> = query.types.iter().map(ToString::to_string).collect();
        let session = Session::new(options, client_id, client_secret, query.calls_per_hour)?;
        Ok(Self { session, types: types.join(","), limit: query.limit })
    }

    /// How long to go on after failures, for [`Attempts`](super::retry::Attempts).
    #[must_use]
    pub(crate) fn policy(&self) -> &Policy {
        &self.session.policy
    }

    /// What went over the network.
    #[must_use]
    pub(crate) fn meter(&self) -> &Meter {
        &self.session.client.meter
    }

    /// The calls that may be made.
    #[must_use]
    pub(crate) fn budget(&self) -> &CallBudget {
        &self.session.budget
    }

    /// Calls that a window may take, retries left out.
    #[must_use]
    pub(crate) fn calls_per_window(&self) -> u32 {
        let share = self.session.budget.per_hour() / SHARE;
        u32::try_from(share).map_or(MOST_PAGES, |share| share.clamp(1, MOST_PAGES))
    }

    /// Asks for the first page of the events from `from` to `to`. All pages are of this span, so
    /// that events which appear meanwhile move nothing in it. A window that `may_be_cut` is given
    /// up when it turns out too large.
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
        let (page, server_now) = self.page(&url, span, 1).await?;
        Ok(Walk {
            events: self,
            url,
            server_now,
            span,
            page: Some(page),
            pages: 1,
            most,
            seen: HashSet::new(),
        })
    }

    /// The names of all event types, as raw text each.
    ///
    /// # Errors
    ///
    /// [`Error`], when no usable answer came.
    pub(crate) async fn types(&self) -> Result<Vec<Box<RawValue>>, Error> {
        let url = self.session.client.url(&TYPES);
        let read = |body: &Body| body.json::<Envelope>()?.page(body);
        self.session.get(&url, Purpose::new(Resource::Events), read).await.map(|page| page.data)
    }

    async fn page(
        &self,
        url: &Url,
        span: (DateTime<Utc>, DateTime<Utc>),
        page: u32,
    ) -> Result<(Page, Option<DateTime<Utc>>), Error> {
        let purpose =
            Purpose { span: Some(span), page: Some(page), ..Purpose::new(Resource::Events) };
        let read = |body: &Body| {
            let page = body.json::<Envelope>()?.page(body)?;
            Ok((page, headers::clock(&body.headers)))
        };
        self.session.get(url, purpose, read).await
    }
}

/// The pages of a window, of which the first has come.
///
/// The order in which events come is asked for and not relied upon: no mark is taken from the last
/// of them.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    /// The server's clock when it answered, from its `Date` header.
    pub server_now: Option<DateTime<Utc>>,
    events: &'a Events,
    span: (DateTime<Utc>, DateTime<Utc>),
    /// URL of the first page.
    url: Url,
    /// What has come and was not handed out.
    page: Option<Page>,
    pages: u32,
    most: u32,
    /// Cursors that were followed.
    seen: HashSet<String>,
}

impl Walk<'_> {
    /// Hands the raw text of each event of the next page to `sink`. Gives `false` when that was the
    /// last one.
    ///
    /// # Errors
    ///
    /// [`Error`], when a page does not come. The walk cannot go on then, and the records handed out
    /// must be dropped.
    pub(crate) async fn next(&mut self, sink: &mut impl FnMut(&[u8])) -> Result<bool, Error> {
        let Some(page) = self.page.take() else { return Ok(false) };
        page.data.iter().for_each(|event| sink(event.get().as_bytes()));
        // A cursor that comes again leads nowhere: that is how some servers say that this was all.
        let Some(cursor) = page.next.filter(|cursor| self.seen.insert(cursor.clone())) else {
            return Ok(false);
        };
        if self.pages == self.most {
            return Err(Cause::TooManyPages { pages: self.most }.into());
        }
        self.pages += 1;
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("after_cursor", &cursor);
        let (page, _) = self.events.page(&url, self.span, self.pages).await?;
        self.page = Some(page);
        Ok(true)
    }
}
