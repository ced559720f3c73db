//! Start of a run.

use chrono::{DateTime, SubsecRound, Utc};

use super::load::Advance;
use super::session::Session;
use super::{Error, heal, place};
use crate::model::Origin;
use crate::onelogin::Source;
use crate::source::SourceKind;
use crate::window::{Pace, Plan, Window};

/// The windows of a run, from where the last one stopped, and what moves with each of them.
pub(super) async fn resume(run: &Session<'_>) -> Result<(Plan, Advance), Error> {
    let pace = pace(run.source);
    if let Source::Saved(_) = run.source {
        tracing::info!("run starts: reading a file, which moves no watermark");
        let Window { from, to } = Window::ALL_TIME;
        return Ok((Plan::new(pace, from, Some(to), to), Advance::Nothing));
    }
    let now = Utc::now().trunc_subsecs(0);
    let (plan, reason) = match start(run, now).await? {
        Some((from, reason)) => (Plan::new(pace, from, run.job.until, now), reason),
        None => (Plan::of_last(run.job.first_run, pace, run.job.until, now), "first run"),
    };
    tracing::info!(from = %plan.start(), reason, "run starts");
    Ok((plan, Advance::Watermark))
}

/// Returns the widths for the windows of a source.
pub(super) fn pace(source: &Source) -> Pace {
    match source {
        Source::Legacy(_) => Pace::ONE_ANSWER,
        Source::Events(_) => Pace::PAGES,
        Source::Saved(_) => Pace::ALL_TIME,
    }
}

/// Returns the start and its reason; `None` for a first run without a given start.
async fn start(
    run: &Session<'_>,
    now: DateTime<Utc>,
) -> Result<Option<(DateTime<Utc>, &'static str)>, Error> {
    let job = run.job;
    let healed = heal::check(run, now).await?;
    if let Some(since) = job.since {
        return Ok(Some((since, "--since")));
    }
    if let Some(start) = healed {
        return Ok(Some((start, "before a watermark that is not believed")));
    }
    if let Some(resumed) = run.tally().watermark.resume(job.overlap) {
        return Ok(Some((resumed, "after the watermark, less the overlap")));
    }
    // The events API continues from the legacy one.
    if run.source.kind() == SourceKind::Events {
        let origin = Origin { source: SourceKind::Legacy, ..job.origin.clone() };
        let (legacy, host) = run.store.watermark_of(&origin).await?;
        let continued = if legacy.is_ahead_of(now) {
            heal::continue_from(run.store, &origin, job.overlap, now).await?
        } else {
            legacy.continue_from(job.overlap)
        };
        if let Some(continued) = continued {
            place::check_continued(run, host.as_deref())?;
            return Ok(Some((continued, "where the legacy sync stopped, less the overlap")));
        }
    }
    Ok(None)
}
