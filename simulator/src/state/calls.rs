//! Logs of the requests that came, for tests to read and to wait for.

use std::fmt::Debug;

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use crate::endpoint::Endpoint;

/// One request for legacy records, as the server saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The simulated time of its arrival.
    pub at: DateTime<Utc>,
    /// The parameter, decoded.
    pub start_date: Option<String>,
    /// The parameter, decoded.
    pub stop_date: Option<String>,
    /// The status sent; `None` before the answer, and if a reset came instead.
    pub status: Option<u16>,
    /// Complete records handed to the connection so far.
    pub records: u64,
    /// Bytes of a body with records handed to the connection so far, after compression.
    pub bytes: u64,
    /// The client's `User-Agent`.
    pub user_agent: Option<String>,
}

/// One call of an endpoint, as the server saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The simulated time of its arrival.
    pub at: DateTime<Utc>,
    /// The query after the `?`, not decoded; empty if there was none.
    pub query: String,
    /// The scheme of `Authorization` as sent, with its colon if it had one: `Basic`, `bearer:`,
    /// `Bearer`, `client_id:`. Never a secret.
    pub authorization: Option<String>,
    /// The token sent, by its number in the order of issue from 1; `None` for an unknown one. For a
    /// call that buys a token, the token issued.
    pub token: Option<usize>,
    /// The status sent; `None` before the answer, and if a reset came instead.
    pub status: Option<u16>,
    /// Complete records handed to the connection so far: failures, events, people or types; 1 for
    /// a successful answer in one piece, such as a token.
    pub records: u64,
    /// Bytes of a body with data handed to the connection so far, after compression. Refusals
    /// count 0.
    pub bytes: u64,
}

/// A log in the order of arrival.
#[derive(Debug)]
pub(crate) struct Log<T>(watch::Sender<Vec<T>>);

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self(watch::Sender::new(Vec::new()))
    }
}

impl<T: Clone> Log<T> {
    /// Appends an entry and returns its number.
    pub(crate) fn append(&self, entry: T) -> usize {
        let mut number = 0;
        self.0.send_modify(|log| {
            number = log.len();
            log.push(entry);
        });
        number
    }

    pub(crate) fn update(&self, number: usize, change: impl FnOnce(&mut T)) {
        self.0.send_modify(|log| change(&mut log[number]));
    }

    pub(crate) fn entries(&self) -> Vec<T> {
        self.0.borrow().clone()
    }

    /// Waits until `count` entries match.
    pub(crate) async fn wait_for(&self, count: usize, matches: impl Fn(&T) -> bool) {
        let is_enough = |log: &Vec<T>| log.iter().filter(|entry| matches(entry)).count() >= count;
        // The sender is `self`, so the channel cannot close while this waits.
        let _ = self.0.subscribe().wait_for(is_enough).await;
    }
}
