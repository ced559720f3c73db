//! The promise as a whole: after any run, twins, cases, texts and days are what building all of them again gives.
//!
//! `FACTS_HISTORIES=500` tries more histories; `FACTS_SEED` repeats a run.

use std::env;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;

use super::*;

/// Histories per database. Each has runs of both sources, late and changed events, and failures of two sources.
const HISTORIES: usize = 40;
/// Histories that share a database, each under an account of its own, and a rebuild after each round.
const AT_ONCE: usize = 20;
const ROUNDS: usize = 6;

const FAILED: [i64; 6] = [25, 61, 62, 63, 64, 65];
const SUCCEEDED: [i64; 6] = [51, 52, 53, 54, 55, 59];
const APPS: [(Option<i64>, Option<&str>); 6] = [
    (Some(5), Some("Wiki")),
    (Some(5), Some("Wiki")),
    (Some(5), Some("Knowledge")),
    (Some(6), Some("Mail")),
    (None, Some("Wiki")),
    (None, None),
];
const VERBS: [&str; 6] = ["created", "updated", "suspended", "reactivated", "deleted", "lost"];

on_both!(facts_are_what_building_them_again_gives_after_any_history, |db| {
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse().ok());
    let seed = number("FACTS_SEED").unwrap_or_else(|| fastrand::u64(..));
    let histories = number("FACTS_HISTORIES").map_or(HISTORIES, |n| n.try_into().expect("small"));
    println!("FACTS_SEED={seed} repeats this run of {histories} histories");
    let mut rng = Rng::with_seed(seed);
    for first in (0..histories).step_by(AT_ONCE) {
        let last = histories.min(first + AT_ONCE);
        let mut all: Vec<History> =
            (first..last).map(|n| History::new(format!("history {n}"))).collect();
        for round in 0..ROUNDS {
            for history in &mut all {
                for _ in 0..rng.usize(1..8) {
                    history.happen(&mut rng);
                }
                history.run(db, &mut rng);
            }
            println!("histories {first} to {last}, round {round}");
            assert_complete(db);
            open_failures::assert_as_many_as_attempts(db);
        }
    }
    assert!(db.count("provisioning_cases") > histories, "there are cases to compare");
    let paired = "select count(*) > 0 from provisioning_failures where twin_of is not null";
    assert!(["1", "t", "true"].contains(&db.rows(paired)[0][0].as_str()), "there are twins");
    let backlog = "select sum(opened) - sum(resolved) from failures_by_day";
    let unresolved = "select count(*) from provisioning_cases where resolved_at is null";
    assert_same(&db.rows(backlog), &db.rows(unresolved));
});

/// A source, and what was put there.
struct History {
    account: String,
    onelogin: Simulator,
    /// Numbers and events.
    events: Vec<(usize, EventRecord)>,
    next_id: i64,
}

impl History {
    fn new(account: String) -> Self {
        Self { account, onelogin: empty(NOON), events: Vec::new(), next_id: 1 }
    }

    /// Something happens to the source: an event, now or late, a legacy failure, or a change.
    fn happen(&mut self, rng: &mut Rng) {
        match rng.u8(..10) {
            0..=2 if !self.events.is_empty() => {
                let place = rng.usize(..self.events.len());
                let (number, before) = self.events[place].clone();
                let mut after = self.event(rng, at(&before.created_at));
                (after.id, after.event_type_id) = (before.id, before.event_type_id);
                if rng.bool() {
                    after.event_type_id = one_of(rng, &FAILED);
                }
                self.onelogin.replace_event(number, after.to_json());
                self.events[place].1 = after;
            }
            3 => self.onelogin.advance(Duration::from_mins(rng.u64(1..30))),
            4 => {
                let time = self.time(rng);
                self.put_legacy(rng, time);
            }
            _ => {
                let time = self.time(rng);
                let event = self.event(rng, time);
                if FAILED.contains(&event.event_type_id) && rng.bool() {
                    self.put_twin(rng, &event, time);
                }
                let number = put_event(&self.onelogin, event.clone());
                self.events.push((number, event));
            }
        }
    }

    /// A time of the last hours, of few different ones.
    fn time(&self, rng: &mut Rng) -> DateTime<Utc> {
        let now = self.onelogin.now();
        now - TimeDelta::minutes(rng.i64(0..12) * 10) - TimeDelta::milliseconds(rng.i64(0..4) * 700)
    }

    fn event(&mut self, rng: &mut Rng, time: DateTime<Utc>) -> EventRecord {
        self.next_id += 1;
        let types = if rng.u8(..3) == 0 { SUCCEEDED } else { FAILED };
        let (app_id, app_name) = one_of(rng, &APPS);
        let is_resolved = rng.u8(..6) == 0;
        let resolved_at = time + TimeDelta::minutes(rng.i64(-5..60));
        EventRecord {
            user_id: (rng.u8(..8) > 0).then(|| rng.i64(1..4)),
            app_id,
            app_name: app_name.map(str::to_owned),
            error_description: rng.bool().then(|| format!("Error {}", one_of(rng, &["a", "b"]))),
            solved: one_of(rng, &[None, Some(is_resolved)]),
            resolved_at: (is_resolved && rng.bool()).then(|| resolved_at.to_rfc3339()),
            ..EventRecord::new(self.next_id, time, one_of(rng, &types), 1)
        }
    }

    fn put_legacy(&mut self, rng: &mut Rng, time: DateTime<Utc>) {
        self.next_id += 1;
        let (_, app) = one_of(rng, &APPS);
        let (user_id, verb) = (rng.i64(1..4), one_of(rng, &VERBS));
        self.put_record(time, user_id, verb, app.unwrap_or("Wiki"));
    }

    /// Puts the failure there as the legacy API has it, about the same time.
    fn put_twin(&mut self, rng: &mut Rng, event: &EventRecord, time: DateTime<Utc>) {
        self.next_id += 1;
        let verb = match event.event_type_id {
            61 => "suspended",
            62 => "reactivated",
            63 => "deleted",
            64 => "created",
            65 => "updated",
            _ => "lost",
        };
        let near = time + TimeDelta::milliseconds(rng.i64(-1_400..1_400));
        let app = event.app_name.as_deref().filter(|_| rng.u8(..4) > 0).unwrap_or("Other");
        self.put_record(near, event.user_id.unwrap_or(1), verb, app);
    }

    fn put_record(&self, time: DateTime<Utc>, user_id: i64, verb: &str, app: &str) {
        let record = Record {
            description: format!("User {user_id} could not be {verb} in {app}"),
            ..Record::new(self.next_id, time, user_id)
        };
        self.onelogin.put(Entry::new(time, record.to_json()));
    }

    /// Runs one of the sources, or both at once.
    fn run(&self, db: &Db, rng: &mut Rng) {
        let mut arguments = vec!["--account", &self.account, "--since", "2026-03-20"];
        arguments.extend(["--refresh-people", "never", "--max-rejects", "1000"]);
        let apis: &[Api] = match rng.u8(..5) {
            0 | 1 => &[Api::Legacy],
            2 | 3 => &[Api::Events],
            _ => &[Api::Legacy, Api::Events],
        };
        let running: Vec<_> =
            apis.iter().map(|api| api.sync(&self.onelogin, db, &arguments).start()).collect();
        for run in running {
            run.wait().expect_code(0);
        }
    }
}

fn one_of<T: Copy>(rng: &mut Rng, choices: &[T]) -> T {
    choices[rng.usize(..choices.len())]
}
