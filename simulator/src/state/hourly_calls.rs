//! The hourly limit of calls, which all clients of an account share.

use chrono::{DateTime, TimeDelta, Utc};

const HOUR: TimeDelta = TimeDelta::hours(1);

/// Calls of the current hour. An hour starts with the first call after the end of the last hour.
#[derive(Debug, Default)]
pub(crate) struct HourlyCalls {
    began: Option<DateTime<Utc>>,
    spent: u32,
}

/// Values of the `X-RateLimit-…` headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CallsLeft {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// Seconds until the end of the hour, rounded up so that waiting for them is long enough.
    pub(crate) reset: u32,
}

impl CallsLeft {
    pub(crate) fn headers(self) -> [(&'static str, u32); 3] {
        let Self { limit, remaining, reset } = self;
        [
            ("x-ratelimit-limit", limit),
            ("x-ratelimit-remaining", remaining),
            ("x-ratelimit-reset", reset),
        ]
    }
}

impl HourlyCalls {
    /// Counts calls at `now`.
    pub(crate) fn spend(&mut self, calls: u32, now: DateTime<Utc>) {
        if self.began_by(now).is_none() {
            *self = Self { began: Some(now), spent: 0 };
        }
        self.spent = self.spent.saturating_add(calls);
    }

    /// Returns whether more calls than `limit` were made in the hour.
    pub(crate) fn is_exceeded(&self, limit: u32) -> bool {
        self.spent > limit
    }

    /// The rest of `limit` at `now`.
    pub(crate) fn left(&self, limit: u32, now: DateTime<Utc>) -> CallsLeft {
        let Some(began) = self.began_by(now) else {
            return CallsLeft { limit, remaining: limit, reset: 3600 };
        };
        let millis = (HOUR - (now - began)).num_milliseconds();
        let reset = u32::try_from(millis.unsigned_abs().div_ceil(1000)).unwrap_or(3600);
        CallsLeft { limit, remaining: limit.saturating_sub(self.spent), reset }
    }

    /// The start of the hour that contains `now`. `None` if the clock was set back before it.
    fn began_by(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.began.filter(|&began| began <= now && now - began < HOUR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_starts_with_its_first_call() {
        let mut calls = HourlyCalls::default();
        let noon = DateTime::from_timestamp(1_774_008_000, 0).expect("a date");
        let left = |calls: &HourlyCalls, now| {
            let left = calls.left(10, now);
            (left.remaining, left.reset, calls.is_exceeded(10))
        };
        assert_eq!(left(&calls, noon), (10, 3600, false));
        calls.spend(4, noon);
        assert_eq!(left(&calls, noon), (6, 3600, false));
        let later = noon + TimeDelta::milliseconds(1_500);
        calls.spend(6, later);
        assert_eq!(left(&calls, later), (0, 3599, false));
        calls.spend(1, later);
        assert_eq!(left(&calls, later), (0, 3599, true));
        let one = noon + HOUR;
        assert_eq!(calls.left(10, one).remaining, 10);
        calls.spend(1, one);
        assert_eq!(left(&calls, one), (9, 3600, false));
        calls.spend(1, noon);
        assert_eq!(left(&calls, noon), (9, 3600, false), "the clock was set back");
    }
}
