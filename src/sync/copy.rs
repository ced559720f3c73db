//! Window after window: ask, read, normalise, write, commit.

use std::collections::BTreeMap;

use chrono::{DateTime, SubsecRound, Utc};

use super::{Error, Job, Progress, Report, Work, pace, people, traffic, types, windows};
use crate::model::{LEGACY, Record};
use crate::normalize;
use crate::onelogin::saved::Saved;
use crate::onelogin::{self, Answer, Source};
use crate::store::{Standing, Traffic, WindowWriter};
use crate::window::{Mark, Plan, Rescan, Window};

/// A run at work.
pub(super) struct Copy<'a> {
    work: Work<'a>,
    source: &'a Source,
    report: &'a mut Report,
    rescan: Rescan,
    /// When the last window began, by the store's clock.
    last_window: Option<DateTime<Utc>>,
}

/// Records on their way.
pub(super) enum Records<'a> {
    Answer(Answer<'a>),
    Saved(Saved),
}

impl Records<'_> {
    async fn next(&mut self, sink: &mut impl FnMut(&[u8])) -> Result<bool, Error> {
        match self {
            Self::Answer(answer) => Ok(answer.next(sink).await?),
            Self::Saved(saved) => Ok(saved.next(sink)?),
        }
    }
}

/// What was copied: how many records, and when the oldest and the newest of them happened.
pub(super) struct Copied {
    pub(super) count: u64,
    pub(super) oldest: Option<DateTime<Utc>>,
    pub(super) newest: Option<DateTime<Utc>>,
}

impl<'a> Copy<'a> {
    pub(super) fn new(
        work: Work<'a>,
        source: &'a Source,
        report: &'a mut Report,
        standing: Standing,
    ) -> Self {
        Self { work, source, report, rescan: standing.rescan, last_window: None }
    }

    /// All that a run does: every window, and for the events API what comes after them.
    pub(super) async fn all(mut self) -> Result<(), Error> {
        let mut plan = self.plan().await?;
        self.all_windows(&mut plan).await?;
        if let Source::Events(events) = self.source {
            self.rescan(&plan).await?;
            types::compare(self.work, events, plan.end()).await?;
            people::refresh(self.work, events, plan.end(), self.report).await?;
        }
        Ok(())
    }

    async fn plan(&self) -> Result<Plan, Error> {
        let Work { job, .. } = self.work;
        let now = Utc::now().trunc_subsecs(0);
        let start = match job.since.or_else(|| self.report.mark.resume(job.overlap)) {
            None => take_over(self.work, self.source).await?,
            start => start,
        };
        let start = start.unwrap_or(now - job.first_run);
        Ok(Plan::new(pace(self.source), start, job.until, now))
    }

    async fn all_windows(&mut self, plan: &mut Plan) -> Result<(), Error> {
        let source = self.source;
        windows::each(source, plan, async |window, plan| self.window(window, plan).await).await
    }

