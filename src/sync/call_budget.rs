//! The run's share of the hourly API calls, which are counted in the database over all runs.

use std::cell::Cell;

use super::Error;
use crate::onelogin::Source;
use crate::onelogin::call_budget::CallBudget;
use crate::source::SourceKind;
use crate::store::{self, Reservation, Store};
use crate::window::Plan;

/// Calls that are reserved at once: those of a window.
const MOST_RESERVED: f64 = 100.0;
/// Calls that a run makes at most before it records them: no more are forgotten if it is killed.
const MOST_UNRECORDED: u64 = 10;

/// Calls that the run may make. Only those of the events API are counted.
pub(super) struct Calls<'a> {
    store: &'a Store,
    account: &'a str,
    /// The source, if a run with a lease makes the calls: the next one returns what it had reserved.
    run_of: Option<SourceKind>,
    budget: Option<&'a CallBudget>,
    /// The last reservation, until the next one replaces it.
    reserved: Cell<Option<Reservation>>,
}

impl<'a> Calls<'a> {
    pub(super) fn new(
        store: &'a Store,
        account: &'a str,
        run_of: Option<SourceKind>,
        source: &'a Source,
    ) -> Self {
        let budget = match source {
            Source::Events(events) => Some(events.budget()),
            Source::Legacy(_) | Source::Saved(_) => None,
        };
        Self { store, account, run_of, budget, reserved: Cell::default() }
    }

    /// Pages that can still be read in this hour.
    #[expect(clippy::cast_precision_loss, reason = "calls of an hour")]
    pub(super) fn left(&self) -> f64 {
        self.budget.map_or(f64::INFINITY, |budget| budget.left_of_all() as f64)
    }

    /// Pages after which a window is given up: half of an hour's calls.
    pub(super) fn most_pages(&self) -> f64 {
        self.budget.map_or(f64::INFINITY, |_| (self.per_hour() / 2.0).floor().max(1.0))
    }

    /// Calls of our share in an hour, if they are counted.
    pub(super) fn limit(&self) -> Option<f64> {
        self.budget.map(|_| self.per_hour())
    }

    #[expect(clippy::cast_precision_loss, reason = "calls of an hour")]
    fn per_hour(&self) -> f64 {
        self.budget.map_or(f64::INFINITY, |budget| budget.per_hour() as f64)
    }

    /// Reserves the calls of the first window, so that those that are left are known.
    pub(super) async fn begin(&self, planned_part: f64) -> Result<(), Error> {
        let Some(budget) = self.budget else { return Ok(()) };
        let most = (self.per_hour() / 4.0).min(MOST_RESERVED * planned_part);
        Ok(self.exchange(self.store, budget, whole(most)).await?)
    }

    /// True if the next window of a plan may begin: its calls are reserved, and enough are left.
    pub(super) fn are_enough(&self, plan: &Plan) -> bool {
        self.budget.is_none_or(|budget| {
            budget.unspent() >= whole(plan.planned_pages(self.left()))
                && budget.left() >= self.needed(plan)
        })
    }

    /// Reserves the calls of the next window of a plan, and fails if too few are left for one.
    pub(super) async fn reserve_for(&self, plan: &Plan) -> Result<(), Error> {
        let Some(budget) = self.budget else { return Ok(()) };
        let known = self.reserved.get().map(|_| self.left());
        let planned = plan.planned_pages(known.unwrap_or_else(|| self.per_hour()));
        self.exchange(self.store, budget, whole(planned)).await?;
        let needed = self.needed(plan);
        if budget.left() < needed { Err(budget.too_few().into()) } else { Ok(()) }
    }

    /// Calls of our share without which no window is begun. Those of the server do not count: they come back
    /// all at once.
    fn needed(&self, plan: &Plan) -> u64 {
        whole(plan.pages_to_begin(self.per_hour()))
    }

    /// True if the reserved calls cover this number.
    fn covers(&self, calls: u64) -> bool {
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

    /// Records the calls of a window that is being read. The reservation stays as it is.
    pub(super) async fn record(&self) -> Result<(), store::Error> {
        match self.budget {
            Some(budget) if budget.spent() >= MOST_UNRECORDED => {
                self.exchange(self.store, budget, budget.unspent()).await
            }
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
        let of = (self.account, self.run_of);
        let reserved = store.reserve_calls(of, last, spent, wanted, budget.per_hour()).await?;
        tracing::debug!(spent, wanted, reserved = reserved.calls, "calls reserved");
        budget.reserve(reserved.calls, reserved.left, reserved.more_in);
        self.reserved.set(Some(reserved));
        Ok(())
    }
}

/// The number of calls that covers these pages.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
fn whole(pages: f64) -> u64 {
    pages.ceil() as u64
}
