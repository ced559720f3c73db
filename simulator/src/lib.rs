//! A stand-in for `OneLogin`: made-up failed provisioning over real HTTP, with faults on request.
//!
//! The history is a pure function of a seed, so a million records need no memory and the same seed
//! and clock always give the same bytes. The clock is simulated: it stands still until it is
//! advanced, unless it is told to tick.
//!
//! One history is told by two APIs: a failure is a record of the legacy one and an event of the
//! current one, late in both if it is late. An event has milliseconds, and is visible from its own
//! one on; the legacy record is visible from the beginning of that second. What a test puts by
//! hand is in one of them only: [`Simulator::put`] and [`Simulator::put_event`].
//!
//! ```no_run
//! # async fn story() -> std::io::Result<()> {
//! use onelogin_simulator::{Config, Fault, Simulator};
//!
//! let onelogin = Simulator::start(([127, 0, 0, 1], 0).into(), Config::default())?;
//! onelogin.fail_next([Fault::InternalError]);
//! println!("ask {} with the key {}", onelogin.url(), onelogin.key());
//! onelogin.wait_for_requests(1).await;
//! # Ok(())
//! # }
//! ```

mod body;
mod calls;
mod config;
mod connection;
mod cursor;
mod event_page;
mod event_record;
mod event_text;
mod event_types;
mod events;
mod exchange;
mod failures;
mod faults;
mod gate;
mod history;
mod http;
mod legacy;
mod legacy_text;
mod people;
mod put;
mod rate_limit;
mod record;
mod refusals;
mod sequence;
mod state;
mod token;
mod users;
mod walk;

#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::task::JoinHandle;

use state::Shared;

pub use calls::{Call, Endpoint, UnknownEndpoint};
pub use config::{Bounds, Config, Cursor, EventForm, Ids, LastPage, Order, OverLimit, WideAnswer};
pub use event_record::{EventRecord, event_time_text};
pub use faults::{Fault, RetryAfter, UnknownFault, UnknownFaultAt, parse_faults, parse_faults_at};
pub use record::{Entry, Record, RecordUser, created_at_text};

/// Where the legacy records are, as in the real API.
pub const PATH: &str = "/api/v1/logins/failed_provisioning.json";
/// Where the events are, as in the real API.
pub const EVENTS_PATH: &str = "/api/1/events";
/// Where the types of events are, as in the real API.
pub const EVENT_TYPES_PATH: &str = "/api/1/events/types";
/// Where the people are, as in the real API.
pub const USERS_PATH: &str = "/api/2/users";
/// Where tokens are, as in the real API.
pub const TOKEN_PATH: &str = "/auth/oauth2/v2/token";

/// Answers under way are broken off at a stop, so a server that takes longer hangs on a client
/// that never finished its request.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// One request for legacy records, as the server saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The simulated time at which it came.
    pub at: DateTime<Utc>,
    /// The parameter as sent, decoded.
    pub start_date: Option<String>,
    /// The parameter as sent, decoded.
    pub stop_date: Option<String>,
    /// The status sent; none while there is none, and after a reset in its place.
    pub status: Option<u16>,
    /// Whole records handed to the connection so far.
    pub records: u64,
    /// Bytes of a body with records handed to the connection so far, compressed if it is.
    pub bytes: u64,
    /// The client's `User-Agent`.
    pub user_agent: Option<String>,
}

/// A handle to a running stand-in. Clones share it; it stops when the last one is dropped.
#[derive(Clone, Debug)]
pub struct Simulator {
    shared: Arc<Shared>,
    server: Arc<Server>,
}

