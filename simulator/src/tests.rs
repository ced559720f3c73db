//! The simulator as a client sees it, over real sockets.

mod both_apis;
mod dates;
mod event_faults;
mod events;
mod rooms;
mod story;
mod tokens;
mod users;

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::{Client, Response};
use serde_json::Value;
use serde_json::value::RawValue;

use super::*;

/// Longer than any answer here takes, and short enough to wait for one that never comes.
const PATIENCE: Duration = Duration::from_millis(500);

fn start(config: Config) -> Simulator {
    Simulator::start(([127, 0, 0, 1], 0).into(), config).expect("a free port")
}

fn client() -> Client {
    // Another test may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let redirect = reqwest::redirect::Policy::none();
    Client::builder().no_proxy().redirect(redirect).timeout(PATIENCE).build().expect("a client")
}

async fn request_records(onelogin: &Simulator, query: &str) -> reqwest::Result<Response> {
    let url = format!("{}{LEGACY_PATH}?{query}", onelogin.url());
    client().get(url).basic_auth(onelogin.key(), Some("x")).send().await
}

async fn json_of(response: Response) -> Value {
    let text = response.text().await.expect("a body");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

async fn token(onelogin: &Simulator) -> String {
    let request = client()
        .post(format!("{}{TOKEN_PATH}", onelogin.url()))
        .basic_auth(onelogin.client_id(), Some(onelogin.client_secret()))
        .header("content-type", "application/json")
        .body("{\"grant_type\":\"client_credentials\"}");
    let answer = json_of(request.send().await.expect("an answer")).await;
    answer["access_token"].as_str().expect("a token").to_owned()
}

async fn fetch(onelogin: &Simulator, query: &str) -> Vec<String> {
    let text =
        request_records(onelogin, query).await.expect("an answer").text().await.expect("a body");
    let records: Vec<Box<RawValue>> = serde_json::from_str(&text).expect("an array");
    records.iter().map(|record| record.get().to_owned()).collect()
}

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).expect("a date").to_utc()
}

#[tokio::test]
async fn an_answer_holds_the_records_of_its_dates_in_every_order_and_with_gzip() {
    for order in [Order::Ascending, Order::Descending, Order::Shuffled] {
        for gzip in [false, true] {
            let onelogin = start(Config { failures: 3_000, order, gzip, ..Config::default() });
            let (start, stop) = (at("2026-03-01T00:00:00Z"), at("2026-03-10T00:00:00Z"));
            let expected: Vec<String> = onelogin.records(Some(start), Some(stop)).collect();
            assert!((800..1_000).contains(&expected.len()), "{} records", expected.len());
            let dates = "start_date=2026-02-28T16:00:00-08:00&stop_date=2026-03-10T00:00:00-Z";
            assert_eq!(fetch(&onelogin, dates).await, expected);
            let request = onelogin.requests().remove(0);
            assert_eq!((request.status, request.records), (Some(200), expected.len() as u64));
            assert_eq!(request.start_date.as_deref(), Some("2026-02-28T16:00:00-08:00"));
            let plain: usize = expected.iter().map(|record| record.len() + 1).sum::<usize>() + 1;
            assert_eq!(request.bytes == plain as u64, !gzip, "{} of {plain} bytes", request.bytes);
        }
    }
}

#[tokio::test]
async fn bad_requests_are_refused() {
    let onelogin = start(Config { failures: 10, ..Config::default() });
    let base = onelogin.url();
    let client = client();
    let get = |path: &str| client.get(format!("{base}{path}"));
    let keyless = get(LEGACY_PATH).send().await.expect("an answer");
    assert_eq!(keyless.status(), 401);
    let wrong = get(LEGACY_PATH).basic_auth("wrong", Some("x")).send().await.expect("an answer");
    assert_eq!(wrong.status(), 401);
    // A plus sign that is not percent-encoded is a space.
    let unreadable = request_records(&onelogin, "start_date=2026-03-01T00:00:00+01:00")
        .await
        .expect("an answer");
    assert_eq!(unreadable.status(), 422);
    assert!(unreadable.text().await.expect("a body").contains("<errors>"));
    assert_eq!(get("/api/v2/logins").send().await.expect("an answer").status(), 404);
    let welcome = client.head(&base).send().await.expect("an answer");
    assert_eq!(welcome.headers()["date"], "Fri, 20 Mar 2026 12:00:00 GMT");
    assert_eq!(onelogin.requests_served(), 3);
}

