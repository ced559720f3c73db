//! OneLogin over HTTP: requests, attempts, and the raw text of each record.
//!
//! The meaning of a record and its destination are not known here. [`retry`] decides whether a failed
//! attempt is repeated. The legacy source has one answer per window, so the loop over its attempts
//! belongs to the caller, who rolls back what was written. The events API has pages, which are
//! repeated here one by one.

mod account_api;
mod base_url;
mod body_kind;
pub(crate) mod call_budget;
mod client;
mod config_error;
mod envelope;
mod error;
pub(crate) mod events;
mod gzip;
mod headers;
pub(crate) mod legacy;
pub(crate) mod malformed;
mod next_page;
mod page;
mod quote;
mod resource;
pub(crate) mod retry;
pub(crate) mod saved;
mod source;
pub(crate) mod splitter;
mod token;
mod users;

use std::time::Duration;

pub(crate) use client::Meter;
pub(crate) use config_error::ConfigError;
pub(crate) use error::{Error, Kind};
pub(crate) use resource::Resource;
use retry::Policy;
pub(crate) use source::{Answer, Scope, Source};
pub(crate) use splitter::Element;
pub(crate) use users::{USERS_PER_REQUEST, UserDetails, UsersAnswer};

/// The address of the legacy API.
pub(crate) const LEGACY_URL: &str = "https://api.onelogin.com";
/// The address of the events API in the region that most accounts live in.
pub(crate) const EVENTS_URL: &str = "https://api.us.onelogin.com";

/// Settings of the connection to a source.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Scheme and host, with an optional path prefix: `https://proxy.example/onelogin`.
    pub base_url: String,
    /// True if plain http may leave this machine. The credentials then travel readable.
    pub allow_http: bool,
    /// Limit on opening one connection, TLS included.
    pub connect_timeout: Duration,
    /// Limit between two reads, the wait for the first byte included.
    pub read_timeout: Duration,
    /// Limit on one attempt from the connection to the last byte of the body. The time in which the
    /// caller stores what came counts too.
    pub request_timeout: Duration,
    /// Limits on attempts.
    pub policy: Policy,
}

impl Options {
    /// Options for a base URL, with limits that suit a batch job.
    #[must_use]
    #[cfg(any(test, feature = "demo"))]
    pub(crate) fn new(base_url: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            allow_http: false,
            connect_timeout: Duration::from_secs(10),
            // A large window is computed before its first byte is sent.
            read_timeout: Duration::from_mins(1),
            // Catches a body that drips for ever; 300 MB at 200 kB/s still pass.
            request_timeout: Duration::from_mins(30),
            policy: Policy::default(),
        }
    }
}

/// Returns whether this module wrote the text of an error. It cleans values from outside first.
pub(crate) fn is_own(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<Error>()
        || error.is::<Box<Error>>()
        || error.is::<ConfigError>()
        || error.is::<error::UnexpectedResponse>()
        || error.is::<error::LimitOwner>()
        || error.is::<saved::SavedError>()
        || error.is::<malformed::Malformed>()
}
