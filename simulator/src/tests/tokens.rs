//! Tokens, and the hourly limit of calls.

use reqwest::RequestBuilder;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::json;

use super::*;

const GRANT: &str = "{\"grant_type\":\"client_credentials\"}";
const FORM: &str = "grant_type=client_credentials";

fn post(onelogin: &Simulator, path: &str, kind: &str, body: impl Into<String>) -> RequestBuilder {
    let url = format!("{}{path}", onelogin.url());
    let kind = match kind {
        "form" => "application/x-www-form-urlencoded",
        _ => "application/json",
    };
    client().post(url).header(CONTENT_TYPE, kind).body(body.into())
}

async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.expect("an answer");
    (response.status().as_u16(), json_of(response).await)
}

#[tokio::test]
async fn a_token_is_issued_for_the_credential_in_each_of_its_forms() {
    let onelogin = start(Config::default());
    let json = || post(&onelogin, TOKEN_PATH, "json", GRANT);
    let form = || post(&onelogin, TOKEN_PATH, "form", FORM);
    let in_body = |kind: &str, text: String| post(&onelogin, TOKEN_PATH, kind, text);
    let pair = "client_id=demo-client&client_secret=demo-secret";
    let object = json!({
        "grant_type": "client_credentials",
        "client_id": "demo-client",
        "client_secret": "demo-secret",
    });
    let header = |text| json().header(AUTHORIZATION, text);
    for request in [
        json().basic_auth("demo-client", Some("demo-secret")),
        form().basic_auth("demo-client", Some("demo-secret")),
        header("client_id:demo-client, client_secret:demo-secret"),
        header("Client_ID: demo-client,CLIENT_SECRET:demo-secret"),
        in_body("form", format!("{FORM}&{pair}")),
        in_body("json", object.to_string()),
    ] {
        let (status, answer) = answer(request).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(answer["created_at"], "2026-03-20T12:00:00.000Z");
        assert_eq!(answer["expires_in"], 36_000);
        assert_eq!(answer["token_type"], "bearer");
        assert!(answer["account_id"].is_u64() && answer["refresh_token"].is_string());
        assert_eq!(answer["access_token"].as_str().map(str::len), Some(64));
    }
    for wrong in [
        json(),
        json().basic_auth("demo-client", Some("wrong")),
        header("client_id:demo-client, client_secret:wrong"),
        in_body("form", FORM.to_owned()),
    ] {
        let (status, answer) = answer(wrong).await;
        assert_eq!(status, 401);
        let expected = json!({"error": true, "code": 401, "type": "Unauthorized",
            "message": "Authentication Failure"});
        assert_eq!(answer["status"], expected);
    }
    // The body must be there, and have the form of its type.
    for request in [in_body("json", "{}".into()), in_body("form", GRANT.into())] {
        let request = request.basic_auth("demo-client", Some("demo-secret"));
        let (status, answer) = answer(request).await;
        assert_eq!((status, &answer["status"]["type"]), (400, &json!("bad request")));
    }
    let schemes: Vec<Option<String>> =
        onelogin.calls().into_iter().map(|call| call.authorization).collect();
    let named = |scheme: &str| Some(scheme.to_owned());
    let pairs = [named("client_id:"), named("Client_ID:")];
    assert_eq!(schemes[..4], [[named("Basic"), named("Basic")], pairs].concat());
    assert_eq!(schemes[4..7], [None, None, None]);
}

#[tokio::test]
async fn a_token_is_the_same_until_it_ends() {
    let token_lifetime = Duration::from_mins(10);
    let onelogin = start(Config { token_lifetime, ..Config::default() });
    let first = token(&onelogin).await;
    onelogin.advance(Duration::from_secs(599));
    assert_eq!(token(&onelogin).await, first);
    let status = async |text: &str| rate_limit_status(&onelogin, &format!("bearer {text}")).await;
    assert_eq!(status(&first).await, 200);
    onelogin.advance(Duration::from_secs(1));
    assert_eq!(status(&first).await, 401);
    let second = token(&onelogin).await;
    assert_ne!(second, first);
    onelogin.expire_tokens();
    assert_eq!(status(&second).await, 401);
    let third = token(&onelogin).await;
    assert_eq!(status(&third).await, 200);
    let issued: Vec<_> =
        onelogin.calls_to(Endpoint::Token).iter().map(|call| (call.token, call.status)).collect();
    assert_eq!(issued, [1, 1, 2, 3].map(|number| (Some(number), Some(200))));
    let sent: Vec<_> =
        onelogin.calls_to(Endpoint::RateLimit).iter().map(|call| call.token).collect();
    assert_eq!(sent, [1, 1, 2, 3].map(Some));
}

