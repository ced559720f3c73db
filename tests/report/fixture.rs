//! Rows for a report: one account at noon on 20 March 2026.

use crate::support::tables::Db;

/// The views and columns that are about people, but for the user's id.
pub(super) const PERSONAL: &[(&str, &[&str])] = &[
    ("failures", PERSON),
    ("failures", &["description", "error_description"]),
    ("failure_details", &["description", "error_description"]),
    ("cases", PERSON),
    ("cases", &["error_description"]),
    ("outstanding_deprovisioning", PERSON),
    ("outstanding_deprovisioning", &["error_description"]),
    ("person_timeline", &["display_name", "error_description"]),
    ("ocsf_account_change", &["user_name", "user_email_addr", "status_detail"]),
    ("users", &["display_name", "email", "username", "firstname", "lastname"]),
    ("provisioning_failures", &["description", "error_description", "raw"]),
];

const PERSON: &[&str] = &["display_name", "email", "username", "firstname", "lastname"];

/// A failure of the account: number, time, user, operation, app, error, fingerprint.
type Failure = (u32, &'static str, u32, &'static str, &'static str, &'static str, &'static str);

const FAILURES: [Failure; 14] = [
    (1, "2025-12-20 08:00", 14, "delete", "Slack", "no such user dora", "e3"),
    (2, "2026-03-10 09:00", 11, "suspend", "Slack", "permission denied for Ann Archer", "e1"),
    (3, "2026-03-12 09:00", 12, "suspend", "Slack", "permission denied for Bob Baker", "e1"),
    (4, "2026-03-18 10:00", 11, "suspend", "Slack", "permission denied for Ann Archer", "e1"),
    (5, "2026-03-18 10:30", 13, "create", "Zoom", "no licence left for cy@example.com", "e2"),
    (6, "2026-03-18 11:00", 13, "create", "Zoom", "no licence left for cy@example.com", "e2"),
    (7, "2026-03-19 14:00", 12, "delete", "Zoom", "no such user bbaker", "e3"),
    (8, "2026-03-20 07:00", 11, "update", "Box", "timeout while saving Ann", "e4"),
    (9, "2026-03-20 07:20", 12, "update", "Box", "timeout while saving Bob", "e4"),
    (10, "2026-03-20 07:40", 13, "update", "Box", "timeout while saving Cy", "e4"),
    (11, "2026-03-20 08:00", 11, "update", "Box", "timeout while saving Ann", "e4"),
    (12, "2026-03-20 08:20", 12, "update", "Box", "timeout while saving Bob", "e4"),
    (13, "2026-03-20 08:40", 13, "update", "Box", "timeout while saving Cy", "e4"),
    (14, "2026-03-20 09:00", 14, "suspend", "Box", "", "e0"),
];

/// A case: its first and last failure, attempts, and what resolved it.
type Case = (u32, u32, u32, Option<(&'static str, &'static str)>);

const CASES: [Case; 8] = [
    (1, 1, 1, None),
    (2, 4, 2, None),
    (3, 3, 1, Some(("2026-03-13 10:00", "success"))),
    (5, 6, 2, Some(("2026-03-18 12:30", "success"))),
    (7, 7, 1, None),
    (8, 11, 2, Some(("2026-03-20 10:00", "success"))),
    (10, 13, 2, None),
    (14, 14, 1, None),
];

const USERS: [(u32, &str, &str, &str); 4] = [
    (11, "Ann", "Archer", "ann@example.com"),
    (12, "Bob", "Baker", "bob@example.com"),
    (13, "Cyrus", "Cook", "cyrus@example.com"),
    (14, "Dora", "Drake", "dora@example.com"),
];

const ERRORS: [(&str, &str, &str, &str); 5] = [
    ("e0", "no text", "unknown", "no"),
    ("e1", "permission denied for <name>", "permission", "no"),
    ("e2", "no licence left for <email>", "licence_limit", "later"),
    ("e3", "no such user <name>", "not_found", "no"),
    ("e4", "timeout while saving <name>", "timeout", "yes"),
];

/// Fills a migrated database.
pub(super) fn fill(db: &Db) {
    let mut sql = vec![
        "insert into accounts (account) values ('default')".to_owned(),
        format!(
            "insert into sync_runs (run_id, account, source, status, started_at, finished_at, exit_code, error,
                fetched, inserted, updated, unchanged, rejected, users_written, requests, retries, bytes, version,
                successes, ignored, people_pending)
             values ('{RUN}', 'default', 'events', 'failed', {}, {}, 69, 'the source is down', 0, 0, 0, 0, 0, 0,
                0, 0, 0, '0.1.0', 0, 0, 2)",
            time("2026-03-20 12:00"),
            time("2026-03-20 12:01")
        ),
        format!(
            "insert into watermarks (account, source, high_water_mark, scanned_through, lease_token, updated_at,
                read_from, successes_from, successes_through)
             values ('default', 'events', {}, {noon}, 1, {noon}, 'api.example.com', {}, {noon})",
            time("2026-03-20 09:00"),
            time("2026-03-01 00:00"),
            noon = time("2026-03-20 12:00")
        ),
        format!(
            "insert into rejected_records (reject_id, run_id, account, source, reason, detail, raw, first_seen_at,
                last_seen_at)
             values ('{RUN}', '{RUN}', 'default', 'events', 'bad_id', 'no id', '{{}}', {noon}, {noon})",
            noon = time("2026-03-20 12:00")
        ),
    ];
    sql.extend(
        [("1", "2025-12-01 00:00", "2026-03-14 00:00"), ("2", "2026-03-14 06:00", "2026-03-20 12:00")].map(
            |(number, from, to)| {
                format!(
                    "insert into sync_windows (window_id, run_id, account, source, window_from, window_to, fetched,
                        inserted, updated, unchanged, rejected, committed_at, successes, ignored)
                     values ('{}', '{RUN}', 'default', 'events', {}, {to}, 0, 0, 0, 0, 0, {to}, 0, 0)",
                    RUN.replace("000000000001", &format!("00000000000{number}")),
                    time(from),
                    to = time(to)
                )
            },
        ),
    );
    sql.extend(USERS.map(|(user, first, last, email)| {
        format!(
            "insert into users (account, user_id, email, username, firstname, lastname, display_name, last_failure_id,
                last_failure_at, first_seen_at, synced_at, run_id, profile_at)
             values ('default', {user}, '{email}', 'login-of-{first}', '{first}', '{last}', '{first} {last}', '{RUN}',
                {at}, {at}, {at}, '{RUN}', {at})",
            at = time("2026-03-20 09:00")
        )
    }));
    sql.extend(ERRORS.map(|(fingerprint, text, class, retryable)| {
        let of_error = || FAILURES.iter().filter(|failure| failure.6 == fingerprint);
        format!(
            "insert into error_texts (account, error_fingerprint, text, example, error_class, retryable,
                recommended_action, first_failure_at, last_failure_at, failures)
             values ('default', '{fingerprint}', '{text}', '{text}', '{class}', '{retryable}', 'do {class}', {}, {}, {})",
            time(of_error().map(|failure| failure.1).min().expect("one")),
            time(of_error().map(|failure| failure.1).max().expect("one")),
            of_error().count()
        )
    }));
    sql.extend(FAILURES.map(|failure| insert_failure(&failure)));
    sql.extend(FAILURES.map(|(_, at, _, operation, app, _, fingerprint)| {
        count(at, operation, app, fingerprint, "failures")
    }));
    for case in CASES {
        let (_, opened, _, operation, app, ..) = FAILURES[case.0 as usize - 1];
        sql.push(insert_case(case));
        sql.push(count(opened, operation, app, "", "opened"));
        if let Some((at, _)) = case.3 {
            sql.push(count(at, operation, app, "", "resolved"));
        }
    }
    db.execute(&sql.join(";\n"));
    db.count_apps();
}

