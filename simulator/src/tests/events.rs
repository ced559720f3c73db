//! Pages of events, read as clients read them.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;

const CORE: &str = "event_type_id=25,61,62,63,64,65";
/// More pages than any walk here has, so that an endless one is found.
const MOST_PAGES: usize = 500;

async fn get(onelogin: &Simulator, token: &str, query: &str) -> reqwest::Result<Response> {
    let url = format!("{}{EVENTS_PATH}?{query}", onelogin.url());
    client().get(url).header("authorization", format!("bearer:{token}")).send().await
}

async fn page(onelogin: &Simulator, token: &str, query: &str) -> Value {
    let response = get(onelogin, token, query).await.expect("an answer");
    let status = response.status();
    let page = json_of(response).await;
    assert_eq!((status.as_u16(), &page["status"]["code"]), (200, &json!(200)), "{page}");
    page
}

fn ids(events: &[Value]) -> Vec<i64> {
    events.iter().map(|event| event["id"].as_i64().expect("a number")).collect()
}

fn data(page: &Value) -> &[Value] {
    page["data"].as_array().expect("an array")
}

/// All events, page by page, and the sizes of the pages. Stops where any client should.
async fn walk(onelogin: &Simulator, query: &str) -> (Vec<Value>, Vec<usize>) {
    let token = token(onelogin).await;
    let (mut events, mut sizes, mut cursor) = (Vec::new(), Vec::new(), String::new());
    for _ in 0..MOST_PAGES {
        let parameters = format!("{query}&after_cursor={}", cursor.replace('=', "%3D"));
        let page = page(onelogin, &token, &parameters).await;
        events.extend_from_slice(data(&page));
        sizes.push(data(&page).len());
        let next = page["pagination"]["after_cursor"].as_str().unwrap_or_default().to_owned();
        if data(&page).is_empty() || next.is_empty() || next == cursor {
            return (events, sizes);
        }
        cursor = next;
    }
    panic!("the walk does not end");
}

fn expected(onelogin: &Simulator, types: Option<&[i64]>) -> Vec<Value> {
    let texts = onelogin.events(None, None, types);
    texts.map(|text| serde_json::from_str(&text).expect("JSON")).collect()
}

#[tokio::test]
async fn a_walk_finds_every_event_once_in_every_order_with_every_cursor() {
    for cursor in [Cursor::Keyset, Cursor::PageNumber] {
        for (order, sort) in [
            (Order::Ascending, "&sort=%2Bid"),
            (Order::Ascending, "&sort=-created_at"),
            (Order::Ascending, ""),
            (Order::Descending, "&sort=%2Bid"),
            (Order::Shuffled, "&sort=%2Bcreated_at"),
        ] {
            let late_records = 3;
            let config = Config { failures: 300, days: 2, late_records, ..Config::default() };
            let onelogin = start(Config { cursor, order, page: 40, ..config });
            let all = expected(&onelogin, Some(&[61, 64]));
            let (events, sizes) =
                walk(&onelogin, &format!("event_type_id=64,61&limit=30{sort}")).await;
            assert!(
                sizes.len() > 2 && sizes.iter().rev().skip(1).all(|&size| size == 30),
                "{sizes:?}"
            );
            let sorted: BTreeSet<i64> = ids(&events).into_iter().collect();
            assert_eq!(sorted.len(), events.len(), "an event came twice");
            assert_eq!(sorted.into_iter().collect::<Vec<_>>(), ids(&all), "{order:?} {sort}");
            let is_up = sort == "&sort=%2Bid" && order == Order::Ascending;
            assert_eq!(events == all, is_up);
            let is_down = !is_up && order != Order::Shuffled;
            assert_eq!(events.iter().rev().eq(&all), is_down, "{order:?} {sort}");
        }
    }
}

