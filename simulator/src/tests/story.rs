//! The history with a story.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike as _, TimeDelta};

use super::*;

const FAILED: [i64; 6] = [25, 61, 62, 63, 64, 65];

/// A generated event, as far as the tests read it.
#[derive(Clone, Debug, PartialEq)]
struct Served {
    at: DateTime<Utc>,
    kind: i64,
    person: i64,
    app: String,
    error: String,
}

fn config() -> Config {
    let now = at("2026-03-20T12:00:00Z");
    Config {
        history: History::Story,
        failures: 3_000,
        days: 60,
        late_records: 0,
        now,
        ..Config::default()
    }
}

fn seen(onelogin: &Simulator) -> Vec<Served> {
    let events = onelogin.events(None, None, None);
    events
        .map(|text| {
            let event: Value = serde_json::from_str(&text).expect("JSON");
            let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
            Served {
                at: at(&text("created_at")),
                kind: event["event_type_id"].as_i64().expect("a type"),
                person: event["user_id"].as_i64().unwrap_or_default(),
                app: text("app_name"),
                error: text("error_description"),
            }
        })
        .collect()
}

fn failures(events: &[Served]) -> Vec<&Served> {
    events.iter().filter(|event| FAILED.contains(&event.kind)).collect()
}

#[tokio::test]
async fn a_seed_and_a_clock_give_one_story_in_both_apis() {
    let onelogin = start(config());
    let events = seen(&onelogin);
    assert_eq!(events, seen(&start(config())));
    assert_ne!(events, seen(&start(Config { seed: 8, ..config() })));
    assert!(events.iter().map(|event| event.at).is_sorted());
    let begins = config().now - TimeDelta::days(60);
    assert!(events.iter().all(|event| event.at >= begins && event.at <= config().now));

    let failures = failures(&events);
    assert!((2_500..3_500).contains(&failures.len()), "{} failures", failures.len());
    let records: Vec<Value> = onelogin
        .records(None, None)
        .map(|text| serde_json::from_str(&text).expect("JSON"))
        .collect();
    assert_eq!(records.len(), failures.len());
    for (record, event) in records.iter().zip(&failures) {
        assert_eq!(record["error_description"].as_str().unwrap_or_default(), event.error);
        assert_eq!(record["user"]["id"].as_i64().unwrap_or_default(), event.person);
    }
}

#[tokio::test]
async fn a_story_has_weekends_and_continues_for_years() {
    let onelogin = start(config());
    let events = seen(&onelogin);
    let failures = failures(&events);
    let weekend = failures.iter().filter(|event| event.at.weekday().num_days_from_monday() > 4);
    let weekend = weekend.count();
    assert!(weekend * 8 < failures.len(), "{weekend} of {} at weekends", failures.len());

    for weeks in [1, 60, 3_000] {
        let before = onelogin.now();
        onelogin.advance(Duration::from_hours(24 * 7 * weeks));
        let span = (Some(onelogin.now() - TimeDelta::days(7)), Some(onelogin.now()));
        let later = onelogin.events(span.0, span.1, None).count();
        // Fifty years later the story ends.
        assert_eq!(later > 300, weeks < 3_000, "{later} events {weeks} weeks after {before}");
    }
    let none = start(Config { failures: 0, ..config() });
    assert_eq!(none.events(None, None, None).count() + none.records(None, None).count(), 0);
    for failures in 1..20 {
        let few = start(Config { failures, successes: Some(0), ..config() });
        let served = few.records(None, None).count();
        assert!((1..=40).contains(&served), "{served} of {failures}");
        assert_eq!(few.events(None, None, Some(&FAILED)).count(), served);
        assert_eq!(few.events(None, None, Some(&[51, 52, 53, 54, 55, 59, 60])).count(), 0);
    }
}

