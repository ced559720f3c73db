//! What a test puts into the simulator by hand, and takes out again.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::event_types::EventType;
use super::history::Window;
use super::walk::{Direction, Found, Question, floor};
use super::{Entry, Simulator};

/// Events that are looked up at once where all are wanted: enough to cost nothing, few enough to
/// need no memory.
const BATCH: usize = 1_000;

/// An event put by hand, and what its text says of itself.
#[derive(Clone, Debug)]
pub(super) struct PutEvent {
    pub(super) at: DateTime<Utc>,
    pub(super) visible_from: DateTime<Utc>,
    pub(super) body: Arc<str>,
    pub(super) id: Option<i64>,
    /// Without one it passes every filter.
    pub(super) event_type_id: Option<i64>,
}

impl PutEvent {
    fn new(at: DateTime<Utc>, visible_from: DateTime<Utc>, body: String) -> Self {
        let read: Value = serde_json::from_str(&body).unwrap_or_default();
        let number = |name: &str| match &read[name] {
            Value::String(text) => text.parse().ok(),
            value => value.as_i64(),
        };
        let (id, event_type_id) = (number("id"), number("event_type_id"));
        Self { at, visible_from, body: body.into(), id, event_type_id }
    }
}

/// Records of the legacy API.
impl Simulator {
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

    /// Takes all records away that were put. Made-up ones stay, and numbers go on. Events stay.
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
}

/// Events, people and event types of the current API.
impl Simulator {
    /// Adds an event and returns its number, for [`replace_event`](Self::replace_event) and
    /// [`remove_event`](Self::remove_event); numbers of [`put`](Self::put) are others.
    ///
    /// The event stands in the order, and in `since` and `until`, at the entry's `at`, to the
    /// millisecond. Events of one millisecond stand in the order of their ids, as their texts say
    /// them, and those without a number for an id behind them as they were put. The filter by type
    /// goes by the text too: what has no number for an `event_type_id` passes every filter.
    #[expect(clippy::must_use_candidate, reason = "most events are put and left alone")]
    pub fn put_event(&self, entry: Entry) -> usize {
        let events = &mut self.shared.state().events;
        events.push(Some(PutEvent::new(entry.at, entry.visible_from, entry.body)));
        events.len() - 1
    }

    /// Changes the text of the event with this number, unless it was removed.
    ///
    /// # Panics
    ///
    /// When [`put_event`](Self::put_event) never returned this number.
    pub fn replace_event(&self, number: usize, body: impl Into<String>) {
        if let Some(event) = &mut self.shared.state().events[number] {
            *event = PutEvent::new(event.at, event.visible_from, body.into());
        }
    }

    /// Takes the event with this number away. Other numbers stay.
    ///
    /// # Panics
    ///
    /// When [`put_event`](Self::put_event) never returned this number.
    pub fn remove_event(&self, number: usize) {
        self.shared.state().events[number] = None;
    }

    /// The texts of all events that a whole walk with these parameters would give now, oldest
    /// first. The clock and the events are read at the call.
    pub fn events(
        &self,
        since: Option<DateTime<Utc>>,
        until: Option<DateTime<Utc>>,
        types: Option<&[i64]>,
    ) -> impl Iterator<Item = String> + use<> {
        let window = Window {
            start: since.map(floor),
            stop: until.map(floor),
            bounds: self.shared.config.bounds,
        };
        let types = types.filter(|_| !self.shared.config.ignores_type_filter);
        let question = Question { window, types: types.map(<[i64]>::to_vec) };
        let view = self.shared.view(question, self.now());
        let shared = self.shared.clone();
        let (mut batch, mut last) = (Vec::new().into_iter(), None);
        std::iter::from_fn(move || {
            let found: Found = batch.next().or_else(|| {
                let walk = shared.walk(&view, Direction::Up, last);
                batch = walk.take(BATCH).collect::<Vec<_>>().into_iter();
                batch.next()
            })?;
            last = Some(found.key);
            let mut text = Vec::new();
            shared.write_event(&view, &found, &mut text);
            Some(String::from_utf8_lossy(&text).into_owned())
        })
    }

    /// Puts a person into the directory, or in the place of a made-up one. The body is the JSON of
    /// the person, served as it is whatever `fields` says.
    pub fn put_user(&self, id: i64, body: impl Into<String>) {
        self.shared.state().people.insert(id, Some(body.into().into()));
    }

    /// Takes a person out of the directory, a made-up one too. Failures and events still name them.
    pub fn remove_user(&self, id: i64) {
        self.shared.state().people.insert(id, None);
    }

    /// Adds a type to those that the API lists, or changes one.
    pub fn add_event_type(&self, id: i64, name: &str, description: Option<&str>) {
        let description = description.map(str::to_owned);
        let added = EventType { id, name: name.to_owned(), description };
        self.shared.state().event_types.insert(id, added);
    }
}
