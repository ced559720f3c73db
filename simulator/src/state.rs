//! State that the handles of a simulator and its server share.

mod calls;
mod clock;
mod hourly_calls;
mod put;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use crate::config::Config;
use crate::faults::{Faults, Gate};
use crate::history::{EventType, Events, all_event_types};
use crate::text::EventText;

pub(crate) use calls::Log;
pub use calls::{Call, Request};
use clock::Clock;
use hourly_calls::HourlyCalls;
pub use put::Entry;
pub(crate) use put::PutEvent;
pub(crate) use tokens::{Tokens, token_text};

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    /// The address that the server listens on.
    pub(crate) addr: String,
    pub(crate) events: Events,
    pub(crate) event_text: EventText,
    pub(crate) gate: Gate,
    /// Requests for legacy records. They are among `calls` too, but here with their dates.
    pub(crate) requests: Log<Request>,
    pub(crate) calls: Log<Call>,
    pub(crate) stopped: watch::Sender<bool>,
    state: Mutex<State>,
}

/// State that tests change while the server runs.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) clock: Clock,
    /// Legacy records put by hand, by number; `None` if removed.
    pub(crate) entries: Vec<Option<Entry>>,
    /// Events put by hand, by number; `None` if removed.
    pub(crate) events: Vec<Option<PutEvent>>,
    /// The JSON of people put by hand, by id; `None` if removed from the directory.
    pub(crate) people: BTreeMap<i64, Option<Arc<str>>>,
    /// Ids that the directory does not take.
    pub(crate) refused_people: BTreeSet<i64>,
    /// By id.
    pub(crate) event_types: BTreeMap<i64, EventType>,
    pub(crate) tokens: Tokens,
    pub(crate) hourly_calls: HourlyCalls,
    pub(crate) faults: Faults,
}

impl Shared {
    pub(crate) fn new(config: Config, addr: String) -> Self {
        let state = State {
            clock: Clock::new(config.now, config.ticking),
            entries: Vec::new(),
            events: Vec::new(),
            people: BTreeMap::new(),
            refused_people: BTreeSet::new(),
            event_types: all_event_types(),
            tokens: Tokens::default(),
            hourly_calls: HourlyCalls::default(),
            faults: Faults::default(),
        };
        Self {
            events: Events::new(&config),
            event_text: EventText::new(&config),
            config,
            addr,
            gate: Gate::default(),
            requests: Log::default(),
            calls: Log::default(),
            stopped: watch::Sender::new(false),
            state: Mutex::new(state),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // No change of the state can stop half-way, so a panic elsewhere leaves it intact.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.state().clock.now()
    }

    /// Waits until the simulator stops.
    pub(crate) async fn stopped(&self) {
        // An error means that the sender is gone, which is a stop as well.
        let _ = self.stopped.subscribe().wait_for(|&stopped| stopped).await;
    }
}
