//! The reading side: requests window after window, and hands records to the writing side batch by
//! batch while that is still busy with earlier ones.

mod gather;
mod spool;
mod stats;

use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use tokio::sync::mpsc::Sender;
use tokio::sync::{Semaphore, SemaphorePermit};

pub(super) use self::stats::WindowStats;
use super::reread::Reread;
use super::session::Session;
use super::{Error, Progress};
use crate::model::{Batch, Origin};
use crate::normalize;
use crate::normalize::event_type::EventSelection;
use crate::onelogin::events::PAGES_AT_ALL;
use crate::onelogin::retry::{Attempts, Decision};
use crate::onelogin::{self, Element, Scope, Source};
use crate::window::density::Density;
use crate::window::{Plan, Window, clock};

/// Next step of the writing side.
pub(super) enum Step<'a> {
    /// Write records of a window.
    Write(Batch),
    /// Commit it.
    Commit(WindowEnd<'a>),
    /// Roll it back: it failed or was cut, and will be requested again.
    RollBack,
}

/// A window that was read to its end.
pub(super) struct WindowEnd<'a> {
    pub(super) window: Window,
    pub(super) stats: WindowStats,
    /// Pages that it took: calls, or 50 records each.
    pub(super) pages: u64,
    /// True if successes were not requested.
    pub(super) failures_only: bool,
    /// The density of windows, this one included.
    pub(super) density: Density,
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

