//! Source of failures: either API or a saved file, read per window.

use std::time::Instant;

use chrono::{DateTime, Utc};
use tokio::time::timeout_at;

use super::error::Cause;
use super::events::{Events, PAGES_AT_ALL, Walk};
use super::legacy::{self, Legacy};
use super::retry::Policy;
use super::saved::{self, Saved};
use super::splitter::Element;
use super::{Error, Meter};
use crate::source::SourceKind;

/// Events per page as documented.
const PAGE: f64 = 50.0;

/// The part of a window that is requested. Only the events API can choose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope {
    /// Failures, and no successes.
    pub failures_only: bool,
    /// Pages after which the window is given up.
    pub most_pages: u32,
}

impl Scope {
    /// Everything, however much it is.
    pub(crate) const ALL: Self = Self { failures_only: false, most_pages: PAGES_AT_ALL };
}

/// Source of failures.
#[derive(Debug)]
pub(crate) enum Source {
    /// The deprecated endpoint.
    Legacy(Legacy),
    /// The events API.
    Events(Events),
    /// A file that was saved from either, or from a webhook.
    Saved(Saved),
}

impl Source {
    /// The interface that its records come from.
    #[must_use]
    pub(crate) fn kind(&self) -> SourceKind {
        match self {
            Self::Legacy(_) => SourceKind::Legacy,
            Self::Events(_) => SourceKind::Events,
            Self::Saved(saved) => saved.kind(),
        }
    }

    /// Limits on the attempts to read a window.
    #[must_use]
    pub(crate) fn policy(&self) -> &Policy {
        match self {
            Self::Legacy(legacy) => legacy.policy(),
            Self::Events(events) => events.policy(),
            Self::Saved(saved) => saved.policy(),
        }
    }

    /// Counts of the network traffic.
    #[must_use]
    pub(crate) fn meter(&self) -> &Meter {
        match self {
            Self::Legacy(legacy) => legacy.meter(),
            Self::Events(events) => events.meter(),
            Self::Saved(saved) => saved.meter(),
        }
    }

    /// Host and port that the records come from; a file has none.
    #[must_use]
    pub(crate) fn host(&self) -> Option<String> {
        match self {
            Self::Legacy(legacy) => Some(legacy.host()),
            Self::Events(events) => Some(events.host()),
            Self::Saved(_) => None,
        }
    }

    /// OneLogin's id of the account, once a token has named it.
    #[must_use]
    pub(crate) fn account_id(&self) -> Option<i64> {
        match self {
            Self::Events(events) => events.account_id(),
            Self::Legacy(_) | Self::Saved(_) => None,
        }
    }

    /// Records of a page, until one is seen. The legacy API has none, and is counted in the same.
    #[must_use]
    pub(crate) fn page(&self) -> f64 {
        match self {
            Self::Events(events) => events.page_limit().map_or(PAGE, f64::from),
            Self::Legacy(_) | Self::Saved(_) => PAGE,
        }
    }

    /// True if failures can be requested without successes.
    #[must_use]
    pub(crate) fn has_types(&self) -> bool {
        matches!(self, Self::Events(_))
    }

    /// Requests the records from `from` to `to`; whether a source includes these is not documented. A file
    /// gives all it has.
    ///
    /// # Errors
    ///
    /// [`Error`], when no answer came, or none that can be used.
    pub(crate) async fn open(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        scope: Scope,
    ) -> Result<Answer<'_>, Error> {
        match self {
            Self::Legacy(legacy) => legacy.open(from, to).await.map(Box::new).map(Answer::Legacy),
            Self::Events(events) => {
                events.open(from, to, scope).await.map(Box::new).map(Answer::Events)
            }
            Self::Saved(saved) => Ok(Answer::Saved(Box::new(saved.records()?))),
        }
    }
}

/// A successful answer whose records are still to be read.
///
/// Nothing of it counts before [`Answer::next`] has reported that it is complete.
pub(crate) enum Answer<'a> {
    /// One body.
    Legacy(Box<legacy::Answer<'a>>),
    /// Page after page.
    Events(Box<Walk<'a>>),
    /// A file.
    Saved(Box<saved::Records<'a>>),
}

impl Answer<'_> {
    /// Returns whether each part is a page, read later than the one before it.
    #[must_use]
    pub(crate) fn is_paged(&self) -> bool {
        matches!(self, Self::Events(_))
    }

    /// Pages that were requested so far; an answer without pages is one.
    #[must_use]
    pub(crate) fn pages(&self) -> u32 {
        match self {
            Self::Events(walk) => walk.pages(),
            Self::Legacy(_) | Self::Saved(_) => 1,
        }
    }

    /// The number of records on the first page, if all of it was handed out and another follows it.
    #[must_use]
    pub(crate) fn full_first_page(&self) -> Option<u64> {
        match self {
            Self::Events(walk) => walk.full_first_page(),
            Self::Legacy(_) | Self::Saved(_) => None,
        }
    }

    /// The server's clock when it answered, from its `Date` header; a file has none.
    #[must_use]
    pub(crate) fn server_now(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Legacy(answer) => answer.server_now,
            Self::Events(walk) => walk.server_now,
            Self::Saved(_) => None,
        }
    }

    /// Reads on, and hands the raw text of each record to `sink`. Gives `false` at the end.
    ///
    /// # Errors
    ///
    /// [`Error`]; what was handed out must then be dropped.
    pub(crate) async fn next(&mut self, sink: &mut impl FnMut(Element<'_>)) -> Result<bool, Error> {
        match self {
            Self::Legacy(answer) => answer.next(sink).await,
            Self::Events(walk) => walk.next(sink).await,
            Self::Saved(records) => Ok(records.next(sink).await?),
        }
    }

    /// Reads on as [`Answer::next`], and gives up an answer of which nothing comes until `limit`.
    ///
    /// # Errors
    ///
    /// As [`Answer::next`]; an answer that was given up is worth a request for less.
    pub(crate) async fn next_until(
        &mut self,
        limit: Instant,
        sink: &mut impl FnMut(Element<'_>),
    ) -> Result<bool, Error> {
        match timeout_at(limit.into(), self.next(sink)).await {
            Ok(more) => more,
            Err(_) => Err(Cause::Paused.into()),
        }
    }
}
