//! One history in both APIs.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use super::*;

const FAILED: [i64; 6] = [25, 61, 62, 63, 64, 65];

fn parse(texts: impl Iterator<Item = String>) -> Vec<Value> {
    texts.map(|text| serde_json::from_str(&text).expect("JSON")).collect()
}

/// A number, written as a number or as a text.
fn number(value: &Value) -> i64 {
    let read = value.as_str().map_or(value.as_i64(), |text| text.parse().ok());
    read.unwrap_or_else(|| panic!("{value} is no number"))
}

fn time(event: &Value) -> DateTime<Utc> {
    at(event["created_at"].as_str().expect("a time"))
}

#[tokio::test]
async fn every_failure_is_in_both_apis_and_reads_the_same() {
    for (seed, event_form) in [(1, EventForm::Modern), (2, EventForm::Odd)] {
        let onelogin = start(Config { seed, failures: 6_000, event_form, ..Config::default() });
        let records = parse(onelogin.records(None, None));
        let events = parse(onelogin.events(None, None, Some(&FAILED)));
        assert_eq!(records.len(), events.len());
        let (mut users, mut kinds) = (BTreeSet::new(), BTreeSet::new());
        for (record, event) in records.iter().zip(&events) {
            let legacy = record["created_at"].as_str().expect("a date");
            let legacy = DateTime::parse_from_str(legacy, "%Y/%m/%d %H:%M:%S %z").expect("a date");
            assert_eq!(time(event).timestamp(), legacy.timestamp(), "{record} {event}");
            let cause = event.get("error_description").unwrap_or(&Value::Null);
            assert_eq!(cause, &record["error_description"]);
            assert_eq!(event["user_id"], record["user"]["id"]);
            let is_present = |value: &Value, name| value.get(name).is_some();
            assert_eq!(is_present(event, "user_id"), is_present(record, "user"));
            let app = event.get("app_name").unwrap_or(&event["app-name"]);
            let app = app.as_str().expect("a name");
            let kind = number(&event["event_type_id"]);
            let verb = match kind {
                61 => "suspended",
                62 => "reactivated",
                63 => "deleted",
                64 => "created",
                _ => "updated",
            };
            let description = record["description"].as_str().expect("a text");
            if let Some(user) = event["user_name"].as_str().filter(|_| kind != 25) {
                assert_eq!(description, format!("{user} could not be {verb} in {app}"));
            } else if kind == 25 {
                assert_eq!(description, "Internal provisioning error");
            }
            kinds.insert(kind);
            users.insert(record["user"]["id"].as_i64());
        }
        assert_eq!(kinds, BTreeSet::from(FAILED));
        assert!(users.contains(&None), "no failure without a user");
    }
}

#[tokio::test]
async fn ids_need_64_bits_and_rise_with_a_time_of_milliseconds() {
    let onelogin =
        start(Config { failures: 5_000, days: 1, ignores_type_filter: true, ..Config::default() });
    let events = parse(onelogin.events(None, None, None));
    let order: Vec<_> = events.iter().map(|event| (time(event), number(&event["id"]))).collect();
    assert!(order.is_sorted(), "not in the order of time");
    assert!(order.windows(2).all(|two| two[0].1 < two[1].1), "ids do not rise");
    assert!(order[0].1 > 1 << 32);
    assert!(order.windows(2).any(|two| two[0].0 == two[1].0), "no two share a millisecond");
    let text = events[0]["created_at"].as_str().expect("a time");
    assert_eq!((text.len(), &text[23..]), (24, "Z"), "{text}");
    let kinds: BTreeSet<i64> = events.iter().map(|event| number(&event["event_type_id"])).collect();
    assert_eq!(kinds, BTreeSet::from([8, 25, 51, 52, 53, 54, 55, 59, 61, 62, 63, 64, 65]));
}

