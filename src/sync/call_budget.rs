//! The run's share of the hourly API calls, which are counted in the database over all runs.

use std::cell::Cell;

use crate::onelogin::Source;
use crate::onelogin::call_budget::CallBudget;
use crate::store::{self, Reservation, Store};

/// Calls that the run may make. Only those of the events API are counted.
pub(super) struct Calls<'a> {
    store: &'a Store,
    account: &'a str,
    budget: Option<&'a CallBudget>,
    /// The last reservation, until the next one replaces it.
    reserved: Cell<Option<Reservation>>,
}

impl<'a> Calls<'a> {
    pub(super) fn new(store: &'a Store, account: &'a str, source: &'a Source) -> Self {
        let budget = match source {
            Source::Events(events) => Some(events.budget()),
            Source::Legacy(_) | Source::Saved(_) => None,
        };
        Self { store, account, budget, reserved: Cell::default() }
    }

    /// True if the reserved calls cover this number.
    pub(super) fn covers(&self, calls: u64) -> bool {
        self.budget.is_none_or(|budget| budget.unspent() >= calls)
    }

    /// Records the calls that were made and reserves more, unless those reserved cover this many, as far
    /// as the hour has them. Not while a window is open: in SQLite this would wait for it.
    pub(super) async fn reserve(&self, calls: u64) -> Result<(), store::Error> {
        match self.budget {
            Some(budget) if !self.covers(calls) => self.exchange(self.store, budget, calls).await,
            _ => Ok(()),
        }
    }

    /// Returns the calls that were reserved and not spent.
    pub(super) async fn return_unspent(&self, store: &Store) -> Result<(), store::Error> {
        match self.budget {
            Some(budget) => self.exchange(store, budget, 0).await,
            None => Ok(()),
        }
    }

    /// Exchanges the last reservation for one of `wanted` calls. Spent calls stay counted.
    async fn exchange(
        &self,
        store: &Store,
        budget: &CallBudget,
        wanted: u64,
    ) -> Result<(), store::Error> {
        let spent = budget.spent();
        let last = self.reserved.get();
        let reserved =
            store.reserve_calls(self.account, last, spent, wanted, budget.per_hour()).await?;
        tracing::debug!(spent, wanted, reserved = reserved.calls, "calls reserved");
        budget.reserve(reserved.calls, reserved.left, reserved.more_in);
        self.reserved.set(Some(reserved));
        Ok(())
    }
}
