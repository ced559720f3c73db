//! What the handles of a simulator and its server share.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use super::calls::Calls;
use super::event_types::{self, EventType};
use super::events::Events;
use super::failures::Failures;
use super::faults::Faults;
use super::gate::Gate;
use super::history::{Window, moment};
use super::put::PutEvent;
use super::rate_limit::Allowance;
use super::sequence::{Element, Sequence};
use super::token::Tokens;
use super::{Config, Entry, Request};

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) config: Config,
    /// Where it listens.
    pub(super) addr: String,
    pub(super) failures: Failures,
    pub(super) made_up: Events,
    pub(super) gate: Gate,
    /// Requests for legacy records, beside `calls`: these have their dates.
    pub(super) log: watch::Sender<Vec<Request>>,
    pub(super) calls: Calls,
    pub(super) stopped: watch::Sender<bool>,
    state: Mutex<State>,
}

/// What tests change while the server runs.
#[derive(Debug)]
pub(super) struct State {
    pub(super) clock: Clock,
    /// By number; none = removed.
    pub(super) entries: Vec<Option<Entry>>,
    /// By number; none = removed.
    pub(super) events: Vec<Option<PutEvent>>,
    /// The JSON of people put by hand, by id; none = taken out of the directory.
    pub(super) people: BTreeMap<i64, Option<Arc<str>>>,
    /// By id.
    pub(super) event_types: BTreeMap<i64, EventType>,
    pub(super) tokens: Tokens,
    pub(super) allowance: Allowance,
    pub(super) faults: Faults,
}

/// The simulated clock.
#[derive(Debug)]
pub(super) struct Clock {
    at: DateTime<Utc>,
    /// When the clock read `at`, if it ticks.
    since: Option<Instant>,
}

impl Clock {
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.since.map_or(self.at, |since| later(self.at, since.elapsed()))
    }

    pub(super) fn set(&mut self, now: DateTime<Utc>) {
        self.at = now;
        self.since = self.since.map(|_| Instant::now());
    }

    pub(super) fn advance(&mut self, by: Duration) {
        self.at = later(self.at, by);
    }
}

fn later(at: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    let by = chrono::TimeDelta::from_std(by).unwrap_or(chrono::TimeDelta::MAX);
    at.checked_add_signed(by).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

impl Shared {
    pub(super) fn new(config: Config, addr: String) -> Self {
        let state = State {
            clock: Clock { at: config.now, since: config.ticking.then(Instant::now) },
            entries: Vec::new(),
            events: Vec::new(),
            people: BTreeMap::new(),
            event_types: event_types::all(),
            tokens: Tokens::default(),
            allowance: Allowance::default(),
            faults: Faults::default(),
        };
        Self {
            failures: Failures::new(&config),
            made_up: Events::new(&config),
            config,
            addr,
            gate: Gate::default(),
            log: watch::Sender::new(Vec::new()),
            calls: Calls::default(),
            stopped: watch::Sender::new(false),
            state: Mutex::new(state),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // No change of the state can stop half-way, so a panic elsewhere leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.state().clock.now()
    }

    /// Waits until the simulator stops.
    pub(super) async fn stopped(&self) {
        // An error means that the sender is gone, which is a stop as well.
        let _ = self.stopped.subscribe().wait_for(|&stopped| stopped).await;
    }

    /// What a request for `window` is answered with at `now`. Late records are still in it.
    pub(super) fn sequence(&self, window: &Window, now: DateTime<Utc>) -> Sequence {
        let history = &self.failures.history;
        let generated = history.within(window, now);
        let mut entries: Vec<Entry> = self.state().entries.iter().flatten().cloned().collect();
        entries.retain(|entry| {
            window.contains(entry.at) && entry.at <= now && entry.visible_from <= now
        });
        // Stable: equal times stay in the order in which they were put.
        entries.sort_by_key(|entry| entry.at);
        let put = entries.into_iter().zip(0..).map(|(entry, earlier)| {
            let before = self.generated_through(&generated, entry.at, now);
            (before + earlier, Arc::from(entry.body))
        });
        Sequence { put: put.collect(), generated, order: self.config.order, seed: self.config.seed }
    }

    /// How many of the made-up records are not younger than `at`.
    fn generated_through(
        &self,
        records: &Range<u64>,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> u64 {
        if records.is_empty() {
            return 0;
        }
        let next = self.failures.history.first(now, |other| other > at);
        next.clamp(records.start, records.end) - records.start
    }

    /// Appends the record at `position` if it is visible at `now`.
    pub(super) fn write(
        &self,
        sequence: &Sequence,
        position: u64,
        now: DateTime<Utc>,
        out: &mut Vec<u8>,
    ) -> bool {
        match sequence.at(position) {
            Element::Put(text) => out.extend_from_slice(text.as_bytes()),
            Element::Generated(index) => {
                if moment(self.failures.history.visible_from(index)) > now {
                    return false;
                }
                self.failures.write(index, out);
            }
        }
        true
    }
}
