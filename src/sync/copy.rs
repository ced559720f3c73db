//! All that a run does: its windows, read and written at the same time, and for the events API what
//! comes after them.

use chrono::{DateTime, SubsecRound, Utc};
use tokio::sync::mpsc;

use super::fetch::{Fetch, Turns};
use super::load::{Advance, Load};
use super::{Error, Report, Work, pace, people, types};
use crate::onelogin::{self, Source};
use crate::source::SourceKind;
use crate::store::ResumePoint;
use crate::window::{Plan, Rescan, Window};

/// A run at work.
pub(super) struct Copy<'a> {
    work: Work<'a>,
    source: &'a Source,
    load: Load<'a>,
    rescan: Rescan,
}

impl<'a> Copy<'a> {
    pub(super) fn new(
        work: Work<'a>,
        source: &'a Source,
        report: &'a mut Report,
        standing: ResumePoint,
    ) -> Self {
        let load = Load::new(work, source, report);
        Self { work, source, load, rescan: standing.rescan }
    }

    /// Every window, and what comes after them.
    pub(super) async fn all(mut self) -> Result<(), Error> {
        if let Source::Saved(_) = self.source {
            let Window { from, to } = Window::ALL_TIME;
            let mut all = Plan::new(pace(self.source), from, Some(to), to);
            return self.windows(&mut all, Advance::Nothing).await;
        }
        let mut plan = self.plan().await?;
        self.windows(&mut plan, Advance::Watermark).await?;
        if let Source::Events(events) = self.source {
            self.rescan(&plan).await?;
            types::compare(self.work, events, plan.end()).await?;
            people::refresh(self.work, events, plan.end(), self.load.report).await?;
        }
        Ok(())
    }

    async fn plan(&self) -> Result<Plan, Error> {
        let Work { job, .. } = self.work;
        let now = Utc::now().trunc_subsecs(0);
        let start = match job.since.or_else(|| self.load.report.mark.resume(job.overlap)) {
            None => take_over(self.work, self.source).await?,
            start => start,
        };
        let start = start.unwrap_or(now - job.first_run);
        Ok(Plan::new(pace(self.source), start, job.until, now))
    }

    /// Reads windows and writes those that are read, at the same time. What was read before something
    /// failed is still written; what cannot be written ends both at once.
    async fn windows(&mut self, plan: &mut Plan, behind: Advance) -> Result<(), Error> {
        let turns = Turns::new(self.work.job.prefetch);
        // A small window is a batch and a commit. The last of those that are read ahead waits in hand.
        let waiting = (2 * self.work.job.prefetch as usize).saturating_sub(1).max(1);
        let (sender, steps) = mpsc::channel(waiting);
        let fetched = self.load.report.counts.fetched;
        let fetch =
            Fetch { work: self.work, source: self.source, turns: &turns, steps: sender, fetched };
        let fetch = async { Ok(fetch.all(plan).await) };
        let (fetched, ()) = tokio::try_join!(fetch, self.load.all(steps, behind))?;
        fetched
    }

    /// Reads again what may have changed, once a day, as far back as the job says. New events come
    /// first, and what the calls do not suffice for is left to the next run.
    async fn rescan(&mut self, done: &Plan) -> Result<(), Error> {
        let Work { job, store, lease, .. } = self.work;
        if job.since.is_some() || job.until.is_some() || job.rescan.is_zero() {
            return Ok(());
        }
        if let Some(from) = self.rescan.begin(done.end(), job.rescan) {
            // Not further back than anyone asked for.
            let from = store.read_since(&job.origin).await?.map_or(from, |since| since.max(from));
            let to = done.start();
            let mut plan = Plan::new(pace(self.source), from, Some(to), to);
            match self.windows(&mut plan, Advance::Rescan(self.rescan)).await {
                Err(Error::Source(error)) if error.kind() == onelogin::Kind::BudgetExhausted => {
                    tracing::info!(%error, "the rescan goes on with the next run");
                    return Ok(());
                }
                other => other?,
            }
        } else if self.rescan.read_at.is_some() {
            return Ok(());
        }
        let whole = Rescan { read_at: Some(done.end()), next: None };
        Ok(store.note_rescan(lease, whole).await?)
    }
}

/// Where the events API begins that was never read: where the legacy one stands, if that was.
async fn take_over(work: Work<'_>, source: &Source) -> Result<Option<DateTime<Utc>>, Error> {
    if source.kind() == SourceKind::Legacy {
        return Ok(None);
    }
    let mark = work.store.watermark_of(&work.run.origin.account, SourceKind::Legacy).await?;
    let start = mark.take_over(work.job.overlap);
    if let Some(start) = start {
        tracing::info!(%start, "going over from the legacy API");
    }
    Ok(start)
}
