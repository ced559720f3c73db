//! Surroundings of the pipeline: the lease, the signals and what is known during the run.

mod end;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use uuid::Uuid;

use super::call_budget::Calls;
use super::reread::Rereading;
use super::selection::SeenTypes;
use super::{Error, Job, Progress};
use crate::model::{Batch, Counts};
use crate::onelogin::Source;
use crate::store::{self, KnownServer, Lease, Place, Run, Store, Traffic};
use crate::window::reread::Lengths;
use crate::window::{Memory, Pace, Plan, Watermark};

/// A run that holds its lease.
pub(super) struct Session<'a> {
    pub(super) job: &'a Job,
    pub(super) store: &'a Store,
    pub(super) source: &'a Source,
    pub(super) run: Run,
    pub(super) lease: Lease,
    pub(super) calls: Calls<'a>,
    /// The density of earlier windows.
    pub(super) memory: Memory,
    pub(super) rereading: Rereading,
    /// The beginning of the first span that earlier runs have read.
    pub(super) first_from: Option<DateTime<Utc>>,
    /// Properties of the server, as earlier runs found them.
    pub(super) server: KnownServer,
    /// True if the server takes only one of several types; `None` until it was compared.
    takes_one_type: Cell<Option<bool>>,
    /// True if the list of types is another than in the last run.
    has_changed_types: Cell<bool>,
    /// Types of the events that came while this was not known.
    seen_types: Cell<SeenTypes>,
    /// Seconds of the legacy API that may have been cut.
    cut_seconds: RefCell<BTreeSet<DateTime<Utc>>>,
    /// True if nothing was read before this run.
    pub(super) is_first: bool,
    /// Records of a page, as far as is known.
    page: Cell<f64>,
    /// Host and port that were read so far.
    pub(super) read_from: Option<String>,
    /// OneLogin's id of the account, as far as it is known.
    account_id: Cell<Option<i64>>,
    on_progress: &'a dyn Fn(Progress),
    tally: Cell<Tally>,
}

/// Counts and progress of a run so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) counts: Counts,
    pub(super) windows: u64,
    pub(super) watermark: Watermark,
    pub(super) people_pending: u64,
    /// The end of the last window that was committed.
    pub(super) read_through: Option<DateTime<Utc>>,
}

/// The end of a pipeline.
pub(super) struct Ended {
    result: Result<(), Error>,
    /// True if the pipeline was dropped in the middle of its work.
    cut_short: bool,
}

impl Ended {
    /// The end of a run that was stopped before its pipeline began.
    pub(super) fn before_work(error: Error) -> Self {
        Self { result: Err(error), cut_short: false }
    }
}

impl<'a> Session<'a> {
    /// Takes the lease and records that the run has begun.
    pub(super) async fn begin(
        job: &'a Job,
        run_id: Uuid,
        store: &'a Store,
        source: &'a Source,
        on_progress: &'a dyn Fn(Progress),
    ) -> Result<Self, Error> {
        let run = Run {
            run_id,
            origin: job.origin.clone(),
            keep_raw: job.keep_raw,
            error_rules: Arc::clone(&job.error_rules),
        };
        let (lease, resume) = store.take_lease(job.origin.clone(), &job.owner, job.lease).await?;
        let remembered = match store.begin_run(&run).await {
            Ok(remembered) => remembered,
            Err(error) => {
                // If this fails too, the lease runs out by itself.
                let _ = store.release_lease(&lease).await;
                return Err(error.into());
            }
        };
        let server = remembered.server.clone();
        let calls = Calls::new(store, &job.origin.account, Some(job.origin.source), source);
        let lengths = Lengths { overlap: job.overlap, rescan: job.rescan };
        let scanned = resume.watermark.scanned_through;
        let rereading = Rereading::new(&remembered, lengths, source, scanned);
        let tally = Cell::new(Tally { watermark: resume.watermark, ..Tally::default() });
        Ok(Self {
            job,
            store,
            source,
            run,
            lease,
            calls,
            memory: remembered.memory,
            rereading,
            first_from: remembered.first_from,
            takes_one_type: Cell::new(server.takes_one_type),
            has_changed_types: Cell::new(false),
            seen_types: Cell::default(),
            cut_seconds: RefCell::default(),
            is_first: scanned.is_none(),
            // A server may give less than is requested.
            page: Cell::new(server.page.unwrap_or(f64::INFINITY).min(source.page())),
            read_from: resume.read_from,
            account_id: Cell::new(resume.onelogin_account_id),
            server,
            on_progress,
            tally,
        })
    }

    /// Drives the pipeline until it ends, the lease is lost or a signal comes.
    pub(super) async fn until_stopped(
        &self,
        stop: impl Future<Output = super::Signal>,
        pipeline: impl Future<Output = Result<(), Error>>,
    ) -> Ended {
        tokio::select! {
            result = Box::pin(pipeline) => Ended { result, cut_short: false },
            error = self.keep_lease() => Ended { result: Err(error.into()), cut_short: true },
            signal = stop => Ended { result: Err(Error::Stopped(signal)), cut_short: true },
        }
    }

    /// Returns the counts and progress so far.
    pub(super) fn tally(&self) -> Tally {
        self.tally.get()
    }

    /// Changes what was done so far.
    pub(super) fn count(&self, change: impl FnOnce(&mut Tally)) {
        let mut tally = self.tally.get();
        change(&mut tally);
        self.tally.set(tally);
    }