#[tokio::test]
async fn ids_are_unique_within_a_millisecond_too() {
    // 46 failures a second, as many successes, and bursts: milliseconds with several of each.
    let config = Config { failures: 4_000_000, days: 1, ..Config::default() };
    let onelogin = start(Config { successes: Some(4_000_000), ..config });
    let events = parse(onelogin.events(None, None, None).take(8_000));
    let order: Vec<_> = events.iter().map(|event| (time(event), number(&event["id"]))).collect();
    assert!(order.windows(2).all(|two| two[0].1 < two[1].1), "ids do not rise");
    let kinds_of = |at: &(DateTime<Utc>, i64)| {
        let tied = events.iter().filter(|event| time(event) == at.0);
        tied.map(|event| event["error_description"].is_null()).collect::<BTreeSet<_>>().len()
    };
    let tied: Vec<_> = order.windows(2).filter(|two| two[0].0 == two[1].0).collect();
    assert!(tied.iter().any(|two| kinds_of(&two[0]) == 2), "no failure beside a success");
}

#[tokio::test]
async fn a_failure_is_late_and_bad_in_both_apis() {
    let onelogin = start(Config {
        failures: 3_000,
        days: 3,
        late_records: 20,
        bad_records: 50,
        ..Config::default()
    });
    let count = |onelogin: &Simulator| {
        let until = Some(at("2026-03-20T12:00:00Z"));
        (onelogin.records(None, until).count(), onelogin.events(None, until, Some(&FAILED)).count())
    };
    let before = count(&onelogin);
    assert_eq!(before.0, before.1);
    onelogin.advance(Duration::from_hours(7));
    let after = count(&onelogin);
    assert_eq!(after.0, after.1);
    assert!(after.0 > before.0, "nothing was late");
    let bad: BTreeSet<String> = onelogin
        .events(None, None, Some(&FAILED))
        .filter(|text| {
            let event: Value = serde_json::from_str(text).expect("even a bad event is JSON");
            event["id"].as_i64().is_none()
                || event["event_type_id"].as_i64().is_none()
                || !event["created_at"].as_str().is_some_and(|text| text.ends_with('Z'))
        })
        .collect();
    assert!((30..120).contains(&bad.len()), "{} bad events", bad.len());
    for part in ["\"id\":null", "yesterday", "{\"value\"", "\"user_id\":null}"] {
        assert!(bad.iter().any(|text| text.contains(part)), "no event with {part}");
    }
    assert!(bad.iter().any(|text| text.parse::<u64>().is_ok()), "no bare number");
}

#[tokio::test]
async fn every_success_does_the_operation_of_an_earlier_failure() {
    let onelogin = start(Config { failures: 4_000, bad_records: 4, ..Config::default() });
    let mut events = parse(onelogin.events(None, None, None));
    events.retain(|event| event.get("app_id").is_some());
    let (mut failed, mut successes, mut linked) = (BTreeMap::new(), 0, 0);
    for event in &events {
        let (kind, at) = (number(&event["event_type_id"]), time(event));
        let user = event["user_id"].as_i64();
        let pair = match kind {
            51 | 59 => 64,
            52 => 65,
            53 => 61,
            54 => 62,
            55 => 63,
            _ => {
                failed.insert((user, event["app_id"].as_i64(), kind), at);
                continue;
            }
        };
        successes += 1;
        linked += usize::from(kind == 59);
        let before = failed.get(&(user, event["app_id"].as_i64(), pair));
        let waited = at - *before.unwrap_or_else(|| panic!("nothing failed before {event}"));
        assert!(waited > TimeDelta::zero(), "{event}");
        assert_eq!(event["error_description"], Value::Null);
    }
    assert!((1_980..=2_000).contains(&successes), "{successes} successes");
    assert!((20..80).contains(&linked), "{linked} of them linked");
    assert!(onelogin.records(None, None).count() < 4_001, "none in the legacy API");

    onelogin.advance(Duration::from_hours(24));
    let since = Some(at("2026-03-20T12:00:00.001Z"));
    let later = onelogin.events(since, None, Some(&[51, 52, 53, 54, 55, 59])).count();
    assert!((50..85).contains(&later), "{later} in the next day");
    let none = start(Config { failures: 100, successes: Some(0), ..Config::default() });
    assert_eq!(none.events(None, None, None).count(), none.records(None, None).count());
}

