//! Re-reading: events appear late and change, so what was read is read again, as far as its share of the
//! hour's calls goes and never before what is new.

use std::cell::RefCell;

use chrono::{DateTime, TimeDelta, Utc};

use super::load::{Advance, Loader};
use super::session::Session;
use super::{Error, copy};
use crate::onelogin::Source;
use crate::store::Remembered;
use crate::window::held::Ledger;
use crate::window::reread::{Lengths, PerSpan, Share, Span, Sweep};
use crate::window::{Plan, Window};

/// Pages of 50 records that a run of the legacy API counts as an hour's, which has no limit of calls.
const LEGACY_PAGES: f64 = 2_500.0;
/// Calls of an account, whatever limit is given: the share of more could never be spent, and a tenth of much more
/// would leave nothing to re-read.
const CALLS_OF_ACCOUNT: f64 = 5_000.0;
/// Pages of a day up to which it is read together with what is new: that saves a call, and a window that
/// turns out too large repeats little.
const MOST_TOGETHER: f64 = 10.0;

/// A span that is re-read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reread {
    pub(super) span: Span,
    pub(super) failures_only: bool,
}

/// The spans that a run may re-read.
#[derive(Debug)]
pub(super) struct Rereading {
    sweeps: RefCell<PerSpan<Option<Sweep>>>,
    share: RefCell<Share>,
    lengths: Lengths,
    /// The end of the scan before this run.
    scanned: Option<DateTime<Utc>>,
    /// A run of the last week did not read all that was new.
    has_failed: bool,
}

impl Rereading {
    pub(super) fn new(
        remembered: &Remembered,
        lengths: Lengths,
        source: &Source,
        scanned: Option<DateTime<Utc>>,
    ) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a limit of calls per hour")]
        let per_hour = match source {
            Source::Events(events) => (events.budget().per_hour() as f64).min(CALLS_OF_ACCOUNT),
            Source::Legacy(_) | Source::Saved(_) => LEGACY_PAGES,
        };
        let hours = remembered.hours.unwrap_or_default().max(1.0);
        let share = Share { per_hour, hours, spent: remembered.spent };
        let has_failed = remembered.has_failed;
        Self { sweeps: remembered.sweeps.into(), share: share.into(), lengths, scanned, has_failed }
    }

    /// Forgets what was read: the watermark is not believed.
    pub(super) fn forget(&self) {
        *self.sweeps.borrow_mut() = PerSpan::default();
    }

    /// Counts the pages of a window that re-read a span.
    pub(super) fn spend(&self, span: Span, pages: f64) {
        self.share.borrow_mut().spend(span, pages);
    }

    fn sweep(&self, span: Span) -> Option<Sweep> {
        *self.sweeps.borrow().get(span)
    }
}

/// The day before the last scan, if it is so small that it is read together with what is new. That is only for an
/// account where all goes well: where the calls of other programs leave too few for the day, or a moment of it cannot
/// be read, each run would end before it came to what is new.
pub(super) async fn with_what_is_new(run: &Session<'_>) -> Result<Option<Window>, Error> {
    let of = &run.rereading;
    let Some(day) = of.scanned.and_then(|scanned| of.lengths.window(Span::Day, scanned)) else {
        return Ok(None);
    };
    if of.has_failed || of.sweep(Span::Day).is_none_or(|sweep| sweep.open.is_some()) {
        return Ok(None);
    }
    let ledger = ledger(run, day.from).await?;
    let pages = ledger.held(false).records(day) / run.page();
    let fits = pages <= MOST_TOGETHER && of.share.borrow().fits_day(pages, run.calls.left());
    Ok(fits.then_some(day))
}

/// Records that all of a run's span was read up to `now`: the first time, or the day with what is new.
pub(super) async fn all_was_read(
    run: &Session<'_>,
    spans: &[Span],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    for span in spans {
        note(run, *span, Sweep::read(now)).await?;
    }
    Ok(())
}