    /// Network traffic so far.
    pub(super) fn traffic(&self) -> Traffic {
        let meter = self.source.meter();
        Traffic { requests: meter.requests(), retries: meter.retries(), bytes: meter.bytes() }
    }

    /// Returns the origin of the records of a window.
    pub(super) fn place(&self) -> Place {
        let has_all_successes =
            matches!(self.source, Source::Events(_)) && self.job.selected.successes;
        Place {
            read_from: self.source.host(),
            onelogin_account_id: self.account_id.get(),
            has_all_successes,
        }
    }

    /// Compares the id of an account that a token or a record names with the known one.
    pub(super) fn check_account(&self, found: i64) -> Result<(), Error> {
        match self.account_id.get() {
            Some(stored) if stored != found => {
                let account = self.run.origin.account.clone();
                Err(Error::OtherAccount { account, stored, found })
            }
            Some(_) => Ok(()),
            None => {
                tracing::info!(onelogin_account_id = found, "the account's own id is known now");
                self.account_id.set(Some(found));
                Ok(())
            }
        }
    }

    /// Returns true if the server takes only one of several types; `None` until it was compared.
    pub(super) fn takes_one_type(&self) -> Option<bool> {
        self.takes_one_type.get()
    }

    pub(super) fn set_takes_one_type(&self, takes_one_type: Option<bool>) {
        self.takes_one_type.set(takes_one_type);
    }

    /// Forgets it: the list of types has changed.
    pub(super) fn forget_takes_one_type(&self) {
        self.takes_one_type.set(None);
        self.has_changed_types.set(true);
    }

    pub(super) fn has_changed_types(&self) -> bool {
        self.has_changed_types.get()
    }

    /// Types of the events that came, while it is not known how the server takes several.
    pub(super) fn seen_types(&self) -> SeenTypes {
        self.seen_types.get()
    }

    /// Notes the types of the events of a batch.
    pub(super) fn see_types(&self, batch: &Batch) {
        let mut seen = self.seen_types.get();
        if self.takes_one_type.get().is_none() && !seen.show_a_list() {
            seen.see(&self.job.selected.all(), batch);
            self.seen_types.set(seen);
        }
    }

    /// Notes a second that may have been cut, and warns of the first one.
    pub(super) fn see_cut_second(&self, second: DateTime<Utc>, records: u64) {
        let mut seconds = self.cut_seconds.borrow_mut();
        if seconds.insert(second) && seconds.len() == 1 {
            tracing::warn!(
                second = %second.to_rfc3339_opts(SecondsFormat::AutoSi, true),
                records,
                "this many failures in one second look like a limit of the server, and nothing shorter can be \
                 requested from the legacy API: more failures of this second may be missing; the events API \
                 has them, so compare both with onelogin-sync compare, or migrate with ONELOGIN_CLIENT_ID and \
                 ONELOGIN_CLIENT_SECRET"
            );
        }
    }

    /// Warns if several seconds may have been cut.
    pub(super) fn count_cut_seconds(&self) {
        let seconds = self.cut_seconds.borrow();
        if let (Some(first), Some(last), 2..) = (seconds.first(), seconds.last(), seconds.len()) {
            let time = |at: &DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
            tracing::warn!(
                seconds = seconds.len(), first = %time(first), last = %time(last),
                "failures of several seconds may be missing, as the first warning explains"
            );
        }
    }

    /// Records of a page, as far as is known.
    pub(super) fn page(&self) -> f64 {
        self.page.get()
    }

    /// Remembers the size of the pages that a plan has seen, also for the next run.
    pub(super) async fn see_page(&self, plan: &Plan) -> Result<(), Error> {
        if !matches!(self.source, Source::Events(_)) || (self.page() - plan.page()).abs() < 1.0 {
            return Ok(());
        }
        self.page.set(plan.page());
        Ok(self.store.note_page(&self.lease, plan.page()).await?)
    }

    /// Sizes of the windows of this run.
    pub(super) fn pace(&self) -> Pace {
        match self.source {
            Source::Events(_) => {
                Pace::PAGES.with_page(self.page()).with_most(self.calls.most_pages())
            }
            Source::Legacy(_) => Pace::ONE_ANSWER,
            Source::Saved(_) => Pace::ALL_TIME,
        }
    }

    pub(super) fn show(&self, progress: Progress) {
        (self.on_progress)(progress);
    }

    /// Fails a run that has more new rejects than tolerated.
    pub(super) fn check_rejects(&self) -> Result<(), Error> {
        let (new, max) = (self.tally().counts.newly_rejected, self.job.max_rejects);
        if new > max { Err(Error::Rejects { new, max }) } else { Ok(()) }
    }

    /// Renews the lease three times within its life, so that one renewal may fail, and ends the copies of frozen runs.
    /// Returns when the lease is lost.
    async fn keep_lease(&self) -> store::Error {
        let third = (self.lease.ttl / 3).to_std().unwrap_or_default();
        let pause = third.max(Duration::from_millis(100));
        loop {
            tokio::time::sleep(pause).await;
            match self.store.renew_lease(&self.lease).await {
                Ok(()) => {}
                Err(error) if error.ends_the_run() => return error,
                // The next commit shows whether it matters.
                Err(error) => {
                    tracing::warn!(error = %crate::chain(&error), "lease not renewed");
                }
            }
            // This run may wait for one. It is no reason to end if that cannot be found out.
            if let Err(error) = self.store.end_abandoned_copies(&self.lease).await {
                tracing::debug!(error = %crate::chain(&error), "copies of frozen runs not ended");
            }
        }
    }
}
