//! What can go wrong between this program and the source, in the terms a caller acts on.

use std::time::Duration;

use super::array::Malformed;
use super::resource::{Resource, hint};
use super::retry::Failure;
use super::saved::SavedError;

/// A failing answer that took this long points at the size of the window rather than at the server:
/// an answer that does not depend on it fails in a second or two.
const STALL: Duration = Duration::from_secs(20);

/// Settings that no request can be made with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The base URL cannot be read.
    #[error("the base URL is not a URL; it looks like https://api.onelogin.com")]
    NotAUrl {
        /// Why.
        #[source]
        source: url::ParseError,
    },
    /// The base URL is neither http nor https.
    #[error("the base URL begins with {scheme}:, and must begin with https:")]
    Scheme {
        /// What it begins with.
        scheme: String,
    },
    /// Plain http to another machine.
    #[error(
        "plain http to {host} would send the credentials readable; use https, or --allow-http on \
         a network of your own"
    )]
    PlainHttp {
        /// The host.
        host: String,
    },
    /// The base URL has a user name or password in it.
    #[error(
        "the base URL has a user name or password in it; credentials have settings of their own"
    )]
    CredentialsInUrl,
    /// The base URL has a query or a fragment.
    #[error("the base URL has a query or a fragment; only a host and a path prefix belong there")]
    QueryInUrl,
    /// The API key cannot be one.
    #[error(
        "the API key is empty, or has a space, a line break or a colon in it; check that \
         ONELOGIN_API_KEY holds the key and nothing else"
    )]
    ApiKey,
    /// The client id or secret cannot be one.
    #[error(
        "the client id or secret is empty, or has a space, a line break or a colon in it; check that \
         ONELOGIN_CLIENT_ID and ONELOGIN_CLIENT_SECRET hold nothing else"
    )]
    Client,
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot start; the likely cause is a machine without CA certificates")]
    Http {
        /// Why.
        #[source]
        source: reqwest::Error,
    },
}

