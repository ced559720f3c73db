//! Faults on pages of events, and faults that only newer APIs have.

use super::*;

async fn get(onelogin: &Simulator, token: &str) -> reqwest::Result<Response> {
    let url = format!("{}{EVENTS_PATH}?limit=40&sort=%2Bid", onelogin.url());
    client().get(url).bearer_auth(token).send().await
}

async fn good(onelogin: &Simulator, token: &str) -> usize {
    let page = json_of(get(onelogin, token).await.expect("an answer")).await;
    page["data"].as_array().expect("an array").len()
}

#[tokio::test]
async fn refusals_have_the_envelope_and_their_headers() {
    let onelogin = start(Config::default());
    let token = token(&onelogin).await;
    for (fault, status, kind, message) in [
        (Fault::Unauthorized, 401, "Unauthorized", "Authentication Failure"),
        (Fault::MissingScope, 401, "Unauthorized", "Insufficient Permissions"),
        (Fault::Forbidden, 403, "forbidden", "Forbidden"),
        (Fault::NotFound, 404, "not found", "No Route Exists"),
        (
            Fault::TooManyRequests(RetryAfter::RateLimitReset(9)),
            429,
            "too many requests",
            "Too Many Requests",
        ),
        (Fault::RateLimitExceeded, 400, "bad request", "rate_limit_exceeded"),
        (Fault::InternalError, 500, "internal server error", "Internal Server Error"),
        (Fault::Unavailable(RetryAfter::Absent), 503, "service unavailable", "Service Unavailable"),
        (Fault::ErrorUnder200, 200, "Unauthorized", "Authentication Failure"),
    ] {
        onelogin.fail_next([fault]);
        let answer = get(&onelogin, &token).await.expect("an answer");
        assert_eq!(answer.status(), status, "{fault:?}");
        let is_waiting = matches!(fault, Fault::TooManyRequests(_));
        let reset = if is_waiting { "9" } else { "3600" };
        assert_eq!(answer.headers()["x-ratelimit-reset"], reset, "{fault:?}");
        let body = json_of(answer).await["status"].take();
        assert_eq!((&body["error"], &body["type"]), (&true.into(), &kind.into()), "{fault:?}");
        assert_eq!(body["message"], message, "{fault:?}");
    }
    assert_eq!(good(&onelogin, &token).await, 40, "healed");
}

#[tokio::test]
async fn answers_of_another_kind_have_their_form() {
    let onelogin = start(Config::default());
    let token = token(&onelogin).await;
    for (fault, status, part) in [
        (Fault::MessageObject, 400, "\"message\":{\"attribute\":\"since\",\"description\":"),
        (Fault::UnauthorizedModern, 401, "\"name\":\"UnauthorizedError\",\"statusCode\":401"),
        (Fault::Unprocessable, 422, "\"name\":\"UnprocessableEntityFieldError\""),
        (Fault::Gone, 410, "<!DOCTYPE html>"),
        (Fault::Html, 200, "<form>"),
        (Fault::NotAnArray, 200, "[]"),
        (Fault::Redirect, 302, ""),
        (Fault::Empty, 200, ""),
    ] {
        onelogin.fail_next_at(Endpoint::Events, [fault]);
        let answer = get(&onelogin, &token).await.expect("an answer");
        assert_eq!(answer.status(), status, "{fault:?}");
        let text = answer.text().await.expect("a body");
        assert!(text.contains(part), "{fault:?}: {text}");
        assert!(!text.contains("\"data\""), "{fault:?}: {text}");
    }
    assert_eq!(good(&onelogin, &token).await, 40, "healed");
}

