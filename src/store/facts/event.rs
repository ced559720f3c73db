//! Failures and successes as far as facts follow from them.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::model::Operation;
use crate::store::value::{Id, Time};

/// The columns of a failure, or of a success with nulls, as the statements of this module select them.
pub(super) type EventRow = (
    Id,
    String,
    Option<i64>,
    String,
    String,
    Option<i64>,
    Option<String>,
    Time,
    Option<String>,
    Option<bool>,
    Option<Time>,
    Option<Id>,
);

/// The outcome that the statements give a success.
const SUCCEEDED: &str = "succeeded";
/// The outcome of a failure of which no attempt was made.
const SKIPPED: &str = "skipped";

/// Texts that many rows have, each once.
#[derive(Debug, Default)]
pub(super) struct Interned(HashSet<Arc<str>>);

impl Interned {
    pub(super) fn get(&mut self, text: &str) -> Arc<str> {
        if let Some(text) = self.0.get(text) {
            return Arc::clone(text);
        }
        let text: Arc<str> = text.into();
        self.0.insert(Arc::clone(&text));
        text
    }
}

/// A row of the statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    Attempt(Attempt),
    Success(Success),
}

/// An attempt that failed, or that OneLogin was set not to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attempt {
    pub(super) id: Uuid,
    pub(super) source: Arc<str>,
    pub(super) user_id: Option<i64>,
    pub(super) operation: Operation,
    pub(super) is_skipped: bool,
    pub(super) app: App,
    pub(super) at: DateTime<Utc>,
    pub(super) fingerprint: Option<Arc<str>>,
    pub(super) resolution: Option<Resolution>,
    pub(super) twin_of: Option<Uuid>,
}

/// An attempt that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Success {
    pub(super) id: Uuid,
    pub(super) user_id: Option<i64>,
    pub(super) operation: Operation,
    pub(super) app: App,
    pub(super) at: DateTime<Utc>,
}

/// An app, as far as a record names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct App {
    pub(super) id: Option<i64>,
    pub(super) name: Option<Arc<str>>,
}

/// OneLogin's own resolution of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Resolution {
    /// The time of the failure, if OneLogin gives none.
    pub(super) at: DateTime<Utc>,
    pub(super) is_timed: bool,
}

impl Resolution {
    /// The resolution of a failure that happened `at`. A time alone is one, too.
    pub(super) fn of(
        solved: Option<bool>,
        resolved_at: Option<DateTime<Utc>>,
        at: DateTime<Utc>,
    ) -> Option<Self> {
        let is_resolved = solved.unwrap_or(resolved_at.is_some());
        let resolution = resolved_at.map_or(Self { at, is_timed: false }, |resolved_at| {
            // Clocks differ.
            Self { at: resolved_at.max(at), is_timed: true }
        });
        is_resolved.then_some(resolution)
    }
}

impl Event {
    pub(super) fn user_id(&self) -> Option<i64> {
        match self {
            Self::Attempt(attempt) => attempt.user_id,
            Self::Success(success) => success.user_id,
        }
    }

    pub(super) fn at(&self) -> DateTime<Utc> {
        match self {
            Self::Attempt(attempt) => attempt.at,
            Self::Success(success) => success.at,
        }
    }

    pub(super) fn read(row: &EventRow, texts: &mut Interned) -> Self {
        let (id, source, user_id, operation, outcome, app_id, app_name, at, ..) = row;
        let app = App { id: *app_id, name: app_name.as_deref().map(|name| texts.get(name)) };
        let (id, at, operation) = (id.0, at.0, Operation::from_stored(operation));
        if outcome == SUCCEEDED {
            return Self::Success(Success { id, user_id: *user_id, operation, app, at });
        }
        let (.., fingerprint, solved, resolved_at, twin_of) = row;
        Self::Attempt(Attempt {
            id,
            source: texts.get(source),
            user_id: *user_id,
            operation,
            is_skipped: outcome == SKIPPED,
            app,
            at,
            fingerprint: fingerprint.as_deref().map(|fingerprint| texts.get(fingerprint)),
            resolution: Resolution::of(*solved, resolved_at.map(|time| time.0), at),
            twin_of: twin_of.map(|id| id.0),
        })
    }
}
