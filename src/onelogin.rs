//! OneLogin over HTTP: what to ask, how to go on after failures, the raw text of each record.
//!
//! What a record means is not known here, nor where it goes. Whether a failed attempt is repeated is
//! decided by [`retry::decide`]. The legacy source has one answer for a window, so that the loop over
//! its attempts belongs to the caller, who takes back what was written. The events API has pages,
//! which are repeated here, one by one.

mod base_url;
pub(crate) mod budget;
mod config_error;
mod envelope;
mod error;
pub(crate) mod events;
mod headers;
pub(crate) mod json_array;
pub(crate) mod legacy;
mod people;
mod resource;
pub(crate) mod retry;
pub(crate) mod saved;
mod session;
mod source;
mod token;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use reqwest::{RequestBuilder, Response, StatusCode};
use url::Url;

pub(crate) use config_error::ConfigError;
use envelope::Body;
use error::{Cause, UnexpectedResponse};
pub(crate) use error::{Error, Kind};
pub(crate) use people::{AT_ONCE, Directory};
pub(crate) use resource::Resource;
use retry::Policy;
pub(crate) use source::{Answer, Source};

const USER_AGENT: &str = concat!("onelogin-sync/", env!("CARGO_PKG_VERSION"));

/// The largest page accepted, in bytes after decompression. A thousand events are about one million.
const MAX_PAGE: usize = 64 * 1024 * 1024;

/// How to reach a source.
#[derive(Debug, Clone)]
pub(crate) struct Options {
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
    #[cfg(any(test, feature = "demo"))]
    pub(crate) fn new(base_url: impl Into<String>) -> Self {
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
    meter: Meter,
}

/// What went over the network.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    requests: AtomicU64,
    retries: AtomicU64,
    bytes: AtomicU64,
}

impl Meter {
    /// Requests sent.
    #[must_use]
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Of these, the ones that repeated another.
    #[must_use]
    pub(crate) fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    /// Bytes of body read, decompressed.
    #[must_use]
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The next request repeats another.
    pub(crate) fn count_retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    fn count_bytes(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
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
            if base.scheme() == "http" {
                // Reading the system's certificates would be half of a run that finds nothing new.
                builder = builder.tls_certs_only([]);
            }
        }
        let http = builder.build().map_err(|source| ConfigError::Http { source })?;
        Ok(Self { http, base, meter: Meter::default() })
    }

    /// The URL of a resource below the base URL's path.
    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut().expect("an http URL has a path").pop_if_empty().extend(path);
        url
    }

    /// Sends one request; gives the answer when its status is a success with a body.
    async fn send(
        &self,
        request: RequestBuilder,
        endpoint: &str,
        of: Resource,
    ) -> Result<Response, Error> {
        self.meter.requests.fetch_add(1, Ordering::Relaxed);
        let started = Instant::now();
        let response =
            request.send().await.map_err(|error| Error::transport(endpoint, None, error))?;
        match response.status() {
            // A 204 has no body, and so nothing in it: the reader finds it truncated.
            StatusCode::OK | StatusCode::NO_CONTENT => Ok(response),
            _ => Err(envelope::refusal(response, endpoint, of, started.elapsed()).await),
        }
    }

    /// Sends one request, and reads the whole body of its answer.
    async fn body(
        &self,
        request: RequestBuilder,
        endpoint: &str,
        of: Resource,
    ) -> Result<Body, Error> {
        let started = Instant::now();
        let mut response = self.send(request, endpoint, of).await?;
        let mut text = Vec::new();
        loop {
            let read = text.len() as u64;
            let chunk = response.chunk().await;
            match chunk.map_err(|error| Error::transport(endpoint, Some(read), error))? {
                Some(chunk) => text.extend_from_slice(&chunk),
                None => break,
            }
            if text.len() > MAX_PAGE {
                let source = UnexpectedResponse::Body(json_array::Malformed::ElementTooLarge {
                    offset: read,
                });
                return Err(Cause::NotThisApi { endpoint: endpoint.to_owned(), of, source }.into());
            }
        }
        self.meter.count_bytes(text.len());
        let (status, headers) = (response.status(), response.headers().clone());
        let endpoint = endpoint.to_owned();
        Ok(Body { endpoint, of, status, headers, after: started.elapsed(), text })
    }
}
