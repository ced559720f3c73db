//! A stand-in for `OneLogin`: made-up failed provisioning over real HTTP, with faults on request.
//!
//! The history is a pure function of a seed, so a million records need no memory and the same seed
//! and clock always give the same bytes. The clock is simulated: it stands still until it is
//! advanced, unless it is told to tick.
//!
//! ```no_run
//! # async fn story() -> std::io::Result<()> {
//! use onelogin_sync::simulator::{Config, Fault, Simulator};
//!
//! let onelogin = Simulator::start(([127, 0, 0, 1], 0).into(), Config::default())?;
//! onelogin.fail_next([Fault::InternalError]);
//! println!("ask {} with the key {}", onelogin.url(), onelogin.key());
//! onelogin.wait_for_requests(1).await;
//! # Ok(())
//! # }
//! ```

mod body;
mod connection;
mod faults;
mod gate;
mod generated;
mod history;
mod http;
mod people;
mod record;
mod sequence;
mod state;

#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::task::JoinHandle;

use history::Window;
use state::Shared;

pub use faults::{Fault, RetryAfter, UnknownFault, parse_faults};
pub use record::{Entry, Record, RecordUser, created_at_text};

/// Where the records are, as in the real API.
pub const PATH: &str = "/api/v1/logins/failed_provisioning.json";

/// Friday, 20 March 2026, noon: the thirty days before it hold a change of the US clocks.
const DEFAULT_NOW: i64 = 1_774_008_000;
/// Failures a person has on average, and the most people a directory holds, unless it is told.
const FAILURES_PER_PERSON: u64 = 20;
const MOST_PEOPLE: u32 = 50_000;
/// Answers under way are broken off at a stop, so a server that takes longer hangs on a client
/// that never finished its request.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// What a simulator serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The legacy API key that requests must carry. Default: `demo-key`.
    pub key: String,
    /// What the history is made from: same seed, same history. Default: 1.
    pub seed: u64,
    /// Failures created in the `days` before `now`, of which a late one may not be visible yet.
    /// They go on at the same rate after `now`; 0 = none at all. Default: 1000.
    pub failures: u64,
    /// One made-up record in this many becomes visible ten minutes to six hours after its
    /// `created_at`; 0 = none. Default: 200.
    pub late_records: u32,
    /// People in the directory. Default: one per 20 failures, from 1 to 50,000.
    pub people: Option<u32>,
    /// Days of history before `now`, at least 1. Default: 30.
    pub days: u32,
    /// What the simulated clock shows at the start; the history is counted back from here.
    /// Default: 2026-03-20T12:00:00Z.
    pub now: DateTime<Utc>,
    /// Whether the clock follows real time from the start. Default: it stands still.
    pub ticking: bool,
    /// One made-up record in this many cannot be loaded; 0 = none. Default: 0.
    pub bad_records: u32,
    /// What `id` means.
    pub ids: Ids,
    /// Whether `start_date` and `stop_date` are part of what they ask for.
    pub bounds: Bounds,
    /// The order of the records.
    pub order: Order,
    /// The most records an answer holds; the rest is left out without a word. Default: no limit.
    pub cap: Option<u64>,
    /// Whether to compress for clients that accept gzip. Default: no.
    pub gzip: bool,
    /// Requests for a longer span than this get `wide_answer`. Default: no limit.
    pub too_wide: Option<Duration>,
    /// What a request for too long a span gets.
    pub wide_answer: WideAnswer,
}

/// What the `id` of a record means; the documents leave it open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ids {
    /// The failure's own id: each value once.
    #[default]
    OfTheFailure,
    /// The app's id: it repeats.
    OfTheApp,
}

/// Which instants a request asks for; the documents leave it open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bounds {
    /// start ≤ t ≤ stop.
    #[default]
    Inclusive,
    /// start ≤ t < stop.
    HalfOpen,
    /// start < t < stop.
    Exclusive,
}

/// In which order records are served; the documents leave it open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    #[default]
    Ascending,
    /// Youngest first.
    Descending,
    /// Mixed within blocks of about a thousand.
    Shuffled,
}

