//! Everything that can go wrong with a request, on request.

use std::collections::{HashMap, VecDeque};
use std::str::FromStr;
use std::time::Duration;

use super::calls::{Endpoint, UnknownEndpoint};

/// How a refusal says when to come back. Whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// It does not say.
    Absent,
    /// `Retry-After: 3`.
    Seconds(u32),
    /// `Retry-After` as a date, so many seconds after the simulated now.
    HttpDate(u32),
    /// `X-RateLimit-Reset: 3`, beside `X-RateLimit-Remaining: 0`.
    RateLimitReset(u32),
}

/// One fault, given in answer to one request instead of the data, or together with some. Refusals
/// have the shape that their endpoint gives errors, unless they say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Status 429.
    TooManyRequests(RetryAfter),
    /// Status 500.
    InternalError,
    /// Status 503.
    Unavailable(RetryAfter),
    /// Status 401, although the credentials are right.
    Unauthorized,
    /// Status 401 in the shape of `/api/2`, whatever the endpoint.
    UnauthorizedModern,
    /// Status 401 as for a credential without the right scope. Its text is a guess: nothing that
    /// is published shows one.
    MissingScope,
    /// Status 403.
    Forbidden,
    /// Status 404.
    NotFound,
    /// Status 200 with the HTML of a login page.
    Html,
    /// Status 400 with the message `rate_limit_exceeded`, in the envelope of `/api/1`.
    RateLimitExceeded,
    /// Status 400 with an object for a message, in the envelope of `/api/1`.
    MessageObject,
    /// Status 410 with HTML.
    Gone,
    /// Status 422 in the shape of `/api/2`.
    Unprocessable,
    /// Status 200 with an error in the envelope of `/api/1`.
    ErrorUnder200,
    /// Status 200 with JSON of another kind: an object for an array, an array for an object.
    NotAnArray,
    /// Status 302 to a login page.
    Redirect,
    /// Status 200 with no body.
    Empty,
    /// A complete HTTP message whose array ends in the middle of a record.
    TruncatedWellFormed,
    /// The connection is closed after half of the records, in the middle of the message.
    TruncatedConnection,
    /// The connection is reset before any answer.
    Reset,
    /// The connection is reset after half of the records.
    ResetMidBody,
    /// Headers and half of the records, then nothing until the client gives up.
    Stall,
    /// Nothing at all until the client gives up.
    StallBeforeHeaders,
    /// The right answer, `bytes` at a time with a pause of `interval` between.
    SlowDrip {
        /// Bytes at a time, at least 1.
        bytes: usize,
        /// Pause between two pieces.
        interval: Duration,
    },
}

/// A text that names no fault.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "unknown fault `{text}`: give one of 429[:3s|:date:3s|:reset:3s], 500, 503[:3s], 401, \
     401-modern, scope, 403, 404, 410, 422, limit, message-object, error-200, html, object, \
     redirect, empty, cut, close, reset, reset-body, stall, stall-headers, drip[:BYTES/PAUSE]"
)]
pub struct UnknownFault {
    text: String,
}

impl FromStr for Fault {
    type Err = UnknownFault;

    /// Reads one fault as typed on a command line, for example `429:3s` or `drip:1000/10ms`.
    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        parse(text.trim()).ok_or_else(|| UnknownFault { text: text.to_owned() })
    }
}

/// Reads a list of faults, separated by commas: `429:3s,500,html`. Nothing gives an empty list.
///
/// # Errors
///
/// The first part that names no fault.
pub fn parse_faults(text: &str) -> Result<Vec<Fault>, UnknownFault> {
    text.split(',').filter(|part| !part.trim().is_empty()).map(str::parse).collect()
}

/// A part of a list of faults at endpoints that cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum UnknownFaultAt {
    /// It has no colon.
    #[error("`{0}` names no fault: write ENDPOINT:FAULT, for example events:500")]
    NoFault(String),
    /// What stands before the colon is no endpoint.
    #[error(transparent)]
    Endpoint(#[from] UnknownEndpoint),
    /// What stands behind the colon is no fault.
    #[error(transparent)]
    Fault(#[from] UnknownFault),
}

/// Reads a list of faults at endpoints: `token:500,events:429:3s`. Nothing gives an empty list.
///
/// # Errors
///
/// The first part that names no endpoint or no fault.
pub fn parse_faults_at(text: &str) -> Result<Vec<(Endpoint, Fault)>, UnknownFaultAt> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let read = |part: &str| {
        let (endpoint, fault) =
            part.split_once(':').ok_or_else(|| UnknownFaultAt::NoFault(part.to_owned()))?;
        Ok((endpoint.parse()?, fault.parse()?))
    };
    parts.map(read).collect()
}

