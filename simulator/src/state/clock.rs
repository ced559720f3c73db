//! The simulated clock.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

#[derive(Debug)]
pub(crate) struct Clock {
    at: DateTime<Utc>,
    /// The real moment at which the clock showed `at`, if it ticks.
    since: Option<Instant>,
}

impl Clock {
    pub(super) fn new(at: DateTime<Utc>, is_ticking: bool) -> Self {
        Self { at, since: is_ticking.then(Instant::now) }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.since.map_or(self.at, |since| later(self.at, since.elapsed()))
    }

    pub(crate) fn set(&mut self, now: DateTime<Utc>) {
        self.at = now;
        self.since = self.since.map(|_| Instant::now());
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.at = later(self.at, by);
    }
}

fn later(at: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    let by = TimeDelta::from_std(by).unwrap_or(TimeDelta::MAX);
    at.checked_add_signed(by).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
