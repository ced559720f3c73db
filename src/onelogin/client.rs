//! The HTTP client of one base URL. Each request leaves one line in the log, at `debug`.

use std::cell::Cell;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{CACHE_CONTROL, HeaderMap, HeaderValue};
use reqwest::{RequestBuilder, Response, StatusCode};
use url::Url;

use super::error::{Cause, Error};
use super::resource::Resource;
use super::{ConfigError, EVENTS_URL, LEGACY_URL, Options, base_url, envelope, headers};
use crate::redact::{Outside, clean};

const USER_AGENT: &str = concat!("onelogin-sync/", env!("CARGO_PKG_VERSION"));

/// How far a clock may be ahead of ours. A server that is further ahead would move the watermark past
/// records that have not happened yet.
const MAX_AHEAD: TimeDelta = TimeDelta::days(1);

/// An HTTP client bound to one base URL.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) http: reqwest::Client,
    pub(super) meter: Meter,
    base: Url,
    /// The base URL for messages.
    shown_base: String,
    /// Whether the log says that the server's clock is behind.
    is_behind: Cell<bool>,
}

/// Network traffic.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    requests: Cell<u64>,
    retries: Cell<u64>,
    bytes: Cell<u64>,
}

/// The purpose of a request, for its errors and its line in the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Purpose {
    pub(super) of: Resource,
    /// The span of time requested.
    pub(super) span: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// Number of the page within the span, from 1.
    pub(super) page: Option<u32>,
    /// Number of the attempt, from 1.
    pub(super) attempt: u32,
    /// Calls that this run may still make after this one.
    pub(super) calls_left: Option<u64>,
}

/// An answer with a status of success, whose body is still to be read.
#[derive(Debug)]
pub(super) struct Incoming<'a> {
    response: Response,
    exchange: Exchange,
    meter: &'a Meter,
    endpoint: String,
    /// Time from the request to the status.
    pub(super) after: Duration,
}

/// A request under way. Dropping it writes its line to the log, whatever became of it.
#[derive(Debug)]
struct Exchange {
    path: String,
    purpose: Purpose,
    started: Instant,
    status: Option<u16>,
    bytes: u64,
    /// Why there is no complete answer.
    error: Option<&'static str>,
}

impl Meter {
    /// Requests sent.
    #[must_use]
    pub(crate) fn requests(&self) -> u64 {
        self.requests.get()
    }

    /// Requests that repeated another.
    #[must_use]
    pub(crate) fn retries(&self) -> u64 {
        self.retries.get()
    }

    /// Bytes of body read, decompressed.
    #[must_use]
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    /// Counts that the next request repeats another.
    pub(crate) fn count_retry(&self) {
        self.retries.update(|retries| retries + 1);
    }
}

impl Purpose {
    /// The first attempt at a request that concerns no span.
    pub(super) fn new(of: Resource) -> Self {
        Self { of, span: None, page: None, attempt: 1, calls_left: None }
    }
}

impl Client {
    pub(super) fn new(options: &Options) -> Result<Self, ConfigError> {
        let base = base_url::parse(&options.base_url, options.allow_http)?;
        // An error means that a provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            // What a cache has kept is older than its answer looks.
            .default_headers(HeaderMap::from_iter([(
                CACHE_CONTROL,
                HeaderValue::from_static("no-cache"),
            )]))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(options.connect_timeout)
            .read_timeout(options.read_timeout)
            .timeout(options.request_timeout)
            .gzip(true);
        if base_url::is_loopback(&base) {
            builder = builder.no_proxy();
            if base.scheme() == "http" {
                // Reading the system's certificates would be half of a run that finds nothing new.
                builder = builder.tls_certs_only([]);
            }
        }
        let http = builder.build().map_err(|source| ConfigError::Http { source })?;
        let shown_base = shown(&base, &options.base_url);
        Ok(Self { http, meter: Meter::default(), base, shown_base, is_behind: Cell::new(false) })
    }