fn parse(text: &str) -> Option<Fault> {
    let (name, detail) = match text.split_once(':') {
        Some((name, detail)) => (name, Some(detail)),
        None => (text, None),
    };
    Some(match (name, detail) {
        ("429", detail) => Fault::TooManyRequests(retry_after(detail)?),
        ("503", detail) => Fault::Unavailable(retry_after(detail)?),
        ("drip", None) => Fault::SlowDrip { bytes: 1024, interval: Duration::from_millis(100) },
        ("drip", Some(detail)) => {
            let (bytes, interval) = detail.split_once('/')?;
            let bytes = bytes.parse().ok().filter(|&bytes| bytes > 0)?;
            Fault::SlowDrip { bytes, interval: humantime::parse_duration(interval).ok()? }
        }
        ("500", None) => Fault::InternalError,
        ("401", None) => Fault::Unauthorized,
        ("401-modern", None) => Fault::UnauthorizedModern,
        ("scope", None) => Fault::MissingScope,
        ("403", None) => Fault::Forbidden,
        ("404", None) => Fault::NotFound,
        ("410", None) => Fault::Gone,
        ("422", None) => Fault::Unprocessable,
        ("limit", None) => Fault::RateLimitExceeded,
        ("message-object", None) => Fault::MessageObject,
        ("error-200", None) => Fault::ErrorUnder200,
        ("html", None) => Fault::Html,
        ("object", None) => Fault::NotAnArray,
        ("redirect", None) => Fault::Redirect,
        ("empty", None) => Fault::Empty,
        ("cut", None) => Fault::TruncatedWellFormed,
        ("close", None) => Fault::TruncatedConnection,
        ("reset", None) => Fault::Reset,
        ("reset-body", None) => Fault::ResetMidBody,
        ("stall", None) => Fault::Stall,
        ("stall-headers", None) => Fault::StallBeforeHeaders,
        _ => return None,
    })
}

fn retry_after(detail: Option<&str>) -> Option<RetryAfter> {
    let Some(detail) = detail else { return Some(RetryAfter::Absent) };
    let (form, wait): (fn(u32) -> RetryAfter, _) = match detail.split_once(':') {
        None => (RetryAfter::Seconds, detail),
        Some(("date", wait)) => (RetryAfter::HttpDate, wait),
        Some(("reset", wait)) => (RetryAfter::RateLimitReset, wait),
        Some(_) => return None,
    };
    u32::try_from(humantime::parse_duration(wait).ok()?.as_secs()).ok().map(form)
}

/// Faults to come: first those of the queue, one a request, then the lasting one.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pub(super) queue: VecDeque<Fault>,
    pub(super) always: Option<Fault>,
}

/// All faults to come: those for data in general, and those for one endpoint.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) queue: VecDeque<Fault>,
    pub(super) always: Option<Fault>,
    at: HashMap<Endpoint, Waiting>,
}

impl Faults {
    /// Those for one endpoint.
    pub(super) fn at(&mut self, endpoint: Endpoint) -> &mut Waiting {
        self.at.entry(endpoint).or_default()
    }

    /// The fault that the next request to this endpoint takes.
    pub(super) fn next(&mut self, endpoint: Endpoint) -> Option<Fault> {
        let is_data = endpoint.is_data();
        let here = self.at.entry(endpoint).or_default();
        if let Some(fault) = here.queue.pop_front() {
            return Some(fault);
        }
        let queued = if is_data { self.queue.pop_front() } else { None };
        queued.or(here.always).or(self.always.filter(|_| is_data))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_as_typed() {
        let faults =
            parse_faults("429:3s, 429:date:1m,503:reset:2s,500,drip:10/5ms,").expect("faults");
        assert_eq!(
            faults,
            [
                Fault::TooManyRequests(RetryAfter::Seconds(3)),
                Fault::TooManyRequests(RetryAfter::HttpDate(60)),
                Fault::Unavailable(RetryAfter::RateLimitReset(2)),
                Fault::InternalError,
                Fault::SlowDrip { bytes: 10, interval: Duration::from_millis(5) },
            ]
        );
        for wrong in ["teapot", "500:3s", "429:later", "429:on:3s", "drip:0/1s"] {
            let error = parse_faults(wrong).expect_err(wrong).to_string();
            assert!(error.contains(wrong), "{error}");
        }
    }

    #[test]
    fn faults_at_endpoints_are_read_as_typed() {
        let faults = parse_faults_at("token:error-200, events:429:3s,users:422,").expect("faults");
        assert_eq!(
            faults,
            [
                (Endpoint::Token, Fault::ErrorUnder200),
                (Endpoint::Events, Fault::TooManyRequests(RetryAfter::Seconds(3))),
                (Endpoint::Users, Fault::Unprocessable),
            ]
        );
        for (wrong, word) in [("500", "ENDPOINT"), ("door:500", "door"), ("token:door", "door")] {
            let error = parse_faults_at(wrong).expect_err(wrong).to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn faults_of_an_endpoint_go_first_and_general_ones_are_for_data() {
        let mut faults = Faults::default();
        faults.queue.extend([Fault::Empty, Fault::Html]);
        faults.always = Some(Fault::Reset);
        faults.at(Endpoint::Events).queue.push_back(Fault::Gone);
        faults.at(Endpoint::Events).always = Some(Fault::Stall);
        let expected = [Fault::Gone, Fault::Empty, Fault::Html, Fault::Stall];
        assert_eq!(expected.map(|_| faults.next(Endpoint::Events)), expected.map(Some));
        assert_eq!(faults.next(Endpoint::Legacy), Some(Fault::Reset));
        assert_eq!(faults.next(Endpoint::Token), None);
    }
}
