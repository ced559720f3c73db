//! Decides whether a failed request is sent again, after how long, and for how much.
//!
//! The decision is one pure function, [`decide`]: no clock, no I/O, no randomness of its own.
//! [`Attempts`] feeds it, for one page as for one window.

use std::time::{Duration, Instant};

use super::error::{Class, Error};

/// Shortest wait after a rate limit, whatever the server asks for: "wait 0 seconds" must not become
/// a tight loop.
const MIN_RATE_LIMIT_WAIT: Duration = Duration::from_millis(100);

/// Most that is added to a wait that the server requested, so that jobs that were limited together do
/// not return together. Nothing is subtracted: earlier would break the limit again.
const MAX_ADDED_JITTER: Duration = Duration::from_secs(1);

/// The time at which the same request may succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Never: the answer will be the same.
    Never,
    /// After a pause of our choice.
    Backoff,
    /// After the wait that the server requested.
    After(Duration),
    /// After the wait until the rate limit allows more calls.
    AfterLimit(Duration),
}

/// The time at which a smaller window may succeed where this one failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Narrow {
    /// Never: the size of the window has nothing to do with it.
    Never,
    /// If it fails again: some servers fail at once on a window that is too large for them, and it
    /// would fail in every run.
    FromSecondAttempt,
    /// At the next attempt.
    AtOnce,
}

/// Limits on attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Policy {
    /// Attempts in total, the first included.
    pub max_attempts: u32,
    /// Time in total, from the start of the first attempt. A wait that would pass it is not begun.
    pub max_elapsed: Duration,
    /// Ceiling of the first backoff; it doubles with every attempt.
    pub base: Duration,
    /// Ceiling of every backoff. It does not shorten a wait that the server requested.
    pub cap: Duration,
}

impl Default for Policy {
    /// Eight attempts in ten minutes: a deployment or a failover of the source passes in that
    /// time; for more, the scheduler's next run is the better retry.
    fn default() -> Self {
        Self {
            max_attempts: 8,
            max_elapsed: Duration::from_mins(10),
            base: Duration::from_millis(500),
            cap: Duration::from_mins(1),
        }
    }
}

/// The next step after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Wait, then try again, with a smaller window if `narrow`.
    Wait {
        /// The time to wait.
        wait: Duration,
        /// True if a smaller window is more likely to succeed.
        narrow: bool,
    },
    /// Try again at once, but only with a smaller window.
    Narrow,
    /// Report the error.
    GiveUp,
}

/// Failed attempts at one page or one window.
#[derive(Debug)]
pub(crate) struct Attempts<'a> {
    policy: &'a Policy,
    since: Instant,
    made: u32,
}

impl<'a> Attempts<'a> {
    /// Starts the clock of the first attempt.
    #[must_use]
    pub(crate) fn begin(policy: &'a Policy) -> Self {
        Self { policy, since: Instant::now(), made: 0 }
    }

    /// Counts an attempt that failed, and decides what to do next.
    #[must_use]
    pub(crate) fn failed(&mut self, error: &Error) -> Decision {
        self.made = self.made.saturating_add(1);
        let elapsed = self.since.elapsed();
        decide(error.class(), self.made, elapsed, self.policy, fastrand::f64())
    }

    /// Logs that another attempt follows: the first time at `warn`, then at `debug`.
    pub(crate) fn log_retry(&self, error: &Error, wait: Duration) {
        let (error, attempt, wait) = (crate::chain(error), self.made, wait.as_secs_f64());
        if attempt == 1 {
            tracing::warn!(error, attempt, "trying again in {wait:.1} s");
        } else {
            tracing::debug!(error, attempt, "trying again in {wait:.1} s");
        }
    }

    /// Attempts that failed so far.
    #[must_use]
    pub(crate) fn made(&self) -> u32 {
        self.made
    }
}

/// Decides what to do after an error of this class.
///
/// `attempt` is the number of attempts made, this one included; `elapsed` the time since the first
/// one began; `jitter` a random number from 0 to 1, drawn for each decision.
#[must_use]
fn decide(
    class: &Class,
    attempt: u32,
    elapsed: Duration,
    policy: &Policy,
    jitter: f64,
) -> Decision {
    // A NaN passes through `clamp`, and `mul_f64` would panic on it.
    let jitter = if jitter.is_nan() { 0.0 } else { jitter.clamp(0.0, 1.0) };
    let added = MAX_ADDED_JITTER.mul_f64(jitter);
    let wait = match class.retry {
        Retry::Never if class.narrow == Narrow::AtOnce => return Decision::Narrow,
        Retry::Never => return Decision::GiveUp,
        Retry::Backoff => backoff(attempt, policy, jitter),
        Retry::After(wait) => wait.saturating_add(added),
        Retry::AfterLimit(wait) => wait.saturating_add(added).max(MIN_RATE_LIMIT_WAIT),
    };
    if attempt >= policy.max_attempts || wait > policy.max_elapsed.saturating_sub(elapsed) {
        return Decision::GiveUp;
    }
    let narrow = match class.narrow {
        Narrow::Never => false,
        Narrow::FromSecondAttempt => attempt > 1,
        Narrow::AtOnce => true,
    };
    Decision::Wait { wait, narrow }
}

