//! A stand-in OneLogin, and the job run against it.

use chrono::{DateTime, Utc};
use onelogin_sync::simulator::{Config, Simulator};

use super::block_on;
use super::program::{Finished, Program};
use super::tables::Db;

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

/// `sync` with a stand-in and a database, not yet run. Its outcome is JSON.
pub(crate) fn sync(onelogin: &Simulator, db: &Db, arguments: &[&str]) -> Program {
    let url = db.url();
    let common = ["sync", "--format", "json", "--database-url", &url];
    Program::new(&[&common, arguments].concat())
        .env("ONELOGIN_BASE_URL", onelogin.url())
        .env("ONELOGIN_API_KEY", onelogin.key())
}

/// Runs `sync` and asserts that it succeeds.
#[track_caller]
pub(crate) fn sync_ok(onelogin: &Simulator, db: &Db, arguments: &[&str]) -> serde_json::Value {
    let finished: Finished = sync(onelogin, db, arguments).run();
    finished.expect_code(0).json()
}

/// Starts what needs a runtime to spawn on, from a story that is no future.
fn in_runtime<T>(start: impl FnOnce() -> T) -> T {
    block_on(async { start() })
}
