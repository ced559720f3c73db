//! Faults as written on a command line.

use std::str::FromStr;
use std::time::Duration;

use super::{Fault, RetryAfter};
use crate::endpoint::{Endpoint, UnknownEndpoint};

/// A text that names no fault.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "unknown fault `{text}`: give one of 429[:3s|:date:3s|:reset:3s], 500, 503[:3s], 401, \
     401-modern, 401-html, scope, 403, 403-html, 404, 410, 422, limit, message-object, error-200, \
     html, object, redirect, empty, 204, cut, close, reset, reset-body, stall, stall-headers, \
     drip[:BYTES/PAUSE], date-ahead:1h, date-behind:1h, no-date, age:5m, cached:5m, gzip-capitals"
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
            Fault::SlowDrip { bytes, interval: span(interval)? }
        }
        ("date-ahead", Some(by)) => Fault::DateAhead(span(by)?),
        ("date-behind", Some(by)) => Fault::DateBehind(span(by)?),
        ("no-date", None) => Fault::NoDate,
        ("age", Some(age)) => Fault::Age(span(age)?),
        ("cached", Some(age)) => Fault::Cached(span(age)?),
        ("gzip-capitals", None) => Fault::GzipInCapitals,
        (name, None) => without_details(name)?,
        _ => return None,
    })
}

/// Faults without details.
fn without_details(name: &str) -> Option<Fault> {
    Some(match name {
        "500" => Fault::InternalError,
        "401" => Fault::Unauthorized,
        "401-html" => Fault::UnauthorizedHtml,
        "403-html" => Fault::ForbiddenHtml,
        "204" => Fault::NoContent,
        "401-modern" => Fault::UnauthorizedModern,
        "scope" => Fault::MissingScope,
        "403" => Fault::Forbidden,
        "404" => Fault::NotFound,
        "410" => Fault::Gone,
        "422" => Fault::Unprocessable,
        "limit" => Fault::RateLimitExceeded,
        "message-object" => Fault::MessageObject,
        "error-200" => Fault::ErrorUnder200,
        "html" => Fault::Html,
        "object" => Fault::NotAnArray,
        "redirect" => Fault::Redirect,
        "empty" => Fault::Empty,
        "cut" => Fault::TruncatedWellFormed,
        "close" => Fault::TruncatedConnection,
        "reset" => Fault::Reset,
        "reset-body" => Fault::ResetMidBody,
        "stall" => Fault::Stall,
        "stall-headers" => Fault::StallBeforeHeaders,
        _ => return None,
    })
}

fn span(text: &str) -> Option<Duration> {
    humantime::parse_duration(text).ok()
}

fn retry_after(detail: Option<&str>) -> Option<RetryAfter> {
    let Some(detail) = detail else { return Some(RetryAfter::Absent) };
    let (form, wait): (fn(u32) -> RetryAfter, _) = match detail.split_once(':') {
        None => (RetryAfter::Seconds, detail),
        Some(("date", wait)) => (RetryAfter::HttpDate, wait),
        Some(("reset", wait)) => (RetryAfter::RateLimitReset, wait),
        Some(_) => return None,
    };
    u32::try_from(span(wait)?.as_secs()).ok().map(form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_from_text() {
        let faults = parse_faults(
            "429:3s, 429:date:1m,503:reset:2s,500,drip:10/5ms,\
             date-behind:2d,cached:5m,204",
        )
        .expect("faults");
        assert_eq!(
            faults,
            [
                Fault::TooManyRequests(RetryAfter::Seconds(3)),
                Fault::TooManyRequests(RetryAfter::HttpDate(60)),
                Fault::Unavailable(RetryAfter::RateLimitReset(2)),
                Fault::InternalError,
                Fault::SlowDrip { bytes: 10, interval: Duration::from_millis(5) },
                Fault::DateBehind(Duration::from_hours(48)),
                Fault::Cached(Duration::from_mins(5)),
                Fault::NoContent,
            ]
        );
        for wrong in
            ["teapot", "500:3s", "429:later", "429:on:3s", "drip:0/1s", "date-ahead", "cached:soon"]
        {
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
        for (wrong, part) in [("500", "ENDPOINT"), ("door:500", "door"), ("token:door", "door")] {
            let error = parse_faults_at(wrong).expect_err(wrong).to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
