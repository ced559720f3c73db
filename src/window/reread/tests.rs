use super::*;
use crate::window::held::{HeldWindow, Ledger};

const LENGTHS: Lengths = Lengths { overlap: TimeDelta::days(1), rescan: TimeDelta::days(8) };

fn hour(n: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(n * 3_600, 0).unwrap()
}

fn hours(from: i64, to: i64) -> Window {
    Window { from: hour(from), to: hour(to) }
}

fn whole(span: Span, scanned: i64) -> Window {
    LENGTHS.window(span, hour(scanned)).unwrap()
}

/// A sweep of a span that was begun at `begun`, with the windows and pages of 50 that its runs read after it, where
/// each hour holds a page and a run may read `pages`.
fn swept(span: Span, begun: i64, runs: &[i64], pages: f64) -> (Sweep, Vec<Vec<Window>>) {
    let mut sweep = Sweep::read(hour(begun));
    let held = |n| HeldWindow {
        window: hours(n, n + 1),
        failures: 50.0,
        others: 0.0,
        failures_only: false,
    };
    let ledger = Ledger::new((0..1_000).map(held), 0.0);
    let read = runs.iter().map(|now| {
        let whole = whole(span, *now);
        let mut pieces = Vec::new();
        let mut left = pages;
        if sweep.begin(span, whole, hour(*now)) {
            while let Some(piece) = sweep.piece((left, 1.0), &ledger.held(false), 50.0) {
                left -= ((piece.to - piece.from).as_seconds_f64() / 3_600.0).ceil();
                sweep.moved(piece.to, whole.to - whole.from, false);
                pieces.push(piece);
            }
        }
        pieces
    });
    let read = read.collect();
    (sweep, read)
}

#[test]
fn a_rest_that_has_become_too_old_ends_and_the_span_begins_again_at_once() {
    // After six days without a run, nothing of what was left of the day is in the day.
    let (sweep, read) = swept(Span::Day, 500, &[501, 650], 30.0);
    assert_eq!(read[0].last().unwrap().to, hour(501));
    assert_eq!(read[1].first().unwrap().from, hour(650 - 24));
    assert_eq!((sweep.open, sweep.read_at, sweep.part_read), (None, hour(650), 1.0));

    let (sweep, read) = swept(Span::Day, 500, &[501, 650], 12.0);
    assert!(read[0].last().unwrap().to < hour(490), "{read:?}");
    assert_eq!(read[1].first().unwrap().from, hour(650 - 24));
    let open = sweep.open.expect("a part of the day is left");
    assert_eq!((open.begun_at, open.skipped), (hour(650), TimeDelta::zero()));
    assert_eq!(sweep.read_at, hour(501), "the first one ended");
    assert!(sweep.part_read < 0.5, "{sweep:?}");
}

#[test]
fn an_hour_that_hourly_runs_read_in_part_is_begun_by_each() {
    // What one run leaves is older than an hour when the next one begins.
    for run in 501..510 {
        let mut sweep = Sweep::read(hour(500));
        let open = Unfinished {
            begun_at: hour(run - 1),
            left: hours(run - 1, run),
            skipped: TimeDelta::zero(),
            longest: None,
        };
        sweep.open = Some(open);
        assert!(sweep.begin(Span::Hour, whole(Span::Hour, run + 1), hour(run + 1)));
        assert_eq!(sweep.open.map(|open| open.left), Some(hours(run, run + 1)));
    }
}

#[test]
fn a_week_whose_rest_is_too_old_begins_again_only_when_it_is_due() {
    let mut sweep = Sweep::read(hour(0));
    sweep.open = Some(Unfinished {
        begun_at: hour(990),
        left: hours(700, 800),
        skipped: TimeDelta::zero(),
        longest: None,
    });
    assert!(
        !sweep.begin(Span::Week, whole(Span::Week, 1_000), hour(1_000)),
        "10 h after the last one"
    );
    assert_eq!((sweep.open, sweep.read_at), (None, hour(990)));
    assert!(sweep.begin(Span::Week, whole(Span::Week, 1_013), hour(1_013)));
    assert_eq!(sweep.open.map(|open| open.left), Some(whole(Span::Week, 1_013)));
}

