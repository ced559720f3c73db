//! SQLite files that another run holds, or that change under a run.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use onelogin_simulator::Simulator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use crate::support::api::Api;
use crate::support::block_on;
use crate::support::onelogin::{sync, sync_ok};
use crate::support::outcome::{
    SINCE, assert_complete, assert_recorded, first_window, history, outcome,
};
use crate::support::program::Running;
use crate::support::tables::Db;

/// A run that has written a part of its second window, and so holds the file's lock.
fn half_way(onelogin: &Simulator, db: &Db) -> Running {
    // More of that window than memory holds.
    let records = first_window(Api::Legacy, onelogin).len() as u64 + 6_500;
    onelogin.hold_after(records);
    // The first window is committed by then, since nothing is read ahead.
    let running = sync(onelogin, db, &["--since", SINCE, "--prefetch", "0"]).start();
    block_on(onelogin.wait_until_held());
    let began = Instant::now();
    while !is_locked(db) {
        assert!(began.elapsed() < Duration::from_mins(1), "the window's rows are not written");
    }
    running
}

/// True if another program holds the lock for writing.
fn is_locked(db: &Db) -> bool {
    let options: SqliteConnectOptions = db.url().parse().expect("a URL");
    let locked = block_on(async {
        let mut connection = options.busy_timeout(Duration::ZERO).connect().await?;
        sqlx::raw_sql("begin immediate; rollback").execute(&mut connection).await?;
        connection.close().await
    });
    locked.is_err_and(|error| error.to_string().contains("locked"))
}

fn file_of(db: &Db) -> PathBuf {
    PathBuf::from(db.url().strip_prefix("sqlite:").expect("a file"))
}

/// Regression: the second run waited a minute for the file's lock, and then exited 74.
#[test]
fn a_second_run_in_the_middle_of_a_window_ends_at_once() {
    let (db, onelogin) = (Db::sqlite(), history(30_000));
    let first = half_way(&onelogin, &db);
    let second_source = history(60);

    let second = sync(&second_source, &db, &["--since", SINCE]).timeout(Duration::from_secs(20));
    let refused = outcome(second.run(), 75);

    assert!(refused["error"].as_str().expect("a text").contains("holds the lease"), "{refused}");
    assert_eq!(second_source.requests_served(), 0);
    onelogin.release();
    assert_recorded(&db, &outcome(first.wait(), 0));
    assert_complete(Api::Legacy, &onelogin, &db);
}

/// Regression: a run whose file was deleted exited 0, and its rows were nowhere.
#[test]
fn a_file_that_is_deleted_in_the_middle_fails_the_run() {
    let (db, onelogin) = (Db::sqlite(), history(30_000));
    let running = half_way(&onelogin, &db);

    fs::remove_file(file_of(&db)).expect("the file is there");
    onelogin.release();

    let failed = outcome(running.wait(), 74);
    assert!(failed["error"].as_str().expect("a text").contains("deleted or replaced"), "{failed}");
    assert!(!file_of(&db).exists(), "no empty database is made in its place");
}

#[test]
fn a_file_that_is_replaced_in_the_middle_fails_the_run() {
    let (db, other, onelogin) = (Db::sqlite(), Db::sqlite(), history(30_000));
    sync_ok(&history(60), &other, &["--since", SINCE]);
    let running = half_way(&onelogin, &db);

    fs::rename(file_of(&other), file_of(&db)).expect("the file can be replaced");
    onelogin.release();

    let failed = outcome(running.wait(), 74);
    assert!(failed["error"].as_str().expect("a text").contains("deleted or replaced"), "{failed}");
}
