//! Leavers whose account stays, because the app is set to do nothing about them.

use onelogin_simulator::EventRecord;

use super::{NOON, TODAY, failure};
use crate::support::api::{Api, put_event};
use crate::support::onelogin::{at, counts, empty};
use crate::support::tables::{NULL, assert_rows, on_both};

on_both!(a_leaver_whom_the_app_does_nothing_about_is_skipped_and_no_failure, |db| {
    let onelogin = empty(NOON);
    put_event(&onelogin, failure(1, "2026-03-20T10:00:00Z"));
    let skipped = EventRecord {
        user_name: Some("Jane Roe".into()),
        error_description: None,
        ..EventRecord::new(2, at("2026-03-20T11:00:00Z"), 60, 8)
    };
    put_event(&onelogin, skipped);

    let outcome = Api::Events.sync_ok(&onelogin, db, &TODAY);

    assert_eq!(counts(&outcome), [2, 2, 0, 0, 0]);
    let columns =
        "select user_id, outcome, operation, operation_source, event_type_id, description,
        error_description from provisioning_failures where event_type_id = 60";
    let sentence = "Jane Roe was not suspended in Sales App";
    assert_rows(
        &db.rows(columns),
        &[&["8", "skipped", "suspend", "event_type", "60", sentence, NULL]],
    );
    let users = "select user_id, display_name from users where user_id = 8";
    assert_rows(&db.rows(users), &[&["8", "Jane Roe"]]);
    let details = "select user_id, outcome from failure_details order by user_id";
    assert_rows(&db.rows(details), &[&["7", "failed"], &["8", "skipped"]]);

    let cases = "select user_id, is_skipped, attempts, error_fingerprint is null
        from provisioning_cases order by user_id";
    assert_rows(&db.rows(cases), &[&["7", "0", "1", "0"], &["8", "1", "0", "1"]]);
    assert_rows(&db.rows("select sum(failures) from error_texts"), &[&["1"]]);
    let days = "select sum(failures), sum(skipped), sum(opened) from failures_by_day";
    assert_rows(&db.rows(days), &[&["1", "1", "2"]]);

    // Read again, it is the same.
    let outcome = Api::Events.sync_ok(&onelogin, db, &[]);
    assert_eq!(counts(&outcome), [2, 0, 0, 2, 0]);
});
