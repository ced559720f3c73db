//! The upgrade of every older schema, with rows in it.

use std::fs;

use super::{MIGRATIONS, lines, migrate, root};
use crate::support::tables::{Db, assert_rows, on_both};

/// The tables, each with its key.
const TABLES: [(&str, &str); 14] = [
    ("accounts", "account"),
    ("users", "account, user_id"),
    ("provisioning_failures", "account, failure_id"),
    ("provisioning_successes", "account, success_id"),
    ("rejected_records", "account, reject_id"),
    ("watermarks", "account, source"),
    ("sync_runs", "account, run_id"),
    ("sync_windows", "account, window_id"),
    ("event_types", "account, event_type_id"),
    ("api_calls", "account, minute"),
    ("provisioning_cases", "account, case_id"),
    ("error_texts", "account, error_fingerprint"),
    ("failures_by_day", "account, day, app_name, operation, error_fingerprint"),
    ("apps_by_day", "account, day, app_id, app_name"),
];

/// Makes the schema of an earlier program, with the rows that programs may have left on the way there.
fn migrate_to(db: &Db, version: usize, rows_of: impl Fn(usize) -> &'static str) {
    let (folder, current) = match db {
        Db::Sqlite(_) => ("sqlite", Db::sqlite()),
        Db::Postgres(_) => ("postgres", Db::postgres()),
    };
    for (earlier, name) in MIGRATIONS[..version].iter().enumerate() {
        let file = root().join(format!("migrations/{folder}/{name}.sql"));
        db.execute(&fs::read_to_string(file).expect("the migration can be read"));
        db.execute(rows_of(earlier + 1));
    }
    migrate(&current, &[]).run().expect_code(0);
    let history = format!(
        "select version, name, applied_on, checksum from refinery_schema_history
         where version <= {version} order by version"
    );
    db.execute(
        "create table refinery_schema_history (
            version integer primary key, name varchar(255), applied_on varchar(255), checksum varchar(255))",
    );
    for row in current.rows(&history) {
        let [version, name, applied_on, checksum] = &row[..] else { panic!("four columns") };
        db.execute(&format!(
            "insert into refinery_schema_history values ({version}, '{name}', '{applied_on}', '{checksum}')"
        ));
    }
}

on_both!(an_older_database_of_any_version_keeps_its_rows_and_gets_the_new_columns, |db| {
    let versions = 1..MIGRATIONS.len();
    for version in versions {
        let db = db.another();
        migrate_to(&db, version, rows_of);

        let applied = migrate(&db, &[]).run().expect_code(0).stdout;

        assert_eq!(applied, lines("applied", version));
        for (table, key) in TABLES {
            let columns = if table == "error_texts" { CLASSIFIED } else { "*" };
            let rows = db.rows(&format!("select {columns} from {table} order by {key}"));
            let expected: Vec<Vec<&str>> = EXPECTED
                .iter()
                .filter(|(since, of, _)| *since <= version && *of == table)
                .flat_map(|(_, _, rows)| rows.lines().map(cells))
                .collect();
            println!("version {version}, {table}");
            assert_rows(&rows, &expected.iter().map(Vec::as_slice).collect::<Vec<_>>());
        }
    }
});

// Regression: blanks other than spaces stayed, and a rebuild that had come to the days did not begin again.
on_both!(names_of_apps_lose_their_blanks_and_are_built_again, |db| {
    migrate_to(db, 18, rows_of);
    db.execute(
        "update provisioning_failures set app_name = 'Wiki\u{a0}\t' where app_name = 'Wiki';
         update provisioning_successes set app_name = ' Wiki' where app_name = 'Wiki';
         update provisioning_failures set error_fingerprint = 'e3b0c44298fc1c14';
         update accounts set rebuild_step = 'days', rebuilt_through = 16000",
    );

    migrate(db, &[]).run().expect_code(0);

    let names = "select app_name from provisioning_cases
        union select app_name from provisioning_failures where app_name is not null
        union select app_name from provisioning_successes
        union select app_name from apps_by_day where app_id = '' and app_name <> ''";
    assert_rows(&db.rows(names), &[&["Wiki"]]);
    assert_rows(&db.rows("select distinct rebuild_step is null from accounts"), &[&["1"]]);
});

