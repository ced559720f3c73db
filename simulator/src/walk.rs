//! The events of one question in the order in which they are served, made up and put by hand.
//!
//! A walk over made-up events holds none of them: in the order of time it finds where to go on by
//! bisection and reads on from there, so that a page out of a million costs what its events cost.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::events::{Events, KINDS, Key, Kind};
use super::history::{Choice, Window, dice};
use super::state::Shared;

/// A shuffled walk mixes the events of a day, in milliseconds.
const BLOCK: i64 = 86_400_000;

/// Which events are asked for.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) window: Window,
    /// None = all types.
    pub(super) types: Option<Vec<i64>>,
}

/// In which order events are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Up,
    Down,
    Shuffled,
}

/// One event of an answer.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) key: Key,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    MadeUp(Kind, u64),
    Put(Arc<str>),
}

/// What can be seen of the events of a question at one moment.
#[derive(Debug)]
pub(super) struct View {
    question: Question,
    now: DateTime<Utc>,
    /// In the order of time.
    put: Vec<(Key, Arc<str>)>,
}

impl Shared {
    /// What `question` can see at `now`. Events that are put later are not in it.
    pub(super) fn view(&self, question: Question, now: DateTime<Utc>) -> View {
        let state = self.state();
        let mut put: Vec<(Key, Arc<str>)> = (1..)
            .zip(&state.events)
            .filter_map(|(number, event)| Some((number, event.as_ref()?)))
            .filter(|(_, event)| {
                let is_asked_for = event.event_type_id.is_none_or(|kind| question.asks_for(kind));
                let is_visible = event.at <= now && event.visible_from <= now;
                is_asked_for && is_visible && question.window.contains(floor(event.at))
            })
            .map(|(number, event)| {
                let id = event.id.unwrap_or(i64::MAX);
                let key = Key { at: event.at.timestamp_millis(), id, put: number };
                (key, event.body.clone())
            })
            .collect();
        put.sort_by_key(|&(key, _)| key);
        View { question, now, put }
    }

    /// The events of `view` behind `from`, or all, in order.
    pub(super) fn walk<'a>(
        &'a self,
        view: &'a View,
        direction: Direction,
        from: Option<Key>,
    ) -> Box<dyn Iterator<Item = Found> + 'a> {
        match direction {
            Direction::Up => Box::new(Walk::new(&self.made_up, view, true, from)),
            Direction::Down => Box::new(Walk::new(&self.made_up, view, false, from)),
            Direction::Shuffled => {
                let place = |key: Key| shuffled_place(self.config.seed, key);
                let mut found: Vec<Found> = Walk::new(&self.made_up, view, true, None).collect();
                found.sort_by_key(|found| place(found.key));
                let from = from.map(place);
                let is_behind =
                    move |found: &Found| from.is_none_or(|from| place(found.key) > from);
                Box::new(found.into_iter().filter(is_behind))
            }
        }
    }

    /// Appends the JSON of an event as it is at the moment of `view`.
    pub(super) fn write_event(&self, view: &View, found: &Found, out: &mut Vec<u8>) {
        match &found.source {
            Source::Put(text) => out.extend_from_slice(text.as_bytes()),
            Source::MadeUp(kind, index) => {
                self.made_up.write(*kind, *index, view.now.timestamp_millis(), out);
            }
        }
    }
}

/// Where an event stands in a shuffled walk: a function of the event alone, so that others that
/// appear do not move it.
fn shuffled_place(seed: u64, key: Key) -> (i64, u64, Key) {
    let mixed = key.id.unsigned_abs() ^ key.put.rotate_left(32);
    (key.at.div_euclid(BLOCK), dice(seed, Choice::Shuffle, mixed).u64(..), key)
}

impl Question {
    fn asks_for(&self, event_type_id: i64) -> bool {
        self.types.as_ref().is_none_or(|types| types.contains(&event_type_id))
    }
}

impl View {
    fn contains(&self, at: i64) -> bool {
        DateTime::from_timestamp_millis(at).is_some_and(|at| self.question.window.contains(at))
    }
}

/// A moment without what is below a millisecond: so events are compared.
pub(super) fn floor(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at.timestamp_millis()).unwrap_or(at)
}

