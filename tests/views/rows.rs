//! Rows of the tables, put in by SQL: the same text for both databases.

use std::fmt::{Display, Write as _};

use crate::support::tables::Db;

/// The account of all rows that name no other.
pub(super) const ACCOUNT: &str = "acme";

/// An app: its id and its name, as far as a source gives them.
pub(super) type App = (Option<i64>, Option<&'static str>);
pub(super) const WIKI: App = (Some(1), Some("Wiki"));
pub(super) const MAIL: App = (Some(2), Some("Mail"));
pub(super) const NO_APP: App = (None, None);

/// Statements that insert rows.
#[derive(Default)]
pub(super) struct Rows(String);

/// A failure, or a skipped attempt.
#[derive(Clone)]
pub(super) struct Failure {
    pub(super) account: &'static str,
    /// Its id, and its place in the order of time.
    pub(super) n: u32,
    pub(super) at: &'static str,
    pub(super) source: &'static str,
    pub(super) user: Option<i64>,
    pub(super) operation: &'static str,
    pub(super) app: App,
    /// The fingerprint of its error.
    pub(super) error: Option<&'static str>,
    pub(super) outcome: &'static str,
    pub(super) twin_of: Option<u32>,
    pub(super) solved: Option<bool>,
    pub(super) resolved_at: Option<&'static str>,
    pub(super) first_seen_at: &'static str,
    pub(super) is_late: bool,
}

/// A failed suspension of user 1 in Wiki.
pub(super) const FAILED: Failure = Failure {
    account: ACCOUNT,
    n: 0,
    at: "",
    source: "events",
    user: Some(1),
    operation: "suspend",
    app: WIKI,
    error: Some("e1"),
    outcome: "failed",
    twin_of: None,
    solved: None,
    resolved_at: None,
    first_seen_at: "03-21 00:00:00",
    is_late: false,
};

#[derive(Clone)]
pub(super) struct Success {
    pub(super) n: u32,
    pub(super) at: &'static str,
    pub(super) user: Option<i64>,
    pub(super) operation: &'static str,
    pub(super) app: App,
}

#[derive(Clone)]
pub(super) struct Case {
    pub(super) account: &'static str,
    /// Its first and its last failure.
    pub(super) of: (u32, u32),
    /// Their times.
    pub(super) at: (&'static str, &'static str),
    pub(super) user: i64,
    pub(super) operation: &'static str,
    pub(super) app: App,
    pub(super) is_skipped: bool,
    pub(super) attempts: u32,
    pub(super) error: Option<&'static str>,
    /// The time and kind of its resolution.
    pub(super) resolved: Option<(&'static str, &'static str)>,
    pub(super) is_timed: bool,
}

/// A case of user 1, whose account in Wiki could not be suspended.
pub(super) const CASE: Case = Case {
    account: ACCOUNT,
    of: (0, 0),
    at: ("", ""),
    user: 1,
    operation: "suspend",
    app: WIKI,
    is_skipped: false,
    attempts: 1,
    error: Some("e1"),
    resolved: None,
    is_timed: true,
};

/// The id with this number. Ids sort by it.
pub(super) fn id(n: u32) -> String {
    format!("00000000-0000-8000-8000-{n:012}")
}

/// A time of 2026: `03-20 11:00:00`, also with milliseconds, or one with a year.
pub(super) fn time(text: &str) -> String {
    let fraction = if text.contains('.') { "" } else { ".000" };
    format!("{}{fraction}+00:00", dated(text))
}

/// A text that begins with a date: of 2026, if it has no year.
fn dated(text: &str) -> String {
    let year = if text.find('-') == Some(4) { "" } else { "2026-" };
    format!("{year}{text}")
}

impl Rows {
    /// The rows, and an account whose events were read up to this time, with every success since then.
    pub(super) fn account(self, account: &str, scanned: &str, successes_from: &str) -> Self {
        let (scanned, from) = (quoted(&time(scanned)), quoted(&time(successes_from)));
        self.add(
            "accounts (account)",
            &[&quoted(account)],
        )
        .add(
            "watermarks (account, source, scanned_through, lease_token, updated_at, successes_from, successes_through)",
            &[&quoted(account), &"'events'", &scanned, &1, &scanned, &from, &scanned],
        )
    }

    pub(super) fn user(self, user: i64, first: &str, last: &str) -> Self {
        let text = |text: String| quoted(&text);
        let (seen, run) = (text(time("03-01 00:00:00")), text(id(0)));
        self.add(
            "users (account, user_id, email, username, firstname, lastname, display_name, last_failure_id,
                last_failure_at, first_seen_at, synced_at, run_id, profile_at)",
            &[
                &quoted(ACCOUNT),
                &user,
                &text(format!("{first}@acme.com").to_lowercase()),
                &text(first.to_lowercase()),
                &quoted(first),
                &quoted(last),
                &text(format!("{first} {last}")),
                &run,
                &seen,
                &seen,
                &seen,
                &run,
                &seen,
            ],
        )
    }

    pub(super) fn failure(self, failure: &Failure) -> Self {
        let seen = quoted(&time(failure.first_seen_at));
        let text = |text: String| quoted(&text);
        let (app_id, app_name) = failure.app;
        self.add(
            "provisioning_failures (account, failure_id, source, source_id, user_id, operation, operation_source,
                app_id, app_name, event_type_id, created_at, created_at_raw, description, error_description,
                content_hash, first_seen_at, synced_at, run_id, outcome, error_fingerprint, twin_of, solved,
                resolved_at, is_late)",
            &[
                &quoted(failure.account),
                &text(id(failure.n)),
                &quoted(failure.source),
                &failure.n,
                &or_null(failure.user),
                &quoted(failure.operation),
                &"'event_type'",
                &or_null(app_id),
                &or_null(app_name.map(quoted)),
                &61,
                &text(time(failure.at)),
                &"'raw'",
                &"'it failed'",
                &text(format!("reason {}", failure.n)),
                &1,
                &seen,
                &seen,
                &text(id(0)),
                &quoted(failure.outcome),
                &or_null(failure.error.map(quoted)),
                &or_null(failure.twin_of.map(|n| quoted(&id(n)))),
                &or_null(failure.solved),
                &or_null(failure.resolved_at.map(|at| quoted(&time(at)))),
                &failure.is_late,
            ],
        )
    }

    pub(super) fn success(self, success: &Success) -> Self {
        self.success_of(ACCOUNT, success)
    }

    pub(super) fn success_of(self, account: &str, success: &Success) -> Self {
        let (seen, run) = (quoted(&time("03-21 00:00:00")), quoted(&id(0)));
        let (app_id, app_name) = success.app;
        self.add(
            "provisioning_successes (account, success_id, source, source_id, user_id, operation, app_id, app_name,
                event_type_id, created_at, created_at_raw, content_hash, first_seen_at, synced_at, run_id)",
            &[
                &quoted(account),
                &quoted(&id(success.n)),
                &"'events'",
                &success.n,
                &or_null(success.user),
                &quoted(success.operation),
                &or_null(app_id),
                &or_null(app_name.map(quoted)),
                &51,
                &quoted(&time(success.at)),
                &"'raw'",
                &1,
                &seen,
                &seen,
                &run,
            ],
        )
    }

    pub(super) fn case(self, case: &Case) -> Self {
        let (app_id, app_name) = case.app;
        self.add(
            "provisioning_cases (account, case_id, user_id, app_id, app_name, operation, is_skipped, opened_at,
                last_failure_at, last_failure_id, attempts, error_fingerprint, resolved_at, resolved_by,
                is_resolution_timed)",
            &[
                &quoted(case.account),
                &quoted(&id(case.of.0)),
                &case.user,
                &or_null(app_id),
                &or_null(app_name.map(quoted)),
                &quoted(case.operation),
                &case.is_skipped,
                &quoted(&time(case.at.0)),
                &quoted(&time(case.at.1)),
                &quoted(&id(case.of.1)),
                &case.attempts,
                &or_null(case.error.map(quoted)),
                &or_null(case.resolved.map(|(at, _)| quoted(&time(at)))),
                &or_null(case.resolved.map(|(_, by)| quoted(by))),
                &case.is_timed,
            ],
        )
    }

    /// The rows, and an error with its class, and the times of its first and last failure.
    pub(super) fn error(self, error: &str, class: [&str; 3], at: [&str; 2], failures: u32) -> Self {
        let [class, retryable, action] = class.map(quoted);
        let [first, last] = at.map(|at| quoted(&time(at)));
        let name = quoted(error);
        self.add(
            "error_texts (account, error_fingerprint, text, example, error_class, retryable, recommended_action,
                first_failure_at, last_failure_at, failures)",
            &[&quoted(ACCOUNT), &name, &name, &name, &class, &retryable, &action, &first, &last, &failures],
        )
    }

    /// The rows, and the numbers of a day: failures, successes, skipped, opened, resolved.
    pub(super) fn day(self, key: [&str; 4], counts: [u32; 5]) -> Self {
        let [day, app, operation, error] = key;
        let [failures, successes, skipped, opened, resolved] = counts;
        self.add(
            "failures_by_day (account, day, app_name, operation, error_fingerprint, failures, successes, skipped,
                opened, resolved)",
            &[
                &quoted(ACCOUNT),
                &quoted(&dated(day)),
                &quoted(app),
                &quoted(operation),
                &quoted(error),
                &failures,
                &successes,
                &skipped,
                &opened,
                &resolved,
            ],
        )
    }

    /// The rows, and one given by its columns and values.
    pub(super) fn add(mut self, columns: &str, values: &[&dyn Display]) -> Self {
        let values: Vec<String> = values.iter().map(ToString::to_string).collect();
        writeln!(self.0, "insert into {columns} values ({});", values.join(", ")).expect("memory");
        self
    }

    pub(super) fn insert(&self, db: &Db) {
        db.execute(&self.0);
        db.count_apps();
    }
}

/// A text in SQL.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn or_null(value: Option<impl Display>) -> String {
    value.map_or_else(|| "null".to_owned(), |value| value.to_string())
}