/// Records how far a span was re-read.
async fn note(run: &Session<'_>, span: Span, sweep: Sweep) -> Result<(), Error> {
    *run.rereading.sweeps.borrow_mut().get_mut(span) = Some(sweep);
    Ok(run.store.note_sweep(&run.lease, span, &sweep).await?)
}

/// Re-reads what its share allows, after a run has read what is new. A run that has just read everything for
/// the first time only records that.
pub(super) async fn spans(
    run: &Session<'_>,
    done: &Plan,
    day_was_read: bool,
    loader: &mut Loader<'_>,
) -> Result<(), Error> {
    let of = &run.rereading;
    let now = done.end();
    if Span::ALL.iter().any(|span| of.sweep(*span).is_none()) {
        return all_was_read(run, &Span::ALL, now).await;
    }
    let Some(scanned) = of.scanned else { return Ok(()) };
    if run.job.since.is_some() || run.job.until.is_some() {
        return Ok(());
    }
    if day_was_read {
        all_was_read(run, &[Span::Hour, Span::Day], now).await?;
    }
    let week_is_due = of.sweep(Span::Week).is_some_and(|mut week| {
        of.lengths
            .window(Span::Week, scanned)
            .is_some_and(|whole| week.begin(Span::Week, whole, now))
    });
    if day_was_read && !week_is_due {
        return Ok(());
    }
    let longest = if week_is_due { Span::Week } else { Span::Day };
    let Some(Window { from, .. }) = of.lengths.window(longest, scanned) else { return Ok(()) };
    let ledger = ledger(run, from.min(scanned - TimeDelta::days(1))).await?;
    for span in Span::ALL {
        if day_was_read && span != Span::Week {
            continue;
        }
        if !self::span(run, span, (scanned, now), &ledger, loader).await? {
            break;
        }
    }
    Ok(())
}

/// Re-reads one span, piece by piece. Returns whether calls are left for another.
async fn span(
    run: &Session<'_>,
    span: Span,
    (scanned, now): (DateTime<Utc>, DateTime<Utc>),
    ledger: &Ledger,
    loader: &mut Loader<'_>,
) -> Result<bool, Error> {
    let of = &run.rereading;
    let page = run.page();
    let left = || run.calls.left();
    let Some(whole) = of.lengths.window(span, scanned) else { return Ok(true) };
    let Some(mut sweep) = of.sweep(span) else { return Ok(true) };
    let day = Window { from: scanned - TimeDelta::days(1), to: scanned };
    let pages_of_day = ledger.held(false).records(day) / page;
    if span == Span::Hour && sweep.open.is_none() && day_is_read(run, scanned, ledger) {
        return Ok(true);
    }
    if !sweep.begin(span, whole, now) {
        return Ok(true);
    }
    let failures_only = run.source.has_types()
        && of.share.borrow().failures_only(span, pages_of_day / 24.0, of.lengths);
    let held = ledger.held(failures_only);
    let mut started_whole = sweep.open.is_some_and(|open| open.left == whole);
    let length = whole.to - whole.from;
    loop {
        let share = *of.share.borrow();
        if run.calls.limit().is_some()
            && let Some(crowded) = sweep.crowded(share.most(span), &held, page)
        {
            tracing::info!(span = span.as_str(), window = %crowded, "too many pages to be read again");
            sweep.pass(crowded, length);
            note(run, span, sweep).await?;
            continue;
        }
        let allowed = (share.allowed(span, left()), share.least_piece());
        let Some(piece) = sweep.piece(allowed, &held, page) else {
            let is_rest = !started_whole && sweep.open.is_none();
            let pages = held.records(whole) / page;
            // The rest of what an earlier run had begun ends before what was read since.
            if is_rest && begins_again(run, span, scanned, pages) && sweep.begin(span, whole, now) {
                started_whole = true;
                continue;
            }
            break;
        };
        let expected = (piece, held.records(piece));
        let reread = Reread { span, failures_only };
        if !self::piece(run, reread, (&mut sweep, length), expected, loader).await? {
            return Ok(false);
        }
    }
    if sweep.open.is_some() {
        note(run, span, sweep).await?;
    } else if span == Span::Day && started_whole {
        // The hour is part of it.
        let hour = Sweep { is_failures_only: failures_only, ..Sweep::read(now) };
        note(run, Span::Hour, hour).await?;
    }
    Ok(true)
}

