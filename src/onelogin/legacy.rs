//! The legacy source: `GET /api/v1/logins/failed_provisioning.json`.
//!
//! It has no paging: everything between the two dates comes as one JSON array.

use std::cell::Cell;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret, SecretString};

use super::client::{Client, Incoming, Meter, Purpose};
use super::headers;
use super::retry::Policy;
use super::splitter::{Element, Limits, Shape, Splitter};
use super::{ConfigError, Error, Options, Resource};

const PATH: [&str; 4] = ["api", "v1", "logins", "failed_provisioning.json"];

/// The documentation's fixed password: only the key is secret.
const PASSWORD: &str = "x";

/// `YYYY-MM-DDThh:mm:ssZ`. The documented zone designator `-Z` is read as a slip for `Z`.
const DATE_FORMAT: &str = "%Y-%m-%dT%H:%M:%SZ";

/// The legacy source of one account.
#[derive(Debug)]
pub(crate) struct Legacy {
    client: Client,
    api_key: SecretString,
    policy: Policy,
    /// True if the log has the announcement of this API's end.
    warned: Cell<bool>,
    /// Requests since the last complete answer.
    unanswered: Cell<u32>,
}

impl Legacy {
    /// A source; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], when the base URL is not acceptable, the key cannot be one, or the HTTP
    /// client cannot start.
    pub(crate) fn new(options: &Options, api_key: SecretString) -> Result<Self, ConfigError> {
        let key = api_key.expose_secret();
        // A colon would end the user name in HTTP Basic; the rest is what a careless copy adds.
        if key.is_empty() || key.contains(|c: char| c == ':' || c.is_whitespace() || c.is_control())
        {
            return Err(ConfigError::ApiKey);
        }
        let (client, policy) = (Client::new(options)?, options.policy.clone());
        Ok(Self { client, api_key, policy, warned: Cell::new(false), unanswered: Cell::new(0) })
    }

    /// Limits on attempts.
    #[must_use]
    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Host and port, without the default port.
    #[must_use]
    pub(crate) fn host(&self) -> String {
        self.client.host()
    }

    /// Network traffic.
    #[must_use]
    pub(crate) fn meter(&self) -> &Meter {
        &self.client.meter
    }

    /// Requests once the failures from `from` to `to`, in whole seconds.
    ///
    /// Whether the source includes either bound is not documented.
    ///
    /// # Errors
    ///
    /// [`Error`], when no answer came or its status is not a success.
    pub(crate) async fn open(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Answer<'_>, Error> {
        let mut url = self.client.url(&PATH);
        url.query_pairs_mut()
            .append_pair("start_date", &from.format(DATE_FORMAT).to_string())
            .append_pair("stop_date", &to.format(DATE_FORMAT).to_string());
        let request = self
            .client
            .http
            .get(url.clone())
            .basic_auth(self.api_key.expose_secret(), Some(PASSWORD));
        self.unanswered.update(|requests| requests + 1);
        let attempt = self.unanswered.get();
        let purpose = Purpose { span: Some((from, to)), attempt, ..Purpose::new(Resource::Legacy) };
        let incoming = self.client.send(&url, request, purpose).await?;
        self.warn_of_its_end(incoming.headers());
        Ok(Answer {
            server_now: headers::clock(incoming.headers()),
            legacy: self,
            // A 204 means that there are no failures.
            is_complete: incoming.is_empty(),
            incoming,
            splitter: Splitter::limited(Shape::Array, Limits::ANSWER),
            rest: Bytes::new(),
        })
    }

    /// Warns once if the answer announces the end of this API.
    fn warn_of_its_end(&self, headers: &HeaderMap) {
        let Some((header, value)) = headers::end_of_life(headers) else { return };
        if !self.warned.replace(true) {
            tracing::warn!(
                header,
                value,
                "OneLogin announces the end of the legacy API; to migrate to the events API, set \
                 ONELOGIN_CLIENT_ID and ONELOGIN_CLIENT_SECRET: it starts where this sync stopped"
            );
        }
    }
}

/// Bytes that are split without a pause: about 100 records, a millisecond.
const AT_ONCE: usize = 32 * 1024;

/// A successful answer whose body is still to be read.
///
/// Nothing of it counts before [`Answer::next`] has reached the end of its array.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    /// The server's clock when it answered, from its `Date` header.
    pub server_now: Option<DateTime<Utc>>,
    legacy: &'a Legacy,
    incoming: Incoming<'a>,
    splitter: Splitter,
    /// Bytes that came and are still to be split.
    rest: Bytes,
    is_complete: bool,
}

impl Answer<'_> {
    /// Reads some more of the body and hands each record that ends in it to `sink`. Gives `false` when
    /// the body has ended and its array was closed.
    ///
    /// # Errors
    ///
    /// [`Error`], when the connection fails or the body is not one complete array. The answer
    /// cannot be read any further, and the records handed out must be dropped.
    pub(crate) async fn next(&mut self, sink: &mut impl FnMut(Element<'_>)) -> Result<bool, Error> {
        if self.is_complete {
            return Ok(false);
        }
        if self.rest.is_empty() {
            let Some(chunk) = self.incoming.chunk().await? else {
                let end = self.splitter.finish(self.incoming.has_certain_end(), sink);
                end.map_err(|malformed| Error::body(&self.incoming, malformed))?;
                self.is_complete = true;
                self.legacy.unanswered.set(0);
                return Ok(false);
            };
            self.rest = chunk;
        }
        let some = self.rest.split_to(self.rest.len().min(AT_ONCE));
        let split = self.splitter.feed(&some, sink);
        split.map_err(|malformed| Error::body(&self.incoming, malformed))?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