/// The server task, told to stop when no handle is left.
#[derive(Debug)]
struct Server {
    addr: SocketAddr,
    shared: Arc<Shared>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Simulator {
    /// Serves `config` on `addr`; port 0 takes a free one. Requests are accepted from here on.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound, because it is in use or not of this machine.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime, which is to run the server.
    pub fn start(addr: SocketAddr, config: Config) -> io::Result<Self> {
        let (acceptor, addr) = connection::listen(addr)?;
        let shared = Arc::new(Shared::new(config, addr.to_string()));
        let task = tokio::spawn(http::serve(acceptor, shared.clone()));
        let server = Server { addr, shared: shared.clone(), task: Mutex::new(Some(task)) };
        Ok(Self { shared, server: Arc::new(server) })
    }

    /// Serves until `signal` completes, then breaks off what is under way.
    pub async fn serve_until(self, signal: impl Future<Output = ()>) {
        signal.await;
        self.shared.stopped.send_replace(true);
        let task = self.server.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            // Too late or panicked: either way there is nothing left to serve.
            let _ = tokio::time::timeout(STOP_LIMIT, task).await;
        }
    }

    /// The base URL, without a slash at the end: `http://127.0.0.1:8080`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.server.addr)
    }

    /// The address that is listened on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr
    }

    /// The legacy key that requests must carry.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.shared.config.key
    }

    /// The name of the credential that buys tokens.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.shared.config.client_id
    }

    /// The secret of that credential.
    #[must_use]
    pub fn client_secret(&self) -> &str {
        &self.shared.config.client_secret
    }

    /// Ends all tokens issued so far, as a revoke by another client would.
    pub fn expire_tokens(&self) {
        self.shared.state().tokens.expire_all();
    }

    /// Makes so many calls of the hour's allowance, as another client of the account would.
    pub fn spend(&self, calls: u32) {
        let mut state = self.shared.state();
        let now = state.clock.now();
        state.allowance.spend(calls, now);
    }

    /// The simulated time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.shared.now()
    }

    /// Lets simulated time pass.
    pub fn advance(&self, by: Duration) {
        self.shared.state().clock.advance(by);
    }

    /// Sets the simulated clock, backward too.
    pub fn set_now(&self, now: DateTime<Utc>) {
        self.shared.state().clock.set(now);
    }

    /// Spoils the next requests for legacy records or events, one fault each, after those that are
    /// already waiting. Only requests that would get data take a fault: refused ones do not.
    pub fn fail_next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.shared.state().faults.queue.extend(faults);
    }

    /// Spoils every request for legacy records or events that no queued fault is left for, until
    /// it is called with none.
    pub fn fail_always(&self, fault: Option<Fault>) {
        self.shared.state().faults.always = fault;
    }

    /// [`fail_next`](Self::fail_next) at one endpoint. Faults that wait there go before those for
    /// data in general.
    pub fn fail_next_at(&self, endpoint: Endpoint, faults: impl IntoIterator<Item = Fault>) {
        self.shared.state().faults.at(endpoint).queue.extend(faults);
    }

    /// [`fail_always`](Self::fail_always) at one endpoint, where it goes before the one for data
    /// in general.
    pub fn fail_always_at(&self, endpoint: Endpoint, fault: Option<Fault>) {
        self.shared.state().faults.at(endpoint).always = fault;
    }

    /// Holds all answers with legacy records or events once `records` more of either have been
    /// sent, counted over all answers, until [`release`](Self::release).
    pub fn hold_after(&self, records: u64) {
        self.shared.gate.close_after(records);
    }

    /// Lets held answers go on.
    pub fn release(&self) {
        self.shared.gate.open();
    }

    /// Waits until an answer is held, with all bytes before the hold sent.
    pub async fn wait_until_held(&self) {
        self.shared.gate.held().await;
    }

    /// All requests for legacy records so far, in order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.shared.log.borrow().clone()
    }

    /// How many requests for legacy records have come so far.
    #[must_use]
    pub fn requests_served(&self) -> usize {
        self.shared.log.borrow().len()
    }

    /// Waits until `count` requests for legacy records have come since the start.
    pub async fn wait_for_requests(&self, count: usize) {
        // The sender is `self`, so the channel cannot close while this waits.
        let _ = self.shared.log.subscribe().wait_for(|log| log.len() >= count).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopped.send_replace(true);
    }
}
