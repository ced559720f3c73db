//! Failures of the last 30 days by app, error class and user.

use crate::support::tables::{NULL, assert_rows, on_both};

use super::rows::{CASE, Case, FAILED, Failure, MAIL, NO_APP, Rows, WIKI};
use super::{database, rows_of};

const FIRST: &str = "2026-02-19 00:00:00.000+00:00";

/// Read until midnight of 21 March, so that the last 7 days begin with 14 March and the last 30 with 19 February.
/// Users 1 to 3 failed in Wiki, which was renamed, and elsewhere.
fn failures() -> Rows {
    let failure = |n, at, user, app| Failure { n, at, user: Some(user), app, ..FAILED };
    Rows::default()
        .account("acme", "03-21 00:00:00", "03-10 00:00:00")
        .account("other", "03-21 00:00:00", "03-10 00:00:00")
        .user(1, "Ann", "Lee")
        .error(
            "e1",
            ["permission", "no", "Give the right"],
            ["02-18 23:59:59.999", "03-20 00:00:00"],
            6,
        )
        .error("e2", ["timeout", "yes", "Repeat it"], ["03-13 23:59:59.999", "03-14 00:00:00"], 2)
        .error("e3", ["timeout", "later", "Wait"], ["01-01 00:00:00", "01-02 00:00:00"], 2)
        .error(
            "e4",
            ["permission", "no", "Ask for the right"],
            ["03-01 00:00:00", "03-01 00:00:00"],
            1,
        )
        .failure(&failure(1, "02-18 23:59:59.999", 1, WIKI))
        .failure(&failure(2, "02-19 00:00:00", 1, WIKI))
        .failure(&failure(3, "03-01 00:00:00", 2, (Some(1), Some("Knowledge"))))
        .failure(&Failure {
            error: Some("e4"),
            ..failure(4, "03-01 00:00:00", 1, (None, Some("Wiki")))
        })
        .failure(&Failure { error: Some("e2"), ..failure(5, "03-13 23:59:59.999", 1, MAIL) })
        .failure(&Failure { error: Some("e2"), ..failure(6, "03-14 00:00:00", 1, MAIL) })
        .failure(&failure(7, "03-20 00:00:00", 3, (Some(1), Some("Knowledge"))))
        .failure(&Failure { user: None, ..failure(8, "03-20 00:00:00", 3, NO_APP) })
        // In no number: a twin, a skipped attempt, another account, a time after now, which is the app's last all the same.
        .failure(&Failure {
            source: "legacy",
            twin_of: Some(7),
            ..failure(9, "03-20 00:00:00", 3, WIKI)
        })
        .failure(&Failure {
            outcome: "skipped",
            error: None,
            ..failure(10, "03-20 00:00:00", 3, WIKI)
        })
        .failure(&Failure { account: "other", ..failure(11, "03-20 00:00:00", 3, WIKI) })
        .failure(&failure(12, "03-21 00:00:00.001", 3, WIKI))
        // Open, unknown, resolved and skipped, the last long ago.
        .case(&Case { of: (2, 2), at: ("02-19 00:00:00", "02-19 00:00:00"), ..CASE })
        .case(&Case {
            of: (7, 7),
            at: ("03-20 00:00:00", "03-20 00:00:00"),
            user: 3,
            app: (Some(1), Some("Knowledge")),
            ..CASE
        })
        .case(&Case {
            of: (3, 3),
            at: ("03-01 00:00:00", "03-01 00:00:00"),
            user: 2,
            app: (Some(1), Some("Knowledge")),
            resolved: Some(("03-02 00:00:00", "success")),
            ..CASE
        })
        .case(&Case {
            of: (4, 4),
            at: ("03-01 00:00:00", "03-01 00:00:00"),
            app: (None, Some("Wiki")),
            ..CASE
        })
        .case(&Case {
            of: (5, 6),
            at: ("03-13 23:59:59.999", "03-14 00:00:00"),
            app: MAIL,
            attempts: 2,
            ..CASE
        })
        .failure(&Failure { error: None, ..failure(20, "01-01 00:00:00", 1, (None, Some("Old"))) })
        .case(&Case {
            of: (20, 20),
            at: ("01-01 00:00:00", "01-01 00:00:00"),
            app: (None, Some("Old")),
            resolved: Some(("01-02 00:00:00", "success")),
            ..CASE
        })
        .case(&Case {
            of: (21, 21),
            at: ("03-12 00:00:00", "03-12 00:00:00"),
            app: (None, Some("Chat")),
            is_skipped: true,
            attempts: 0,
            error: None,
            ..CASE
        })
}