#[tokio::test]
async fn the_last_page_is_marked_in_four_ways() {
    for (failures, cursor) in [
        (120, Cursor::Keyset),
        (120, Cursor::PageNumber),
        // The last page is full.
        (100, Cursor::Keyset),
        (100, Cursor::PageNumber),
    ] {
        let full = if failures == 120 { vec![50, 50, 20] } else { vec![50, 50] };
        for (last_page, sizes) in [
            (LastPage::NullCursor, full.clone()),
            (LastPage::EmptyWithCursor, [full.clone(), vec![0]].concat()),
            (LastPage::RepeatedCursor, full.clone()),
            (LastPage::NullCursorWithoutLinks, full.clone()),
        ] {
            let config = Config { failures, successes: Some(0), ..Config::default() };
            let onelogin = start(Config { cursor, last_page, late_records: 0, ..config });
            let (events, walked) = walk(&onelogin, "sort=%2Bid").await;
            assert_eq!(walked, sizes, "{last_page:?}");
            assert_eq!(events, expected(&onelogin, None));
            let last = onelogin.calls_to(Endpoint::Events).pop().expect("a call");
            let token = token(&onelogin).await;
            let again = page(&onelogin, &token, &last.query).await;
            let pagination = &again["pagination"];
            match last_page {
                LastPage::NullCursor | LastPage::NullCursorWithoutLinks => {
                    assert_eq!(pagination["after_cursor"], Value::Null);
                    assert_eq!(pagination["next_link"], Value::Null);
                }
                LastPage::EmptyWithCursor => {
                    assert_eq!(data(&again).len(), 0);
                    assert!(pagination["after_cursor"].is_string());
                    assert_eq!(pagination["next_link"], Value::Null);
                }
                LastPage::RepeatedCursor => {
                    assert_eq!(data(&again), &events[(full.len() - 1) * 50..]);
                    let (_, sent) = last.query.split_once("after_cursor=").expect("a cursor");
                    let sent = sent.replace("%3D", "=");
                    assert_eq!(pagination["after_cursor"], sent.as_str());
                    assert!(pagination["next_link"].is_string());
                }
            }
        }
    }
}

#[tokio::test]
async fn a_single_page_is_marked_too() {
    for (failures, cursor, last_page) in [
        (0, Cursor::Keyset, LastPage::EmptyWithCursor),
        (3, Cursor::Keyset, LastPage::RepeatedCursor),
        (3, Cursor::PageNumber, LastPage::RepeatedCursor),
    ] {
        let config = Config { failures, successes: Some(0), late_records: 0, ..Config::default() };
        let onelogin = start(Config { cursor, last_page, ..config });
        let token = token(&onelogin).await;
        for sort in ["", "sort=%2Bid"] {
            let first = page(&onelogin, &token, sort).await;
            assert_eq!(data(&first).len() as u64, failures);
            let next = first["pagination"]["after_cursor"].as_str().expect("a cursor").to_owned();
            let has_link = first["pagination"]["next_link"].is_string();
            assert_eq!(has_link, last_page == LastPage::RepeatedCursor);
            let query = format!("{sort}&after_cursor={}", next.replace('=', "%3D"));
            let second = page(&onelogin, &token, &query).await;
            assert_eq!(second["data"], first["data"]);
            assert_eq!(second["pagination"]["after_cursor"], next.as_str());
        }
    }
}

#[tokio::test]
async fn a_new_event_shifts_numbered_pages_and_no_others() {
    for (cursor, repeated) in [(Cursor::Keyset, 0), (Cursor::PageNumber, 1)] {
        let config = Config { failures: 100, successes: Some(0), ..Config::default() };
        let onelogin = start(Config { cursor, late_records: 0, ..config });
        let token = token(&onelogin).await;
        let first = page(&onelogin, &token, "limit=10").await;
        let now = onelogin.now();
        onelogin.put_event(Entry::new(now, EventRecord::new(99, now, 61, 7).to_json()));
        let next = first["pagination"]["after_cursor"].as_str().expect("a cursor");
        let query = format!("limit=10&after_cursor={}", next.replace('=', "%3D"));
        let second = page(&onelogin, &token, &query).await;
        let first: BTreeSet<i64> = ids(data(&first)).into_iter().collect();
        let twice = ids(data(&second)).iter().filter(|id| first.contains(id)).count();
        assert_eq!(twice, repeated, "{cursor:?}");
        let text = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, next);
        let text = String::from_utf8(text.expect("base64")).expect("text");
        let start = if repeated == 1 { "page_number:::2" } else { "account_id:::53413--##id:::" };
        assert!(text.starts_with(start), "{text}");
    }
}

