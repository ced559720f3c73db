//! Tokens of the current API: issue, check and revocation; and the rate limit.
//!
//! Only the second version of the endpoint is here. No tested client uses the first one, where a
//! new token ends the last one.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::body::{Content, Page};
use super::connection::ResetSwitch;
use super::exchange::{Data, Exchange};
use super::refusals::{Refusal, Shape, envelope, refusal, status};
use crate::endpoint::Endpoint;
use crate::state::{Shared, token_text};
use crate::text::event_time_text;

/// `POST /auth/oauth2/v2/token`.
pub(super) async fn token(
    State(shared): State<Arc<Shared>>,
    Extension(reset): Extension<ResetSwitch>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let query = query.unwrap_or_default();
    let exchange = Exchange::begin(shared, reset, Endpoint::Token, &query, &headers, None);
    exchange.answer(|exchange| issue(exchange, &headers, &body)).await
}

fn issue(exchange: &Exchange, headers: &HeaderMap, body: &[u8]) -> Result<Data, Refusal> {
    let Exchange { shared, now, .. } = exchange;
    let fields = fields(headers, body);
    check_credentials(shared, headers, &fields)?;
    if fields.get("grant_type").map(String::as_str) != Some("client_credentials") {
        let wrong = envelope(StatusCode::BAD_REQUEST, "grant_type must be client_credentials");
        return Err(wrong.into());
    }
    let lifetime = shared.config.token_lifetime;
    let mut state = shared.state();
    let (number, token) = state.tokens.current(shared.config.seed, lifetime, *now);
    exchange.log_token(number);
    let answer = json!({
        "access_token": token.text,
        "created_at": event_time_text(token.issued_at),
        "expires_in": lifetime.as_secs(),
        "token_type": "bearer",
        "account_id": shared.config.account_id(),
        "refresh_token": token_text(shared.config.seed, 2 * number as u64 - 1),
    });
    Ok(Data::new(Content::Page(Page::one_piece(answer.to_string()))))
}

/// `POST /auth/oauth2/revoke`: ends a token for all its users.
pub(super) async fn revoke(
    State(shared): State<Arc<Shared>>,
    Extension(reset): Extension<ResetSwitch>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let query = query.unwrap_or_default();
    let exchange = Exchange::begin(shared, reset, Endpoint::Revoke, &query, &headers, None);
    let revoke = |exchange: &Exchange| {
        let fields = fields(&headers, &body);
        check_credentials(&exchange.shared, &headers, &fields)?;
        let missing = envelope(StatusCode::BAD_REQUEST, "access_token is missing");
        let text = fields.get("access_token").ok_or(missing)?;
        exchange.shared.state().tokens.end(text);
        let answer = json!({"status": status(StatusCode::OK, &"Success".into())});
        Ok(Data::new(Content::Page(Page::one_piece(answer.to_string()))))
    };
    exchange.answer(revoke).await
}

/// `GET /auth/rate_limit`.
pub(super) async fn rate_limit(
    State(shared): State<Arc<Shared>>,
    Extension(reset): Extension<ResetSwitch>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let exchange = Exchange::begin(shared, reset, Endpoint::RateLimit, &query, &headers, None);
    let report = |exchange: &Exchange| {
        let Exchange { shared, now, .. } = exchange;
        check_token(shared, &headers, Shape::Envelope, *now)?;
        let left = shared.state().hourly_calls.left(shared.config.calls_per_hour, *now);
        let answer = json!({
            "status": status(StatusCode::OK, &"Success".into()),
            "data": {
                "X-RateLimit-Limit": left.limit,
                "X-RateLimit-Remaining": left.remaining,
                "X-RateLimit-Reset": left.reset,
            },
        });
        Ok(Data::new(Content::Page(Page::one_piece(answer.to_string()))))
    };
    exchange.answer(report).await
}

/// Refuses a call whose token is missing, unknown or ended.
pub(super) fn check_token(
    shared: &Shared,
    headers: &HeaderMap,
    shape: Shape,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    let text = authorization(headers).and_then(bearer);
    let lifetime = shared.config.token_lifetime;
    let is_valid = text.is_some_and(|text| shared.state().tokens.is_valid(text, lifetime, now));
    is_valid.then_some(()).ok_or_else(|| refusal(shape, StatusCode::UNAUTHORIZED).into())
}

fn check_credentials(
    shared: &Shared,
    headers: &HeaderMap,
    fields: &HashMap<String, String>,
) -> Result<(), Refusal> {
    let given = match authorization(headers) {
        Some(header) => basic(header).or_else(|| pair(header)),
        None => fields.get("client_id").cloned().zip(fields.get("client_secret").cloned()),
    };
    let config = &shared.config;
    let is_right =
        given.is_some_and(|(id, secret)| id == config.client_id && secret == config.client_secret);
    is_right.then_some(()).ok_or_else(|| refusal(Shape::Envelope, StatusCode::UNAUTHORIZED).into())
}

fn authorization(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok())
}

/// The token in `bearer:…`, `bearer …` or `Bearer …`.
pub(super) fn bearer(header: &str) -> Option<&str> {
    let forms = ["bearer:", "bearer ", "Bearer "];
    forms.iter().find_map(|form| header.strip_prefix(form)).map(str::trim)
}

/// The start of a header up to its secret: `Basic`, `bearer:`, `client_id:`.
pub(super) fn scheme(header: &str) -> &str {
    match header.find([':', ' ']) {
        Some(end) if header.as_bytes()[end] == b':' => &header[..=end],
        Some(end) => &header[..end],
        // Nothing, because all of it may be secret.
        None => "",
    }
}

fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    let bytes = BASE64_STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':')?;
    scheme.eq_ignore_ascii_case("basic").then(|| (id.to_owned(), secret.to_owned()))
}

/// `client_id:…, client_secret:…`, as the vendor's own client sends it.
fn pair(header: &str) -> Option<(String, String)> {
    let parts = header.split(',').filter_map(|part| part.split_once(':'));
    let fields: HashMap<String, &str> =
        parts.map(|(name, value)| (name.trim().to_lowercase(), value.trim())).collect();
    let field = |name| fields.get(name).map(|&value| value.to_owned());
    field("client_id").zip(field("client_secret"))
}

/// The fields of a body, read by its `Content-Type`: a JSON object, or a form.
fn fields(headers: &HeaderMap, body: &[u8]) -> HashMap<String, String> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.unwrap_or_default().to_lowercase();
    if kind.contains("json") {
        let read: HashMap<String, Value> = serde_json::from_slice(body).unwrap_or_default();
        let texts =
            read.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())));
        return texts.collect();
    }
    if kind.starts_with("application/x-www-form-urlencoded") {
        return url::form_urlencoded::parse(body).into_owned().collect();
    }
    HashMap::new()
}
