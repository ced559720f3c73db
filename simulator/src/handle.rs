//! The handle to a running simulator.

mod put;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::task::JoinHandle;

use crate::api;
use crate::config::Config;
use crate::endpoint::Endpoint;
use crate::faults::Fault;
use crate::state::{Call, Request, Shared};

/// A stop breaks off answers in progress. A server that takes longer waits for a client that never
/// finished its request.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// A handle to a running simulator. Clones share it, and it stops when the last one is dropped.
#[derive(Clone, Debug)]
pub struct Simulator {
    shared: Arc<Shared>,
    server: Arc<Server>,
}

/// The server task. It stops when no handle is left.
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
    /// If the address cannot be bound, because it is in use or not of this machine.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn start(addr: SocketAddr, config: Config) -> io::Result<Self> {
        let (listener, addr) = api::listen(addr)?;
        let shared = Arc::new(Shared::new(config, addr.to_string()));
        let task = tokio::spawn(api::serve(listener, shared.clone()));
        let server = Server { addr, shared: shared.clone(), task: Mutex::new(Some(task)) };
        Ok(Self { shared, server: Arc::new(server) })
    }

    /// Serves until `signal` completes, then breaks off answers in progress.
    pub async fn serve_until(self, signal: impl Future<Output = ()>) {
        signal.await;
        self.shared.stopped.send_replace(true);
        let task = self.server.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            // Too late or panicked: either way there is nothing left to serve.
            let _ = tokio::time::timeout(STOP_LIMIT, task).await;
        }
    }

    /// The base URL without a slash at the end: `http://127.0.0.1:8080`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.server.addr)
    }

    /// The address that the server listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr
    }

    /// The id of the OneLogin account, which depends on the seed.
    #[must_use]
    pub fn account_id(&self) -> u64 {
        self.shared.config.account_id()
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

    /// Ends all tokens issued so far, as a revocation by another client would.
    pub fn expire_tokens(&self) {
        self.shared.state().tokens.expire_all();
    }

    /// Counts `calls` against the hourly limit, as if another client of the account had made them.
    pub fn spend(&self, calls: u32) {
        let mut state = self.shared.state();
        let now = state.clock.now();
        state.hourly_calls.spend(calls, now);
    }

    /// The simulated time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.shared.now()
    }

    /// Advances the simulated clock.
    pub fn advance(&self, by: Duration) {
        self.shared.state().clock.advance(by);
    }

    /// Sets the simulated clock, backward too.
    pub fn set_now(&self, now: DateTime<Utc>) {
        self.shared.state().clock.set(now);
    }

    /// Spoils the next requests for legacy records or events, one fault per request, after faults
    /// that wait already. A refused request takes no fault.
    pub fn fail_next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.shared.state().faults.general.queue.extend(faults);
    }

    /// Spoils every request for legacy records or events for which no queued fault is left, until
    /// it is called with `None`.
    pub fn fail_always(&self, fault: Option<Fault>) {
        self.shared.state().faults.general.always = fault;
    }

    /// Acts like [`fail_next`](Self::fail_next) at one endpoint. Its faults go before general ones.
    pub fn fail_next_at(&self, endpoint: Endpoint, faults: impl IntoIterator<Item = Fault>) {
        self.shared.state().faults.at(endpoint).queue.extend(faults);
    }

    /// Acts like [`fail_always`](Self::fail_always) at one endpoint, before the general fault.
    pub fn fail_always_at(&self, endpoint: Endpoint, fault: Option<Fault>) {
        self.shared.state().faults.at(endpoint).always = fault;
    }

    /// Holds all answers with legacy records or events once `records` more of either have been
    /// sent, counted over all answers, until [`release`](Self::release).
    pub fn hold_after(&self, records: u64) {
        self.shared.gate.close_after(records);
    }

    /// Lets held answers continue.
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
        self.shared.requests.entries()
    }

    /// The number of requests for legacy records so far.
    #[must_use]
    pub fn requests_served(&self) -> usize {
        self.requests().len()
    }

    /// Waits until `count` requests for legacy records have come since the start.
    pub async fn wait_for_requests(&self, count: usize) {
        self.shared.requests.wait_for(count, |_| true).await;
    }

    /// All calls of all endpoints so far, in order of arrival. Calls of the legacy endpoint are
    /// among [`requests`](Self::requests) too. Paths beside the API are not logged.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls.entries()
    }

    /// All calls of one endpoint so far, in order of arrival.
    #[must_use]
    pub fn calls_to(&self, endpoint: Endpoint) -> Vec<Call> {
        let mut calls = self.calls();
        calls.retain(|call| call.endpoint == endpoint);
        calls
    }

    /// Waits until `count` calls of one endpoint have come since the start.
    pub async fn wait_for_calls(&self, endpoint: Endpoint, count: usize) {
        self.shared.calls.wait_for(count, |call| call.endpoint == endpoint).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopped.send_replace(true);
    }
}