/// Why one attempt failed. `endpoint` is the URL without its query.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No connection was made.
    #[error("cannot connect to {endpoint}; check the network, the proxy variables and --base-url")]
    Unreachable {
        /// Where to.
        endpoint: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// A time limit ran out on an open connection.
    #[error("{endpoint} took too long, {}", progress(*read))]
    TimedOut {
        /// Where.
        endpoint: String,
        /// Bytes of the body that came, decompressed; none before the answer began.
        read: Option<u64>,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The connection was reset or closed early.
    #[error("the connection to {endpoint} broke, {}", progress(*read))]
    Interrupted {
        /// Where to.
        endpoint: String,
        /// Bytes of the body that came, decompressed; none before the answer began.
        read: Option<u64>,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The answer ended in order, but its array did not. An empty answer is one of these.
    #[error("the answer of {endpoint} is incomplete; nothing of it can be counted on")]
    Truncated {
        /// Where.
        endpoint: String,
        /// Bytes of the body that came, decompressed.
        bytes: u64,
        /// Where it ended.
        #[source]
        source: Malformed,
    },
    /// The answer began as an array and went on as something else. A server that fails in the
    /// middle and appends its error page does this, so it is worth another attempt.
    #[error("the answer of {endpoint} began as this API's and then went wrong")]
    Garbled {
        /// Where.
        endpoint: String,
        /// Where it went wrong.
        #[source]
        source: Malformed,
    },
    /// Too many requests, by the server's word.
    #[error("{endpoint} limits the rate of requests (status {status}); run later or less often")]
    RateLimited {
        /// Where.
        endpoint: String,
        /// The HTTP status.
        status: u16,
        /// What the answer said of waiting.
        failure: Failure,
    },
    /// No call is left, by our own count or by the server's.
    #[error("{by}, and the next one is possible in {} s; whole windows are kept, so run again later", wait.as_secs())]
    Spent {
        /// Whose count.
        by: Count,
        /// How long it lasts.
        wait: Duration,
        /// The same for the retry decision.
        failure: Failure,
    },
    /// More pages than a window should have.
    #[error("the window has more than {pages} pages, and is asked for in smaller pieces")]
    TooManyPages {
        /// The limit.
        pages: u32,
    },
    /// The server failed: 5xx or 408.
    #[error("{endpoint} failed with status {status} after {:.1} s; the fault is on its side{}", after.as_secs_f64(), hint(*status, *of))]
    ServerFailed {
        /// Where.
        endpoint: String,
        /// The HTTP status.
        status: u16,
        /// What was asked for.
        of: Resource,
        /// The time from the request to the status.
        after: Duration,
        /// What the answer said of waiting.
        failure: Failure,
    },
    /// The credentials were refused: 401 or 403.
    #[error("{endpoint} refused the credentials (status {status}); {}", of.why_refused())]
    Refused {
        /// Where.
        endpoint: String,
        /// The HTTP status.
        status: u16,
        /// What was asked for.
        of: Resource,
    },
    /// Something answered that is not this API.
    #[error("{endpoint} is not answered by this API; {}", of.why_foreign())]
    NotThisApi {
        /// Where.
        endpoint: String,
        /// What was asked for.
        of: Resource,
        /// What answered.
        #[source]
        source: Foreign,
    },
    /// The saved file cannot be read, or holds something else.
    #[error(transparent)]
    Saved(#[from] SavedError),
    /// All attempts at one page failed.
    #[error("gave up after {attempts} attempt{}", if *attempts == 1 { "" } else { "s" })]
    GaveUp {
        /// How many.
        attempts: u32,
        /// Why the last one failed.
        #[source]
        source: Box<Error>,
    },
}

/// By whose count no call is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Count {
    /// Ours, of `--max-calls-per-hour`.
    #[error("the {0} calls an hour of --max-calls-per-hour are spent")]
    Own(u64),
    /// The server's, of all that use the account.
    #[error("the calls an hour that the account has are spent, by all its programs together")]
    Servers,
}

/// The sign that something else than this API answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Foreign {
    /// A status that this API does not give for this request.
    #[error("it answered with status {status}")]
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// A redirect, which is not followed: the credentials are for one host only.
    #[error("it answered with status {status}, a redirect to {to}")]
    Redirect {
        /// The HTTP status.
        status: u16,
        /// The host it points at.
        to: String,
    },
    /// A success whose body is no array of records.
    #[error(transparent)]
    Body(Malformed),
    /// A success whose body is not the JSON that this resource has.
    #[error("the body is not what this resource has; it begins with `{excerpt}`")]
    Shape {
        /// The first characters of what came, printable and on one line.
        excerpt: String,
    },
    /// An error in the API's own words.
    #[error("it answered with status {status}: {message}")]
    Told {
        /// The HTTP status, or the one in the body.
        status: u16,
        /// Its message, without anything that may be somebody's.
        message: String,
    },
}

/// The classes of failure that differ in what a person does about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The source cannot be reached, fails or limits requests: run again later.
    Unavailable,
    /// Something else answered: look at the settings.
    NotThisApi,
    /// The credentials were refused: renew them.
    Refused,
    /// The file cannot be opened: name another, or change its rights.
    Unreadable,
}

