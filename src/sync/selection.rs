//! The event types that are copied: a type that was added later, and a server that takes only one of them.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::Error;
use super::read::normalise;
use super::session::Session;
use crate::model::Batch;
use crate::onelogin::events::Events;
use crate::onelogin::{Element, Kind};
use crate::window::{Plan, Window};

/// Time between two comparisons of an account that has no event to compare.
const BETWEEN: TimeDelta = TimeDelta::days(1);
/// The span that is compared, at least.
const COMPARED: TimeDelta = TimeDelta::days(8);
/// The span around an event for which the whole list is requested again: whatever bounds and precision the
/// server's filters have, the event lies in it.
const AROUND: TimeDelta = TimeDelta::seconds(1);

/// The types that came in answer to requests for the whole list.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SeenTypes {
    first: bool,
    last: bool,
    between: bool,
}

impl SeenTypes {
    /// Adds the types of a batch.
    pub(super) fn see(&mut self, selected: &[i64], batch: &Batch) {
        let failures = batch.failures.iter().filter_map(|failure| failure.event_type_id);
        let successes = batch.successes.iter().map(|success| success.event_type_id);
        for id in failures.chain(successes) {
            self.first |= selected.first() == Some(&id);
            self.last |= selected.last() == Some(&id);
            self.between |= selected
                .get(1..selected.len().saturating_sub(1))
                .is_some_and(|ids| ids.contains(&id));
        }
    }

    /// True if a server that takes only the first of several types, or only the last, would not have given
    /// them.
    pub(super) fn show_a_list(self) -> bool {
        self.between || (self.first && self.last)
    }
}

/// Events of the first page of an answer.
struct FirstPage {
    events: Batch,
    /// True if no page follows.
    is_only: bool,
}

/// Another list of types than that of earlier runs.
#[derive(Debug)]
pub(super) struct Changed {
    selected: Vec<i64>,
    added: Vec<i64>,
    /// The added types are copied from this time on; from the first window on if there is none.
    from: Option<DateTime<Utc>>,
}

/// Compares the selected types with those of earlier runs. Reports from when on an added type is copied, which each run
/// does until one has read something: it may be the only trace of what is missing.
pub(super) async fn compare(run: &Session<'_>, events: &Events) -> Result<Option<Changed>, Error> {
    let selected = run.job.selected.all();
    let stored = run.store.selected_types(&run.job.origin.account).await?;
    if stored == selected {
        check_verdict(run, events, &selected).await?;
        return Ok(None);
    }
    run.forget_takes_one_type();
    let added: Vec<i64> = selected.iter().copied().filter(|id| !stored.contains(id)).collect();
    let from = run.tally().watermark.scanned_through;
    let changed = Changed { selected, added, from };
    if stored.is_empty() {
        record(run, Some(changed)).await?;
        return Ok(None);
    }
    if let Some(from) = from
        && !changed.added.is_empty()
    {
        let since = run.store.read_since(&run.job.origin).await?.unwrap_or(from);
        tracing::info!(
            types = ?changed.added, from = %time(from),
            "event types that were added are copied from this time on; the same command with --since {} \
             copies what lies before",
            time(since)
        );
    }
    Ok(Some(changed))
}

/// Records another list of types.
pub(super) async fn record(run: &Session<'_>, changed: Option<Changed>) -> Result<(), Error> {
    let Some(Changed { selected, added, from }) = changed else { return Ok(()) };
    Ok(run.store.select_types(&run.lease, &selected, &added, from).await?)
}

/// Requests each type by itself if that is necessary. Whether it is, one request in each such run finds out,
/// which costs a call where each window costs one per type: a server may be repaired, and earlier versions
/// took servers with a quiet week for one that needs it.
async fn check_verdict(run: &Session<'_>, events: &Events, selected: &[i64]) -> Result<(), Error> {
    if run.takes_one_type() != Some(true) {
        return Ok(());
    }
    if let Some(to) = run.tally().watermark.scanned_through {
        match first_page(run, events, Window { from: to - COMPARED, to }, selected).await {
            Ok(Some(page)) => {
                let mut seen = SeenTypes::default();
                seen.see(selected, &page.events);
                if seen.show_a_list() {
                    tracing::info!(
                        "the server takes several event types: they are requested together again"
                    );
                    return conclude(run, events, Some(false), to).await;
                }
            }
            Ok(None) => {}
            // Requests for single types may succeed all the same.
            Err(Error::Source(error)) if error.kind() == Kind::NotThisApi => {
                tracing::debug!(error = %crate::chain(&error), "event types not compared");
            }
            Err(error) => return Err(error),
        }
    }
    events.request_types_one_by_one();
    Ok(())
}

