//! Runs that are killed, stopped, doubled or overtaken.

use std::time::{Duration, Instant};

use onelogin_simulator::{Fault, RetryAfter, Simulator};
use serde_json::Value;

use crate::support::api::{Api, on_all};
use crate::support::block_on;
use crate::support::door::Door;
use crate::support::onelogin::at;
use crate::support::outcome::{
    SINCE, assert_complete, assert_holds_first_window, assert_recorded, expire_lease, first_window,
    history, outcome,
};
use crate::support::program::{Program, Running};
use crate::support::tables::{Db, NULL, assert_rows};
use crate::support::transaction::Transaction;

/// Enough for two windows.
const FAILURES: u64 = 3_000;

/// Starts a run since [`SINCE`] and waits until it is held after a number of records.
fn held(api: Api, onelogin: &Simulator, db: &Db, after: u64, arguments: &[&str]) -> Running {
    onelogin.hold_after(after);
    let running = api.sync(onelogin, db, &[&["--since", SINCE], arguments].concat()).start();
    block_on(onelogin.wait_until_held());
    running
}

/// The same, held in its second window: in the middle of an answer, or of a page. The first one is
/// committed by then, since nothing is read ahead.
fn held_in_its_second_window(
    api: Api,
    onelogin: &Simulator,
    db: &Db,
    arguments: &[&str],
) -> Running {
    let arguments = [&["--prefetch", "0"], arguments].concat();
    held(api, onelogin, db, in_second_window(api, onelogin), &arguments)
}

fn in_second_window(api: Api, onelogin: &Simulator) -> u64 {
    let further = if api == Api::Legacy { 1_100 } else { 400 };
    of_first_window(api, onelogin) + further
}

fn of_first_window(api: Api, onelogin: &Simulator) -> u64 {
    first_window(api, onelogin).len() as u64
}

/// A run that asks at a door.
fn sync_at(door: &Door, api: Api, onelogin: &Simulator, db: &Db, arguments: &[&str]) -> Program {
    api.sync(onelogin, db, &[&["--since", SINCE], arguments].concat())
        .env("ONELOGIN_BASE_URL", door.url())
}

/// A run without a `--since` of its own unless none was committed before, as a scheduler's next.
fn next_run(api: Api, onelogin: &Simulator, db: &Db) -> Program {
    let never = db.rows("select 1 from watermarks where scanned_through is not null").is_empty();
    api.sync(onelogin, db, if never { &["--since", SINCE] } else { &[] })
}

/// The tables but for what differs from run to run.
fn contents(db: &Db) -> [Vec<Vec<String>>; 4] {
    [
        "select failure_id, account, source, source_id, login_id, user_id, operation, app_id, app_name,
            event_type_id, created_at, created_at_raw, description, error_description, raw
         from provisioning_failures order by failure_id",
        "select account, user_id, email, username, firstname, lastname, last_failure_id,
            last_failure_at from users order by user_id",
        "select success_id, source_id, user_id, operation, app_id, created_at, raw
         from provisioning_successes order by success_id",
        "select account, source, high_water_mark, scanned_through from watermarks",
    ]
    .map(|sql| db.rows(sql))
}

/// A story for each point of a backfill at which it is killed, by the records served before.
macro_rules! killed {
    ($($name:ident: |$api:ident, $onelogin:ident| $records:expr;)*) => {
        mod a_backfill_that_is_killed_continues_after_its_last_complete_window {
            use super::*;
            $(on_all!($name, |db, $api| {
                let $onelogin = history(FAILURES);
                let records = $records;
                is_killed($api, &$onelogin, db, records);
            });)*
        }
    };
}

killed! {
    at_the_first_record: |_api, _onelogin| 1;
    within_the_first_window: |api, onelogin| of_first_window(api, &onelogin) - 1;
    between_two_windows: |api, onelogin| of_first_window(api, &onelogin);
    within_a_later_window: |api, onelogin| in_second_window(api, &onelogin);
    before_the_last_record: |_api, _onelogin| FAILURES - 40;
}

