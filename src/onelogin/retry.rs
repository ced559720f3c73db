//! Whether a failed request is worth another attempt, and after how long.
//!
//! One pure function: no clock, no I/O, no randomness of its own.

use std::time::{Duration, SystemTime};

/// The shortest wait after a 429, whatever the server asks for: an answer of "wait 0 seconds" must
/// not become a tight loop.
const MIN_RATE_LIMIT_WAIT: Duration = Duration::from_millis(100);

/// At most this much is added to a wait the server asked for, so that jobs which were limited at
/// once do not come back at once. Never subtracted: earlier is a new violation.
const MAX_ADDED_JITTER: Duration = Duration::from_secs(1);

/// `X-RateLimit-Reset` is documented as the seconds left. Above this value (11 days) it can only be
/// a Unix time, which other gateways send under the same name.
const MAX_SECONDS_LEFT: u64 = 1_000_000;

/// What the transport saw of one failed attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The server answered with a status that is no success.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The `Retry-After` header as it came: seconds or an HTTP date.
        retry_after: Option<String>,
        /// The `X-RateLimit-Reset` header as it came, unless `X-RateLimit-Remaining` says that calls
        /// are left until then.
        rate_limit_reset: Option<String>,
        /// The answer's `Date`, or the time it arrived where it had none. Instants in the other
        /// headers are read against it, so that a wrong clock here does not change a wait.
        answered_at: SystemTime,
    },
    /// No connection: name not found, refused, TLS not agreed.
    Connect,
    /// A time limit ran out.
    Timeout,
    /// The connection broke.
    Reset,
    /// The body ended early, or broke off into something else.
    Truncated,
    /// No call was made, since none is left.
    Spent {
        /// When there is one again.
        wait: Duration,
    },
}

/// How long to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Policy {
    /// Attempts in all, the first included.
    pub max_attempts: u32,
    /// Time in all, from the start of the first attempt. A wait that would pass it is not begun.
    pub max_elapsed: Duration,
    /// The ceiling of the first backoff; it doubles with every attempt.
    pub base: Duration,
    /// The ceiling of every backoff. It does not shorten a wait the server asked for.
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

/// What to do after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Wait this long, then try again.
    Wait(Duration),
    /// Report the failure.
    GiveUp,
}

/// Decides what to do after `failure`.
///
/// `attempt` is the number of attempts made, this one included; `spent` the time since the first
/// one began; `jitter` a random number from 0 to 1, drawn anew each time.
#[must_use]
pub(crate) fn decide(
    failure: &Failure,
    attempt: u32,
    spent: Duration,
    policy: &Policy,
    jitter: f64,
) -> Decision {
    // A NaN passes through `clamp`, and `mul_f64` would panic on it.
    let jitter = if jitter.is_nan() { 0.0 } else { jitter.clamp(0.0, 1.0) };
    if !is_transient(failure) || attempt >= policy.max_attempts {
        return Decision::GiveUp;
    }
    let wait = match asked_wait(failure) {
        Some(asked) => asked.saturating_add(MAX_ADDED_JITTER.mul_f64(jitter)),
        None => backoff(attempt, policy, jitter),
    };
    let wait = if is_rate_limit(failure) { wait.max(MIN_RATE_LIMIT_WAIT) } else { wait };
    if wait <= policy.max_elapsed.saturating_sub(spent) {
        Decision::Wait(wait)
    } else {
        Decision::GiveUp
    }
}

/// Whether the same request may succeed later.
fn is_transient(failure: &Failure) -> bool {
    match failure {
        Failure::Answer { status, .. } => matches!(status, 408 | 429 | 500..=599),
        Failure::Connect
        | Failure::Timeout
        | Failure::Reset
        | Failure::Truncated
        | Failure::Spent { .. } => true,
    }
}

fn is_rate_limit(failure: &Failure) -> bool {
    matches!(failure, Failure::Answer { status: 429, .. } | Failure::Spent { .. })
}

/// The wait that the server asked for, if it did and can be understood.
///
/// `X-RateLimit-Reset` stands on every answer of this API, also on those within the limit. So only
/// a 429 makes it a request to wait; a 503 with `3293` in it would otherwise stop a run for an hour.
fn asked_wait(failure: &Failure) -> Option<Duration> {
    let Failure::Answer { status, retry_after, rate_limit_reset, answered_at } = failure else {
        return match failure {
            Failure::Spent { wait } => Some(*wait),
            _ => None,
        };
    };
    let retry_after = || retry_after_wait(retry_after.as_deref()?, *answered_at);
    let reset = || rate_limit_wait(rate_limit_reset.as_deref()?, *answered_at);
    match status {
        429 => retry_after().or_else(reset),
        503 => retry_after(),
        _ => None,
    }
}

