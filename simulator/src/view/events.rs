//! Events that a filter selects, in the order in which they are served, generated and put by hand.
//!
//! A walk over generated events holds none of them. Bisection finds its start, so that the cost of
//! a page depends on its own events and not on the million before it.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::history::{Choice, Events, KINDS, Key, Kind, Window, rng_for};
use crate::state::Shared;

/// A shuffled walk mixes the events of one day, in milliseconds.
const BLOCK: i64 = 86_400_000;

/// Selects events by time and type.
#[derive(Clone, Debug)]
pub(crate) struct EventFilter {
    pub(crate) window: Window,
    /// `None` for all types.
    pub(crate) types: Option<Vec<i64>>,
}

/// Orders in which events are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Ascending,
    Descending,
    Shuffled,
}

/// An event that a walk has found.
#[derive(Clone, Debug)]
pub(crate) struct FoundEvent {
    pub(crate) key: Key,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Generated(Kind, u64),
    Put(Arc<str>),
}

/// Events that a filter selects at one moment. Events that are put later are not among them.
#[derive(Debug)]
pub(crate) struct EventView {
    filter: EventFilter,
    now: DateTime<Utc>,
    /// In time order.
    put: Vec<(Key, Arc<str>)>,
}

impl EventView {
    pub(crate) fn new(shared: &Shared, filter: EventFilter, now: DateTime<Utc>) -> Self {
        let state = shared.state();
        let mut put: Vec<(Key, Arc<str>)> = (1..)
            .zip(&state.events)
            .filter_map(|(number, event)| Some((number, event.as_ref()?)))
            .filter(|(_, event)| {
                let is_selected = event.event_type_id.is_none_or(|kind| filter.has_type(kind));
                let is_visible = event.at <= now && event.visible_from <= now;
                is_selected && is_visible && filter.window.contains(floor(event.at))
            })
            .map(|(number, event)| {
                let id = event.id.unwrap_or(i64::MAX);
                let key = Key { at: event.at.timestamp_millis(), id, put: number };
                (key, event.body.clone())
            })
            .collect();
        put.sort_by_key(|&(key, _)| key);
        Self { filter, now, put }
    }

    /// The events after `after`, or all, in order.
    pub(crate) fn walk<'a>(
        &'a self,
        shared: &'a Shared,
        direction: Direction,
        after: Option<Key>,
    ) -> Box<dyn Iterator<Item = FoundEvent> + 'a> {
        let events = &shared.events;
        match direction {
            Direction::Ascending => Box::new(Walk::new(events, self, true, after)),
            Direction::Descending => Box::new(Walk::new(events, self, false, after)),
            Direction::Shuffled => {
                let seed = shared.config.seed;
                let mut found: Vec<_> = Walk::new(events, self, true, None).collect();
                found.sort_by_key(|found| shuffled_key(seed, found.key));
                let after = after.map(|key| shuffled_key(seed, key));
                let is_after = move |found: &FoundEvent| {
                    after.is_none_or(|after| shuffled_key(seed, found.key) > after)
                };
                Box::new(found.into_iter().filter(is_after))
            }
        }
    }

    /// Appends the JSON of an event as it is at the moment of the view.
    pub(crate) fn write(&self, shared: &Shared, found: &FoundEvent, out: &mut Vec<u8>) {
        match &found.source {
            Source::Put(text) => out.extend_from_slice(text.as_bytes()),
            Source::Generated(kind, index) => {
                let now = self.now.timestamp_millis();
                shared.event_text.write(&shared.events, *kind, *index, now, out);
            }
        }
    }

    fn contains(&self, at: i64) -> bool {
        DateTime::from_timestamp_millis(at).is_some_and(|at| self.filter.window.contains(at))
    }
}

/// The sort key of an event in a shuffled walk. It depends on this event alone, so that new events
/// do not move it.
fn shuffled_key(seed: u64, key: Key) -> (i64, u64, Key) {
    let mixed = key.id.unsigned_abs() ^ key.put.rotate_left(32);
    (key.at.div_euclid(BLOCK), rng_for(seed, Choice::Shuffle, mixed).u64(..), key)
}

impl EventFilter {
    fn has_type(&self, event_type_id: i64) -> bool {
        self.types.as_ref().is_none_or(|types| types.contains(&event_type_id))
    }
}

/// A moment cut off at the millisecond, as events are compared.
pub(crate) fn floor(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at.timestamp_millis()).unwrap_or(at)
}