/// Finds out whether the server takes only one of several types, if that is not known and the windows
/// of a plan do not show it. Returns true if it has just been found.
pub(super) async fn takes_one_type(
    run: &Session<'_>,
    events: &Events,
    plan: &Plan,
) -> Result<bool, Error> {
    let selected = run.job.selected.all();
    if run.takes_one_type().is_some() || selected.len() < 2 {
        return Ok(false);
    }
    let verdict = if run.seen_types().show_a_list() {
        Some(false)
    } else if is_due(run, plan) {
        compare_answers(run, events, plan, &selected).await?
    } else {
        return Ok(false);
    };
    conclude(run, events, verdict, plan.end()).await?;
    Ok(verdict == Some(true))
}

/// Checks whether answers are to be compared: in a first run, after a change of the list, and once a day.
fn is_due(run: &Session<'_>, plan: &Plan) -> bool {
    let compared_at = run.server.types_compared_at;
    run.is_first
        || run.has_changed_types()
        || compared_at.is_none_or(|at| (plan.end() - at).abs() >= BETWEEN)
}

/// Compares answers to requests for the whole list with those for single types. The server takes only one type
/// if an event that came for its type alone is missing from the whole list of the same seconds. `None` if no
/// event shows it.
async fn compare_answers(
    run: &Session<'_>,
    events: &Events,
    plan: &Plan,
    selected: &[i64],
) -> Result<Option<bool>, Error> {
    let mut seen = run.seen_types();
    let span = Window { from: plan.start().min(plan.end() - COMPARED), to: plan.end() };
    if span.from < plan.start() {
        // The plan's windows are a part of it only.
        let Some(page) = first_page(run, events, span, selected).await? else { return Ok(None) };
        seen.see(selected, &page.events);
    }
    for id in selected {
        if seen.show_a_list() {
            return Ok(Some(false));
        }
        if (seen.first && selected.first() == Some(id))
            || (seen.last && selected.last() == Some(id))
        {
            continue;
        }
        let Some(alone) = first_page(run, events, span, &[*id]).await? else { return Ok(None) };
        // A server that does not filter at all gives others, or what no one can read.
        let Some(at) = time_of_type(&alone.events, *id) else { continue };
        let around = Window { from: at - AROUND, to: at + AROUND };
        let Some(together) = first_page(run, events, around, selected).await? else {
            return Ok(None);
        };
        if time_of_type(&together.events, *id).is_none() && together.is_only {
            let taken = if seen.last { "last" } else { "first" };
            tracing::info!(
                event_type_id = id,
                "the server takes only the {taken} of several event types: each is requested by itself"
            );
            return Ok(Some(true));
        }
        seen.see(selected, &together.events);
    }
    Ok(seen.show_a_list().then_some(false))
}

/// Requests events of these types, one page of them. `None` if no call is left.
async fn first_page(
    run: &Session<'_>,
    events: &Events,
    Window { from, to }: Window,
    types: &[i64],
) -> Result<Option<FirstPage>, Error> {
    run.calls.reserve(1).await?;
    let mut batch = Batch::default();
    let mut sink = |element: Element<'_>| {
        normalise(&run.job.origin, &run.job.selected, element, &mut batch);
    };
    let read = async {
        let mut walk = events.open_types(from, to, types, 1).await?;
        walk.first_page(&mut sink).await
    };
    let is_only = match read.await {
        Ok(is_only) => is_only,
        Err(error) if error.is_out_of_calls() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    // What is concluded from it is written to this account.
    let of_token = run.source.account_id();
    let ids = of_token.iter().chain(&batch.account_ids);
    ids.copied().try_for_each(|id| run.check_account(id))?;
    Ok(Some(FirstPage { events: batch, is_only }))
}

/// Records how the server takes types, and requests them accordingly from now on.
/// Goes by what was found out, and records it.
async fn conclude(
    run: &Session<'_>,
    events: &Events,
    takes_one_type: Option<bool>,
    at: DateTime<Utc>,
) -> Result<(), Error> {
    if takes_one_type == Some(true) {
        events.request_types_one_by_one();
    }
    run.set_takes_one_type(takes_one_type);
    Ok(run.store.note_types_compared(&run.lease, takes_one_type, at).await?)
}

/// The time of an event of this type, if there is one.
fn time_of_type(batch: &Batch, event_type_id: i64) -> Option<DateTime<Utc>> {
    let failures = batch.failures.iter().filter(|f| f.event_type_id == Some(event_type_id));
    let successes = batch.successes.iter().filter(|s| s.event_type_id == event_type_id);
    failures.map(|f| f.created_at).chain(successes.map(|s| s.created_at)).next()
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
