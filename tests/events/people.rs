//! People: events name them, the users API knows them, and neither ever overwrites what is newer.

use std::time::Duration;

use chrono::TimeDelta;
use onelogin_simulator::{Config, Endpoint, EventRecord, Fault, RetryAfter, Simulator, TooManyIds};
use serde_json::json;

use super::{NOON, failure, month};
use crate::support::api::{Api, parameter, put_event};
use crate::support::onelogin::{at, empty, put, record, start};
use crate::support::outcome::{SINCE, assert_complete, assert_recorded, history, outcome};
use crate::support::tables::{Db, NULL, assert_rows, on_both};

pub(super) const TODAY: [&str; 2] = ["--since", "2026-03-20"];
pub(super) const ELEVEN: &str = "2026-03-20T11:00:00Z";
const PEOPLE: &str = "select user_id, email, firstname, display_name, profile_source, \
    asked_at is not null from users order by user_id";

/// Has the users API know this of a person.
pub(super) fn knows(onelogin: &Simulator, id: i64, email: &str) {
    let person =
        json!({"id": id, "email": email, "username": "u", "firstname": "F", "lastname": "L"});
    onelogin.put_user(id, person.to_string());
}

/// Which people each call was about.
pub(super) fn users_requested(onelogin: &Simulator) -> Vec<String> {
    let calls = onelogin.calls_to(Endpoint::Users);
    calls.iter().filter_map(|call| parameter(&call.query, "user_ids")).collect()
}

on_both!(people_are_filled_in_from_the_users_api_once, |db| {
    let onelogin = empty(NOON);
    for user_id in [7, 8] {
        put_event(&onelogin, EventRecord::new(user_id, at(ELEVEN), 61, user_id));
        knows(&onelogin, user_id, "known@example.com");
    }

    let outcome = Api::Events.sync_ok(&onelogin, db, &TODAY);

    assert_eq!(outcome["people_pending"], 0);
    assert_rows(
        &db.rows(PEOPLE),
        &[
            &["7", "known@example.com", "F", "User 7", "users", "1"],
            &["8", "known@example.com", "F", "User 8", "users", "1"],
        ],
    );
    assert_eq!(users_requested(&onelogin).len(), 1, "both at once");

    Api::Events.sync_ok(&onelogin, db, &[]);
    assert_eq!(users_requested(&onelogin).len(), 1, "they are known");
});

on_both!(what_is_known_of_people_is_refreshed_when_it_is_old, |db| {
    let onelogin = empty(NOON);
    put_event(&onelogin, failure(1, ELEVEN));
    knows(&onelogin, 7, "before@example.com");
    Api::Events.sync_ok(&onelogin, db, &TODAY);
    knows(&onelogin, 7, "after@example.com");

    onelogin.advance(Duration::from_hours(6 * 24));
    Api::Events.sync_ok(&onelogin, db, &[]);
    assert_rows(&db.rows("select email from users"), &[&["before@example.com"]]);
    onelogin.advance(Duration::from_hours(2 * 24));
    Api::Events.sync_ok(&onelogin, db, &[]);

    assert_rows(&db.rows("select email from users"), &[&["after@example.com"]]);
    assert_eq!(users_requested(&onelogin).len(), 2);
    knows(&onelogin, 7, "latest@example.com");
    Api::Events.sync_ok(&onelogin, db, &["--refresh-people", "0s"]);
    Api::Events.sync_ok(&onelogin, db, &["--refresh-people", "never"]);
    assert_eq!(users_requested(&onelogin).len(), 2, "it is of this very moment");
});

on_both!(a_person_who_was_deleted_keeps_the_name_of_the_event, |db| {
    let onelogin = empty(NOON);
    put_event(&onelogin, failure(1, ELEVEN));
    put_event(&onelogin, EventRecord::new(2, at(ELEVEN), 61, 8));
    knows(&onelogin, 8, "here@example.com");
    onelogin.remove_user(7);

    let outcome = Api::Events.sync_ok(&onelogin, db, &TODAY);

    assert_eq!(outcome["people_pending"], 0);
    assert_rows(
        &db.rows(PEOPLE),
        &[
            &["7", NULL, NULL, "User 7", NULL, "1"],
            &["8", "here@example.com", "F", "User 8", "users", "1"],
        ],
    );
    Api::Events.sync_ok(&onelogin, db, &[]);
    assert_eq!(users_requested(&onelogin).len(), 1, "not requested again at once");

    // One who is deleted later keeps what was known.
    onelogin.remove_user(8);
    onelogin.advance(Duration::from_hours(8 * 24));
    Api::Events.sync_ok(&onelogin, db, &[]);
    assert_rows(&db.rows("select email from users where user_id = 8"), &[&["here@example.com"]]);
});