/// The cells of a row of [`EXPECTED`].
fn cells(row: &str) -> Vec<&str> {
    row.split(" | ").collect()
}

/// Rows that a program with the schema of this version may have left.
fn rows_of(version: usize) -> &'static str {
    match version {
        1 => ROWS_1,
        2 => ROWS_2,
        4 => ROWS_4,
        8 => ROWS_8,
        _ => "",
    }
}

const ROWS_1: &str = "
    insert into users (account, user_id, email, username, firstname, lastname, last_failure_id,
        last_failure_at, first_seen_at, synced_at, run_id) values
        ('default', 7, 'tanja@ono.com', 'tono', 'Tanja', 'Ono', '01485c85-7438-8a60-871a-b0f248c27230',
         '2014-09-09T22:25:23.250+00:00', '2014-09-10T00:00:00+00:00', '2014-09-10T00:00:00+00:00',
         '01485c85-7438-8a60-871a-000000000000'),
        ('default', 8, 'jhui@ono.com', null, '', ' ', '01485c85-7438-8a60-871a-b0f248c27230',
         '2014-09-09T22:25:23+00:00', '2014-09-10T00:00:00+00:00', '2014-09-10T00:00:00+00:00',
         '01485c85-7438-8a60-871a-000000000000');
    insert into provisioning_failures (failure_id, account, source, source_id, login_id, user_id, operation,
        app_name, created_at, created_at_raw, raw, content_hash, first_seen_at, synced_at, run_id) values
        ('01485c85-7438-8a60-871a-b0f248c27230', 'default', 'legacy', 1, '5', 7, 'suspend', 'Wiki',
         '2014-09-09T22:25:23.250+00:00', '2014/09/09 15:25:23 -0700', '{}', 1,
         '2014-09-10T00:00:00+00:00', '2014-09-10T00:00:00+00:00', '01485c85-7438-8a60-871a-000000000000'),
        ('01485c85-7438-8a60-871a-b0f248c27231', 'default', 'legacy', 2, null, null, 'unknown', null,
         '2014-09-09T22:25:23+00:00', '2014/09/09 15:25:23 -0700', '{}', 1,
         '2014-09-10T00:00:00+00:00', '2014-09-10T00:00:00+00:00', '01485c85-7438-8a60-871a-000000000000');
    insert into rejected_records values
        ('01485c85-7438-8a60-871a-b0f248c27233', '01485c85-7438-8a60-871a-000000000000', 'default', 'legacy',
         'bad_id', 'id: missing or null', '{}', '2014-09-10T00:00:00+00:00', '2014-09-10T00:00:00+00:00', null);
    ";

const ROWS_2: &str = "
    insert into watermarks (account, source, high_water_mark, scanned_through, lease_token, updated_at) values
        ('default', 'legacy', '2014-09-09T22:25:23+00:00', '2014-09-10T00:00:00+00:00', 1,
         '2014-09-10T00:00:00+00:00');
    insert into sync_runs (run_id, account, source, status, started_at, finished_at, exit_code, fetched,
        inserted, updated, unchanged, rejected, users_written, requests, retries, bytes, version) values
        ('01485c85-7438-8a60-871a-000000000000', 'default', 'legacy', 'succeeded', '2014-09-10T00:00:00+00:00',
         '2014-09-10T00:00:00+00:00', 0, 2, 2, 0, 0, 0, 2, 1, 0, 99, '0.1.0');
    insert into sync_windows values
        ('01485c85-7438-8a60-871a-000000000001', '01485c85-7438-8a60-871a-000000000000', 'default', 'legacy',
         '2014-09-08T00:00:00+00:00', '2014-09-10T00:00:00+00:00', 2, 2, 0, 0, 0, '2014-09-10T00:00:00+00:00');
    ";

