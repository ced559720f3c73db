//! OneLogin over HTTP: one request, one attempt, the raw text of each record.
//!
//! What a record means is not known here, nor where it goes. Whether a failed attempt is repeated is
//! decided by [`retry::decide`]; the loop and the waiting belong to the caller.

pub mod array;
mod base_url;
mod error;
pub mod legacy;
pub mod retry;

use std::time::{Duration, Instant, SystemTime};

use reqwest::header::{DATE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode};
use url::Url;

pub use error::{ConfigError, Error, Foreign, Kind};
use retry::{Failure, Policy};

const RATE_LIMIT_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

const USER_AGENT: &str = concat!("onelogin-sync/", env!("CARGO_PKG_VERSION"));

/// How to reach a source.
#[derive(Debug, Clone)]
pub struct Options {
    /// Scheme and host, with an optional path prefix: `https://proxy.example/onelogin`.
    pub base_url: String,
    /// Whether plain http may leave this machine. The credentials then travel readable.
    pub allow_http: bool,
    /// The limit on opening one connection, TLS included.
    pub connect_timeout: Duration,
    /// The limit between two reads, the wait for the first byte included.
    pub read_timeout: Duration,
    /// The limit on one whole attempt, from the connection to the last byte of the body. The time
    /// in which the caller stores what came counts too.
    pub request_timeout: Duration,
    /// How long to go on after failures.
    pub policy: Policy,
}

impl Options {
    /// Options for a base URL, with limits that suit a batch job.
    #[must_use]
    pub fn new(base_url: impl Into<String>) -> Self {
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

/// An HTTP client bound to one base URL.
#[derive(Debug)]
struct Client {
    http: reqwest::Client,
    base: Url,
}

impl Client {
    fn new(options: &Options) -> Result<Self, ConfigError> {
        let base = base_url::parse(&options.base_url, options.allow_http)?;
        // An error means that a provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(options.connect_timeout)
            .read_timeout(options.read_timeout)
            .timeout(options.request_timeout)
            .gzip(true);
        if base_url::is_loopback(&base) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|source| ConfigError::Client { source })?;
        Ok(Self { http, base })
    }

    /// The URL of a resource below the base URL's path.
    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut().expect("an http URL has a path").pop_if_empty().extend(path);
        url
    }

    /// Sends one request; gives the answer when its status is a success with a body.
    async fn send(&self, request: RequestBuilder, endpoint: &str) -> Result<Response, Error> {
        let started = Instant::now();
        let response =
            request.send().await.map_err(|error| Error::transport(endpoint, None, error))?;
        match response.status() {
            // A 204 has no body, and so no array: the reader finds it truncated.
            StatusCode::OK | StatusCode::NO_CONTENT => Ok(response),
            status => Err(refusal(status, &response, endpoint, started.elapsed())),
        }
    }
}

/// The error that a status other than success stands for.
fn refusal(status: StatusCode, response: &Response, endpoint: &str, after: Duration) -> Error {
    let endpoint = endpoint.to_owned();
    let headers = response.headers();
    match status.as_u16() {
        status @ (401 | 403) => Error::Refused { endpoint, status },
        429 => Error::RateLimited { endpoint, failure: answered(429, headers) },
        status @ (408 | 500..=599) => {
            Error::ServerFailed { endpoint, status, after, failure: answered(status, headers) }
        }
        status @ 300..=399 => {
            let to = redirect_host(response).unwrap_or_else(|| "nowhere".to_owned());
            Error::NotThisApi { endpoint, source: Foreign::Redirect { status, to } }
        }
        status => Error::NotThisApi { endpoint, source: Foreign::Status { status } },
    }
}

/// What the retry decision needs of an answer.
fn answered(status: u16, headers: &HeaderMap) -> Failure {
    let text = |name| Some(headers.get(name)?.to_str().ok()?.to_owned());
    Failure::Answer {
        status,
        retry_after: text(RETRY_AFTER),
        rate_limit_reset: text(RATE_LIMIT_RESET),
        answered_at: date(headers).unwrap_or_else(SystemTime::now),
    }
}

/// The server's clock, from the `Date` header.
fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()
}

/// The host a redirect points at. Its path and query may hold a session, so they stay out.
fn redirect_host(response: &Response) -> Option<String> {
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    response.url().join(location).ok()?.host_str().map(str::to_owned)
}
