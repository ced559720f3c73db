//! The promises that hold after every run, and at the end of a history.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::source::Source;
use super::{APIS, BEGINNING};
use crate::support::api::Api;
use crate::support::onelogin::{assert_same, at};
use crate::support::program::Program;
use crate::support::tables::{Db, NULL, assert_rows};

/// The watermarks of an account.
#[derive(Debug, Default)]
pub(super) struct Watermarks {
    high_water_mark: Option<DateTime<Utc>>,
    pub(super) scanned_through: Option<DateTime<Utc>>,
}

impl Watermarks {
    pub(super) fn read(db: &Db, account: &str, api: Api) -> Self {
        // The first run of all makes the tables, and may have been stopped before.
        if !has_tables(db) {
            return Self::default();
        }
        let sql = "select high_water_mark, scanned_through from watermarks where account = ";
        let rows = db.rows(&format!("{sql}'{account}' and source = '{}'", api.name()));
        let watermark = |column: usize| {
            rows.first().map(|row| &row[column]).filter(|text| *text != NULL).map(|text| at(text))
        };
        Self { high_water_mark: watermark(0), scanned_through: watermark(1) }
    }
}

pub(super) fn has_tables(db: &Db) -> bool {
    let catalogue = match db {
        Db::Sqlite(_) => "select name from sqlite_master where name = 'watermarks'",
        Db::Postgres(_) => "select tablename from pg_tables where tablename = 'watermarks'",
    };
    !db.rows(catalogue).is_empty()
}

/// Checks the promises after a run, however it ended. Returns the watermarks of the account.
pub(super) fn check(
    db: &Db,
    account: &str,
    source: &Source,
    before: &HashMap<Api, Watermarks>,
) -> HashMap<Api, Watermarks> {
    let server_now = source.onelogin.now();
    let watermarks = HashMap::from(APIS.map(|api| (api, Watermarks::read(db, account, api))));
    for (api, now) in &watermarks {
        let before = &before[api];
        assert!(before.high_water_mark <= now.high_water_mark, "{before:?}, then {now:?}");
        assert!(before.scanned_through <= now.scanned_through, "{before:?}, then {now:?}");
        assert!(now.high_water_mark <= now.scanned_through, "{now:?}");
        assert!(now.scanned_through <= Some(server_now), "{now:?} at {server_now}");
    }
    if !has_tables(db) {
        return watermarks;
    }
    let balance = "fetched = inserted + updated + unchanged + rejected";
    let broken = db.rows(&format!(
        "select 'an unbalanced window', count(*) from sync_windows
         where account = '{account}' and not ({balance})
         union all
         select 'an unbalanced run', count(*) from sync_runs
         where account = '{account}' and not ({balance})
         union all
         select 'a run that is not the sum of its windows', count(*) from sync_runs r
         where account = '{account}' and fetched <>
             (select coalesce(sum(w.fetched), 0) from sync_windows w where w.run_id = r.run_id)
         union all
         select 'rows that the ledger does not know', abs(
             (select count(*) from provisioning_failures where account = '{account}') -
             (select coalesce(sum(inserted), 0) from sync_windows where account = '{account}'))
         union all
         select 'a failure without its person', count(*) from provisioning_failures f
         where account = '{account}' and user_id is not null and not exists
             (select 1 from users u where u.account = f.account and u.user_id = f.user_id)
         union all
         select 'a person without the failure they come from', count(*) from users u
         where account = '{account}' and not exists
             (select 1 from provisioning_failures f where f.failure_id = u.last_failure_id)
         union all
         select 'a person older than their newest failure', count(*) from users u
         where account = '{account}' and exists
             (select 1 from provisioning_failures f where f.account = u.account
              and f.user_id = u.user_id and f.failure_id > u.last_failure_id)",
    ));
    let broken: Vec<_> = broken.iter().filter(|row| row[1] != "0").collect();
    assert!(broken.is_empty(), "{broken:?}");
    check_facts(db, account);
    watermarks
}

/// Checks that twins, cases, texts and days are what building them again gives.
fn check_facts(db: &Db, account: &str) {
    let due = "select rebuild_step from accounts where rebuild_step is not null and account = ";
    assert_rows(&db.rows(&format!("{due}'{account}'")), &[]);
    let before = facts(db, account);
    let rebuild = ["migrate", "--rebuild", "--account", account];
    Program::new(&rebuild).env("DATABASE_URL", db.url()).run().expect_code(0);
    for ((table, before), (_, after)) in before.iter().zip(facts(db, account)) {
        println!("{table}");
        assert_same(before, &after);
    }
}

/// Every table that follows from failures and successes.
fn facts(db: &Db, account: &str) -> [(&'static str, Vec<Vec<String>>); 4] {
    [
        ("provisioning_failures", "failure_id, twin_of, error_fingerprint", "failure_id"),
        ("provisioning_cases", "*", "case_id"),
        ("error_texts", "*", "error_fingerprint"),
        ("failures_by_day", "*", "day, app_name, operation, error_fingerprint"),
    ]
    .map(|(table, columns, key)| {
        let mut rows = db.rows(&format!(
            "select {columns} from {table} where account = '{account}' order by {key}"
        ));
        rows.sort();
        (table, rows)
    })
}

/// Compares with one load of all there is into an empty SQLite file, which makes both databases equal.
///
/// Equal by design: each failure and each person, except the time and run of their last write, and
/// the rejects that the source still serves. A reject that the source has corrected stays open,
/// because its text was never loaded.
pub(super) fn compare(db: &Db, account: &str, source: &Source) {
    let full = Db::sqlite();
    let all = ["--account", account, "--max-rejects", "1000000", "--since", BEGINNING];
    for api in APIS {
        api.sync_ok(&source.onelogin, &full, &[&all[..], &["--refresh-people", "never"]].concat());
    }

    let failures = format!(
        "select failure_id, source, source_id, login_id, user_id, operation, operation_source, app_id,
             app_name, event_type_id, created_at, created_at_raw, description, error_description, solved,
             resolved_at, resolution, raw, content_hash
         from provisioning_failures where account = '{account}' order by failure_id"
    );
    assert_same(&db.rows(&failures), &full.rows(&failures));
    let successes = format!(
        "select success_id, source, source_id, user_id, user_name, operation, app_id, app_name,
             event_type_id, created_at, created_at_raw, raw, content_hash
         from provisioning_successes where account = '{account}' order by success_id"
    );
    assert_same(&db.rows(&successes), &full.rows(&successes));
    for view in ["failures", "open_failures"] {
        let ids = format!(
            "select failure_id from {view} where account = '{account}' order by failure_id"
        );
        assert_same(&db.rows(&ids), &full.rows(&ids));
    }
    let users = format!(
        "select user_id, email, username, firstname, lastname, last_failure_id, last_failure_at,
             display_name, profile_id, profile_at, profile_source
         from users where account = '{account}' order by user_id"
    );
    assert_same(&db.rows(&users), &full.rows(&users));
    let open = format!(
        "select reject_id, reason, detail, raw
         from rejected_records where account = '{account}' and replayed_at is null
         order by reject_id"
    );
    let mut rejects = db.rows(&open);
    rejects.retain(|row| !source.is_corrected(&row[3]));
    assert_same(&rejects, &full.rows(&open));
}
