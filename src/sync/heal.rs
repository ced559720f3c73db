//! A watermark that a wrong clock moved ahead of the present. It is not believed: whatever happens
//! before it would never be read.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use super::Error;
use super::plan::last_second;
use super::read::recover;
use super::session::Session;
use crate::model::Origin;
use crate::onelogin::Scope;
use crate::onelogin::retry::Attempts;
use crate::store::Store;
use crate::window::{Plan, Window};

/// Lowers a watermark that lies ahead of our clock and the source's. Returns where to start instead.
pub(super) async fn check(
    run: &Session<'_>,
    ours: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, Error> {
    let stored = run.tally().watermark;
    if !stored.is_ahead_of(ours) {
        return Ok(None);
    }
    // Perhaps it is our clock that is wrong.
    let theirs = source_clock(run).await?;
    if theirs.is_some_and(|theirs| !stored.is_ahead_of(theirs)) {
        return Ok(None);
    }
    let job = run.job;
    let now = theirs.map_or(ours, |theirs| theirs.min(ours));
    let (lowered_to, start) = if let Some(end) = last_believed(run.store, &job.origin, now).await? {
        (Some(end), before(end, job.overlap))
    } else {
        let start = first_start(run.store, &job.origin).await?;
        (start, start.unwrap_or(now - job.first_run))
    };
    let lowered = run.store.lower_watermark(&run.lease, lowered_to).await?;
    run.rereading.forget();
    run.count(|tally| tally.watermark = lowered);
    tracing::warn!(
        scanned_through = ?stored.scanned_through, high_water_mark = ?stored.high_water_mark,
        %ours, ?theirs, from = %start,
        "the stored watermark lies ahead of both clocks and is not believed; reading again"
    );
    Ok(Some(start))
}

/// Returns the start of a source that continues from one whose watermark is not believed.
pub(super) async fn continue_from(
    store: &Store,
    origin: &Origin,
    overlap: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, Error> {
    match last_believed(store, origin, now).await? {
        Some(end) => Ok(Some(before(end, overlap))),
        None => first_start(store, origin).await,
    }
}

/// End of the last window in the ledger that its clocks could know.
async fn last_believed(
    store: &Store,
    origin: &Origin,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, Error> {
    Ok(store.last_plausible_window_end(origin, now).await?)
}

/// Returns the start of the first run.
async fn first_start(store: &Store, origin: &Origin) -> Result<Option<DateTime<Utc>>, Error> {
    Ok(store.read_since(origin).await?)
}

fn before(end: DateTime<Utc>, overlap: TimeDelta) -> DateTime<Utc> {
    end.checked_sub_signed(overlap).unwrap_or(DateTime::UNIX_EPOCH)
}

/// The source's clock, from the answer to the smallest request there is.
async fn source_clock(run: &Session<'_>) -> Result<Option<DateTime<Utc>>, Error> {
    let Window { from, to } = last_second(Utc::now().trunc_subsecs(0));
    let mut plan = Plan::of_window(run.pace(), Window { from, to }, 0.0);
    let mut attempts = Attempts::begin(run.source.policy());
    loop {
        run.calls.reserve(1).await?;
        match run.source.open(from, to, Scope::ALL).await {
            Ok(answer) => return Ok(answer.server_now()),
            Err(error) => {
                recover(run.source, &mut plan, None, error.into(), &mut attempts).await?;
            }
        }
    }
}
