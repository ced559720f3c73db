//! Accounts and runs that a table of schedules does not show.

use super::account::{Account, DAY, HOUR, MINUTE, Order, Shape, What};
use super::job::Job;
use super::runs::{PER_HOUR, always, backfill, drive};

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
            "70 days of silence, then 80 per day",
            Shape { bursts: vec![(0.0, 70.0 * DAY, 0.0)], ..flat(80.0, 90.0) },
            90.0,
            PER_HOUR,
            1.3,
        ),
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

#[test]
fn three_days_without_a_run_are_caught_up_without_a_page_lost() {
    let account = Account::new(&Shape::new(1_000.0, 30.0));
    let mut job = Job::new(&account, PER_HOUR, 7.0 * DAY, Box::new(|_, _, _, _| {}));
    drive(&mut job, (8.0 * DAY, 10.0 * DAY, 15.0 * MINUTE), always, |_| false);
    let (before, scanned) = (job.calls.total(What::New), job.scanned);
    let begin = 13.0 * DAY;
    let again = |job: &Job<'_>| job.calls.total(What::Again);
    let re_read = again(&job);
    job.caught_up = None;
    drive(&mut job, (begin, begin + DAY, 15.0 * MINUTE), always, |job| job.caught_up.is_some());
    let (pages, calls) = (account.pages(scanned, job.scanned), job.calls.total(What::New) - before);
    let took = job.caught_up.expect("it catches up") - begin;
    println!("three days: {took:.0} s, {pages:.0} pages, {calls:.0} calls");
    assert!(took <= 75.0 * MINUTE && calls <= 1.02 * pages + 10.0, "{took} s, {calls} of {pages}");
    assert!((again(&job) - re_read).abs() < 1.0, "nothing is re-read while it is of lag");
}

/// The most calls of re-reading in an hour, of an account of which only the hour before `begin` was read.
fn most_again_without_a_ledger(per_day: f64, begin: f64) -> f64 {
    let account = Account::new(&Shape::new(per_day, 12.0));
    let mut job = Job::new(&account, PER_HOUR, begin - HOUR, Box::new(|_, _, _, _| {}));
    drive(&mut job, (begin, 12.0 * DAY, HOUR), always, |_| false);
    job.most_again_in_one_hour()
}

#[test]
fn time_of_which_nothing_is_stored_is_read_as_if_all_of_it_were_the_densest_hour() {
    for per_day in [100.0, 1_000.0, 5_000.0] {
        for (hour, most) in [(9.0, 550.0), (0.0, 1_250.0)] {
            let again = most_again_without_a_ledger(per_day, 8.0 * DAY + hour * HOUR);
            println!(
                "{per_day} per day, first read at {hour}: {again} calls of re-reading in one hour"
            );
            assert!(again <= most, "{per_day} per day, first read at {hour}: {again}");
        }
    }
}
