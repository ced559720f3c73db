//! The job: copies the failures of an account, window by window, and moves the mark behind them.

mod calls;
pub(crate) mod compare;
mod copy;
mod fetch;
mod load;
mod people;
mod types;
mod windows;

use std::pin::pin;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::exit::Exit;
use crate::model::{Counts, Origin};
use crate::normalize::event_type::EventSelection;
use crate::onelogin::{self, Source};
use crate::store::{self, Lease, ResumePoint, Run, RunEnd, Status, Store, Traffic};
use crate::window::{Pace, Watermark, Window};
use calls::Calls;
use copy::Copy;

/// How long a failing database may delay the end of a run that only has to be recorded.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// How long to wait before the end of a run is recorded once more.
const BETWEEN_WORDS: Duration = Duration::from_millis(500);

/// What to copy, and how.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// The account and source.
    pub origin: Origin,
    /// Which events are copied; a legacy record always is.
    pub selected: EventSelection,
    /// Who is at work, for people: host and process.
    pub owner: String,
    /// How long the lease lasts when this process dies.
    pub lease: TimeDelta,
    /// Where to begin instead of behind the mark.
    pub since: Option<DateTime<Utc>>,
    /// Where to end instead of at the server's now.
    pub until: Option<DateTime<Utc>>,
    /// How far to go back on a first run that has no `since`.
    pub first_run: TimeDelta,
    /// How far before the last scan to begin: late failures are found so far back.
    pub overlap: TimeDelta,
    /// How far to go back once a day, for events that change after their creation.
    pub rescan: TimeDelta,
    /// How old what the users API said of a person may become; none never asks it.
    pub refresh_people: Option<TimeDelta>,
    /// How many new rejects are tolerated.
    pub max_rejects: u64,
    /// Whether rows keep the text of their records.
    pub keep_raw: bool,
    /// How many windows may be read ahead of the one that is written.
    pub prefetch: u32,
}

impl Job {
    /// The usual job for an origin, with every setting at its default.
    #[must_use]
    pub(crate) fn new(origin: Origin, selected: EventSelection) -> Self {
        Self {
            origin,
            selected,
            owner: format!(
                "{}:{}",
                gethostname::gethostname().to_string_lossy(),
                std::process::id()
            ),
            lease: TimeDelta::minutes(1),
            since: None,
            until: None,
            first_run: TimeDelta::days(90),
            overlap: TimeDelta::days(1),
            rescan: TimeDelta::days(7),
            refresh_people: Some(TimeDelta::days(7)),
            max_rejects: 0,
            keep_raw: true,
            prefetch: 2,
        }
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress {
    /// The current window; a file has none.
    pub window: Option<Window>,
    /// The part of the run's span that lies before it.
    pub done: TimeDelta,
    /// The run's span.
    pub span: TimeDelta,
    /// Records so far.
    pub fetched: u64,
}

/// What a run did, and how it ended.
#[derive(Debug)]
pub(crate) struct Report {
    /// The run.
    pub run_id: Uuid,
    /// What became of the records of all committed windows.
    pub counts: Counts,
    /// How many windows were committed.
    pub windows: u64,
    /// What went over the network.
    pub traffic: Traffic,
    /// Where the sync stands now.
    pub mark: Watermark,
    /// People whom the users API is still to be asked about.
    pub people_pending: u64,
    /// Whether it went well.
    pub result: Result<(), Error>,
}

/// Who stops a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM, as a scheduler sends it.
    Terminate,
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The source.
    #[error(transparent)]
    Source(#[from] onelogin::Error),
    /// The users API.
    #[error(
        "all failures are loaded, but {pending} people could not be asked about; the next run asks \
         again, and --refresh-people never does without"
    )]
    People {
        /// How many are left.
        pending: u64,
        /// Why.
        #[source]
        source: Box<onelogin::Error>,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// More records than tolerated could not be read.
    #[error(
        "{new} new records could not be read, more than --max-rejects {max}: all others are \
         loaded; see the table rejected_records"
    )]
    Rejects {
        /// Never seen before this run.
        new: u64,
        /// Tolerated.
        max: u64,
    },
    /// The counts do not add up.
    #[error(
        "{records} records of the window {window} came and {counts:?} were counted: this is a bug, \
         please report it; the window was rolled back"
    )]
    Unbalanced {
        /// The window.
        window: Window,
        /// Records that the source gave.
        records: u64,
        /// What became of them.
        counts: Counts,
    },
    /// Somebody stopped it.
    #[error("stopped by a signal: the window at hand was rolled back, whole windows are kept")]
    Stopped(Signal),
}

impl Error {
    /// The process's exit code.
    #[must_use]
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Source(error) => exit_of(error),
            Self::People { source, .. } => exit_of(source),
            Self::Store(error) => error.exit(),
            Self::Rejects { .. } => Exit::Rejects,
            Self::Unbalanced { .. } => Exit::Bug,
            Self::Stopped(Signal::Interrupt) => Exit::Interrupted,
            Self::Stopped(Signal::Terminate) => Exit::Terminated,
        }
    }
}

fn exit_of(error: &onelogin::Error) -> Exit {
    match error.kind() {
        onelogin::Kind::Unavailable | onelogin::Kind::BudgetExhausted => Exit::SourceUnavailable,
        onelogin::Kind::NotThisApi => Exit::NotThisApi,
        onelogin::Kind::Refused => Exit::CredentialsRefused,
        onelogin::Kind::Unreadable => Exit::Configuration,
    }
}

