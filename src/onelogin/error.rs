//! Errors between this program and the source.
//!
//! An [`Error`] is classified once, when it is made: its [`Class`] states what a caller does about it.
//! The cause is for people to read.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};

use super::client::Incoming;
use super::malformed::Malformed;
use super::resource::{Resource, hint};
use super::retry::{Narrow, Retry};
use super::saved::SavedError;
use crate::redact::Outside;

/// A failing answer that took this long points at the size of the window rather than at the server:
/// an answer that does not depend on it fails in a second or two.
const STALL: Duration = Duration::from_secs(20);

/// A failed request, or a failed series of attempts at one.
#[derive(Debug)]
pub(crate) struct Error {
    class: Class,
    cause: Cause,
}

/// The treatment of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Class {
    /// The reaction of an operator.
    pub kind: Kind,
    /// The time at which the same request may succeed.
    pub retry: Retry,
    /// The time at which a smaller window may succeed instead.
    pub narrow: Narrow,
    /// True if it concerns the window (its size, its calls), so that only the window as a whole is
    /// worth another attempt, and not a page of it.
    pub of_window: bool,
}

/// Classes of error that differ in what an operator does about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The source cannot be reached, fails or limits requests: run again later.
    Unavailable,
    /// The hour has no call left: the next run goes on.
    BudgetExhausted,
    /// Something other than this API answered: check the settings.
    NotThisApi,
    /// The credentials were refused: renew them.
    Refused,
    /// The file cannot be opened: name another, or change its rights.
    Unreadable,
}

/// The reason for a failed attempt. `endpoint` is the URL without its query.
#[derive(Debug, thiserror::Error)]
pub(super) enum Cause {
    #[error("cannot connect to {endpoint}; check the network, the proxy variables and --base-url")]
    Unreachable { endpoint: String, source: reqwest::Error },
    /// A time limit ran out on an open connection.
    #[error("{endpoint} took too long, {}", progress(*read))]
    TimedOut {
        endpoint: String,
        /// Bytes of the body that came, decompressed; `None` before the answer began.
        read: Option<u64>,
        source: reqwest::Error,
    },
    /// The connection was reset or closed early.
    #[error("the connection to {endpoint} broke, {}", progress(*read))]
    Interrupted {
        endpoint: String,
        /// Bytes of the body that came, decompressed; `None` before the answer began.
        read: Option<u64>,
        source: reqwest::Error,
    },
    #[error("the compressed answer of {endpoint} is damaged or incomplete, {}", progress(Some(*read)))]
    Undecodable { endpoint: String, read: u64, source: std::io::Error },
    /// The answer ended in order, but its JSON did not. An empty answer is one of these.
    #[error("the answer of {endpoint} is incomplete, so nothing of it was loaded")]
    Truncated {
        endpoint: String,
        /// Bytes of the body that came, decompressed.
        bytes: u64,
        source: Malformed,
    },
    /// The answer began as this API's and went on as something else. A server that fails in the
    /// middle and appends its error page does this, so it is worth another attempt.
    #[error("the answer of {endpoint} began as JSON of this API and then went wrong")]
    Garbled { endpoint: String, source: Malformed },
    #[error("{endpoint} limits the rate of requests (status {status}); run later or less often")]
    RateLimited { endpoint: String, status: u16, retry: Retry },
    /// No call was made, because none is left.
    #[error("{by}; the next call is possible in {} s, complete windows are kept, so run again later", wait.as_secs())]
    BudgetExhausted { by: LimitOwner, wait: Duration },
    /// More bytes or records than one answer may have.
    #[error("the answer of {endpoint} is too large")]
    TooLarge { endpoint: String, source: Malformed },
    #[error("the window has more than {pages} pages; it is requested again in smaller pieces")]
    TooManyPages { pages: u32 },
    /// A full page that may not be the last.
    #[error(
        "a full page of {records} events of {endpoint} has no cursor of a next page, nor a link with one that \
         leads further, so some may be missing and none of the window was kept; a proxy that changes answers \
         may be the cause; if the server gives larger pages, --page-limit 1000 helps"
    )]
    NoNextPage { endpoint: String, records: u64 },
    /// The users who are missing may be on another page.
    #[error(
        "{endpoint} answered with users who were not requested, and without some who were: it does not filter by \
         user_ids; check --base-url, or whether a proxy drops parameters"
    )]
    NotFiltered { endpoint: String },
    /// Events are filtered after they were cut into pages, or a server has no end.
    #[error("{pages} pages of {endpoint} in a row were empty, each with a cursor of another page")]
    EmptyPages { endpoint: String, pages: u32 },
    #[error(
        "page {page} of {endpoint} repeats the page before it, although it was requested by its own cursor: the \
         server ignores after_cursor, or a proxy or a cache removes it; none of the window was kept, and running \
         again does not help; check what lies between this machine and OneLogin"
    )]
    PageRepeated { endpoint: String, page: u32 },
    /// A cursor is valid for a while only.
    #[error(
        "{endpoint} refused the cursor of a page (status {status}), which may have expired; the window is read \
         again in smaller pieces"
    )]
    CursorRefused { endpoint: String, status: u16 },
    /// A transaction would have waited for the rest.
    #[error(
        "an answer that is too large for memory paused; it is requested again in smaller pieces"
    )]
    Paused,
    /// 5xx or 408.
    #[error(
        "{endpoint} failed with status {status} after {:.1} s; the fault is on its side{}",
        after.as_secs_f64(), hint(*status, *of)
    )]
    ServerFailed {
        endpoint: String,
        status: u16,
        of: Resource,
        /// Time from the request to the status.
        after: Duration,
        retry: Retry,
    },
    /// 401 or 403.
    #[error("{endpoint} refused the credentials (status {status}); {}", of.why_refused())]
    Refused { endpoint: String, status: u16, of: Resource },
    /// 400 or 422 of the users API, which names the users in its parameters.
    #[error(
        "{endpoint} refused the request (status {status}, {message}); the likely cause is an id or a \
         parameter that this server does not take"
    )]
    NotAccepted {
        endpoint: String,
        status: u16,
        /// The server's message as far as it may be shown, or the kind of the body.
        message: String,
    },
    #[error("the response from {endpoint} is not from the OneLogin API; {}", of.why_unexpected())]
    NotThisApi { endpoint: String, of: Resource, source: UnexpectedResponse },
    /// A watermark that followed it would pass records that have not happened yet.
    #[error(
        "the clock of {endpoint} reads {}, more than a day ahead of ours, {}, so nothing of its answer was \
         kept; set the clock that is wrong, or check --base-url",
        theirs.to_rfc3339_opts(SecondsFormat::Secs, true), ours.to_rfc3339_opts(SecondsFormat::Secs, true)
    )]
    ClockAhead { endpoint: String, theirs: DateTime<Utc>, ours: DateTime<Utc> },
    #[error(transparent)]
    Saved(SavedError),
    /// All attempts at one page failed.
    #[error("gave up after {attempts} attempt{}", if *attempts == 1 { "" } else { "s" })]
    GaveUp { attempts: u32, source: Box<Error> },
}