#[tokio::test]
async fn time_adds_new_and_late_records_and_removes_none() {
    let onelogin =
        start(Config { failures: 2_000, days: 3, late_records: 20, ..Config::default() });
    let noon = "stop_date=2026-03-20T12:00:00Z";
    let before = fetch(&onelogin, noon).await;
    let advanced = client().post(format!("{}/simulator/advance?seconds=36000", onelogin.url()));
    assert_eq!(advanced.send().await.expect("an answer").status(), 200);
    assert_eq!(onelogin.now(), at("2026-03-20T22:00:00Z"));
    let after = fetch(&onelogin, noon).await;
    assert!(after.len() > before.len(), "no late record before noon");
    assert!(before.iter().all(|record| after.contains(record)));
    let new = fetch(&onelogin, "start_date=2026-03-20T12:00:01Z").await.len();
    assert!((220..330).contains(&new), "{new} new records in ten hours");
}

#[tokio::test]
async fn records_put_by_hand_are_served_in_time_order_until_they_are_removed() {
    let onelogin = start(Config { failures: 0, bounds: Bounds::HalfOpen, ..Config::default() });
    let (monday, tuesday) = (at("2026-03-09T00:00:00Z"), at("2026-03-10T00:00:00Z"));
    let second = onelogin.put(Entry::new(tuesday, "2"));
    onelogin.put(Entry::new(monday, Record::new(1, monday, 7).to_json()));
    onelogin.put(Entry::new(tuesday, "3"));
    onelogin.put(Entry::new(monday, "4").late(at("2026-03-21T00:00:00Z")));
    let first = Record::new(1, monday, 7).to_json();
    assert_eq!(fetch(&onelogin, "").await, [first.as_str(), "2", "3"]);
    assert_eq!(fetch(&onelogin, "stop_date=2026-03-10T00:00:00Z").await, [first.as_str()]);
    onelogin.set_now(at("2026-03-21T00:00:00Z"));
    onelogin.replace(second, "22");
    assert_eq!(fetch(&onelogin, "").await, [first.as_str(), "4", "22", "3"]);
    onelogin.remove(second);
    assert_eq!(fetch(&onelogin, "").await, [first.as_str(), "4", "3"]);
    onelogin.clear();
    assert_eq!(fetch(&onelogin, "").await, [""; 0]);
}

#[tokio::test]
async fn records_put_by_hand_are_merged_with_generated_ones() {
    let onelogin = start(Config { failures: 500, ..Config::default() });
    let generated = fetch(&onelogin, "").await;
    let read = |text: &str| -> Value { serde_json::from_str(text).expect("JSON") };
    let date = read(&generated[99])["created_at"].as_str().expect("a date").to_owned();
    let date = DateTime::parse_from_str(&date, "%Y/%m/%d %H:%M:%S %z").expect("a date");
    onelogin.put(Entry::new(date.to_utc(), "1"));
    onelogin.put(Entry::new(at("2000-01-01T00:00:00Z"), "0"));
    let merged = fetch(&onelogin, "").await;
    assert_eq!(merged.len(), generated.len() + 2);
    assert_eq!((merged[0].as_str(), merged[1].as_str()), ("0", generated[0].as_str()));
    let tied = generated.iter().position(|text| {
        DateTime::parse_from_str(
            read(text)["created_at"].as_str().unwrap_or_default(),
            "%Y/%m/%d %H:%M:%S %z",
        )
        .is_ok_and(|other| other > date)
    });
    assert_eq!(merged[tied.expect("a younger record") + 1], "1");
}

