//! A stand-in OneLogin, the job run against it, and what the tables must hold after it.

use chrono::{DateTime, Utc};
use onelogin_simulator::{Config, Entry, Record, Simulator};
use serde_json::Value;

use super::api::Api;
use super::block_on;
use super::program::{Finished, Program};
use super::tables::{Db, assert_rows};

pub(crate) use super::tables::shown;

/// All columns of a failure that come from the source, in the order of time.
pub(crate) const FAILURES: &str = "select failure_id, account, source, source_id, login_id, \
    user_id, operation, operation_source, app_id, app_name, event_type_id, created_at, created_at_raw, \
    description, error_description, solved, resolved_at, resolution, raw \
    from provisioning_failures order by failure_id";

/// All columns of a person that come from the source.
pub(crate) const USERS: &str = "select account, user_id, email, username, firstname, lastname, \
    last_failure_id, last_failure_at, display_name, profile_id, profile_at, profile_source \
    from users order by account, user_id";

/// The watermarks and the holder of the lease.
pub(crate) const WATERMARKS: &str = "select account, source, high_water_mark, scanned_through, \
    lease_owner from watermarks order by account, source";

/// All runs, the oldest first.
pub(crate) const RUNS: &str = "select status, exit_code, fetched, inserted, updated, unchanged, \
    rejected, users_written, requests, retries from sync_runs order by run_id";

/// The ledger of all runs, in the order of the commits.
pub(crate) const WINDOWS: &str = "select window_from, window_to, fetched, inserted, updated, \
    unchanged, rejected from sync_windows order by window_id";

/// Starts a stand-in on a free port. It serves for as long as the handle lives.
pub(crate) fn start(config: Config) -> Simulator {
    in_runtime(|| Simulator::start(([127, 0, 0, 1], 0).into(), config))
        .expect("a loopback port can be bound")
}

/// A stand-in with no records but those that a story puts there, its clock at `now`.
pub(crate) fn empty(now: &str) -> Simulator {
    start(Config { failures: 0, now: at(now), ..Config::default() })
}

/// `2026-03-20T12:00:00Z` as an instant.
pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an RFC 3339 time")
}

/// A well-formed record. Change what matters: `Record { login_id: 7, ..record(1, "…", 42) }`.
pub(crate) fn record(id: i64, created_at: &str, user_id: i64) -> Record {
    Record::new(id, at(created_at), user_id)
}

/// Puts a text where the stand-in looks for records of that time, and returns its number.
pub(crate) fn put(onelogin: &Simulator, created_at: &str, text: impl Into<String>) -> usize {
    onelogin.put(Entry::new(at(created_at), text))
}

/// `sync` of the legacy API, not yet run. Its outcome is JSON.
pub(crate) fn sync(onelogin: &Simulator, db: &Db, arguments: &[&str]) -> Program {
    Api::Legacy.sync(onelogin, db, arguments)
}

/// Runs `sync` and asserts that it succeeds.
#[track_caller]
pub(crate) fn sync_ok(onelogin: &Simulator, db: &Db, arguments: &[&str]) -> Value {
    let finished: Finished = sync(onelogin, db, arguments).run();
    finished.expect_code(0).json()
}

/// Fetched, inserted, updated, unchanged and rejected, as a run's outcome counts them.
#[track_caller]
pub(crate) fn counts(outcome: &Value) -> [u64; 5] {
    ["fetched", "inserted", "updated", "unchanged", "rejected"]
        .map(|name| outcome[name].as_u64().unwrap_or_else(|| panic!("{name} in {outcome}")))
}

/// All texts that the stand-in would serve now.
pub(crate) fn all_records(onelogin: &Simulator) -> Vec<String> {
    onelogin.records(None, None).collect()
}

/// Asserts that failures and users are what one load of these legacy texts, in this order, would give.
/// Texts that cannot be loaded are passed over.
#[track_caller]
pub(crate) fn assert_loaded<T: AsRef<str>>(db: &Db, texts: &[T]) {
    Api::Legacy.assert_loaded(db, texts);
}

/// The rejects: reason, `open` or `replayed`, and the text; in the order of the bytes, which
/// is not every database's order of texts.
pub(crate) fn rejects(db: &Db) -> Vec<Vec<String>> {
    let state = "case when replayed_at is null then 'open' else 'replayed' end";
    let mut rows = db.rows(&format!("select reason, {state}, raw from rejected_records"));
    rows.sort();
    rows
}

/// Every column of every failure and user, and in Postgres the transaction that wrote the row.
pub(crate) fn written(db: &Db) -> Vec<Vec<String>> {
    let columns = if matches!(db, Db::Postgres(_)) { "xmin, *" } else { "*" };
    let failures = format!("select {columns} from provisioning_failures order by failure_id");
    let users = format!("select {columns} from users order by account, user_id");
    [db.rows(&failures), db.rows(&users)].concat()
}

/// [`assert_rows`] for rows that were made and not written down.
#[track_caller]
pub(crate) fn assert_same(actual: &[Vec<String>], expected: &[Vec<String>]) {
    let rows: Vec<Vec<&str>> =
        expected.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
    assert_rows(actual, &rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
}

/// Starts what needs a runtime to spawn on, from a story that is no future.
fn in_runtime<T>(start: impl FnOnce() -> T) -> T {
    block_on(async { start() })
}
