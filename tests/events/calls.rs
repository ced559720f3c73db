//! Calls of accounts that are too busy for one hour of them, and of runs that are killed.

use std::collections::BTreeSet;
use std::time::Duration;

use onelogin_simulator::{Config, Endpoint, EventRecord, Order, Simulator};

use super::{NOON, failure};
use crate::support::api::{Api, parameter, put_event};
use crate::support::block_on;
use crate::support::onelogin::{at, start};
use crate::support::program::Finished;
use crate::support::tables::{Db, assert_rows, on_both};

/// An hour passes for the counted calls, and for those that re-read.
fn an_hour_passes(db: &Db) {
    db.execute("delete from api_calls");
    db.execute("delete from reread_windows");
}

/// Runs with these arguments, and after the first one without `since`, one in each hour until one succeeds. Gives
/// the number of runs.
#[track_caller]
fn hourly_until_done(onelogin: &Simulator, db: &Db, arguments: &[&str], since: &str) -> usize {
    let first = [arguments, &["--since", since]].concat();
    let mut given = first.as_slice();
    for runs in 1..=12 {
        let finished = Api::Events.sync(onelogin, db, given).run();
        match finished.code {
            Some(0) => return runs,
            Some(69) => an_hour_passes(db),
            _ => panic!("{finished}"),
        }
        if db.count("sync_windows") > 0 {
            given = arguments;
        }
    }
    panic!("it is stuck");
}

/// A twentieth of an account of 1,000 pages per day, with a twentieth of the calls: a backfill of nine days, and three
/// hourly runs.
fn a_twentieth_of_a_thousand_pages_per_day(db: &Db, order: Order) {
    let config = Config {
        failures: 450,
        successes: Some(1_800),
        days: 9,
        page: 5,
        order,
        ..Config::default()
    };
    let onelogin = start(Config { now: at(NOON), ..config });
    let arguments =
        ["--refresh-people", "never", "--page-limit", "5", "--max-calls-per-hour", "125"];

    let runs = hourly_until_done(&onelogin, db, &arguments, "2026-03-11T12:00:00Z");

    let (pages, calls) = (2_250 / 5, onelogin.calls_to(Endpoint::Events).len());
    println!("{order:?}: {runs} runs, {calls} calls for {pages} pages");
    assert!(runs <= 4, "{runs} hours for {pages} pages");
    assert!(calls <= pages * 106 / 100 + 10, "{calls} calls for {pages} pages");
    Api::Events.assert_loaded(db, &Api::Events.served(&onelogin, None, None));

    let before = onelogin.calls_to(Endpoint::Events).len();
    for hour in 1..=3 {
        an_hour_passes(db);
        onelogin.advance(Duration::from_hours(1));
        Api::Events.sync_ok(&onelogin, db, &arguments);
        let calls = onelogin.calls_to(Endpoint::Events).len() - before;
        println!("{calls} calls after {hour} h");
        // What is new is about two pages, and a fifth of the calls re-reads.
        assert!(calls <= hour * 32, "{calls} calls after {hour} hours");
    }
    let calls = onelogin.calls_to(Endpoint::Events).len() - before;
    assert!(calls >= 50, "{calls} calls: the day was not read again");
    // Events of earlier days are resolved meanwhile, so that only the number of rows is compared.
    let rows = db.count("provisioning_failures") + db.count("provisioning_successes");
    assert_eq!(rows, Api::Events.served(&onelogin, None, None).len());
    let open = "select count(*) from rereads where next_from >= next_until";
    assert_rows(&db.rows(open), &[&["0"]]);
}

on_both!(a_twentieth_of_a_thousand_pages_per_day_costs_its_pages, |db| {
    a_twentieth_of_a_thousand_pages_per_day(db, Order::Ascending);
});

on_both!(a_twentieth_of_a_thousand_pages_per_day_in_random_order_costs_its_pages, |db| {
    a_twentieth_of_a_thousand_pages_per_day(db, Order::Shuffled);
});

on_both!(a_second_of_more_pages_than_half_an_hours_calls_is_read_in_the_end, |db| {
    // 60 pages with 100 calls, as 1,500 with 2,500. The event before them makes the first page look thin.
    let onelogin = start(Config { failures: 0, page: 10, now: at(NOON), ..Config::default() });
    for id in 1..=600 {
        put_event(&onelogin, failure(id, "2026-03-20T10:00:00Z"));
    }
    put_event(&onelogin, failure(601, "2026-03-20T09:00:00Z"));
    let arguments = ["--refresh-people", "never", "--max-calls-per-hour", "100"];

    let runs = hourly_until_done(&onelogin, db, &arguments, "2026-03-20");

    let calls = onelogin.calls_to(Endpoint::Events).len();
    println!("{runs} runs, {calls} calls");
    // A second lies in three windows of one second: both bounds are counted in, and each begins a second earlier.
    assert!(runs <= 8 && calls <= 3 * 60 + 8 * 60, "{runs} runs, {calls} calls");
    Api::Events.assert_loaded(db, &Api::Events.served(&onelogin, None, None));
});

