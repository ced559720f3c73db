//! The job: copies the failures of an account, one window after another, each in one transaction
//! with the watermark.

mod call_budget;
pub(crate) mod compare;
mod error;
mod event_types;
mod heal;
mod hint;
mod job;
mod load;
mod place;
mod plan;
mod profiles;
mod read;
mod report;
mod reread;
mod selection;
mod session;

use std::pin::pin;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use uuid::Uuid;

use crate::onelogin::Source;
use crate::store::Store;
use crate::window::Plan;
pub(crate) use error::{Error, Signal};
pub(crate) use job::{Job, span};
use load::{Advance, Loader};
use read::{ReadAhead, Reader};
pub(crate) use report::{Progress, Report};
use session::{Ended, Session};

/// Time that the beginning of a run may take after a signal.
const BEGIN_WITHIN: Duration = Duration::from_secs(1);

/// Runs the job on a migrated store until it is done, fails or is stopped.
pub(crate) async fn sync(
    job: &Job,
    run_id: Uuid,
    store: &Store,
    source: &Source,
    on_progress: &dyn Fn(Progress),
    stop: impl Future<Output = Signal>,
) -> Report {
    let mut stop = pin!(stop);
    let mut start = Box::pin(Session::begin(job, run_id, store, source, on_progress));
    let (session, signal) = tokio::select! {
        session = &mut start => (session, None),
        // It may hold the lease by now, which the next run would wait for.
        signal = &mut stop => match timeout(BEGIN_WITHIN, start).await {
            Ok(session) => (session, Some(signal)),
            Err(_) => (Err(Error::Stopped(signal)), None),
        },
    };
    let session = match session {
        Ok(session) => session,
        Err(error) => return Report::not_started(run_id, error),
    };
    if let Some(signal) = signal {
        return Box::pin(session.end(Ended::before_work(Error::Stopped(signal)))).await;
    }
    let ended = session.until_stopped(stop, Box::pin(pipeline(&session))).await;
    Box::pin(session.end(ended)).await
}

/// Copies what is to be copied, and builds again what follows from it if that was too much for the windows
/// themselves: also if the source failed, because it may do so in every run of a backfill.
async fn pipeline(run: &Session<'_>) -> Result<(), Error> {
    let copied = copy_all(run).await;
    run.count_cut_seconds();
    if !takes_more(&copied) {
        return copied;
    }
    match (copied, derive(run).await) {
        (Err(error), Err(later)) => {
            tracing::warn!(error = %crate::chain(&later), "cases and counts are not up to date");
            Err(error)
        }
        (copied, derived) => copied.and(derived),
    }
}

/// Checks that the database did not fail and that no transaction is open there.
fn takes_more(copied: &Result<(), Error>) -> bool {
    !matches!(copied, Err(Error::Store(_) | Error::Unbalanced { .. }))
}

/// Builds again what follows from the records, where a run left that out.
async fn derive(run: &Session<'_>) -> Result<(), Error> {
    run.store.make_indexes().await?;
    run.store.rebuild(&run.job.origin.account).await?;
    classify_errors(run).await
}

/// Resumes where the last run stopped, and copies window after window. For the events API, what may
/// have changed since it was read comes next, then event types and the profiles of users.
async fn copy_all(run: &Session<'_>) -> Result<(), Error> {
    place::check(run)?;
    let mut selected = None;
    if let Source::Events(events) = run.source {
        selected = selection::compare(run, events).await?;
    }
    let (mut plan, advance) = plan::resume(run).await?;
    run.store.begin_load().await?;
    let mut loader = Loader::new(run);
    classify_errors(run).await?;
    let copied = Box::pin(copy(run, &mut plan, &mut loader, advance)).await;
    if takes_more(&copied) {
        run.see_page(&plan).await?;
        if run.tally().windows > 0 {
            selection::record(run, selected).await?;
        }
    }
    if let Err(Error::Source(error)) = &copied
        && error.is_out_of_calls()
    {
        // The window that was read in vain shows how small the next has to be.
        run.store.learn(&run.lease, plan.density()).await?;
    }
    copied?;
    if let Source::Events(events) = run.source
        && Box::pin(selection::takes_one_type(run, events, &plan)).await?
    {
        // The same span again, type by type.
        let pace = (run.pace(), run.memory);
        let mut again = Plan::new(pace, plan.start(), Some(plan.end()), plan.end());
        Box::pin(copy(run, &mut again, &mut loader, advance)).await?;
    }
    if run.tally().windows == 0 {
        tracing::info!("nothing to read: the span is empty");
    }
    if !matches!(run.source, Source::Saved(_)) {
        let day_was_read = matches!(advance, Advance::Both(_));
        Box::pin(reread::spans(run, &plan, day_was_read, &mut loader)).await?;
    }
    if let Source::Events(events) = run.source {
        event_types::check(run, events, plan.end()).await?;
        profiles::refresh(run, events, plan.end()).await?;
    }
    run.check_rejects()
}

/// Classifies stored errors that these rules have not classified.
async fn classify_errors(run: &Session<'_>) -> Result<(), Error> {
    let rules = &run.run.error_rules;
    let errors = run.store.classify_errors(&run.job.origin.account, rules).await?;
    if errors > 0 {
        tracing::info!(errors, rules = rules.version(), "errors classified");
    }
    Ok(())
}

/// Reads the windows of a plan and writes those that have been read, side by side. What was read
/// before the source failed is still written; a failing database ends both at once.
async fn copy(
    run: &Session<'_>,
    plan: &mut Plan,
    loader: &mut Loader<'_>,
    advance: Advance,
) -> Result<(), Error> {
    let read_ahead = ReadAhead::new(run.job.prefetch);
    let (sender, steps) = mpsc::channel(read_ahead.steps());
    let reread = if let Advance::Reread(reread) = advance { Some(reread) } else { None };
    let reader = Reader::new(run, &read_ahead, sender, reread);
    let read = async { Ok(reader.all(plan).await) };
    let (read, ()) = tokio::try_join!(read, loader.all(steps, advance))?;
    read
}
