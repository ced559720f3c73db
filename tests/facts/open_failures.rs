//! The failures of the cases that nothing has closed.
//!
//! `FACTS_SEED` repeats a run.

use std::env;

use chrono::TimeDelta;
use fastrand::Rng;

use super::*;

/// Users, each with a history of their own.
const USERS: i64 = 300;

const ATTEMPTS: &str = "select account, case_id, attempts from open_cases where attempts > 0
    order by account, case_id";
const FAILURES: &str =
    "select account, case_id, count(*) from open_failures group by account, case_id
    order by account, case_id";

/// Asserts that each open case has as many failures as attempts.
#[track_caller]
pub(super) fn assert_as_many_as_attempts(db: &Db) {
    assert_same(&db.rows(ATTEMPTS), &db.rows(FAILURES));
}

on_both!(a_failure_of_a_resolved_case_is_in_no_open_case_of_the_same_name, |db| {
    let onelogin = empty(NOON);
    put_legacy(&onelogin, 1, "09:00", 1, "Wiki");
    put_legacy(&onelogin, 2, "10:00", 1, "Wiki");
    Api::Legacy.sync_ok(&onelogin, db, &TODAY);
    // A case with an id, which lasts from before the case without one until after it.
    put_event(&onelogin, event(10, "08:00", 61, 1, WIKI));
    let solved = EventRecord { solved: Some(true), ..event(11, "11:00", 61, 1, WIKI) };
    put_event(&onelogin, solved);
    // After that, one of the id continues the case without one.
    put_event(&onelogin, event(12, "11:30", 61, 1, WIKI));

    Api::Events.sync_ok(&onelogin, db, &TODAY);

    assert_rows(
        &db.rows(CASES),
        &[
            &["1", "suspend", "5", "Wiki", "08:00", "11:00", "2", "11:00", "resolution"],
            &["1", "suspend", NULL, "Wiki", "09:00", "11:30", "3", NULL, NULL],
        ],
    );
    let failures = "select substr(cast(f.created_at as text), 12, 5), f.app_id, c.attempts
        from open_failures f join open_cases c on c.account = f.account and c.case_id = f.case_id
        order by f.created_at";
    assert_rows(
        &db.rows(failures),
        &[&["09:00", NULL, "3"], &["10:00", NULL, "3"], &["11:30", "5", "3"]],
    );
    assert_complete(db);
});

on_both!(an_open_case_has_as_many_failures_as_attempts_after_any_history, |db| {
    let seed = env::var("FACTS_SEED").ok().and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("FACTS_SEED={seed} repeats these histories");
    let (mut rng, onelogin) = (Rng::with_seed(seed), empty(NOON));
    let mut id = 0;
    for user_id in 1..=USERS {
        for _ in 0..rng.usize(2..12) {
            id += 1;
            put_event(&onelogin, any_event(&mut rng, id, user_id));
        }
    }

    Api::Events.sync_ok(&onelogin, db, &TODAY);

    assert_as_many_as_attempts(db);
    let continued = "select count(*) > 5 from open_failures f
        join open_cases c on c.account = f.account and c.case_id = f.case_id
        where c.app_id is null and f.app_id is not null";
    assert!(["1", "t"].contains(&db.rows(continued)[0][0].as_str()), "some continue by name");
    assert_complete(db);
});

/// An event of one of few apps, at one of few times: mostly a failed suspension, which may be resolved.
fn any_event(rng: &mut Rng, id: i64, user_id: i64) -> EventRecord {
    let time = at(NOON) - TimeDelta::minutes(rng.i64(1..20));
    let apps = [
        (Some(5), Some("Wiki")),
        (Some(5), Some("Knowledge")),
        (Some(6), Some("Wiki")),
        (None, Some("Wiki")),
        (None, Some("Wiki")),
        (None, None),
    ];
    let (app_id, app_name) = apps[rng.usize(..apps.len())];
    let is_solved = rng.u8(..4) == 0;
    let resolved_at = time + TimeDelta::minutes(rng.i64(0..10));
    let kind = if rng.u8(..10) == 0 { 53 } else { 61 };
    EventRecord {
        app_id,
        app_name: app_name.map(str::to_owned),
        solved: is_solved.then_some(true),
        resolved_at: (is_solved && rng.bool()).then(|| resolved_at.to_rfc3339()),
        ..EventRecord::new(id, time, kind, user_id)
    }
}
