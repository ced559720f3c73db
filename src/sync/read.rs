//! The reading side: requests window after window, and hands records to the writing side batch by
//! batch while that is still busy with earlier ones.

mod gather;
mod spool;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc::Sender;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::session::Session;
use super::{Error, Progress};
use crate::model::{Batch, Origin};
use crate::normalize;
use crate::normalize::event_type::EventSelection;
use crate::onelogin::retry::{Attempts, Decision};
use crate::onelogin::{Element, Source};
use crate::source::SourceKind;
use crate::window::{Plan, Window, clock};

/// Next step of the writing side.
pub(super) enum Step<'a> {
    /// Write records of a window.
    Write(Window, Batch),
    /// Commit it.
    Commit(WindowEnd<'a>),
    /// Roll it back: it failed or was cut, and will be requested again.
    RollBack,
}

/// A window that was read to its end.
pub(super) struct WindowEnd<'a> {
    pub(super) window: Window,
    pub(super) stats: WindowStats,
    /// Lets the reading side begin another window once this one is committed.
    _slot: SemaphorePermit<'a>,
}

/// Slots for windows in progress: the one that is written, and those that are read ahead of it.
pub(super) struct ReadAhead {
    free: Semaphore,
    slots: u32,
}

impl ReadAhead {
    pub(super) fn new(prefetch: u32) -> Self {
        let slots = prefetch.saturating_add(1);
        Self { free: Semaphore::new(slots as usize), slots }
    }

    /// Steps that may wait for the writing side. A small window is a batch and a commit, and the last
    /// step of those that are read ahead waits with the reading side.
    pub(super) fn steps(&self) -> usize {
        (2 * (self.slots as usize - 1)).saturating_sub(1).max(1)
    }

    async fn take(&self, slots: u32) -> SemaphorePermit<'_> {
        self.free.acquire_many(slots).await.expect("nobody closes it")
    }
}

/// Number and times of the records of a window.
#[derive(Debug, Default)]
pub(super) struct WindowStats {
    pub(super) records: u64,
    rejects: u64,
    pub(super) oldest: Option<DateTime<Utc>>,
    /// The newest that is not dated after the window.
    pub(super) newest: Option<DateTime<Utc>>,
    /// Number of events that were not selected, by their types.
    ignored: BTreeMap<i64, u64>,
}

