//! Saved files, loaded through the same normalisation, without moving a watermark.

use std::fs;

use onelogin_simulator::EventRecord;
use serde_json::Value;
use tempfile::TempDir;

use super::{NOON, TODAY, failure};
use crate::support::api::{Api, put_event};
use crate::support::onelogin::{at, counts, empty, put, record, rejects};
use crate::support::program::Program;
use crate::support::tables::{Db, NULL, assert_rows, on_both};

const WATERMARKS: &str =
    "select source, high_water_mark, scanned_through, lease_owner from watermarks
    order by source";

fn load(db: &Db, text: &str, arguments: &[&str]) -> Program {
    let url = db.url();
    let directory = TempDir::new().expect("a temporary directory can be created");
    fs::write(directory.path().join("saved.json"), text).expect("a new file can be written");
    let common = ["sync", "--format", "json", "--database-url", &url, "--from-file", "saved.json"];
    Program::new(&[&common, arguments].concat()).at_home_in(directory)
}

#[track_caller]
fn load_ok(db: &Db, text: &str) -> Value {
    load(db, text, &[]).run().expect_code(0).json()
}

on_both!(a_saved_array_of_the_legacy_api_is_loaded_as_from_there, |db| {
    let (onelogin, fetched) = (empty(NOON), Db::sqlite());
    let texts: Vec<String> =
        (1..4).map(|id| record(id, "2026-03-20T11:00:00Z", id).to_json()).collect();
    for text in &texts {
        put(&onelogin, "2026-03-20T11:00:00Z", text.as_str());
    }
    Api::Legacy.sync_ok(&onelogin, &fetched, &["--since", "2026-03-20"]);

    let outcome = load_ok(db, &format!("[{}]", texts.join(", \n")));

    assert_eq!(counts(&outcome), [3, 3, 0, 0, 0]);
    assert_eq!((&outcome["source"], &outcome["requests"]), (&"legacy".into(), &0.into()));
    assert_eq!(outcome["scanned_through"], Value::Null);
    Api::Legacy.assert_loaded(db, &texts);
    assert_rows(&db.rows(WATERMARKS), &[&["legacy", NULL, NULL, NULL]]);
    let span = "select window_from, window_to from sync_windows";
    let time = "2026-03-20 11:00:00.000+00:00";
    assert_rows(&db.rows(span), &[&[time, time]]);
    assert_eq!(counts(&load_ok(db, &format!("[{}]", texts[0]))), [1, 0, 0, 1, 0]);
});

on_both!(saved_pages_of_events_are_loaded_as_from_there_and_move_no_watermark, |db| {
    let onelogin = empty(NOON);
    put_event(&onelogin, failure(1, "2026-03-20T11:00:00Z"));
    Api::Events.sync_ok(&onelogin, db, &TODAY);
    let watermarks = db.rows(WATERMARKS);
    let success = EventRecord { event_type_id: 53, ..failure(3, "2026-03-20T11:45:00Z") };
    let other = EventRecord { event_type_id: 8, ..failure(4, "2026-03-20T11:45:00Z") };
    let events =
        [failure(1, "2026-03-20T11:00:00Z"), failure(2, "2026-03-20T11:30:00Z"), success, other]
            .map(|event| event.to_json());
    let page = |events: &[String]| {
        let status = r#""status":{"error":false,"code":200,"type":"success","message":"Success"}"#;
        format!(
            "{{{status},\n \"pagination\":{{\"after_cursor\":null}},\n \"data\":[{}]}}\n",
            events.join(",")
        )
    };

    let text = page(&events[..2]) + &page(&events[2..]);
    let outcome = load_ok(db, &text);

    assert_eq!(counts(&outcome), [2, 1, 0, 1, 0]);
    assert_eq!((&outcome["successes"], &outcome["ignored"]), (&1.into(), &1.into()));
    Api::Events.assert_loaded(db, &events[..3]);
    assert_eq!(db.rows(WATERMARKS), watermarks);
});

// Regression: a file counted as a scan of the span from its first to its last record.
on_both!(a_file_covers_no_span, |db| {
    let onelogin = empty(NOON);
    put_event(&onelogin, failure(1, "2026-03-15T11:00:00Z"));
    let ends = [failure(2, "2026-03-01T11:00:00Z"), failure(3, "2026-03-20T11:00:00Z")];
    load_ok(db, &format!("[{}]", ends.map(|event| event.to_json()).join(",")));
    let span = |since, until| ["--since", since, "--until", until, "--rescan", "0s"];
    Api::Events.sync_ok(&onelogin, db, &span("2026-03-18", "2026-03-19"));

    Api::Events.sync_ok(&onelogin, db, &span("2026-03-15", "2026-03-16"));

    let late = "select count(*) from provisioning_failures where is_late";
    assert_eq!(db.rows(late), [["0"]]);
    let gaps = "select gap_from, gap_to from coverage_gaps";
    let at = |day: &str| format!("2026-03-{day} 00:00:00.000+00:00");
    assert_rows(&db.rows(gaps), &[&[&at("16"), &at("18")]]);
});

