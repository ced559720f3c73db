//! The HTTP client of one base URL. Each request leaves one line in the log, at `debug`.

use std::cell::Cell;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{ACCEPT_ENCODING, CACHE_CONTROL, HeaderMap, HeaderValue};
use reqwest::{RequestBuilder, Response, StatusCode, Version};
use url::Url;

use super::error::{Cause, Error};
use super::gzip::Gzip;
use super::resource::Resource;
use super::{ConfigError, EVENTS_URL, LEGACY_URL, Options, base_url, envelope, headers};
use crate::redact::{Outside, clean};

const USER_AGENT: &str = concat!("onelogin-sync/", env!("CARGO_PKG_VERSION"));

/// Maximum time that a clock may be ahead of ours. A server that is further ahead would move the
/// watermark past records that have not happened yet.
const MAX_AHEAD: TimeDelta = TimeDelta::days(1);

/// An HTTP client bound to one base URL.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) http: reqwest::Client,
    pub(super) meter: Meter,
    base: Url,
    /// The base URL for messages.
    shown_base: String,
    /// True if the log has the warning that the server's clock lags.
    warned_of_lag: Cell<bool>,
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

/// An answer whose body is still to be read.
#[derive(Debug)]
pub(super) struct Incoming<'a> {
    response: Response,
    gzip: Option<Gzip>,
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
    /// The reason why there is no complete answer.
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
            .no_gzip();
        if base_url::is_loopback(&base) {
            builder = builder.no_proxy();
            if base.scheme() == "http" {
                // Reading the system's certificates would be half of a run that finds nothing new.
                builder = builder.tls_certs_only([]);
            }
        }
        let http = builder.build().map_err(|source| ConfigError::Http { source })?;
        let shown_base = shown(&base, &options.base_url);
        Ok(Self {
            http,
            meter: Meter::default(),
            base,
            shown_base,
            warned_of_lag: Cell::new(false),
        })
    }

    /// Host and port, without the port that the scheme implies.
    pub(super) fn host(&self) -> String {
        let host = self.base.host_str().expect("an http URL has a host");
        self.base.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
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
        let response = request.header(ACCEPT_ENCODING, "gzip").send().await;
        let response = response.map_err(|error| {
            exchange.error = Some(transport_name(&error));
            Error::transport(&endpoint, None, error)
        })?;
        let after = exchange.started.elapsed();
        exchange.status = Some(response.status().as_u16());
        let gzip = headers::is_gzip(response.headers()).then(Gzip::new);
        let meter = &self.meter;
        let incoming = Incoming { response, gzip, exchange, meter, endpoint, after };
        match incoming.status() {
            StatusCode::OK | StatusCode::NO_CONTENT => {
                self.check_clock(&incoming.endpoint, incoming.headers())?;
                Ok(incoming)
            }
            _ => Err(envelope::refusal(incoming).await),
        }
    }
}

impl Client {
    /// Fails if the server's clock is far ahead of ours. Warns once if it lags far, because nothing can
    /// be lost by that.
    fn check_clock(&self, endpoint: &str, headers: &HeaderMap) -> Result<(), Error> {
        let Some(theirs) = headers::clock(headers) else { return Ok(()) };
        let ours = Utc::now();
        if theirs.signed_duration_since(ours) > MAX_AHEAD {
            let endpoint = endpoint.to_owned();
            return Err(Cause::ClockAhead { endpoint, theirs, ours }.into());
        }
        if ours.signed_duration_since(theirs) >= MAX_AHEAD && !self.warned_of_lag.replace(true) {
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

    /// Checks whether this answer has no body because there is nothing to report.
    pub(super) fn is_empty(&self) -> bool {
        self.status() == StatusCode::NO_CONTENT
    }

    /// The purpose of the request.
    pub(super) fn of(&self) -> Resource {
        self.exchange.purpose.of
    }

    /// Checks whether the transport shows the end of the body. If it does not, a body that was cut short looks
    /// like a complete one.
    pub(super) fn has_certain_end(&self) -> bool {
        self.gzip.is_some()
            || self.response.content_length().is_some()
            || self.response.version() >= Version::HTTP_2
            || headers::is_chunked(self.headers())
    }

    /// The host that a redirect points at.
    pub(super) fn redirect_host(&self) -> Option<String> {
        headers::redirect_host(&self.response)
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The URL without its query.
    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Reads the next part of the body, decompressed; `None` at its end.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let chunk = loop {
            if let Some(decoded) = self.decode(Gzip::decode)?.flatten() {
                break Some(decoded);
            }
            let read = self.exchange.bytes;
            let chunk = self.response.chunk().await.map_err(|error| {
                self.exchange.error = Some(transport_name(&error));
                Error::transport(&self.endpoint, Some(read), error)
            })?;
            match (chunk, &mut self.gzip) {
                (Some(chunk), Some(gzip)) => gzip.feed(chunk),
                (Some(chunk), None) => break Some(chunk),
                (None, _) => {
                    let last = self.decode(Gzip::finish)?;
                    self.gzip = None;
                    break last.filter(|last| !last.is_empty());
                }
            }
        };
        match &chunk {
            Some(chunk) => {
                self.exchange.bytes += chunk.len() as u64;
                self.meter.bytes.update(|bytes| bytes + chunk.len() as u64);
            }
            None => self.exchange.error = None,
        }
        Ok(chunk)
    }

    /// Does a step of decompression; `None` if the body is not compressed.
    fn decode<T>(
        &mut self,
        step: impl FnOnce(&mut Gzip) -> std::io::Result<T>,
    ) -> Result<Option<T>, Error> {
        let Some(gzip) = &mut self.gzip else { return Ok(None) };
        step(gzip).map(Some).map_err(|source| {
            self.exchange.error = Some("not decompressed");
            let (endpoint, read) = (self.endpoint.clone(), self.exchange.bytes);
            Cause::Undecodable { endpoint, read, source }.into()
        })
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