impl WindowStats {
    fn add(&mut self, batch: &Batch, until: DateTime<Utc>) {
        self.records += batch.records();
        self.rejects += batch.rejects.len() as u64;
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

    /// Fails if there is nothing but rejects, and many of them, in this window and the `earlier` records
    /// of the run, of which `earlier_rejects` are rejects.
    fn check_readable(
        &self,
        kind: SourceKind,
        (earlier, earlier_rejects): (u64, u64),
    ) -> Result<(), Error> {
        let rejects = self.rejects + earlier_rejects;
        if rejects == self.records + earlier && rejects > MOST_REJECTS_ALONE {
            return Err(Error::NothingReadable { rejects, kind });
        }
        Ok(())
    }
}

/// Rejects before the first good record, from which on an answer is taken for something else.
const MOST_REJECTS_ALONE: u64 = 1_000;

/// The reading side of a run.
pub(super) struct Reader<'a> {
    run: &'a Session<'a>,
    read_ahead: &'a ReadAhead,
    steps: Sender<Step<'a>>,
    /// Records of complete windows so far.
    fetched: u64,
    /// Rejects among them.
    rejects: u64,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        run: &'a Session<'a>,
        read_ahead: &'a ReadAhead,
        steps: Sender<Step<'a>>,
    ) -> Self {
        let counts = run.tally().counts;
        Self { run, read_ahead, steps, fetched: counts.fetched, rejects: counts.rejected }
    }

    /// Reads every window of the plan.
    pub(super) async fn all(mut self, plan: &mut Plan) -> Result<(), Error> {
        let source = self.run.source;
        let mut attempts = Attempts::begin(source.policy());
        while let Some(window) = plan.next_window() {
            match self.window(window, plan).await {
                Ok(()) => attempts = Attempts::begin(source.policy()),
                Err(error) => {
                    self.send(Step::RollBack).await;
                    recover(source, plan, error, &mut attempts).await?;
                }
            }
        }
        Ok(())
    }

    /// Reads a window, and moves the plan past it unless it was cut.
    async fn window(&mut self, requested: Window, plan: &mut Plan) -> Result<(), Error> {
        let slot = self.slot().await?;
        let Window { from, to } = requested.widened();
        let answer = self.run.source.open(from, to, requested.can_narrow()).await?;
        if let Some(account_id) = self.run.source.account_id() {
            self.run.check_account(account_id)?;
        }
        // A file has no clock, and all of it is there.
        let limit = if let Source::Saved(_) = self.run.source {
            DateTime::<Utc>::MAX_UTC
        } else {
            let (theirs, ours) = (answer.server_now(), Utc::now());
            let limit = clock::scan_limit(theirs, ours);
            if plan.start_again_before(limit) {
                return Ok(());
            }
            if clock::is_wrong(requested.from, theirs, ours) {
                return Err(Error::Clock { from: requested.from, theirs, ours });
            }
            limit
        };
        plan.learn_now(limit);
        let window = requested.until(limit);
        if limit < requested.from {
            // Nothing can have happened yet, and the watermark must not pass the clocks.
            plan.committed(requested, window, 0);
            return Ok(());
        }
        let (done, span) = plan.progress(window.from);
        let shown = (window != Window::ALL_TIME).then_some(window);
        let progress = Progress { window: shown, done, span, fetched: self.fetched };
        let stats = Box::pin(self.records(answer, requested, window, progress)).await?;
        let records = stats.records;
        if plan.looks_cut(requested, records) {
            tracing::info!(
                window = %requested,
                "record count {records} looks like a server limit; splitting the window"
            );
            plan.narrow();
            self.send(Step::RollBack).await;
            return Ok(());
        }
        self.fetched += records;
        self.rejects += stats.rejects;
        plan.committed(requested, window, records);
        self.send(Step::Commit(WindowEnd { window, stats, _slot: slot })).await;
        Ok(())
    }

    /// Waits until another window may begin, and reserves the calls for it.
    async fn slot(&self) -> Result<SemaphorePermit<'a>, Error> {
        let (Session { calls, source, .. }, read_ahead) = (self.run, self.read_ahead);
        if let Source::Events(events) = source {
            let planned = u64::from(events.calls_of_a_window());
            if !calls.covers(planned) {
                // Reserving writes to the database, where an open window would be in the way.
                let _all = read_ahead.take(read_ahead.slots).await;
                calls.reserve(planned).await?;
            }
        }
        Ok(read_ahead.take(1).await)
    }

    /// Hands a step on. The writing side is gone only if it has failed, and its error ends the run.
    async fn send(&self, step: Step<'a>) {
        if self.steps.send(step).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Reads a record of an answer into a batch.
pub(super) fn normalise(
    origin: &Origin,
    selected: &EventSelection,
    element: Element<'_>,
    batch: &mut Batch,
) {
    match element {
        Element::Text(text) => normalize::record(origin, selected, text, batch),
        Element::TooLarge { head, digest, bytes } => {
            normalize::too_large(origin, head, digest, bytes, batch);
        }
    }
}

/// Waits before another attempt at a window that failed, perhaps a narrower one, or gives up.
pub(super) async fn recover(
    source: &Source,
    plan: &mut Plan,
    error: Error,
    attempts: &mut Attempts<'_>,
) -> Result<(), Error> {
    let Error::Source(error) = error else { return Err(error) };
    let (wait, is_narrowed) = match attempts.failed(&error) {
        Decision::Wait { wait, narrow } => (wait, narrow && plan.narrow()),
        Decision::Narrow if plan.narrow() => (Duration::ZERO, true),
        Decision::Narrow | Decision::GiveUp => return Err(error.into()),
    };
    if is_narrowed {
        let (reason, wait) = (crate::chain(&error), wait.as_secs_f64());
        tracing::info!(reason, "reading a smaller window in {wait:.1} s");
    } else {
        attempts.log_retry(&error, wait);
    }
    source.meter().count_retry();
    tokio::time::sleep(wait).await;
    Ok(())
}
