//! The traces of a run: its outcome on stdout, its row, its watermark, and no secret anywhere.

use onelogin_simulator::{Config, Simulator};
use serde_json::Value;

use super::api::Api;
use super::onelogin::{at, start};
use super::program::Finished;
use super::tables::{Db, NULL, shown};

/// The start of the history of [`history`], for `--since`.
pub(crate) const SINCE: &str = "2026-02-18T12:00:00Z";
/// The key of [`history`], and the credential of its events API; nothing may ever show either.
const KEY: &str = "hush-legacy-key";
const CLIENT_ID: &str = "hush-client";
const CLIENT_SECRET: &str = "hush-secret";
/// `hush-legacy-key:x` and `hush-client:hush-secret` as HTTP Basic sends them.
const BASIC: [&str; 2] = ["aHVzaC1sZWdhY3kta2V5Ong", "aHVzaC1jbGllbnQ6aHVzaC1zZWNyZXQ"];
/// A token of the stand-in.
const TOKEN_DIGITS: usize = 64;

/// Every key of the outcome, sorted, by the contract.
const OUTCOME: [&str; 22] = [
    "account",
    "bytes",
    "error",
    "exit_code",
    "fetched",
    "high_water_mark",
    "ignored",
    "inserted",
    "people_pending",
    "rejected",
    "requests",
    "retries",
    "run_id",
    "scanned_through",
    "seconds",
    "source",
    "status",
    "successes",
    "unchanged",
    "updated",
    "users_written",
    "windows",
];

/// The columns of `sync_runs` that an outcome has too.
const RECORDED: [&str; 16] = [
    "status",
    "exit_code",
    "error",
    "fetched",
    "inserted",
    "updated",
    "unchanged",
    "rejected",
    "users_written",
    "requests",
    "retries",
    "bytes",
    "source",
    "successes",
    "ignored",
    "people_pending",
];

/// A month of `failures` failures, which a run copies in three windows by the legacy API, and in four
/// by the events API, whose pages are as large as its first window.
pub(crate) fn history(failures: u64) -> Simulator {
    start(Config {
        key: KEY.into(),
        client_id: CLIENT_ID.into(),
        client_secret: CLIENT_SECRET.into(),
        failures,
        page: 1_000,
        ..Config::default()
    })
}

/// The outcome of a run that ended with `code`: one line of JSON with exactly the keys of the
/// contract, whose counts balance.
#[track_caller]
pub(crate) fn outcome(finished: Finished, code: i32) -> Value {
    let finished = finished.expect_code(code);
    assert_silent(&finished);
    let outcome = finished.json();
    let mut keys: Vec<_> = outcome.as_object().expect("an object").keys().collect();
    keys.sort();
    assert_eq!(keys, OUTCOME);
    assert_eq!(outcome["exit_code"], code);
    assert_eq!(outcome["error"].is_null(), code == 0, "{outcome}");
    let count = |name: &str| outcome[name].as_u64().expect("a count");
    let accounted: u64 = ["inserted", "updated", "unchanged", "rejected"].map(count).iter().sum();
    assert_eq!(count("fetched"), accounted, "{outcome}");
    outcome
}

/// Asserts that neither a secret nor a person's e-mail was printed.
#[track_caller]
fn assert_silent(finished: &Finished) {
    for output in [&finished.stdout, &finished.stderr] {
        assert!(!is_leak(output), "a secret or an e-mail is shown; {finished}");
    }
}

/// True if a secret, a token or an e-mail is in the text.
fn is_leak(text: &str) -> bool {
    let is_token = |part: &str| part.len() == TOKEN_DIGITS;
    let secrets = [KEY, CLIENT_ID, CLIENT_SECRET, BASIC[0], BASIC[1], "@"];
    secrets.iter().any(|secret| text.contains(secret))
        || text.split(|c: char| !c.is_ascii_hexdigit()).any(is_token)
}

