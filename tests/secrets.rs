//! A sweep of commands, failures and marked secrets: none leaves by a message, a log or a table.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tempfile::TempDir;

use crate::support::onelogin::sync_ok;
use crate::support::outcome::{SINCE, history};
use crate::support::program::{Finished, Program};
use crate::support::responder::{Responder, response};
use crate::support::tables::Db;

const ID: &str = "clientMARKED0123456789";
const SECRET: &str = "secretMARKED/abc+def&ghij";
const KEY: &str = "keyMARKED0123456789abc";
const TOKEN: &str = "tokenMARKED99887766";
const PERSON: [&str; 2] = ["Ada Byte", "ada.byte@example.com"];
/// This many characters in a row of a secret give it away.
const PART: usize = 12;

/// The answer of a failing server, made of the request that it got.
type Answer = fn(&str) -> String;

const HTML: &str = "text/html";
const JSON: &str = "application/json";

fn message(text: &str) -> String {
    let text = serde_json::Value::from(text);
    format!(r#"{{"status":{{"error":true,"code":400,"type":"bad request","message":{text}}}}}"#)
}

/// Failures of every request, and of all but that for a token.
const FAILURES: [(&str, Answer); 11] = [
    ("a token under another name", |_| {
        response(200, JSON, &format!(r#"{{"token":"{TOKEN}","expires":3}}"#))
    }),
    ("an echo", |request| response(200, HTML, request)),
    ("an echo as an error", |request| response(400, HTML, request)),
    ("an echo of a failing proxy", |request| response(502, HTML, request)),
    ("an echo under an odd status", |request| response(418, HTML, request)),
    ("an echo in a message", |request| response(400, JSON, &message(request))),
    ("an echo in a message of a success", |request| response(200, JSON, &message(request))),
    ("an echo in a key", |request| {
        response(200, JSON, &format!("{{{}:1}}", serde_json::Value::from(credential(request))))
    }),
    ("a person in a message", |_| response(400, JSON, &message(&PERSON.join(" ")))),
    ("a redirect", |request| {
        let to = format!("location: https://{}.example/?x", credential(request));
        response(302, HTML, "").replacen("content-type", &format!("{to}\r\ncontent-type"), 1)
    }),
    ("an echo in a header", |request| response(400, credential(request), "")),
];

/// The last part of the header `Authorization`.
fn credential(request: &str) -> &str {
    let line = request.lines().find(|line| line.to_lowercase().starts_with("authorization"));
    line.and_then(|line| line.split(' ').next_back()).unwrap_or("none")
}

/// Asserts that no part of a marked secret is in a text, in any form.
#[track_caller]
fn assert_no_leak(what: &str, text: &str) {
    let mut forms = vec![ID.to_owned(), SECRET.to_owned(), KEY.to_owned(), TOKEN.to_owned()];
    for secret in [SECRET, KEY, ID] {
        forms.push(url::form_urlencoded::byte_serialize(secret.as_bytes()).collect());
        forms.push(BASE64_STANDARD.encode(secret));
    }
    forms.push(BASE64_STANDARD.encode(format!("{ID}:{SECRET}")));
    forms.push(BASE64_STANDARD.encode(format!("{KEY}:x")));
    for form in forms {
        for at in 0..=form.len() - PART {
            let part = &form[at..at + PART];
            assert!(!text.contains(part), "{what} shows {part:?}:\n{text}");
        }
    }
    for name in PERSON {
        assert!(!text.contains(name), "{what} names {name:?}:\n{text}");
    }
}

/// All that a run leaves: what it printed, what it stored, and what `status` shows of it.
fn left(db: &Db, finished: &Finished) -> String {
    let status = |format| {
        let program = Program::new(&["status", "--format", format]);
        program.env("DATABASE_URL", db.url()).run().to_string()
    };
    let stored = [db.rows("select * from sync_runs"), db.rows("select * from sync_health")];
    format!("{finished}\n{}\n{}\n{stored:?}", status("text"), status("json"))
}

#[test]
fn no_secret_and_no_person_leaves_whatever_the_server_answers() {
    let mut tried = 0;
    for (failure, answer) in FAILURES {
        for (names, path) in [(&["ONELOGIN_API_KEY"][..], ""), (&CLIENT, ""), (&CLIENT, "/api/")] {
            let server = Responder::start(move |request| {
                if request.split(' ').nth(1).is_some_and(|at| at.contains(path)) {
                    return answer(request);
                }
                response(200, JSON, &format!(r#"{{"access_token":"{TOKEN}","expires_in":36000}}"#))
            });
            let db = Db::sqlite();
            let program = Program::new(&["sync", "-vv", "--max-attempts", "2", "--since", SINCE])
                .env("DATABASE_URL", db.url())
                .env("ONELOGIN_BASE_URL", server.url());
            let value = |name: &str| match name {
                "ONELOGIN_API_KEY" => KEY,
                "ONELOGIN_CLIENT_ID" => ID,
                _ => SECRET,
            };
            let finished = names.iter().fold(program, |p, name| p.env(name, value(name))).run();

            assert_ne!(finished.code, Some(0), "{failure}: {finished}");
            assert_no_leak(failure, &left(&db, &finished));
            tried += 1;
        }
    }
    assert_eq!(tried, 33);
}

const CLIENT: [&str; 2] = ["ONELOGIN_CLIENT_ID", "ONELOGIN_CLIENT_SECRET"];

#[test]
fn no_secret_leaves_by_help_or_a_usage_error() {
    let address = format!("https://me:{SECRET}@example.com");
    for command in ["sync", "status", "compare", "migrate"] {
        for rest in [&["--help"][..], &["-h"], &["--nonsense"], &["--log-level", KEY], &[KEY]] {
            let arguments = [&[command], rest].concat();
            let program = Program::new(&arguments).env("ONELOGIN_BASE_URL", &address);
            let program =
                program.env("DATABASE_URL", format!("postgres://me:{TOKEN}@127.0.0.1:1/x"));
            let finished = program.env("PGPASSWORD", KEY).env("ONELOGIN_API_KEY", KEY).run();
            assert_no_leak(command, &finished.to_string());
        }
    }
}

#[test]
fn control_characters_reach_no_terminal() {
    let (onelogin, db) = (history(60), Db::sqlite());
    let account = "a\u{1b}[31mred\u{7}";
    let arguments = ["--since", SINCE, "--account", account, "-v"];
    let program = crate::support::api::Api::Legacy.sync(&onelogin, &db, &arguments);
    let synced = program.env("ONELOGIN_LOG_LEVEL", "").run().expect_code(0);
    let status = Program::new(&["status"]).env("DATABASE_URL", db.url()).run().expect_code(0);
    for shown in [&synced.stderr, &status.stdout] {
        assert!(shown.contains("[31mred"), "{shown}");
        assert!(!shown.contains(['\u{1b}', '\u{7}']), "{shown:?}");
    }
}

#[test]
fn a_file_that_the_program_creates_is_its_owners() {
    let onelogin = history(60);
    let directory = TempDir::new().expect("a temporary directory can be created");
    let file = directory.path().join("a.db");
    let mode = || fs::metadata(&file).expect("it is there").permissions().mode() & 0o777;
    let sync = || {
        let program = Program::new(&["sync", "--since", SINCE]);
        let program = program.env("DATABASE_URL", format!("sqlite:{}", file.display()));
        let program = program.env("ONELOGIN_BASE_URL", onelogin.url());
        program.env("ONELOGIN_API_KEY", onelogin.key()).run().expect_code(0)
    };
    assert!(!sync().stderr.contains("may read"));
    assert_eq!(mode(), 0o600);

    // An existing file keeps its mode, and one that others may read is warned of, once.
    for (set, warnings) in [(0o640, 0), (0o644, 1)] {
        fs::set_permissions(&file, fs::Permissions::from_mode(set)).expect("it is ours");
        let again = sync();
        assert_eq!(again.stderr.matches("may read").count(), warnings, "{again}");
        assert_eq!(mode(), set);
    }
}

#[test]
fn a_secret_file_that_others_may_read_is_warned_of() {
    let directory = TempDir::new().expect("a temporary directory can be created");
    let file = directory.path().join("key");
    let onelogin = history(60);
    fs::write(&file, onelogin.key()).expect("a new file");
    for (mode, warnings) in [(0o600, 0), (0o644, 1)] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("it is ours");
        let program = Program::new(&["sync", "--since", SINCE]).env("DATABASE_URL", "sqlite:a.db");
        let program = program.env("ONELOGIN_BASE_URL", onelogin.url());
        let finished = program.env("ONELOGIN_API_KEY_FILE", &file).run().expect_code(0);
        assert_eq!(finished.stderr.matches("may read").count(), warnings, "{finished}");
    }
}

#[test]
fn status_reads_a_file_that_nobody_may_write() {
    let (onelogin, db) = (history(60), Db::sqlite());
    sync_ok(&onelogin, &db, &["--since", SINCE]);
    let Db::Sqlite(directory) = &db else { unreachable!("just made") };
    let file = directory.path().join("onelogin.db");
    for (path, mode) in [(file.as_path(), 0o400), (directory.path(), 0o500)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
    }

    let status = Program::new(&["status"]).env("DATABASE_URL", db.url()).run().expect_code(0);

    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).expect("it is ours");
    assert!(status.stdout.contains("scanned through"), "{status}");
}