/// The owner of a limit on calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LimitOwner {
    /// This program, by `--max-calls-per-hour`.
    #[error("the {0} calls per hour of --max-calls-per-hour are used up")]
    Own(u64),
    /// The server, for all programs of the account.
    #[error("the account's hourly API limit is used up (all programs share it)")]
    Server,
}

/// The sign that something other than this API answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnexpectedResponse {
    /// A status that this API does not give for this request.
    #[error("it answered with status {status}")]
    Status { status: u16 },
    /// A redirect, which is not followed: the credentials are for one host only.
    #[error("it answered with status {status}, a redirect to {}", Outside(to))]
    Redirect { status: u16, to: String },
    /// A success whose body is not JSON of the expected kind.
    #[error(transparent)]
    Body(Malformed),
    /// A success whose body is JSON without the expected keys.
    #[error("the body does not have the expected keys; it is {kind}")]
    Keys { kind: String },
    /// An error of the API that no retry helps against.
    #[error("it answered with status {status} and {kind}")]
    Message {
        /// The HTTP status, or the one in the body.
        status: u16,
        /// A description of the body without any of its values: a message may name a person.
        kind: String,
    },
}

impl Error {
    /// The treatment of it.
    #[must_use]
    pub(crate) fn class(&self) -> &Class {
        &self.class
    }

    /// The reaction of an operator.
    #[must_use]
    pub(crate) fn kind(&self) -> Kind {
        self.class.kind
    }

    /// Returns whether the account or this program has no call left, however many attempts it took to
    /// see it.
    #[must_use]
    pub(crate) fn is_out_of_calls(&self) -> bool {
        match &self.cause {
            Cause::RateLimited { .. } | Cause::BudgetExhausted { .. } => true,
            Cause::GaveUp { source, .. } => source.is_out_of_calls(),
            _ => false,
        }
    }

    /// Returns whether a window held more than it may take, or than calls were left.
    #[must_use]
    pub(crate) fn is_too_much(&self) -> bool {
        matches!(self.cause, Cause::TooManyPages { .. }) || self.is_out_of_calls()
    }

    /// Returns whether a full page came that may not be the last.
    pub(super) fn may_have_more(&self) -> bool {
        matches!(self.cause, Cause::NoNextPage { .. })
    }

    /// Returns whether a request for this many ids was refused for its ids, or for their number.
    pub(super) fn is_refusal_of(&self, ids: usize) -> bool {
        use UnexpectedResponse::{Message, Status};
        let status = match &self.cause {
            Cause::NotAccepted { status, .. }
            | Cause::NotThisApi { source: Status { status } | Message { status, .. }, .. } => {
                *status
            }
            _ => return false,
        };
        // One id is not too long.
        matches!(status, 400 | 422) || (ids > 1 && matches!(status, 413 | 414))
    }

    #[cfg(test)]
    pub(super) fn into_cause(self) -> Cause {
        self.cause
    }

