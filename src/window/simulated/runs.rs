//! A backfill, and the days after it, as runs of one schedule make them.

use super::account::{Account, DAY, HOUR, Shape, What};
use super::job::{End, Job};
use super::late::{Delays, Late};

/// Calls of our share in an hour.
pub(super) const PER_HOUR: f64 = 2_500.0;

/// The outcome of a backfill.
#[derive(Debug)]
pub(super) struct Backfill {
    /// Hours until it had caught up; `None` if it had not by the end.
    pub hours: Option<f64>,
    /// Calls for events, by the pages that lay in its span.
    pub ratio: f64,
    pub pages: f64,
    pub calls: f64,
    /// Days that each day brings it nearer to the present.
    pub gain: f64,
}

/// Runs at intervals of `every` seconds from `begin` on, until `is_over`. A run that takes longer delays the next.
pub(super) fn drive(
    job: &mut Job<'_>,
    (begin, end, every): (f64, f64, f64),
    mut lives: impl FnMut() -> f64,
    is_over: impl Fn(&Job<'_>) -> bool,
) -> Vec<End> {
    let (mut at, mut ends) = (begin, Vec::new());
    while at < end && !is_over(job) {
        job.killed_at = at + lives();
        let (end, ended) = job.run(at);
        ends.push(end);
        at += every * ((ended - at) / every).ceil().max(1.0);
    }
    ends
}

/// No end of a run but its own.
pub(super) fn always() -> f64 {
    f64::INFINITY
}

/// A backfill of the first `days` of an account, until the day before its end at the latest.
pub(super) fn backfill(
    shape: &Shape,
    days: f64,
    every: f64,
    per_hour: f64,
    lives: impl FnMut() -> f64,
) -> Backfill {
    let account = Account::new(shape);
    let mut job = Job::new(&account, per_hour, 0.0, Box::new(|_, _, _, _| {}));
    let (begin, until) = (days * DAY, (shape.days - 1.0) * DAY);
    drive(&mut job, (begin, until, every), lives, |job| job.caught_up.is_some());
    let pages = account.up_to(job.scanned);
    let calls = job.calls.total(What::New);
    let hours = job.caught_up.map(|at| (at - begin) / HOUR);
    let gain = job.scanned / (until - begin) - 1.0;
    Backfill { hours, ratio: calls / pages.max(1.0), pages, calls, gain }
}

/// Days after a backfill: calls per hour, those of them that re-read, the most of these in one hour, the lag at the
/// end of 99 of 100 runs, and the delays of late rows, in the order of [`Late::of_all_kinds`].
#[derive(Debug)]
pub(super) struct Steady {
    pub calls: f64,
    pub again: f64,
    pub most_again: f64,
    pub lag: f64,
    pub late: [Delays; 7],
}

/// Days from the ninth on, of an account that has been read until then.
pub(super) fn steady(shape: &Shape, every: f64) -> Steady {
    let account = Account::new(shape);
    let (begin, end) = (8.0 * DAY, shape.days * DAY);
    // The windows of a backfill are up to a day wide, and the calls of a day read again are known less well.
    let mut late = Late::of_all_kinds(&account, (begin + 2.0 * DAY, end - 10.0 * DAY));
    let found = |from, to, now, failures_only| {
        for late in &mut late {
            late.see(from, to, now, failures_only);
        }
    };
    let mut job = Job::new(&account, PER_HOUR, 0.0, Box::new(found));
    job.has_read_until(begin);
    drive(&mut job, (begin, end, every), always, |_| false);
    let of = |what| job.calls.total(what) / ((end - begin) / HOUR);
    let again = of(What::Again);
    let calls = again + of(What::New) + of(What::Token);
    let most_again = job.most_again_in_one_hour();
    job.lags.sort_by(f64::total_cmp);
    let lag = job.lags[job.lags.len() * 99 / 100];
    drop(job);
    Steady { calls, again, most_again, lag, late: late.map(|late| late.delays()) }
}
