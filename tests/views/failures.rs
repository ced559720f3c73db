//! Failures one by one: each once, of each source, per user, as OCSF.

use crate::support::tables::{NULL, assert_rows, on_both};

use super::rows::{FAILED, Failure, MAIL, NO_APP, Rows, Success, WIKI};
use super::{database, rows_of, short};

/// A failure of both sources, one without user and app, a skipped attempt, one of another account, a success.
fn of_every_kind() -> Rows {
    Rows::default()
        .account("acme", "03-21 00:00:00", "03-01 00:00:00")
        .account("other", "03-21 00:00:00", "03-01 00:00:00")
        .user(1, "Ann", "Lee")
        .error(
            "e1",
            ["permission", "no", "Give the right"],
            ["03-20 11:00:00", "03-20 11:00:00"],
            1,
        )
        .failure(&Failure {
            n: 1,
            at: "03-20 11:00:00.250",
            solved: Some(true),
            resolved_at: Some("03-20 12:00:00"),
            ..FAILED
        })
        .failure(&Failure {
            n: 2,
            at: "03-20 11:00:01",
            source: "legacy",
            app: (None, Some("Wiki")),
            twin_of: Some(1),
            ..FAILED
        })
        .failure(&Failure {
            n: 3,
            at: "03-20 12:00:00",
            user: None,
            app: NO_APP,
            operation: "unknown",
            error: None,
            ..FAILED
        })
        .failure(&Failure { n: 4, at: "03-20 13:00:00", outcome: "skipped", error: None, ..FAILED })
        .failure(&Failure { n: 5, at: "03-20 14:00:00", account: "other", ..FAILED })
        .success(&Success {
            n: 6,
            at: "03-20 15:00:00",
            user: Some(1),
            operation: "suspend",
            app: WIKI,
        })
        .success(&Success {
            n: 7,
            at: "03-20 16:00:00",
            user: Some(9),
            operation: "create",
            app: MAIL,
        })
}

const READ: &str = "Read the error in the app's own log";

on_both!(each_failure_is_once_in_failures, |db| {
    database(db, &of_every_kind());

    let ids = short("failure_id");
    let rows = rows_of(db, &format!(
        "select account, {ids}, source, created_at, user_id, display_name, email, username, firstname, lastname,
             operation, is_deprovision, app_id, app_name, description, error_description, error_fingerprint,
             error_class, retryable, recommended_action, is_solved, resolved_at, resolution, event_type_id,
             source_id, login_id, operation_source, first_seen_at, synced_at
         from failures order by failure_id"
    ));

    let seen = "2026-03-21 00:00:00.000+00:00";
    #[rustfmt::skip]
    assert_rows(&rows, &[
        &["acme", "001", "events", "2026-03-20 11:00:00.250+00:00", "1", "Ann Lee", "ann@acme.com", "ann", "Ann", "Lee",
          "suspend", "1", "1", "Wiki", "it failed", "reason 1", "e1", "permission", "no", "Give the right", "1",
          "2026-03-20 12:00:00.000+00:00", NULL, "61", "1", NULL, "event_type", seen, seen],
        &["acme", "003", "events", "2026-03-20 12:00:00.000+00:00", NULL, NULL, NULL, NULL, NULL, NULL,
          "unknown", "0", NULL, NULL, "it failed", "reason 3", "", "unknown", "no", READ, NULL,
          NULL, NULL, "61", "3", NULL, "event_type", seen, seen],
        &["other", "005", "events", "2026-03-20 14:00:00.000+00:00", "1", NULL, NULL, NULL, NULL, NULL,
          "suspend", "1", "1", "Wiki", "it failed", "reason 5", "e1", "unknown", "no", READ, NULL,
          NULL, NULL, "61", "5", NULL, "event_type", seen, seen],
    ]);
});

on_both!(failure_details_has_twins_and_skipped_attempts_too, |db| {
    database(db, &of_every_kind());

    let ids = [short("failure_id"), short("twin_of")];
    let rows = rows_of(
        db,
        &format!(
            "select account, {}, source, outcome, {}, is_twin, app_id, display_name, error_class
         from failure_details order by failure_id",
            ids[0], ids[1]
        ),
    );

    assert_rows(
        &rows,
        &[
            &["acme", "001", "events", "failed", NULL, "0", "1", "Ann Lee", "permission"],
            &["acme", "002", "legacy", "failed", "001", "1", NULL, "Ann Lee", "permission"],
            &["acme", "003", "events", "failed", NULL, "0", NULL, NULL, "unknown"],
            &["acme", "004", "events", "skipped", NULL, "0", "1", "Ann Lee", "unknown"],
            &["other", "005", "events", "failed", NULL, "0", "1", NULL, "unknown"],
        ],
    );
});