/// Runs the job on a migrated store until it is done, fails, or `stop` comes.
pub(crate) async fn sync(
    job: &Job,
    run_id: Uuid,
    store: &Store,
    source: &Source,
    on_progress: &(dyn Fn(Progress) + Sync),
    stop: impl Future<Output = Signal>,
) -> Report {
    let mut report = Report {
        run_id,
        counts: Counts::default(),
        windows: 0,
        traffic: Traffic::default(),
        mark: Watermark::default(),
        people_pending: 0,
        result: Ok(()),
    };
    let run = Run { run_id, origin: job.origin.clone(), keep_raw: job.keep_raw };
    let mut stop = pin!(stop);
    let begun = tokio::select! {
        begun = begin(job, &run, store) => begun.map_err(Error::Store),
        signal = &mut stop => Err(Error::Stopped(signal)),
    };
    let (lease, standing) = match begun {
        Ok(begun) => begun,
        Err(error) => return Report { result: Err(error), ..report },
    };
    report.mark = standing.watermark;
    let calls = Calls::new(store, &run, source);
    let (result, cut_short) = {
        let copied = Box::pin(async {
            let work = Work { job, run: &run, store, lease: &lease, calls: &calls, on_progress };
            Copy::new(work, source, &mut report, standing).all().await
        });
        tokio::select! {
            result = copied => (result, false),
            error = keep_lease(store, &lease) => (Err(Error::Store(error)), true),
            signal = stop => (Err(Error::Stopped(signal)), true),
        }
    };
    report.traffic = traffic(source);
    report.result = result.and_then(|()| within_limits(job, &report.counts));
    end(&mut report, &run, store, &lease, &calls, cut_short).await;
    report
}

/// What all parts of a run work with.
#[derive(Clone, Copy)]
struct Work<'a> {
    job: &'a Job,
    run: &'a Run,
    store: &'a Store,
    lease: &'a Lease,
    calls: &'a Calls<'a>,
    on_progress: &'a (dyn Fn(Progress) + Sync),
}

/// What went over the network so far.
fn traffic(source: &Source) -> Traffic {
    let meter = source.meter();
    Traffic { requests: meter.requests(), retries: meter.retries(), bytes: meter.bytes() }
}

/// How wide the windows of a source should be.
fn pace(source: &Source) -> Pace {
    match source {
        Source::Legacy(_) => Pace::ONE_ANSWER,
        Source::Events(_) => Pace::PAGES,
        Source::Saved(_) => Pace::ALL_TIME,
    }
}

/// Takes the lease, records the run, and says where the origin stands.
async fn begin(job: &Job, run: &Run, store: &Store) -> Result<(Lease, ResumePoint), store::Error> {
    let (lease, standing) = store.take_lease(run.origin.clone(), &job.owner, job.lease).await?;
    if let Err(error) = store.begin_run(run).await {
        // Where this fails too, the lease runs out by itself.
        let _ = store.release_lease(&lease).await;
        return Err(error);
    }
    Ok((lease, standing))
}

fn within_limits(job: &Job, counts: &Counts) -> Result<(), Error> {
    let (new, max) = (counts.newly_rejected, job.max_rejects);
    if new > max { Err(Error::Rejects { new, max }) } else { Ok(()) }
}

/// Renews the lease three times within its life, so that one renewal may fail. Returns when the
/// lease is lost.
async fn keep_lease(store: &Store, lease: &Lease) -> store::Error {
    let third = (lease.ttl / 3).to_std().unwrap_or_default().max(Duration::from_millis(100));
    loop {
        tokio::time::sleep(third).await;
        match store.renew_lease(lease).await {
            Ok(()) => {}
            Err(error @ store::Error::LeaseLost { .. }) => return error,
            // The next commit tells whether it matters.
            Err(error) => tracing::warn!(error = %crate::chain(&error), "lease not renewed"),
        }
    }
}

/// Records how the run ended and gives the lease back. A run that went well until here fails if
/// that cannot be recorded; one that failed keeps its first error.
async fn end(
    report: &mut Report,
    run: &Run,
    store: &Store,
    lease: &Lease,
    calls: &Calls<'_>,
    cut_short: bool,
) {
    let (status, exit, error) = match &report.result {
        Ok(()) => (Status::Succeeded, Exit::Done, None),
        Err(error @ Error::Stopped(_)) => {
            (Status::Interrupted, error.exit(), Some(crate::chain(error)))
        }
        Err(error) => (Status::Failed, error.exit(), Some(crate::chain(error))),
    };
    let ending = RunEnd {
        status,
        exit_code: exit.code(),
        error,
        traffic: report.traffic,
        users_written: report.counts.users_written,
        people_pending: report.people_pending,
    };
    let record = async |store: &Store| {
        store.finish_run(run, &ending).await?;
        calls.give_back(store).await?;
        store.release_lease(lease).await
    };
    let recorded = async {
        // A statement that was cut short leaves its connection in the middle of something: what is
        // said on it next may be rolled back with it.
        if !cut_short && record(store).await.is_ok() {
            return;
        }
        // A server that restarts refuses at first.
        while let Err(error) = record_anew(store, &record).await {
            tracing::debug!(error = %crate::chain(&error), "the end of the run is not recorded yet");
            tokio::time::sleep(BETWEEN_WORDS).await;
        }
    };
    if tokio::time::timeout(LAST_WORDS, recorded).await.is_ok() {
        return;
    }
    tracing::warn!("the end of the run is not recorded, and its lease is left to run out");
    if report.result.is_ok() {
        report.result = Err(Error::Store(store::Error::NotRecorded(LAST_WORDS)));
    }
}

async fn record_anew(
    store: &Store,
    record: &impl AsyncFn(&Store) -> Result<(), store::Error>,
) -> Result<(), store::Error> {
    let store = store.reopen().await?;
    let recorded = record(&store).await;
    store.close().await;
    recorded
}
