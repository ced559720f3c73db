//! Faults as written on a command line.

use std::str::FromStr;
use std::time::Duration;

use super::{Fault, RetryAfter};
use crate::endpoint::{Endpoint, UnknownEndpoint};

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

    /// Reads one fault, for example `429:3s` or `drip:1000/10ms`.
    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        parse(text.trim()).ok_or_else(|| UnknownFault { text: text.to_owned() })
    }
}

/// Reads a list of faults, separated by commas: `429:3s,500,html`. An empty text gives an empty list.
///
/// # Errors
///
/// If a part names no fault: the first such part.
pub fn parse_faults(text: &str) -> Result<Vec<Fault>, UnknownFault> {
    text.split(',').filter(|part| !part.trim().is_empty()).map(str::parse).collect()
}

/// An unreadable part of a list of faults at endpoints.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum UnknownFaultAt {
    /// It has no colon.
    #[error("`{0}` names no fault: write ENDPOINT:FAULT, for example events:500")]
    NoFault(String),
    /// The text before the colon names no endpoint.
    #[error(transparent)]
    Endpoint(#[from] UnknownEndpoint),
    /// The text after the colon names no fault.
    #[error(transparent)]
    Fault(#[from] UnknownFault),
}

/// Reads a list of faults at endpoints: `token:500,events:429:3s`. An empty text gives an empty list.
///
/// # Errors
///
/// If a part names no endpoint or no fault: the first such part.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_from_text() {
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
    fn faults_at_endpoints_are_read_from_text() {
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
}
