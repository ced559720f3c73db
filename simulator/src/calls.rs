//! What has been asked of the simulator, for tests to look at and to wait for.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use super::Simulator;

/// A door of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// The failed provisioning of the legacy API.
    Legacy,
    /// `POST /auth/oauth2/v2/token`.
    Token,
    /// `GET /api/1/events`.
    Events,
    /// `GET /api/2/users`.
    Users,
    /// `GET /api/1/events/types`.
    Types,
    /// `GET /auth/rate_limit`.
    RateLimit,
    /// `POST /auth/oauth2/revoke`.
    Revoke,
}

/// A text that names no endpoint.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "unknown endpoint `{text}`: give one of legacy, token, events, users, types, rate-limit, revoke"
)]
pub struct UnknownEndpoint {
    text: String,
}

impl FromStr for Endpoint {
    type Err = UnknownEndpoint;

    fn from_str(text: &str) -> Result<Self, UnknownEndpoint> {
        Ok(match text {
            "legacy" => Self::Legacy,
            "token" => Self::Token,
            "events" => Self::Events,
            "users" => Self::Users,
            "types" => Self::Types,
            "rate-limit" => Self::RateLimit,
            "revoke" => Self::Revoke,
            _ => return Err(UnknownEndpoint { text: text.to_owned() }),
        })
    }
}

/// One call of an endpoint, as the server saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Where it went.
    pub endpoint: Endpoint,
    /// The simulated time at which it came.
    pub at: DateTime<Utc>,
    /// What stood behind the `?`, undecoded; empty if nothing did.
    pub query: String,
    /// How `Authorization` began, as sent and with the colon if there was one: `Basic`, `bearer:`,
    /// `Bearer`, `client_id:`. Never a secret.
    pub authorization: Option<String>,
    /// Which token was sent, counted from 1 in the order of their issue; none for an unknown one.
    /// Of a call for a token, the one it was given.
    pub token: Option<usize>,
    /// The status sent; none while there is none, and after a reset in its place.
    pub status: Option<u16>,
    /// Whole records handed to the connection so far: failures, events, people or types; 1 for a
    /// good answer that is of one piece, such as a token.
    pub records: u64,
    /// Bytes of a body with data handed to the connection so far, compressed if it is. Refusals
    /// count nothing.
    pub bytes: u64,
}

/// All calls so far, in order of arrival.
#[derive(Debug)]
pub(super) struct Calls(watch::Sender<Vec<Call>>);

impl Default for Calls {
    fn default() -> Self {
        Self(watch::Sender::new(Vec::new()))
    }
}

impl Calls {
    /// Notes a call that has just come, and gives its number.
    pub(super) fn note(&self, call: Call) -> usize {
        let mut number = 0;
        self.0.send_modify(|calls| {
            number = calls.len();
            calls.push(call);
        });
        number
    }

    /// Changes what is known of a call.
    pub(super) fn update(&self, number: usize, change: impl FnOnce(&mut Call)) {
        self.0.send_modify(|calls| change(&mut calls[number]));
    }
}

fn of(calls: &[Call], endpoint: Endpoint) -> impl Iterator<Item = &Call> {
    calls.iter().filter(move |call| call.endpoint == endpoint)
}

impl Simulator {
    /// All calls of all endpoints so far, in order of arrival. Calls of the legacy endpoint are
    /// among [`requests`](Self::requests) too. What is served beside the API is not noted.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls.0.borrow().clone()
    }

    /// All calls of one endpoint so far, in order of arrival.
    #[must_use]
    pub fn calls_to(&self, endpoint: Endpoint) -> Vec<Call> {
        of(&self.shared.calls.0.borrow(), endpoint).cloned().collect()
    }

    /// Waits until `count` calls of one endpoint have come since the start.
    pub async fn wait_for_calls(&self, endpoint: Endpoint, count: usize) {
        let enough = |calls: &Vec<Call>| of(calls, endpoint).count() >= count;
        // The sender is `self`, so the channel cannot close while this waits.
        let _ = self.shared.calls.0.subscribe().wait_for(enough).await;
    }
}
