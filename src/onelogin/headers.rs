//! The headers of an answer that this program reads. Their names stand here and nowhere else.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Response;
use reqwest::header::{
    AGE, CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER,
    TRANSFER_ENCODING,
};

use super::retry::Retry;

const RATE_LIMIT_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RATE_LIMIT_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
/// Cursor of the next page of the users API.
const AFTER_CURSOR: HeaderName = HeaderName::from_static("after-cursor");
/// Users that a request of the users API found, on all pages.
const TOTAL_COUNT: HeaderName = HeaderName::from_static("total-count");
/// Pages that a request of the users API found.
const TOTAL_PAGES: HeaderName = HeaderName::from_static("total-pages");
/// Headers by which an API announces its end.
const END_OF_LIFE: [HeaderName; 2] =
    [HeaderName::from_static("deprecation"), HeaderName::from_static("sunset")];

/// `X-RateLimit-Reset` is documented as the seconds left. Above this value (11 days) it can only be
/// a Unix time, which other gateways send under the same name.
const MAX_SECONDS_LEFT: u64 = 1_000_000;

/// The server's clock, from `Date`.
pub(super) fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(text(headers, &DATE)?).ok()
}

/// The server's clock when the answer reached us: a cache that kept the answer names its `Age`.
pub(super) fn clock(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    let age = text(headers, &AGE).and_then(seconds).unwrap_or_default();
    let age = TimeDelta::try_seconds(i64::try_from(age).unwrap_or(i64::MAX));
    let date = DateTime::<Utc>::from(date(headers)?);
    Some(age.and_then(|age| date.checked_add_signed(age)).unwrap_or(DateTime::<Utc>::MAX_UTC))
}

/// Finds when a request that got this status may succeed.
///
/// `X-RateLimit-Reset` stands on every answer of this API, also on those within the limit. So it is
/// a request to wait only on a 429; a 503 with `3293` in it would otherwise stop a run for an hour.
pub(super) fn retry(status: u16, headers: &HeaderMap) -> Retry {
    match status {
        429 => {
            let wait = retry_after(headers).or_else(|| limit_reset(headers));
            wait.map_or(Retry::Backoff, Retry::AfterLimit)
        }
        503 => retry_after(headers).map_or(Retry::Backoff, Retry::After),
        408 | 500..=599 => Retry::Backoff,
        _ => Retry::Never,
    }
}

/// Finds how long the account has no call left; `None` if it has, or if the server does not state it.
pub(super) fn no_calls_for(headers: &HeaderMap) -> Option<Duration> {
    let is_exhausted = calls_left(headers)? == 0;
    limit_reset(headers).filter(|_| is_exhausted)
}

/// Calls that the account has left, for all programs.
pub(super) fn calls_left(headers: &HeaderMap) -> Option<u64> {
    seconds(text(headers, &RATE_LIMIT_REMAINING)?)
}

/// Time until the server begins to count the account's calls again.
pub(super) fn calls_reset_in(headers: &HeaderMap) -> Option<Duration> {
    let value = Duration::from_secs(seconds(text(headers, &RATE_LIMIT_RESET)?)?);
    if value <= Duration::from_secs(MAX_SECONDS_LEFT) {
        return Some(value);
    }
    let now = answered_at(headers).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Some(value.saturating_sub(now))
}

/// Checks whether the body is compressed. Some proxies write the name in capitals.
pub(super) fn is_gzip(headers: &HeaderMap) -> bool {
    text(headers, &CONTENT_ENCODING).is_some_and(|name| {
        ["gzip", "x-gzip"].iter().any(|gzip| name.trim().eq_ignore_ascii_case(gzip))
    })
}

/// Checks whether the body comes in chunks, of which the last one is marked.
pub(super) fn is_chunked(headers: &HeaderMap) -> bool {
    text(headers, &TRANSFER_ENCODING)
        .is_some_and(|coding| coding.to_lowercase().contains("chunked"))
}

/// Checks whether the body is a web page.
pub(super) fn is_html(headers: &HeaderMap) -> bool {
    text(headers, &CONTENT_TYPE).is_some_and(|kind| kind.to_lowercase().contains("html"))
}

/// Checks whether the users API has another page.
pub(super) fn has_next_page(headers: &HeaderMap) -> bool {
    headers.get(AFTER_CURSOR).is_some_and(|cursor| !cursor.is_empty())
}

/// Number of users that a request found, on all pages.
pub(super) fn total_count(headers: &HeaderMap) -> Option<u64> {
    seconds(text(headers, &TOTAL_COUNT)?)
}

/// Number of pages that a request found.
pub(super) fn total_pages(headers: &HeaderMap) -> Option<u64> {
    seconds(text(headers, &TOTAL_PAGES)?)
}

/// Name and value of the header that announces the end of the API.
pub(super) fn end_of_life(headers: &HeaderMap) -> Option<(&'static str, &str)> {
    END_OF_LIFE
        .iter()
        .zip(["deprecation", "sunset"])
        .find_map(|(header, name)| Some((name, headers.get(header)?.to_str().unwrap_or("?"))))
}

/// The host a redirect points at. Its path and query may hold a session, so they stay out.
pub(super) fn redirect_host(response: &Response) -> Option<String> {
    let location = text(response.headers(), &LOCATION)?;
    response.url().join(location).ok()?.host_str().map(str::to_owned)
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The time at which the other headers were true: a wrong clock here must not change a wait.
fn answered_at(headers: &HeaderMap) -> SystemTime {
    date(headers).unwrap_or_else(SystemTime::now)
}

/// The wait in `Retry-After`: seconds or an HTTP date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = text(headers, &RETRY_AFTER)?;
    seconds(value).map(Duration::from_secs).or_else(|| {
        let until = httpdate::parse_http_date(value.trim()).ok()?;
        Some(until.duration_since(answered_at(headers)).unwrap_or_default())
    })
}

/// The wait in `X-RateLimit-Reset`; `None` if calls are left, since another limit was reached then.
fn limit_reset(headers: &HeaderMap) -> Option<Duration> {
    if headers.contains_key(&RATE_LIMIT_REMAINING) && calls_left(headers) != Some(0) {
        return None;
    }
    calls_reset_in(headers)
}

/// A whole number of seconds. One too large for the type is still a wait, and too long for any
/// policy; a negative one or a fraction is no number of seconds.
fn seconds(value: &str) -> Option<u64> {
    let digits = value.trim();
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}