/// Asserts that `sync_runs` and the watermark are those of the outcome, that
/// the lease was given back, and that no run shows the key or a person's e-mail.
#[track_caller]
pub(crate) fn assert_recorded(db: &Db, outcome: &Value) {
    let (columns, run_id) = (RECORDED.join(", "), text(&outcome["run_id"]));
    let run = db.rows(&format!("select {columns} from sync_runs where run_id = '{run_id}'"));
    assert_eq!(run, [RECORDED.map(|name| text(&outcome[name]))]);
    let watermark = db.rows(&format!(
        "select high_water_mark, scanned_through, lease_owner, lease_expires_at
         from watermarks where account = '{}'",
        text(&outcome["account"])
    ));
    let [high, scanned] =
        ["high_water_mark", "scanned_through"].map(|name| instant(&outcome[name]));
    assert_eq!(watermark, [[high, scanned, NULL.into(), NULL.into()]]);
    let runs = db.rows("select * from sync_runs").concat();
    let leak = runs.iter().find(|value| is_leak(value));
    assert_eq!(leak, None, "a run shows a secret or an e-mail");
}

/// Asserts that the tables hold every record that the stand-in serves now, each once and as it
/// came, with the right people, and that the windows add up to the runs.
#[track_caller]
pub(crate) fn assert_complete(api: Api, onelogin: &Simulator, db: &Db) {
    assert_holds(db, api.served(onelogin, None, None));
    let too_old = "select f.user_id from provisioning_failures f
        left join users u on u.account = f.account and u.user_id = f.user_id
        where f.user_id is not null and (u.user_id is null or u.last_failure_id < f.failure_id)";
    assert_eq!(db.rows(too_old), Vec::<Vec<String>>::new(), "people older than their failures");
    let people = "select count(distinct user_id) from provisioning_failures";
    assert_eq!(db.rows(people)[0][0], db.count("users").to_string());
    let off = "select r.run_id from sync_runs r where r.fetched <>
        (select coalesce(sum(w.fetched), 0) from sync_windows w where w.run_id = r.run_id)";
    assert_eq!(db.rows(off), Vec::<Vec<String>>::new(), "runs that are not their windows");
}

/// Asserts that failures and successes are these records, each once and as it came.
#[track_caller]
pub(crate) fn assert_holds(db: &Db, mut served: Vec<String>) {
    let stored =
        ["select raw from provisioning_failures", "select raw from provisioning_successes"];
    let stored = stored.iter().flat_map(|sql| db.rows(sql)).map(|mut row| row.remove(0));
    let mut stored: Vec<_> = stored.collect();
    stored.sort();
    served.sort();
    let differs = stored.iter().zip(&served).find(|(stored, served)| stored != served);
    assert!(
        stored == served,
        "{} rows of {} records; the first that differ: {differs:?}",
        stored.len(),
        served.len()
    );
}

/// Asserts that the failures are the records of the first window and no others.
#[track_caller]
pub(crate) fn assert_holds_first_window(api: Api, onelogin: &Simulator, db: &Db) {
    assert_holds(db, first_window(api, onelogin));
}

/// The records that a run since [`SINCE`] is given for its first window.
pub(crate) fn first_window(api: Api, onelogin: &Simulator) -> Vec<String> {
    // The request begins a second earlier.
    let (from, to) = (at(SINCE) - chrono::TimeDelta::seconds(1), at(api.first_window_end()));
    api.served(onelogin, Some(from), Some(to))
}

/// Lets every lease run out.
pub(crate) fn expire_lease(db: &Db) {
    db.execute("update watermarks set lease_expires_at = '2000-01-01 00:00:00.000+00:00'");
}

/// As the tables of [`Db::rows`] show it.
fn text(value: &Value) -> String {
    match value {
        Value::Null => NULL.into(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn instant(value: &Value) -> String {
    let Some(text) = value.as_str() else { return NULL.into() };
    shown(at(text))
}