    /// Checks whether a token was refused that may have been revoked.
    pub(super) fn is_unauthorized(&self) -> bool {
        matches!(self.cause, Cause::Refused { status: 401, .. })
    }

    /// A failure of the connection. `read` counts the body's bytes, `None` before the answer began.
    pub(super) fn transport(endpoint: &str, read: Option<u64>, error: reqwest::Error) -> Self {
        let endpoint = endpoint.to_owned();
        let source = error.without_url();
        let cause = if source.is_connect() {
            Cause::Unreachable { endpoint, source }
        } else if source.is_timeout() {
            Cause::TimedOut { endpoint, read, source }
        } else {
            Cause::Interrupted { endpoint, read, source }
        };
        cause.into()
    }

    /// The same for the window as a whole: a page of it cannot be repeated.
    pub(super) fn of_window(mut self) -> Self {
        self.class.of_window = true;
        self
    }

    /// A body that is not what was expected.
    pub(super) fn body(incoming: &Incoming<'_>, source: Malformed) -> Self {
        let (endpoint, of) = (incoming.endpoint().to_owned(), incoming.of());
        let cause = match source {
            Malformed::Truncated { bytes } => Cause::Truncated { endpoint, bytes, source },
            Malformed::NotJson { .. } => Cause::Garbled { endpoint, source },
            Malformed::TooLarge { .. } => Cause::TooLarge { endpoint, source },
            Malformed::Unexpected { .. } => {
                let source = UnexpectedResponse::Body(source);
                Cause::NotThisApi { endpoint, of, source }
            }
        };
        cause.into()
    }
}

impl From<Cause> for Error {
    fn from(cause: Cause) -> Self {
        Self { class: cause.class(), cause }
    }
}

impl From<SavedError> for Error {
    fn from(error: SavedError) -> Self {
        Cause::Saved(error).into()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.source()
    }
}

impl Cause {
    /// The one table of what to do about which error.
    ///
    /// A smaller window is tried after what points at its size: a time-out on an open connection, a
    /// body that began and did not end, 413, 414 and 504, and a server failure that was slow or came
    /// twice. An empty body and a connection that broke before the answer do not point at it.
    fn class(&self) -> Class {
        use Narrow::{AtOnce, FromSecondAttempt, Never};
        let class = |kind, retry, narrow| Class { kind, retry, narrow, of_window: false };
        let unavailable = |retry, narrow| class(Kind::Unavailable, retry, narrow);
        let if_begun = |is_begun| if is_begun { AtOnce } else { Never };
        match self {
            Self::Unreachable { .. } => unavailable(Retry::Backoff, Never),
            Self::TimedOut { .. } | Self::CursorRefused { .. } => {
                Class { of_window: true, ..unavailable(Retry::Backoff, AtOnce) }
            }
            Self::Interrupted { read, .. } => unavailable(Retry::Backoff, if_begun(read.is_some())),
            Self::Undecodable { .. } => unavailable(Retry::Backoff, AtOnce),
            Self::Truncated { bytes, .. } => unavailable(Retry::Backoff, if_begun(*bytes > 0)),
            Self::Garbled { .. } => class(Kind::NotThisApi, Retry::Backoff, Never),
            Self::RateLimited { retry, .. } => unavailable(*retry, Never),
            Self::BudgetExhausted { by, wait } => Class {
                // Only the caller can have more of our own calls granted.
                of_window: matches!(by, LimitOwner::Own(_)),
                ..class(Kind::BudgetExhausted, Retry::AfterLimit(*wait), Never)
            },
            Self::TooLarge { .. } | Self::NoNextPage { .. } | Self::EmptyPages { .. } => {
                class(Kind::NotThisApi, Retry::Never, AtOnce)
            }
            Self::TooManyPages { .. } | Self::Paused => unavailable(Retry::Never, AtOnce),
            Self::ServerFailed { status, after, retry, .. } => {
                let is_slow = *status == 504 || *after >= STALL;
                let narrow = if is_slow { AtOnce } else { FromSecondAttempt };
                Class { of_window: is_slow, ..unavailable(*retry, narrow) }
            }
            Self::Refused { .. } => class(Kind::Refused, Retry::Never, Never),
            Self::NotThisApi { source, .. } => {
                let is_too_large =
                    matches!(source, UnexpectedResponse::Status { status: 413 | 414 });
                class(Kind::NotThisApi, Retry::Never, if_begun(is_too_large))
            }
            Self::Saved(SavedError::Io { .. }) => class(Kind::Unreadable, Retry::Never, Never),
            Self::NotAccepted { .. }
            | Self::NotFiltered { .. }
            | Self::ClockAhead { .. }
            | Self::PageRepeated { .. }
            | Self::Saved(_) => class(Kind::NotThisApi, Retry::Never, Never),
            Self::GaveUp { source, .. } => {
                let kind = match source.kind() {
                    // Its end was waited for in vain, or is too far away to wait for.
                    Kind::BudgetExhausted => Kind::Unavailable,
                    kind => kind,
                };
                class(kind, Retry::Never, Never)
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
