//! The token that calls to the current API carry: requested when needed, held in memory only, and
//! never revoked, since other programs with the same credential are given the same one.
//!
//! This uses one request of OAuth, whose answer has fields of its own (`created_at`) and has come
//! as an error under a status of success; a library would have to be talked out of its checks.

use std::cell::Cell;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

use super::call_budget::CallBudget;
use super::client::{Client, Purpose};
use super::config_error::ConfigError;
use super::envelope::Body;
use super::error::Error;
use super::headers;
use super::resource::Resource;
use crate::redact;

/// Version 2: to ask by version 1 would invalidate the tokens of everyone else.
const PATH: [&str; 4] = ["auth", "oauth2", "v2", "token"];
const GRANT: &str = r#"{"grant_type":"client_credentials"}"#;
/// So long before its end a token is renewed: longer than a call takes.
const MARGIN: Duration = Duration::from_mins(1);
/// Lifetime of a token whose answer has none; ten hours are documented. Another request costs a call
/// and gives the same token.
const UNKNOWN_LIFE: Duration = Duration::from_mins(30);
/// A longer life would pass the end of the clock.
const LONGEST_LIFE: u64 = 365 * 86_400;

/// A token and its place in the order in which they were given.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) value: SecretString,
    pub(super) number: u32,
    renew_at: Instant,
}

/// The tokens of one API credential.
#[derive(Debug)]
pub(super) struct Tokens {
    client_id: SecretString,
    client_secret: SecretString,
    current: Mutex<Option<Token>>,
    account_id: Cell<Option<i64>>,
}

#[derive(Deserialize)]
struct Answer {
    access_token: Option<String>,
    account_id: Option<Value>,
    created_at: Option<Value>,
    expires_in: Option<Value>,
}

impl Tokens {
    pub(super) fn new(
        client_id: SecretString,
        client_secret: SecretString,
    ) -> Result<Self, ConfigError> {
        for secret in [&client_id, &client_secret] {
            let text = secret.expose_secret();
            // A colon would end the user name in HTTP Basic; the rest is what a careless copy adds.
            if text.is_empty() || text.contains(|c: char| c == ':' || c <= ' ' || c == '\u{7F}') {
                return Err(ConfigError::Client);
            }
        }
        Ok(Self {
            client_id,
            client_secret,
            current: Mutex::default(),
            account_id: Cell::default(),
        })
    }

    /// OneLogin's id of the account, once a token has named it.
    pub(super) fn account_id(&self) -> Option<i64> {
        self.account_id.get()
    }

    /// The current token, or a new one: when there is none, when it ends soon, or when it is the one
    /// that was refused.
    pub(super) async fn get(
        &self,
        client: &Client,
        budget: &CallBudget,
        attempt: u32,
        refused: Option<u32>,
    ) -> Result<Token, Error> {
        let mut current = self.current.lock().await;
        let usable =
            |token: &&Token| Some(token.number) != refused && Instant::now() < token.renew_at;
        if let Some(token) = current.as_ref().filter(usable) {
            return Ok(token.clone());
        }
        budget.spend()?;
        let number = current.as_ref().map_or(1, |token| token.number + 1);
        let token = self.request(client, budget, attempt, number).await?;
        *current = Some(token.clone());
        Ok(token)
    }

    async fn request(
        &self,
        client: &Client,
        budget: &CallBudget,
        attempt: u32,
        number: u32,
    ) -> Result<Token, Error> {
        let (id, secret) = (self.client_id.expose_secret(), self.client_secret.expose_secret());
        let url = client.url(&PATH);
        let request = client
            .http
            .post(url.clone())
            .basic_auth(id, Some(secret))
            .header(CONTENT_TYPE, "application/json")
            .body(GRANT);
        let calls_left = Some(budget.left());
        let purpose = Purpose { attempt, calls_left, ..Purpose::new(Resource::Token) };
        let incoming = client.send(&url, request, purpose).await?;
        let body = Body::read(incoming).await?;
        budget.read_limits(&body.headers);
        let answer: Answer = body.json()?;
        let value = answer.access_token.as_deref().unwrap_or_default().trim().to_owned();
        if value.is_empty() {
            return Err(body.unexpected());
        }
        redact::register(&value);
        // No request could carry it.
        if HeaderValue::from_str(&value).is_err() {
            return Err(body.unexpected());
        }
        if let Some(account_id) = answer.account_id.as_ref().and_then(whole_number) {
            self.account_id.set(Some(account_id));
        }
        let server_now = headers::clock(&body.headers);
        let renew_at = Instant::now() + until_renewal(&answer, server_now.unwrap_or_else(Utc::now));
        Ok(Token { value: value.into(), number, renew_at })
    }
}