/// The status of a call with this `Authorization`.
async fn rate_limit_status(onelogin: &Simulator, authorization: &str) -> u16 {
    let url = format!("{}/auth/rate_limit", onelogin.url());
    let request = client().get(url).header(AUTHORIZATION, authorization);
    request.send().await.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn a_token_is_accepted_in_three_forms_and_the_log_holds_no_secret() {
    let onelogin = start(Config::default());
    let good = token(&onelogin).await;
    for form in ["bearer:", "bearer ", "Bearer "] {
        assert_eq!(rate_limit_status(&onelogin, &format!("{form}{good}")).await, 200, "{form}");
    }
    for wrong in ["BEARER ", "Token ", ""] {
        assert_eq!(rate_limit_status(&onelogin, &format!("{wrong}{good}")).await, 401, "{wrong}");
    }
    assert_eq!(rate_limit_status(&onelogin, "bearer nonsense").await, 401);
    let calls = onelogin.calls_to(Endpoint::RateLimit);
    let schemes: Vec<_> = calls.iter().map(|call| call.authorization.as_deref()).collect();
    let expected = ["bearer:", "bearer", "Bearer", "BEARER", "Token", "", "bearer"];
    assert_eq!(schemes, expected.map(Some));
    assert_eq!(calls[6].token, None, "an unknown token has no number");
    let log = format!("{:?}", onelogin.calls());
    assert!(!log.contains(&good) && !log.contains("demo-secret"), "{log}");
}

#[tokio::test]
async fn a_revoked_token_ends_for_all_its_users() {
    let onelogin = start(Config::default());
    let first = token(&onelogin).await;
    let body = json!({"access_token": first}).to_string();
    let request = || post(&onelogin, "/auth/oauth2/revoke", "json", body.clone());
    assert_eq!(answer(request()).await.0, 401);
    let (status, revoked) = answer(request().basic_auth("demo-client", Some("demo-secret"))).await;
    assert_eq!((status, &revoked["status"]["type"]), (200, &json!("success")));
    assert_eq!(rate_limit_status(&onelogin, &format!("bearer:{first}")).await, 401);
    assert_ne!(token(&onelogin).await, first);
    assert_eq!(onelogin.calls_to(Endpoint::Revoke).len(), 2);
}

#[tokio::test]
async fn the_hourly_limit_is_shared_by_all_clients() {
    for (over_limit, status, message) in [
        (OverLimit::Status429, 429, "Too Many Requests"),
        (OverLimit::BadRequest, 400, "rate_limit_exceeded"),
    ] {
        let onelogin = start(Config { calls_per_hour: 10, over_limit, ..Config::default() });
        let buy = || {
            let request = post(&onelogin, TOKEN_PATH, "json", GRANT);
            request.basic_auth("demo-client", Some("demo-secret")).send()
        };
        let left = |response: &Response| {
            ["limit", "remaining", "reset"].map(|name| {
                let value = &response.headers()[format!("x-ratelimit-{name}")];
                value.to_str().expect("text").parse::<u32>().expect("a number")
            })
        };
        assert_eq!(left(&buy().await.expect("an answer")), [10, 9, 3600]);
        onelogin.advance(Duration::from_secs(307));
        onelogin.spend(8);
        let last = buy().await.expect("an answer");
        assert_eq!((last.status().as_u16(), left(&last)), (200, [10, 0, 3293]));
        let text = json_of(last).await["access_token"].to_string();
        let refused = buy().await.expect("an answer");
        assert_eq!((refused.status().as_u16(), left(&refused)), (status, [10, 0, 3293]));
        assert!(!refused.headers().contains_key("retry-after"));
        let refused = json_of(refused).await;
        assert_eq!(refused["status"]["message"], message);
        // The rate limit is free, and the legacy API has no limit.
        assert_eq!(
            rate_limit_status(&onelogin, &format!("bearer {}", text.trim_matches('"'))).await,
            200
        );
        let legacy = request_records(&onelogin, "").await.expect("an answer");
        assert_eq!(legacy.status(), 200);
        assert!(!legacy.headers().contains_key("x-ratelimit-limit"));
        onelogin.advance(Duration::from_secs(3293));
        assert_eq!(left(&buy().await.expect("an answer")), [10, 9, 3600]);
    }
}

#[tokio::test]
async fn the_rest_of_the_hourly_limit_can_be_requested() {
    let onelogin = start(Config::default());
    let text = token(&onelogin).await;
    let url = format!("{}/auth/rate_limit", onelogin.url());
    let (status, body) = answer(client().get(url).bearer_auth(text)).await;
    assert_eq!(status, 200);
    let expected = json!({"X-RateLimit-Limit": 5000, "X-RateLimit-Remaining": 4999,
        "X-RateLimit-Reset": 3600});
    assert_eq!(body["data"], expected);
}

#[tokio::test]
async fn faults_at_the_token_endpoint_stay_there() {
    let onelogin = start(Config { failures: 10, ..Config::default() });
    let buy = async || {
        let request = post(&onelogin, TOKEN_PATH, "json", GRANT);
        let request = request.basic_auth("demo-client", Some("demo-secret")).send();
        let response = request.await.expect("an answer");
        (response.status().as_u16(), response.text().await.expect("a body"))
    };
    onelogin.fail_next([Fault::Html]);
    let faults = [Fault::InternalError, Fault::ErrorUnder200, Fault::TruncatedWellFormed];
    onelogin.fail_next_at(Endpoint::Token, faults);
    let (status, text) = buy().await;
    assert_eq!(status, 500);
    assert!(text.starts_with("{\"status\":{"), "{text}");
    let (status, text) = buy().await;
    assert_eq!(status, 200);
    assert!(text.contains("\"error\":true") && !text.contains("access_token"), "{text}");
    let (status, text) = buy().await;
    assert_eq!(status, 200);
    assert!(serde_json::from_str::<Value>(&text).expect_err("half of it").is_eof(), "{text}");
    assert_eq!(buy().await.0, 200);
    onelogin.fail_always_at(Endpoint::Token, Some(Fault::Unauthorized));
    for _ in 0..2 {
        assert_eq!(buy().await.0, 401);
    }
    onelogin.fail_always_at(Endpoint::Token, None);
    assert!(buy().await.1.contains("access_token"));
    let html =
        request_records(&onelogin, "").await.expect("an answer").text().await.expect("a body");
    assert!(html.starts_with("<!DOCTYPE"), "the general fault was taken: {html}");
}
