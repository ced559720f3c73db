//! Windows that fit the calls, and re-reading within its share: pages and calls as the stand-in counts them.

use std::collections::BTreeSet;
use std::time::Duration;

use onelogin_simulator::{Config, Endpoint, Fault, Order};

use super::{MONTH, NOON, TODAY, failure, month};
use crate::support::api::{Api, parameter, put_event};
use crate::support::block_on;
use crate::support::onelogin::{at, counts, empty, start};
use crate::support::tables::{Db, NULL, assert_rows, on_both};

/// Calls for pages of events.
fn pages_read(onelogin: &onelogin_simulator::Simulator) -> usize {
    onelogin.calls_to(Endpoint::Events).len()
}

fn month_of() -> Config {
    Config { now: at(NOON), ..Config::default() }
}

on_both!(late_and_changed_events_of_the_hour_the_day_and_the_week_are_found, |db| {
    let onelogin = empty(NOON);
    for (id, time) in [(1, "2026-03-13T12:30:00Z"), (2, "2026-03-20T11:50:00Z")] {
        put_event(&onelogin, failure(id, time));
    }
    Api::Events.sync_ok(&onelogin, db, &["--since", "2026-03-01"]);
    put_event(&onelogin, failure(3, "2026-03-20T11:30:00Z"));
    put_event(&onelogin, failure(4, "2026-03-19T13:00:00Z"));
    put_event(&onelogin, failure(5, "2026-03-13T13:00:00Z"));

    let outcome = Api::Events.sync_ok(&onelogin, db, &[]);
    assert_eq!(counts(&outcome)[1], 2, "of the hour and the day: {outcome}");
    // A day later the week is read, which begins on the seventh day before the scan.
    onelogin.advance(Duration::from_hours(24));
    let outcome = Api::Events.sync_ok(&onelogin, db, &[]);
    assert_eq!(counts(&outcome)[1], 1, "of the week: {outcome}");

    Api::Events.assert_loaded(db, &Api::Events.served(&onelogin, None, None));
    let spans = "select span, part_read, is_failures_only, begun_at from rereads order by span";
    let whole = |span: &'static str| [span, "1", "0", NULL];
    let (hour, day, week) = (whole("hour"), whole("day"), whole("week"));
    assert_rows(&db.rows(spans), &[&day, &hour, &week]);
    let read_at = "select distinct read_at from rereads";
    assert_rows(&db.rows(read_at), &[&["2026-03-21 12:00:00.000+00:00"]]);
});

on_both!(a_run_with_nothing_new_makes_one_call_for_events_and_one_for_a_token, |db| {
    let onelogin = empty(NOON);
    put_event(&onelogin, failure(1, "2026-03-20T11:00:00Z"));
    Api::Events.sync_ok(&onelogin, db, &TODAY);
    let before = onelogin.calls().len();

    for minutes in [5, 10, 15] {
        onelogin.advance(Duration::from_mins(minutes));
        Api::Events.sync_ok(&onelogin, db, &TODAY[2..]);
    }

    assert_eq!(onelogin.calls().len() - before, 3 * 2);
});

on_both!(a_busy_day_is_re_read_in_pieces_that_keep_their_place, |db| {
    // 60 pages of 10 in the last day, and a share of 20 calls of 100.
    let config = Config { failures: 600, successes: Some(0), days: 1, page: 10, ..month_of() };
    let onelogin = start(config);
    let calls = ["--refresh-people", "never", "--page-limit", "10", "--max-calls-per-hour"];
    let since = [&calls[..], &["2500", "--since", "2026-03-19T12:00:00Z"]].concat();
    Api::Events.sync_ok(&onelogin, db, &since);
    let before = pages_read(&onelogin);
    db.execute("delete from api_calls");

    Api::Events.sync_ok(&onelogin, db, &[&calls[..], &["100"]].concat());

    let read = pages_read(&onelogin) - before;
    assert!((10..=23).contains(&read), "{read} calls");
    let open = "select span from rereads where next_from is not null order by span";
    let open = db.rows(open);
    assert!(!open.is_empty(), "nothing is unfinished");
    let place =
        "select min(next_from) > '2026-03-19 12:00:00.000+00:00' from rereads where span = 'day'";
    assert_rows(&db.rows(place), &[&["1"]]);
});

on_both!(a_day_that_a_run_left_unfinished_is_read_to_its_new_end, |db| {
    let onelogin = empty(NOON);
    Api::Events.sync_ok(&onelogin, db, &TODAY);
    onelogin.advance(Duration::from_hours(17));
    Api::Events.sync_ok(&onelogin, db, &[]);
    // As a run with few calls leaves it: without the time that the run has just read.
    let before = "2026-03-20 12:00:00.000+00:00";
    db.execute(&format!(
        "update rereads set begun_at = '{before}', next_until = '{before}',
             next_from = '2026-03-20 10:00:00.000+00:00' where span = 'day'"
    ));
    put_event(&onelogin, failure(1, "2026-03-20T20:00:00Z"));
    onelogin.advance(Duration::from_hours(12));

    Api::Events.sync_ok(&onelogin, db, &[]);

    assert_eq!(db.count("provisioning_failures"), 1);
    let is_open = "select next_from is not null from rereads where span = 'day'";
    assert_rows(&db.rows(is_open), &[&["0"]]);
});

