//! The reading side: window after window is asked for, and its records go to the writing side batch by
//! batch, while that is still at work on those before.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc::Sender;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{Error, Job, Progress, Work, windows};
use crate::model::Batch;
use crate::normalize;
use crate::onelogin::{Answer, Source};
use crate::window::{Plan, Window};

/// What the writing side is to do next.
pub(super) enum Step<'a> {
    /// Write records of the window at hand.
    Write(Batch, Progress),
    /// Commit it.
    Commit(Whole<'a>),
    /// Take it back: it failed or was cut, and is asked for again.
    TakeBack,
}

/// A window that was read to its end.
pub(super) struct Whole<'a> {
    pub(super) window: Window,
    pub(super) records: u64,
    /// When the oldest of them happened.
    pub(super) oldest: Option<DateTime<Utc>>,
    /// When the newest of them happened that is not dated after the window.
    pub(super) newest: Option<DateTime<Utc>>,
    /// Lets the reading side begin another window, once this one is committed.
    pub(super) _turn: SemaphorePermit<'a>,
}

/// How many windows may be under way: the one that is written, and those that are read ahead of it.
pub(super) struct Turns {
    free: Semaphore,
    all: u32,
}

impl Turns {
    pub(super) fn new(ahead: u32) -> Self {
        let all = ahead.saturating_add(1);
        Self { free: Semaphore::new(all as usize), all }
    }

    async fn take(&self, turns: u32) -> SemaphorePermit<'_> {
        self.free.acquire_many(turns).await.expect("nobody closes it")
    }
}

/// The reading side of a run.
pub(super) struct Fetch<'a> {
    pub(super) work: Work<'a>,
    pub(super) source: &'a Source,
    pub(super) turns: &'a Turns,
    pub(super) steps: Sender<Step<'a>>,
    /// Records of whole windows so far.
    pub(super) fetched: u64,
}

impl<'a> Fetch<'a> {
    /// Reads every window of the plan.
    pub(super) async fn all(mut self, plan: &mut Plan) -> Result<(), Error> {
        let source = self.source;
        windows::each(source, plan, async |window, plan| {
            let read = self.window(window, plan).await;
            if !matches!(read, Ok(true)) {
                send(&self.steps, Step::TakeBack).await;
            }
            read.map(drop)
        })
        .await
    }

    /// Reads a window. Gives `false` for one that is to be asked for again, in halves.
    async fn window(&mut self, asked: Window, plan: &mut Plan) -> Result<bool, Error> {
        let turn = self.turn().await?;
        let request = asked.widened();
        let answer = self.source.open(request.from, request.to, asked.can_narrow()).await?;
        let server_now = answer.server_now();
        plan.learn_now(server_now);
        let window = asked.until(server_now);
        if server_now.is_some_and(|now| now < asked.from) {
            // Nothing can have happened yet, and the marks must not pass the server's clock.
            plan.committed(asked, window, 0);
            return Ok(true);
        }
        let (done, span) = plan.progress(window.from);
        let shown = (window != Window::ALL_TIME).then_some(window);
        let progress = Progress { window: shown, done, span, fetched: self.fetched };
        let seen = read(self.work.job, answer, window.to, &self.steps, progress).await?;
        if plan.looks_cut(asked, seen.records) {
            tracing::info!(
                window = %asked, records = seen.records, "a round count: asking again in halves"
            );
            plan.narrow();
            return Ok(false);
        }
        self.fetched += seen.records;
        plan.committed(asked, window, seen.records);
        send(&self.steps, Step::Commit(seen.whole(window, turn))).await;
        Ok(true)
    }

    /// Waits until one more window may be begun, and sees to it that there are calls for it.
    async fn turn(&self) -> Result<SemaphorePermit<'a>, Error> {
        let (Work { job, calls, .. }, turns) = (self.work, self.turns);
        if let Source::Events(events) = self.source {
            let calls_each = u64::from(events.calls_per_window());
            if !calls.suffice_for(calls_each) {
                // Asking for more writes to the database, where an open window would be in the way.
                let _all = turns.take(turns.all).await;
                calls.ensure(calls_each * (u64::from(job.prefetch) + 1)).await?;
            }
        }
        Ok(turns.take(1).await)
    }
}

/// What was read: how many records, and when the oldest and the newest of them happened.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) records: u64,
    pub(super) oldest: Option<DateTime<Utc>>,
    pub(super) newest: Option<DateTime<Utc>>,
    /// How many events were not asked for, by their types.
    ignored: BTreeMap<i64, u64>,
}

impl Seen {
    /// Those dated after `until` are not the newest of anything.
    fn see(&mut self, batch: &Batch, until: DateTime<Utc>) {
        self.records += batch.records();
        let failures = batch.failures.iter().map(|failure| failure.created_at);
        let successes = batch.successes.iter().map(|success| success.created_at);
        for at in failures.chain(successes).filter(|at| *at <= until) {
            self.oldest = Some(self.oldest.map_or(at, |oldest| oldest.min(at)));
            self.newest = self.newest.max(Some(at));
        }
        for event_type_id in &batch.ignored {
            *self.ignored.entry(*event_type_id).or_default() += 1;
        }
    }

    pub(super) fn whole<'a>(&self, window: Window, turn: SemaphorePermit<'a>) -> Whole<'a> {
        Whole {
            window,
            records: self.records,
            oldest: self.oldest,
            newest: self.newest,
            _turn: turn,
        }
    }
}

/// Reads records to their end, and hands them on batch by batch.
pub(super) async fn read(
    job: &Job,
    mut answer: Answer<'_>,
    until: DateTime<Utc>,
    steps: &Sender<Step<'_>>,
    before: Progress,
) -> Result<Seen, Error> {
    let mut seen = Seen::default();
    let mut batch = Batch::default();
    let mut more = true;
    while more {
        let mut sink = |raw: &[u8]| normalize::record(&job.origin, &job.selected, raw, &mut batch);
        more = answer.next(&mut sink).await?;
        // Both sides share a thread: what the database has done meanwhile is followed up at once.
        tokio::task::yield_now().await;
        if batch.is_full() || !more {
            seen.see(&batch, until);
            let progress = Progress { fetched: before.fetched + seen.records, ..before };
            send(steps, Step::Write(std::mem::take(&mut batch), progress)).await;
        }
    }
    if !seen.ignored.is_empty() {
        tracing::info!(types = ?seen.ignored, "events of types that were not asked for");
    }
    Ok(seen)
}

/// The writing side is gone only if it has failed, and its error ends the run.
pub(super) async fn send<'a>(steps: &Sender<Step<'a>>, step: Step<'a>) {
    if steps.send(step).await.is_err() {
        std::future::pending::<()>().await;
    }
}
