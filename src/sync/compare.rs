//! Reads one span from both APIs, and finds the failures that only one of them has: a check before the
//! events API continues from the legacy one. It writes nothing but the count of calls.

mod matching;

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::Error;
use super::call_budget::Calls;
use super::read::{normalise, recover};
use crate::model::{Batch, Origin, Outcome};
use crate::normalize::event_type::EventSelection;
use crate::onelogin::events::Events;
use crate::onelogin::legacy::Legacy;
use crate::onelogin::retry::Attempts;
use crate::onelogin::{Element, Scope, Source};
use crate::store::Store;
use crate::window::{Memory, Pace, Plan, Window};
pub(crate) use matching::{Comparison, Item};

/// Settings of one comparison.
#[derive(Debug, Clone)]
pub(crate) struct Comparing {
    /// The account whose calls are counted.
    pub account: String,
    /// Event types that are failures.
    pub selected: EventSelection,
    /// Start of the span.
    pub since: DateTime<Utc>,
    /// End of the span.
    pub until: DateTime<Utc>,
    /// Greatest difference between the two times of one failure.
    pub tolerance: TimeDelta,
}

/// Records of a source, by the ids that their rows would have.
#[derive(Debug, Default)]
struct Found {
    failures: HashMap<Uuid, Item>,
    /// Records that `sync` would reject.
    unreadable: HashSet<Uuid>,
}

/// Compares what both sources have in a span.
///
/// # Errors
/// [`Error`], when one of them cannot be read.
pub(crate) async fn compare(
    comparing: &Comparing,
    store: &Store,
    legacy: Legacy,
    events: Events,
) -> Result<Comparison, Error> {
    let of_legacy = read(comparing, store, &Source::Legacy(legacy)).await?;
    let of_events = read(comparing, store, &Source::Events(events)).await?;
    let unreadable = [&of_legacy, &of_events].map(|found| found.unreadable.len() as u64);
    let items = |found: Found| found.failures.into_values().collect();
    let span = Window { from: comparing.since, to: comparing.until };
    let compared = matching::compare(items(of_legacy), items(of_events), span, comparing.tolerance);
    Ok(Comparison { unreadable, ..compared })
}

async fn read(comparing: &Comparing, store: &Store, source: &Source) -> Result<Found, Error> {
    let calls = Calls::new(store, &comparing.account, None, source);
    let found = read_span(comparing, source, &calls).await;
    calls.return_unspent(store).await?;
    found
}

/// Reads the span, widened by the tolerance: a failure at its edge may have its pair outside.
async fn read_span(
    comparing: &Comparing,
    source: &Source,
    calls: &Calls<'_>,
) -> Result<Found, Error> {
    let (from, to) = (comparing.since - comparing.tolerance, comparing.until + comparing.tolerance);
    let pace = match source {
        Source::Events(_) => Pace::PAGES.with_page(source.page()),
        Source::Legacy(_) | Source::Saved(_) => Pace::ONE_ANSWER,
    };
    let mut plan = Plan::new((pace, Memory::default()), from, Some(to), to);
    let mut found = Found::default();
    let mut attempts = Attempts::begin(source.policy());
    let mut window = None;
    while plan.has_next() {
        let step = step(comparing, source, calls, (&mut plan, &mut window), &mut found);
        match step.await {
            Ok(()) => attempts = Attempts::begin(source.policy()),
            Err(error) => recover(source, &mut plan, window, error, &mut attempts).await?,
        }
    }
    Ok(found)
}

async fn step(
    comparing: &Comparing,
    source: &Source,
    calls: &Calls<'_>,
    (plan, window): (&mut Plan, &mut Option<Window>),
    found: &mut Found,
) -> Result<(), Error> {
    *window = None;
    if !calls.are_enough(plan) {
        calls.reserve_for(plan).await?;
    }
    *window = plan.next_window(calls.left());
    match *window {
        Some(window) => read_window(comparing, source, window, plan, found).await,
        None => Ok(()),
    }
}

async fn read_window(
    comparing: &Comparing,
    source: &Source,
    window: Window,
    plan: &mut Plan,
    found: &mut Found,
) -> Result<(), Error> {
    let origin = Origin { account: comparing.account.clone(), source: source.kind() };
    let Window { from, to } = window.widened(plan.is_last(window));
    let scope = Scope { failures_only: true, ..Scope::ALL };
    let mut answer = source.open(from, to, scope).await?;
    let (mut records, mut more) = (0, true);
    while more {
        let mut batch = Batch::default();
        let mut sink =
            |element: Element<'_>| normalise(&origin, &comparing.selected, element, &mut batch);
        more = answer.next(&mut sink).await?;
        records += batch.records();
        // The legacy API does not know attempts that OneLogin was set not to make.
        let failed = batch.failures.iter().filter(|failure| failure.outcome == Outcome::Failed);
        found.failures.extend(failed.map(|f| (f.failure_id, Item::new(f, &batch.texts))));
        found.unreadable.extend(batch.rejects.iter().map(|reject| reject.reject_id));
    }
    if plan.looks_cut(window, records) {
        plan.narrow(window);
    } else {
        plan.committed(window, window, records);
    }
    Ok(())
}
