//! The plans that matter: a month's question reads no whole table of failures, successes or cases.

use regex::Regex;

use super::database;
use super::rows::Rows;
use crate::support::tables::{Db, on_both};

/// Views with a time, and its column. Those of days and months read what is counted per day, or the cases
/// that a month resolved.
const VIEWS: [(&str, &str); 13] = [
    ("failures", "created_at"),
    ("failure_details", "created_at"),
    ("cases", "opened_at"),
    ("open_cases", "opened_at"),
    ("open_failures", "created_at"),
    ("outstanding_deprovisioning", "opened_at"),
    ("failures_daily", "day"),
    ("backlog_daily", "day"),
    ("success_rate", "day"),
    ("app_incidents", "started_at"),
    ("time_to_resolve", "month"),
    ("person_timeline", "created_at"),
    ("ocsf_account_change", "created_at"),
];

/// A month's questions to a view: by app, the latest, the count.
fn questions(view: &str, time: &str) -> [String; 3] {
    let since = if time.ends_with("_at") { "2025-12-01 00:00:00.000+00:00" } else { "2025-12-01" };
    let month = format!("from {view} where account = 'default' and {time} >= '{since}'");
    [
        format!("select app_name, count(*) {month} group by app_name"),
        format!("select * {month} order by {time} desc limit 100"),
        format!("select count(*) {month}"),
    ]
}

/// Tables of a few rows, and their names in the views.
const SMALL: [&str; 6] = ["accounts", "a", "watermarks", "w", "k", "CONSTANT"];

/// The lines of a plan of SQLite that read a whole table. A subquery is scanned under its name, too.
fn whole_tables(plan: &[Vec<String>]) -> Vec<&str> {
    let made = Regex::new(r"^(?:MATERIALIZE|CO-ROUTINE) (\w+)").expect("a pattern");
    let scan = Regex::new(
        r"^SCAN (\w+)|^SEARCH (\w+) USING AUTOMATIC .*INDEX|INDEX provisioning_(?:failures|successes|cases)_\w+ \(account=\?\)",
    )
    .expect("a pattern");
    let lines: Vec<&str> = plan.iter().map(|row| row[3].as_str()).collect();
    let made: Vec<&str> = lines
        .iter()
        .filter_map(|line| Some(made.captures(line)?.get(1)?.as_str()))
        .chain(SMALL)
        // account_times is a subquery with the name t.
        .chain(["t"])
        .collect();
    lines
        .iter()
        .copied()
        .filter(|line| {
            scan.captures(line).is_some_and(|found| {
                let name = found.get(1).or(found.get(2)).map(|name| name.as_str());
                name.is_none_or(|name| !made.contains(&name))
            })
        })
        .collect()
}

/// A year of 24,000 failures with their records, and half as many successes and cases.
const YEAR: &str = "
    insert into provisioning_failures (account, failure_id, source, user_id, operation, app_id, app_name, created_at,
        created_at_raw, content_hash, first_seen_at, synced_at, run_id, operation_source, error_fingerprint, raw)
    select 'default', gen_random_uuid(), 'events', n % 2000, 'delete', n % 20, 'App ' || n % 20, at, '', n, at, at,
        gen_random_uuid(), 'event_type', 'e' || n % 5,
        cast(repeat('1', 1500) as json)
    from (select n, timestamptz '2025-01-01 00:00:00+00' + n * interval '21 minutes' as at
          from generate_series(1, 24000) n) n;
    insert into provisioning_successes (account, success_id, source, user_id, operation, app_id, app_name,
        event_type_id, created_at, created_at_raw, content_hash, first_seen_at, synced_at, run_id)
    select account, gen_random_uuid(), source, user_id, operation, app_id, app_name, 51, created_at, '', 0, created_at,
        created_at, run_id
    from provisioning_failures where content_hash % 2 = 0;
    insert into provisioning_cases (account, case_id, user_id, app_id, app_name, operation, opened_at,
        last_failure_at, last_failure_id, attempts, resolved_at)
    select account, failure_id, user_id, app_id, app_name, operation, created_at, created_at, failure_id, 1,
        case when content_hash % 4 = 0 then created_at end
    from provisioning_failures where content_hash % 2 = 0;
    insert into failures_by_day (account, day, app_name, operation, error_fingerprint, failures, opened)
    select account, (created_at at time zone 'UTC')::date, app_name, operation, error_fingerprint, count(*), 1
    from provisioning_failures group by 1, 2, 3, 4, 5;
    insert into accounts (account) values ('default');
    insert into watermarks (account, source, scanned_through, lease_token, updated_at, successes_from,
        successes_through)
    values ('default', 'events', '2025-12-31 00:00:00+00', 1, now(), '2025-03-01 00:00:00+00',
        '2025-12-31 00:00:00+00');
    analyze";