/// Exponential backoff with equal jitter: half of it is certain, so a failing server always gets
/// a pause; half is random, so that clients spread.
fn backoff(attempt: u32, policy: &Policy, jitter: f64) -> Duration {
    let doublings = attempt.saturating_sub(1);
    let factor = 2_u32.checked_pow(doublings).unwrap_or(u32::MAX);
    let half = policy.base.saturating_mul(factor).min(policy.cap) / 2;
    half.saturating_add(half.mul_f64(jitter))
}

#[cfg(test)]
mod tests {
    use super::super::error::Kind;
    use super::super::headers;
    use super::Decision::{GiveUp, Wait};
    use super::*;
    use reqwest::header::HeaderMap;

    /// Time of every answer in these tests.
    const ANSWERED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn class(retry: Retry, narrow: Narrow) -> Class {
        Class { kind: Kind::Unavailable, retry, narrow, of_window: false }
    }

    fn answer(status: u16, retry_after: Option<&str>, reset: Option<&str>) -> Class {
        let mut map = HeaderMap::new();
        let sent =
            [("date", Some(ANSWERED)), ("retry-after", retry_after), ("x-ratelimit-reset", reset)];
        for (name, value) in sent {
            if let Some(value) = value {
                map.insert(name, value.parse().unwrap());
            }
        }
        class(headers::retry(status, &map), Narrow::Never)
    }

    fn backing_off() -> Class {
        class(Retry::Backoff, Narrow::Never)
    }

    fn first(class: &Class, jitter: f64) -> Decision {
        decide(class, 1, Duration::ZERO, &Policy::default(), jitter)
    }

    const fn ms(millis: u64) -> Decision {
        Wait { wait: Duration::from_millis(millis), narrow: false }
    }

    #[test]
    fn what_the_server_asks_for_is_obeyed() {
        let cases = [
            // status, Retry-After, X-RateLimit-Reset, without jitter, with all of it
            (429, Some("7"), None, ms(7_000), ms(8_000)),
            (429, Some(" 7 "), None, ms(7_000), ms(8_000)),
            (503, Some("7"), None, ms(7_000), ms(8_000)),
            (429, Some("120"), None, ms(120_000), ms(121_000)),
            (429, Some("0"), None, ms(100), ms(1_000)),
            (503, Some("0"), None, ms(0), ms(1_000)),
            (429, Some("Sun, 06 Nov 1994 08:49:47 GMT"), None, ms(10_000), ms(11_000)),
            (503, Some("Sunday, 06-Nov-94 08:49:47 GMT"), None, ms(10_000), ms(11_000)),
            (503, Some("Sun Nov  6 08:49:47 1994"), None, ms(10_000), ms(11_000)),
            (429, Some("Sun, 06 Nov 1994 08:00:00 GMT"), None, ms(100), ms(1_000)),
            (429, None, Some("30"), ms(30_000), ms(31_000)),
            (429, None, Some("0"), ms(100), ms(1_000)),
            (429, None, Some("784111797"), ms(20_000), ms(21_000)),
            (429, None, Some("784000000"), ms(100), ms(1_000)),
            (429, Some("7"), Some("30"), ms(7_000), ms(8_000)),
            (429, Some("soon"), Some("30"), ms(30_000), ms(31_000)),
            // Not understood: backoff.
            (429, None, None, ms(250), ms(500)),
            (429, Some(""), Some(""), ms(250), ms(500)),
            (429, Some("-5"), Some("-5"), ms(250), ms(500)),
            (429, Some("1.5"), Some("+5"), ms(250), ms(500)),
            (503, Some("soon"), None, ms(250), ms(500)),
            // Headers that are no request to wait.
            (503, None, Some("3293"), ms(250), ms(500)),
            (500, Some("7"), Some("30"), ms(250), ms(500)),
            // Longer than the time in all.
            (429, Some("3600"), None, GiveUp, GiveUp),
            (429, Some("600"), None, ms(600_000), GiveUp),
            (429, None, Some("1000000"), GiveUp, GiveUp),
            (429, Some("Sat, 06 Nov 2094 08:49:47 GMT"), None, GiveUp, GiveUp),
            (429, Some("99999999999999999999999999"), None, GiveUp, GiveUp),
            (429, None, Some("18446744073709551615"), GiveUp, GiveUp),
            (429, None, Some("99999999999999999999999999"), GiveUp, GiveUp),
        ];
        for (status, retry_after, reset, without, with) in cases {
            let class = answer(status, retry_after, reset);
            let sent = (status, retry_after, reset);
            assert_eq!(first(&class, 0.0), without, "{sent:?}: {class:?}");
            assert_eq!(first(&class, 1.0), with, "{sent:?}: {class:?}");
        }
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for status in [408, 429, 500, 502, 503, 504, 520, 599] {
            assert_eq!(first(&answer(status, None, None), 0.0), ms(250), "{status}");
        }
        let not_now = [100, 204, 301, 302, 304, 400, 401, 403, 404, 407, 409, 410, 413, 414, 422];
        for status in not_now.into_iter().chain([600, 999]) {
            assert_eq!(first(&answer(status, Some("1"), Some("1")), 0.0), GiveUp, "{status}");
        }
    }

