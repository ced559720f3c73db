//! Answers without data: errors in the form of each API, and faults that replace the data.

use std::time::{Duration, SystemTime};

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::endpoint::Endpoint;
use crate::faults::{Fault, RetryAfter};

const LOGIN_PAGE: &str =
    "<!DOCTYPE html>\n<html><head><title>Log in</title></head><body><form>…</form></body></html>\n";
const NOT_FOUND_PAGE: &str =
    "<!DOCTYPE html>\n<html><head><title>404</title></head><body>Page not found</body></html>\n";
const GONE_PAGE: &str =
    "<!DOCTYPE html>\n<html><head><title>410</title></head><body>This API is gone</body></html>\n";
const JSON: [(HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];

/// An answer without data. Boxed, because a response is large.
pub(super) type Refusal = Box<Response>;

/// Forms in which endpoints write errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// `{"status":"500","error":"Internal Server Error"}`. A guess, because none is documented.
    Legacy,
    /// `{"status":{"error":true,"code":500,…}}`: tokens and `/api/1`.
    Envelope,
    /// `{"message":…,"name":…,"statusCode":500}`: `/api/2`.
    Modern,
}

pub(super) fn shape(endpoint: Endpoint) -> Shape {
    match endpoint {
        Endpoint::Legacy => Shape::Legacy,
        Endpoint::Users => Shape::Modern,
        Endpoint::Token
        | Endpoint::Events
        | Endpoint::Types
        | Endpoint::RateLimit
        | Endpoint::Revoke => Shape::Envelope,
    }
}

/// The `status` of an answer of `/api/1`.
pub(super) fn status(code: StatusCode, message: &Value) -> Value {
    let kind = match code {
        StatusCode::OK => "success".to_owned(),
        StatusCode::UNAUTHORIZED => "Unauthorized".to_owned(),
        _ => code.canonical_reason().unwrap_or("error").to_lowercase(),
    };
    let error = code != StatusCode::OK;
    json!({"error": error, "code": code.as_u16(), "type": kind, "message": message})
}

/// An error in the envelope of `/api/1`.
pub(super) fn envelope(code: StatusCode, message: &str) -> Response {
    (code, JSON, json!({"status": status(code, &message.into())}).to_string()).into_response()
}

/// An error as `/api/2` writes it.
pub(super) fn modern(code: StatusCode, message: &str) -> Response {
    let reason = code.canonical_reason().unwrap_or("Server").replace(' ', "");
    let name = format!("{}Error", reason.trim_end_matches("Error"));
    let text = json!({"message": message, "name": name, "statusCode": code.as_u16()});
    (code, JSON, text.to_string()).into_response()
}

/// The error of `/api/2` about one parameter.
pub(super) fn unprocessable(field: &str, message: &str) -> Response {
    let code = StatusCode::UNPROCESSABLE_ENTITY;
    let name = "UnprocessableEntityFieldError";
    let text = json!({"message": message, "field": field, "name": name, "statusCode": 422});
    (code, JSON, text.to_string()).into_response()
}

/// An error with this status, in this form.
pub(super) fn refusal(shape: Shape, code: StatusCode) -> Response {
    let reason = code.canonical_reason().unwrap_or("refused");
    match (shape, code) {
        (Shape::Legacy, StatusCode::NOT_FOUND) => (code, Html(NOT_FOUND_PAGE)).into_response(),
        (Shape::Legacy, _) => {
            let text = format!("{{\"status\":\"{}\",\"error\":\"{reason}\"}}", code.as_u16());
            (code, JSON, text).into_response()
        }
        (Shape::Envelope, StatusCode::UNAUTHORIZED) => envelope(code, "Authentication Failure"),
        (Shape::Envelope, StatusCode::NOT_FOUND) => envelope(code, "No Route Exists"),
        (Shape::Envelope, _) => envelope(code, reason),
        (Shape::Modern, _) => modern(code, reason),
    }
}

