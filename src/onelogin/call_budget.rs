//! The calls that may still be made: reserved ones of our own share of the hour, as long as the
//! server has calls left for the account.
//!
//! Our share has to last over many runs, so it is kept in the database. The caller reserves calls
//! there, each request spends one, and the caller returns the rest. A window that needs more than was
//! reserved for it may spend what the hour has left, which is recorded with the next reservation.

use std::cell::Cell;
use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;

use super::error::{Cause, Error, LimitOwner};
use super::headers;

/// Calls that may be made.
#[derive(Debug)]
pub(crate) struct CallBudget {
    per_hour: u64,
    state: Cell<State>,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    reserved: u64,
    /// Calls that the hour had left beside the reserved ones.
    left: u64,
    spent: u64,
    /// Moment from which more can be reserved.
    more_at: Option<Instant>,
    /// Until then the server has no call left for anyone.
    exhausted_until: Option<Instant>,
    /// Calls that the server has left for all programs, and when it begins to count again, as far as it states them.
    server_left: Option<u64>,
    server_resets_at: Option<Instant>,
}

impl CallBudget {
    pub(super) fn new(per_hour: u64) -> Self {
        Self { per_hour, state: Cell::default() }
    }

    /// Calls in any hour, over all runs.
    #[must_use]
    pub(crate) fn per_hour(&self) -> u64 {
        self.per_hour
    }

    /// Calls that were made since the last reservation.
    #[must_use]
    pub(crate) fn spent(&self) -> u64 {
        self.state.get().spent
    }

    /// Reserved calls that were not made.
    #[must_use]
    pub(crate) fn unspent(&self) -> u64 {
        let state = self.state.get();
        state.reserved.saturating_sub(state.spent)
    }

    /// Calls of our share that can still be made.
    #[must_use]
    pub(crate) fn left(&self) -> u64 {
        let state = self.state.get();
        state.reserved + state.left - state.spent
    }

    /// Calls that can still be made, as far as the server has them left for all programs.
    #[must_use]
    pub(crate) fn left_of_all(&self) -> u64 {
        let state = self.state.get();
        let is_over = state.server_resets_at.is_some_and(|at| at <= Instant::now());
        let server = state.server_left.filter(|_| !is_over);
        self.left().min(server.unwrap_or(u64::MAX))
    }

    /// The refusal of a window that needs more calls of our share than are left.
    #[must_use]
    pub(crate) fn too_few(&self) -> Error {
        let wait = self.state.get().more_at.map(|at| at.saturating_duration_since(Instant::now()));
        exhausted(LimitOwner::Own(self.per_hour), wait.unwrap_or_default())
    }

    /// Replaces the reserved calls, beside which the hour has `left`. If there are none, more can be
    /// reserved after `more_in`.
    pub(crate) fn reserve(&self, calls: u64, left: u64, more_in: Duration) {
        let more_at = Instant::now().checked_add(more_in);
        let state = self.state.get();
        self.state.set(State { reserved: calls, left, spent: 0, more_at, ..state });
    }

    /// Spends one call.
    pub(super) fn spend(&self) -> Result<(), Error> {
        let state = self.state.get();
        let now = Instant::now();
        let until = |at: Option<Instant>| at.unwrap_or(now).saturating_duration_since(now);
        if state.exhausted_until.is_some_and(|until| now < until) {
            return Err(exhausted(LimitOwner::Server, until(state.exhausted_until)));
        }
        if self.left() == 0 {
            return Err(exhausted(LimitOwner::Own(self.per_hour), until(state.more_at)));
        }
        self.state.set(State { spent: state.spent + 1, ..state });
        Ok(())
    }

    /// Reads from an answer whether the account has calls left.
    pub(super) fn read_limits(&self, headers: &HeaderMap) {
        let wait = headers::no_calls_for(headers);
        let exhausted_until = wait.and_then(|wait| Instant::now().checked_add(wait));
        let resets_in = headers::calls_reset_in(headers);
        // Without the time at which it ends, a number would hold for ever; a limit that is reached shows as a 429.
        let server_left = headers::calls_left(headers).filter(|_| resets_in.is_some());
        let server_resets_at = resets_in.and_then(|wait| Instant::now().checked_add(wait));
        let state = self.state.get();
        self.state.set(State { exhausted_until, server_left, server_resets_at, ..state });
    }
}

fn exhausted(by: LimitOwner, wait: Duration) -> Error {
    Cause::BudgetExhausted { by, wait }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Owner of the limit that refuses a call, and the wait until it allows one.
    fn refused(budget: &CallBudget) -> (LimitOwner, Duration) {
        match budget.spend().map_err(Error::into_cause) {
            Err(Cause::BudgetExhausted { by, wait }) => (by, wait),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn no_call_is_made_beyond_those_that_the_hour_has_left() {
        let budget = CallBudget::new(9);
        assert_eq!(refused(&budget).0, LimitOwner::Own(9));
        budget.reserve(1, 1, Duration::from_mins(3));
        assert!(budget.spend().is_ok());
        assert_eq!((budget.spent(), budget.unspent(), budget.left()), (1, 0, 1));
        assert!(budget.spend().is_ok());
        let (_, wait) = refused(&budget);
        assert!(wait > Duration::from_mins(2), "{wait:?}");

        budget.reserve(3, 0, Duration::ZERO);
        assert!(budget.spend().is_ok());
        assert_eq!((budget.spent(), budget.unspent(), budget.left()), (1, 2, 2));
        budget.reserve(0, 0, Duration::ZERO);
        assert!(budget.spend().is_err());
    }

    #[test]
    fn the_calls_that_the_server_reports_as_left_count_for_everyone() {
        let answer = |remaining: &str, reset: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-ratelimit-remaining", remaining.parse().unwrap());
            headers.insert("x-ratelimit-reset", reset.parse().unwrap());
            headers
        };
        let budget = CallBudget::new(9);
        budget.reserve(9, 0, Duration::ZERO);
        budget.read_limits(&answer("1", "3293"));
        assert!(budget.spend().is_ok());
        budget.read_limits(&answer("0", "3293"));
        let (by, wait) = refused(&budget);
        assert_eq!(by, LimitOwner::Server);
        assert!(wait > Duration::from_mins(50) && wait < Duration::from_hours(1), "{wait:?}");
        budget.read_limits(&answer("5000", "3600"));
        assert!(budget.spend().is_ok());
    }

    /// Regression: a server without a readable time was read one second per call.
    #[test]
    fn calls_left_without_the_time_for_more_count_for_nothing() {
        let budget = CallBudget::new(9);
        budget.reserve(9, 0, Duration::ZERO);
        for reset in [None, Some("-1"), Some("soon"), Some("Sat, 28 Nov 2026 18:00:00 GMT")] {
            let mut headers = HeaderMap::new();
            headers.insert("x-ratelimit-remaining", "0".parse().unwrap());
            if let Some(reset) = reset {
                headers.insert("x-ratelimit-reset", reset.parse().unwrap());
            }
            budget.read_limits(&headers);
            assert_eq!(budget.left_of_all(), budget.left(), "{reset:?}");
            assert!(budget.spend().is_ok(), "{reset:?}");
        }
    }
}