/// A walk in the order of time, or against it.
struct Walk<'a> {
    events: &'a Events,
    view: &'a View,
    up: bool,
    /// The next made-up event of each kind that is asked for; none behind the last.
    next: [Option<(Key, u64)>; 3],
    /// Those of the put events that are still to come.
    put: &'a [(Key, Arc<str>)],
}

impl<'a> Walk<'a> {
    fn new(events: &'a Events, view: &'a View, up: bool, from: Option<Key>) -> Self {
        let put = view.put.as_slice();
        let put = match from {
            None => put,
            Some(from) if up => &put[put.partition_point(|&(key, _)| key <= from)..],
            Some(from) => &put[..put.partition_point(|&(key, _)| key < from)],
        };
        let mut walk = Self { events, view, up, next: [None; 3], put };
        for (place, kind) in KINDS.into_iter().enumerate() {
            let asked_for = Events::types(kind).iter().any(|&kind| view.question.asks_for(kind));
            if asked_for && !events.history(kind).is_empty() {
                walk.next[place] = walk.start(kind, from).and_then(|index| walk.at(kind, index));
            }
        }
        walk
    }

    /// The first made-up event of a kind that may belong to the walk.
    fn start(&self, kind: Kind, from: Option<Key>) -> Option<u64> {
        let history = self.events.history(kind);
        let window = &self.view.question.window;
        let now = self.view.now;
        let at = |index| DateTime::from_timestamp_millis(history.created_at_millis(index));
        let first = |reached: &dyn Fn(u64) -> bool| history.first_index(now, reached);
        if self.up {
            let begun = |index| at(index).is_none_or(|at| !window.is_after(at));
            return Some(match from {
                None => first(&begun),
                // A cursor may come from a walk that began earlier.
                Some(from) => first(&|index| begun(index) && self.events.key(kind, index) > from),
            });
        }
        let over = |index| at(index).is_none_or(|at| window.is_before(at) || at > now);
        let end = match from {
            None => first(&over),
            Some(from) => first(&|index| over(index) || self.events.key(kind, index) >= from),
        };
        end.checked_sub(1)
    }

    /// A made-up event with its key, if it is still in the window and not in the future.
    fn at(&self, kind: Kind, index: u64) -> Option<(Key, u64)> {
        let key = self.events.key(kind, index);
        let is_known = key.at <= self.view.now.timestamp_millis();
        (is_known && self.view.contains(key.at)).then_some((key, index))
    }

    /// The kind whose next event comes first.
    fn nearest(&self) -> Option<usize> {
        let keys = self
            .next
            .iter()
            .enumerate()
            .filter_map(|(place, next)| Some((place, next.as_ref()?.0)));
        let nearest = if self.up {
            keys.min_by_key(|&(_, key)| key)
        } else {
            keys.max_by_key(|&(_, key)| key)
        };
        nearest.map(|(place, _)| place)
    }

    /// Takes the next put event if it comes before the made-up one with this key.
    fn take_put(&mut self, before: Option<Key>) -> Option<Found> {
        let is_next = |key: Key| before.is_none_or(|other| (key < other) == self.up);
        let ((key, text), rest) =
            if self.up { self.put.split_first()? } else { self.put.split_last()? };
        if !is_next(*key) {
            return None;
        }
        self.put = rest;
        Some(Found { key: *key, source: Source::Put(text.clone()) })
    }
}

impl Iterator for Walk<'_> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        let now = self.view.now.timestamp_millis();
        // Ends at the latest where the known history does: each round takes one event.
        loop {
            let nearest = self.nearest();
            let made_up = nearest.and_then(|place| self.next[place]);
            if let Some(put) = self.take_put(made_up.map(|(key, _)| key)) {
                return Some(put);
            }
            let (place, (key, index)) = (nearest?, made_up?);
            let kind = KINDS[place];
            let following = if self.up { index.checked_add(1) } else { index.checked_sub(1) };
            self.next[place] = following.and_then(|index| self.at(kind, index));
            let event_type_id = self.events.visible_type(kind, index, now);
            if event_type_id.is_some_and(|kind| self.view.question.asks_for(kind)) {
                return Some(Found { key, source: Source::MadeUp(kind, index) });
            }
        }
    }
}
