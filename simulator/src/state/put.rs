//! Records and events that a test puts by hand.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

/// A record or event for [`Simulator::put`](crate::Simulator::put) or
/// [`Simulator::put_event`](crate::Simulator::put_event).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The instant by which the simulator orders and filters it. `body` may name another.
    pub at: DateTime<Utc>,
    /// The instant from which it is served: `at`, or later for a late record.
    pub visible_from: DateTime<Utc>,
    /// The text of the element, served unchanged. It need not be JSON.
    pub body: String,
}

impl Entry {
    /// A record that is served from `at` on.
    #[must_use]
    pub fn new(at: DateTime<Utc>, body: impl Into<String>) -> Self {
        Self { at, visible_from: at, body: body.into() }
    }

    /// The same record, served from `visible_from` on.
    #[must_use]
    pub fn late(self, visible_from: DateTime<Utc>) -> Self {
        Self { visible_from, ..self }
    }
}

/// An event put by hand, with the values that its text has.
#[derive(Clone, Debug)]
pub(crate) struct PutEvent {
    pub(crate) at: DateTime<Utc>,
    pub(crate) visible_from: DateTime<Utc>,
    pub(crate) body: Arc<str>,
    pub(crate) id: Option<i64>,
    /// `None` passes every filter.
    pub(crate) event_type_id: Option<i64>,
}

impl PutEvent {
    pub(crate) fn new(at: DateTime<Utc>, visible_from: DateTime<Utc>, body: String) -> Self {
        let read: Value = serde_json::from_str(&body).unwrap_or_default();
        let number = |name: &str| match &read[name] {
            Value::String(text) => text.parse().ok(),
            value => value.as_i64(),
        };
        let (id, event_type_id) = (number("id"), number("event_type_id"));
        Self { at, visible_from, body: body.into(), id, event_type_id }
    }
}
