//! Window after window: ask, read, normalise, write, commit.

use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound, Utc};

use super::{Error, Job, Progress, Report};
use crate::normalize;
use crate::onelogin;
use crate::onelogin::legacy::{Answer, Legacy};
use crate::onelogin::retry::{self, Decision};
use crate::store::{Lease, Run, Store, WindowWriter};
use crate::window::{Plan, Window};

/// A run at work.
pub(super) struct Copy<'a> {
    job: &'a Job,
    run: &'a Run,
    store: &'a Store,
    source: &'a Legacy,
    lease: &'a Lease,
    on_progress: &'a (dyn Fn(Progress) + Sync),
    report: &'a mut Report,
    plan: Plan,
    /// When the last window began, by the store's clock.
    last_window: Option<DateTime<Utc>>,
}

/// Attempts at one window that failed.
struct Trouble {
    since: Instant,
    attempts: u32,
}

impl<'a> Copy<'a> {
    pub(super) fn new(
        job: &'a Job,
        run: &'a Run,
        store: &'a Store,
        source: &'a Legacy,
        lease: &'a Lease,
        on_progress: &'a (dyn Fn(Progress) + Sync),
        report: &'a mut Report,
    ) -> Self {
        let now = Utc::now().trunc_subsecs(0);
        let start = job.since.or_else(|| report.mark.resume(job.overlap));
        let plan = Plan::new(start.unwrap_or(now - job.first_run), job.until, now);
        Self { job, run, store, source, lease, on_progress, report, plan, last_window: None }
    }

    pub(super) async fn all_windows(mut self) -> Result<(), Error> {
        let mut trouble = None;
        while let Some(window) = self.plan.window() {
            let began = Instant::now();
            match self.window(window).await {
                Ok(()) => trouble = None,
                Err(Error::Source(error)) => {
                    let trouble = trouble.get_or_insert(Trouble { since: began, attempts: 0 });
                    self.wait_or_give_up(error, trouble).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn window(&mut self, asked: Window) -> Result<(), Error> {
        self.report.traffic.requests += 1;
        let request = asked.widened();
        let mut answer = self.source.open(request.from, request.to).await?;
        self.plan.learn_now(answer.server_now);
        let scanned = asked.until(answer.server_now);
        if answer.server_now.is_some_and(|now| now < asked.from) {
            // Nothing can have happened yet, and the marks must not pass the server's clock.
            self.plan.committed(asked, scanned, 0);
            return Ok(());
        }
        let mut writer = self.store.begin_window(self.run, self.last_window).await?;
        self.last_window = Some(writer.began_at());

        let copied = self.records(&mut answer, &mut writer, scanned).await;
        self.report.traffic.bytes += answer.bytes();
        let (records, newest) = copied?;

        if asked.looks_cut(records) {
            tracing::info!(window = %asked, records, "a round count: asking again in halves");
            writer.roll_back().await?;
            self.plan.narrow();
            return Ok(());
        }
        self.commit(writer, scanned, records, newest).await?;
        self.plan.committed(asked, scanned, records);
        Ok(())
    }

    /// Copies the records of an answer, and tells how many they were and when the newest of those
    /// that are not dated in the future happened.
    async fn records(
        &mut self,
        answer: &mut Answer,
        writer: &mut WindowWriter,
        scanned: Window,
    ) -> Result<(u64, Option<DateTime<Utc>>), Error> {
        let mut records = 0;
        let mut newest = None;
        let mut more = true;
        while more {
            let (mut failures, mut rejects) = (Vec::new(), Vec::new());
            more = answer
                .next(&mut |raw| {
                    records += 1;
                    match normalize::legacy(&self.job.origin, raw) {
                        Ok(failure) => failures.push(failure),
                        Err(reject) => rejects.push(reject),
                    }
                })
                .await?;
            let past = failures.iter().map(|f| f.created_at).filter(|at| *at <= scanned.to);
            newest = newest.max(past.max());
            writer.write(failures, rejects).await?;
            self.tell(scanned, self.report.counts.fetched + records);
        }
        writer.flush().await?;
        Ok((records, newest))
    }

    async fn commit(
        &mut self,
        writer: WindowWriter,
        window: Window,
        records: u64,
        newest: Option<DateTime<Utc>>,
    ) -> Result<(), Error> {
        let counts = writer.counts();
        if counts.fetched != records || !counts.balance() {
            return Err(Error::Unbalanced { window, records, counts });
        }
        let mark = self.report.mark.after(window, newest);
        writer.commit(window, mark, self.lease, self.report.traffic).await?;
        self.report.mark = mark;
        self.report.counts += counts;
        self.report.windows += 1;
        tracing::info!(
            %window, records, inserted = counts.inserted, updated = counts.updated,
            rejected = counts.rejected, "window committed"
        );
        Ok(())
    }

    async fn wait_or_give_up(
        &mut self,
        error: onelogin::Error,
        trouble: &mut Trouble,
    ) -> Result<(), Error> {
        trouble.attempts += 1;
        let spent = trouble.since.elapsed();
        let decision = error.failure().map_or(Decision::GiveUp, |failure| {
            let policy = self.source.policy();
            retry::decide(failure, trouble.attempts, spent, policy, fastrand::f64())
        });
        let narrower = error.wants_smaller_window(trouble.attempts) && self.plan.narrow();
        let wait = match decision {
            Decision::Wait(wait) => wait,
            // "Too large" is the server's last word on this window, not on a smaller one.
            Decision::GiveUp if narrower && error.kind() == onelogin::Kind::NotThisApi => {
                Duration::ZERO
            }
            Decision::GiveUp => return Err(error.into()),
        };
        tracing::warn!(
            error = %crate::chain(&error), attempt = trouble.attempts,
            "trying again in {:.1} s", wait.as_secs_f64()
        );
        self.report.traffic.retries += 1;
        tokio::time::sleep(wait).await;
        Ok(())
    }

    fn tell(&self, window: Window, fetched: u64) {
        let (done, span) = self.plan.progress(window.from);
        (self.on_progress)(Progress { window, done, span, fetched });
    }
}
