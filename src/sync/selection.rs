//! The event types that are copied: a type that was added later, and a server that takes only one of them.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::Error;
use super::read::normalise;
use super::session::Session;
use crate::model::Batch;
use crate::onelogin::Element;
use crate::onelogin::events::Events;
use crate::window::Plan;

/// Time between two comparisons of an account that has no event to compare, and the span that is compared.
const BETWEEN: TimeDelta = TimeDelta::days(1);

/// Compares the selected types with those of earlier runs. Reports from when on an added type is copied.
pub(super) async fn compare(run: &Session<'_>, events: &Events) -> Result<(), Error> {
    let account = &run.job.origin.account;
    let selected = run.job.selected.all();
    let stored = run.store.selected_types(account).await?;
    if run.takes_one_type() == Some(true) {
        events.request_types_one_by_one();
    }
    if stored == selected {
        return Ok(());
    }
    let added: Vec<i64> = selected.iter().copied().filter(|id| !stored.contains(id)).collect();
    let scanned = run.tally().watermark.scanned_through;
    if let Some(scanned) = scanned
        && !stored.is_empty()
        && !added.is_empty()
    {
        let since = run.store.read_since(&run.job.origin).await?.unwrap_or(scanned);
        tracing::info!(
            types = ?added, from = %time(scanned),
            "event types that were added are copied from this time on; the same command with --since {} \
             copies what lies before",
            time(since)
        );
    }
    run.set_takes_one_type(None);
    events.request_types_together();
    Ok(run.store.select_types(&run.lease, &selected, &added, scanned).await?)
}

/// Finds out whether the server takes only the first of several types, if that is not known and the windows
/// of a plan do not show it: another type is requested alone. Returns true if it has just been found.
pub(super) async fn takes_one_type(
    run: &Session<'_>,
    events: &Events,
    plan: &Plan,
) -> Result<bool, Error> {
    let selected = run.job.selected.all();
    if run.takes_one_type().is_some() || selected.len() < 2 {
        return Ok(false);
    }
    if run.has_seen_other_type() {
        run.set_takes_one_type(Some(false));
        run.store.note_takes_one_type(&run.lease, false).await?;
        return Ok(false);
    }
    if !run.is_first && run.tally().counts.fetched == 0 {
        // Nothing to compare: once a day.
        let known = run.store.known_types(&run.job.origin.account).await?;
        if known.checked_at.is_some_and(|at| (plan.end() - at).abs() < BETWEEN) {
            return Ok(false);
        }
    }
    let origin = &run.job.origin;
    let (from, to) = (plan.start().min(plan.end() - BETWEEN * 8), plan.end());
    for other in &selected[1..] {
        run.calls.reserve(1).await?;
        let mut walk = match events.open_types(from, to, &[*other], 1).await {
            Ok(walk) => walk,
            Err(error) if error.is_out_of_calls() => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let mut batch = Batch::default();
        let mut sink =
            |element: Element<'_>| normalise(origin, &run.job.selected, element, &mut batch);
        walk.next(&mut sink).await?;
        // A server that does not filter at all gives others, or what no one can read.
        if has_type(&batch, *other) {
            tracing::info!(
                event_type_id = other,
                "the server takes only the first of several event types: each is requested by itself"
            );
            events.request_types_one_by_one();
            run.set_takes_one_type(Some(true));
            run.store.note_takes_one_type(&run.lease, true).await?;
            return Ok(true);
        }
    }
    Ok(false)
}

fn has_type(batch: &Batch, event_type_id: i64) -> bool {
    batch.failures.iter().any(|failure| failure.event_type_id == Some(event_type_id))
        || batch.successes.iter().any(|success| success.event_type_id == event_type_id)
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