on_both!(other_programs_that_leave_few_calls_do_not_keep_a_run_from_what_is_new, |db| {
    // The last day has 8 pages, and others leave 5 calls of each hour.
    let config = Config {
        failures: 80,
        successes: Some(0),
        days: 1,
        late_records: 0,
        page: 10,
        calls_per_hour: 100,
        ..month_of()
    };
    let onelogin = start(config);
    let pages = ["--refresh-people", "never", "--page-limit", "10"];
    let first = [&pages[..], &["--since", "2026-03-19T12:00:00Z"]].concat();
    Api::Events.sync_ok(&onelogin, db, &first);

    let mut failed = 0;
    for hour in 1..=8 {
        onelogin.advance(Duration::from_hours(1));
        onelogin.spend(95);
        put_event(&onelogin, failure(900_000 + hour, &format!("2026-03-20T{}:30:00Z", 11 + hour)));
        let run = Api::Events.sync(&onelogin, db, &pages).run();
        failed += usize::from(run.code != Some(0));
    }

    assert!(failed < 2, "{failed} runs failed");
    let all = Api::Events.served(&onelogin, None, None).len();
    assert_eq!(db.count("provisioning_failures"), all);
});

on_both!(after_a_failed_run_the_next_reads_what_is_new_first, |db| {
    let onelogin = empty(NOON);
    put_event(&onelogin, failure(1, "2026-03-20T02:00:00Z"));
    Api::Events.sync_ok(&onelogin, db, &TODAY);
    onelogin.advance(Duration::from_hours(1));
    // As if a moment of the overlap could not be read.
    onelogin.fail_always_at(Endpoint::Events, Some(Fault::InternalError));
    Api::Events.sync(&onelogin, db, &["--max-attempts", "1"]).run().expect_code(69);
    onelogin.fail_always_at(Endpoint::Events, None);
    put_event(&onelogin, failure(2, "2026-03-20T12:30:00Z"));
    let since = |run: usize| {
        let call = &onelogin.calls_to(Endpoint::Events)[run];
        parameter(&call.query, "since").expect("a time")
    };
    let failed = onelogin.calls_to(Endpoint::Events).len();
    assert!(since(failed - 1).starts_with("2026-03-19T1"), "with the overlap");

    Api::Events.sync_ok(&onelogin, db, &[]);

    assert!(since(failed).starts_with("2026-03-20T1"), "{}", since(failed));
    assert_eq!(db.count("provisioning_failures"), 2);
});

on_both!(a_limit_above_what_an_account_has_does_not_end_re_reading, |db| {
    let config = Config { failures: 200, successes: Some(0), days: 1, page: 10, ..month_of() };
    let onelogin = start(config);
    let arguments = ["--refresh-people", "never", "--page-limit", "10"];
    let first = [&arguments[..], &["--since", "2026-03-19T12:00:00Z"]].concat();
    Api::Events.sync_ok(&onelogin, db, &first);
    let before = pages_read(&onelogin);

    Api::Events.sync_ok(
        &onelogin,
        db,
        &[&arguments[..], &["--max-calls-per-hour", "60000"]].concat(),
    );

    let read = pages_read(&onelogin) - before;
    assert!((20..=25).contains(&read), "{read} calls");
});

on_both!(after_a_killed_run_the_next_plans_half_and_has_its_calls_back, |db| {
    let onelogin = month(|month| month);
    onelogin.hold_after(60);
    let running = Api::Events.sync(&onelogin, db, &MONTH).start();
    block_on(onelogin.wait_until_held());
    running.kill9();
    running.wait();
    onelogin.release();
    db.execute("update watermarks set lease_expires_at = '2000-01-01 00:00:00.000+00:00'");
    let part = "select planned_part, reserved_calls from reading_plans";
    assert_eq!(db.rows(part)[0][0], "1");

    Api::Events.sync_ok(&onelogin, db, &MONTH);

    assert_rows(&db.rows(part), &[&["0.5", "0"]]);
    // What the killed run had reserved does not count, and what this one made does.
    let counted: usize =
        db.rows("select sum(calls) from api_calls")[0][0].parse().expect("a count");
    assert!(counted <= onelogin.calls().len(), "{counted} counted");
    Api::Events.sync_ok(&onelogin, db, &[]);
    assert_rows(&db.rows(part), &[&["1", "0"]]);
});