fn whole_number(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_i64(),
    }
}

/// Time for which to use a token, from its receipt. One that others were given before us is older than the
/// answer shows; one that ends within the margin is used to its end, since until then none other is given.
///
/// One that has ended by its own times was given all the same, so the server's clocks disagree, and its life
/// counts from now: otherwise each call would need another call for a token. One that has ended indeed is
/// refused, and renewed then.
fn until_renewal(answer: &Answer, server_now: DateTime<Utc>) -> Duration {
    let seconds = match &answer.expires_in {
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    let Some(life) = seconds.map(|s| Duration::from_secs(s.min(LONGEST_LIFE))) else {
        return UNKNOWN_LIFE;
    };
    let created_at = answer.created_at.as_ref().and_then(Value::as_str);
    let created_at = created_at.and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    let age = created_at.map_or(Duration::ZERO, |at| {
        // A token from the future is as good as new.
        (server_now - at.to_utc()).to_std().unwrap_or_default()
    });
    let left = life.checked_sub(age).filter(|left| !left.is_zero()).unwrap_or(life);
    left.checked_sub(MARGIN).unwrap_or(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn until_renewal_of(answer: &str) -> Duration {
        let now = "2026-03-20T12:00:00Z".parse().unwrap();
        until_renewal(&serde_json::from_str(answer).unwrap(), now)
    }

    #[test]
    fn a_token_lasts_from_its_creation_and_not_from_the_answer() {
        for (answer, seconds) in [
            (r#"{"expires_in":36000,"created_at":"2026-03-20T12:00:00.000Z"}"#, 35_940),
            (r#"{"expires_in":36000,"created_at":"2026-03-20T03:00:00.000Z"}"#, 3_540),
            (r#"{"expires_in":"36000","created_at":"2026-03-20T03:00:00Z"}"#, 3_540),
            // Within the margin: used to its end, and no longer.
            (r#"{"expires_in":36000,"created_at":"2026-03-20T02:00:30Z"}"#, 30),
            // Ended before it was given: by a wrong clock.
            (r#"{"expires_in":36000,"created_at":"2026-03-20T02:00:00Z"}"#, 35_940),
            (r#"{"expires_in":36000,"created_at":"2026-03-19T02:00:00Z"}"#, 35_940),
            (r#"{"expires_in":600,"created_at":"2027-01-01T00:00:00Z"}"#, 540),
            (r#"{"expires_in":600,"created_at":"yesterday"}"#, 540),
            (r#"{"expires_in":600}"#, 540),
            (r#"{"expires_in":null}"#, 1_800),
            ("{}", 1_800),
        ] {
            assert_eq!(until_renewal_of(answer), Duration::from_secs(seconds), "{answer}");
        }
        let for_ever = until_renewal_of(r#"{"expires_in":18446744073709551615}"#);
        assert_eq!(for_ever + MARGIN, Duration::from_secs(LONGEST_LIFE));
    }

    #[test]
    fn a_credential_that_cannot_be_one_is_refused_and_none_is_shown() {
        for (id, secret) in [("", "s3cret"), ("id", ""), ("id\n", "s3cret"), ("a:b", "s3cret")] {
            assert!(matches!(Tokens::new(id.into(), secret.into()), Err(ConfigError::Client)));
        }
        let tokens = Tokens::new("client".into(), "s3cret".into()).unwrap();
        assert!(!format!("{tokens:?}").contains("s3cret"));
    }
}