on_both!(the_timeline_of_a_person_has_failures_skipped_attempts_and_successes, |db| {
    database(db, &of_every_kind());

    let ids = short("event_id");
    let rows = rows_of(db, &format!(
        "select account, user_id, display_name, email, username, firstname, lastname, created_at, kind, operation,
             app_id, app_name, error_description, error_class, {ids}, source
         from person_timeline order by account, created_at, event_id"
    ));

    let ann = ["1", "Ann Lee", "ann@acme.com", "ann", "Ann", "Lee"];
    let nobody = [NULL; 6];
    let event = |account, person: [&'static str; 6], rest: [&'static str; 9]| {
        [&[account][..], &person, &rest].concat()
    };
    let (one, nine) = (["1", NULL, NULL, NULL, NULL, NULL], ["9", NULL, NULL, NULL, NULL, NULL]);
    #[rustfmt::skip]
    let expected = [
        event("acme", ann, ["2026-03-20 11:00:00.250+00:00", "failed", "suspend", "1", "Wiki", "reason 1", "permission", "001", "events"]),
        event("acme", nobody, ["2026-03-20 12:00:00.000+00:00", "failed", "unknown", NULL, NULL, "reason 3", "unknown", "003", "events"]),
        event("acme", ann, ["2026-03-20 13:00:00.000+00:00", "skipped", "suspend", "1", "Wiki", "reason 4", "unknown", "004", "events"]),
        event("acme", ann, ["2026-03-20 15:00:00.000+00:00", "success", "suspend", "1", "Wiki", NULL, NULL, "006", "events"]),
        event("acme", nine, ["2026-03-20 16:00:00.000+00:00", "success", "create", "2", "Mail", NULL, NULL, "007", "events"]),
        event("other", one, ["2026-03-20 14:00:00.000+00:00", "failed", "suspend", "1", "Wiki", "reason 5", "unknown", "005", "events"]),
    ];
    assert_rows(&rows, &expected.iter().map(Vec::as_slice).collect::<Vec<_>>());
});

on_both!(a_failure_is_an_account_change_of_ocsf, |db| {
    let operations = ["create", "reactivate", "suspend", "delete", "update", "unknown"];
    let rows = operations.iter().zip(10..).fold(of_every_kind(), |rows, (operation, n)| {
        rows.failure(&Failure { n, at: "03-20 20:00:00.007", operation, ..FAILED })
    });
    database(db, &rows);

    let ids = short("failure_id");
    let rows = rows_of(db, &format!(
        "select account, {ids}, category_uid, class_uid, activity_id, type_uid, status_id, severity_id, time,
             metadata_version, metadata_product_name, metadata_original_time, user_uid, user_name, user_email_addr,
             app_uid, app_name, status_detail, unmapped_source
         from ocsf_account_change where account = 'acme' order by failure_id"
    ));

    let change = |id,
                  [activity, kind]: [&'static str; 2],
                  time,
                  who: [&'static str; 3],
                  app: [&'static str; 2],
                  reason| {
        [
            &["acme", id, "3", "3001", activity, kind, "2", "3", time, "1.5.0", "OneLogin", "raw"]
                [..],
            &who,
            &app,
            &[reason, "events"],
        ]
        .concat()
    };
    let (ann, wiki) = (["1", "ann", "ann@acme.com"], ["1", "Wiki"]);
    // 20 March 2026, 11:00:00.250, 12:00 and 20:00:00.007.
    let (first, second, later) = ("1774004400250", "1774008000000", "1774036800007");
    let expected = [
        change("001", ["5", "300105"], first, ann, wiki, "reason 1"),
        change("003", ["99", "300199"], second, [NULL; 3], [NULL; 2], "reason 3"),
        change("010", ["1", "300101"], later, ann, wiki, "reason 10"),
        change("011", ["2", "300102"], later, ann, wiki, "reason 11"),
        change("012", ["5", "300105"], later, ann, wiki, "reason 12"),
        change("013", ["6", "300106"], later, ann, wiki, "reason 13"),
        change("014", ["99", "300199"], later, ann, wiki, "reason 14"),
        change("015", ["99", "300199"], later, ann, wiki, "reason 15"),
    ];
    assert_rows(&rows, &expected.iter().map(Vec::as_slice).collect::<Vec<_>>());
});
