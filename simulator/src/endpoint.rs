//! Endpoints of the API.

use std::str::FromStr;

/// The legacy failed provisioning, as in the real API.
pub const LEGACY_PATH: &str = "/api/v1/logins/failed_provisioning.json";
/// Events, as in the real API.
pub const EVENTS_PATH: &str = "/api/1/events";
/// Types of events, as in the real API.
pub const EVENT_TYPES_PATH: &str = "/api/1/events/types";
/// Users, as in the real API.
pub const USERS_PATH: &str = "/api/2/users";
/// Tokens, as in the real API.
pub const TOKEN_PATH: &str = "/auth/oauth2/v2/token";

/// An endpoint of the API.
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

impl Endpoint {
    /// Returns whether it serves failures. Only these answers stop at the gate and take faults that name
    /// no endpoint.
    pub(crate) fn is_data(self) -> bool {
        matches!(self, Self::Legacy | Self::Events)
    }

    /// Returns whether its calls count against the hourly limit. The rate limit and revoking are free.
    pub(crate) fn is_limited(self) -> bool {
        matches!(self, Self::Token | Self::Events | Self::Users | Self::Types)
    }
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