/// The answer to a request for too long a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WideAnswer {
    /// Half of it, and then nothing until the client gives up.
    Stall,
    /// Status 500.
    #[default]
    Error,
    /// Half of it, and then the connection is closed.
    Truncate,
}

/// One request for records, as the server saw it.
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
        let shared = Arc::new(Shared::new(config));
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

    /// The key that requests must carry.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.shared.config.key
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

    /// Adds a record and returns its number, for [`replace`](Self::replace) and
    /// [`remove`](Self::remove). Records of one instant are served in the order they were put,
    /// after made-up ones.
    #[expect(clippy::must_use_candidate, reason = "most records are put and left alone")]
    pub fn put(&self, entry: Entry) -> usize {
        let entries = &mut self.shared.state().entries;
        entries.push(Some(entry));
        entries.len() - 1
    }

    /// Changes the text of the record with this number, unless it was removed.
    ///
    /// # Panics
    ///
    /// When [`put`](Self::put) never returned this number.
    pub fn replace(&self, number: usize, body: impl Into<String>) {
        if let Some(entry) = &mut self.shared.state().entries[number] {
            entry.body = body.into();
        }
    }

    /// Takes the record with this number away. Other numbers stay.
    ///
    /// # Panics
    ///
    /// When [`put`](Self::put) never returned this number.
    pub fn remove(&self, number: usize) {
        self.shared.state().entries[number] = None;
    }

    /// Takes all records away that were put. Made-up ones stay, and numbers go on.
    pub fn clear(&self) {
        self.shared.state().entries.fill(None);
    }

    /// The texts of all records that a whole answer for these dates would hold now, in its order,
    /// without `cap`. The clock and the records are read at the call.
    pub fn records(
        &self,
        start: Option<DateTime<Utc>>,
        stop: Option<DateTime<Utc>>,
    ) -> impl Iterator<Item = String> + use<> {
        let window = Window { start, stop, bounds: self.shared.config.bounds };
        let now = self.now();
        let sequence = self.shared.sequence(&window, now);
        let shared = self.shared.clone();
        (0..sequence.len()).filter_map(move |position| {
            let mut text = Vec::new();
            let visible = shared.write(&sequence, position, now, &mut text);
            visible.then(|| String::from_utf8_lossy(&text).into_owned())
        })
    }

    /// Spoils the next requests, one fault each, after those that are already waiting. Only
    /// requests with the right key and readable dates take a fault.
    pub fn fail_next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.shared.state().faults.queue.extend(faults);
    }

    /// Spoils every request that no queued fault is left for, until it is called with none.
    pub fn fail_always(&self, fault: Option<Fault>) {
        self.shared.state().faults.always = fault;
    }

    /// Holds all answers once `records` more have been sent, counted over all of them, until
    /// [`release`](Self::release).
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

    /// All requests for records so far, in order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.shared.log.borrow().clone()
    }

    /// How many requests for records have come so far.
    #[must_use]
    pub fn requests_served(&self) -> usize {
        self.shared.log.borrow().len()
    }

    /// Waits until `count` requests for records have come since the start.
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

impl Config {
    /// The people of the directory, at least 1.
    pub(self) fn people(&self) -> u32 {
        let usual = u32::try_from(self.failures / FAILURES_PER_PERSON).unwrap_or(MOST_PEOPLE);
        self.people.unwrap_or(usual.min(MOST_PEOPLE)).max(1)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            key: "demo-key".to_owned(),
            seed: 1,
            failures: 1_000,
            late_records: 200,
            people: None,
            days: 30,
            now: DateTime::from_timestamp(DEFAULT_NOW, 0).unwrap_or_default(),
            ticking: false,
            bad_records: 0,
            ids: Ids::default(),
            bounds: Bounds::default(),
            order: Order::default(),
            cap: None,
            gzip: false,
            too_wide: None,
            wide_answer: WideAnswer::default(),
        }
    }
}
