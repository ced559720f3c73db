//! Tokens of the current API: bought with a credential, good for a while.
//!
//! Only the second version of the endpoint is here. The first one, whose tokens end each other, is
//! asked by no client that is tried against this.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::body::{Page, Source};
use super::calls::Endpoint;
use super::connection::ResetSwitch;
use super::event_record::{ACCOUNT_ID, event_time_text};
use super::exchange::{Data, Exchange};
use super::history::{Choice, dice};
use super::refusals::{Refusal, Shape, envelope, refusal, status};
use super::state::Shared;

/// All tokens ever issued, in the order of their issue. Their numbers count from 1.
#[derive(Debug, Default)]
pub(super) struct Tokens(Vec<Token>);

#[derive(Clone, Debug)]
struct Token {
    text: String,
    issued_at: DateTime<Utc>,
    ended: bool,
}

impl Token {
    fn is_good(&self, lifetime: Duration, now: DateTime<Utc>) -> bool {
        // A clock that was set back makes no token bad.
        let age = (now - self.issued_at).to_std().unwrap_or_default();
        !self.ended && age < lifetime
    }
}

impl Tokens {
    /// Ends all that were issued.
    pub(super) fn expire_all(&mut self) {
        for token in &mut self.0 {
            token.ended = true;
        }
    }

    /// The number of a token, however old.
    pub(super) fn number(&self, text: &str) -> Option<usize> {
        self.0.iter().position(|token| token.text == text).map(|place| place + 1)
    }

    fn is_good(&self, text: &str, lifetime: Duration, now: DateTime<Utc>) -> bool {
        self.0.iter().any(|token| token.text == text && token.is_good(lifetime, now))
    }

    /// The token that is good at `now`, or a new one; with its number.
    fn current(&mut self, seed: u64, lifetime: Duration, now: DateTime<Utc>) -> (usize, &Token) {
        if !self.0.last().is_some_and(|token| token.is_good(lifetime, now)) {
            let text = secret(seed, 2 * self.0.len() as u64);
            self.0.push(Token { text, issued_at: now, ended: false });
        }
        let number = self.0.len();
        (number, &self.0[number - 1])
    }

    fn end(&mut self, text: &str) {
        for token in self.0.iter_mut().filter(|token| token.text == text) {
            token.ended = true;
        }
    }
}

/// 64 hexadecimal digits, as real tokens have.
fn secret(seed: u64, number: u64) -> String {
    let mut dice = dice(seed, Choice::Token, number);
    let words = [dice.u64(..), dice.u64(..), dice.u64(..), dice.u64(..)];
    let [a, b, c, d] = words;
    format!("{a:016x}{b:016x}{c:016x}{d:016x}")
}

/// `POST /auth/oauth2/v2/token`.
pub(super) async fn token(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(reset): ConnectInfo<ResetSwitch>,
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
    exchange.note_token(number);
    let answer = json!({
        "access_token": token.text,
        "created_at": event_time_text(token.issued_at),
        "expires_in": lifetime.as_secs(),
        "token_type": "bearer",
        "account_id": ACCOUNT_ID,
        "refresh_token": secret(shared.config.seed, 2 * number as u64 - 1),
    });
    Ok(Data::new(Source::Page(Page::whole(answer.to_string()))))
}

/// `POST /auth/oauth2/revoke`: the token is no good afterwards, to whomever it was given.
pub(super) async fn revoke(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(reset): ConnectInfo<ResetSwitch>,
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
        Ok(Data::new(Source::Page(Page::whole(answer.to_string()))))
    };
    exchange.answer(revoke).await
}

/// `GET /auth/rate_limit`.
pub(super) async fn rate_limit(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(reset): ConnectInfo<ResetSwitch>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let exchange = Exchange::begin(shared, reset, Endpoint::RateLimit, &query, &headers, None);
    let tell = |exchange: &Exchange| {
        let Exchange { shared, now, .. } = exchange;
        check_token(shared, &headers, Shape::Envelope, *now)?;
        let left = shared.state().allowance.left(shared.config.calls_per_hour, *now);
        let answer = json!({
            "status": status(StatusCode::OK, &"Success".into()),
            "data": {
                "X-RateLimit-Limit": left.limit,
                "X-RateLimit-Remaining": left.remaining,
                "X-RateLimit-Reset": left.reset,
            },
        });
        Ok(Data::new(Source::Page(Page::whole(answer.to_string()))))
    };
    exchange.answer(tell).await
}

/// Refuses a call whose token is missing, unknown or no longer good.
pub(super) fn check_token(
    shared: &Shared,
    headers: &HeaderMap,
    shape: Shape,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    let text = authorization(headers).and_then(bearer);
    let lifetime = shared.config.token_lifetime;
    let is_good = text.is_some_and(|text| shared.state().tokens.is_good(text, lifetime, now));
    is_good.then_some(()).ok_or_else(|| refusal(shape, StatusCode::UNAUTHORIZED).into())
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

/// How a header begins, up to its secret: `Basic`, `bearer:`, `client_id:`.
pub(super) fn scheme(header: &str) -> &str {
    match header.find([':', ' ']) {
        Some(end) if header.as_bytes()[end] == b':' => &header[..=end],
        Some(end) => &header[..end],
        // Not a word of it: it may all be secret.
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

/// `client_id:…, client_secret:…`, the vendor's own form.
fn pair(header: &str) -> Option<(String, String)> {
    let parts = header.split(',').filter_map(|part| part.split_once(':'));
    let fields: HashMap<String, &str> =
        parts.map(|(name, value)| (name.trim().to_lowercase(), value.trim())).collect();
    let field = |name| fields.get(name).map(|&value| value.to_owned());
    field("client_id").zip(field("client_secret"))
}

/// The fields of a body that is what its `Content-Type` says: a JSON object, or a form.
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