fn is_killed(api: Api, onelogin: &Simulator, db: &Db, records: u64) {
    let running = held(api, onelogin, db, records, &[]);
    running.kill9();
    assert_eq!(running.wait().code, None);
    onelogin.release();

    // Complete windows only, and the lease of the killed run keeps the next one out until it expires.
    let windows = "select count(*), coalesce(sum(inserted), 0) from sync_windows";
    let before = db.rows(windows);
    assert_eq!(before[0][1], db.count("provisioning_failures").to_string());
    let refused = outcome(next_run(api, onelogin, db).run(), 75);
    assert_eq!(refused["requests"], 0);
    assert_eq!(db.rows(windows), before);

    expire_lease(db);
    let resume = "select high_water_mark, scanned_through from watermarks";
    let resume = db.rows(resume).remove(0);
    let before = api.requested(onelogin).len();
    let second = outcome(next_run(api, onelogin, db).run(), 0);

    // The next run begins where the scan ended, and a second earlier.
    let start = match resume[1].as_str() {
        NULL => at(SINCE),
        scanned => at(scanned),
    };
    assert_eq!(api.requested(onelogin)[before].0, start - chrono::TimeDelta::seconds(1));
    assert_recorded(db, &second);
    let statuses = "select status, exit_code from sync_runs order by run_id";
    assert_rows(&db.rows(statuses), &[&["interrupted", NULL], &["succeeded", "0"]]);
    let calm = Db::sqlite();
    api.sync_ok(onelogin, &calm, &["--since", SINCE]);
    assert_complete(api, onelogin, db);
    assert!(contents(db) == contents(&calm), "the tables differ from those of a calm run");
}

on_all!(the_lease_of_a_dead_run_ends_by_itself, |db, api| {
    let onelogin = history(60);
    let door = Door::before(onelogin.addr());
    let running = sync_at(&door, api, &onelogin, db, &["--lease", "1s"]).start();
    door.wait_for_knock();
    running.kill9();
    running.wait();

    // Far more runs than fit into a second.
    let codes = (0..1_000).map(|_| api.sync(&onelogin, db, &["--since", SINCE]).run().code);
    let codes: Vec<_> = codes
        .scan(false, |done, code| (!std::mem::replace(done, code != Some(75))).then_some(code))
        .collect();

    assert_eq!(codes.first(), Some(&Some(75)));
    assert_eq!(codes.last(), Some(&Some(0)));
    assert_complete(api, &onelogin, db);
});

on_all!(of_two_runs_at_once_the_second_names_the_first_and_leaves, |db, api| {
    let onelogin = history(60);
    let door = Door::before(onelogin.addr());
    let first = sync_at(&door, api, &onelogin, db, &[]).start();
    door.wait_for_knock();
    let owner = db.rows("select lease_owner from watermarks").remove(0).remove(0);

    let second = outcome(api.sync(&onelogin, db, &["--since", SINCE]).run(), 75);

    assert!(second["error"].as_str().expect("a text").contains(&owner), "{second}");
    assert_eq!((&second["requests"], onelogin.calls().len()), (&0.into(), 0));
    assert_eq!(db.count("sync_runs"), 1);
    door.open();
    assert_recorded(db, &outcome(first.wait(), 0));
    assert_complete(api, &onelogin, db);
});

on_all!(a_run_on_another_account_is_not_kept_out, |db, api| {
    let onelogin = history(60);
    let door = Door::before(onelogin.addr());
    let first = sync_at(&door, api, &onelogin, db, &["--account", "first"]).start();
    door.wait_for_knock();

    let arguments = ["--since", SINCE, "--account", "second"];
    assert_recorded(db, &outcome(api.sync(&onelogin, db, &arguments).run(), 0));

    door.open();
    assert_recorded(db, &outcome(first.wait(), 0));
    let accounts = "select account, count(*) from provisioning_failures group by 1 order by 1";
    assert_rows(&db.rows(accounts), &[&["first", "60"], &["second", "60"]]);
});

on_all!(a_run_that_lost_its_lease_cannot_commit, |db, api| {
    // The first run is held before its answer, and taken for dead.
    let onelogin = history(60);
    let door = Door::before(onelogin.addr());
    let first = sync_at(&door, api, &onelogin, db, &["--prefetch", "0"]).start();
    door.wait_for_knock();
    expire_lease(db);

    // The second scans less than the first, so that it is the lease alone which refuses the first.
    let until = ["--since", SINCE, "--until", "2026-02-20T12:00:00Z"];
    let second = outcome(api.sync(&onelogin, db, &until).run(), 0);
    let scanned = contents(db);
    api.put_failure(&onelogin, 7_777, "2026-02-18T13:00:00Z", 42);
    door.open();
    let first = outcome(first.wait(), 75);

    // It was served the new failure, and nothing of it remains.
    assert_eq!((&first["windows"], &first["inserted"]), (&0.into(), &0.into()));
    assert_eq!(api.records_given(&onelogin), of_first_window(api, &onelogin));
    assert!(contents(db) == scanned);
    let statuses = "select status, exit_code from sync_runs order by run_id";
    assert_rows(&db.rows(statuses), &[&["failed", "75"], &["succeeded", "0"]]);
    assert_recorded(db, &second);
    api.sync_ok(&onelogin, db, &["--since", SINCE]);
    assert_complete(api, &onelogin, db);
});