#[tokio::test]
async fn refusals_have_their_headers_and_last_for_one_request() {
    let onelogin = start(Config { failures: 10, ..Config::default() });
    for (fault, status, header, value) in [
        (Fault::TooManyRequests(RetryAfter::Seconds(3)), 429, "retry-after", "3"),
        (
            Fault::TooManyRequests(RetryAfter::HttpDate(3)),
            429,
            "retry-after",
            "Fri, 20 Mar 2026 12:00:03 GMT",
        ),
        (Fault::TooManyRequests(RetryAfter::RateLimitReset(9)), 429, "x-ratelimit-reset", "9"),
        (Fault::Unavailable(RetryAfter::Seconds(1)), 503, "retry-after", "1"),
        (Fault::InternalError, 500, "content-type", "application/json; charset=utf-8"),
        (Fault::Unauthorized, 401, "content-type", "application/json; charset=utf-8"),
        (Fault::Forbidden, 403, "content-type", "application/json; charset=utf-8"),
        (Fault::NotFound, 404, "content-type", "text/html; charset=utf-8"),
        (Fault::UnauthorizedHtml, 401, "content-type", "text/html; charset=utf-8"),
        (Fault::ForbiddenHtml, 403, "content-type", "text/html; charset=utf-8"),
        (Fault::Html, 200, "content-type", "text/html; charset=utf-8"),
        (Fault::NotAnArray, 200, "content-type", "application/json; charset=utf-8"),
        (Fault::Redirect, 302, "location", "/login"),
        (Fault::Empty, 200, "content-length", "0"),
    ] {
        onelogin.fail_next([fault]);
        let answer = request_records(&onelogin, "").await.expect("an answer");
        assert_eq!(answer.status(), status, "{fault:?}");
        assert_eq!(answer.headers()[header], value, "{fault:?}");
        assert!(serde_json::from_str::<Vec<Value>>(&answer.text().await.expect("a body")).is_err());
    }
    assert!(!fetch(&onelogin, "").await.is_empty(), "healed");
    onelogin.fail_always(Some(Fault::InternalError));
    for _ in 0..2 {
        assert_eq!(request_records(&onelogin, "").await.expect("an answer").status(), 500);
    }
    onelogin.fail_always(None);
    assert!(!fetch(&onelogin, "").await.is_empty(), "healed");
}

#[tokio::test]
async fn broken_answers_break_as_configured() {
    for gzip in [false, true] {
        let onelogin = start(Config { failures: 3_000, gzip, ..Config::default() });
        onelogin.fail_next([Fault::TruncatedWellFormed]);
        let cut = request_records(&onelogin, "")
            .await
            .expect("headers")
            .text()
            .await
            .expect("a whole message");
        assert!(serde_json::from_str::<Value>(&cut).expect_err("half an array").is_eof());
        for fault in [Fault::TruncatedConnection, Fault::ResetMidBody, Fault::Stall] {
            onelogin.fail_next([fault]);
            let mut answer = request_records(&onelogin, "").await.expect("headers");
            let mut received = 0;
            // Ends with the first error, at the latest with the time-out of the client.
            let error = loop {
                match answer.chunk().await {
                    Ok(Some(chunk)) => received += chunk.len(),
                    Ok(None) => panic!("{fault:?} ended well"),
                    Err(error) => break error,
                }
            };
            assert!(received > 10_000, "{fault:?}: only {received} bytes came");
            assert_eq!(error.is_timeout(), fault == Fault::Stall, "{fault:?}: {error:?}");
            let reset = format!("{error:?}").contains("ConnectionReset");
            assert_eq!(reset, fault == Fault::ResetMidBody, "{fault:?}: {error:?}");
        }
        let served: Vec<u64> = onelogin.requests().iter().map(|request| request.records).collect();
        assert!(served.iter().all(|records| (1_450..=1_500).contains(records)), "{served:?}");
    }
}

