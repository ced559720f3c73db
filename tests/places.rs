//! The OneLogin that a database belongs to: its host, and the account's own id.

use chrono::{DurationRound, TimeDelta, Utc};
use onelogin_simulator::{Config, Entry, EventRecord, Simulator};

use crate::support::api::{Api, on_all};
use crate::support::onelogin::{WATERMARKS, at, shown, start, written};
use crate::support::program::Finished;
use crate::support::tables::{NULL, assert_rows, on_both};

const PLACES: &str = "select account, source, read_from from watermarks order by account, source";
const ACCOUNTS: &str = "select account, onelogin_account_id from accounts order by account";

/// A OneLogin account with one failure, whose id is that of its person, and of the account's own id.
fn account(account_id: u32) -> Simulator {
    let now = Utc::now().duration_trunc(TimeDelta::seconds(1)).expect("a second divides");
    let config = Config { account_id: Some(account_id.into()), ..Config::default() };
    let onelogin = start(Config { failures: 0, now, ..config });
    let time = shown(now - TimeDelta::minutes(5));
    let id = account_id.into();
    Api::Legacy.put_failure(&onelogin, id, &time, id);
    let event = EventRecord::new(id, at(&time), 61, id);
    let event = EventRecord { account_id: Some(account_id.into()), ..event };
    onelogin.put_event(Entry::new(at(&time), event.to_json()));
    onelogin
}

fn host(onelogin: &Simulator) -> String {
    onelogin.addr().to_string()
}

/// Asserts that a message names both hosts and both ways out.
#[track_caller]
fn assert_names_both(refused: &Finished, stored: &str, given: &str) {
    let error = refused.json()["error"].as_str().expect("a text").to_owned();
    for part in [stored, given, "--account", "--moved"] {
        assert!(error.contains(part), "no {part} in {error}");
    }
}

on_all!(another_host_is_refused_before_anything_is_fetched, |db, api| {
    let (one, other) = (account(7), account(7));
    api.sync_ok(&one, db, &[]);
    assert_rows(&db.rows(PLACES), &[&["default", api.name(), &host(&one)]]);
    let (rows, watermark) = (written(db), db.rows(WATERMARKS));

    let refused = api.sync(&other, db, &[]).run().expect_code(78);

    assert_names_both(&refused, &host(&one), &host(&other));
    assert_eq!(other.calls().len(), 0);
    assert_eq!((written(db), db.rows(WATERMARKS)), (rows, watermark));

    // Another account of ours has a place of its own.
    api.sync_ok(&other, db, &["--account", "other"]);
    // The same account at a new address.
    api.sync_ok(&other, db, &["--moved"]);
    let moved = host(&other);
    let places: [&[&str]; 2] = [&["default", api.name(), &moved], &["other", api.name(), &moved]];
    assert_rows(&db.rows(PLACES), &places);
    api.sync(&one, db, &[]).run().expect_code(78);
});

on_both!(another_account_is_refused_before_anything_is_written_also_after_a_move, |db| {
    let (one, other) = (account(7), account(8));
    Api::Events.sync_ok(&one, db, &[]);
    assert_rows(&db.rows(ACCOUNTS), &[&["default", "7"]]);
    let rows = written(db);

    for arguments in [&["--moved"][..], &["--moved", "--since", "2026-01-01"]] {
        let refused = Api::Events.sync(&other, db, arguments).run().expect_code(78);
        let error = refused.json()["error"].as_str().expect("a text").to_owned();
        assert!(error.contains(" 7,") && error.contains(" 8:"), "{error}");
    }

    assert_eq!(written(db), rows);
    assert_rows(&db.rows(PLACES), &[&["default", "events", &host(&one)]]);
    assert_rows(&db.rows(ACCOUNTS), &[&["default", "7"]]);
});