/// Checks whether a span with this number of pages begins again in the run that has read the rest of it.
fn begins_again(run: &Session<'_>, span: Span, scanned: DateTime<Utc>, pages: f64) -> bool {
    let of = &run.rereading;
    match span {
        Span::Hour => false,
        Span::Day => of.share.borrow().fits_day(pages, run.calls.left()),
        // Only the week still comes to what the day has lost.
        Span::Week => {
            let day = of.sweep(Span::Day).zip(of.lengths.window(Span::Day, scanned));
            day.is_some_and(|(sweep, whole)| sweep.is_outrun(whole))
        }
    }
}

/// Reads a piece of a span, which is expected to hold a number of records, as far as the calls for it go. Returns whether
/// calls are left for another.
async fn piece(
    run: &Session<'_>,
    reread: Reread,
    (sweep, length): (&mut Sweep, TimeDelta),
    (piece, records): (Window, f64),
    loader: &mut Loader<'_>,
) -> Result<bool, Error> {
    let Reread { span, failures_only } = reread;
    tracing::info!(span = span.as_str(), window = %piece, failures_only, "re-reading");
    let share = &run.rereading.share;
    let most = share.borrow().most_of_piece(run.calls.left());
    let mut plan = Plan::of_piece(run.pace(), piece, records, most);
    let (requests, spent) = (run.traffic().requests, *share.borrow().spent.get(span));
    let are_calls_left = match copy(run, &mut plan, loader, Advance::Reread(reread)).await {
        Err(Error::Source(error)) if error.is_too_much() => {
            tracing::info!(%error, "the next run continues to re-read");
            false
        }
        other => other.map(|()| true)?,
    };
    if run.calls.limit().is_some() {
        // Pages that were read in vain count, too.
        #[expect(clippy::cast_precision_loss, reason = "calls of a piece")]
        let made = (run.traffic().requests - requests) as f64;
        let counted = *share.borrow().spent.get(span) - spent;
        share.borrow_mut().spend(span, (made - counted).max(0.0));
    }
    sweep.moved(plan.unread_from().unwrap_or(piece.to), length, failures_only);
    if let Some(second) = sweep.learn(plan.too_wide()) {
        tracing::warn!(
            window = %second,
            "these seconds have more pages than the calls that are left of an hour, and are not read again: what \
             came late in them may be missing, unless --max-calls-per-hour is higher"
        );
        sweep.pass(second, length);
    }
    note(run, span, *sweep).await?;
    Ok(are_calls_left)
}

/// Checks whether all of the day is read in this run, the hour with it.
fn day_is_read(run: &Session<'_>, scanned: DateTime<Utc>, ledger: &Ledger) -> bool {
    let of = &run.rereading;
    let day = of.lengths.window(Span::Day, scanned);
    let pages = day.map_or(0.0, |day| ledger.held(false).records(day) / run.page());
    let is_day_open = of.sweep(Span::Day).is_some_and(|day| day.open.is_some());
    !is_day_open && of.share.borrow().fits_day(pages, run.calls.left())
}

async fn ledger(run: &Session<'_>, since: DateTime<Utc>) -> Result<Ledger, Error> {
    let windows = run.store.windows_since(&run.job.origin, since).await?;
    let densest = run.memory.density.map_or(0.0, |density| density.densest);
    Ok(Ledger::new(windows, densest))
}