#[tokio::test]
async fn an_outage_takes_an_hour_and_a_limit_two_days() {
    let events = seen(&start(config()));
    let recent = config().now - TimeDelta::days(14);
    let outage: Vec<&Served> =
        events.iter().filter(|event| event.error.starts_with("503") && event.at > recent).collect();
    let took = outage.last().expect("an outage").at - outage[0].at;
    assert!(outage.len() > 100 && took < TimeDelta::hours(1), "{} in {took}", outage.len());
    assert!(outage.iter().all(|event| event.app == outage[0].app));
    let people: BTreeSet<i64> = outage.iter().map(|event| event.person).collect();
    let done = |failed: &&Served| {
        let is_done = |event: &Served| {
            let same = (event.person, &event.app) == (failed.person, &failed.app);
            same && (51..60).contains(&event.kind) && event.at > failed.at
        };
        failed.person == 0 || events.iter().any(is_done)
    };
    assert!(people.len() > 60 && outage.iter().all(done));

    let now = config().now;
    let limit: Vec<&Served> = events
        .iter()
        .filter(|event| event.error.contains("all agents that your plan includes are in use"))
        .filter(|event| event.at > now - TimeDelta::days(30))
        .collect();
    let took = limit.last().expect("a limit").at - limit[0].at;
    assert!(limit.len() > 80, "{}", limit.len());
    assert!((TimeDelta::hours(36)..TimeDelta::hours(48)).contains(&took), "{took}");
    assert!(limit.iter().all(|event| event.kind == 64) && limit.iter().all(done));
}

#[tokio::test]
async fn something_is_new_some_leavers_keep_their_access_and_one_app_does_nothing() {
    let events = seen(&start(config()));
    let now = config().now;
    let mut first = BTreeMap::new();
    for event in &events {
        first.entry(event.error.as_str()).or_insert(event.at);
    }
    let new: Vec<_> = first.into_iter().filter(|&(_, at)| at > now - TimeDelta::days(7)).collect();
    assert!(new.iter().any(|(error, _)| error.contains("Invalid value specified")), "{new:?}");

    let open = events.iter().filter(|event| event.kind == 61).filter(|failed| {
        let is_done = |event: &Served| {
            let same = (event.person, &event.app) == (failed.person, &failed.app);
            same && [53, 55].contains(&event.kind) && event.at > failed.at
        };
        !events.iter().any(is_done)
    });
    let mut days: BTreeMap<(i64, &str), BTreeSet<u32>> = BTreeMap::new();
    for event in open {
        days.entry((event.person, &event.app)).or_default().insert(event.at.ordinal());
    }
    let long = days.values().filter(|days| days.len() > 2).count();
    assert!((5..40).contains(&long), "{long} leavers with attempts on three days");

    let skipped: Vec<&Served> = events.iter().filter(|event| event.kind == 60).collect();
    assert!(skipped.len() > 10, "{}", skipped.len());
    assert!(skipped.iter().all(|event| event.app == "Payroll in Berlin" && event.error.is_empty()));
    let suspended =
        |event: &&Served| event.app == "Payroll in Berlin" && [53, 61].contains(&event.kind);
    assert_eq!(events.iter().find(suspended), None);
}

#[tokio::test]
async fn most_failures_are_tried_again_until_they_succeed() {
    let events = seen(&start(config()));
    let now = config().now;
    let mut last: BTreeMap<(i64, &str, i64), (usize, bool)> = BTreeMap::new();
    for event in events.iter().filter(|event| event.at < now - TimeDelta::days(10)) {
        let operation = match event.kind {
            25 | 60 => continue,
            failed @ 61..=65 => failed,
            51 | 59 => 64,
            52 => 65,
            53 => 61,
            54 => 62,
            _ => 63,
        };
        let entry = last.entry((event.person, &event.app, operation)).or_default();
        let is_failure = FAILED.contains(&event.kind);
        *entry = (entry.0 + usize::from(is_failure), is_failure);
    }
    last.retain(|key, &mut (failures, _)| failures > 0 && key.0 != 0);
    let ended = last.values().filter(|(_, is_open)| !is_open).count();
    let again = last.values().filter(|(failures, _)| *failures > 1).count();
    assert!(ended * 10 > last.len() * 8, "{ended} of {} succeeded", last.len());
    assert!(again * 4 > last.len(), "{again} of {} were tried again", last.len());
}