const RUN: &str = "01900000-0000-7000-8000-000000000001";

/// `2026-03-20 09:00` as both databases take it.
fn time(minute: &str) -> String {
    format!("'{minute}:00.000+00:00'")
}

fn failure_id(number: u32) -> String {
    format!("02000000-0000-8000-8000-{number:012}")
}

fn insert_failure(failure: &Failure) -> String {
    let (number, at, user, operation, app, error, fingerprint) = failure;
    let error = if error.is_empty() { "null".to_owned() } else { format!("'{error}'") };
    format!(
        "insert into provisioning_failures (failure_id, account, source, source_id, user_id, operation,
            operation_source, app_name, event_type_id, created_at, created_at_raw, description, error_description,
            raw, content_hash, first_seen_at, synced_at, run_id, outcome, error_fingerprint, is_late)
         values ('{}', 'default', 'events', {number}, {user}, '{operation}', 'event_type', '{app}', 61, {at}, 'x',
            'user {user}0 of number {number} could not be served in {app}', {error}, '{{\"number\":{number}}}', 1, {at},
            {at}, '{RUN}', 'failed', '{fingerprint}', false)",
        failure_id(*number),
        at = time(at)
    )
}

fn insert_case((first, last, attempts, resolved): Case) -> String {
    let (_, opened, user, operation, app, ..) = FAILURES[first as usize - 1];
    let (_, last_at, .., fingerprint) = FAILURES[last as usize - 1];
    let (at, by) = resolved
        .map_or(("null".to_owned(), "null".to_owned()), |(at, by)| (time(at), format!("'{by}'")));
    format!(
        "insert into provisioning_cases (account, case_id, user_id, app_name, operation, opened_at, last_failure_at,
            last_failure_id, attempts, error_fingerprint, resolved_at, resolved_by)
         values ('default', '{}', {user}, '{app}', '{operation}', {}, {}, '{}', {attempts}, '{fingerprint}', {at}, {by})",
        failure_id(first),
        time(opened),
        time(last_at),
        failure_id(last)
    )
}