/// The reading side of a run.
pub(super) struct Reader<'a> {
    run: &'a Session<'a>,
    read_ahead: &'a ReadAhead,
    steps: Sender<Step<'a>>,
    /// The span that is re-read; `None` for what is new.
    reread: Option<Reread>,
    /// Records of complete windows so far.
    fetched: u64,
    /// Rejects among them.
    rejects: u64,
    /// The calls that were last estimated to be ahead.
    estimated: Option<f64>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        run: &'a Session<'a>,
        read_ahead: &'a ReadAhead,
        steps: Sender<Step<'a>>,
        reread: Option<Reread>,
    ) -> Self {
        let counts = run.tally().counts;
        let fetched = counts.fetched + counts.successes + counts.ignored;
        let rejects = counts.rejected;
        Self { run, read_ahead, steps, reread, fetched, rejects, estimated: None }
    }

    fn failures_only(&self) -> bool {
        self.reread.is_some_and(|reread| reread.failures_only)
    }

    /// Reads every window of the plan.
    pub(super) async fn all(mut self, plan: &mut Plan) -> Result<(), Error> {
        let source = self.run.source;
        let mut attempts = Attempts::begin(source.policy());
        let mut window = None;
        loop {
            match self.next(plan, &mut window).await {
                Ok(false) => return Ok(()),
                Ok(true) => attempts = Attempts::begin(source.policy()),
                Err(error) => {
                    self.send(Step::RollBack).await;
                    recover(source, plan, window, error, &mut attempts).await?;
                }
            }
        }
    }

    /// Reads the next window, and gives it meanwhile. Gives `false` at the end of the plan.
    async fn next(&mut self, plan: &mut Plan, window: &mut Option<Window>) -> Result<bool, Error> {
        *window = None;
        if !plan.has_next() {
            return Ok(false);
        }
        let slot = self.slot(plan).await?;
        let Some(requested) = plan.next_window(self.run.calls.left()) else { return Ok(false) };
        *window = Some(requested);
        self.window(slot, requested, plan).await?;
        Ok(true)
    }

    /// Reads a window, and moves the plan past it unless it was cut.
    async fn window(
        &mut self,
        slot: SemaphorePermit<'a>,
        requested: Window,
        plan: &mut Plan,
    ) -> Result<(), Error> {
        let Window { from, to } = requested.widened(plan.is_last(requested));
        // Once begun, a window is read to its end, up to half of an hour's calls.
        let limit = plan.most_pages(requested, self.run.calls.most_pages());
        let scope = Scope { failures_only: self.failures_only(), most_pages: whole(limit) };
        let mut answer = self.run.source.open(from, to, scope).await?;
        if let Some(account_id) = self.run.source.account_id() {
            self.run.check_account(account_id)?;
        }
        let Some(limit_of_clocks) = self.limit_of_clocks(answer.server_now(), requested, plan)?
        else {
            return Ok(());
        };
        plan.learn_now(limit_of_clocks);
        let window = requested.until(limit_of_clocks);
        if limit_of_clocks < requested.from {
            // Nothing can have happened yet, and the watermark must not pass the clocks.
            plan.committed(requested, window, 0);
            return Ok(());
        }
        let (done, span) = plan.progress(window.from);
        let shown = (window != Window::ALL_TIME).then_some(window);
        let progress = Progress { window: shown, done, span, fetched: self.fetched };
        // The first page shows what the server has left, too.
        let left = || self.run.calls.left();
        let mut narrows =
            |page: (u64, TimeDelta)| plan.narrows(window, page, (limit.min(left() + 1.0), left()));
        let reading = self.records(&mut answer, (requested, window), progress, &mut narrows);
        let stats = match Box::pin(reading).await {
            Err(Error::Source(error)) if error.is_too_much() => {
                return self.give_up(window, answer.pages(), plan, error).await;
            }
            read => read?,
        };
        let Some(stats) = stats else {
            tracing::info!(%window, "the first page is so dense that a smaller window is read");
            self.send(Step::RollBack).await;
            return Ok(());
        };
        let records = stats.records;
        if plan.looks_cut(requested, records) {
            tracing::info!(
                window = %requested,
                "record count {records} looks like a server limit; splitting the window"
            );
            plan.narrow(requested);
            self.send(Step::RollBack).await;
            return Ok(());
        }
        if plan.looks_like_limit(records) {
            self.run.see_cut_second(stats.newest.unwrap_or(requested.from), records);
        }
        self.fetched += records;
        self.rejects += stats.rejects;
        plan.committed(requested, window, records);
        self.estimate(plan);
        let pages = if answer.is_paged() { answer.pages().into() } else { records.div_ceil(50) };
        self.send(Step::Commit(WindowEnd {
            window,
            stats,
            pages,
            failures_only: self.failures_only(),
            density: plan.density(),
            _slot: slot,
        }))
        .await;
        Ok(())
    }

    /// The time up to which the clocks allow a window to be read; `None` if the plan begins again.
    fn limit_of_clocks(
        &self,
        theirs: Option<DateTime<Utc>>,
        requested: Window,
        plan: &mut Plan,
    ) -> Result<Option<DateTime<Utc>>, Error> {
        // A file has no clock, and all of it is there.
        if let Source::Saved(_) = self.run.source {
            return Ok(Some(DateTime::<Utc>::MAX_UTC));
        }
        let ours = Utc::now().trunc_subsecs(0);
        let limit = clock::scan_limit(theirs, ours);
        if plan.start_again_before(limit) {
            return Ok(None);
        }
        if clock::is_wrong(requested.from, theirs, ours) {
            return Err(Error::Clock { from: requested.from, theirs, ours });
        }
        Ok(Some(limit))
    }

    /// Gives up a window that takes too many pages, and reads a smaller one, if there is one and calls are left.
    async fn give_up(
        &self,
        window: Window,
        pages: u32,
        plan: &mut Plan,
        error: onelogin::Error,
    ) -> Result<(), Error> {
        let narrower = plan.given_up(window, pages);
        if !narrower && self.reread.is_none() {
            self.warn_of_crowded(window, pages);
        }
        // What ran out of calls is planned for those of the next hour.
        if error.is_out_of_calls() || !narrower {
            return Err(error.into());
        }
        tracing::info!(%window, pages, "reading a smaller window: {error}");
        self.send(Step::RollBack).await;
        Ok(())
    }

    /// Warns of a second that took half of an hour's calls and was not read to its end.
    fn warn_of_crowded(&self, second: Window, pages: u32) {
        if let Some(limit) = self.run.calls.limit()
            && f64::from(pages) >= limit / 2.0
        {
            tracing::warn!(
                %second, pages,
                "a second has more pages than calls are left, and cannot be read in part: if it is the same in an \
                 hour, it needs a higher --max-calls-per-hour than {limit}"
            );
        }
    }

    /// Logs what a first run has ahead of it, after its first window and when that turns out to be twice or
    /// half as much.
    fn estimate(&mut self, plan: &Plan) {
        if !self.run.is_first || !plan.has_next() {
            return;
        }
        let Some(per_hour) = self.run.calls.limit() else { return };
        let Some(calls) = plan.pages_ahead(self.fetched).map(f64::ceil) else { return };
        if self.estimated.is_some_and(|before| (before / 2.0..=before * 2.0).contains(&calls)) {
            return;
        }
        self.estimated = Some(calls);
        let hours = calls / per_hour;
        tracing::info!(
            "about {calls} more calls, {hours:.1} h at {per_hour} calls per hour, if the rest is as dense as \
             what was read; --since shortens it"
        );
    }

    /// Waits until another window may begin, and reserves the calls for it.
    async fn slot(&self, plan: &Plan) -> Result<SemaphorePermit<'a>, Error> {
        let (Session { calls, .. }, read_ahead) = (self.run, self.read_ahead);
        if !calls.are_enough(plan) {
            // Reserving writes to the database, where an open window would be in the way.
            let _all = read_ahead.take(read_ahead.slots).await;
            calls.reserve_for(plan).await?;
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
    window: Option<Window>,
    error: Error,
    attempts: &mut Attempts<'_>,
) -> Result<(), Error> {
    let Error::Source(error) = error else { return Err(error) };
    let mut narrowed = || window.is_some_and(|window| plan.narrow(window));
    let (wait, is_narrowed) = match attempts.failed(&error) {
        Decision::Wait { wait, narrow } => (wait, narrow && narrowed()),
        Decision::Narrow if narrowed() => (Duration::ZERO, true),
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

/// A number of pages; as many as there are if it has no limit.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
fn whole(pages: f64) -> u32 {
    pages.clamp(1.0, PAGES_AT_ALL.into()) as u32
}