/// A burst of thirty pages in one second.
fn a_second_of_many_pages(db: &Db, order: Order) {
    let onelogin = start(Config { failures: 0, page: 10, order, ..month_of() });
    for id in 1..=300 {
        put_event(&onelogin, failure(id, "2026-03-20T10:00:00Z"));
    }
    put_event(&onelogin, failure(301, "2026-03-20T09:00:00Z"));

    let since = [&TODAY[..], &["--max-calls-per-hour", "600"]].concat();
    Api::Events.sync_ok(&onelogin, db, &since);

    Api::Events.assert_loaded(db, &Api::Events.served(&onelogin, None, None));
}

on_both!(a_second_of_many_pages_is_read_whole, |db| {
    a_second_of_many_pages(db, Order::Ascending);
});

on_both!(a_second_of_many_pages_is_read_whole_in_descending_order, |db| {
    a_second_of_many_pages(db, Order::Descending);
});

on_both!(a_server_that_takes_only_the_first_type_gets_a_request_for_each, |db| {
    let onelogin = month(|month| Config { failures: 80, reads_first_type_only: true, ..month });

    let finished = Api::Events.sync(&onelogin, db, &MONTH).run().expect_code(0);

    let log = "the server takes only the first of several event types";
    assert!(finished.stderr.contains(log), "{finished}");
    // It waits for nothing: no call is made twice but for the span that is read again type by type.
    assert_eq!(finished.json()["retries"], 0);
    assert!(!finished.stderr.contains("trying again"), "{finished}");
    Api::Events.assert_loaded(db, &Api::Events.served(&onelogin, None, None));
    let flag = "select takes_one_type from reading_plans";
    assert_rows(&db.rows(flag), &[&["1"]]);
    // The next run does the same without a comparison.
    onelogin.advance(Duration::from_hours(24));
    let finished = Api::Events.sync(&onelogin, db, &MONTH[2..]).run().expect_code(0);
    assert!(!finished.stderr.contains(log), "{finished}");
    Api::Events.assert_loaded(db, &Api::Events.served(&onelogin, None, None));
    let types: BTreeSet<_> = onelogin.calls_to(Endpoint::Events)[1..]
        .iter()
        .filter_map(|call| parameter(&call.query, "event_type_id"))
        .collect();
    assert_eq!(types.len(), 13 + 1, "each by itself, and all of them at first: {types:?}");
});

on_both!(a_type_that_is_added_later_is_named_with_the_command_that_fills_it, |db| {
    let onelogin = empty(NOON);
    put_event(&onelogin, failure(1, "2026-03-20T11:00:00Z"));
    Api::Events.sync_ok(&onelogin, db, &TODAY);
    onelogin.advance(Duration::from_hours(1));

    let added = ["--event-types", "25,61,62,63,64,65,4001"];
    let finished = Api::Events.sync(&onelogin, db, &added).run().expect_code(0);

    assert!(finished.stderr.contains("--since 2026-03-20T00:00:00Z"), "{finished}");
    let from = "select event_type_id, selected_from from selected_event_types
        where selected_from is not null";
    assert_rows(&db.rows(from), &[&["4001", "2026-03-20 12:00:00.000+00:00"]]);
    let again = Api::Events.sync(&onelogin, db, &added).run().expect_code(0);
    assert!(!again.stderr.contains("--since 2026"), "{again}");
});

on_both!(a_type_that_is_added_is_named_by_each_run_until_one_has_read_something, |db| {
    let onelogin = empty(NOON);
    put_event(&onelogin, failure(1, "2026-03-20T11:00:00Z"));
    Api::Events.sync_ok(&onelogin, db, &TODAY);
    onelogin.advance(Duration::from_hours(1));
    let added = ["--event-types", "25,61,62,63,64,65,4001", "--max-attempts", "1"];
    let command = "--since 2026-03-20T00:00:00Z";

    onelogin.fail_always_at(Endpoint::Events, Some(Fault::InternalError));
    let failed = Api::Events.sync(&onelogin, db, &added).run().expect_code(69);
    assert!(failed.stderr.contains(command), "{failed}");
    onelogin.fail_always_at(Endpoint::Events, None);

    let next = Api::Events.sync(&onelogin, db, &added).run().expect_code(0);
    assert!(next.stderr.contains(command), "{next}");
    let third = Api::Events.sync(&onelogin, db, &added).run().expect_code(0);
    assert!(!third.stderr.contains(command), "{third}");
});

on_both!(a_first_run_estimates_its_calls_after_its_first_window, |db| {
    let onelogin = month(|month| month);
    let finished = Api::Events.sync(&onelogin, db, &MONTH).run().expect_code(0);
    assert!(finished.stderr.contains("more calls"), "{finished}");
    let second = Api::Events.sync(&onelogin, db, &[]).run().expect_code(0);
    assert!(!second.stderr.contains("more calls"), "{second}");
});
