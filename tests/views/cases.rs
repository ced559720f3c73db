//! Cases, and the lists of those that nothing has closed.

use crate::support::tables::{NULL, assert_rows, on_both};

use super::rows::{CASE, Case, FAILED, Failure, MAIL, Rows, WIKI};
use super::{database, rows_of, short};

/// Cases of every status; successes are known from 10 March on.
fn of_every_status() -> Rows {
    Rows::default()
        .account("acme", "03-21 00:00:00", "03-10 00:00:00")
        .account("other", "2025-01-01 00:00:00", "2024-12-31 00:00:00")
        .user(1, "Ann", "Lee")
        .error(
            "e1",
            ["permission", "no", "Give the right"],
            ["03-09 23:59:59.999", "03-21 00:00:00"],
            6,
        )
        .error("e2", ["timeout", "yes", "Repeat it"], ["03-20 12:00:00", "03-20 12:00:00"], 1)
        .error("e3", ["rate_limited", "later", "Wait"], ["03-20 12:00:00", "03-20 12:00:00"], 1)
        .failure(&Failure { n: 2, at: "03-20 12:00:00", ..FAILED })
        // Before the successes; at their first and last moment.
        .case(&Case {
            of: (1, 1),
            at: ("03-09 23:59:59.999", "03-09 23:59:59.999"),
            operation: "delete",
            app: MAIL,
            ..CASE
        })
        .case(&Case {
            of: (2, 2),
            at: ("03-20 11:00:00.250", "03-20 12:00:00"),
            attempts: 2,
            error: Some("e2"),
            ..CASE
        })
        .case(&Case {
            of: (3, 3),
            at: ("03-10 00:00:00", "03-10 00:00:00"),
            operation: "create",
            error: Some("e3"),
            ..CASE
        })
        .case(&Case { of: (4, 4), at: ("03-19 23:59:59.999", "03-21 00:00:00"), user: 2, ..CASE })
        .case(&Case {
            of: (5, 6),
            at: ("03-20 10:00:00", "03-20 10:30:00"),
            operation: "create",
            error: Some("e2"),
            resolved: Some(("03-20 11:00:00.999", "success")),
            ..CASE
        })
        // Due at the very time that is taken for now.
        .case(&Case {
            of: (7, 7),
            at: ("03-20 00:00:00", "03-20 00:00:00"),
            user: 2,
            is_skipped: true,
            attempts: 0,
            error: None,
            ..CASE
        })
        .case(&Case {
            account: "other",
            of: (8, 8),
            at: ("2024-12-31 22:00:00", "2024-12-31 23:00:00"),
            ..CASE
        })
}

const READ: &str = "Read the error in the app's own log";
const BY_HAND: &str = "Remove the access in the app by hand";
const ANN: [&str; 6] = ["1", "Ann Lee", "ann@acme.com", "ann", "Ann", "Lee"];
const ONE: [&str; 6] = ["1", NULL, NULL, NULL, NULL, NULL];
const TWO: [&str; 6] = ["2", NULL, NULL, NULL, NULL, NULL];
const PERSON: &str = "user_id, display_name, email, username, firstname, lastname";

