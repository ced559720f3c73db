//! A person's row has all its details from the newest failure, whatever order failures arrive in.

use onelogin_simulator::{Record, RecordUser, Simulator};

use crate::support::onelogin::{
    USERS, all_records, assert_loaded, at, counts, empty, put, record, sync_ok,
};
use crate::support::tables::{NULL, assert_rows, on_both};

const TODAY: [&str; 2] = ["--since", "2026-03-20"];
const NOON: &str = "2026-03-20T12:00:00Z";
const OLDER: &str = "2026-03-20T09:00:00Z";
const NEWER: &str = "2026-03-20T10:00:00Z";

/// A failure of a person who had this e-mail then.
fn with_email(id: i64, created_at: &str, user_id: i64, email: &str) -> String {
    let record = record(id, created_at, user_id);
    let user = record.user.clone().map(|user| RecordUser { email: Some(email.into()), ..user });
    Record { user, ..record }.to_json()
}

/// Serves a text at this place of the answer, whatever time the text itself names.
fn serve_at(onelogin: &Simulator, place: &str, text: String) {
    put(onelogin, place, text);
}

on_both!(an_older_record_in_the_same_answer_changes_no_one, |db| {
    let onelogin = empty(NOON);
    // Person 1 comes with the older record first, person 2 with the newer.
    for (person, first, second) in [(1, OLDER, NEWER), (2, NEWER, OLDER)] {
        for (place, time) in [("2026-03-20T01:00:00Z", first), ("2026-03-20T02:00:00Z", second)] {
            let email = if time == NEWER { "new@example.com" } else { "old@example.com" };
            serve_at(&onelogin, place, with_email(person, time, person, email));
        }
    }

    let outcome = sync_ok(&onelogin, db, &TODAY);

    assert_eq!((&outcome["inserted"], &outcome["users_written"]), (&4.into(), &2.into()));
    assert_rows(
        &db.rows("select user_id, email from users order by user_id"),
        &[&["1", "new@example.com"], &["2", "new@example.com"]],
    );
    assert_loaded(db, &all_records(&onelogin));
});

on_both!(an_older_record_far_later_in_the_same_answer_changes_no_one, |db| {
    let onelogin = empty(NOON);
    serve_at(&onelogin, "2026-03-20T01:00:00Z", with_email(1, NEWER, 1, "new@example.com"));
    // More than one statement takes.
    for id in 0..1_100 {
        put(&onelogin, "2026-03-20T02:00:00Z", record(id, "2026-03-20T02:00:00Z", 2).to_json());
    }
    serve_at(&onelogin, "2026-03-20T03:00:00Z", with_email(1, OLDER, 1, "old@example.com"));

    let outcome = sync_ok(&onelogin, db, &TODAY);

    assert_eq!(counts(&outcome), [1_102, 1_102, 0, 0, 0]);
    assert_rows(&db.rows("select email from users where user_id = 1"), &[&["new@example.com"]]);
    assert_loaded(db, &all_records(&onelogin));
});

on_both!(an_older_record_in_a_later_run_changes_no_one, |db| {
    let onelogin = empty(NOON);
    put(&onelogin, NEWER, with_email(1, NEWER, 1, "new@example.com"));
    sync_ok(&onelogin, db, &TODAY);
    let before = db.rows("select * from users");
    put(&onelogin, OLDER, with_email(1, OLDER, 1, "old@example.com"));

    let outcome = sync_ok(&onelogin, db, &[]);

    assert_eq!((&outcome["inserted"], &outcome["users_written"]), (&1.into(), &0.into()));
    assert_eq!(db.rows("select * from users"), before);
    assert_loaded(db, &all_records(&onelogin));
});

