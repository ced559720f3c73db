//! Names in errors that the record of the failure does not give.

use serde_json::json;

use super::*;

const TEXTS: &str =
    "select text, example, failures from error_texts order by first_failure_at, text";
const EVERYONE: [&str; 4] = ["--since", "2026-03-20", "--refresh-people", "7d"];
const LEAKED: &str = "DUPLICATE: the login jroe7 of Jane Roe-Smith is in use";
const LEAKED_TEXT: &str = "DUPLICATE: the login jroe<n> of Jane Roe-Smith is in use";
const REPLACED: &str = "DUPLICATE: the login <name> of <name> is in use";

/// A failure of person 7 with an error, and with the name that the event gives.
fn failure(id: i64, time: &str, name: Option<&str>, error: &str) -> EventRecord {
    EventRecord {
        user_name: name.map(str::to_owned),
        error_description: Some(error.to_owned()),
        ..event(id, time, 61, 7, WIKI)
    }
}

/// Has the users API know the names of person 7.
fn knows(onelogin: &Simulator) {
    let user = json!({"id": 7, "email": "j@example.com", "username": "jroe7", "firstname": "Jane",
        "lastname": "Roe-Smith"});
    onelogin.put_user(7, user.to_string());
}

on_both!(a_name_that_only_the_sentence_of_a_record_gives_is_replaced, |db| {
    let onelogin = empty(NOON);
    let time = "2026-03-20T10:00:00Z";
    let record = Record {
        description: "Grace 李 could not be suspended in Wiki".to_owned(),
        error_description: Some("Grace 李 is the last owner".to_owned()),
        user: None,
        ..record(1, time, 7)
    };
    put(&onelogin, time, record.to_json());
    Api::Legacy.sync_ok(&onelogin, db, &TODAY);

    let text = "<name> is the last owner";
    assert_rows(&db.rows(TEXTS), &[&[text, text, "1"]]);
    assert_complete(db);
});

on_both!(a_name_that_the_users_api_gives_later_is_replaced, |db| {
    let onelogin = empty(NOON);
    put_event(&onelogin, failure(1, "10:00", None, LEAKED));
    put_event(&onelogin, failure(2, "10:05", Some("Jane"), "The mailbox of jroe7 is full"));
    put_event(&onelogin, failure(3, "10:10", None, "The connection timed out"));
    onelogin.remove_user(7);
    Api::Events.sync_ok(&onelogin, db, &TODAY);
    assert!(db.rows(TEXTS)[0][0].contains("jroe"), "nobody knows it yet");

    knows(&onelogin);
    Api::Events.sync_ok(&onelogin, db, &EVERYONE);

    let mailbox = "The mailbox of <name> is full";
    let other = "The connection timed out";
    assert_rows(
        &db.rows(TEXTS),
        &[&[REPLACED, REPLACED, "1"], &[mailbox, mailbox, "1"], &[other, other, "1"]],
    );
    let classes = "select error_class from error_texts where rules_version is null";
    assert_rows(&db.rows(classes), &[]);
    assert_complete(db);
});

on_both!(a_name_that_the_users_api_gave_before_is_replaced, |db| {
    let onelogin = empty(NOON);
    knows(&onelogin);
    put_event(&onelogin, failure(1, "10:00", Some("Jane"), "The connection timed out"));
    Api::Events.sync_ok(&onelogin, db, &EVERYONE);
    put_event(&onelogin, failure(2, "10:05", None, LEAKED));
    Api::Events.sync_ok(&onelogin, db, &EVERYONE);

    let other = "The connection timed out";
    assert_rows(&db.rows(TEXTS), &[&[other, other, "1"], &[REPLACED, REPLACED, "1"]]);
    assert_complete(db);
});