on_both!(the_account_of_one_source_is_that_of_all, |db| {
    let (one, other) = (account(7), account(8));
    // Legacy records do not name it.
    Api::Legacy.sync_ok(&one, db, &[]);
    assert_rows(&db.rows(ACCOUNTS), &[&["default", NULL]]);
    Api::Events.sync_ok(&one, db, &[]);
    assert_rows(&db.rows(ACCOUNTS), &[&["default", "7"]]);

    let rows = written(db);
    for (account_id, code) in [(8, 78), (7, 0)] {
        let delivery = format!(
            r#"[{{"uuid":"a","event_timestamp":"2026-11-01 10:00:00 UTC","event_type_id":61,
                "account_id":{account_id},"user_id":1,"app_name":"Wiki"}}]"#
        );
        let directory = tempfile::TempDir::new().expect("a directory");
        let file = directory.path().join("saved.json");
        std::fs::write(&file, delivery).expect("a file");
        let arguments = ["--from-file", file.to_str().expect("a path")];
        // A file has no host, so it is held to the account alone.
        Api::Events.sync(&other, db, &arguments).run().expect_code(code);
        assert_eq!(written(db) == rows, code == 78);
    }
    let places = "select read_from from watermarks where source = 'webhook'";
    assert_rows(&db.rows(places), &[&[NULL]]);
});

on_both!(the_account_is_that_of_the_first_record_where_no_token_names_it, |db| {
    let record = |account_id: &str| {
        format!(
            r#"{{"id":{id},"event_type_id":64,"created_at":"2026-11-01T10:00:0{id}Z","user_id":1,
                "account_id":{account_id},"app_name":"Wiki"}}"#,
            id = account_id.len()
        )
    };
    let directory = tempfile::TempDir::new().expect("a directory");
    let file = directory.path().join("saved.json");
    let onelogin = account(7);
    let load = |records: &[&str], code: i32| {
        let records: Vec<String> = records.iter().map(|id| record(id)).collect();
        std::fs::write(&file, format!("[{}]", records.join(","))).expect("a file");
        let arguments = ["--from-file", file.to_str().expect("a path")];
        Api::Events.sync(&onelogin, db, &arguments).run().expect_code(code);
    };

    // One file of two accounts leaves nothing.
    load(&["7", "12345"], 78);
    assert_eq!(db.count("provisioning_failures"), 0);
    assert_rows(&db.rows(ACCOUNTS), &[&["default", NULL]]);
    // What does not identify a failure rejects none.
    load(&["\"x\"", "null", "{}"], 0);
    assert_rows(&db.rows(ACCOUNTS), &[&["default", NULL]]);
    load(&["\"53413\""], 0);
    assert_rows(&db.rows(ACCOUNTS), &[&["default", "53413"]]);
    // The API is held to it too.
    Api::Events.sync(&onelogin, db, &[]).run().expect_code(78);
});

on_all!(a_database_without_a_place_adopts_the_first_one_and_names_it, |db, api| {
    let (one, other) = (account(7), account(7));
    api.sync_ok(&one, db, &[]);
    db.execute("update watermarks set read_from = null");

    let adopted = api.sync(&other, db, &[]).run().expect_code(0);

    let host = host(&other);
    let line = adopted.stderr.lines().find(|line| line.contains("has no host yet"));
    assert!(line.is_some_and(|line| line.contains(&host)), "{adopted}");
    assert_rows(&db.rows(PLACES), &[&["default", api.name(), &host]]);
});

on_all!(a_host_that_gave_nothing_is_no_place, |db, api| {
    let onelogin = account(7);
    let unreachable = ["--base-url", "http://127.0.0.1:9", "--max-attempts", "1"];
    api.sync(&onelogin, db, &unreachable).run().expect_code(69);
    assert_rows(&db.rows(PLACES), &[&["default", api.name(), NULL]]);

    api.sync_ok(&onelogin, db, &[]);
});

on_all!(a_host_is_the_same_in_any_case_and_with_any_path, |db, api| {
    let onelogin = account(7);
    let port = onelogin.addr().port();
    let upper = format!("HTTP://LOCALHOST:{port}/");
    api.sync_ok(&onelogin, db, &["--base-url", &upper]);
    assert_rows(&db.rows(PLACES), &[&["default", api.name(), &format!("localhost:{port}")]]);

    api.sync_ok(&onelogin, db, &["--base-url", &format!("http://localhost:{port}")]);
});

on_both!(the_events_api_continues_from_no_legacy_sync_of_another_host, |db| {
    let (simulated, real) = (account(7), account(8));
    Api::Legacy.sync_ok(&simulated, db, &[]);

    let refused = Api::Events.sync(&real, db, &[]).run().expect_code(78);

    assert_names_both(&refused, &host(&simulated), &host(&real));
    assert_eq!(real.calls().len(), 0);
    Api::Events.sync_ok(&real, db, &["--moved"]);
});
