//! A window is gathered before it is written, so that no transaction waits for its source.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use onelogin_simulator::{Endpoint, Entry, EventRecord, Simulator};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;

use crate::support::api::{Api, on_all};
use crate::support::block_on;
use crate::support::onelogin::{at, counts, empty, put, record};
use crate::support::program::{Program, Running};
use crate::support::tables::{Db, on_both};

const NOON: &str = "2026-03-20T12:00:00Z";
const TIME: &str = "2026-03-20T11:00:00Z";
const TODAY: [&str; 2] = ["--since", "2026-03-20"];

/// Bytes of an unknown field, and records with it that are more than memory holds.
const BALLAST: usize = 1_500;
const MANY: i64 = 3_300;
/// Records that are sent before an answer is held, more than memory holds, too.
const HELD_AFTER: u64 = 2_900;

/// The time of record `id`: 12 seconds apart, so that they fill the day until noon.
fn spread(id: i64) -> String {
    (at("2026-03-20T00:30:00Z") + TimeDelta::seconds(12 * id)).to_rfc3339()
}

/// A stand-in with records of two kilobytes.
fn large_records(api: Api) -> Simulator {
    let onelogin = empty(NOON);
    let ballast = format!(r#"{{"ballast":"{}","#, "x".repeat(BALLAST));
    let large = |json: String| format!("{ballast}{}", &json[1..]);
    for id in 0..MANY {
        let time = spread(id);
        match api {
            Api::Legacy => {
                put(&onelogin, &time, large(record(id, &time, id % 7).to_json()));
            }
            Api::Events => {
                let event = EventRecord::new(id + 1, at(&time), 61, id % 7).to_json();
                onelogin.put_event(Entry::new(at(&time), large(event)));
            }
        }
    }
    onelogin
}

/// True if the program has a transaction open in which it may write.
fn has_transaction(db: &Db) -> bool {
    match db {
        Db::Postgres(_) => {
            let others = "select count(*) from pg_stat_activity where datname = current_database()
                and pid <> pg_backend_pid() and xact_start is not null";
            db.rows(others) != [["0"]]
        }
        Db::Sqlite(_) => {
            let options: SqliteConnectOptions = db.url().parse().expect("a URL");
            let begun = block_on(async {
                let mut connection = options.busy_timeout(Duration::ZERO).connect().await?;
                sqlx::raw_sql("begin immediate; rollback").execute(&mut connection).await?;
                connection.close().await
            });
            begun.is_err()
        }
    }
}

/// Waits until the program has no transaction open; the lease is renewed in short ones.
#[track_caller]
fn wait_until_idle(db: &Db) {
    let began = Instant::now();
    while has_transaction(db) {
        assert!(began.elapsed() < Duration::from_mins(1), "a transaction stays open");
    }
}

/// The program, held in the middle of an answer, with a folder of its own for temporary files.
fn held(api: Api, onelogin: &Simulator, db: &Db, after: u64, temporary: &Path) -> Running {
    onelogin.hold_after(after);
    let program = api.sync(onelogin, db, &TODAY).env("TMPDIR", temporary);
    let running = program.env("ONELOGIN_LOG_LEVEL", "debug").start();
    block_on(onelogin.wait_until_held());
    running
}

on_all!(a_window_that_fits_into_memory_is_not_begun_before_it_is_complete, |db, api| {
    let onelogin = empty(NOON);
    for id in 1..=1_500 {
        api.put_failure(&onelogin, id, &spread(id), id % 7);
    }
    let running = held(api, &onelogin, db, 1_300, Path::new("/nonexistent"));
    running.wait_for_output("batch read");

    wait_until_idle(db);

    assert_eq!(db.count("provisioning_failures"), 0);
    onelogin.release();
    let outcome = running.wait().expect_code(0).json();
    assert_eq!(counts(&outcome), [1_500, 1_500, 0, 0, 0]);
    api.assert_loaded(db, &api.served(&onelogin, None, None));
});

on_both!(pages_that_memory_does_not_hold_wait_in_a_file_of_ours, |db| {
    let (onelogin, temporary) = (large_records(Api::Events), TempDir::new().expect("a directory"));
    let running = held(Api::Events, &onelogin, db, HELD_AFTER, temporary.path());
    running.wait_for_output("continued in a temporary file");

    wait_until_idle(db);

    assert_no_names(temporary.path());
    assert_eq!(db.count("provisioning_failures"), 0);
    onelogin.release();
    let outcome = running.wait().expect_code(0).json();
    assert_eq!(outcome["inserted"], MANY);
    assert_no_names(temporary.path());
    Api::Events.assert_loaded(db, &Api::Events.served(&onelogin, None, None));
    // Each page was requested once.
    let pages = u64::try_from(MANY).expect("a number").div_ceil(50);
    assert_eq!(onelogin.calls_to(Endpoint::Events).len() as u64, pages);
});

#[test]
fn a_killed_run_leaves_no_temporary_file_and_nothing_of_its_window() {
    let (db, onelogin) = (Db::postgres(), large_records(Api::Events));
    let temporary = TempDir::new().expect("a temporary directory can be created");
    let running = held(Api::Events, &onelogin, &db, HELD_AFTER, temporary.path());
    running.wait_for_output("continued in a temporary file");

    running.kill9();
    assert_eq!(running.wait().code, None);

    assert_no_names(temporary.path());
    assert_eq!(db.count("provisioning_failures") + db.count("sync_windows"), 0);
}

#[track_caller]
fn assert_no_names(folder: &Path) {
    let names: Vec<_> = fs::read_dir(folder).expect("a folder").flatten().collect();
    assert!(names.is_empty(), "{names:?}");
}

#[test]
fn a_folder_for_temporary_files_that_is_not_there_is_named() {
    let (db, onelogin) = (Db::sqlite(), large_records(Api::Events));
    let program = Api::Events.sync(&onelogin, &db, &TODAY).env("TMPDIR", "/nonexistent");

    let finished = program.run().expect_code(78);

    let error = finished.json()["error"].as_str().expect("a text").to_owned();
    assert!(error.contains("/nonexistent") && error.contains("TMPDIR"), "{error}");
    assert_eq!(db.count("provisioning_failures"), 0);
}

on_both!(a_large_answer_that_pauses_is_requested_in_halves_until_it_fits, |db| {
    let (onelogin, temporary) = (large_records(Api::Legacy), TempDir::new().expect("a directory"));
    let running = held(Api::Legacy, &onelogin, db, HELD_AFTER, temporary.path());

    running.wait_for_output("reading a smaller window");

    wait_until_idle(db);
    assert_eq!(db.count("provisioning_failures"), 0);
    onelogin.release();
    let outcome = running.wait().expect_code(0).json();
    assert_eq!(outcome["inserted"], MANY);
    Api::Legacy.assert_loaded(db, &Api::Legacy.served(&onelogin, None, None));
});

/// Regression: while the source took its time, the server ended the window's transaction.
#[test]
fn a_server_that_ends_idle_transactions_soon_is_survived() {
    let (db, onelogin) = (Db::postgres(), large_records(Api::Legacy));
    let name = db.url().rsplit_once('/').expect("a URL with a path").1.to_owned();
    db.execute(&format!("alter database {name} set idle_in_transaction_session_timeout = '500ms'"));
    let temporary = TempDir::new().expect("a temporary directory can be created");
    let running = held(Api::Legacy, &onelogin, &db, HELD_AFTER, temporary.path());
    let idle = "select count(*) from pg_stat_activity where datname = current_database()
        and state = 'idle in transaction' and state_change < clock_timestamp() - interval '1 s'";

    // A second after the last batch its `copy` is ended.
    let began = Instant::now();
    while db.rows(idle) == [["0"]] {
        assert!(began.elapsed() < Duration::from_mins(1), "no transaction is idle");
    }
    onelogin.release();

    let finished = running.wait().expect_code(0);
    assert!(finished.stderr.contains("batches copied in one statement"), "{finished}");
    assert_eq!(finished.json()["inserted"], MANY);
    Api::Legacy.assert_loaded(&db, &Api::Legacy.served(&onelogin, None, None));
}

#[test]
fn a_second_that_memory_does_not_hold_waits_in_a_file() {
    let (db, onelogin) = (Db::sqlite(), empty(NOON));
    let ballast = format!(r#"{{"ballast":"{}","#, "x".repeat(BALLAST));
    for id in 0..MANY {
        let record = record(id, TIME, id % 7).to_json();
        put(&onelogin, TIME, format!("{ballast}{}", &record[1..]));
    }
    onelogin.hold_after(HELD_AFTER);
    let span = ["--since", TIME, "--until", "2026-03-20T11:00:01Z"];
    let program = Api::Legacy.sync(&onelogin, &db, &span);
    let running = program.env("ONELOGIN_LOG_LEVEL", "debug").start();
    running.wait_for_output("continued in a temporary file");

    wait_until_idle(&db);

    onelogin.release();
    assert_eq!(running.wait().expect_code(0).json()["inserted"], MANY);
    Api::Legacy.assert_loaded(&db, &Api::Legacy.served(&onelogin, None, None));
}

on_both!(a_pipe_that_pauses_holds_no_transaction, |db| {
    let directory = TempDir::new().expect("a temporary directory can be created");
    let pipe = directory.path().join("pipe");
    mkfifo(&pipe, Mode::from_bits_truncate(0o600)).expect("a pipe can be made");
    let onelogin = large_records(Api::Legacy);
    let texts = Api::Legacy.served(&onelogin, None, None);
    let program = Program::new(&["sync", "--format", "json", "--from-file"]).argument(&pipe);
    let program = program.env("DATABASE_URL", db.url()).env("ONELOGIN_LOG_LEVEL", "debug");
    let running = program.start();
    let mut writer = fs::OpenOptions::new().write(true).open(&pipe).expect("it is read");
    let (first, last) = texts.split_at(usize::try_from(HELD_AFTER).expect("a number"));
    for text in first {
        writeln!(writer, "{text}").expect("it is read");
    }
    running.wait_for_output("continued in a temporary file");

    wait_until_idle(db);

    for text in last {
        writeln!(writer, "{text}").expect("it is read");
    }
    drop(writer);
    assert_eq!(running.wait().expect_code(0).json()["inserted"], MANY);
    Api::Legacy.assert_loaded(db, &texts);
});

on_all!(a_failure_before_all_that_was_read_is_not_late, |db, api| {
    let onelogin = empty(NOON);
    api.put_failure(&onelogin, 1, "2026-03-10T09:00:00Z", 1);
    api.put_failure(&onelogin, 2, "2026-03-17T09:00:00Z", 2);
    api.put_failure(&onelogin, 3, "2026-03-20T09:00:00Z", 3);
    api.sync_ok(&onelogin, db, &["--since", "2026-03-19"]);

    // The week is read again, and a span before it for the first time.
    onelogin.set_now(at("2026-03-21T13:00:00Z"));
    api.sync_ok(&onelogin, db, &[]);
    api.sync_ok(&onelogin, db, &["--since", "2026-03-09", "--until", "2026-03-12"]);

    let late = "select source_id, is_late from provisioning_failures order by source_id";
    assert_eq!(db.rows(late), [["1", "0"], ["2", "0"], ["3", "0"]]);
});

on_all!(a_failure_that_a_span_read_before_gives_is_late, |db, api| {
    let onelogin = empty(NOON);
    api.put_failure(&onelogin, 1, TIME, 1);
    api.sync_ok(&onelogin, db, &TODAY);
    onelogin.set_now(at("2026-03-20T13:00:00Z"));
    api.put_failure(&onelogin, 2, TIME, 2);
    api.put_failure(&onelogin, 3, "2026-03-20T12:30:00Z", 3);

    let again = ["--since", "2026-03-20", "--until", NOON];
    api.sync_ok(&onelogin, db, &again);
    api.sync_ok(&onelogin, db, &[]);

    let late = "select source_id, is_late from provisioning_failures order by source_id";
    assert_eq!(db.rows(late), [["1", "0"], ["2", "1"], ["3", "0"]]);
});
