//! Start of a run.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use super::load::Advance;
use super::reread::{self, Reread};
use super::session::Session;
use super::{Error, heal, place};
use crate::model::Origin;
use crate::onelogin::Source;
use crate::source::SourceKind;
use crate::window::reread::Span;
use crate::window::{Memory, Plan, Window};

/// The windows of a run, from where the last one stopped, and what moves with each of them.
pub(super) async fn resume(run: &Session<'_>) -> Result<(Plan, Advance), Error> {
    let pace = run.pace();
    if let Source::Saved(_) = run.source {
        tracing::info!("run starts: reading a file, which moves no watermark");
        let Window { from, to } = Window::ALL_TIME;
        return Ok((Plan::new((pace, Memory::default()), from, Some(to), to), Advance::Nothing));
    }
    run.calls.begin(run.memory.part).await?;
    let now = Utc::now().trunc_subsecs(0);
    let pace = (pace, run.memory);
    let (plan, advance, reason) = if let Some((from, advance, reason)) = start(run, now).await? {
        (Plan::new(pace, from, run.job.until, now), advance, reason)
    } else {
        let plan = Plan::of_last(run.job.first_run, pace, run.job.until, now);
        (plan, Advance::Watermark, "first run")
    };
    tracing::info!(from = %plan.start(), reason, "run starts");
    Ok((plan, advance))
}

/// Returns the start, what moves, and its reason; `None` for a first run without a given start.
async fn start(
    run: &Session<'_>,
    now: DateTime<Utc>,
) -> Result<Option<(DateTime<Utc>, Advance, &'static str)>, Error> {
    let job = run.job;
    let healed = heal::check(run, now).await?;
    let starts = |from, reason| Ok(Some((from, Advance::Watermark, reason)));
    if let Some(since) = job.since {
        return starts(since, "--since");
    }
    if let Some(start) = healed {
        return starts(start, "before a watermark that is not believed");
    }
    if let Some(scanned) = run.tally().watermark.scanned_through {
        if job.until.is_none()
            && let Some(day) = reread::with_what_is_new(run).await?
        {
            let reread = Reread { span: Span::Day, failures_only: false };
            let reason = "after the watermark, less the overlap, which is read with what is new";
            return Ok(Some((day.from, Advance::Both(reread), reason)));
        }
        return starts(scanned, "after the watermark");
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
            return starts(continued, "where the legacy sync stopped, less the overlap");
        }
    }
    Ok(None)
}

/// The last second, as a request for the source's clock alone.
pub(super) fn last_second(now: DateTime<Utc>) -> Window {
    Window { from: now - TimeDelta::seconds(1), to: now }
}
