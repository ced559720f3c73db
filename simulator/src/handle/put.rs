//! Records, events, people and types of events that a test puts by hand.

use chrono::{DateTime, Utc};

use super::Simulator;
use crate::history::{EventType, Window};
use crate::state::{Entry, PutEvent};
use crate::view::{Direction, EventFilter, EventView, FoundEvent, RecordView, floor};

/// Events per look-up where all are wanted: few enough for flat memory, enough for speed.
const BATCH: usize = 1_000;

/// Records of the legacy API.
impl Simulator {
    /// Adds a record and returns its number, for [`replace`](Self::replace) and
    /// [`remove`](Self::remove). Records of one instant are served in the order in which they
    /// were put, after generated ones.
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
    /// If [`put`](Self::put) never returned this number.
    pub fn replace(&self, number: usize, body: impl Into<String>) {
        if let Some(entry) = &mut self.shared.state().entries[number] {
            entry.body = body.into();
        }
    }

    /// Removes the record with this number. Other numbers stay.
    ///
    /// # Panics
    ///
    /// If [`put`](Self::put) never returned this number.
    pub fn remove(&self, number: usize) {
        self.shared.state().entries[number] = None;
    }

    /// Removes all records that were put. Generated ones and events stay, and numbers go on.
    pub fn clear(&self) {
        self.shared.state().entries.fill(None);
    }

    /// The texts of all records that a complete answer for these dates would hold now, in its order,
    /// without `cap`. They are as of the call.
    pub fn records(
        &self,
        start: Option<DateTime<Utc>>,
        stop: Option<DateTime<Utc>>,
    ) -> impl Iterator<Item = String> + use<> {
        let window = Window { start, stop, bounds: self.shared.config.bounds };
        let view = RecordView::new(&self.shared, &window, self.now());
        let shared = self.shared.clone();
        (0..view.len()).filter_map(move |position| {
            let mut text = Vec::new();
            let visible = view.write(&shared, position, &mut text);
            visible.then(|| String::from_utf8_lossy(&text).into_owned())
        })
    }
}

/// Events, people and event types of the current API.
impl Simulator {
    /// Adds an event and returns its number, for [`replace_event`](Self::replace_event) and
    /// [`remove_event`](Self::remove_event); [`put`](Self::put) counts separately.
    ///
    /// The order, `since` and `until` use the entry's `at`, to the millisecond. Events of one
    /// millisecond are ordered by the ids in their texts, then those without a numeric id as they
    /// were put. The filter by type reads the text too: an event without a numeric `event_type_id`
    /// passes every filter.
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
    /// If [`put_event`](Self::put_event) never returned this number.
    pub fn replace_event(&self, number: usize, body: impl Into<String>) {
        if let Some(event) = &mut self.shared.state().events[number] {
            *event = PutEvent::new(event.at, event.visible_from, body.into());
        }
    }

    /// Removes the event with this number. Other numbers stay.
    ///
    /// # Panics
    ///
    /// If [`put_event`](Self::put_event) never returned this number.
    pub fn remove_event(&self, number: usize) {
        self.shared.state().events[number] = None;
    }

    /// The texts of all events that a complete walk with these parameters would give now, oldest
    /// first. They are as of the call.
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
        let filter = EventFilter { window, types: types.map(<[i64]>::to_vec) };
        let view = EventView::new(&self.shared, filter, self.now());
        let shared = self.shared.clone();
        let (mut batch, mut last) = (Vec::new().into_iter(), None);
        std::iter::from_fn(move || {
            let found: FoundEvent = batch.next().or_else(|| {
                let walk = view.walk(&shared, Direction::Ascending, last);
                batch = walk.take(BATCH).collect::<Vec<_>>().into_iter();
                batch.next()
            })?;
            last = Some(found.key);
            let mut text = Vec::new();
            view.write(&shared, &found, &mut text);
            Some(String::from_utf8_lossy(&text).into_owned())
        })
    }

    /// Puts a person into the directory, or replaces a generated one. The body is the JSON of the
    /// person, served unchanged whatever `fields` selects.
    pub fn put_user(&self, id: i64, body: impl Into<String>) {
        self.shared.state().people.insert(id, Some(body.into().into()));
    }

    /// Removes a person from the directory, a generated one too. Failures and events still name them.
    pub fn remove_user(&self, id: i64) {
        self.shared.state().people.insert(id, None);
    }

    /// Has the directory refuse every request that names this id, with the status of
    /// [`Config::users_ids`](crate::Config::users_ids), or 400.
    pub fn refuse_user(&self, id: i64) {
        self.shared.state().refused_people.insert(id);
    }

    /// Adds a type to those that the API lists, or replaces one.
    pub fn add_event_type(&self, id: i64, name: &str, description: Option<&str>) {
        let description = description.map(str::to_owned);
        let added = EventType { id, name: name.to_owned(), description };
        self.shared.state().event_types.insert(id, added);
    }
}
