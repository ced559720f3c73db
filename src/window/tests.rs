use super::*;

fn day(n: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(n * 86_400, 0).unwrap()
}

fn days(from: i64, to: i64) -> Window {
    Window { from: day(from), to: day(to) }
}

fn watermark(high: Option<i64>, scanned: Option<i64>) -> Watermark {
    Watermark { high_water_mark: high.map(day), scanned_through: scanned.map(day) }
}

/// Plays a plan against a server whose windows all give `records`.
fn play(mut plan: Plan, server_now: DateTime<Utc>, records: u64) -> Vec<Window> {
    let mut scanned = Vec::new();
    while let Some(requested) = plan.next_window() {
        plan.learn_now(server_now);
        let window = requested.until(server_now);
        plan.committed(requested, window, records);
        scanned.push(window);
        assert!(scanned.len() < 1_000, "does not come to an end");
    }
    scanned
}

#[test]
fn windows_cover_the_span_without_a_gap_and_double_while_nearly_empty() {
    let windows = play(Plan::new(Pace::ONE_ANSWER, day(0), None, day(90)), day(90), 0);
    assert_eq!(windows, [days(0, 7), days(7, 21), days(21, 49), days(49, 90)]);
    let windows = play(Plan::new(Pace::ONE_ANSWER, day(0), None, day(20)), day(20), 5_000);
    assert_eq!(windows, [days(0, 7), days(7, 14), days(14, 20)]);
}

#[test]
fn an_answer_too_large_halves_the_next_window() {
    let mut plan = Plan::new(Pace::ONE_ANSWER, day(0), Some(day(30)), day(30));
    plan.committed(days(0, 7), days(0, 7), 1_000_000);
    let half = TimeDelta::hours(84);
    assert_eq!(plan.next_window(), Some(Window { from: day(7), to: day(7) + half }));
}

#[test]
fn narrowing_stops_at_one_second_and_keeps_whole_seconds() {
    let mut plan = Plan::new(Pace::ONE_ANSWER, day(0), Some(day(1)), day(1));
    while plan.narrow() {
        let window = plan.next_window().unwrap();
        assert_eq!((window.to - window.from).subsec_nanos(), 0);
    }
    assert_eq!(plan.next_window().map(|w| w.to - w.from), Some(NARROWEST));
}

#[test]
fn after_one_that_was_too_much_no_window_grows_beyond_its_half() {
    let mut plan = Plan::new(Pace::ONE_ANSWER, day(0), Some(day(300)), day(300));
    plan.narrow();
    for _ in 0..3 {
        let window = plan.next_window().unwrap();
        assert_eq!(window.to - window.from, TimeDelta::hours(84));
        plan.committed(window, window, 0);
    }
}

#[test]
fn a_local_clock_an_hour_ahead_does_not_scan_the_future() {
    let now = day(1);
    let windows =
        play(Plan::new(Pace::ONE_ANSWER, day(0), None, now + TimeDelta::hours(1)), now, 9);
    assert_eq!(windows, [days(0, 1)]);
}

#[test]
fn a_slow_local_clock_still_reaches_the_servers_now() {
    let slow = day(1) - TimeDelta::hours(1);
    let windows = play(Plan::new(Pace::ONE_ANSWER, day(0), None, slow), day(1), 9);
    assert_eq!(windows.last().unwrap().to, day(1));
    // Even when the whole span lies ahead of our clock.
    let start = day(1) - TimeDelta::minutes(1);
    let windows = play(Plan::new(Pace::ONE_ANSWER, start, None, slow), day(1), 9);
    assert_eq!(windows.last().unwrap().to, day(1));
}

