//! The hour's allowance of calls, which all clients of an account share.

use chrono::{DateTime, TimeDelta, Utc};

const HOUR: TimeDelta = TimeDelta::hours(1);

/// The calls of the current hour. An hour starts with the first call after the last one.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    began: Option<DateTime<Utc>>,
    spent: u32,
}

/// What the `X-RateLimit-…` headers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) limit: u32,
    pub(super) remaining: u32,
    /// Seconds until the hour is over, rounded up: who waits for so long waits long enough.
    pub(super) reset: u32,
}

impl Left {
    /// Names and values.
    pub(super) fn headers(self) -> [(&'static str, u32); 3] {
        let Self { limit, remaining, reset } = self;
        [
            ("x-ratelimit-limit", limit),
            ("x-ratelimit-remaining", remaining),
            ("x-ratelimit-reset", reset),
        ]
    }
}

impl Allowance {
    /// Counts calls at `now`.
    pub(super) fn spend(&mut self, calls: u32, now: DateTime<Utc>) {
        if self.began_by(now).is_none() {
            *self = Self { began: Some(now), spent: 0 };
        }
        self.spent = self.spent.saturating_add(calls);
    }

    /// Whether more calls than `limit` were made in the hour.
    pub(super) fn is_exceeded(&self, limit: u32) -> bool {
        self.spent > limit
    }

    /// What is left of `limit` at `now`.
    pub(super) fn left(&self, limit: u32, now: DateTime<Utc>) -> Left {
        let Some(began) = self.began_by(now) else {
            return Left { limit, remaining: limit, reset: 3600 };
        };
        let millis = (HOUR - (now - began)).num_milliseconds();
        let reset = u32::try_from(millis.unsigned_abs().div_ceil(1000)).unwrap_or(3600);
        Left { limit, remaining: limit.saturating_sub(self.spent), reset }
    }

    /// When the hour began that lasts at `now`. A clock that went back before it begins anew.
    fn began_by(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.began.filter(|&began| began <= now && now - began < HOUR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_starts_with_its_first_call() {
        let mut allowance = Allowance::default();
        let noon = DateTime::from_timestamp(1_774_008_000, 0).expect("a date");
        let left = |allowance: &Allowance, now| {
            let left = allowance.left(10, now);
            (left.remaining, left.reset, allowance.is_exceeded(10))
        };
        assert_eq!(left(&allowance, noon), (10, 3600, false));
        allowance.spend(4, noon);
        assert_eq!(left(&allowance, noon), (6, 3600, false));
        let later = noon + TimeDelta::milliseconds(1_500);
        allowance.spend(6, later);
        assert_eq!(left(&allowance, later), (0, 3599, false));
        allowance.spend(1, later);
        assert_eq!(left(&allowance, later), (0, 3599, true));
        let one = noon + HOUR;
        assert_eq!(allowance.left(10, one).remaining, 10);
        allowance.spend(1, one);
        assert_eq!(left(&allowance, one), (9, 3600, false));
        allowance.spend(1, noon);
        assert_eq!(left(&allowance, noon), (9, 3600, false), "a clock that was set back");
    }
}