#[tokio::test]
async fn some_failures_are_solved_an_hour_to_five_days_later() {
    let onelogin = start(Config { failures: 2_000, days: 10, ..Config::default() });
    let solved = |onelogin: &Simulator| {
        let events = parse(onelogin.events(None, Some(at("2026-03-20T12:00:00Z")), None));
        let (yes, no): (Vec<Value>, Vec<Value>) =
            events.into_iter().partition(|event| event["solved"] == true);
        for event in &yes {
            let resolved_at = at(event["resolved_at"].as_str().expect("a time"));
            let after = resolved_at - time(event);
            assert!((TimeDelta::hours(1)..=TimeDelta::days(5)).contains(&after), "{event}");
            assert!(resolved_at <= onelogin.now(), "{event}");
            assert!(event["resolution"].is_string() && event["resolved_by_user_id"].is_u64());
        }
        assert!(no.iter().all(|event| event["resolved_at"].is_null() && event["solved"].is_null()));
        yes.len()
    };
    let before = solved(&onelogin);
    onelogin.advance(Duration::from_hours(24 * 5));
    let after = solved(&onelogin);
    assert!(before < after && (60..150).contains(&after), "{before}, then {after}");
    let never = start(Config { failures: 2_000, resolved_events: 0, ..Config::default() });
    assert_eq!(solved(&never), 0);
}

#[tokio::test]
async fn every_oddity_of_the_odd_form_is_there_and_every_event_has_one() {
    let config = Config { failures: 500, event_form: EventForm::Odd, ..Config::default() };
    let texts: Vec<String> = start(config).events(None, None, None).collect();
    let oddities = [
        "{\"id\":\"",
        "\"event_type_id\":\"",
        "\"app-name\"",
        "\"resolution\":0",
        "\"client_id\":0,\"risk_cookie_id\":0",
        "\"tags\":[\"a]\"",
    ];
    for oddity in oddities {
        let count = texts.iter().filter(|text| text.contains(oddity)).count();
        assert!((300..450).contains(&count), "{count} of {} with {oddity}", texts.len());
    }
    let is_odd = |text: &String| {
        let lacks = !text.contains("\"ipaddr\"");
        lacks || oddities.iter().any(|oddity| text.contains(oddity))
    };
    assert!(texts.iter().all(is_odd));
    assert!(parse(texts.into_iter()).iter().any(|event| event.get("error_description").is_none()));
}

#[tokio::test]
async fn events_put_by_hand_are_ordered_by_time_and_id() {
    let onelogin = start(Config { failures: 0, ..Config::default() });
    let monday = at("2026-03-09T00:00:00.500Z");
    let put = |at: DateTime<Utc>, id: i64, kind: i64| {
        onelogin.put_event(Entry::new(at, EventRecord::new(id, at, kind, 7).to_json()))
    };
    let earlier = monday - TimeDelta::milliseconds(1);
    put(monday, 81_000_000_002, 64);
    put(monday, 81_000_000_001, 51);
    let nameless = onelogin.put_event(Entry::new(monday, "{\"note\":\"no id, no type\"}"));
    put(earlier, 81_000_000_009, 61);
    onelogin.put_event(Entry::new(monday, "{\"id\":\"3\",\"event_type_id\":\"64\"}"));
    onelogin.put_event(Entry::new(monday, "4").late(at("2026-03-21T00:00:00Z")));
    let seen = |since: Option<DateTime<Utc>>, types: Option<&[i64]>| -> Vec<i64> {
        let events = parse(onelogin.events(since, None, types));
        events.iter().map(|event| event.get("id").map_or(0, number)).collect()
    };
    let [first, second, last] = [81_000_000_001, 81_000_000_002, 81_000_000_009];
    assert_eq!(seen(None, None), [last, 3, first, second, 0]);
    assert_eq!(seen(None, Some(&[64])), [3, second, 0]);
    assert_eq!(seen(Some(monday), Some(&[61, 51])), [first, 0]);
    onelogin.replace_event(nameless, "{\"id\":81000000000,\"event_type_id\":61}");
    assert_eq!(seen(Some(monday), Some(&[61, 51])), [first - 1, first]);
    onelogin.remove_event(nameless);
    assert_eq!(seen(Some(monday), None), [3, first, second]);
    onelogin.set_now(at("2026-03-21T00:00:00Z"));
    assert_eq!(seen(Some(monday), None), [3, first, second, 0]);
}
