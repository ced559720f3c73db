use super::*;

fn body(status: u16, text: &str) -> Body {
    Body {
        endpoint: "https://api.us.onelogin.com/api/1/events".to_owned(),
        of: Resource::Events,
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        after: Duration::ZERO,
        text: text.into(),
    }
}

/// Reads a text as that of a page without its records.
fn page(text: &str) -> Result<Envelope, Error> {
    body(200, text).page(false)
}

#[test]
fn an_error_is_one_under_any_status_and_in_any_shape() {
    for (text, expected) in [
        (
            r#"{"status":{"error":true,"code":400,"message":"rate_limit_exceeded"}}"#,
            "limits the rate",
        ),
        (
            r#"{"status":{"error":true,"code":401,"type":"Unauthorized","message":"Authentication Failure"}}"#,
            "Read All",
        ),
        (r#"{"message":"x","name":"UnauthorizedError","statusCode":401}"#, "status 401"),
        (
            r#"{"status":{"error":true,"code":400,"message":{"description":"since is no date","attribute":"since"}}}"#,
            "refused the request (status 400, \"since is no date\")",
        ),
        (r#"{"status":{"error":false},"data":null}"#, "the keys status, data"),
        ("[]", "it is a JSON array"),
        ("<html>", "it is a web page"),
        ("null", "it is JSON without a record"),
        ("7", "it is a JSON number"),
    ] {
        let shown = crate::chain(&page(text).unwrap_err());
        assert!(shown.contains(expected), "{text}: {shown}");
    }
}

#[test]
fn a_page_without_records_is_no_page_if_its_status_is_an_error() {
    let page_of = |status: &str| page(&format!(r#"{{"status":{status},"data":[]}}"#));
    for status in [
        r#"{"error":"true","code":500}"#,
        r#"{"error":1,"code":500}"#,
        r#"{"error":false,"code":500}"#,
        r#"{"code":"503","type":"error"}"#,
        r#"{"type":"bad request","message":"rate_limit_exceeded","code":400}"#,
        r#"{"error":null,"code":401,"message":"Authentication Failure"}"#,
        r#"{"error":"rate_limit_exceeded"}"#,
        r#"{"code":"none"}"#,
        r#""error""#,
        "[]",
        "7",
    ] {
        assert!(page_of(status).is_err(), "{status}");
    }
    for status in [
        r#"{"error":false,"code":200,"type":"success","message":"Success"}"#,
        r#"{"error":"false","code":"200"}"#,
        r#"{"error":null,"code":null}"#,
        "{}",
        r#""success""#,
        "null",
    ] {
        assert!(page_of(status).is_ok(), "{status}");
    }
    let cause = |status| page_of(status).unwrap_err().into_cause();
    assert!(matches!(cause(r#"{"error":"rate_limit_exceeded"}"#), Cause::RateLimited { .. }));
    assert!(matches!(cause(r#"{"code":"503"}"#), Cause::ServerFailed { status: 503, .. }));
    assert!(matches!(cause(r#"{"error":"true","code":401}"#), Cause::Refused { status: 401, .. }));
}

#[test]
fn an_error_beside_an_empty_list_is_an_error() {
    let read = |text: &str, has_records| body(200, text).page(has_records);
    for text in [
        r#"{"statusCode":500,"message":"x","name":"E","data":[]}"#,
        r#"{"code":401,"message":"Unauthorized","data":[]}"#,
        r#"{"errors":["x"],"data":[]}"#,
        r#"{"error":"server_error","data":[]}"#,
        r#"{"error":true,"data":[],"pagination":{"after_cursor":null,"next_link":null}}"#,
        r#"{"status":{"type":"error","message":"boom"},"data":[]}"#,
    ] {
        for has_records in [false, true] {
            assert!(read(text, has_records).is_err(), "{text}");
        }
    }
    let message = r#"{"message":"Internal server error","data":[]}"#;
    assert!(read(message, false).is_err() && read(message, true).is_ok());
    for text in [
        r#"{"data":[]}"#,
        r#"{"status":200,"data":[]}"#,
        r#"{"code":200,"message":"Success","error":false,"errors":[],"data":[]}"#,
        r#"{"code":0,"message":"","error":null,"data":[]}"#,
        r#"{"status":{"error":false,"type":"list"},"data":[]}"#,
        r#"{"status":{"code":200,"type":"list"},"data":[]}"#,
        r#"{"status":{"type":"Succeeded"},"code":1000,"errors":{"events":[]},"data":[]}"#,
        r#"{"status":{"code":200},"code":"events.list","error":{"code":0,"message":""},"data":[]}"#,
        r#"{"message":"Events found","code":200,"data":[]}"#,
        r#"{"message":"Events found","success":true,"data":[]}"#,
        r#"{"message":"No events found","pagination":{"after_cursor":null},"data":[]}"#,
        r#"{"error":"none","code":1,"data":[]}"#,
        r#"{"status":{"error":false,"code":200,"type":"success"},"message":"2 of 3","data":[]}"#,
    ] {
        assert!(read(text, false).is_ok(), "{text}");
    }
    let cause = |text| read(text, false).unwrap_err().into_cause();
    let failed = r#"{"statusCode":500,"message":"x","data":[]}"#;
    assert!(matches!(cause(failed), Cause::ServerFailed { status: 500, .. }));
}

#[test]
fn a_body_cut_short_differs_from_one_of_another_kind() {
    let cause = |text| page(text).unwrap_err().into_cause();
    assert!(matches!(cause(""), Cause::Truncated { bytes: 0, .. }));
    assert!(matches!(cause(r#"{"data":[{"id":1},"#), Cause::Truncated { .. }));
    assert!(matches!(cause(r#"{"data":[{"id":1}<html>"#), Cause::Garbled { .. }));
}

#[test]
fn no_value_of_an_error_is_shown() {
    let named = r#"{"status":{"error":true,"code":400,"message":"no Ada with s3cret here"}}"#;
    let shown = crate::chain(&page(named).unwrap_err());
    assert!(!shown.contains("Ada") && !shown.contains("s3cret"), "{shown}");
}

#[test]
fn what_refuses_a_parameter_is_quoted_without_names() {
    let refused = |of, text: &str| {
        let body = Body { of, status: StatusCode::BAD_REQUEST, ..body(400, text) };
        let value = serde_json::from_str(text).unwrap_or_default();
        crate::chain(&body.error(body.status, &message(&value).unwrap_or_default()))
    };
    for (text, expected) in [
        (
            r#"{"message":"Integer value must be <= 2147483647","statusCode":400}"#,
            "<= 2147483647\"",
        ),
        (
            r#"{"status":{"message":{"description":"user_ids is invalid"}}}"#,
            "\"user_ids is invalid\"",
        ),
        (r#"{"message":"Ada Byte"}"#, "a JSON object with the key message"),
        ("", "nothing"),
        ("<html>", "is not from the OneLogin API"),
    ] {
        let shown = refused(Resource::Users, text);
        assert!(shown.contains(expected) && shown.contains("status 400"), "{shown}");
        assert!(!shown.contains("Ada"), "{shown}");
        let of_events = refused(Resource::Events, text);
        let is_quoted = of_events.contains(expected) && expected.ends_with('"');
        assert!(is_quoted || of_events.contains("is not from the OneLogin API"), "{of_events}");
    }
}