#[test]
fn a_first_run_starts_before_the_present_of_a_clock_that_is_far_too_slow() {
    let last = || Plan::of_last(TimeDelta::days(90), Pace::ONE_ANSWER, None, day(500));
    let mut plan = last();
    assert_eq!(plan.start(), day(410));
    assert!(plan.start_again_before(day(100)));
    assert!(!plan.start_again_before(day(50)), "once");
    assert_eq!(plan.next_window(), Some(days(10, 17)));

    let mut plan = last();
    assert!(!plan.start_again_before(day(450)), "its present is within the span");
    let mut plan = Plan::new(Pace::ONE_ANSWER, day(410), None, day(500));
    assert!(!plan.start_again_before(day(100)), "the start was given");
}

#[test]
fn an_until_in_the_future_ends_at_the_servers_now() {
    let windows = play(Plan::new(Pace::ONE_ANSWER, day(0), Some(day(90)), day(5)), day(5), 9);
    assert_eq!(windows, [days(0, 5)]);
}

#[test]
fn resume_goes_back_by_the_overlap_or_to_the_last_failure() {
    let overlap = TimeDelta::days(1);
    assert_eq!(watermark(None, None).resume(overlap), None);
    assert_eq!(watermark(None, Some(9)).resume(overlap), Some(day(8)));
    assert_eq!(watermark(Some(9), Some(9)).resume(overlap), Some(day(8)));
    assert_eq!(watermark(Some(3), Some(9)).resume(overlap), Some(day(3)));
}

#[test]
fn a_rescan_begins_once_a_day_and_goes_on_where_it_was_left() {
    let week = TimeDelta::days(7);
    let rescan = |read_at: Option<i64>, next: Option<i64>| Rescan {
        read_at: read_at.map(day),
        next: next.map(day),
    };
    assert_eq!(rescan(None, None).begin(day(30), week), None, "all was read just now");
    assert_eq!(rescan(Some(30), None).begin(day(30), week), None);
    assert_eq!(rescan(Some(29), None).begin(day(30), week), Some(day(23)));
    assert_eq!(rescan(Some(30), Some(25)).begin(day(30), week), Some(day(25)));
    let a_little_early = day(31) - TimeDelta::minutes(50);
    assert_eq!(rescan(Some(30), None).begin(a_little_early, week), Some(a_little_early - week));
}

#[test]
fn one_that_continues_from_another_sees_what_the_other_may_not_have_seen() {
    let overlap = TimeDelta::days(1);
    assert_eq!(watermark(None, None).continue_from(overlap), None);
    assert_eq!(watermark(None, Some(9)).continue_from(overlap), Some(day(8)));
    assert_eq!(watermark(Some(7), Some(9)).continue_from(overlap), Some(day(6)));
    assert_eq!(watermark(Some(9), Some(9)).continue_from(overlap), Some(day(8)));
}

#[test]
fn the_watermark_never_moves_backward_nor_over_a_gap() {
    let watermark = Watermark::default().after(days(0, 7), Some(day(5)));
    assert_eq!(
        (watermark.high_water_mark, watermark.scanned_through),
        (Some(day(5)), Some(day(7)))
    );
    assert_eq!(watermark.after(days(2, 4), Some(day(3))), watermark, "an older span");
    assert_eq!(watermark.after(days(8, 9), Some(day(9))), watermark, "a gap before the window");
    let on = watermark.after(days(6, 9), None);
    assert_eq!((on.high_water_mark, on.scanned_through), (Some(day(5)), Some(day(9))));
}

#[test]
fn a_round_count_looks_cut_unless_the_window_cannot_be_narrower() {
    let plan = |pace| Plan::new(pace, day(0), None, day(1));
    let one_answer = plan(Pace::ONE_ANSWER);
    assert!(one_answer.looks_cut(days(0, 1), 1_000));
    assert!(!one_answer.looks_cut(days(0, 1), 999));
    let narrowest = Window { from: day(0), to: day(0) + NARROWEST };
    assert!(!one_answer.looks_cut(narrowest, 1_000));
    assert!(!plan(Pace::PAGES).looks_cut(days(0, 1), 1_000), "the last page is marked as such");
}
