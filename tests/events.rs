//! Stories of the events API alone. Those that hold for both APIs are in the other modules.

mod budget;
mod calls;
mod changes;
mod crowded;
mod files;
mod migrating;
mod pages;
mod paging;
mod people;
mod refused_people;
mod rereading;
mod saved;
mod skipped;
mod token;
mod types;

use chrono::{DateTime, Utc};
use onelogin_simulator::{Config, EventRecord, Simulator};

use crate::support::onelogin::{at, start};

const NOON: &str = "2026-03-20T12:00:00Z";
const TODAY: [&str; 4] = ["--since", "2026-03-20", "--refresh-people", "never"];
/// A month of made-up history, without requests to the users API.
const MONTH: [&str; 4] = ["--since", "2026-02-18T12:00:00Z", "--refresh-people", "never"];

/// A month of history, served as configured.
fn month(serving: impl FnOnce(Config) -> Config) -> Simulator {
    start(serving(Config { failures: 600, ..Config::default() }))
}

/// A failed suspension of user 7 in Sales App.
fn failure(id: i64, time: &str) -> EventRecord {
    EventRecord::new(id, at(time), 61, 7)
}

/// Milliseconds after a time.
fn after(time: &str, millis: i64) -> DateTime<Utc> {
    at(time) + chrono::TimeDelta::milliseconds(millis)
}
