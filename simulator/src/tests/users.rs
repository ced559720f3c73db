//! The directory, and the types of events.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;

async fn get(onelogin: &Simulator, token: &str, query: &str) -> Response {
    let url = format!("{}{USERS_PATH}?{query}", onelogin.url());
    client().get(url).bearer_auth(token).send().await.expect("an answer")
}

async fn people(onelogin: &Simulator, token: &str, query: &str) -> Vec<Value> {
    let answer = get(onelogin, token, query).await;
    assert_eq!(answer.status(), 200, "{query}");
    json_of(answer).await.as_array().expect("an array").clone()
}

/// The ids of a request: `user_ids=1,2,3`.
fn ids(numbers: impl Iterator<Item = u64>) -> String {
    let ids: Vec<String> = numbers.map(|number| (30_000_000 + number).to_string()).collect();
    format!("user_ids={}", ids.join(","))
}

#[tokio::test]
async fn people_are_those_of_the_failures_as_of_now() {
    let onelogin = start(Config { failures: 2_000, deleted_people: 0, ..Config::default() });
    let token = token(&onelogin).await;
    let found = people(&onelogin, &token, &ids(0..50)).await;
    assert_eq!(found.len(), 50);
    let mut moved = 0;
    for text in onelogin.records(None, None) {
        let record: Value = serde_json::from_str(&text).expect("JSON");
        let user = &record["user"];
        let Some(person) = found.iter().find(|person| person["id"] == user["id"]) else { continue };
        for name in ["firstname", "lastname", "username"] {
            assert_eq!(person[name], user[name]);
        }
        moved += usize::from(person["email"] != user["email"]);
        assert_eq!((&person["status"], &person["state"]), (&json!(1), &json!(1)));
    }
    assert!(moved > 20, "no e-mail changed");
    onelogin.advance(Duration::from_hours(24 * 20));
    let token = super::token(&onelogin).await;
    let later = people(&onelogin, &token, &ids(0..50)).await;
    let changed = found.iter().zip(&later).filter(|(a, b)| a["email"] != b["email"]).count();
    assert!((3..20).contains(&changed), "{changed} new e-mails in twenty days");
    assert!(found.iter().any(|person| person["username"].is_null()));
}

#[tokio::test]
async fn deleted_people_are_missing_and_others_can_be_put() {
    let onelogin = start(Config { people: Some(2_000), ..Config::default() });
    let token = token(&onelogin).await;
    let mut known = BTreeSet::new();
    for first in (0..2_000).step_by(50) {
        for person in people(&onelogin, &token, &ids(first..first + 50)).await {
            known.insert(person["id"].as_u64().expect("a number"));
        }
    }
    assert!((1_900..1_980).contains(&known.len()), "{} people", known.len());
    assert_eq!(people(&onelogin, &token, "user_ids=1,29999999,30002000").await, [json!(null); 0]);
    let somebody = *known.first().expect("somebody");
    let id = somebody.cast_signed();
    onelogin.put_user(5, "{\"id\":5,\"email\":null}");
    onelogin.put_user(id, "{\"id\":\"odd\"}");
    let query = format!("user_ids={somebody},5,{somebody}&fields=id");
    let found = people(&onelogin, &token, &query).await;
    assert_eq!(found, [json!({"id": 5, "email": null}), json!({"id": "odd"})]);
    onelogin.remove_user(5);
    onelogin.remove_user(id);
    assert_eq!(people(&onelogin, &token, &query).await, [json!(null); 0]);
}

#[tokio::test]
async fn fields_are_the_selected_ones_and_the_id() {
    let onelogin = start(Config { deleted_people: 0, ..Config::default() });
    let token = token(&onelogin).await;
    let found = people(&onelogin, &token, &format!("{}&fields=email,nothing", ids(0..2))).await;
    for person in &found {
        let names: Vec<&String> = person.as_object().expect("an object").keys().collect();
        assert_eq!(names, ["email", "id"]);
    }
    let call = onelogin.calls_to(Endpoint::Users).remove(0);
    assert_eq!((call.status, call.records), (Some(200), 2));
}

