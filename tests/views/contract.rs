//! The columns that scripts rely on, in their order, and their types in both databases.

use crate::support::tables::{Db, on_both};

use super::database;
use super::rows::Rows;

/// Each view, and its columns with their kinds after `account`. A kind with `~` is an expression, whose type
/// SQLite does not report.
const CONTRACT: &[(&str, &str)] = &[
    (
        "failures",
        "failure_id id, source text, created_at time, PERSON, operation text, is_deprovision flag~, app_id number,
         app_name text, description text, error_description text, ERROR, is_solved flag, resolved_at time,
         resolution text, event_type_id number, source_id number, login_id text, operation_source text,
         first_seen_at time, synced_at time, run_id id",
    ),
    (
        "failure_details",
        "failure_id id, source text, created_at time, PERSON, operation text, is_deprovision flag~, app_id number,
         app_name text, description text, error_description text, ERROR, is_solved flag, resolved_at time,
         resolution text, event_type_id number, source_id number, login_id text, operation_source text,
         first_seen_at time, synced_at time, run_id id, outcome text, twin_of id, is_twin flag~",
    ),
    (
        "cases",
        "case_id id, status text~, PERSON, operation text, is_deprovision flag~, app_id number, app_name text,
         is_skipped flag, opened_at time, last_failure_at time, last_failure_id id, attempts number,
         error_description text, ERROR, resolved_at time, resolved_by text, resolve_seconds number~,
         hours_open number~",
    ),
    (
        "open_cases",
        "case_id id, status text~, PERSON, operation text, is_deprovision flag~, app_id number, app_name text,
         is_skipped flag, opened_at time, last_failure_at time, last_failure_id id, attempts number,
         error_description text, ERROR, hours_open number~",
    ),
    (
        "open_failures",
        "failure_id id, source text, created_at time, PERSON, operation text, is_deprovision flag~, app_id number,
         app_name text, description text, error_description text, ERROR, is_solved flag, resolved_at time,
         resolution text, event_type_id number, source_id number, login_id text, operation_source text,
         first_seen_at time, synced_at time, run_id id, case_id id, case_status text~",
    ),
    (
        "outstanding_deprovisioning",
        "case_id id, status text~, reason text~, PERSON, operation text, app_id number, app_name text,
         opened_at time, due_at time~, is_overdue flag~, hours_open number~, last_failure_at time, attempts number,
         error_description text, ERROR, as_of time~",
    ),
    (
        "retry_list",
        "case_id id, status text~, app_id number, app_name text, operation text, PERSON, retryable text,
         error_class text, recommended_action text, last_failure_at time, attempts number",
    ),
    ("failures_daily", "day day, app_name text~, operation text, failures number~, opened number~, resolved number~"),
    (
        "backlog_daily",
        "day day, app_name text~, operation text, is_deprovision flag~, unresolved_at_end number~, is_known flag~",
    ),
    (
        "success_rate",
        "day day, app_name text~, operation text, attempts number~, successes number~, failures number~,
         skipped number~, success_rate share~",
    ),
    (
        "failures_by_app",
        "app_id number, app_name text~, failures_7_days number~, failures_30_days number~, people_30_days number~,
         open_cases number~, unknown_cases number~, last_failure_at time~",
    ),
    (
        "failures_by_error_class",
        "error_class text~, retryable text~, recommended_action text~, failures_7_days number~,
         failures_30_days number~, people_30_days number~, apps_30_days number~, last_failure_at time~",
    ),
    (
        "repeat_users",
        "PERSON, failures_30_days number~, apps_30_days number~, open_cases number~, unknown_cases number~,
         first_failure_at time~, last_failure_at time~",
    ),
    (
        "app_incidents",
        "incident_id id~, kind text~, app_id number, app_name text~, error_fingerprint text~, error_class text~,
         started_at time~, ended_at time~, is_ongoing flag~, failures number~, people number~",
    ),
    (
        "time_to_resolve",
        "month day, app_name text, operation text, cases number~, median_seconds number~, p90_seconds number~",
    ),
    (
        "person_timeline",
        "PERSON, created_at time, kind text, operation text, app_id number, app_name text, error_description text,
         error_class text~, event_id id, source text",
    ),
    (
        "new_errors",
        "error_fingerprint text, example text, error_class text, retryable text, recommended_action text,
         first_failure_at time, last_failure_at time, failures number",
    ),
    ("silent_apps", "app_name text, last_event_day day~, days_silent number~, active_days_28 number~"),
    ("data_quality", "check_name text~, failures_30_days number~, failures_checked number~"),
    (
        "sync_health",
        "source text, read_from text, high_water_mark time, scanned_through time, mark_age_seconds number~,
         scan_age_seconds number~, last_run_id id, last_run_status text, last_run_started_at time,
         last_run_finished_at time, last_run_exit_code int, last_run_error text, open_rejects number~,
         people_pending number~, successes_from time, successes_through time, is_watermark_ahead flag~,
         is_rebuilding flag",
    ),
    ("coverage_gaps", "source text, gap_from time~, gap_to time, gap_seconds number~"),
    (
        "lateness",
        "source text, late_failures number~, failures_checked number~, median_seconds number~, p90_seconds number~,
         p99_seconds number~, max_seconds number~",
    ),
    (
        "ocsf_account_change",
        "failure_id id, category_uid number~, class_uid number~, activity_id number~, type_uid number~,
         status_id number~, severity_id number~, time number~, metadata_version text~, metadata_product_name text~,
         metadata_original_time text, user_uid text~, user_name text, user_email_addr text, app_uid text~,
         app_name text, status_detail text, unmapped_source text",
    ),
];
const PERSON: &str =
    "user_id number, display_name text, email text, username text, firstname text, lastname text";