const ROWS_4: &str = "
    insert into users (account, user_id, last_failure_id, last_failure_at, first_seen_at, synced_at, run_id,
        display_name, asked_at) values
        ('other', 7, '01485c85-7438-8a60-871a-b0f248c27232', '2014-09-11T00:00:00.500+00:00',
         '2014-09-11T01:00:00+00:00', '2014-09-11T01:00:00+00:00', '01485c85-7438-8a60-871a-000000000002',
         'Jackie Hui', '2014-09-11T01:00:00.007+00:00');
    insert into provisioning_failures (failure_id, account, source, source_id, user_id, operation,
        operation_source, app_id, app_name, event_type_id, created_at, created_at_raw, description,
        error_description, solved, resolved_at, resolution, raw, content_hash, first_seen_at, synced_at, run_id)
        values
        ('01485c85-7438-8a60-871a-b0f248c27232', 'other', 'events', 11, 7, 'create', 'event_type', 3, 'Wiki', 61,
         '2014-09-11T00:00:00.500+00:00', '2014-09-11T00:00:00.500Z', 'a sentence', 'no licence', true,
         '2014-09-11T00:30:00+00:00', 'by hand', '{\"id\":11}', 2, '2014-09-11T01:00:00+00:00',
         '2014-09-11T01:00:00+00:00', '01485c85-7438-8a60-871a-000000000002');
    insert into provisioning_successes (success_id, account, source, source_id, user_id, user_name, operation,
        app_id, app_name, event_type_id, created_at, created_at_raw, raw, content_hash, first_seen_at, synced_at,
        run_id) values
        ('01485c85-7438-8a60-871a-b0f248c27234', 'other', 'events', 12, 7, 'Jackie Hui', 'create', 3, 'Wiki', 51,
         '2014-09-11T00:10:00+00:00', '2014-09-11T00:10:00Z', '{\"id\":12}', 3, '2014-09-11T01:00:00+00:00',
         '2014-09-11T01:00:00+00:00', '01485c85-7438-8a60-871a-000000000002');
    insert into rejected_records values
        ('01485c85-7438-8a60-871a-b0f248c27235', '01485c85-7438-8a60-871a-000000000002', 'other', 'events',
         'key_collision', 'a later record', '7', '2014-09-11T01:00:00+00:00', '2014-09-11T01:00:00+00:00',
         '2014-09-11T02:00:00+00:00');
    insert into watermarks (account, source, high_water_mark, scanned_through, lease_owner, lease_token,
        lease_expires_at, updated_at, rescanned_at, rescan_next) values
        ('other', 'events', '2014-09-11T00:10:00+00:00', '2014-09-11T01:00:00+00:00', 'host:1', 3,
         '2014-09-11T01:01:00.123+00:00', '2014-09-11T01:00:00.123+00:00', '2014-09-11T01:00:00+00:00',
         '2014-09-11T00:20:00+00:00');
    insert into sync_runs (run_id, account, source, status, started_at, fetched, inserted, updated, unchanged,
        rejected, users_written, requests, retries, bytes, version, successes, ignored, people_pending) values
        ('01485c85-7438-8a60-871a-000000000002', 'other', 'events', 'running', '2014-09-11T01:00:00+00:00',
         2, 1, 0, 0, 1, 1, 4, 1, 800, '0.2.0', 1, 5, 1);
    insert into sync_windows (window_id, run_id, account, source, window_from, window_to, fetched, inserted,
        updated, unchanged, rejected, committed_at, successes, ignored) values
        ('01485c85-7438-8a60-871a-000000000003', '01485c85-7438-8a60-871a-000000000002', 'other', 'events',
         '2014-09-11T00:00:00+00:00', '2014-09-11T01:00:00+00:00', 2, 1, 0, 0, 1, '2014-09-11T01:00:00.123+00:00',
         1, 5);
    insert into event_types values
        ('other', 61, 'PROVISION_FAILED', '%user% failed', '2014-09-11T01:00:00+00:00', '2014-09-11T01:00:00+00:00');
    insert into api_calls values ('other', '2014-09-11T01:00:00+00:00', 4);
    ";

