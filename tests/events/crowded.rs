//! Seconds with more pages than re-reading may take, which came in time or late, and quiet weeks after them.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use onelogin_simulator::{Config, Endpoint, Simulator};

use super::{NOON, failure};
use crate::support::api::{Api, put_event};
use crate::support::onelogin::{at, empty, start};
use crate::support::tables::{Db, assert_rows, on_both};

const HOUR: Duration = Duration::from_hours(1);
/// A run that may make a hundred calls in an hour.
const SMALL: [&str; 6] =
    ["--refresh-people", "never", "--page-limit", "10", "--max-calls-per-hour", "100"];

fn pages_of_ten() -> Simulator {
    start(Config { failures: 0, page: 10, now: at(NOON), ..Config::default() })
}

/// Puts events of one second.
fn put(onelogin: &Simulator, ids: std::ops::Range<i64>, time: &str) {
    for id in ids {
        put_event(onelogin, failure(id, time));
    }
}

/// The first load, with calls enough.
fn load(onelogin: &Simulator, db: &Db) {
    let arguments = [&SMALL[..5], &["2500", "--since", "2026-03-10"]].concat();
    Api::Events.sync_ok(onelogin, db, &arguments);
}

/// A run an hour later. Returns the pages that it read.
fn hourly(onelogin: &Simulator, db: &Db) -> usize {
    onelogin.advance(HOUR);
    db.execute("delete from api_calls");
    // Calls and re-reading are counted by the database's clock.
    let an_hour_ago = (Utc::now() - TimeDelta::minutes(61)).format("%F %T%.3f+00:00");
    db.execute(&format!("update sync_runs set started_at = '{an_hour_ago}'"));
    let before = onelogin.calls_to(Endpoint::Events).len();
    Api::Events.sync_ok(onelogin, db, &SMALL);
    onelogin.calls_to(Endpoint::Events).len() - before
}

on_both!(a_second_with_more_pages_than_a_share_is_not_read_again_by_each_run, |db| {
    let onelogin = pages_of_ten();
    put(&onelogin, 1..600, "2026-03-18T15:00:04Z");
    load(&onelogin, db);
    onelogin.advance(Duration::from_hours(22));
    put(&onelogin, 601..602, "2026-03-21T08:30:00Z");
    put(&onelogin, 602..603, "2026-03-15T20:00:00Z");

    let read: Vec<usize> = (0..5).map(|_| hourly(&onelogin, db)).collect();

    assert!(read.iter().all(|pages| *pages <= 21), "more than a fifth: {read:?}");
    assert_eq!(db.count("provisioning_failures"), 601, "{read:?}");
});

on_both!(a_mass_of_late_events_of_one_second_is_read_once, |db| {
    let onelogin = pages_of_ten();
    put(&onelogin, 1..5, "2026-03-18T15:00:04Z");
    load(&onelogin, db);
    put(&onelogin, 100..900, "2026-03-18T03:00:00Z");
    onelogin.advance(Duration::from_hours(22));

    let mut runs = 0;
    while db.count("provisioning_failures") < 804 {
        let n = hourly(&onelogin, db);
        eprintln!("PAGES {n} {:?}", db.rows("select span, next_from, next_until, piece_seconds, skipped_seconds from rereads order by 1"));
        runs += 1;
        assert!(runs < 12, "not found by {runs} runs");
    }
    // The next day's re-reading knows how many they are.
    onelogin.advance(Duration::from_hours(20));
    let read: Vec<usize> = (0..4).map(|_| hourly(&onelogin, db)).collect();
    assert!(read.iter().all(|pages| *pages <= 21), "more than a fifth: {read:?}");
});

on_both!(late_events_that_were_found_count_when_the_day_is_read_again, |db| {
    let onelogin = pages_of_ten();
    load(&onelogin, db);
    // 50 pages over half a day, all of them late.
    for minute in 0..500 {
        let time = at("2026-03-20T00:00:00Z") + TimeDelta::seconds(minute * 86);
        put_event(&onelogin, failure(1_000 + minute, &time.to_rfc3339()));
    }
    let first: Vec<usize> = (0..2).map(|_| hourly(&onelogin, db)).collect();
    assert_eq!(db.count("provisioning_failures"), 500, "{first:?}");

    let read: Vec<usize> = (0..5).map(|_| hourly(&onelogin, db)).collect();

    assert!(read.iter().all(|pages| *pages <= 22), "more than a fifth: {read:?}");
});

on_both!(eighty_quiet_days_take_few_calls_though_a_burst_was_before, |db| {
    let onelogin = pages_of_ten();
    for second in 0..60 {
        let time = at("2026-03-20T10:00:00Z") + TimeDelta::seconds(second);
        let ids = 1 + second * 50;
        put(&onelogin, ids..ids + 50, &time.to_rfc3339());
    }
    load(&onelogin, db);
    onelogin.advance(Duration::from_hours(80 * 24));
    db.execute("delete from api_calls");

    Api::Events.sync_ok(&onelogin, db, &SMALL);

    let new =
        "select count(*) from sync_windows where window_from >= '2026-03-20 12:00:00.000+00:00'";
    let windows: usize = db.rows(new)[0][0].parse().expect("a number");
    assert!(windows <= 5, "{windows} windows");
    assert_eq!(db.count("provisioning_failures"), 3_000);
});

on_both!(the_size_of_a_servers_pages_is_known_to_the_next_run, |db| {
    let onelogin = start(Config { failures: 300, page: 10, now: at(NOON), ..Config::default() });
    let arguments = ["--refresh-people", "never", "--since", "2026-03-10"];
    Api::Events.sync_ok(&onelogin, db, &arguments);
    assert_rows(&db.rows("select page from reading_plans"), &[&["10"]]);
});

on_both!(no_number_of_calls_is_estimated_before_the_first_event, |db| {
    let onelogin = empty(NOON);
    put(&onelogin, 1..3, "2026-03-20T10:00:00Z");
    let arguments = ["--refresh-people", "never", "--since", "2025-03-10"];
    let finished = Api::Events.sync(&onelogin, db, &arguments).run().expect_code(0);
    assert!(!finished.stderr.contains("about 0 more calls"), "{finished}");
});