#[test]
fn a_run_that_is_held_up_notices_that_it_lost_its_lease() {
    // In SQLite an open window keeps everyone else out, so nobody can.
    let (api, onelogin, db) = (Api::Legacy, history(FAILURES), Db::postgres());
    let first = held_in_its_second_window(api, &onelogin, &db, &["--lease", "1s"]);
    db.execute("update watermarks set lease_token = lease_token + 1, lease_owner = 'another'");

    let first = outcome(first.wait(), 75);

    assert_eq!(first["windows"], 1);
    assert_holds_first_window(api, &onelogin, &db);
    assert_rows(&db.rows("select lease_owner, lease_token from watermarks"), &[&["another", "2"]]);
}

/// A story for each signal.
macro_rules! signalled {
    ($($name:ident: $signal:expr, exit $exit:literal;)*) => {
        mod a_signal_takes_the_window_at_hand_back_and_frees_the_lease {
            use super::*;
            $(on_all!($name, |db, api| { is_signalled(api, db, $signal, $exit) });)*
        }
    };
}

signalled! {
    sigint: Running::interrupt, exit 130;
    sigterm: Running::terminate, exit 143;
}

fn is_signalled(api: Api, db: &Db, signal: fn(&Running), exit: i32) {
    let onelogin = history(FAILURES);
    let running = held_in_its_second_window(api, &onelogin, db, &[]);

    signal(&running);
    let stopped = outcome(running.wait(), exit);

    assert_eq!((&stopped["status"], &stopped["windows"]), (&"interrupted".into(), &1.into()));
    assert_recorded(db, &stopped);
    assert_holds_first_window(api, &onelogin, db);
    onelogin.release();
    api.sync_ok(&onelogin, db, &[]);
    assert_complete(api, &onelogin, db);
}

on_all!(a_signal_does_not_wait_for_the_next_attempt, |db, api| {
    let onelogin = history(60);
    onelogin.fail_next([Fault::TooManyRequests(RetryAfter::Seconds(3_600))]);
    let running = api.sync(&onelogin, db, &["--since", SINCE, "--retry-for", "3h"]).start();
    running.wait_for_output("trying again in");

    running.terminate();
    let stopped: Value = outcome(running.wait(), 143);

    assert_eq!((&stopped["status"], api.requested(&onelogin).len()), (&"interrupted".into(), 1));
    assert_recorded(db, &stopped);
    api.sync_ok(&onelogin, db, &["--since", SINCE]);
    assert_complete(api, &onelogin, db);
});

on_all!(a_second_signal_stops_it_at_once, |db, api| {
    // The database is kept by another program, so that the end of the run cannot be recorded.
    let onelogin = history(60);
    let door = Door::before(onelogin.addr());
    let running = sync_at(&door, api, &onelogin, db, &[]).start();
    door.wait_for_knock();
    let _lock = Transaction::lock(db);
    let began = Instant::now();

    // Two signals, since two of one kind can arrive as one.
    running.terminate();
    running.interrupt();
    let finished = running.wait();

    assert!([130, 143].map(Some).contains(&finished.code), "{finished}");
    assert_eq!(finished.stdout, "");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
});

on_all!(a_database_that_hangs_does_not_keep_a_stopped_run_from_ending, |db, api| {
    let onelogin = history(60);
    let door = Door::before(onelogin.addr());
    let running = sync_at(&door, api, &onelogin, db, &[]).start();
    door.wait_for_knock();
    let lock = Transaction::lock(db);

    // Takes the ten seconds for recording the end and the five for closing.
    running.terminate();
    let stopped = outcome(running.wait(), 143);

    assert_eq!(stopped["status"], "interrupted");
    drop(lock);
    assert_rows(&db.rows("select status from sync_runs"), &[&["running"]]);
});
