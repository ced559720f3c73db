//! The lease of a source and the locks of its account in Postgres: who waits for whom.

use std::time::{Duration, Instant};

use onelogin_simulator::EventRecord;

use crate::support::api::{Api, put_event};
use crate::support::onelogin::{at, empty};
use crate::support::tables::{Db, assert_rows};
use crate::support::transaction::Transaction;

const NOON: &str = "2026-03-20T12:00:00Z";
const TODAY: [&str; 4] = ["--since", "2026-03-20", "--refresh-people", "never"];
/// As a window does before it writes users.
const LOCK_ACCOUNT: &str = "insert into accounts (account) values ('default')
    on conflict (account) do update set account = excluded.account";
/// As a window does at its end, and a rebuild, for the watermarks of all sources of the account.
const LOCK_WATERMARKS: &str =
    "update watermarks set needs_rebuild = true where account = 'default'";

/// An account that was read once.
fn read_once() -> (onelogin_simulator::Simulator, Db) {
    let (db, onelogin) = (Db::postgres(), empty(NOON));
    put_event(&onelogin, EventRecord::new(1, at("2026-03-20T10:00:00Z"), 61, 7));
    Api::Events.sync_ok(&onelogin, &db, &TODAY);
    (onelogin, db)
}

#[test]
fn a_run_that_finds_the_lease_taken_waits_for_no_lock() {
    let (onelogin, db) = read_once();
    db.execute(
        "update watermarks set lease_owner = 'worker-1 process 7',
             lease_expires_at = clock_timestamp() + interval '90 s'",
    );
    let _window = Transaction::begin(&db, &format!("{LOCK_ACCOUNT}; {LOCK_WATERMARKS}"));
    let began = Instant::now();

    let refused = Api::Events.sync(&onelogin, &db, &TODAY[2..]).run().expect_code(75);

    assert!(refused.stderr.contains("worker-1 process 7"), "{refused}");
    assert!(began.elapsed() < Duration::from_secs(30), "it waited for the lock");
}

#[test]
fn a_run_takes_its_lease_while_a_window_of_another_source_has_the_account() {
    let (onelogin, db) = read_once();
    let window = Transaction::begin(&db, LOCK_ACCOUNT);

    let running = Api::Legacy.sync(&onelogin, &db, &TODAY).start();
    let leases =
        "select count(*) from watermarks where source = 'legacy' and lease_owner is not null";
    let began = Instant::now();
    while db.rows(leases)[0][0] == "0" {
        assert!(began.elapsed() < Duration::from_secs(30), "it waits for the account");
    }
    drop(window);

    running.wait().expect_code(0);
}

#[test]
fn a_window_with_nothing_new_locks_no_account_after_its_watermark() {
    let (onelogin, db) = read_once();
    let known = "select onelogin_account_id is not null from accounts";
    assert_rows(&db.rows(known), &[&["1"]]);
    let _window = Transaction::begin(&db, LOCK_ACCOUNT);

    // Otherwise it waits with its watermark locked, which the other window locks next.
    Api::Events.sync_ok(&onelogin, &db, &TODAY[2..]);
}