on_both!(an_account_that_is_too_busy_re_reads_failures_only, |db| {
    let config =
        Config { failures: 300, successes: Some(3_000), days: 1, page: 10, ..Config::default() };
    let onelogin = start(Config { now: at(NOON), ..config });
    let arguments = ["--refresh-people", "never", "--page-limit", "10", "--max-calls-per-hour"];
    let first = [&arguments[..], &["2500", "--since", "2026-03-19T12:00:00Z"]].concat();
    Api::Events.sync_ok(&onelogin, db, &first);
    let stored = db.count("provisioning_successes");
    let first_calls = onelogin.calls_to(Endpoint::Events).len();
    // Both appear half an hour late.
    put_event(&onelogin, failure(900_001, "2026-03-20T11:30:00Z"));
    put_event(&onelogin, EventRecord::new(900_002, at("2026-03-20T11:30:00Z"), 52, 7));
    an_hour_passes(db);

    Api::Events.sync_ok(&onelogin, db, &[&arguments[..], &["90"]].concat());

    assert_eq!(db.count("provisioning_failures where source_id = 900001"), 1);
    assert_eq!(db.count("provisioning_successes"), stored, "successes were requested");
    let hour = "select is_failures_only, part_read from rereads where span = 'hour'";
    assert_rows(&db.rows(hour), &[&["1", "1"]]);
    let types: BTreeSet<String> = onelogin.calls_to(Endpoint::Events)[first_calls..]
        .iter()
        .filter_map(|call| parameter(&call.query, "event_type_id"))
        .collect();
    let both = ["25,51,52,53,54,55,59,60,61,62,63,64,65", "25,60,61,62,63,64,65"];
    assert_eq!(types, both.map(str::to_owned).into());
});

/// Everything that an account has left.
const TABLES: [&str; 17] = [
    "provisioning_failures",
    "provisioning_successes",
    "provisioning_cases",
    "failures_by_day",
    "error_texts",
    "users",
    "rejected_records",
    "reread_windows",
    "rereads",
    "reading_plans",
    "selected_event_types",
    "event_types",
    "api_calls",
    "sync_windows",
    "sync_runs",
    "watermarks",
    "accounts",
];

/// Calls for events of a complete run, at least.
const CALLS: u64 = 7;

/// Kills a backfill while the answer to its nth call for events is sent.
fn killed_at(onelogin: &Simulator, db: &Db, n: u64, arguments: &[&str]) -> Finished {
    onelogin.hold_after(5 * n - 3);
    let running = Api::Events.sync(onelogin, db, arguments).start();
    block_on(onelogin.wait_until_held());
    running.kill9();
    let killed = running.wait();
    onelogin.release();
    db.execute("update watermarks set lease_expires_at = '2000-01-01 00:00:00.000+00:00'");
    killed
}

on_both!(a_backfill_that_is_killed_at_any_call_continues, |db| {
    let config = Config {
        failures: 20,
        successes: Some(10),
        days: 6,
        page: 5,
        late_records: 0,
        ..Config::default()
    };
    let onelogin = start(Config { now: at(NOON), ..config });
    let mut arguments = vec!["--refresh-people", "never", "--page-limit", "5"];
    arguments.extend(["--max-calls-per-hour", "40", "--since", "2026-03-14T12:00:00Z"]);
    let events = Api::Events.served(&onelogin, None, None);
    assert!(events.len() >= 30, "fewer calls than are killed");
    for n in 1..CALLS {
        let before = onelogin.calls().len();
        killed_at(&onelogin, db, n, &arguments);
        let made = onelogin.calls().len() - before;
        let counted = || -> usize {
            db.rows("select coalesce(sum(calls), 0) from api_calls")[0][0].parse().expect("a count")
        };
        assert!(counted() <= made + 10, "call {n}: {} counted, {made} made", counted());

        Api::Events.sync_ok(&onelogin, db, &arguments);

        Api::Events.assert_loaded(db, &events);
        let made = onelogin.calls().len() - before;
        assert!(made <= 40 && counted() <= made, "call {n}: {} counted, {made} made", counted());
        for table in TABLES {
            db.execute(&format!("delete from {table}"));
        }
    }
});