#[tokio::test]
async fn more_people_than_an_answer_holds_come_with_a_cursor() {
    let config = Config { people: Some(120), deleted_people: 0, ..Config::default() };
    let onelogin = start(Config { users_page: 50, ..config });
    let token = token(&onelogin).await;
    for query in [ids(0..120), String::new()] {
        let (mut numbers, mut cursor) = (Vec::new(), String::new());
        for page in 1..=3 {
            let answer = get(&onelogin, &token, &format!("{query}{cursor}")).await;
            let header = |name: &str| {
                let value = answer.headers().get(name);
                value.map(|value| value.to_str().expect("text").to_owned())
            };
            let counts = ["total-count", "total-pages", "current-page", "page-items"].map(header);
            let items = if page < 3 { 50 } else { 20 };
            let expected = [120, 3, page, items].map(|number: u32| Some(number.to_string()));
            assert_eq!(counts, expected);
            assert_eq!(header("before-cursor").is_some(), page > 1);
            let next = header("after-cursor");
            assert_eq!(next.is_some(), page < 3);
            cursor = format!("&cursor={}", next.unwrap_or_default().replace('=', "%3D"));
            let people = json_of(answer).await;
            let people = people.as_array().expect("an array").iter();
            numbers.extend(people.map(|person| person["id"].as_u64().expect("a number")));
        }
        assert_eq!(numbers, (30_000_000..30_000_120).collect::<Vec<_>>());
    }
    assert_eq!(people(&onelogin, &token, "limit=7").await.len(), 7);
    assert_eq!(people(&onelogin, &token, "limit=500").await.len(), 50);
}

#[tokio::test]
async fn bad_requests_are_refused_in_the_newer_shape() {
    let onelogin = start(Config::default());
    let token = token(&onelogin).await;
    let bad_request = "BadRequestError";
    for (query, status, name, message) in [
        (
            "limit=5&cursor=x",
            400,
            bad_request,
            "Requests can only have cursor xor pagination arguments",
        ),
        ("cursor=x", 400, bad_request, "Invalid pagination cursor"),
        ("user_ids=", 422, "UnprocessableEntityFieldError", "user_ids must be numbers"),
        ("user_ids=1,me", 422, "UnprocessableEntityFieldError", "user_ids must be numbers"),
        ("limit=0", 422, "UnprocessableEntityFieldError", "limit is invalid"),
    ] {
        let answer = get(&onelogin, &token, query).await;
        assert_eq!(answer.status(), status, "{query}");
        let body = json_of(answer).await;
        assert_eq!(body["statusCode"], status, "{query}");
        assert_eq!((&body["name"], &body["message"]), (&name.into(), &message.into()), "{query}");
    }
    let refused = get(&onelogin, "nonsense", "").await;
    assert_eq!(refused.status(), 401);
    let expected =
        json!({"message": "Unauthorized", "name": "UnauthorizedError", "statusCode": 401});
    assert_eq!(json_of(refused).await, expected);
    onelogin.fail_next([Fault::Html]);
    onelogin.fail_next_at(Endpoint::Users, [Fault::Forbidden, Fault::NotAnArray]);
    let forbidden = json_of(get(&onelogin, &token, "").await).await;
    assert_eq!(forbidden["name"], "ForbiddenError");
    assert!(json_of(get(&onelogin, &token, "").await).await.is_object());
    assert!(json_of(get(&onelogin, &token, "").await).await.is_array(), "healed");
}

#[tokio::test]
async fn types_are_listed_without_a_token_and_can_be_added() {
    let onelogin = start(Config::default());
    onelogin.add_event_type(7_777, "USER_TELEPORTED_IN_APP", None);
    onelogin.add_event_type(64, "RENAMED", Some("%user% in %app%"));
    let url = format!("{}{EVENT_TYPES_PATH}", onelogin.url());
    let answer = client().get(url).send().await.expect("an answer");
    assert_eq!(answer.headers()["x-ratelimit-remaining"], "4999");
    let list = json_of(answer).await;
    assert_eq!(list["status"]["type"], "success");
    let types = list["data"].as_array().expect("an array");
    let find = |id: u64| types.iter().find(|kind| kind["id"] == id).expect("a known type");
    assert_eq!(find(62)["name"], "USER_FAILED_REACTIVATING_IN_APP");
    assert_eq!(find(62)["description"], "%user% could not be reactivated in %app%");
    assert_eq!(find(7_777)["description"], Value::Null);
    assert_eq!(find(64)["name"], "RENAMED");
    let nameless = types.iter().filter(|kind| kind["description"].is_null()).count();
    assert!(types.len() > 55 && nameless > 5, "{} types, {nameless} without", types.len());
    assert_eq!(onelogin.calls_to(Endpoint::Types)[0].records, types.len() as u64);
}

#[tokio::test]
async fn a_refused_id_spoils_each_request_that_names_it() {
    let onelogin = start(Config { deleted_people: 0, ..Config::default() });
    let token = token(&onelogin).await;
    onelogin.refuse_user(30_000_001);
    for (numbers, status) in [(0..2, 400), (1..2, 400), (2..4, 200)] {
        let answer = get(&onelogin, &token, &ids(numbers)).await;
        assert_eq!(answer.status(), status);
    }
}