    /// The URL of a resource below the base URL's path.
    pub(super) fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut().expect("an http URL has a path").pop_if_empty().extend(path);
        url
    }

    /// The URL of a request without its query, for messages.
    fn endpoint(&self, url: &Url) -> String {
        let base = self.base.path().trim_end_matches('/');
        format!("{}{}", self.shown_base, url.path().strip_prefix(base).unwrap_or_default())
    }

    /// Sends one request to `url`. Returns the answer if its status is a success.
    pub(super) async fn send(
        &self,
        url: &Url,
        request: RequestBuilder,
        purpose: Purpose,
    ) -> Result<Incoming<'_>, Error> {
        self.meter.requests.update(|requests| requests + 1);
        let endpoint = self.endpoint(url);
        let mut exchange = Exchange::begin(url, purpose);
        let response = request.send().await.map_err(|error| {
            exchange.error = Some(transport_name(&error));
            Error::transport(&endpoint, None, error)
        })?;
        let after = exchange.started.elapsed();
        exchange.status = Some(response.status().as_u16());
        match response.status() {
            // A 204 has no body, and so nothing in it: the reader finds it truncated.
            StatusCode::OK | StatusCode::NO_CONTENT => {
                self.check_clock(&endpoint, response.headers())?;
                Ok(Incoming { response, exchange, meter: &self.meter, endpoint, after })
            }
            _ => {
                exchange.error = None;
                Err(envelope::refusal(response, &endpoint, purpose.of, after).await)
            }
        }
    }
}

impl Client {
    /// Fails if the server's clock is far ahead of ours, and warns once if it is far behind, because
    /// nothing can be lost by that.
    fn check_clock(&self, endpoint: &str, headers: &HeaderMap) -> Result<(), Error> {
        let Some(theirs) = headers::clock(headers) else { return Ok(()) };
        let ours = Utc::now();
        if theirs.signed_duration_since(ours) > MAX_AHEAD {
            let endpoint = endpoint.to_owned();
            return Err(Cause::ClockAhead { endpoint, theirs, ours }.into());
        }
        if ours.signed_duration_since(theirs) >= MAX_AHEAD && !self.is_behind.replace(true) {
            tracing::warn!(
                theirs = display(theirs),
                ours = display(ours),
                "the clock of {endpoint} is behind ours by a day or more; it is believed"
            );
        }
        Ok(())
    }
}

impl Incoming<'_> {
    pub(super) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The URL without its query.
    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Bytes of body read so far, decompressed.
    pub(super) fn bytes(&self) -> u64 {
        self.exchange.bytes
    }

    /// Reads the next part of the body; `None` at its end.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let bytes = self.exchange.bytes;
        match self.response.chunk().await {
            Ok(Some(chunk)) => {
                self.exchange.bytes += chunk.len() as u64;
                self.meter.bytes.update(|bytes| bytes + chunk.len() as u64);
                Ok(Some(chunk))
            }
            Ok(None) => {
                self.exchange.error = None;
                Ok(None)
            }
            Err(error) => {
                self.exchange.error = Some(transport_name(&error));
                Err(Error::transport(&self.endpoint, Some(bytes), error))
            }
        }
    }
}

impl Exchange {
    fn begin(url: &Url, purpose: Purpose) -> Self {
        let path = url.path().to_owned();
        let error = Some("abandoned");
        Self { path, purpose, started: Instant::now(), status: None, bytes: 0, error }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let Purpose { span, page, attempt, calls_left, .. } = self.purpose;
        tracing::debug!(
            path = %Outside(&self.path),
            from = span.map(|(from, _)| display(from)),
            to = span.map(|(_, to)| display(to)),
            page,
            status = self.status,
            error = self.error,
            bytes = self.bytes,
            ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            attempt,
            calls_left,
            "request"
        );
    }
}

/// A base URL for messages. The program's own defaults are no values from outside.
fn shown(base: &Url, given: &str) -> String {
    let base = base.as_str().trim_end_matches('/');
    if [EVENTS_URL, LEGACY_URL].contains(&given) { base.to_owned() } else { clean(base) }
}

fn transport_name(error: &reqwest::Error) -> &'static str {
    if error.is_connect() {
        "not connected"
    } else if error.is_timeout() {
        "timed out"
    } else {
        "interrupted"
    }
}
