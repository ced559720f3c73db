//! The tables of accounts and schedules.

use super::account::{Account, DAY, HOUR, MINUTE, Order, Shape, What};
use super::job::{End, Job};

/// Calls of our share in an hour.
const PER_HOUR: f64 = 2_500.0;

/// The outcome of a backfill.
#[derive(Debug)]
struct Backfill {
    /// Hours until it had caught up; `None` if it never did.
    hours: Option<f64>,
    /// Calls for events, by the pages that lay in its span.
    ratio: f64,
    pages: f64,
    calls: f64,
}

/// Runs at intervals of `every` seconds from `begin` on, until `is_over`. A run that takes longer delays the next.
fn drive(
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

fn backfill(
    shape: &Shape,
    days: f64,
    every: f64,
    per_hour: f64,
    lives: impl FnMut() -> f64,
) -> Backfill {
    let account = Account::new(shape);
    let mut job = Job::new(&account, per_hour, 0.0, Box::new(|_, _, _, _| {}));
    let begin = days * DAY;
    let until = shape.days * DAY - DAY;
    drive(&mut job, (begin, until, every), lives, |job| job.caught_up.is_some());
    let pages = account.up_to(job.scanned);
    let calls = job.calls.total.get(&What::New).copied().unwrap_or_default();
    let hours = job.caught_up.map(|at| (at - begin) / HOUR);
    Backfill { hours, ratio: calls / pages.max(1.0), pages, calls }
}

fn always() -> f64 {
    f64::INFINITY
}

#[test]
fn a_backfill_of_ninety_days_takes_the_hours_that_its_pages_need() {
    // Pages per day, minutes between runs, hours, calls per page at most.
    for (per_day, every, hours, ratio) in [
        (10.0, 60.0, 0.3, 1.02),
        (100.0, 5.0, 3.2, 1.015),
        (100.0, 60.0, 3.2, 1.015),
        (1_000.0, 15.0, 40.0, 1.02),
        (1_000.0, 60.0, 41.0, 1.02),
        (5_000.0, 60.0, 227.0, 1.02),
    ] {
        let shape = Shape::new(per_day, 120.0);
        let found = backfill(&shape, 90.0, every * MINUTE, PER_HOUR, always);
        println!("{per_day} per day, every {every} min: {found:?}");
        let took = found.hours.expect("it catches up");
        assert!(took <= hours * 1.1 + 0.3, "{per_day} per day: {took} h");
        assert!(found.ratio <= ratio, "{per_day} per day: {} calls per page", found.ratio);
    }
}

#[test]
fn random_accounts_end_their_backfill_and_read_hardly_a_page_twice() {
    let mut random = fastrand::Rng::with_seed(5);
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..30 {
        let per_day = 10.0 * 2_000_f64.powf(random.f64());
        let days =
            if per_day > 2_000.0 { (40_000.0 / per_day).min(90.0).floor() } else { 90.0 } + 1.0;
        let order = [Order::Ascending, Order::Descending, Order::Random][random.usize(0..3)];
        let mut shape = Shape { order, seed: random.u64(..), ..Shape::new(per_day, days + 40.0) };
        shape.is_flat = random.bool();
        let has_burst = random.f64() < 0.3;
        if has_burst {
            let length = MINUTE * (5.0 + 295.0 * random.f64());
            let factor = 10_f64.powf(0.5 + 1.5 * random.f64());
            shape.bursts.push((random.f64() * days * DAY, length, factor));
        }
        let every = [5.0, 15.0, 60.0][random.usize(0..3)] * MINUTE;
        let found = backfill(&shape, days, every, PER_HOUR, always);
        assert!(found.hours.is_some(), "{shape:?} never catches up: {found:?}");
        if has_burst {
            let more = found.calls - 1.06 * found.pages - 10.0;
            assert!(more <= 2.0 * PER_HOUR, "a burst costs {more} calls more: {shape:?}");
            with.push(found.ratio);
        } else {
            let ratio = (found.calls - 10.0) / found.pages;
            println!("{per_day:.0} per day of {days:.0} days, {order:?}: {ratio:.4}");
            assert!(ratio <= 1.06, "{ratio}: {shape:?}");
            without.push(ratio);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a few")]
    let mean = without.iter().sum::<f64>() / without.len() as f64;
    println!("without a burst {mean:.4}, with one {with:.3?}");
    assert!(mean <= 1.02, "{mean}");
    assert!(with.len() > 5, "few bursts");
}

#[test]
fn bursts_batches_and_few_calls_leave_nobody_stuck() {
    let flat = |per_day, days: f64| Shape { is_flat: true, ..Shape::new(per_day, days + 60.0) };
    let burst = vec![(45.0 * DAY, 2.0 * HOUR, 100.0)];
    for (name, shape, days, per_hour, most) in [
        ("a burst of 2 h", Shape { bursts: burst, ..flat(1_000.0, 90.0) }, 90.0, PER_HOUR, 1.06),
        ("batches of a minute", Shape { batches: 0.9, ..flat(1_000.0, 30.0) }, 30.0, PER_HOUR, 1.2),
        ("100 calls per hour", flat(35.0, 30.0), 30.0, 100.0, 1.15),
        (
            "silence, then 20,000 per day",
            Shape { bursts: vec![(0.0, 20.0 * DAY, 0.0)], ..flat(20_000.0, 24.0) },
            24.0,
            PER_HOUR,
            1.05,
        ),
    ] {
        for order in [Order::Ascending, Order::Random] {
            let shape = Shape { order, ..shape.clone() };
            let found = backfill(&shape, days, HOUR, per_hour, always);
            println!("{name}, {order:?}: {found:?}");
            assert!(found.hours.is_some() && found.ratio <= most, "{name}, {order:?}: {found:?}");
        }
    }
}

#[test]
fn runs_that_are_killed_after_a_minute_finish_all_the_same() {
    let mut shape = Shape::new(100.0, 140.0);
    shape.is_flat = true;
    // A call takes a quarter of a second, so this is 60 of them.
    let found = backfill(&shape, 90.0, 5.0 * MINUTE, PER_HOUR, || 15.0);
    println!("killed after 60 calls: {found:?}");
    assert!(found.hours.is_some() && found.ratio < 1.6, "{found:?}");
}

/// Rows that appear or change after their time, and when they are seen.
struct Late {
    /// Time, when it appears, when it is seen, whether it is a failure; in the order of time.
    rows: Vec<(f64, f64, Option<f64>, bool)>,
}

impl Late {
    fn new(
        account: &Account,
        (from, to): (f64, f64),
        (least, most): (f64, f64),
        is_failure: bool,
    ) -> Self {
        let mut random = fastrand::Rng::with_seed(7);
        let (low, high) = (account.up_to(from), account.up_to(to));
        let mut rows: Vec<_> = (0..300)
            .map(|_| {
                let at = account.at(low + (high - low) * random.f64());
                (at, at + least * (most / least).powf(random.f64()), None, is_failure)
            })
            .collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self { rows }
    }

    fn find(&mut self, from: f64, to: f64, now: f64, failures_only: bool) {
        let first = self.rows.partition_point(|row| row.0 < from);
        for row in self.rows[first..].iter_mut().take_while(|row| row.0 <= to) {
            if row.2.is_none() && row.1 <= now && (row.3 || !failures_only) {
                row.2 = Some(now);
            }
        }
    }

    /// Median and greatest delay in seconds, and the part that was never found.
    fn delays(&self) -> (f64, f64, f64) {
        let mut delays: Vec<f64> =
            self.rows.iter().filter_map(|row| row.2.map(|seen| seen - row.1)).collect();
        delays.sort_by(f64::total_cmp);
        #[expect(clippy::cast_precision_loss, reason = "a few")]
        let never = (self.rows.len() - delays.len()) as f64 / self.rows.len() as f64;
        let at = |place: usize| delays.get(place).copied().unwrap_or(f64::INFINITY);
        (at(self.rows.len() / 2), delays.last().copied().unwrap_or(f64::INFINITY), never)
    }
}

/// Days after a backfill: calls in an hour, those of them that re-read, the most of these in one hour, the
/// longest lag, and the delays of failures that are late by up to an hour, a day and a week.
struct Steady {
    calls: f64,
    again: f64,
    most_again: f64,
    lag: f64,
    late: [(f64, f64, f64); 3],
}

fn steady(shape: &Shape, days: f64, every: f64) -> Steady {
    let account = Account::new(shape);
    let (begin, end) = (8.0 * DAY, (8.0 + days) * DAY);
    let span = (begin, end - 10.0 * DAY);
    let mut late = [(1.0, HOUR), (HOUR, DAY), (DAY, 7.0 * DAY)]
        .map(|range| Late::new(&account, span, range, true));
    let found = |from, to, now, failures_only| {
        for late in &mut late {
            late.find(from, to, now, failures_only);
        }
    };
    let mut job = Job::new(&account, PER_HOUR, begin - HOUR, Box::new(found));
    drive(&mut job, (begin, begin + DAY, every), always, |job| job.caught_up.is_some());
    job.longest_lag = 0.0;
    let before = job.calls.total.clone();
    let first = begin + every * ((job.caught_up.expect("a day is little") - begin) / every).ceil();
    drive(&mut job, (first, end, every), always, |_| false);
    let hours = (end - first) / HOUR;
    let of = |what| {
        let total = job.calls.total.get(&what).copied().unwrap_or_default();
        (total - before.get(&what).copied().unwrap_or_default()) / hours
    };
    let again = of(What::Again);
    let calls = again + of(What::New) + of(What::Token);
    // From the time on when the ledger holds all of the week before.
    let settled = (begin + 9.0 * DAY) / HOUR;
    #[expect(clippy::cast_precision_loss, reason = "hours of a year")]
    let is_settled = |hour: u64| hour as f64 > settled;
    let hourly = job.calls.by_hour.iter();
    let hourly = hourly.filter(|((hour, what), _)| *what == What::Again && is_settled(*hour));
    let most_again = hourly.map(|(_, calls)| *calls).fold(0.0, f64::max);
    let lag = job.longest_lag;
    drop(job);
    Steady { calls, again, most_again, lag, late: late.map(|late| late.delays()) }
}

#[test]
fn re_reading_keeps_its_share_and_finds_what_is_late() {
    // Pages per day, minutes between runs; calls per hour and those of re-reading at most; minutes until
    // failures late by an hour, hours until those late by a day and by a week are found, at most.
    for (per_day, every, calls, again, [hour, day, week]) in [
        (1.0, 60.0, 6.0, 3.0, [61.0, 2.0, 25.0]),
        (10.0, 15.0, 60.0, 50.0, [16.0, 1.0, 25.0]),
        (100.0, 15.0, 376.0, 366.0, [30.0, 1.5, 26.0]),
        (1_000.0, 15.0, 536.0, 489.0, [360.0, 54.0, 54.0]),
        (1_000.0, 60.0, 465.0, 421.0, [120.0, 54.0, 54.0]),
        (5_000.0, 60.0, 675.0, 465.0, [780.0, 60.0, 72.0]),
    ] {
        let found = steady(&Shape::new(per_day, 36.0), 27.0, every * MINUTE);
        let [of_hour, of_day, of_week] = found.late;
        println!(
            "{per_day} per day, every {every} min: {:.0} calls/h, {:.0} again, most {:.0}, lag {:.0} min, \
             late {:.0}/{:.0} min, {:.1}/{:.1} h, {:.1}/{:.1} h",
            found.calls,
            found.again,
            found.most_again,
            found.lag / MINUTE,
            of_hour.0 / MINUTE,
            of_hour.1 / MINUTE,
            of_day.0 / HOUR,
            of_day.1 / HOUR,
            of_week.0 / HOUR,
            of_week.1 / HOUR,
        );
        assert!(found.calls <= 1.1 * calls, "{per_day}: {} calls", found.calls);
        assert!(found.again <= 1.1 * again, "{per_day}: {} of re-reading", found.again);
        assert!(found.most_again <= 550.0, "{per_day}: {} in one hour", found.most_again);
        assert!(found.lag <= 2.0 * every * MINUTE, "{per_day}: {} s of lag", found.lag);
        assert!(of_hour.1 <= 1.1 * hour * MINUTE, "{per_day}: {of_hour:?}");
        assert!(of_day.1 <= 1.1 * day * HOUR, "{per_day}: {of_day:?}");
        assert!(of_week.1 <= 1.1 * week * HOUR, "{per_day}: {of_week:?}");
        assert!(found.late.iter().all(|late| late.2 < 0.01), "{per_day}: {:?}", found.late);
    }
}

#[test]
fn the_busiest_accounts_keep_up_and_re_read_failures_only() {
    let found = steady(&Shape { is_flat: true, ..Shape::new(40_000.0, 20.0) }, 11.0, 15.0 * MINUTE);
    println!(
        "40,000 per day: {:.0} calls/h, {:.0} again, lag {:.0} s",
        found.calls, found.again, found.lag
    );
    assert!(found.lag <= HOUR, "{} s of lag", found.lag);
    assert!(found.again <= 500.0, "{}", found.again);
}

#[test]
fn three_days_without_a_run_are_caught_up_without_a_page_lost() {
    let account = Account::new(&Shape::new(1_000.0, 30.0));
    let mut job = Job::new(&account, PER_HOUR, 7.0 * DAY, Box::new(|_, _, _, _| {}));
    drive(&mut job, (8.0 * DAY, 10.0 * DAY, 15.0 * MINUTE), always, |_| false);
    let (before, scanned) = (job.calls.total[&What::New], job.scanned);
    let begin = 13.0 * DAY;
    let again = |job: &Job<'_>| job.calls.total[&What::Again];
    let re_read = again(&job);
    job.caught_up = None;
    drive(&mut job, (begin, begin + DAY, 15.0 * MINUTE), always, |job| job.caught_up.is_some());
    let (pages, calls) =
        (account.pages(scanned, job.scanned), job.calls.total[&What::New] - before);
    let took = job.caught_up.expect("it catches up") - begin;
    println!("three days: {took:.0} s, {pages:.0} pages, {calls:.0} calls");
    assert!(took <= 75.0 * MINUTE && calls <= 1.02 * pages + 10.0, "{took} s, {calls} of {pages}");
    assert!((again(&job) - re_read).abs() < 1.0, "nothing is re-read while it is of lag");
}
