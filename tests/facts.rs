//! Twins, cases, error texts and days: what follows from failures and successes.

mod cases;
mod names;
mod open_failures;
mod property;
mod rebuild;
mod twins;

use onelogin_simulator::{Entry, EventRecord, Record, Simulator};

use crate::support::api::{Api, put_event};
use crate::support::onelogin::{assert_same, at, empty, put, record};
use crate::support::program::Program;
use crate::support::tables::{Db, NULL, assert_rows, on_both};

const NOON: &str = "2026-03-20T12:00:00Z";
const TODAY: [&str; 4] = ["--since", "2026-03-20", "--refresh-people", "never"];
const AGAIN: [&str; 2] = ["--refresh-people", "never"];

const WIKI: (i64, &str) = (5, "Wiki");
const MAIL: (i64, &str) = (6, "Mail");

const CASES: &str = "select user_id, operation, app_id, app_name, substr(cast(opened_at as text), 12, 5),
    substr(cast(last_failure_at as text), 12, 5), attempts, substr(cast(resolved_at as text), 12, 5), resolved_by
    from provisioning_cases order by user_id, opened_at, app_name, operation";

const DAYS: &str = "select day, app_name, operation, error_fingerprint <> '' as is_error, failures, successes,
    skipped, opened, resolved from failures_by_day order by day, app_name, operation, error_fingerprint";

/// An event of today, as hour and minute.
fn event(id: i64, time: &str, event_type_id: i64, user_id: i64, app: (i64, &str)) -> EventRecord {
    EventRecord {
        app_id: Some(app.0),
        app_name: Some(app.1.to_owned()),
        ..EventRecord::new(id, at(&format!("2026-03-20T{time}:00Z")), event_type_id, user_id)
    }
}

/// Puts a legacy failure of today there: a suspension in this app.
fn put_legacy(onelogin: &Simulator, id: i64, time: &str, user_id: i64, app: &str) {
    let time = format!("2026-03-20T{time}:00Z");
    let record = Record {
        description: format!("User {user_id} could not be suspended in {app}"),
        ..record(id, &time, user_id)
    };
    put(onelogin, &time, record.to_json());
}

/// Every table of facts.
fn facts(db: &Db) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for (table, columns) in [
        ("provisioning_failures", "failure_id, twin_of, error_fingerprint"),
        ("provisioning_cases", "*"),
        ("error_texts", "*"),
        ("failures_by_day", "*"),
        ("apps_by_day", "*"),
    ] {
        let mut of_table = db.rows(&format!("select '{table}', {columns} from {table}"));
        of_table.sort();
        rows.extend(of_table);
    }
    rows
}

fn migrate(db: &Db, arguments: &[&str]) -> Program {
    Program::new(&[&["migrate"], arguments].concat()).env("DATABASE_URL", db.url())
}

/// Asserts that building all again changes nothing.
#[track_caller]
fn assert_complete(db: &Db) {
    let before = facts(db);
    migrate(db, &["--rebuild"]).run().expect_code(0);
    assert_same(&before, &facts(db));
}