const ERROR: &str =
    "error_fingerprint text~, error_class text~, retryable text~, recommended_action text~";

/// The type of a kind in Postgres, and as declared in SQLite.
fn types(kind: &str) -> [&'static str; 2] {
    match kind {
        "id" => ["uuid", "uuid"],
        "text" => ["text", "text"],
        "time" => ["timestamp with time zone", "datetime"],
        "day" => ["date", "date"],
        "number" => ["bigint", "integer"],
        "int" => ["integer", "integer"],
        "flag" => ["boolean", "boolean"],
        "share" => ["double precision", "real"],
        _ => panic!("{kind} is no kind"),
    }
}

on_both!(the_columns_that_scripts_rely_on_come_first_in_their_order_and_have_their_types, |db| {
    database(db, &Rows::default());
    for (view, columns) in CONTRACT {
        let columns = columns.replace("PERSON", PERSON).replace("ERROR", ERROR);
        let expected: Vec<(&str, &str)> = columns
            .split(',')
            .map(|column| column.trim().split_once(' ').expect("a name and a kind"))
            .collect();
        let actual = match db {
            Db::Sqlite(_) => {
                format!("select name, lower(type) from pragma_table_info('{view}') order by cid")
            }
            Db::Postgres(_) => format!(
                "select column_name, data_type from information_schema.columns
                 where table_name = '{view}' order by ordinal_position"
            ),
        };
        let actual = db.rows(&actual);
        assert_eq!(actual[0], ["account", "text"], "{view}");
        let names: Vec<&str> =
            actual[1..].iter().map(|row| row[0].as_str()).take(expected.len()).collect();
        assert_eq!(names, expected.iter().map(|(name, _)| *name).collect::<Vec<_>>(), "{view}");
        for ((name, kind), row) in expected.iter().zip(&actual[1..]) {
            let is_expression = kind.ends_with('~');
            let [postgres, sqlite] = types(kind.trim_end_matches('~'));
            match db {
                Db::Postgres(_) => assert_eq!(row[1], postgres, "{view}.{name}"),
                Db::Sqlite(_) if !is_expression => assert_eq!(row[1], sqlite, "{view}.{name}"),
                Db::Sqlite(_) => {}
            }
        }
    }
});
