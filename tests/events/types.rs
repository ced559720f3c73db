//! Servers that take a list of event types, and servers that take one of it: the judgement needs an event that the list
//! leaves out.

use std::time::Duration;

use onelogin_simulator::{Config, Cursor, Endpoint, EventRecord, Simulator};

use super::{MONTH, NOON, month};
use crate::support::api::{Api, parameter, put_event};
use crate::support::onelogin::{at, empty, start};
use crate::support::program::Finished;
use crate::support::tables::{Db, NULL, assert_rows, on_both};

const VERDICT: &str = "select takes_one_type from reading_plans";
/// A span in which nothing happened.
const QUIET: [&str; 4] = ["--since", "2026-03-18T12:00:00Z", "--refresh-people", "never"];

fn put(onelogin: &Simulator, id: i64, time: &str, event_type_id: i64) {
    put_event(onelogin, EventRecord { event_type_id, ..EventRecord::new(id, at(time), 61, 7) });
}

/// A healthy server whose last event is of the evening three days ago.
fn quiet_since_tuesday() -> Simulator {
    let onelogin = empty(NOON);
    for (id, event_type_id) in [(1, 64), (2, 53), (3, 61)] {
        put(&onelogin, id, "2026-03-17T18:00:00Z", event_type_id);
    }
    onelogin
}

/// Runs with these arguments. Gives the outcome and the number of calls for events.
#[track_caller]
fn run(onelogin: &Simulator, db: &Db, arguments: &[&str]) -> (Finished, usize) {
    let before = onelogin.calls_to(Endpoint::Events).len();
    let finished = Api::Events.sync(onelogin, db, arguments).run().expect_code(0);
    (finished, onelogin.calls_to(Endpoint::Events).len() - before)
}

on_both!(a_healthy_server_is_not_judged_by_a_span_in_which_nothing_happened, |db| {
    let onelogin = quiet_since_tuesday();

    let (finished, calls) = run(&onelogin, db, &QUIET);

    assert!(!finished.stderr.contains("takes only"), "{finished}");
    assert_rows(&db.rows(VERDICT), &[&["0"]]);
    assert_eq!(calls, 2, "the span, and the list once for eight days");
    onelogin.advance(Duration::from_hours(1));
    assert_eq!(run(&onelogin, db, &QUIET[2..]).1, 1);
});

on_both!(a_healthy_server_is_not_judged_by_a_type_that_is_added_after_a_quiet_weekend, |db| {
    let onelogin = quiet_since_tuesday();
    run(&onelogin, db, &["--since", "2026-03-15", "--refresh-people", "never"]);
    onelogin.advance(Duration::from_hours(3));

    let added = ["--event-types", "25,60,61,62,63,64,65,334", "--refresh-people", "never"];
    let (finished, calls) = run(&onelogin, db, &added);

    assert!(!finished.stderr.contains("takes only"), "{finished}");
    assert_rows(&db.rows(VERDICT), &[&["0"]]);
    assert!(calls <= 2, "{calls} calls");
});

on_both!(a_type_found_alone_is_requested_again_with_the_list_of_its_seconds, |db| {
    // The list's first page of eight days has the first type alone.
    let onelogin = start(Config { failures: 0, now: at(NOON), page: 2, ..Config::default() });
    for id in 1..=3 {
        put(&onelogin, id, "2026-03-17T10:00:00Z", 25);
    }
    put(&onelogin, 4, "2026-03-17T18:00:00Z", 51);

    let (finished, calls) = run(&onelogin, db, &QUIET);

    assert!(!finished.stderr.contains("takes only"), "{finished}");
    assert_rows(&db.rows(VERDICT), &[&["0"]]);
    assert_eq!(calls, 4, "the span, eight days, the type, and its seconds");
});

on_both!(events_of_one_type_show_nothing_and_are_compared_once_a_day, |db| {
    let onelogin = empty(NOON);
    put(&onelogin, 1, "2026-03-20T11:00:00Z", 65);

    let (_, calls) = run(&onelogin, db, &QUIET);

    assert_rows(&db.rows(VERDICT), &[&[NULL]]);
    assert_eq!(calls, 1 + 1 + 12, "the span, eight days, and each other type");
    onelogin.advance(Duration::from_hours(1));
    put(&onelogin, 2, "2026-03-20T12:30:00Z", 65);
    assert_eq!(run(&onelogin, db, &QUIET[2..]).1, 1);
});

on_both!(a_wrong_judgement_of_an_earlier_version_heals, |db| {
    let onelogin = quiet_since_tuesday();
    run(&onelogin, db, &QUIET);
    db.execute("update reading_plans set takes_one_type = true");
    onelogin.advance(Duration::from_hours(1));

    let (finished, calls) = run(&onelogin, db, &QUIET[2..]);

    assert!(finished.stderr.contains("together again"), "{finished}");
    assert_rows(&db.rows(VERDICT), &[&["0"]]);
    assert_eq!(calls, 2, "the list once, and what is new");
    onelogin.advance(Duration::from_hours(1));
    assert_eq!(run(&onelogin, db, &QUIET[2..]).1, 1);
});

on_both!(a_right_judgement_stays_and_costs_one_call_per_run, |db| {
    let onelogin = month(|month| Config { failures: 80, reads_first_type_only: true, ..month });
    run(&onelogin, db, &MONTH);
    onelogin.advance(Duration::from_mins(5));

    let (finished, calls) = run(&onelogin, db, &MONTH[2..]);

    assert!(!finished.stderr.contains("together again"), "{finished}");
    assert_rows(&db.rows(VERDICT), &[&["1"]]);
    assert_eq!(calls, 1 + 13);
});

on_both!(types_requested_one_by_one_have_all_their_pages_although_cursors_repeat, |db| {
    let onelogin = month(|month| Config {
        failures: 80,
        page: 5,
        cursor: Cursor::PageNumber,
        reads_first_type_only: true,
        ..month
    });

    run(&onelogin, db, &MONTH);

    Api::Events.assert_loaded(db, &Api::Events.served(&onelogin, None, None));
});

on_both!(a_server_that_takes_only_the_last_type_gets_a_request_for_each, |db| {
    let onelogin = month(|month| Config { failures: 80, reads_last_type_only: true, ..month });

    let (finished, _) = run(&onelogin, db, &MONTH);

    assert!(finished.stderr.contains("takes only the last"), "{finished}");
    assert_rows(&db.rows(VERDICT), &[&["1"]]);
    Api::Events.assert_loaded(db, &Api::Events.served(&onelogin, None, None));
    let last = onelogin.calls_to(Endpoint::Events).last().map(|call| call.query.clone());
    assert_eq!(last.and_then(|query| parameter(&query, "event_type_id")).as_deref(), Some("65"));
});
