//! Reads one span from both APIs, and tells which failures both have: what to look at before one
//! takes over from the other. Nothing is written but the count of calls.

mod matching;

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::calls::Calls;
use super::{Error, pace, windows};
use crate::model::{Batch, Origin};
use crate::normalize;
use crate::normalize::event_type::EventSelection;
use crate::onelogin::Source;
use crate::onelogin::events::Events;
use crate::onelogin::legacy::Legacy;
use crate::store::{Run, Store};
use crate::window::{Plan, Window};
pub(crate) use matching::{Comparison, Item};

/// What to compare, and how closely.
#[derive(Debug, Clone)]
pub(crate) struct Comparing {
    /// The account, as the calls are counted.
    pub account: String,
    /// Which events are failures.
    pub selected: EventSelection,
    /// Where the span begins.
    pub since: DateTime<Utc>,
    /// Where it ends.
    pub until: DateTime<Utc>,
    /// How far the times of one failure may be apart.
    pub tolerance: TimeDelta,
}

/// What a source has in a span, by the ids that its rows would have.
type Held = HashMap<Uuid, Item>;

/// Compares what both sources have.
///
/// # Errors
/// [`Error`], when one of them cannot be read.
pub(crate) async fn compare(
    comparing: &Comparing,
    store: &Store,
    legacy: Legacy,
    events: Events,
) -> Result<Comparison, Error> {
    let of_legacy = hold(comparing, store, &Source::Legacy(legacy)).await?;
    let of_events = hold(comparing, store, &Source::Events(events)).await?;
    let items = |held: Held| held.into_values().collect();
    let span = Window { from: comparing.since, to: comparing.until };
    Ok(matching::compare(items(of_legacy), items(of_events), span, comparing.tolerance))
}

/// Reads the span, and as much more as a failure may be off.
async fn hold(comparing: &Comparing, store: &Store, source: &Source) -> Result<Held, Error> {
    let origin = Origin { account: comparing.account.clone(), source: source.kind() };
    let run = Run { run_id: Uuid::now_v7(), origin, keep_raw: false };
    let calls = Calls::new(store, &run, source);
    let (from, to) = (comparing.since - comparing.tolerance, comparing.until + comparing.tolerance);
    let mut plan = Plan::new(pace(source), from, Some(to), to);
    let mut held = Held::new();
    let read = windows::each(source, &mut plan, async |window, plan| {
        if let Source::Events(events) = source {
            calls.ensure(events.calls_per_window().into()).await?;
        }
        hold_window(source, &run.origin, &comparing.selected, window, plan, &mut held).await
    });
    let read = read.await;
    calls.give_back(store).await?;
    read.map(|()| held)
}

async fn hold_window(
    source: &Source,
    origin: &Origin,
    selected: &EventSelection,
    window: Window,
    plan: &mut Plan,
    held: &mut Held,
) -> Result<(), Error> {
    let request = window.widened();
    let mut answer = source.open(request.from, request.to, window.can_narrow()).await?;
    let (mut records, mut more) = (0, true);
    while more {
        let mut batch = Batch::default();
        more = answer.next(&mut |raw| normalize::record(origin, selected, raw, &mut batch)).await?;
        records += batch.records();
        let items = batch.failures.iter().map(|f| (f.failure_id, Item::new(f, &batch.texts)));
        held.extend(items);
    }
    if plan.looks_cut(window, records) {
        plan.narrow();
    } else {
        plan.committed(window, window, records);
    }
    Ok(())
}