const ROWS_8: &str = "
    insert into accounts (account, onelogin_account_id) values ('third', 77);
    insert into watermarks (account, source, lease_token, updated_at, read_from) values
        ('third', 'events', 1, '2014-09-12T00:00:00+00:00', 'api.eu.onelogin.com');
    ";

/// The rows that must be there at the end, by the version since which a program may have left them.
#[rustfmt::skip]
const EXPECTED: &[(usize, &str, &str)] = &[
    (1, "accounts", "default | ∅ | ∅ | ∅"),
    (4, "accounts", "other | ∅ | ∅ | ∅"),
    (8, "accounts", "third | 77 | ∅ | ∅"),
    (1, "users",
"default | 7 | tanja@ono.com | tono | Tanja | Ono | 01485c85-7438-8a60-871a-b0f248c27230 | 2014-09-09 22:25:23.250+00:00 | 2014-09-10 00:00:00.000+00:00 | 2014-09-10 00:00:00.000+00:00 | 01485c85-7438-8a60-871a-000000000000 | Tanja Ono | 01485c85-7438-8a60-871a-b0f248c27230 | 2014-09-09 22:25:23.250+00:00 | legacy | ∅
default | 8 | jhui@ono.com | ∅ |  |   | 01485c85-7438-8a60-871a-b0f248c27230 | 2014-09-09 22:25:23.000+00:00 | 2014-09-10 00:00:00.000+00:00 | 2014-09-10 00:00:00.000+00:00 | 01485c85-7438-8a60-871a-000000000000 | jhui@ono.com | 01485c85-7438-8a60-871a-b0f248c27230 | 2014-09-09 22:25:23.000+00:00 | legacy | ∅"),
    (4, "users",
"other | 7 | ∅ | ∅ | ∅ | ∅ | 01485c85-7438-8a60-871a-b0f248c27232 | 2014-09-11 00:00:00.500+00:00 | 2014-09-11 01:00:00.000+00:00 | 2014-09-11 01:00:00.000+00:00 | 01485c85-7438-8a60-871a-000000000002 | Jackie Hui | ∅ | ∅ | ∅ | 2014-09-11 01:00:00.007+00:00"),
    (1, "provisioning_failures",
"01485c85-7438-8a60-871a-b0f248c27230 | default | legacy | 1 | 5 | 7 | suspend | ∅ | Wiki | ∅ | 2014-09-09 22:25:23.250+00:00 | 2014/09/09 15:25:23 -0700 | ∅ | ∅ | {} | 1 | 2014-09-10 00:00:00.000+00:00 | 2014-09-10 00:00:00.000+00:00 | 01485c85-7438-8a60-871a-000000000000 | description | ∅ | ∅ | ∅ | failed | e3b0c44298fc1c14 | ∅ | ∅
01485c85-7438-8a60-871a-b0f248c27231 | default | legacy | 2 | ∅ | ∅ | unknown | ∅ | ∅ | ∅ | 2014-09-09 22:25:23.000+00:00 | 2014/09/09 15:25:23 -0700 | ∅ | ∅ | {} | 1 | 2014-09-10 00:00:00.000+00:00 | 2014-09-10 00:00:00.000+00:00 | 01485c85-7438-8a60-871a-000000000000 | description | ∅ | ∅ | ∅ | failed | e3b0c44298fc1c14 | ∅ | ∅"),
    (4, "provisioning_failures",
"01485c85-7438-8a60-871a-b0f248c27232 | other | events | 11 | ∅ | 7 | create | 3 | Wiki | 61 | 2014-09-11 00:00:00.500+00:00 | 2014-09-11T00:00:00.500Z | a sentence | no licence | {\"id\":11} | 2 | 2014-09-11 01:00:00.000+00:00 | 2014-09-11 01:00:00.000+00:00 | 01485c85-7438-8a60-871a-000000000002 | event_type | 1 | 2014-09-11 00:30:00.000+00:00 | by hand | failed | 456fc068ca86b911 | ∅ | ∅"),
    (4, "provisioning_successes",
"01485c85-7438-8a60-871a-b0f248c27234 | other | events | 12 | 7 | Jackie Hui | create | 3 | Wiki | 51 | 2014-09-11 00:10:00.000+00:00 | 2014-09-11T00:10:00Z | {\"id\":12} | 3 | 2014-09-11 01:00:00.000+00:00 | 2014-09-11 01:00:00.000+00:00 | 01485c85-7438-8a60-871a-000000000002"),
    (1, "rejected_records",
"01485c85-7438-8a60-871a-b0f248c27233 | 01485c85-7438-8a60-871a-000000000000 | default | legacy | bad_id | id: missing or null | {} | 2014-09-10 00:00:00.000+00:00 | 2014-09-10 00:00:00.000+00:00 | ∅"),
    (4, "rejected_records",
"01485c85-7438-8a60-871a-b0f248c27235 | 01485c85-7438-8a60-871a-000000000002 | other | events | key_collision | a later record | 7 | 2014-09-11 01:00:00.000+00:00 | 2014-09-11 01:00:00.000+00:00 | 2014-09-11 02:00:00.000+00:00"),
    (2, "watermarks",
"default | legacy | 2014-09-09 22:25:23.000+00:00 | 2014-09-10 00:00:00.000+00:00 | ∅ | 1 | ∅ | 2014-09-10 00:00:00.000+00:00 | ∅ | ∅ | ∅ | ∅ | ∅ | 0 | ∅"),
    (4, "watermarks",
"other | events | 2014-09-11 00:10:00.000+00:00 | 2014-09-11 01:00:00.000+00:00 | host:1 | 3 | 2014-09-11 01:01:00.123+00:00 | 2014-09-11 01:00:00.123+00:00 | 2014-09-11 01:00:00.000+00:00 | 2014-09-11 00:20:00.000+00:00 | ∅ | ∅ | ∅ | 0 | ∅"),
    (8, "watermarks",
"third | events | ∅ | ∅ | ∅ | 1 | ∅ | 2014-09-12 00:00:00.000+00:00 | ∅ | ∅ | api.eu.onelogin.com | ∅ | ∅ | 0 | ∅"),
    (2, "sync_runs",
"01485c85-7438-8a60-871a-000000000000 | default | legacy | succeeded | 2014-09-10 00:00:00.000+00:00 | 2014-09-10 00:00:00.000+00:00 | 0 | ∅ | 2 | 2 | 0 | 0 | 0 | 2 | 1 | 0 | 99 | 0.1.0 | 0 | 0 | 0"),
    (4, "sync_runs",
"01485c85-7438-8a60-871a-000000000002 | other | events | running | 2014-09-11 01:00:00.000+00:00 | ∅ | ∅ | ∅ | 2 | 1 | 0 | 0 | 1 | 1 | 4 | 1 | 800 | 0.2.0 | 1 | 5 | 1"),
    (2, "sync_windows",
"01485c85-7438-8a60-871a-000000000001 | 01485c85-7438-8a60-871a-000000000000 | default | legacy | 2014-09-08 00:00:00.000+00:00 | 2014-09-10 00:00:00.000+00:00 | 2 | 2 | 0 | 0 | 0 | 2014-09-10 00:00:00.000+00:00 | 0 | 0 | 0"),
    (4, "sync_windows",
"01485c85-7438-8a60-871a-000000000003 | 01485c85-7438-8a60-871a-000000000002 | other | events | 2014-09-11 00:00:00.000+00:00 | 2014-09-11 01:00:00.000+00:00 | 2 | 1 | 0 | 0 | 1 | 2014-09-11 01:00:00.123+00:00 | 1 | 5 | 0"),
    (4, "event_types", "other | 61 | PROVISION_FAILED | %user% failed | 2014-09-11 01:00:00.000+00:00 | 2014-09-11 01:00:00.000+00:00"),
    (1, "provisioning_cases", "default | 01485c85-7438-8a60-871a-b0f248c27230 | 7 | ∅ | Wiki | suspend | 0 | 2014-09-09 22:25:23.250+00:00 | 2014-09-09 22:25:23.250+00:00 | 01485c85-7438-8a60-871a-b0f248c27230 | 1 | e3b0c44298fc1c14 | ∅ | ∅ | 1"),
    (4, "provisioning_cases", "other | 01485c85-7438-8a60-871a-b0f248c27232 | 7 | 3 | Wiki | create | 0 | 2014-09-11 00:00:00.500+00:00 | 2014-09-11 00:00:00.500+00:00 | 01485c85-7438-8a60-871a-b0f248c27232 | 1 | 456fc068ca86b911 | 2014-09-11 00:10:00.000+00:00 | success | 1"),
    (1, "error_texts", "default | e3b0c44298fc1c14 |  |  | unknown | no | Read the error in the app's own log | classified | 2014-09-09 22:25:23.000+00:00 | 2014-09-09 22:25:23.250+00:00 | 2"),
    (4, "error_texts", "other | 456fc068ca86b911 | no licence | no licence | licence_limit | no | Free or buy licences in the app, then retry | classified | 2014-09-11 00:00:00.500+00:00 | 2014-09-11 00:00:00.500+00:00 | 1"),
    (1, "failures_by_day",
"default | 2014-09-09 |  | unknown | e3b0c44298fc1c14 | 1 | 0 | 0 | 0 | 0
default | 2014-09-09 | Wiki | suspend |  | 0 | 0 | 0 | 1 | 0
default | 2014-09-09 | Wiki | suspend | e3b0c44298fc1c14 | 1 | 0 | 0 | 0 | 0"),
    (4, "failures_by_day",
"other | 2014-09-11 | Wiki | create |  | 0 | 1 | 0 | 1 | 1
other | 2014-09-11 | Wiki | create | 456fc068ca86b911 | 1 | 0 | 0 | 0 | 0"),
    (1, "apps_by_day",
"default | 2014-09-09 |  |  | 1
default | 2014-09-09 |  | Wiki | 1"),
    (4, "apps_by_day", "other | 2014-09-11 | 3 |  | 1"),
    (4, "api_calls", "other | 2014-09-11 01:00:00.000+00:00 | 4"),
];

/// The columns of error_texts, without the version of the rules, which changes with each rule.
const CLASSIFIED: &str = "account, error_fingerprint, text, example, error_class, retryable, recommended_action, \
    case when rules_version is null then 'not classified' else 'classified' end, \
    first_failure_at, last_failure_at, failures";

/// Regression: what SQLite sorts for an index was kept in memory, all of it.
#[test]
fn a_file_of_many_rows_is_migrated_in_little_memory() {
    let db = Db::sqlite();
    migrate_to(&db, 5, |_| "");
    db.execute(MANY_OLD_ROWS);

    let (finished, peak) = migrate(&db, &[]).run_measured();

    assert_eq!(finished.expect_code(0).stdout, lines("applied", 5));
    println!("peak memory: {} kB", peak / 1_000);
    assert!(peak < 42_000_000, "{peak} bytes");
}

/// Enough for an index that does not fit into a page cache.
const MANY_OLD_ROWS: &str = "
    insert into provisioning_failures (
        failure_id, account, source, operation, operation_source, created_at, created_at_raw, content_hash,
        raw, first_seen_at, synced_at, run_id
    )
    with recursive n (n) as (select 1 union all select n + 1 from n where n < 600000)
    select printf('00000000-0000-8000-8000-%012d', n), 'default', 'events', 'suspend', 'event_type',
        strftime('%Y-%m-%dT%H:%M:%S+00:00', 1700000000 + n, 'unixepoch'), '', n, '{}',
        '2026-01-01T00:00:00+00:00', '2026-01-01T00:00:00+00:00', '' from n;
";
