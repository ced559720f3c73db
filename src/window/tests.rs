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

fn plan(pace: Pace, from: i64, until: Option<i64>, now: i64) -> Plan {
    Plan::new((pace, Memory::default()), day(from), until.map(day), day(now))
}

/// Plays a plan against a server whose windows all give `records`.
fn play(mut plan: Plan, server_now: DateTime<Utc>, records: u64) -> Vec<Window> {
    let mut scanned = Vec::new();
    while let Some(requested) = plan.next_window(f64::INFINITY) {
        plan.learn_now(server_now);
        let window = requested.until(server_now);
        plan.committed(requested, window, records);
        scanned.push(window);
        assert!(scanned.len() < 1_000, "does not come to an end");
    }
    scanned
}

#[test]
fn windows_cover_the_span_without_a_gap_and_grow_fourfold_while_nearly_empty() {
    let windows = play(plan(Pace::ONE_ANSWER, 0, None, 90), day(90), 0);
    // Fourfold would be 28 days; three windows take the rest.
    let hours: Vec<i64> = windows.iter().map(|w| (w.to - w.from).num_hours()).collect();
    assert_eq!(hours, [7 * 24, 664, 1_328]);
    assert!(windows.windows(2).all(|pair| pair[0].to == pair[1].from), "{windows:?}");
    let windows = play(plan(Pace::ONE_ANSWER, 0, None, 37), day(37), 500_000);
    let shared = [days(0, 7), days(7, 13), days(13, 19), days(19, 25), days(25, 31), days(31, 37)];
    assert_eq!(windows, shared, "what is left is shared out evenly");
}

#[test]
fn a_dense_window_makes_the_next_one_as_narrow_as_its_records_ask_for() {
    let mut plan = plan(Pace::ONE_ANSWER, 0, Some(7 + 35), 50);
    plan.committed(days(0, 7), days(0, 7), 1_000_000);
    let half = TimeDelta::hours(84);
    assert_eq!(plan.next_window(f64::INFINITY), Some(Window { from: day(7), to: day(7) + half }));
}

#[test]
fn narrowing_stops_at_one_second_and_keeps_whole_seconds() {
    let mut plan = plan(Pace::ONE_ANSWER, 0, Some(1), 1);
    let mut window = plan.next_window(f64::INFINITY).unwrap();
    while plan.narrow(window) {
        window = plan.next_window(f64::INFINITY).unwrap();
        assert_eq!((window.to - window.from).subsec_nanos(), 0);
    }
    assert_eq!(window.to - window.from, NARROWEST);
}

#[test]
fn after_one_that_was_too_much_windows_stay_narrow_for_a_while() {
    let mut plan = plan(Pace::ONE_ANSWER, 0, Some(3_000), 3_000);
    assert!(plan.narrow(days(0, 7)));
    let widths = std::iter::from_fn(|| {
        let window = plan.next_window(f64::INFINITY)?;
        plan.committed(window, window, 0);
        Some((window.to - window.from).num_hours())
    });
    let widths: Vec<i64> = widths.take(12).collect();
    assert!(widths[..10].iter().all(|width| (83..=84).contains(width)), "{widths:?}");
    assert!(widths[10..].iter().all(|width| (166..=168).contains(width)), "{widths:?}");
}

#[test]
fn before_the_first_record_a_window_is_given_up_early() {
    let mut plan = plan(Pace::PAGES, 0, Some(900), 900);
    for records in [0, 0, 50] {
        let window = plan.next_window(2_500.0).unwrap();
        let most = if records == 0 { 400.0 } else { 1_250.0 };
        plan.committed(window, window, records);
        let next = plan.next_window(2_500.0).unwrap();
        assert!((plan.most_pages(next, 1_250.0) - most).abs() < 1.0, "after {records} records");
    }
}

#[test]
fn a_local_clock_an_hour_ahead_does_not_scan_the_future() {
    let now = day(1);
    let pace = (Pace::ONE_ANSWER, Memory::default());
    let windows = play(Plan::new(pace, day(0), None, now + TimeDelta::hours(1)), now, 9);
    assert_eq!(windows, [days(0, 1)]);
}

#[test]
fn a_slow_local_clock_still_reaches_the_servers_now() {
    let pace = (Pace::ONE_ANSWER, Memory::default());
    let slow = day(1) - TimeDelta::hours(1);
    let windows = play(Plan::new(pace, day(0), None, slow), day(1), 9);
    assert_eq!(windows.last().unwrap().to, day(1));
    // Even when the whole span lies ahead of our clock.
    let start = day(1) - TimeDelta::minutes(1);
    let windows = play(Plan::new(pace, start, None, slow), day(1), 9);
    assert_eq!(windows.last().unwrap().to, day(1));
}

#[test]
fn a_first_run_starts_before_the_present_of_a_clock_that_is_far_too_slow() {
    let pace = (Pace::ONE_ANSWER, Memory::default());
    let last = || Plan::of_last(TimeDelta::days(90), pace, None, day(500));
    let mut plan = last();
    assert_eq!(plan.start(), day(410));
    assert!(plan.start_again_before(day(100)));
    assert!(!plan.start_again_before(day(50)), "once");
    assert_eq!(plan.next_window(f64::INFINITY), Some(days(10, 17)));

    let mut plan = last();
    assert!(!plan.start_again_before(day(450)), "its present is within the span");
    let mut plan = Plan::new(pace, day(410), None, day(500));
    assert!(!plan.start_again_before(day(100)), "the start was given");
}

#[test]
fn an_until_in_the_future_ends_at_the_servers_now() {
    let windows = play(plan(Pace::ONE_ANSWER, 0, Some(90), 5), day(5), 9);
    assert_eq!(windows, [days(0, 5)]);
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
    let plan = |pace| plan(pace, 0, None, 1);
    let one_answer = plan(Pace::ONE_ANSWER);
    assert!(one_answer.looks_cut(days(0, 1), 1_000));
    assert!(!one_answer.looks_cut(days(0, 1), 999));
    let narrowest = Window { from: day(0), to: day(0) + NARROWEST };
    assert!(!one_answer.looks_cut(narrowest, 1_000));
    assert!(!plan(Pace::PAGES).looks_cut(days(0, 1), 1_000), "the last page is marked as such");
}