#[tokio::test]
async fn broken_pages_break_as_configured_with_and_without_gzip() {
    for gzip in [false, true] {
        let onelogin = start(Config { gzip, ..Config::default() });
        let token = token(&onelogin).await;
        onelogin.fail_next([Fault::TruncatedWellFormed]);
        let cut = get(&onelogin, &token).await.expect("headers").text().await.expect("a message");
        assert!(serde_json::from_str::<Value>(&cut).expect_err("half a page").is_eof());
        for fault in [Fault::TruncatedConnection, Fault::ResetMidBody, Fault::Stall] {
            onelogin.fail_next([fault]);
            let mut answer = get(&onelogin, &token).await.expect("headers");
            assert_eq!(answer.status(), 200);
            // Ends with the first error, at the latest with the time-out of the client.
            let error = loop {
                match answer.chunk().await {
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("{fault:?} ended well"),
                    Err(error) => break error,
                }
            };
            assert_eq!(error.is_timeout(), fault == Fault::Stall, "{fault:?}: {error:?}");
            let reset = format!("{error:?}").contains("ConnectionReset");
            assert_eq!(reset, fault == Fault::ResetMidBody, "{fault:?}: {error:?}");
        }
        let calls = onelogin.calls_to(Endpoint::Events);
        assert!(calls.iter().all(|call| call.records == 20), "{calls:?}");
        onelogin.fail_next([Fault::Reset, Fault::StallBeforeHeaders]);
        let reset = get(&onelogin, &token).await.expect_err("a reset");
        assert!(format!("{reset:?}").contains("ConnectionReset"), "{reset:?}");
        assert!(get(&onelogin, &token).await.expect_err("a stall").is_timeout());
        let last = &onelogin.calls_to(Endpoint::Events)[4..];
        assert!(last.iter().all(|call| call.status.is_none()), "{last:?}");
        let interval = Duration::from_millis(1);
        onelogin.fail_next([Fault::SlowDrip { bytes: 1_000, interval }]);
        assert_eq!(good(&onelogin, &token).await, 40, "a drip is complete");
    }
}

#[tokio::test]
async fn the_gate_counts_events_and_records_and_nothing_else() {
    let onelogin = start(Config { failures: 200, ..Config::default() });
    onelogin.hold_after(60);
    let first = token(&onelogin).await;
    assert_eq!(good(&onelogin, &first).await, 40);
    let held = tokio::spawn({
        let onelogin = onelogin.clone();
        async move { good(&onelogin, &first).await }
    });
    onelogin.wait_until_held().await;
    assert_eq!(onelogin.calls_to(Endpoint::Events)[1].records, 20);
    let types = client().get(format!("{}{EVENT_TYPES_PATH}", onelogin.url()));
    assert_eq!(types.send().await.expect("an answer").status(), 200, "types are not held");
    onelogin.release();
    assert_eq!(held.await.expect("a page"), 40);
}

#[tokio::test]
async fn the_legacy_api_announces_its_end_if_configured() {
    for deprecation in [false, true] {
        let onelogin = start(Config { deprecation, ..Config::default() });
        let answer = request_records(&onelogin, "").await.expect("an answer");
        let header = |name| answer.headers().get(name).map(|value| value.to_str().expect("text"));
        assert_eq!(header("deprecation"), deprecation.then_some("true"));
        let sunset = deprecation.then_some("Wed, 16 Sep 2026 12:00:00 GMT");
        assert_eq!(header("sunset"), sunset);
        let token = token(&onelogin).await;
        let answer = get(&onelogin, &token).await.expect("an answer");
        assert!(!answer.headers().contains_key("deprecation"));
    }
}

#[tokio::test]
async fn an_unknown_path_has_the_error_form_of_its_api() {
    let onelogin = start(Config::default());
    for (path, part) in [
        ("/api/1/nothing", "\"No Route Exists\""),
        ("/auth/oauth2/token", "\"No Route Exists\""),
        ("/api/2/events", "\"name\":\"NotFoundError\",\"statusCode\":404"),
        ("/api/v1/events", "<!DOCTYPE html>"),
    ] {
        let answer = client().get(format!("{}{path}", onelogin.url())).send().await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 404);
        let text = answer.text().await.expect("a body");
        assert!(text.contains(part), "{path}: {text}");
    }
}