on_both!(a_persons_row_has_the_latest_details_from_either_api, |db| {
    let onelogin = empty(NOON);
    put(&onelogin, ELEVEN, record(1, ELEVEN, 7).to_json());
    Api::Legacy.sync_ok(&onelogin, db, &TODAY);
    let email = || db.rows("select email, profile_source from users");
    assert_rows(&email(), &[&["user7@example.com", "legacy"]]);

    // The details from the users API at noon are newer, though the event is older.
    put_event(&onelogin, failure(1, "2026-03-20T10:00:00Z"));
    knows(&onelogin, 7, "noon@example.com");
    Api::Events.sync_ok(&onelogin, db, &["--refresh-people", "30m"]);
    assert_rows(&email(), &[&["noon@example.com", "users"]]);

    // A legacy failure of the afternoon is newer still; one of the morning is not.
    onelogin.set_now(at("2026-03-20T14:00:00Z"));
    put(&onelogin, "2026-03-20T09:00:00Z", record(2, "2026-03-20T09:00:00Z", 7).to_json());
    Api::Legacy.sync_ok(&onelogin, db, &[]);
    assert_rows(&email(), &[&["noon@example.com", "users"]]);
    put(&onelogin, "2026-03-20T13:00:00Z", record(3, "2026-03-20T13:00:00Z", 7).to_json());
    Api::Legacy.sync_ok(&onelogin, db, &[]);
    assert_rows(&email(), &[&["user7@example.com", "legacy"]]);

    // A newer event knows nothing but a name, and takes nothing away.
    let renamed =
        EventRecord { user_name: Some("New Name".into()), ..failure(9, "2026-03-20T13:30:00Z") };
    put_event(&onelogin, renamed);
    Api::Events.sync_ok(&onelogin, db, &["--refresh-people", "7d"]);
    assert_rows(
        &db.rows(PEOPLE),
        &[&["7", "user7@example.com", "User", "New Name", "legacy", "1"]],
    );
    // A person whom a legacy failure described lately need not be requested.
    assert_eq!(users_requested(&onelogin).len(), 1);
});

/// The users API fails, and everything else goes well.
fn fails_for_people(db: &Db, fault: Fault, exit: i32) {
    let onelogin = history(60);
    onelogin.fail_always_at(Endpoint::Users, Some(fault));

    let arguments = ["--since", SINCE, "--max-attempts", "2"];
    let failed = outcome(Api::Events.sync(&onelogin, db, &arguments).run(), exit);

    assert_complete(Api::Events, &onelogin, db);
    assert_recorded(db, &failed);
    assert_eq!(failed["scanned_through"], NOON);
    let pending = failed["people_pending"].as_u64().expect("a count");
    assert_eq!(pending, db.count("users") as u64);
    let error = failed["error"].as_str().expect("a text");
    assert!(error.contains("all failures are loaded") && error.contains("/api/2/users"), "{error}");

    // It is done by the next run.
    onelogin.fail_always_at(Endpoint::Users, None);
    let outcome = Api::Events.sync_ok(&onelogin, db, &[]);
    assert_eq!(outcome["people_pending"], 0);
    assert_eq!(db.rows("select 1 from users where asked_at is null"), Vec::<Vec<String>>::new());
}

on_both!(a_users_api_that_fails_costs_no_failure_and_is_called_by_the_next_run, |db| {
    fails_for_people(db, Fault::InternalError, 69);
});

on_both!(a_scope_without_people_is_77_with_its_name_and_costs_no_failure, |db| {
    fails_for_people(db, Fault::Forbidden, 77);
});

on_both!(a_users_api_that_is_another_costs_no_failure, |db| {
    fails_for_people(db, Fault::Html, 76);
});

on_both!(people_are_requested_in_batches_and_the_rest_when_there_are_calls, |db| {
    let people = Some(170);
    let onelogin = month(|month| Config { failures: 1_000, people, page: 1_000, ..month });
    let calls = ["--since", SINCE, "--max-calls-per-hour", "7", "--page-limit", "1000"];

    // A token, three windows, the types: two calls are left for people.
    let outcome = Api::Events.sync_ok(&onelogin, db, &calls);

    let people = db.count("users") as u64;
    assert_eq!(outcome["people_pending"], people - 100);
    let batches: Vec<usize> =
        users_requested(&onelogin).iter().map(|ids| ids.split(',').count()).collect();
    assert_eq!(batches, [50, 50]);
    assert_complete(Api::Events, &onelogin, db);

    let outcome = Api::Events.sync_ok(&onelogin, db, &["--max-calls-per-hour", "100"]);
    assert_eq!(outcome["people_pending"], 0);
    assert_eq!(users_requested(&onelogin).len() as u64, people.div_ceil(50));
});