on_both!(the_newest_record_counts_as_a_whole_with_its_nulls, |db| {
    let onelogin = empty("2026-03-20T09:30:00Z");
    put(&onelogin, OLDER, record(1, OLDER, 1).to_json());
    sync_ok(&onelogin, db, &TODAY);
    onelogin.set_now(at(NOON));
    let bare = RecordUser {
        email: None,
        username: Some("renamed".to_owned()),
        id: 1,
        lastname: None,
        firstname: Some("User".to_owned()),
    };
    let newer = Record { user: Some(bare), ..record(2, NEWER, 1) };
    put(&onelogin, NEWER, newer.to_json());

    sync_ok(&onelogin, db, &[]);

    let newest = db.rows("select max(cast(failure_id as text)) from provisioning_failures");
    let (newest, at) = (newest[0][0].as_str(), "2026-03-20 10:00:00.000+00:00");
    let row =
        ["default", "1", NULL, "renamed", "User", NULL, newest, at, "User", newest, at, "legacy"];
    assert_rows(&db.rows(USERS), &[&row]);
    assert_loaded(db, &all_records(&onelogin));
});

on_both!(records_of_one_second_settle_a_person_the_same_in_any_order, |db| {
    let onelogin = empty(NOON);
    // Either of two ids of one second may be the greater; sixteen people have both cases.
    let emails = ["first@example.com", "second@example.com"];
    for email in emails {
        for person in 0..16 {
            let id = person + if email == emails[0] { 100 } else { 200 };
            put(&onelogin, NEWER, with_email(id, NEWER, person, email));
        }
        sync_ok(&onelogin, db, &TODAY);
    }

    let seen = db.rows("select distinct email from users order by email");
    assert_rows(&seen, &[&[emails[0]], &[emails[1]]]);
    assert_loaded(db, &all_records(&onelogin));
});

on_both!(a_change_of_an_older_failure_changes_no_one, |db| {
    let onelogin = empty(NOON);
    let older = put(&onelogin, OLDER, with_email(1, OLDER, 1, "old@example.com"));
    put(&onelogin, NEWER, with_email(2, NEWER, 1, "new@example.com"));
    sync_ok(&onelogin, db, &TODAY);
    onelogin.replace(older, with_email(1, OLDER, 1, "older@example.com"));

    let outcome = sync_ok(&onelogin, db, &[]);

    assert_eq!((&outcome["updated"], &outcome["users_written"]), (&1.into(), &0.into()));
    assert_rows(&db.rows("select email from users"), &[&["new@example.com"]]);
    assert_loaded(db, &all_records(&onelogin));
});

on_both!(a_change_that_concerns_no_person_writes_no_person, |db| {
    let onelogin = empty(NOON);
    let changing = record(1, NEWER, 1);
    let number = put(&onelogin, NEWER, changing.to_json());
    sync_ok(&onelogin, db, &TODAY);
    let before = db.rows("select * from users");
    onelogin.replace(number, Record { error_description: None, ..changing }.to_json());

    let outcome = sync_ok(&onelogin, db, &[]);

    assert_eq!((&outcome["updated"], &outcome["users_written"]), (&1.into(), &0.into()));
    assert_eq!(db.rows("select * from users"), before);
    assert_loaded(db, &all_records(&onelogin));
});

on_both!(a_failure_of_nobody_loads_with_a_null, |db| {
    let onelogin = empty(NOON);
    let fields =
        |user: &str| format!(r#"{{"id":1,"created_at":"2026/03/20 11:00:00 +0000"{user}}}"#);
    let mut texts = vec![fields(r#","user":null,"login_id":1"#), fields(r#","login_id":2"#)];
    texts.push(fields(r#","login_id":3,"user":{"email":"nobody@example.com"}"#));
    texts.push(fields(r#","login_id":4,"user":{"id":null,"email":"nobody@example.com"}"#));
    for text in &texts {
        put(&onelogin, "2026-03-20T11:00:00Z", text.as_str());
    }

    let outcome = sync_ok(&onelogin, db, &TODAY);

    assert_eq!(counts(&outcome), [4, 4, 0, 0, 0]);
    let people = "select login_id, user_id from provisioning_failures order by login_id";
    assert_rows(&db.rows(people), &[&["1", NULL], &["2", NULL], &["3", NULL], &["4", NULL]]);
    assert_eq!(db.count("users"), 0);
    assert_eq!(db.count("failure_details"), 4);
    assert_loaded(db, &texts);
});