#[tokio::test]
async fn since_and_until_are_exact_to_the_millisecond_with_all_bounds() {
    for (bounds, expected) in [
        (Bounds::Inclusive, vec![1, 2, 3]),
        (Bounds::HalfOpen, vec![1, 2]),
        (Bounds::Exclusive, vec![2]),
    ] {
        let onelogin = start(Config { failures: 0, bounds, ..Config::default() });
        for (id, millis) in [(0, 122), (1, 123), (2, 124), (3, 125), (4, 126)] {
            let at = at(&format!("2026-03-09T10:11:12.{millis}Z"));
            onelogin.put_event(Entry::new(at, EventRecord::new(id, at, 61, 7).to_json()));
        }
        let token = token(&onelogin).await;
        for dates in [
            "since=2026-03-09T10:11:12.123Z&until=2026-03-09T10:11:12.125Z",
            "since=2026-03-09T10:11:12.1230000Z&until=2026-03-09T10:11:12.1259999Z",
            "until=2026-03-09T11%3A11%3A12.125%2B01:00&since=2026-03-09T10:11:12.123Z",
        ] {
            let page = page(&onelogin, &token, &format!("{dates}&sort=%2Bid")).await;
            assert_eq!(ids(data(&page)), expected, "{bounds:?} {dates}");
        }
    }
}

#[tokio::test]
async fn an_unreadable_parameter_is_a_bad_request() {
    let onelogin = start(Config { failures: 200, ..Config::default() });
    let token = token(&onelogin).await;
    for wrong in [
        "sort=+id",
        "sort=id",
        "since=yesterday",
        "since=2026-03-01T00:00:00+01:00",
        "until=2026-03-01",
        "event_type_id=",
        "event_type_id=61;62",
        "limit=0",
        "limit=all",
        "after_cursor=nonsense",
        "after_cursor=cGFnZV9udW1iZXI6OjoyCg%3D%3D",
    ] {
        let answer = get(&onelogin, &token, wrong).await.expect("an answer");
        assert_eq!(answer.status(), 400, "{wrong}");
        let answer = json_of(answer).await;
        assert_eq!(answer["status"]["type"], "bad request", "{wrong}");
        let (name, _) = wrong.split_once('=').expect("a parameter");
        assert_eq!(answer["status"]["message"], format!("{name} is invalid"));
    }
    let call = onelogin.calls_to(Endpoint::Events).remove(0);
    assert_eq!((call.query.as_str(), call.status), ("sort=+id", Some(400)));
    for (query, size) in [("limit=1000", 50), ("limit=7", 7), ("page=3&fields=id", 50)] {
        assert_eq!(data(&page(&onelogin, &token, query).await).len(), size, "{query}");
    }
    let url = format!("{}{EVENTS_PATH}", onelogin.url());
    let without = client().get(url).send().await.expect("an answer");
    assert_eq!(without.status(), 401);
    assert_eq!(json_of(without).await["status"]["message"], "Authentication Failure");
}