    #[test]
    fn backoff_doubles_to_its_cap_and_keeps_half_certain() {
        let policy =
            Policy { max_attempts: u32::MAX, max_elapsed: Duration::MAX, ..Policy::default() };
        let at = |attempt, jitter| decide(&backing_off(), attempt, Duration::ZERO, &policy, jitter);
        let ceilings = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000];
        for (attempt, ceiling) in (1..).zip(ceilings) {
            assert_eq!(at(attempt, 0.0), ms(ceiling / 2), "attempt {attempt}");
            assert_eq!(at(attempt, 0.5), ms(ceiling * 3 / 4), "attempt {attempt}");
            assert_eq!(at(attempt, 1.0), ms(ceiling), "attempt {attempt}");
        }
        assert_eq!(at(u32::MAX - 1, 1.0), ms(60_000));
        assert_eq!(at(0, 1.0), ms(500));
    }

    #[test]
    fn jitter_out_of_range_is_brought_into_it() {
        for (jitter, wait) in [(-3.0, 250), (7.0, 500), (f64::INFINITY, 500), (f64::NAN, 250)] {
            assert_eq!(first(&backing_off(), jitter), ms(wait), "{jitter}");
        }
    }

    #[test]
    fn attempts_and_time_are_limited() {
        let policy = Policy::default();
        let after = |attempt, spent| {
            decide(&backing_off(), attempt, Duration::from_millis(spent), &policy, 1.0)
        };
        assert_eq!(after(7, 0), ms(32_000));
        assert_eq!(after(8, 0), GiveUp);
        assert_eq!(after(9, 0), GiveUp);
        assert_eq!(after(7, 568_000), ms(32_000), "a wait that just fits");
        assert_eq!(after(7, 568_001), GiveUp, "a wait that would not fit is not begun");
        assert_eq!(after(1, 600_001), GiveUp);
        let once = Policy { max_attempts: 1, ..policy };
        assert_eq!(decide(&backing_off(), 1, Duration::ZERO, &once, 0.0), GiveUp);
    }

    #[test]
    fn a_smaller_window_is_tried_where_its_size_may_be_the_cause() {
        let policy = Policy::default();
        let narrows = |narrow, attempt| match decide(
            &class(Retry::Backoff, narrow),
            attempt,
            Duration::ZERO,
            &policy,
            0.0,
        ) {
            Wait { narrow, .. } => narrow,
            other => panic!("{other:?}"),
        };
        assert_eq!([1, 2, 3].map(|attempt| narrows(Narrow::Never, attempt)), [false; 3]);
        let later = [1, 2, 3].map(|attempt| narrows(Narrow::FromSecondAttempt, attempt));
        assert_eq!(later, [false, true, true]);
        assert_eq!([1, 2, 3].map(|attempt| narrows(Narrow::AtOnce, attempt)), [true; 3]);

        let too_large = class(Retry::Never, Narrow::AtOnce);
        assert_eq!(decide(&too_large, 99, Duration::MAX, &policy, 0.0), Decision::Narrow);
        let last = class(Retry::Backoff, Narrow::AtOnce);
        assert_eq!(decide(&last, policy.max_attempts, Duration::ZERO, &policy, 0.0), GiveUp);
    }
}
