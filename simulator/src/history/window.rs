//! The span of time that a request selects.

use chrono::{DateTime, Utc};

use crate::config::Bounds;

/// A span of time, open on the sides that are `None`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Window {
    pub(crate) start: Option<DateTime<Utc>>,
    pub(crate) stop: Option<DateTime<Utc>>,
    pub(crate) bounds: Bounds,
}

impl Window {
    pub(crate) fn contains(&self, at: DateTime<Utc>) -> bool {
        !self.begins_after(at) && !self.ends_before(at)
    }

    pub(crate) fn begins_after(&self, at: DateTime<Utc>) -> bool {
        self.start.is_some_and(|start| match self.bounds {
            Bounds::Inclusive | Bounds::HalfOpen => at < start,
            Bounds::Exclusive => at <= start,
        })
    }

    pub(crate) fn ends_before(&self, at: DateTime<Utc>) -> bool {
        self.stop.is_some_and(|stop| match self.bounds {
            Bounds::Inclusive => at > stop,
            Bounds::HalfOpen | Bounds::Exclusive => at >= stop,
        })
    }
}