/// The answer to a fault that needs no data.
pub(super) fn immediate(shape: Shape, fault: Fault, now: DateTime<Utc>) -> Option<Response> {
    Some(match fault {
        Fault::TooManyRequests(retry) => {
            retry_later(StatusCode::TOO_MANY_REQUESTS, shape, retry, now)
        }
        Fault::Unavailable(retry) => {
            retry_later(StatusCode::SERVICE_UNAVAILABLE, shape, retry, now)
        }
        Fault::InternalError => refusal(shape, StatusCode::INTERNAL_SERVER_ERROR),
        Fault::Unauthorized => refusal(shape, StatusCode::UNAUTHORIZED),
        Fault::UnauthorizedModern => refusal(Shape::Modern, StatusCode::UNAUTHORIZED),
        Fault::MissingScope => envelope(StatusCode::UNAUTHORIZED, "Insufficient Permissions"),
        Fault::UnauthorizedHtml => (StatusCode::UNAUTHORIZED, Html(LOGIN_PAGE)).into_response(),
        Fault::Forbidden => refusal(shape, StatusCode::FORBIDDEN),
        Fault::ForbiddenHtml => (StatusCode::FORBIDDEN, Html(LOGIN_PAGE)).into_response(),
        Fault::NotFound => refusal(shape, StatusCode::NOT_FOUND),
        Fault::RateLimitExceeded => envelope(StatusCode::BAD_REQUEST, "rate_limit_exceeded"),
        Fault::MessageObject => {
            let message = json!({"description": "must be a date", "attribute": "since"});
            let status = status(StatusCode::BAD_REQUEST, &message);
            let text = json!({"status": status}).to_string();
            (StatusCode::BAD_REQUEST, JSON, text).into_response()
        }
        Fault::Gone => (StatusCode::GONE, Html(GONE_PAGE)).into_response(),
        Fault::Unprocessable => unprocessable("user_ids", "user_ids is invalid"),
        Fault::ErrorUnder200 => {
            let status = status(StatusCode::UNAUTHORIZED, &"Authentication Failure".into());
            (JSON, json!({"status": status}).to_string()).into_response()
        }
        Fault::Html => Html(LOGIN_PAGE).into_response(),
        Fault::NotAnArray => match shape {
            Shape::Envelope => (JSON, "[]").into_response(),
            Shape::Legacy | Shape::Modern => {
                (JSON, "{\"status\":{\"error\":false,\"code\":200},\"data\":[]}").into_response()
            }
        },
        Fault::Redirect => (StatusCode::FOUND, [(header::LOCATION, "/login")]).into_response(),
        Fault::Empty => StatusCode::OK.into_response(),
        Fault::NoContent => StatusCode::NO_CONTENT.into_response(),
        Fault::TruncatedWellFormed
        | Fault::TruncatedConnection
        | Fault::Reset
        | Fault::ResetMidBody
        | Fault::Stall
        | Fault::StallBeforeHeaders
        | Fault::SlowDrip { .. }
        | Fault::DateAhead(_)
        | Fault::DateBehind(_)
        | Fault::NoDate
        | Fault::Age(_)
        | Fault::Cached(_)
        | Fault::GzipInCapitals => return None,
    })
}

/// A refusal that names the time to wait.
fn retry_later(code: StatusCode, shape: Shape, retry: RetryAfter, now: DateTime<Utc>) -> Response {
    let mut response = refusal(shape, code);
    let headers = response.headers_mut();
    match retry {
        RetryAfter::Absent => {}
        RetryAfter::Seconds(seconds) => {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        RetryAfter::HttpDate(seconds) => {
            let then = now + Duration::from_secs(seconds.into());
            headers.insert(header::RETRY_AFTER, http_date(then));
        }
        RetryAfter::RateLimitReset(seconds) => {
            headers.insert(HeaderName::from_static("x-ratelimit-remaining"), 0.into());
            headers.insert(HeaderName::from_static("x-ratelimit-reset"), seconds.into());
        }
    }
    response
}

pub(super) fn http_date(at: DateTime<Utc>) -> HeaderValue {
    // The format has the years 1970 to 9999.
    let last = DateTime::from_timestamp(253_402_300_799, 0).unwrap_or_default();
    let at = at.clamp(DateTime::UNIX_EPOCH, last);
    let text = httpdate::fmt_http_date(SystemTime::from(at));
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}