fn count(at: &str, operation: &str, app: &str, fingerprint: &str, column: &str) -> String {
    let day = &at[..10];
    format!(
        "insert into failures_by_day (account, day, app_name, operation, error_fingerprint, {column})
         values ('default', '{day}', '{app}', '{operation}', '{fingerprint}', 1)
         on conflict (account, day, app_name, operation, error_fingerprint)
         do update set {column} = failures_by_day.{column} + 1"
    )
}

/// Adds accounts up to sixty, and to the first of them 25 apps, each with an incident, a resolved case, a new error and
/// a gap between windows.
pub(super) fn fill_many(db: &Db) {
    let mut sql: Vec<String> =
        (1..60).map(|n| format!("insert into accounts (account) values ('other {n}')")).collect();
    for n in 0..25_u32 {
        let (app, fingerprint) = (format!("App {n}"), format!("m{n}"));
        let at = |minute: u32| format!("2026-03-16 {:02}:{minute:02}", n % 20);
        for user in 11..14 {
            let number = 1_000 + 10 * n + user;
            let minute = at(user);
            insert_many(&mut sql, (number, &minute, user, &app, &fingerprint));
        }
        let id = failure_id(1_000 + 10 * n + 11);
        let (opened, resolved) = (time(&at(11)), time(&at(50)));
        sql.push(format!(
            "insert into provisioning_cases (account, case_id, user_id, app_name, operation, opened_at, last_failure_at,
                last_failure_id, attempts, error_fingerprint, resolved_at, resolved_by)
             values ('default', '{id}', 11, '{app}', 'update', {opened}, {opened}, '{id}', 1, '{fingerprint}', {resolved},
                'success')"
        ));
        sql.push(format!(
            "insert into error_texts (account, error_fingerprint, text, example, first_failure_at, last_failure_at,
                failures)
             values ('default', '{fingerprint}', 'text {n}', 'text {n}', {opened}, {opened}, 3)"
        ));
        let window = RUN.replace("000000000001", &format!("000000001{n:03}"));
        let (from, to) = (
            time(&format!("2025-11-{:02} 00:00", n + 1)),
            time(&format!("2025-11-{:02} 06:00", n + 1)),
        );
        sql.push(format!(
            "insert into sync_windows (window_id, run_id, account, source, window_from, window_to, fetched, inserted,
                updated, unchanged, rejected, committed_at, successes, ignored)
             values ('{window}', '{RUN}', 'default', 'events', {from}, {to}, 0, 0, 0, 0, 0, {to}, 0, 0)"
        ));
    }
    db.execute(&sql.join(";\n"));
    db.count_apps();
}

fn insert_many(
    sql: &mut Vec<String>,
    (number, at, user, app, fingerprint): (u32, &str, u32, &str, &str),
) {
    let at = time(at);
    sql.push(format!(
        "insert into provisioning_failures (failure_id, account, source, source_id, user_id, operation, operation_source,
            app_name, event_type_id, created_at, created_at_raw, content_hash, first_seen_at, synced_at, run_id, outcome,
            error_fingerprint, is_late)
         values ('{}', 'default', 'events', {number}, {user}, 'update', 'event_type', '{app}', 61, {at}, 'x', 1, {at}, {at},
            '{RUN}', 'failed', '{fingerprint}', false)",
        failure_id(number)
    ));
}
