//! Reads one span from both APIs, and finds the failures that only one of them has: a check before the
//! events API continues from the legacy one. It writes nothing but the count of calls.

mod matching;

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::Error;
use super::call_budget::Calls;
use super::plan::pace;
use super::read::{normalise, recover};
use crate::model::{Batch, Origin};
use crate::normalize::event_type::EventSelection;
use crate::onelogin::events::Events;
use crate::onelogin::legacy::Legacy;
use crate::onelogin::retry::Attempts;
use crate::onelogin::{Element, Source};
use crate::store::Store;
use crate::window::{Plan, Window};
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

/// Failures of a source, by the ids that their rows would have.
type Found = HashMap<Uuid, Item>;

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
    let items = |found: Found| found.into_values().collect();
    let span = Window { from: comparing.since, to: comparing.until };
    Ok(matching::compare(items(of_legacy), items(of_events), span, comparing.tolerance))
}

async fn read(comparing: &Comparing, store: &Store, source: &Source) -> Result<Found, Error> {
    let calls = Calls::new(store, &comparing.account, source);
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
    let mut plan = Plan::new(pace(source), from, Some(to), to);
    let mut found = Found::new();
    let mut attempts = Attempts::begin(source.policy());
    while let Some(window) = plan.next_window() {
        if let Source::Events(events) = source {
            calls.reserve(events.calls_of_a_window().into()).await?;
        }
        match read_window(comparing, source, window, &mut plan, &mut found).await {
            Ok(()) => attempts = Attempts::begin(source.policy()),
            Err(error) => recover(source, &mut plan, error, &mut attempts).await?,
        }
    }
    Ok(found)
}

async fn read_window(
    comparing: &Comparing,
    source: &Source,
    window: Window,
    plan: &mut Plan,
    found: &mut Found,
) -> Result<(), Error> {
    let origin = Origin { account: comparing.account.clone(), source: source.kind() };
    let Window { from, to } = window.widened();
    let mut answer = source.open(from, to, window.can_narrow()).await?;
    let (mut records, mut more) = (0, true);
    while more {
        let mut batch = Batch::default();
        let mut sink =
            |element: Element<'_>| normalise(&origin, &comparing.selected, element, &mut batch);
        more = answer.next(&mut sink).await?;
        records += batch.records();
        found.extend(batch.failures.iter().map(|f| (f.failure_id, Item::new(f, &batch.texts))));
    }
    if plan.looks_cut(window, records) {
        plan.narrow();
    } else {
        plan.committed(window, window, records);
    }
    Ok(())
}