/// By wrong numbers of rows, SQLite takes an account for all there is, and reads the rows of all accounts.
#[test]
fn a_question_about_one_account_reads_no_rows_of_others() {
    let db = Db::sqlite();
    database(&db, &Rows::default());
    let views = "select m.name from sqlite_schema m join pragma_table_info(m.name) c
        where m.type = 'view' and c.name = 'account'";
    let mut wrong = Vec::new();
    let views = db.rows(views);
    for view in &views {
        let question = format!("select * from {} where account = 'default'", view[0]);
        let plan = db.rows(&format!("explain query plan {question}"));
        let scanned = whole_tables(&plan).into_iter().filter(|line| line.starts_with("SCAN "));
        // Neither grows with the failures.
        let large = scanned.filter(|line| {
            !["rejected_records", "sync_windows", "m"]
                .contains(&line.split(' ').nth(1).unwrap_or(""))
        });
        wrong.extend(large.map(|line| format!("{question}: {line}")));
    }
    assert!(views.len() > 20, "{} views", views.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

on_both!(a_question_of_a_month_reads_no_whole_table, |db| {
    database(db, &Rows::default());
    if let Db::Postgres(_) = db {
        db.execute(YEAR);
    }
    let mut wrong = Vec::new();
    for (view, time) in VIEWS {
        for question in questions(view, time) {
            match db {
                Db::Sqlite(_) => {
                    let plan = db.rows(&format!("explain query plan {question}"));
                    wrong.extend(
                        whole_tables(&plan).iter().map(|line| format!("{question}: {line}")),
                    );
                }
                Db::Postgres(_) => {
                    let plan = db.rows(&format!("explain {question}"));
                    let lines = plan.into_iter().map(|mut row| row.remove(0));
                    wrong.extend(
                        lines
                            .filter(|line| line.contains("Seq Scan on provisioning_"))
                            .map(|line| format!("{question}: {line}")),
                    );
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
});

/// Days of fifty accounts, each with the same apps.
const DAYS: &str = "
    insert into accounts (account) select 'account ' || n from generate_series(1, 50) n;
    insert into watermarks (account, source, scanned_through, lease_token, updated_at)
    select account, 'events', '2025-12-31 00:00:00+00', 1, now() from accounts;
    insert into failures_by_day (account, day, app_name, operation, error_fingerprint, failures, opened)
    select a.account, date '2025-12-01' + d, 'App ' || n, operation, 'e', 1, 1
    from accounts a, generate_series(1, 30) d, generate_series(1, 10) n,
         unnest(array['create', 'update', 'suspend', 'delete']) operation;
    analyze";

/// A query for which it expects far too many rows is compiled first, which takes longer than to run it.
#[test]
fn postgres_expects_about_the_rows_of_an_account_among_many() {
    let db = Db::postgres();
    database(&db, &Rows::default());
    db.execute(DAYS);
    let expected = Regex::new(r"rows=(\d+)").expect("a pattern");
    for view in ["failures_daily", "backlog_daily"] {
        let of_account = format!("from {view} where account = 'account 7'");
        let found: f64 =
            db.rows(&format!("select count(*) {of_account}"))[0][0].parse().expect("a number");
        let plan = db.rows(&format!("explain select * {of_account}"));
        let most = plan
            .iter()
            .filter_map(|row| expected.captures(&row[0])?[1].parse::<f64>().ok())
            .fold(0.0, f64::max);
        assert!(found > 1_000.0 && most < 3.0 * found, "{view}: {most} for {found}");
    }
}