    async fn window(&mut self, asked: Window, plan: &mut Plan) -> Result<(), Error> {
        if let Source::Events(events) = self.source {
            self.work.calls.ensure(events.calls_per_window().into()).await?;
        }
        let request = asked.widened();
        let answer = self.source.open(request.from, request.to, asked.can_narrow()).await?;
        let server_now = answer.server_now();
        plan.learn_now(server_now);
        let scanned = asked.until(server_now);
        if server_now.is_some_and(|now| now < asked.from) {
            // Nothing can have happened yet, and the marks must not pass the server's clock.
            plan.committed(asked, scanned, 0);
            return Ok(());
        }
        let Work { job, run, store, .. } = self.work;
        let mut writer = store.window(run, self.last_window);
        let mut answer = Records::Answer(answer);
        let tell = |records| self.tell(plan, scanned, records);
        let Copied { count, newest, .. } =
            records(job, &mut answer, &mut writer, scanned.to, &tell).await?;
        if plan.looks_cut(asked, count) {
            tracing::info!(window = %asked, records = count, "a round count: asking again in halves");
            writer.roll_back().await?;
            plan.narrow();
            return Ok(());
        }
        let mark = self.report.mark.after(scanned, newest);
        let traffic = traffic(self.source);
        let began = commit(self.work, writer, scanned, count, mark, traffic, self.report).await?;
        self.last_window = Some(began);
        plan.committed(asked, scanned, count);
        Ok(())
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
            match self.rescan_windows(from, done.start()).await {
                Err(Error::Source(error @ onelogin::Error::Spent { .. })) => {
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

    async fn rescan_windows(
        &mut self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<(), Error> {
        let Work { store, lease, .. } = self.work;
        let mut plan = Plan::new(pace(self.source), from, Some(to), to);
        windows::each(self.source, &mut plan, async |window, plan| {
            self.window(window, plan).await?;
            let next = Rescan { next: Some(plan.done()), ..self.rescan };
            Ok(store.note_rescan(lease, next).await?)
        })
        .await
    }

    fn tell(&self, plan: &Plan, window: Window, records: u64) {
        let (done, span) = plan.progress(window.from);
        let fetched = self.report.counts.fetched + records;
        (self.work.on_progress)(Progress { window, done, span, fetched });
    }
}

/// Where the events API begins that was never read: where the legacy one stands, if that was.
async fn take_over(work: Work<'_>, source: &Source) -> Result<Option<DateTime<Utc>>, Error> {
    if matches!(source, Source::Legacy(_)) {
        return Ok(None);
    }
    let mark = work.store.mark_of(&work.run.origin.account, LEGACY).await?;
    let start = mark.take_over(work.job.overlap);
    if let Some(start) = start {
        tracing::info!(%start, "going over from the legacy API");
    }
    Ok(start)
}

/// Copies records to the writer, and tells how many they were. Those dated after `until` are not the
/// newest of anything.
pub(super) async fn records(
    job: &Job,
    records: &mut Records<'_>,
    writer: &mut WindowWriter<'_>,
    until: DateTime<Utc>,
    tell: &dyn Fn(u64),
) -> Result<Copied, Error> {
    let mut copied = Copied { count: 0, oldest: None, newest: None };
    let mut ignored: BTreeMap<i64, u64> = BTreeMap::new();
    let mut more = true;
    while more {
        let mut some = Vec::new();
        let mut read = |raw: &[u8]| some.push(normalize::record(&job.origin, &job.format, raw));
        more = records.next(&mut read).await?;
        for record in some {
            copied.count += 1;
            let at = match &record {
                Ok(Record::Failure(failure)) => Some(failure.created_at),
                Ok(Record::Success(success)) => Some(success.created_at),
                Ok(Record::Ignored { event_type_id }) => {
                    *ignored.entry(*event_type_id).or_default() += 1;
                    None
                }
                Err(_) => None,
            };
            if let Some(at) = at.filter(|at| *at <= until) {
                copied.oldest = Some(copied.oldest.map_or(at, |oldest| oldest.min(at)));
                copied.newest = copied.newest.max(Some(at));
            }
            writer.write(record).await?;
        }
        tell(copied.count);
    }
    writer.flush().await?;
    if !ignored.is_empty() {
        tracing::info!(types = ?ignored, "events of types that were not asked for");
    }
    Ok(copied)
}

/// Commits a window whose records are all accounted for. Returns when it began, by the store's clock.
pub(super) async fn commit(
    work: Work<'_>,
    writer: WindowWriter<'_>,
    window: Window,
    records: u64,
    mark: Mark,
    traffic: Traffic,
    report: &mut Report,
) -> Result<DateTime<Utc>, Error> {
    let counts = writer.counts();
    if !counts.balance(records) {
        return Err(Error::Unbalanced { window, records, counts });
    }
    let began = writer.commit(window, mark, work.lease, traffic).await?;
    report.mark = mark;
    report.counts += counts;
    report.windows += 1;
    tracing::info!(
        %window, records, inserted = counts.inserted, updated = counts.updated,
        rejected = counts.rejected, "window committed"
    );
    Ok(began)
}
