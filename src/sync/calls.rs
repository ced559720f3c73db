//! The run's share of the calls to the API, which are counted in the database over all runs.

use std::sync::Mutex;
use std::sync::PoisonError;

use crate::onelogin::Source;
use crate::onelogin::budget::Budget;
use crate::store::{self, Grant, Run, Settled, Store};

/// Calls beside those of a window's pages: a token, and what has to be repeated.
const SPARE: u64 = 10;

/// Calls that the run may make. Only those of the events API are counted.
pub(super) struct Calls<'a> {
    store: &'a Store,
    run: &'a Run,
    budget: Option<&'a Budget>,
    /// The last grant; none when it was given back.
    grant: Mutex<Option<Grant>>,
}

impl<'a> Calls<'a> {
    pub(super) fn new(store: &'a Store, run: &'a Run, source: &'a Source) -> Self {
        let budget = match source {
            Source::Events(events) => Some(events.budget()),
            Source::Legacy(_) | Source::Saved(_) => None,
        };
        Self { store, run, budget, grant: Mutex::default() }
    }

    /// Whether so many calls can be made without asking for more.
    pub(super) fn suffice_for(&self, calls: u64) -> bool {
        self.budget.is_none_or(|budget| budget.left() >= calls)
    }

    /// Sees to it that so many calls can be made, as far as the hour has them. Not while a window is
    /// open: in SQLite this would wait for it.
    pub(super) async fn ensure(&self, calls: u64) -> Result<(), store::Error> {
        let Some(budget) = self.budget else { return Ok(()) };
        if self.suffice_for(calls) {
            return Ok(());
        }
        self.settle(self.store, budget, calls + SPARE).await
    }

    /// Counts what was made, and no more.
    pub(super) async fn give_back(&self, store: &Store) -> Result<(), store::Error> {
        match self.budget {
            Some(budget) => self.settle(store, budget, 0).await,
            None => Ok(()),
        }
    }

    async fn settle(
        &self,
        store: &Store,
        budget: &Budget,
        wanted: u64,
    ) -> Result<(), store::Error> {
        let (used, unused) = budget.spent();
        let settled = Settled { grant: self.last_grant(), used, unused };
        let account = &self.run.origin.account;
        let grant = store.grant_calls(account, settled, wanted, budget.per_hour()).await?;
        budget.renew(used, grant.calls, grant.more_in);
        *self.grant.lock().unwrap_or_else(PoisonError::into_inner) = Some(grant);
        Ok(())
    }

    fn last_grant(&self) -> Option<Grant> {
        *self.grant.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
