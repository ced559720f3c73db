//! Configurations that the program refuses, and the origins of its credentials.

use std::fs;

use onelogin_simulator::Simulator;
use tempfile::TempDir;

use crate::support::api::Api;
use crate::support::onelogin::{empty, sync};
use crate::support::outcome::{SINCE, assert_complete, history, outcome};
use crate::support::program::Program;
use crate::support::tables::Db;

#[test]
fn wrong_usage_ends_with_64_and_touches_nothing() {
    let cases: [&[&str]; 13] = [
        &["--unknown"],
        &["--since", "yesterday"],
        &["--since", "2026-02-30"],
        &["--until", "2026-03-01T00:00:00"],
        &["--overlap", "soon"],
        &["--account", ""],
        &["--source", "carrier-pigeon"],
        &["--max-attempts", "0"],
        &["--lease", "10ms"],
        &["--connect-timeout", "0s"],
        &["--read-timeout", "0ms"],
        &["--request-timeout", "0"],
        &["--database-timeout", "0s"],
    ];
    for arguments in cases {
        let (onelogin, db) = (empty("2026-03-20T12:00:00Z"), Db::sqlite());

        let finished = sync(&onelogin, &db, arguments).run().expect_code(64);

        assert_eq!(finished.stdout, "");
        assert!(finished.stderr.contains(arguments[0]), "{finished}");
        assert!(!file(&db).exists());
        assert_eq!(onelogin.requests_served(), 0);
    }
}

#[test]
fn a_span_that_cannot_be_is_wrong_usage() {
    let cases: [&[&str]; 3] = [
        &["--since", "2026-03-02", "--until", "2026-03-01"],
        &["--since", "2026-03-02", "--until", "2026-03-02T00:00:00Z"],
        &["--since", "2999-01-01"],
    ];
    for arguments in cases {
        let (onelogin, db) = (history(60), Db::sqlite());

        let outcome = outcome(sync(&onelogin, &db, arguments).run(), 64);

        assert!(outcome["error"].as_str().expect("a text").contains("--since"), "{outcome}");
        assert!(!file(&db).exists());
        assert_eq!(onelogin.requests_served(), 0);
    }
}

#[test]
fn the_key_goes_to_no_other_machine_in_plain_text() {
    let (onelogin, db) = (history(60), Db::sqlite());
    // No loopback address by its name, although it leads to this machine.
    let elsewhere = format!("http://0.0.0.0:{}", onelogin.addr().port());
    let arguments = ["--since", SINCE, "--base-url", &elsewhere];

    let refused = outcome(sync(&onelogin, &db, &arguments).run(), 78);

    let error = refused["error"].as_str().expect("a text");
    assert!(error.contains("https") && error.contains("--allow-http"), "{error}");
    assert_eq!(onelogin.requests_served(), 0);
    let allowed = [&arguments[..], &["--allow-http"]].concat();
    outcome(sync(&onelogin, &db, &allowed).run(), 0);
    assert_complete(Api::Legacy, &onelogin, &db);
}

#[test]
fn a_configuration_that_cannot_work_ends_with_78() {
    let (onelogin, db) = (history(60), Db::sqlite());
    let cases = [
        ("ONELOGIN_BASE_URL", "api.onelogin.com", "base URL"),
        ("ONELOGIN_BASE_URL", "https://user:hunter2@localhost", "base URL"),
        ("ONELOGIN_API_KEY", "", "no credentials"),
        ("ONELOGIN_API_KEY", "two parts", "ONELOGIN_API_KEY"),
        ("DATABASE_URL", "mysql://localhost/x", "database URL"),
    ];
    for (variable, value, named) in cases {
        let program = Program::new(&["sync", "--format", "json"])
            .env("DATABASE_URL", db.url())
            .env("ONELOGIN_BASE_URL", onelogin.url())
            .env("ONELOGIN_API_KEY", onelogin.key());

        let outcome = outcome(program.env(variable, value).run(), 78);

        let error = outcome["error"].as_str().expect("a text");
        assert!(error.contains(named) && !error.contains("hunter2"), "{error}");
    }
    assert!(!file(&db).exists());
    assert_eq!(onelogin.requests_served(), 0);
}

/// A run with the key in a file, and perhaps one in the environment.
fn sync_with_key_file(onelogin: &Simulator, content: &str, variable: &str, code: i32) {
    let directory = TempDir::new().expect("a temporary directory can be created");
    let path = directory.path().join("key");
    fs::write(&path, content).expect("a new file can be written");
    let db = Db::sqlite();
    let program = sync(onelogin, &db, &["--since", SINCE])
        .env("ONELOGIN_API_KEY", variable)
        .env("ONELOGIN_API_KEY_FILE", path);
    outcome(program.run(), code);
}

#[test]
fn the_key_may_be_in_a_file_that_ends_with_a_line_break() {
    let onelogin = history(60);
    sync_with_key_file(&onelogin, onelogin.key(), "", 0);
    sync_with_key_file(&onelogin, &format!("{}\n", onelogin.key()), "", 0);
    sync_with_key_file(&onelogin, &format!("{}\r\n", onelogin.key()), "", 0);
    sync_with_key_file(&onelogin, "another\n", "", 77);
    sync_with_key_file(&onelogin, "\n", "", 78);
}

#[test]
fn a_key_in_the_environment_wins_over_the_file() {
    let onelogin = history(60);
    sync_with_key_file(&onelogin, "another\n", onelogin.key(), 0);
    sync_with_key_file(&onelogin, onelogin.key(), "another", 77);
}

#[test]
fn a_key_file_that_is_not_there_is_named() {
    let (onelogin, db) = (history(60), Db::sqlite());

    let program = sync(&onelogin, &db, &[])
        .env("ONELOGIN_API_KEY", "")
        .env("ONELOGIN_API_KEY_FILE", "/nowhere/key");
    let outcome = outcome(program.run(), 78);

    let error = outcome["error"].as_str().expect("a text");
    assert!(error.contains("/nowhere/key") && error.contains("ONELOGIN_API_KEY_FILE"), "{error}");
}

/// The path of an SQLite database, existing or not.
fn file(db: &Db) -> std::path::PathBuf {
    db.url().strip_prefix("sqlite:").expect("SQLite").into()
}