/// A walk in time order, or in reverse.
struct Walk<'a> {
    events: &'a Events,
    view: &'a EventView,
    is_ascending: bool,
    /// The next generated event of each kind; `None` for kinds not selected, and after the last one.
    next: [Option<(Key, u64)>; 3],
    /// Put events that are still to come.
    put: &'a [(Key, Arc<str>)],
}

impl<'a> Walk<'a> {
    fn new(
        events: &'a Events,
        view: &'a EventView,
        is_ascending: bool,
        after: Option<Key>,
    ) -> Self {
        let put = view.put.as_slice();
        let put = match after {
            None => put,
            Some(after) if is_ascending => &put[put.partition_point(|&(key, _)| key <= after)..],
            Some(after) => &put[..put.partition_point(|&(key, _)| key < after)],
        };
        let mut walk = Self { events, view, is_ascending, next: [None; 3], put };
        for (place, kind) in KINDS.into_iter().enumerate() {
            let is_selected = Events::types(kind).iter().any(|&kind| view.filter.has_type(kind));
            if is_selected && !events.timeline(kind).is_empty() {
                walk.next[place] = walk.start(kind, after).and_then(|index| walk.at(kind, index));
            }
        }
        walk
    }

    /// The first generated event of a kind that may belong to the walk.
    fn start(&self, kind: Kind, after: Option<Key>) -> Option<u64> {
        let timeline = self.events.timeline(kind);
        let window = &self.view.filter.window;
        let now = self.view.now;
        let at = |index| DateTime::from_timestamp_millis(timeline.created_at_millis(index));
        let first = |reached: &dyn Fn(u64) -> bool| timeline.first_index(now, reached);
        if self.is_ascending {
            let begun = |index| at(index).is_none_or(|at| !window.begins_after(at));
            return Some(match after {
                None => first(&begun),
                // A cursor may come from a walk with an earlier start.
                Some(after) => first(&|index| begun(index) && self.events.key(kind, index) > after),
            });
        }
        let over = |index| at(index).is_none_or(|at| window.ends_before(at) || at > now);
        let end = match after {
            None => first(&over),
            Some(after) => first(&|index| over(index) || self.events.key(kind, index) >= after),
        };
        end.checked_sub(1)
    }

    /// A generated event with its key, if it is in the window and not in the future.
    fn at(&self, kind: Kind, index: u64) -> Option<(Key, u64)> {
        let key = self.events.key(kind, index);
        let is_known = key.at <= self.view.now.timestamp_millis();
        (is_known && self.view.contains(key.at)).then_some((key, index))
    }

    /// The kind with the nearest next event.
    fn nearest(&self) -> Option<usize> {
        let keys = self
            .next
            .iter()
            .enumerate()
            .filter_map(|(place, next)| Some((place, next.as_ref()?.0)));
        let nearest = if self.is_ascending {
            keys.min_by_key(|&(_, key)| key)
        } else {
            keys.max_by_key(|&(_, key)| key)
        };
        nearest.map(|(place, _)| place)
    }

    /// Takes the next put event if it comes before the generated event with key `before`.
    fn take_put(&mut self, before: Option<Key>) -> Option<FoundEvent> {
        let is_next = |key: Key| before.is_none_or(|other| (key < other) == self.is_ascending);
        let ((key, text), rest) =
            if self.is_ascending { self.put.split_first()? } else { self.put.split_last()? };
        if !is_next(*key) {
            return None;
        }
        self.put = rest;
        Some(FoundEvent { key: *key, source: Source::Put(text.clone()) })
    }
}

impl Iterator for Walk<'_> {
    type Item = FoundEvent;

    fn next(&mut self) -> Option<FoundEvent> {
        let now = self.view.now.timestamp_millis();
        // Each round takes one event, so it ends with the known history at the latest.
        loop {
            let nearest = self.nearest();
            let generated = nearest.and_then(|place| self.next[place]);
            if let Some(put) = self.take_put(generated.map(|(key, _)| key)) {
                return Some(put);
            }
            let (place, (key, index)) = (nearest?, generated?);
            let kind = KINDS[place];
            let following =
                if self.is_ascending { index.checked_add(1) } else { index.checked_sub(1) };
            self.next[place] = following.and_then(|index| self.at(kind, index));
            let event_type_id = self.events.visible_type(kind, index, now);
            if event_type_id.is_some_and(|kind| self.view.filter.has_type(kind)) {
                return Some(FoundEvent { key, source: Source::Generated(kind, index) });
            }
        }
    }
}