on_both!(an_app_has_the_name_of_its_last_failure_and_its_cases_of_all_time, |db| {
    database(db, &failures());

    let apps = rows_of(
        db,
        "select * from failures_by_app where account = 'acme' order by app_id is null, app_id, coalesce(app_name, '')",
    );

    #[rustfmt::skip]
    assert_rows(&apps, &[
        &["acme", "1", "Wiki", "1", "3", "3", "1", "1", "2026-03-21 00:00:00.001+00:00"],
        &["acme", "2", "Mail", "1", "2", "1", "1", "0", "2026-03-14 00:00:00.000+00:00"],
        &["acme", NULL, NULL, "1", "1", "0", "0", "0", "2026-03-20 00:00:00.000+00:00"],
        &["acme", NULL, "Chat", "0", "0", "0", "1", "0", NULL],
        &["acme", NULL, "Old", "0", "0", "0", "0", "0", "2026-01-01 00:00:00.000+00:00"],
        &["acme", NULL, "Wiki", "0", "1", "1", "0", "1", "2026-03-01 00:00:00.000+00:00"],
    ]);
    let other = rows_of(db, "select * from failures_by_app where account = 'other'");
    let last = "2026-03-20 00:00:00.000+00:00";
    assert_rows(&other, &[&["other", "1", "Wiki", "1", "1", "1", "0", "0", last]]);
});

on_both!(an_app_without_an_id_has_the_time_of_its_own_last_failure, |db| {
    let failure = |n, at, app| Failure { n, at, app, ..FAILED };
    let rows = Rows::default()
        .account("acme", "03-21 00:00:00", "03-10 00:00:00")
        // A case without an id, which a failure with an id continues.
        .failure(&failure(1, "03-10 00:00:00", (None, Some("Wiki"))))
        .failure(&failure(2, "03-11 00:00:00", WIKI))
        .case(&Case {
            of: (1, 2),
            at: ("03-10 00:00:00", "03-11 00:00:00"),
            app: (None, Some("Wiki")),
            attempts: 2,
            ..CASE
        })
        // A case that began with another name of the app.
        .failure(&failure(3, "03-12 00:00:00", (Some(7), Some("Zoo"))))
        .failure(&failure(4, "03-13 00:00:00", (Some(7), Some("Aviary"))))
        .case(&Case {
            of: (3, 4),
            at: ("03-12 00:00:00", "03-13 00:00:00"),
            app: (Some(7), Some("Zoo")),
            attempts: 2,
            ..CASE
        });
    database(db, &rows);

    let apps = rows_of(
        db,
        "select app_id, app_name, failures_30_days, open_cases, last_failure_at from failures_by_app
         order by last_failure_at",
    );

    assert_rows(
        &apps,
        &[
            &[NULL, "Wiki", "1", "1", "2026-03-10 00:00:00.000+00:00"],
            &["1", "Wiki", "1", "0", "2026-03-11 00:00:00.000+00:00"],
            &["7", "Aviary", "2", "1", "2026-03-13 00:00:00.000+00:00"],
        ],
    );
});