on_both!(a_name_that_another_record_gives_is_replaced, |db| {
    let onelogin = empty(NOON);
    let unnamed = "Jane Roe-Smith is in use";
    put_event(&onelogin, failure(1, "10:00", None, unnamed));
    Api::Events.sync_ok(&onelogin, db, &TODAY);
    let name = Some("Jane Roe-Smith");
    put_event(&onelogin, failure(2, "10:05", name, "The connection timed out"));
    put_event(&onelogin, failure(3, "10:04", None, "Jane Roe-Smith is locked"));
    Api::Events.sync_ok(&onelogin, db, &AGAIN);

    let (first, third) = ("<name> is in use", "<name> is locked");
    let other = "The connection timed out";
    assert_rows(
        &db.rows(TEXTS),
        &[&[first, first, "1"], &[third, third, "1"], &[other, other, "1"]],
    );
    assert_complete(db);
});

on_both!(a_name_that_an_earlier_record_of_the_same_window_gives_is_replaced, |db| {
    let onelogin = empty(NOON);
    put_event(&onelogin, failure(1, "10:00", Some("Petra Svoboda"), "The connection timed out"));
    put_event(&onelogin, failure(2, "10:05", None, "no seat for Petra Svoboda"));
    Api::Events.sync_ok(&onelogin, db, &TODAY);

    let (other, text) = ("The connection timed out", "no seat for <name>");
    assert_rows(&db.rows(TEXTS), &[&[other, other, "1"], &[text, text, "1"]]);
    assert_complete(db);
});

on_both!(a_rebuild_replaces_names_that_are_stored, |db| {
    let onelogin = empty(NOON);
    knows(&onelogin);
    put_event(&onelogin, failure(1, "10:00", Some("Jane"), LEAKED));
    put_event(&onelogin, failure(2, "10:05", Some("Jane"), LEAKED));
    Api::Events.sync_ok(&onelogin, db, &EVERYONE);
    let complete = facts(db);
    // As an earlier version left it.
    db.execute(&format!(
        "update provisioning_failures set error_fingerprint = '00000000deadbeef';
         update error_texts set error_fingerprint = '00000000deadbeef', text = '{LEAKED_TEXT}',
             example = '{LEAKED_TEXT}';
         update provisioning_cases set error_fingerprint = '00000000deadbeef';
         update failures_by_day set error_fingerprint = '00000000deadbeef' where error_fingerprint <> '';",
    ));

    migrate(db, &["--rebuild"]).run().expect_code(0);

    assert_same(&facts(db), &complete);
    assert_rows(&db.rows(TEXTS), &[&[REPLACED, REPLACED, "2"]]);
});

// Regression: a rebuild that found no day counted yet deleted an error that others still had, when its first failure got
// another text.
on_both!(a_rebuild_keeps_the_text_of_others_when_a_name_is_replaced, |db| {
    let onelogin = empty(NOON);
    knows(&onelogin);
    let folder = "missing folder: Roe-Smith archive";
    let other = |id, time| EventRecord { user_id: Some(8), ..failure(id, time, None, folder) };
    put_event(&onelogin, failure(1, "10:00", Some("Jane"), folder));
    put_event(&onelogin, other(2, "10:05"));
    put_event(&onelogin, other(3, "10:10"));
    put_event(&onelogin, failure(4, "10:15", Some("Jane"), folder));
    Api::Events.sync_ok(&onelogin, db, &EVERYONE);
    let complete = facts(db);
    let texts =
        "select text, failures, first_failure_at, last_failure_at from error_texts order by text";
    let at = |time: &str| format!("2026-03-20 {time}:00.000+00:00");
    let expected = [
        ["missing folder: <name> archive", "2", &at("10:00"), &at("10:15")],
        [folder, "2", &at("10:05"), &at("10:10")],
    ];
    assert_rows(&db.rows(texts), &[&expected[0], &expected[1]]);
    // As the first load of many failures leaves it, where the name was not known yet.
    db.execute(
        "update provisioning_failures set error_fingerprint = (
             select max(error_fingerprint) from provisioning_failures where user_id = 8);
         delete from failures_by_day; delete from apps_by_day;",
    );

    migrate(db, &["--rebuild"]).run().expect_code(0);

    assert_rows(&db.rows(texts), &[&expected[0], &expected[1]]);
    assert_same(&facts(db), &complete);
});