#[test]
fn a_day_is_outrun_if_all_that_is_left_of_it_is_older() {
    let left = |left| {
        Some(Unfinished { begun_at: hour(990), left, skipped: TimeDelta::zero(), longest: None })
    };
    for (open, is_outrun) in [
        (None, false),
        (left(hours(970, 976)), true),
        (left(hours(970, 977)), false),
        (left(hours(980, 990)), false),
    ] {
        let sweep = Sweep { open, ..Sweep::read(hour(900)) };
        assert_eq!(sweep.is_outrun(whole(Span::Day, 1_000)), is_outrun, "{open:?}");
    }
}

#[test]
fn time_of_which_nothing_is_stored_holds_as_much_as_the_densest_hour() {
    // 60 records in ten minutes are 60 in an hour, and 400 in four hours are 100.
    let minutes = TimeDelta::minutes(10);
    let burst = Window { from: hour(20), to: hour(20) + minutes };
    let known = [(hours(10, 14), 400.0), (burst, 60.0)];
    let known = known.map(|(window, failures)| HeldWindow {
        window,
        failures,
        others: 0.0,
        failures_only: false,
    });
    let of = |windows: &[HeldWindow], at_least| {
        let ledger = Ledger::new(windows.iter().copied(), at_least);
        let held = ledger.held(false);
        // Before all that is known, beside it, and after it.
        [hours(0, 5), hours(9, 11), hours(10, 14), hours(14, 16), hours(30, 35)]
            .map(|window| format!("{:.0}", held.records(window)))
    };
    assert_eq!(of(&known, 0.0), ["500", "200", "400", "200", "500"]);
    assert_eq!(of(&known, 1.0), ["18000", "3700", "400", "7200", "18000"]);
    assert_eq!(of(&[], 0.5), ["9000", "3600", "7200", "3600", "9000"]);

    let ledger = Ledger::new(known, 0.0);
    let reached = |window| ledger.held(false).reach(window, 100.0);
    assert_eq!(reached(hours(0, 5)), hour(1), "before the first window");
    assert_eq!(reached(hours(30, 35)), hour(31), "after the last one");
}

#[test]
fn what_a_span_was_found_to_hold_again_corrects_what_was_known_of_it() {
    let held =
        |window, failures, others| HeldWindow { window, failures, others, failures_only: false };
    let first =
        [held(hours(0, 4), 4.0, 8.0), held(hours(4, 5), 100.0, 0.0), held(hours(6, 8), 0.0, 0.0)];
    let after = |again: HeldWindow| {
        let ledger = Ledger::new(first.into_iter().chain([again]), 0.0);
        let of = |failures_only| {
            let held = ledger.held(failures_only);
            [hours(0, 2), hours(2, 4), hours(4, 5), hours(5, 6), hours(6, 8)]
                .map(|window| format!("{:.0}", held.records(window)))
                .join(" ")
        };
        (of(false), of(true))
    };
    // Where it lay is kept, and a gap between two windows is known then.
    let whole = after(held(hours(0, 8), 208.0, 16.0));
    assert_eq!(whole, ("12 12 200 0 0".to_owned(), "4 4 200 0 0".to_owned()));
    // Half of a window, of which nothing was known before.
    assert_eq!(after(held(hours(2, 4), 500.0, 0.0)).0, "6 500 100 250 0");
    assert_eq!(after(held(hours(7, 8), 30.0, 0.0)).0, "6 6 100 100 30");
    // Successes that were not requested stay.
    let failures_only = HeldWindow { failures_only: true, ..held(hours(0, 4), 40.0, 0.0) };
    assert_eq!(after(failures_only).0, "24 24 100 100 0");
    // What lies after all that is known is new.
    assert_eq!(after(held(hours(7, 10), 0.0, 0.0)).0, "6 6 100 100 0");
}