// Regression: an app that failed longer ago than 30 days was left out if the failure had no person, and had the time of
// a failure that another app had in its case.
on_both!(an_app_that_failed_long_ago_is_listed_with_its_own_last_failure, |db| {
    let failure = |n, at, user, app| Failure { n, at, user, app, ..FAILED };
    let rows = Rows::default()
        .account("acme", "03-21 00:00:00", "03-10 00:00:00")
        // Without a person, the second with another name and later than that of a person.
        .failure(&failure(1, "01-01 00:00:00", Some(1), (Some(5), Some("Zoo"))))
        .failure(&failure(2, "01-02 23:59:59.999", None, (Some(5), Some("Aviary"))))
        .failure(&failure(3, "01-03 00:00:00", None, (None, Some("Attic"))))
        .failure(&failure(4, "01-03 00:00:00", None, NO_APP))
        .case(&Case {
            of: (1, 1),
            at: ("01-01 00:00:00", "01-01 00:00:00"),
            app: (Some(5), Some("Zoo")),
            resolved: Some(("01-05 00:00:00", "success")),
            ..CASE
        })
        // A case without an id, which failures of two apps of its name continue.
        .failure(&failure(5, "01-04 00:00:00", Some(1), (None, Some("Wiki"))))
        .failure(&failure(6, "01-05 00:00:00", Some(1), WIKI))
        .failure(&failure(7, "01-06 00:00:00", Some(1), (Some(8), Some("Wiki"))))
        .case(&Case {
            of: (5, 7),
            at: ("01-04 00:00:00", "01-06 00:00:00"),
            app: (None, Some("Wiki")),
            attempts: 3,
            resolved: Some(("01-07 00:00:00", "success")),
            ..CASE
        })
        // Never failed: no attempt was made, and another failure is that of a better source.
        .failure(&Failure {
            outcome: "skipped",
            error: None,
            ..failure(8, "01-08 00:00:00", Some(1), (Some(9), Some("Skipped")))
        })
        .case(&Case {
            of: (8, 8),
            at: ("01-08 00:00:00", "01-08 00:00:00"),
            app: (Some(9), Some("Skipped")),
            is_skipped: true,
            attempts: 0,
            error: None,
            resolved: Some(("01-09 00:00:00", "success")),
            ..CASE
        })
        .failure(&Failure {
            source: "legacy",
            twin_of: Some(7),
            ..failure(9, "01-06 00:00:00", Some(1), (None, Some("Renamed")))
        });
    database(db, &rows);

    let apps = rows_of(
        db,
        "select app_id, app_name, failures_30_days, open_cases + unknown_cases, last_failure_at from failures_by_app
         order by app_id is null, app_id, app_name is null, app_name",
    );

    #[rustfmt::skip]
    assert_rows(&apps, &[
        &["1", "Wiki", "0", "0", "2026-01-05 00:00:00.000+00:00"],
        &["5", "Aviary", "0", "0", "2026-01-02 23:59:59.999+00:00"],
        &["8", "Wiki", "0", "0", "2026-01-06 00:00:00.000+00:00"],
        &[NULL, "Attic", "0", "0", "2026-01-03 00:00:00.000+00:00"],
        &[NULL, "Wiki", "0", "0", "2026-01-04 00:00:00.000+00:00"],
        &[NULL, NULL, "0", "0", "2026-01-03 00:00:00.000+00:00"],
    ]);
});

on_both!(a_class_has_a_row_for_each_way_to_retry, |db| {
    database(db, &failures());

    let classes = rows_of(
        db,
        "select * from failures_by_error_class order by account, error_class, retryable",
    );

    // What has no text of its own yet is unknown.
    let read = "Read the error in the app's own log";
    #[rustfmt::skip]
    assert_rows(&classes, &[
        &["acme", "permission", "no", "Give the right", "2", "5", "3", "2", "2026-03-20 00:00:00.000+00:00"],
        &["acme", "timeout", "later", "Wait", "0", "0", "0", "0", "2026-01-02 00:00:00.000+00:00"],
        &["acme", "timeout", "yes", "Repeat it", "1", "2", "1", "1", "2026-03-14 00:00:00.000+00:00"],
        &["other", "unknown", "no", read, "1", "1", "1", "1", "2026-03-20 00:00:00.000+00:00"],
    ]);
});

on_both!(a_user_with_three_failures_in_30_days_is_listed, |db| {
    let third = Failure { n: 13, at: "03-02 00:00:00", user: Some(2), ..FAILED };
    let rows = failures()
        .failure(&third)
        .failure(&Failure { n: 14, ..third.clone() })
        .failure(&Failure { n: 15, at: "02-18 00:00:00", user: Some(3), ..FAILED });
    database(db, &rows);

    let users = rows_of(db, "select * from repeat_users order by user_id");

    // User 1: three apps, for Wiki without an id is another; user 2: exactly three; user 3: two, and one too early.
    let (march, second) = ("2026-03-14 00:00:00.000+00:00", "2026-03-02 00:00:00.000+00:00");
    #[rustfmt::skip]
    assert_rows(&users, &[
        &["acme", "1", "Ann Lee", "ann@acme.com", "ann", "Ann", "Lee", "4", "3", "2", "2", FIRST, march],
        &["acme", "2", NULL, NULL, NULL, NULL, NULL, "3", "1", "0", "0", "2026-03-01 00:00:00.000+00:00", second],
    ]);
});