fn retry_after_wait(value: &str, answered_at: SystemTime) -> Option<Duration> {
    seconds(value).map(Duration::from_secs).or_else(|| {
        let until = httpdate::parse_http_date(value.trim()).ok()?;
        Some(until.duration_since(answered_at).unwrap_or_default())
    })
}

pub(super) fn rate_limit_wait(value: &str, answered_at: SystemTime) -> Option<Duration> {
    let value = Duration::from_secs(seconds(value)?);
    if value <= Duration::from_secs(MAX_SECONDS_LEFT) {
        return Some(value);
    }
    let answered_at = answered_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Some(value.saturating_sub(answered_at))
}

/// A whole number of seconds. One too large for the type is still a wait, and too long for any
/// policy; a negative one or a fraction is no number of seconds.
fn seconds(value: &str) -> Option<u64> {
    let digits = value.trim();
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
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
    use super::Decision::{GiveUp, Wait};
    use super::*;

    /// Sun, 06 Nov 1994 08:49:37 GMT, when every answer of these tests was given.
    const ANSWERED: u64 = 784_111_777;

    fn answer(status: u16, retry_after: Option<&str>, reset: Option<&str>) -> Failure {
        Failure::Answer {
            status,
            retry_after: retry_after.map(str::to_owned),
            rate_limit_reset: reset.map(str::to_owned),
            answered_at: SystemTime::UNIX_EPOCH + Duration::from_secs(ANSWERED),
        }
    }

    fn first(failure: &Failure, jitter: f64) -> Decision {
        decide(failure, 1, Duration::ZERO, &Policy::default(), jitter)
    }

    const fn ms(millis: u64) -> Decision {
        Wait(Duration::from_millis(millis))
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
            (429, Some("600"), None, Wait(Duration::from_mins(10)), GiveUp),
            (429, None, Some("1000000"), GiveUp, GiveUp),
            (429, Some("Sat, 06 Nov 2094 08:49:47 GMT"), None, GiveUp, GiveUp),
            (429, Some("99999999999999999999999999"), None, GiveUp, GiveUp),
            (429, None, Some("18446744073709551615"), GiveUp, GiveUp),
            (429, None, Some("99999999999999999999999999"), GiveUp, GiveUp),
        ];
        for (status, retry_after, reset, without, with) in cases {
            let failure = answer(status, retry_after, reset);
            assert_eq!(first(&failure, 0.0), without, "{failure:?}");
            assert_eq!(first(&failure, 1.0), with, "{failure:?}");
        }
    }

    #[test]
    fn a_clock_before_1970_does_not_panic() {
        let answered_at = SystemTime::UNIX_EPOCH - Duration::from_secs(9);
        let rate_limit_reset = Some("2000000".to_owned());
        let failure =
            Failure::Answer { status: 429, retry_after: None, rate_limit_reset, answered_at };
        assert_eq!(first(&failure, 0.0), GiveUp);
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
        for failure in [Failure::Connect, Failure::Timeout, Failure::Reset, Failure::Truncated] {
            assert_eq!(first(&failure, 0.0), ms(250), "{failure:?}");
        }
    }

    #[test]
    fn backoff_doubles_to_its_cap_and_keeps_half_certain() {
        let policy =
            Policy { max_attempts: u32::MAX, max_elapsed: Duration::MAX, ..Policy::default() };
        let at =
            |attempt, jitter| decide(&Failure::Reset, attempt, Duration::ZERO, &policy, jitter);
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
            assert_eq!(first(&Failure::Reset, jitter), ms(wait), "{jitter}");
        }
    }

    #[test]
    fn attempts_and_time_are_limited() {
        let policy = Policy::default();
        let after = |attempt, spent| {
            decide(&Failure::Timeout, attempt, Duration::from_millis(spent), &policy, 1.0)
        };
        assert_eq!(after(7, 0), ms(32_000));
        assert_eq!(after(8, 0), GiveUp);
        assert_eq!(after(9, 0), GiveUp);
        assert_eq!(after(7, 568_000), ms(32_000), "a wait that just fits");
        assert_eq!(after(7, 568_001), GiveUp, "a wait that would not fit is not begun");
        assert_eq!(after(1, 600_001), GiveUp);
        let once = Policy { max_attempts: 1, ..policy };
        assert_eq!(decide(&Failure::Reset, 1, Duration::ZERO, &once, 0.0), GiveUp);
    }
}