#[tokio::test]
async fn a_link_keeps_the_parameters_and_names_another_host_only_if_configured() {
    for foreign_links in [false, true] {
        let onelogin = start(Config { foreign_links, ..Config::default() });
        let token = token(&onelogin).await;
        let query = "since=2026-02-20T00:00:00Z&after_cursor=&sort=%2Bid&limit=5";
        let first = page(&onelogin, &token, query).await;
        let link = first["pagination"]["next_link"].as_str().expect("a link");
        let (origin, rest) = link.split_once(EVENTS_PATH).expect("the same path");
        let home = onelogin.url();
        assert_eq!(origin, if foreign_links { "https://elsewhere.example" } else { &home });
        let kept = "?since=2026-02-20T00:00:00Z&sort=%2Bid&limit=5&after_cursor=";
        assert!(rest.starts_with(kept), "{rest}");
        let second = page(&onelogin, &token, &rest[1..]).await;
        let both = [ids(data(&first)), ids(data(&second))].concat();
        assert!(both.is_sorted() && both.len() == 10, "{both:?}");
    }
}

#[tokio::test]
async fn types_are_filtered_or_ignored() {
    let kinds = async |ignores_type_filter| {
        let config = Config { failures: 500, ignores_type_filter, ..Config::default() };
        let onelogin = start(config);
        let (events, _) = walk(&onelogin, &format!("{CORE}&sort=%2Bid")).await;
        assert_eq!(events, expected(&onelogin, Some(&[25, 61, 62, 63, 64, 65])));
        let kinds = events.iter().map(|event| event["event_type_id"].as_i64().expect("a type"));
        (kinds.clone().collect::<BTreeSet<_>>(), kinds.filter(|&kind| kind == 8).count())
    };
    assert_eq!(kinds(false).await, (BTreeSet::from([25, 61, 62, 63, 64, 65]), 0));
    let (all, sign_ins) = kinds(true).await;
    assert!(all.len() > 11 && (90..=100).contains(&sign_ins), "{all:?}, {sign_ins} sign-ins");
}

#[tokio::test]
async fn calls_are_logged_with_token_status_and_records() {
    let onelogin = start(Config { failures: 80, successes: Some(0), ..Config::default() });
    let first = token(&onelogin).await;
    page(&onelogin, &first, "limit=20").await;
    onelogin.expire_tokens();
    let waits = tokio::spawn({
        let onelogin = onelogin.clone();
        async move { onelogin.wait_for_calls(Endpoint::Events, 3).await }
    });
    assert_eq!(get(&onelogin, &first, "").await.expect("an answer").status(), 401);
    let second = token(&onelogin).await;
    let page = page(&onelogin, &second, "limit=20").await;
    waits.await.expect("three calls");
    let calls = onelogin.calls_to(Endpoint::Events);
    let seen: Vec<_> = calls.iter().map(|call| (call.token, call.status, call.records)).collect();
    let ok = Some(200);
    assert_eq!(seen, [(Some(1), ok, 20), (Some(1), Some(401), 0), (Some(2), ok, 20)]);
    assert!(calls[2].bytes > 20 * 500, "{} bytes of {page}", calls[2].bytes);
    assert_eq!(onelogin.calls().len(), 5);
    assert!(onelogin.requests().is_empty(), "only the legacy API has requests");
}

#[tokio::test]
async fn a_page_out_of_a_billion_events_is_as_fast_as_any() {
    // Whoever read through the history for it would lose the client's patience.
    let onelogin = start(Config { failures: 1_000_000_000, ..Config::default() });
    let token = token(&onelogin).await;
    for sort in ["sort=%2Bid", "sort=-id"] {
        let parameters = format!("{sort}&since=2026-03-01T00:00:00Z&until=2026-03-18T00:00:00Z");
        let first = page(&onelogin, &token, &parameters).await;
        let next = first["pagination"]["after_cursor"].as_str().expect("a cursor");
        let second_page = format!("{parameters}&after_cursor={}", next.replace('=', "%3D"));
        let second = page(&onelogin, &token, &second_page).await;
        let mut both = [ids(data(&first)), ids(data(&second))].concat();
        if sort == "sort=-id" {
            both.reverse();
        }
        assert!(both.is_sorted_by(|one, two| one < two) && both.len() == 100, "{both:?}");
    }
}