impl Error {
    /// What to do about it.
    #[must_use]
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Interrupted { .. }
            | Self::Truncated { .. }
            | Self::RateLimited { .. }
            | Self::Spent { .. }
            | Self::TooManyPages { .. }
            | Self::ServerFailed { .. } => Kind::Unavailable,
            Self::Saved(SavedError::Io { .. }) => Kind::Unreadable,
            Self::Garbled { .. } | Self::NotThisApi { .. } | Self::Saved(_) => Kind::NotThisApi,
            Self::Refused { .. } => Kind::Refused,
            Self::GaveUp { source, .. } => source.kind(),
        }
    }

    /// What the retry decision is made on; none where the same request cannot succeed.
    #[must_use]
    pub(crate) fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Unreachable { .. } => Some(&Failure::Connect),
            Self::TimedOut { .. } => Some(&Failure::Timeout),
            Self::Interrupted { .. } => Some(&Failure::Reset),
            Self::Truncated { .. } | Self::Garbled { .. } => Some(&Failure::Truncated),
            Self::RateLimited { failure, .. }
            | Self::Spent { failure, .. }
            | Self::ServerFailed { failure, .. } => Some(failure),
            Self::Refused { .. }
            | Self::NotThisApi { .. }
            | Self::TooManyPages { .. }
            | Self::Saved(_)
            | Self::GaveUp { .. } => None,
        }
    }

    /// Whether the same span asked for in smaller pieces may succeed where this request did not.
    ///
    /// True for more pages than a window should have, time-outs on an open connection, bodies that began and did not end, 413, 414 and
    /// 504, and other server failures that took 20 seconds or more to come, or came again at the
    /// second `attempt`: some servers fail at once on a span that is too wide for them, and such a
    /// window would fail on every run. False for an empty body and for a connection that broke
    /// before the answer: those say nothing of its size.
    #[must_use]
    pub(crate) fn wants_smaller_window(&self, attempt: u32) -> bool {
        match self {
            Self::TimedOut { .. } | Self::TooManyPages { .. } => true,
            Self::Interrupted { read, .. } => read.is_some(),
            Self::Truncated { bytes, .. } => *bytes > 0,
            Self::ServerFailed { status, after, .. } => {
                *status == 504 || *after >= STALL || attempt > 1
            }
            Self::NotThisApi { source, .. } => {
                matches!(source, Foreign::Status { status: 413 | 414 })
            }
            Self::Unreachable { .. }
            | Self::Garbled { .. }
            | Self::RateLimited { .. }
            | Self::Spent { .. }
            | Self::Refused { .. }
            | Self::Saved(_)
            | Self::GaveUp { .. } => false,
        }
    }

    /// Whether this says no more than that the window is too large: a smaller one is no retry.
    #[must_use]
    pub(crate) fn is_too_large(&self) -> bool {
        matches!(
            self,
            Self::TooManyPages { .. }
                | Self::NotThisApi { source: Foreign::Status { status: 413 | 414 }, .. }
        )
    }

    /// Whether this says something of the span that was asked for rather than of one page of it: a
    /// time-out, or a failure that took long to come.
    pub(super) fn is_of_the_span(&self) -> bool {
        match self {
            Self::TimedOut { .. } => true,
            Self::ServerFailed { status, after, .. } => *status == 504 || *after >= STALL,
            _ => false,
        }
    }

    /// A failure of the connection. `read` counts the body's bytes, none before the answer began.
    pub(super) fn transport(endpoint: &str, read: Option<u64>, error: reqwest::Error) -> Self {
        let endpoint = endpoint.to_owned();
        let source = error.without_url();
        if source.is_connect() {
            Self::Unreachable { endpoint, source }
        } else if source.is_timeout() {
            Self::TimedOut { endpoint, read, source }
        } else {
            Self::Interrupted { endpoint, read, source }
        }
    }

    /// A body that is not one complete array.
    pub(super) fn body(endpoint: &str, bytes: u64, source: Malformed) -> Self {
        let endpoint = endpoint.to_owned();
        match source {
            Malformed::Truncated { .. } => Self::Truncated { endpoint, bytes, source },
            Malformed::TrailingData { .. } | Malformed::Unexpected { .. } | Malformed::NotJson => {
                Self::Garbled { endpoint, source }
            }
            Malformed::NotAnArray { .. } | Malformed::ElementTooLarge { .. } => {
                Self::NotThisApi { endpoint, of: Resource::Legacy, source: Foreign::Body(source) }
            }
        }
    }
}

fn progress(read: Option<u64>) -> String {
    match read {
        None => "before it answered".to_owned(),
        Some(bytes) => format!("after {bytes} bytes of the answer"),
    }
}
