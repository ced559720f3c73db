//! The daily rescan: events can change after their creation, so the last days are read again.

use super::load::{Advance, Loader};
use super::session::Session;
use super::{Error, copy, plan};
use crate::window::{Plan, Rescan};

/// Reads again what may have changed, once a day, as far back as the job asks for. New events come first,
/// and what the call budget does not cover is left to the next run.
pub(super) async fn once_a_day(
    run: &Session<'_>,
    done: &Plan,
    loader: &mut Loader<'_>,
) -> Result<(), Error> {
    let job = run.job;
    if job.rescan.is_zero() {
        return Ok(());
    }
    let complete = Rescan { read_at: Some(done.end()), next: None };
    if run.rescan == Rescan::default() {
        // The first run has just read it all.
        return Ok(run.store.note_rescan(&run.lease, complete).await?);
    }
    if job.since.is_some() || job.until.is_some() {
        return Ok(());
    }
    if let Some(from) = run.rescan.begin(done.end(), job.rescan) {
        // Not before the first span that was ever requested.
        let read_since = run.store.read_since(&job.origin).await?;
        let from = read_since.map_or(from, |since| since.max(from));
        let to = done.start();
        tracing::info!(%from, %to, "re-reading events that may have changed");
        let mut plan = Plan::new(plan::pace(run.source), from, Some(to), to);
        match copy(run, &mut plan, loader, Advance::Rescan(run.rescan)).await {
            Err(Error::Source(error)) if error.is_out_of_calls() => {
                tracing::info!(%error, "the next run continues the rescan");
                return Ok(());
            }
            other => other?,
        }
        run.store.note_rescan(&run.lease, complete).await?;
    }
    Ok(())
}