on_both!(a_case_is_resolved_open_or_unknown, |db| {
    database(db, &of_every_status());

    let ids = short("case_id, last_failure_id");
    let columns = format!(
        "account, {ids}, status, {PERSON}, operation, is_deprovision, app_id, app_name, is_skipped, opened_at,
         last_failure_at, attempts, error_description, error_fingerprint, error_class, retryable,
         recommended_action"
    );
    let resolution = "resolved_at, resolved_by, resolve_seconds";
    let rows = rows_of(
        db,
        &format!("select {columns}, {resolution}, hours_open from cases order by account, case_id"),
    );

    let case =
        |keys: [&'static str; 4],
         person: [&'static str; 6],
         rest: [&'static str; 13],
         end: [&'static str; 4]| { [&keys[..], &person, &rest, &end].concat() };
    let (permission, action) = ("permission", "Give the right");
    #[rustfmt::skip]
    let expected = [
        case(["acme", "001", "001", "unknown"], ANN, ["delete", "1", "2", "Mail", "0", "2026-03-09 23:59:59.999+00:00",
            "2026-03-09 23:59:59.999+00:00", "1", NULL, "e1", permission, "no", action], [NULL, NULL, NULL, "264"]),
        case(["acme", "002", "002", "open"], ANN, ["suspend", "1", "1", "Wiki", "0", "2026-03-20 11:00:00.250+00:00",
            "2026-03-20 12:00:00.000+00:00", "2", "reason 2", "e2", "timeout", "yes", "Repeat it"], [NULL, NULL, NULL, "12"]),
        case(["acme", "003", "003", "open"], ANN, ["create", "0", "1", "Wiki", "0", "2026-03-10 00:00:00.000+00:00",
            "2026-03-10 00:00:00.000+00:00", "1", NULL, "e3", "rate_limited", "later", "Wait"], [NULL, NULL, NULL, "264"]),
        case(["acme", "004", "004", "unknown"], TWO, ["suspend", "1", "1", "Wiki", "0", "2026-03-19 23:59:59.999+00:00",
            "2026-03-21 00:00:00.000+00:00", "1", NULL, "e1", permission, "no", action], [NULL, NULL, NULL, "24"]),
        case(["acme", "005", "006", "resolved"], ANN, ["create", "0", "1", "Wiki", "0", "2026-03-20 10:00:00.000+00:00",
            "2026-03-20 10:30:00.000+00:00", "1", NULL, "e2", "timeout", "yes", "Repeat it"],
            ["2026-03-20 11:00:00.999+00:00", "success", "3600", "1"]),
        case(["acme", "007", "007", "open"], TWO, ["suspend", "1", "1", "Wiki", "1", "2026-03-20 00:00:00.000+00:00",
            "2026-03-20 00:00:00.000+00:00", "0", NULL, "", "unknown", "no", BY_HAND], [NULL, NULL, NULL, "24"]),
        case(["other", "008", "008", "open"], ONE, ["suspend", "1", "1", "Wiki", "0", "2024-12-31 22:00:00.000+00:00",
            "2024-12-31 23:00:00.000+00:00", "1", NULL, "e1", "unknown", "no", READ], [NULL, NULL, NULL, "2"]),
    ];
    assert_rows(&rows, &expected.iter().map(Vec::as_slice).collect::<Vec<_>>());

    let unresolved = rows_of(
        db,
        &format!("select {columns}, hours_open from open_cases order by account, case_id"),
    );
    let expected: Vec<Vec<&str>> = expected
        .iter()
        .filter(|case| case[3] != "resolved")
        .map(|case| [&case[..case.len() - 4], &case[case.len() - 1..]].concat())
        .collect();
    assert_rows(&unresolved, &expected.iter().map(Vec::as_slice).collect::<Vec<_>>());
});

on_both!(who_may_still_have_access_is_listed_with_what_is_overdue, |db| {
    database(db, &of_every_status());

    let id = short("case_id");
    let rows = rows_of(db, &format!(
        "select account, {id}, status, reason, {PERSON}, operation, app_id, app_name, opened_at, due_at, is_overdue,
             hours_open, last_failure_at, attempts, error_description, error_fingerprint, error_class, retryable,
             recommended_action, as_of
         from outstanding_deprovisioning order by account, case_id"
    ));

    let case = |keys: [&'static str; 4], person: [&'static str; 6], rest: [&'static str; 15]| {
        [&keys[..], &person, &rest].concat()
    };
    let (permission, action, now) =
        ("permission", "Give the right", "2026-03-21 00:00:00.000+00:00");
    #[rustfmt::skip]
    let expected = [
        case(["acme", "001", "unknown", "failed"], ANN, ["delete", "2", "Mail", "2026-03-09 23:59:59.999+00:00",
            "2026-03-10 23:59:59.999+00:00", "1", "264", "2026-03-09 23:59:59.999+00:00", "1", NULL, "e1", permission, "no", action, now]),
        case(["acme", "002", "open", "failed"], ANN, ["suspend", "1", "Wiki", "2026-03-20 11:00:00.250+00:00",
            "2026-03-21 11:00:00.250+00:00", "0", "12", "2026-03-20 12:00:00.000+00:00", "2", "reason 2", "e2", "timeout", "yes", "Repeat it", now]),
        case(["acme", "004", "unknown", "failed"], TWO, ["suspend", "1", "Wiki", "2026-03-19 23:59:59.999+00:00",
            "2026-03-20 23:59:59.999+00:00", "1", "24", now, "1", NULL, "e1", permission, "no", action, now]),
        case(["acme", "007", "open", "do_nothing"], TWO, ["suspend", "1", "Wiki", "2026-03-20 00:00:00.000+00:00",
            now, "0", "24", "2026-03-20 00:00:00.000+00:00", "0", NULL, "", "unknown", "no", BY_HAND, now]),
        case(["other", "008", "open", "failed"], ONE, ["suspend", "1", "Wiki", "2024-12-31 22:00:00.000+00:00",
            "2025-01-01 22:00:00.000+00:00", "0", "2", "2024-12-31 23:00:00.000+00:00", "1", NULL, "e1", "unknown", "no", READ,
            "2025-01-01 00:00:00.000+00:00"]),
    ];
    assert_rows(&rows, &expected.iter().map(Vec::as_slice).collect::<Vec<_>>());
});

on_both!(what_another_attempt_may_close_is_listed, |db| {
    database(db, &of_every_status());

    let id = short("case_id");
    let rows = rows_of(db, &format!(
        "select account, {id}, status, app_id, app_name, operation, {PERSON}, retryable, error_class,
             recommended_action, last_failure_at, attempts
         from retry_list order by account, case_id"
    ));

    let case = |keys: [&'static str; 6], rest: [&'static str; 5]| [&keys[..], &ANN, &rest].concat();
    #[rustfmt::skip]
    let expected = [
        case(["acme", "002", "open", "1", "Wiki", "suspend"], ["yes", "timeout", "Repeat it", "2026-03-20 12:00:00.000+00:00", "2"]),
        case(["acme", "003", "open", "1", "Wiki", "create"], ["later", "rate_limited", "Wait", "2026-03-10 00:00:00.000+00:00", "1"]),
    ];
    assert_rows(&rows, &expected.iter().map(Vec::as_slice).collect::<Vec<_>>());
});

/// Cases that are closed or not, with twins, a renamed app, and failures without one.
fn cases_with_failures() -> Rows {
    let named = (None, Some("Wiki"));
    let renamed = (Some(1), Some("Knowledge"));
    let failure = |n, at, app| Failure { n, at, app, ..FAILED };
    Rows::default()
        .account("acme", "03-21 00:00:00", "03-10 00:00:00")
        // Closed by a success at 12:00. Then a case of the app's id, with a twin and a renamed app, beside one by name.
        .failure(&failure(1, "03-20 11:00:00", WIKI))
        .case(&Case {
            of: (1, 1),
            at: ("03-20 11:00:00", "03-20 11:00:00"),
            resolved: Some(("03-20 12:00:00", "success")),
            ..CASE
        })
        .failure(&failure(2, "03-20 13:00:00", named))
        .failure(&failure(3, "03-20 14:00:00", (Some(9), Some("Wiki"))))
        .case(&Case {
            of: (2, 3),
            at: ("03-20 13:00:00", "03-20 14:00:00"),
            attempts: 2,
            app: named,
            ..CASE
        })
        .failure(&Failure { user: Some(2), ..failure(4, "03-20 15:00:00", WIKI) })
        .failure(&Failure {
            user: Some(2),
            twin_of: Some(4),
            source: "legacy",
            ..failure(5, "03-20 15:00:01", named)
        })
        .failure(&Failure { user: Some(2), ..failure(6, "03-20 16:00:00", renamed) })
        .case(&Case {
            user: 2,
            of: (4, 8),
            at: ("03-20 15:00:00", "03-20 18:00:00"),
            attempts: 3,
            ..CASE
        })
        .failure(&Failure { user: Some(2), ..failure(7, "03-20 17:00:00", named) })
        .failure(&Failure { user: Some(2), ..failure(8, "03-20 18:00:00", WIKI) })
        .case(&Case {
            user: 2,
            of: (7, 7),
            at: ("03-20 17:00:00", "03-20 17:00:00"),
            app: named,
            ..CASE
        })
        // In no list: a skipped attempt, another operation without a case, nobody's failure.
        .failure(&Failure {
            user: Some(3),
            outcome: "skipped",
            error: None,
            ..failure(9, "03-20 19:00:00", WIKI)
        })
        .case(&Case {
            user: 3,
            of: (9, 9),
            at: ("03-20 19:00:00", "03-20 19:00:00"),
            is_skipped: true,
            attempts: 0,
            error: None,
            ..CASE
        })
        .failure(&Failure { user: None, ..failure(10, "03-20 20:00:00", WIKI) })
        // Before successes are known.
        .failure(&Failure {
            user: Some(4),
            operation: "unknown",
            app: (None, None),
            ..failure(11, "03-20 21:00:00", WIKI)
        })
        .failure(&Failure {
            user: Some(4),
            operation: "unknown",
            ..failure(12, "03-21 00:00:00", (None, None))
        })
        .case(&Case {
            user: 4,
            operation: "unknown",
            of: (11, 12),
            at: ("03-20 21:00:00", "03-21 00:00:00"),
            attempts: 2,
            app: (None, None),
            ..CASE
        })
}

on_both!(the_failures_of_a_case_that_nothing_has_closed_are_listed, |db| {
    database(db, &cases_with_failures());

    let ids = short("failure_id, case_id");
    let rows = rows_of(
        db,
        &format!(
            "select {ids}, case_status, user_id, operation, app_id, app_name from open_failures order by failure_id"
        ),
    );

    assert_rows(
        &rows,
        &[
            &["002", "002", "open", "1", "suspend", NULL, "Wiki"],
            &["003", "002", "open", "1", "suspend", "9", "Wiki"],
            &["004", "004", "open", "2", "suspend", "1", "Wiki"],
            &["006", "004", "open", "2", "suspend", "1", "Knowledge"],
            &["007", "007", "open", "2", "suspend", NULL, "Wiki"],
            &["008", "004", "open", "2", "suspend", "1", "Wiki"],
            &["011", "011", "unknown", "4", "unknown", NULL, NULL],
            &["012", "011", "unknown", "4", "unknown", NULL, NULL],
        ],
    );
});
