//! How many calls may still be made: of our own share of the hour, and of what the server says is
//! left to the account.
//!
//! Our share has to last over many runs of the program, which remember it in the database. Here it is
//! a number of calls that the caller was granted for now; what was used of them the caller settles.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;

use super::error::{Cause, Error, LimitOwner};
use super::headers;

/// Calls that may be made.
#[derive(Debug)]
pub(crate) struct Budget {
    per_hour: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    granted: u64,
    used: u64,
    /// When more can be granted.
    more_at: Option<Instant>,
    /// Until then the server has no call left for anyone.
    exhausted_until: Option<Instant>,
}

impl Budget {
    pub(super) fn new(per_hour: u64) -> Self {
        Self { per_hour, state: Mutex::default() }
    }

    /// Calls in any hour, over all runs.
    #[must_use]
    pub(crate) fn per_hour(&self) -> u64 {
        self.per_hour
    }

    /// Calls that were granted and not made.
    #[must_use]
    pub(crate) fn left(&self) -> u64 {
        let state = self.state();
        state.granted - state.used
    }

    /// How many calls were made of those that were granted, and how many were not.
    #[must_use]
    pub(crate) fn spent(&self) -> (u64, u64) {
        let state = self.state();
        (state.used, state.granted - state.used)
    }

    /// Replaces what was granted by so many calls, now that `counted` ones are accounted for. Where
    /// there are none, `more_in` says when to ask again.
    pub(crate) fn renew(&self, counted: u64, calls: u64, more_in: Duration) {
        let mut state = self.state();
        state.used = state.used.saturating_sub(counted);
        state.granted = state.used + calls;
        state.more_at = Some(Instant::now() + more_in);
    }

    /// Takes one call.
    pub(super) fn take(&self) -> Result<(), Error> {
        let mut state = self.state();
        let now = Instant::now();
        let until = |at: Option<Instant>| at.unwrap_or(now).saturating_duration_since(now);
        if state.exhausted_until.is_some_and(|until| now < until) {
            return Err(exhausted(LimitOwner::Server, until(state.exhausted_until)));
        }
        if state.used == state.granted {
            return Err(exhausted(LimitOwner::Own(self.per_hour), until(state.more_at)));
        }
        state.used += 1;
        Ok(())
    }

    /// Notes from an answer whether the account has calls left.
    pub(super) fn read_limits(&self, headers: &HeaderMap) {
        let wait = headers::no_calls_for(headers);
        self.state().exhausted_until = wait.and_then(|wait| Instant::now().checked_add(wait));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No change of the state can stop half-way, so a panic elsewhere leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn exhausted(by: LimitOwner, wait: Duration) -> Error {
    Cause::BudgetExhausted { by, wait }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whose limit refuses a call, and for how long.
    fn refused(budget: &Budget) -> (LimitOwner, Duration) {
        match budget.take().map_err(Error::into_cause) {
            Err(Cause::BudgetExhausted { by, wait }) => (by, wait),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn no_call_is_made_that_was_not_granted() {
        let budget = Budget::new(9);
        assert_eq!(refused(&budget).0, LimitOwner::Own(9));
        budget.renew(0, 2, Duration::from_mins(3));
        assert!(budget.take().is_ok());
        assert_eq!((budget.left(), budget.spent()), (1, (1, 1)));
        assert!(budget.take().is_ok());
        let (_, wait) = refused(&budget);
        assert!(wait > Duration::from_mins(2), "{wait:?}");

        budget.renew(2, 3, Duration::ZERO);
        assert!(budget.take().is_ok());
        assert_eq!(budget.spent(), (1, 2));
        budget.renew(1, 0, Duration::ZERO);
        assert!(budget.take().is_err());
    }

    #[test]
    fn what_the_server_says_is_left_counts_for_everyone() {
        let answer = |remaining: &str, reset: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-ratelimit-remaining", remaining.parse().unwrap());
            headers.insert("x-ratelimit-reset", reset.parse().unwrap());
            headers
        };
        let budget = Budget::new(9);
        budget.renew(0, 9, Duration::ZERO);
        budget.read_limits(&answer("1", "3293"));
        assert!(budget.take().is_ok());
        budget.read_limits(&answer("0", "3293"));
        let (by, wait) = refused(&budget);
        assert_eq!(by, LimitOwner::Server);
        assert!(wait > Duration::from_mins(50) && wait < Duration::from_hours(1), "{wait:?}");
        budget.read_limits(&answer("5000", "3600"));
        assert!(budget.take().is_ok());
    }
}