on_both!(an_answer_that_has_fewer_people_than_it_could_is_requested_in_smaller_pieces, |db| {
    let config = |month| Config { failures: 1_000, people: Some(60), users_page: 7, ..month };
    let onelogin = month(|month| Config { deleted_people: 0, ..config(month) });

    Api::Events.sync_ok(&onelogin, db, &["--since", SINCE]);

    let unknown = db.rows("select user_id from users where email is null");
    assert_eq!(unknown, Vec::<Vec<String>>::new());
    // A cursor goes with no limit, so none is used.
    assert!(onelogin.calls_to(Endpoint::Users).iter().all(|call| call.status == Some(200)));
});

/// Sixty people are all known in the end, and each request that was refused made the next ones smaller.
fn takes_fewer_ids(db: &Db, answer: TooManyIds) {
    let onelogin = start(Config {
        failures: 0,
        now: at(NOON),
        users_ids: Some((8, answer)),
        ..Config::default()
    });
    for user_id in 1..=60 {
        put_event(&onelogin, EventRecord::new(user_id, at(ELEVEN), 61, user_id));
        knows(&onelogin, user_id, "known@example.com");
    }

    let outcome = Api::Events.sync_ok(&onelogin, db, &TODAY);

    assert_eq!(outcome["people_pending"], 0);
    assert_rows(
        &db.rows("select count(*) from users where email = 'known@example.com'"),
        &[&["60"]],
    );
    // 50, 25 and 12 are too many, six are not; the last ten are a part of their own.
    assert_eq!(users_requested(&onelogin).len(), 3 + 50_usize.div_ceil(6) + 10_usize.div_ceil(6));
}

on_both!(a_users_api_that_refuses_many_ids_gets_fewer, |db| {
    takes_fewer_ids(db, TooManyIds::BadRequest);
});

on_both!(a_users_api_that_cannot_process_many_ids_gets_fewer, |db| {
    takes_fewer_ids(db, TooManyIds::Unprocessable);
});

on_both!(nobody_counts_as_deleted_whom_a_users_api_left_out, |db| {
    takes_fewer_ids(db, TooManyIds::Cut);
});

on_both!(how_many_ids_a_users_api_takes_is_remembered_for_a_week, |db| {
    let onelogin = start(Config {
        failures: 0,
        now: at(NOON),
        users_ids: Some((8, TooManyIds::BadRequest)),
        ..Config::default()
    });
    let sizes = |first: i64, last: i64, arguments: &[&str]| {
        for user_id in first..=last {
            let created_at = onelogin.now() - TimeDelta::hours(1);
            put_event(&onelogin, EventRecord::new(user_id, created_at, 61, user_id));
            knows(&onelogin, user_id, "known@example.com");
        }
        let before = users_requested(&onelogin).len();
        Api::Events.sync_ok(&onelogin, db, arguments);
        let requested = &users_requested(&onelogin)[before..];
        requested.iter().map(|ids| ids.split(',').count()).collect::<Vec<_>>()
    };
    assert_eq!(sizes(1, 50, &TODAY)[..3], [50, 25, 12]);

    assert_eq!(sizes(51, 70, &[]), [6, 6, 6, 2]);

    // Perhaps it is repaired by then.
    onelogin.advance(Duration::from_hours(24 * 8));
    assert_eq!(sizes(71, 72, &[])[0], 50);
});

on_both!(people_are_requested_once_per_run_though_the_clock_of_the_users_api_lags, |db| {
    let onelogin = empty(NOON);
    for user_id in 1..=5 {
        put_event(&onelogin, EventRecord::new(user_id, at(ELEVEN), 61, user_id));
        knows(&onelogin, user_id, "known@example.com");
    }
    let lag = Fault::DateBehind(Duration::from_hours(24));
    onelogin.fail_always_at(Endpoint::Users, Some(lag));

    let arguments = [&TODAY[..], &["--refresh-people", "1h"]].concat();
    let outcome = Api::Events.sync_ok(&onelogin, db, &arguments);

    assert_eq!(outcome["people_pending"], 0);
    assert_eq!(users_requested(&onelogin).len(), 1);
});

on_both!(people_are_pending_when_the_account_has_no_call_left_for_them, |db| {
    let onelogin = empty(NOON);
    put_event(&onelogin, failure(1, ELEVEN));
    knows(&onelogin, 7, "known@example.com");
    let faults = [
        Fault::TooManyRequests(RetryAfter::RateLimitReset(3_000)),
        Fault::TooManyRequests(RetryAfter::Absent),
        Fault::RateLimitExceeded,
    ];
    for fault in faults {
        onelogin.fail_always_at(Endpoint::Users, Some(fault));
        let arguments = [&TODAY[..], &["--max-attempts", "2"]].concat();
        let outcome = Api::Events.sync_ok(&onelogin, db, &arguments);
        assert_eq!(outcome["people_pending"], 1, "{fault:?}");
    }

    onelogin.fail_always_at(Endpoint::Users, None);
    let outcome = Api::Events.sync_ok(&onelogin, db, &[]);
    assert_eq!((&outcome["people_pending"], &outcome["users_written"]), (&0.into(), &1.into()));
});