/// Deliveries to a webhook, as seen in the wild.
const DELIVERIES: [&str; 3] = [
    r#"{"uuid":"6fe5a1","event_timestamp":"2026-06-02 10:40:17+0530","event_type_id":64,"user_id":7,"user_name":"Ada Byte","login_id":109322310,"app_id":367304,"app_name":"Dropbox","error_description":"team_license_limit","actor_system":"OneLogin::Provisioning"}"#,
    r#"{"uuid":"6fe5a2","event_timestamp":"2017-12-05 19:13:06 UTC","event_type_id":8,"user_id":7}"#,
    r#"{"uuid":"6fe5a3","event_timestamp":"2026-06-02 10:40:18+0530","event_type_id":51,"user_id":8,"app_id":367304,"app_name":"Dropbox"}"#,
];

/// However the deliveries were saved.
fn loads_deliveries(db: &Db, text: &str) {
    let outcome = load_ok(db, text);

    assert_eq!(counts(&outcome), [1, 1, 0, 0, 0]);
    assert_eq!((&outcome["successes"], &outcome["ignored"]), (&1.into(), &1.into()));
    assert_eq!(outcome["source"], "webhook");
    assert_rows(
        &db.rows(
            "select source, source_id, login_id, user_id, operation, app_name, created_at, created_at_raw,
                 error_description, raw from provisioning_failures",
        ),
        &[&[
            "webhook", NULL, "109322310", "7", "create", "Dropbox", "2026-06-02 05:10:17.000+00:00",
            "2026-06-02 10:40:17+0530", "team_license_limit", DELIVERIES[0],
        ]],
    );
    assert_rows(
        &db.rows("select user_id, display_name, email from users"),
        &[&["7", "Ada Byte", NULL]],
    );
    assert_eq!(db.count("provisioning_successes"), 1);
    // Delivered again, it is known.
    assert_eq!(counts(&load_ok(db, text)), [1, 0, 0, 1, 0]);
}

on_both!(an_array_of_deliveries_is_loaded, |db| {
    loads_deliveries(db, &format!("[{}]", DELIVERIES.join(",")));
});

on_both!(deliveries_line_by_line_are_loaded, |db| {
    loads_deliveries(db, &format!("{}\r\n\n", DELIVERIES.join("\n")));
});

on_both!(wrapped_deliveries_are_loaded_and_one_broken_line_is_rejected, |db| {
    let wrapped = DELIVERIES.map(|delivery| format!("{{\"event\":{delivery}}}"));
    loads_deliveries(db, &wrapped.join("\n"));

    let broken = format!("{}\n{{broken\n", wrapped[0]);
    let outcome = load(db, &broken, &["--max-rejects", "1"]).run().expect_code(0).json();

    assert_eq!(counts(&outcome), [2, 0, 0, 1, 1]);
    assert_rows(&rejects(db), &[&["not_json", "open", "{broken"]]);
});

on_both!(a_delivery_and_the_event_it_was_are_one_failure, |db| {
    let onelogin = empty("2026-06-03T00:00:00Z");
    let at = at("2026-06-02T05:10:17.250Z");
    put_event(
        &onelogin,
        EventRecord {
            app_name: Some("Dropbox".into()),
            ..EventRecord::new(81_000_000_001, at, 64, 7)
        },
    );
    load_ok(db, DELIVERIES[0]);
    Api::Events.sync_ok(&onelogin, db, &["--since", "2026-06-01", "--refresh-people", "never"]);

    assert_eq!(db.count("provisioning_failures"), 2);
    assert_rows(&db.rows("select source, user_id from failures"), &[&["events", "7"]]);
});

#[test]
fn a_file_that_does_not_exist_is_reported() {
    let db = Db::sqlite();
    for (text, code, expected) in [
        ("id,created_at\n1,2\n", 76, "but plain text"),
        ("", 76, "holds no records"),
        ("[{\"id\":1,\"user\":7},", 76, "is incomplete or broken"),
    ] {
        let outcome = load(&db, text, &[]).run().expect_code(code).json();
        assert!(outcome["error"].as_str().expect("a text").contains(expected), "{outcome}");
    }
    let missing = Program::new(&["sync", "--from-file", "nowhere.json"]).run().expect_code(78);
    assert!(missing.stderr.contains("nowhere.json"), "{missing}");
    let both = ["sync", "--from-file", "x.json", "--since", "2026-01-01"];
    Program::new(&both).run().expect_code(64);
}
