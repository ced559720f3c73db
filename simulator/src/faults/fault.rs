//! Kinds of faults.

use std::time::Duration;

/// The form in which a refusal names the time to wait, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// No header.
    Absent,
    /// `Retry-After: 3`.
    Seconds(u32),
    /// `Retry-After` as a date, this many seconds after the simulated now.
    HttpDate(u32),
    /// `X-RateLimit-Reset: 3`, beside `X-RateLimit-Remaining: 0`.
    RateLimitReset(u32),
}

/// One fault of one request: an answer instead of the data, or an answer that breaks. Refusals have
/// the shape of their endpoint's errors unless noted otherwise.
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
    /// Status 401 in the shape of `/api/2` at every endpoint.
    UnauthorizedModern,
    /// Status 401 as for a credential without the right scope. Its text is a guess, because none is
    /// published.
    MissingScope,
    /// Status 401 with the HTML of a login page, as from a proxy.
    UnauthorizedHtml,
    /// Status 403.
    Forbidden,
    /// Status 403 with the HTML of a login page, as from a proxy.
    ForbiddenHtml,
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
    /// Status 200 with an object in place of an array, or an array in place of an object.
    NotAnArray,
    /// Status 302 to a login page.
    Redirect,
    /// Status 200 with no body.
    Empty,
    /// Status 204.
    NoContent,
    /// A complete HTTP message whose array ends in the middle of a record.
    TruncatedWellFormed,
    /// The connection is closed after half of the records, in the middle of the message.
    TruncatedConnection,
    /// The connection is reset before any answer.
    Reset,
    /// The connection is reset after half of the records.
    ResetMidBody,
    /// Headers and half of the records, then silence until the client gives up.
    Stall,
    /// No answer until the client gives up.
    StallBeforeHeaders,
    /// The right answer in pieces of `bytes`, with a pause of `interval` between.
    SlowDrip {
        /// Bytes per piece, at least 1.
        bytes: usize,
        /// Pause between two pieces.
        interval: Duration,
    },
    /// The right answer with a `Date` ahead of the simulated clock.
    DateAhead(Duration),
    /// The right answer with a `Date` before the simulated clock.
    DateBehind(Duration),
    /// The right answer without a `Date`.
    NoDate,
    /// The right answer with an `Age` beside the right `Date`.
    Age(Duration),
    /// The answer as of this long ago, with the `Date` of then and its `Age`: one out of a cache.
    Cached(Duration),
    /// The right answer in gzip, with a `Content-Encoding` of `GZIP` in capitals.
    GzipInCapitals,
}
