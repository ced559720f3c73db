//! Every record is accounted for: loaded byte for byte, or rejected with the reason.

use onelogin_simulator::{Record, RecordUser, Simulator};

use crate::support::onelogin::{
    FAILURES, RUNS, USERS, all_records, assert_loaded, assert_same, counts, empty, put, record,
    rejects, sync, sync_ok, written,
};
use crate::support::program::Finished;
use crate::support::tables::{Db, NULL, assert_rows, on_both};

const TODAY: [&str; 2] = ["--since", "2026-03-20"];
const NOON: &str = "2026-03-20T12:00:00Z";
const TIME: &str = "2026-03-20T11:00:00Z";

/// One record of every kind that cannot be loaded, with the reason; in the order of the table.
const BAD: [(&str, &str); 14] = [
    ("bad_created_at", r#"{"id":1,"created_at":"1969/12/31 23:59:59 +0000"}"#),
    ("bad_created_at", r#"{"id":1,"created_at":"yesterday"}"#),
    ("bad_created_at", r#"{"id":1,"created_at":1774004400}"#),
    ("bad_created_at", r#"{"id":1}"#),
    ("bad_field", r#"{"id":1,"created_at":"2026/03/20 11:00:00 +0000","description":{}}"#),
    ("bad_field", r#"{"id":1,"created_at":"2026/03/20 11:00:00 +0000","user":"tanja"}"#),
    ("bad_field", r#"{"id":1,"created_at":"2026/03/20 11:00:00 +0000","user":{"id":"x"}}"#),
    ("bad_id", r#"{"created_at":"2026/03/20 11:00:00 +0000"}"#),
    ("bad_id", r#"{"id":99999999999999999999,"created_at":"2026/03/20 11:00:00 +0000"}"#),
    ("bad_id", r#"{"id":null,"created_at":"2026/03/20 11:00:00 +0000"}"#),
    ("not_an_object", "7"),
    ("not_an_object", r#"["id"]"#),
    ("not_an_object", "null"),
    ("not_json", r#"{"id":1 2,"created_at":,}"#),
];

/// Good records with all bad ones between them.
fn good_and_bad() -> Simulator {
    let onelogin = empty(NOON);
    for (id, (_, bad)) in (1..).zip(BAD) {
        put(&onelogin, TIME, record(id, TIME, id).to_json());
        put(&onelogin, TIME, bad);
    }
    put(&onelogin, TIME, record(99, TIME, 99).to_json());
    onelogin
}

/// Records of one failure, which differ in their error and an e-mail. The one served last is kept.
fn colliding(error: &str) -> String {
    let record = record(1, TIME, 1);
    let email = Some(format!("{error}@example.com"));
    let user = record.user.clone().map(|user| RecordUser { email, ..user });
    Record { error_description: Some(error.to_owned()), user, ..record }.to_json()
}

/// More records than one statement takes, so that what comes before is written before what follows.
fn put_1500_others(onelogin: &Simulator) {
    for id in 1..=1_500 {
        put(onelogin, TIME, record(id, TIME, 2).to_json());
    }
}

/// Asserts that the one with the error `a` is rejected, and nothing else.
#[track_caller]
fn only_a_is_rejected(db: &Db, state: &str) {
    assert_rows(&rejects(db), &[&["key_collision", state, &colliding("a")]]);
}

#[track_caller]
fn exits_65(onelogin: &Simulator, db: &Db, arguments: &[&str]) -> Finished {
    sync(onelogin, db, &[&TODAY, arguments].concat()).run().expect_code(65)
}

on_both!(bad_records_are_rejected_and_the_good_ones_between_them_load, |db| {
    let onelogin = good_and_bad();

    let finished = exits_65(&onelogin, db, &[]);

    let outcome = finished.json();
    assert_eq!(counts(&outcome), [29, 15, 0, 0, 14]);
    assert_eq!((&outcome["status"], &outcome["exit_code"]), (&"failed".into(), &65.into()));
    assert_eq!(outcome["high_water_mark"], TIME);
    assert_loaded(db, &all_records(&onelogin));
    let expected = BAD.map(|(reason, raw)| [reason, "open", raw]);
    assert_rows(&rejects(db), &expected.each_ref().map(<[&str; 3]>::as_slice));
    // What they hold is nobody's business but the table's.
    assert!(!finished.stderr.contains("tanja"), "{}", finished.stderr);

    // They are known now.
    let before = written(db);
    let outcome = sync_ok(&onelogin, db, &[]);

    assert_eq!(counts(&outcome), [29, 0, 0, 15, 14]);
    assert!(before == written(db), "a row was written");
    assert_rows(&rejects(db), &expected.each_ref().map(<[&str; 3]>::as_slice));
    let last_run = "select count(distinct run_id), count(*) from rejected_records \
               where last_seen_at > first_seen_at";
    assert_rows(&db.rows(last_run), &[&["1", "14"]]);
    assert_rows(
        &db.rows(RUNS),
        &[
            &["failed", "65", "29", "15", "0", "0", "14", "15", "1", "0"],
            &["succeeded", "0", "29", "0", "0", "15", "14", "0", "1", "0"],
        ],
    );
});

on_both!(as_many_new_rejects_as_allowed_are_no_failure, |db| {
    let onelogin = good_and_bad();
    exits_65(&onelogin, db, &["--max-rejects", "13"]);
    put(&onelogin, TIME, "{}");
    put(&onelogin, TIME, "{ }");

    let outcome = sync_ok(&onelogin, db, &["--max-rejects", "2"]);

    assert_eq!(counts(&outcome), [31, 0, 0, 15, 16]);
    assert_eq!(db.count("rejected_records"), 16);
});

on_both!(a_bad_record_served_twice_is_one_reject, |db| {
    let onelogin = empty(NOON);
    put(&onelogin, TIME, "{}");
    put(&onelogin, TIME, "{}");

    let outcome = sync_ok(&onelogin, db, &[&TODAY[..], &["--max-rejects", "1"]].concat());

    assert_eq!(counts(&outcome), [2, 0, 0, 0, 2]);
    assert_rows(&rejects(db), &[&["bad_id", "open", "{}"]]);
});

on_both!(the_last_of_two_records_of_one_failure_is_kept_and_the_other_rejected, |db| {
    let onelogin = empty(NOON);
    put(&onelogin, TIME, colliding("a"));
    put(&onelogin, TIME, record(2, TIME, 2).to_json());
    put(&onelogin, TIME, colliding("b"));

    let outcome = exits_65(&onelogin, db, &[]).json();

    assert_eq!(counts(&outcome), [3, 2, 0, 0, 1]);
    only_a_is_rejected(db, "open");
    assert_loaded(db, &all_records(&onelogin));

    let before = written(db);
    assert_eq!(counts(&sync_ok(&onelogin, db, &[])), [3, 0, 0, 2, 1]);
    assert!(before == written(db), "a row was written");
    only_a_is_rejected(db, "open");
});

on_both!(two_records_of_one_failure_far_apart_are_no_different, |db| {
    let onelogin = empty(NOON);
    put(&onelogin, TIME, colliding("a"));
    put_1500_others(&onelogin);
    put(&onelogin, TIME, colliding("b"));

    let outcome = exits_65(&onelogin, db, &[]).json();

    assert_eq!(counts(&outcome), [1_502, 1_501, 0, 0, 1]);
    only_a_is_rejected(db, "open");
    assert_loaded(db, &all_records(&onelogin));

    // The same again is nothing new, even though the first of the two looks like a change.
    let outcome = sync_ok(&onelogin, db, &[]);

    assert_eq!(counts(&outcome), [1_502, 0, 1, 1_500, 1]);
    only_a_is_rejected(db, "open");
    assert_loaded(db, &all_records(&onelogin));
});

on_both!(an_unchanged_record_that_a_far_later_one_displaces_is_rejected, |db| {
    let onelogin = empty(NOON);
    put(&onelogin, TIME, colliding("a"));
    sync_ok(&onelogin, db, &TODAY);
    put_1500_others(&onelogin);
    put(&onelogin, TIME, colliding("b"));

    let outcome = exits_65(&onelogin, db, &[]).json();

    assert_eq!(counts(&outcome), [1_502, 1_500, 1, 0, 1]);
    only_a_is_rejected(db, "open");
    assert_loaded(db, &all_records(&onelogin));
});

on_both!(a_reject_is_closed_when_its_text_loads_after_all, |db| {
    let onelogin = empty(NOON);
    put(&onelogin, TIME, colliding("a"));
    let winner = put(&onelogin, TIME, colliding("b"));
    exits_65(&onelogin, db, &[]);
    onelogin.remove(winner);

    let outcome = sync_ok(&onelogin, db, &[]);

    assert_eq!(counts(&outcome), [1, 0, 1, 0, 0]);
    only_a_is_rejected(db, "replayed");
    assert_loaded(db, &all_records(&onelogin));

    // Rejected again, it is open again, and counts as new.
    put(&onelogin, TIME, colliding("b"));
    exits_65(&onelogin, db, &[]);
    only_a_is_rejected(db, "open");
    assert_loaded(db, &all_records(&onelogin));
});

on_both!(without_raw_the_rows_keep_no_text_but_rejects_do, |db| {
    let onelogin = good_and_bad();
    let (good, bad) = (15, 14);
    let kept = "select count(*), count(raw) from provisioning_failures";

    let first = exits_65(&onelogin, db, &["--raw", "none"]).json();
    assert_eq!(counts(&first), [good + bad, good, 0, 0, bad]);
    assert_rows(&db.rows(kept), &[&["15", "0"]]);
    let texts: Vec<Vec<String>> =
        BAD.iter().map(|(reason, raw)| vec![(*reason).to_owned(), (*raw).to_owned()]).collect();
    assert_same(&db.rows("select reason, raw from rejected_records order by 1, 2"), &texts);
    let before = written(db);

    // Every requested record is there.
    let again = sync_ok(&onelogin, db, &["--raw", "none"]);
    assert_eq!(counts(&again), [good + bad, 0, 0, good, bad]);
    assert!(before == written(db), "a row was written");

    // Now it is: the rows are written with their texts, which then stay.
    for (flag, updated) in [("keep", good), ("none", 0), ("keep", 0)] {
        let outcome = sync_ok(&onelogin, db, &["--raw", flag]);
        assert_eq!(counts(&outcome), [good + bad, 0, updated, good - updated, bad], "{flag}");
        assert_rows(&db.rows(kept), &[&["15", "15"]]);
    }
    assert_loaded(db, &all_records(&onelogin));
});

on_both!(without_raw_a_displaced_record_of_long_before_is_counted_and_named, |db| {
    let onelogin = empty(NOON);
    put(&onelogin, TIME, colliding("a"));
    put_1500_others(&onelogin);
    put(&onelogin, TIME, colliding("b"));

    let outcome = exits_65(&onelogin, db, &["--raw", "none"]).json();

    assert_eq!(counts(&outcome), [1_502, 1_501, 0, 0, 1]);
    let reject = db.rows("select reason, raw from rejected_records");
    assert_eq!((reject.len(), &*reject[0][0]), (1, "key_collision"));
    let key = &db
        .rows("select failure_id from provisioning_failures where error_description = 'b'")[0][0];
    assert!(reject[0][1].contains(key.as_str()), "{reject:?}");
});

on_both!(names_that_a_database_may_refuse_load_and_what_no_reader_can_take_is_replaced, |db| {
    let onelogin = empty(NOON);
    let raw = r#"{ "id" : 1, "created_at":"2026\/03\/20 11:00:00 +0000",
        "description":"O'Brien; drop table users;-- could not be deleted in Caf\u00e9 \"$1\" %s",
        "error_description":"a\u0000b \ud800 https:\/\/x","lag":1.50e3,"none":[ ],
        "user":{"id":1,"firstname":"\ud83d\ude00 😀","lastname":"\udc00","username":"","email":"ü@ß.de"}}"#;
    put(&onelogin, TIME, raw);

    sync_ok(&onelogin, db, &TODAY);

    let raw = [r"\u0000", r"\ud800", r"\udc00"]
        .iter()
        .fold(raw.to_owned(), |raw, escape| raw.replace(escape, "\u{FFFD}"));
    let raw = raw.as_str();
    let description = r#"O'Brien; drop table users;-- could not be deleted in Café "$1" %s"#;
    let id = &db.rows("select failure_id from provisioning_failures")[0][0];
    let [at, at_raw] = ["2026-03-20 11:00:00.000+00:00", "2026/03/20 11:00:00 +0000"];
    let error = "a\u{FFFD}b \u{FFFD} https://x";
    #[rustfmt::skip]
    assert_rows(&db.rows(FAILURES), &[
        &[id, "default", "legacy", "1", NULL, "1", "delete", "description", NULL, r#"Café "$1" %s"#, NULL, at, at_raw, description, error, NULL, NULL, NULL, raw],
    ]);
    let name = "😀 😀 \u{FFFD}";
    #[rustfmt::skip]
    assert_rows(&db.rows(USERS), &[
        &["default", "1", "ü@ß.de", "", "😀 😀", "\u{FFFD}", id, at, name, id, at, "legacy"],
    ]);
});

on_both!(a_bad_record_with_bytes_that_are_no_text_is_kept_readable, |db| {
    let onelogin = empty(NOON);
    put(&onelogin, TIME, "{\"id\":1,\"name\":\"a\0b\"}");

    exits_65(&onelogin, db, &[]);

    let raw = "{\"id\":1,\"name\":\"a\u{FFFD}b\"}";
    assert_rows(&rejects(db), &[&["not_json", "open", raw]]);
});

on_both!(a_record_nested_deeper_than_a_database_reads_spoils_no_other, |db| {
    let onelogin = empty(NOON);
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    let deep = record(1, TIME, 1).to_json().replacen('{', &format!("{{\"x\":{deep},"), 1);
    put(&onelogin, TIME, deep);
    put(&onelogin, TIME, record(2, TIME, 2).to_json());

    exits_65(&onelogin, db, &[]);

    assert_rows(&db.rows("select source_id from provisioning_failures"), &[&["2"]]);
});

on_both!(a_large_record_is_kept_whole, |db| {
    let onelogin = empty(NOON);
    for id in 0..4 {
        let error = Some("\u{e9}\n".repeat(150_000));
        put(&onelogin, TIME, Record { error_description: error, ..record(id, TIME, 1) }.to_json());
    }

    let outcome = sync_ok(&onelogin, db, &TODAY);

    assert_eq!(counts(&outcome), [4, 4, 0, 0, 0]);
    assert_loaded(db, &all_records(&onelogin));
});

on_both!(a_person_without_any_attribute_is_a_row, |db| {
    let onelogin = empty(NOON);
    let user = RecordUser { email: None, username: None, id: 5, lastname: None, firstname: None };
    put(&onelogin, TIME, Record { user: Some(user), ..record(1, TIME, 5) }.to_json());

    sync_ok(&onelogin, db, &TODAY);

    let people = "select user_id, email, username, firstname, lastname from users";
    assert_rows(&db.rows(people), &[&["5", NULL, NULL, NULL, NULL]]);
});

on_both!(a_secret_that_a_server_echoes_is_no_detail_of_a_reject, |db| {
    let onelogin = empty(NOON);
    put(&onelogin, TIME, format!(r#"{{"id":1,"created_at":"{}"}}"#, onelogin.key()));

    exits_65(&onelogin, db, &[]);

    let details = db.rows("select detail from rejected_records");
    assert!(details[0][0].contains("created_at: not a time"), "{details:?}");
    assert!(!details[0][0].contains(onelogin.key()), "{details:?}");
});