#[tokio::test]
async fn a_reset_or_a_stall_before_the_answer_has_no_status() {
    let onelogin = start(Config::default());
    onelogin.fail_next([Fault::Reset, Fault::StallBeforeHeaders]);
    let reset = request_records(&onelogin, "").await.expect_err("a reset");
    assert!(format!("{reset:?}").contains("ConnectionReset"), "{reset:?}");
    assert!(request_records(&onelogin, "").await.expect_err("a stall").is_timeout());
    assert!(onelogin.requests().iter().all(|request| request.status.is_none()));
}

#[tokio::test]
async fn a_drip_is_slow_and_complete() {
    let onelogin = start(Config { failures: 5, ..Config::default() });
    onelogin.fail_next([Fault::SlowDrip { bytes: 100, interval: Duration::from_millis(5) }]);
    let began = std::time::Instant::now();
    assert_eq!(fetch(&onelogin, "").await, onelogin.records(None, None).collect::<Vec<_>>());
    assert!(began.elapsed() > Duration::from_millis(5 * 15));
}

#[tokio::test]
async fn too_wide_a_span_fails_and_a_narrow_one_does_not() {
    let too_wide = Some(Duration::from_hours(24));
    let onelogin = start(Config { failures: 3_000, too_wide, cap: Some(50), ..Config::default() });
    let status =
        async |query| request_records(&onelogin, query).await.expect("an answer").status().as_u16();
    assert_eq!(status("").await, 500);
    let two_days = "start_date=2026-03-01T00:00:00Z&stop_date=2026-03-03T00:00:00Z";
    assert_eq!(status(two_days).await, 500);
    let one_day = "start_date=2026-03-01T00:00:00Z&stop_date=2026-03-02T00:00:00Z";
    assert_eq!(fetch(&onelogin, one_day).await.len(), 50, "the cap has no notice");
}

#[tokio::test]
async fn answers_are_held_after_a_number_of_records_and_released() {
    let onelogin = start(Config { failures: 2_000, ..Config::default() });
    onelogin.hold_after(700);
    let fetched = tokio::spawn({
        let onelogin = onelogin.clone();
        async move { fetch(&onelogin, "").await.len() }
    });
    onelogin.wait_for_requests(1).await;
    onelogin.wait_until_held().await;
    assert_eq!(onelogin.requests()[0].records, 700);
    onelogin.release();
    assert_eq!(fetched.await.expect("a fetch"), onelogin.records(None, None).count());
}

#[tokio::test]
async fn a_stop_breaks_off_hanging_answers_and_closes_the_port() {
    let onelogin = start(Config::default());
    let (addr, key) = (onelogin.addr(), onelogin.key().to_owned());
    onelogin.fail_next([Fault::Stall]);
    let request = client().get(format!("http://{addr}{LEGACY_PATH}")).basic_auth(key, Some("x"));
    let answer = request.send().await.expect("headers");
    onelogin.serve_until(std::future::ready(())).await;
    assert!(!answer.bytes().await.expect_err("a broken body").is_timeout());
    assert!(tokio::net::TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn two_seeds_are_two_accounts_in_every_answer_that_names_one() {
    let mut accounts = Vec::new();
    for seed in [1, 2] {
        let onelogin = start(Config { seed, ..Config::default() });
        let request = client()
            .post(format!("{}{TOKEN_PATH}", onelogin.url()))
            .basic_auth(onelogin.client_id(), Some(onelogin.client_secret()))
            .header("content-type", "application/json")
            .body("{\"grant_type\":\"client_credentials\"}");
        let answer = json_of(request.send().await.expect("an answer")).await;
        assert_eq!(answer["account_id"], onelogin.account_id());
        let token = answer["access_token"].as_str().expect("a token");
        let events = client().get(format!("{}{EVENTS_PATH}", onelogin.url())).bearer_auth(token);
        let page = json_of(events.send().await.expect("an answer")).await;
        for event in page["data"].as_array().expect("an array") {
            assert_eq!(event["account_id"], onelogin.account_id());
        }
        accounts.push(onelogin.account_id());
    }
    assert_eq!(accounts, [53_413, 53_414]);
    let config = Config { seed: 2, account_id: Some(7), ..Config::default() };
    assert_eq!(config.account_id(), 7, "a set account goes before that of the seed");
}
