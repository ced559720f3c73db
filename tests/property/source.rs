//! A source whose history a test determines: few people, few ids, many ties.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use onelogin_simulator::{
    Bounds, Config, Cursor, Entry, EventForm, LastPage, Order, OverLimit, Simulator,
};
use proptest::prelude::*;

use super::sketch::{Form, Sketch, sketch};
use crate::support::api::Api;
use crate::support::onelogin::start;

/// No record appears later than this after its time: the documented limit, the overlap.
pub(super) const LATEST_MINUTES: u32 = 24 * 60;
/// Records that appear later than others are put on a grid, so that many share their second.
const GRID: TimeDelta = TimeDelta::hours(2);
const DAYS: u32 = 60;
/// A response of this many records is one that may have been cut.
const CAP: u64 = 50;

/// The choices that the documents leave open, and the start of the history.
#[derive(Clone, Debug)]
pub(super) struct Variant {
    bounds: Bounds,
    order: Order,
    capped: bool,
    gzip: bool,
    pages: Pages,
    /// Made-up records in the days before, beside those below; they go on at that rate.
    made_up: u64,
    /// Records and how many days ago they happened.
    first: Vec<(Sketch, u32)>,
}

/// The manner in which the events API serves.
#[derive(Clone, Debug)]
struct Pages {
    size: u32,
    cursor: Cursor,
    last: LastPage,
    form: EventForm,
    over_limit: OverLimit,
    ignores_type_filter: bool,
}

/// A change of the source.
#[derive(Clone, Debug)]
pub(super) enum Happening {
    /// A record with this many minutes between its time and now becomes visible another number of
    /// minutes from now.
    Appears {
        sketch: Sketch,
        minutes_ago: u32,
        minutes_until: u32,
    },
    /// A record becomes visible at the last moment at which it must be found.
    AppearsAtTheLimit(Sketch),
    /// A record is there once more, after all others of its second: with this content, if any,
    /// and so perhaps with another than before.
    Repeats(prop::sample::Index, Option<u8>),
    /// The same failure comes with another e-mail and error.
    Changes(prop::sample::Index, u8),
    TimePasses(u32),
}

pub(super) fn variant() -> impl Strategy<Value = Variant> {
    let bounds = prop::sample::select(vec![Bounds::Inclusive, Bounds::HalfOpen, Bounds::Exclusive]);
    let order = prop::sample::select(vec![Order::Ascending, Order::Descending, Order::Shuffled]);
    let made_up = prop::sample::select(vec![0, 20, 150]);
    let first = prop::collection::vec((sketch(), 0..DAYS), 0..12);
    (bounds, order, any::<bool>(), any::<bool>(), pages(), made_up, first).prop_map(
        |(bounds, order, capped, gzip, pages, made_up, first)| Variant {
            bounds,
            order,
            capped,
            gzip,
            pages,
            made_up,
            first,
        },
    )
}

fn pages() -> impl Strategy<Value = Pages> {
    let size = prop::sample::select(vec![1, 7, 50, 1_000]);
    let cursor = prop::sample::select(vec![Cursor::Keyset, Cursor::PageNumber]);
    let last = vec![LastPage::NullCursor, LastPage::EmptyWithCursor, LastPage::RepeatedCursor];
    let form = prop::sample::select(vec![EventForm::Modern, EventForm::Odd]);
    let over_limit = prop::sample::select(vec![OverLimit::Status429, OverLimit::BadRequest]);
    (size, cursor, prop::sample::select(last), form, over_limit, any::<bool>()).prop_map(
        |(size, cursor, last, form, over_limit, ignores_type_filter)| Pages {
            size,
            cursor,
            last,
            form,
            over_limit,
            ignores_type_filter,
        },
    )
}

pub(super) fn happening() -> impl Strategy<Value = Happening> {
    // The sum stays below the limit, with the grid.
    let appears = (sketch(), 0..600_u32, prop_oneof![Just(0), 0..600_u32]).prop_map(
        |(sketch, minutes_ago, minutes_until)| Happening::Appears {
            sketch,
            minutes_ago,
            minutes_until,
        },
    );
    prop_oneof![
        6 => appears,
        1 => sketch().prop_map(Happening::AppearsAtTheLimit),
        3 => (any::<prop::sample::Index>(), prop::option::of(0..4_u8))
            .prop_map(|(i, c)| Happening::Repeats(i, c)),
        6 => (any::<prop::sample::Index>(), 0..4_u8).prop_map(|(i, c)| Happening::Changes(i, c)),
        // Mostly little, so that what may change has been read before.
        3 => (0..90_u32).prop_map(Happening::TimePasses),
        1 => (0..LATEST_MINUTES * 2).prop_map(Happening::TimePasses),
    ]
}

/// The source, and what was put there.
pub(super) struct Source {
    pub(super) onelogin: Simulator,
    order: Order,
    put: Vec<Put>,
    /// Texts that were replaced.
    replaced: HashSet<String>,
}

/// The records that were put there.
#[derive(Clone)]
struct Put {
    /// By the stand-in's count, of records or of events.
    number: usize,
    entry: Entry,
    sketch: Sketch,
}

impl Source {
    pub(super) fn new(variant: &Variant) -> Self {
        let onelogin = start(Config {
            failures: variant.made_up,
            days: DAYS,
            late_records: 5,
            // Those that change after days are found by a rescan only, if one comes in time.
            resolved_events: 0,
            bad_records: 10,
            people: Some(3),
            bounds: variant.bounds,
            order: variant.order,
            cap: variant.capped.then_some(CAP),
            gzip: variant.gzip,
            page: variant.pages.size,
            cursor: variant.pages.cursor,
            last_page: variant.pages.last,
            event_form: variant.pages.form,
            over_limit: variant.pages.over_limit,
            ignores_type_filter: variant.pages.ignores_type_filter,
            ..Config::default()
        });
        let order = variant.order;
        let mut source = Self { onelogin, order, put: Vec::new(), replaced: HashSet::new() };
        for (sketch, days) in &variant.first {
            let now = source.onelogin.now();
            source.put(sketch.clone(), now - TimeDelta::days((*days).into()), now);
        }
        source
    }

    pub(super) fn happen(&mut self, happening: &Happening) {
        let now = self.onelogin.now();
        match happening {
            Happening::Appears { sketch, minutes_ago, minutes_until } => {
                let happened = now - TimeDelta::minutes((*minutes_ago).into());
                let happened = on_grid(happened);
                let visible = now + TimeDelta::minutes((*minutes_until).into());
                self.put(sketch.clone(), happened, visible);
            }
            Happening::AppearsAtTheLimit(sketch) => {
                let happened = now - TimeDelta::minutes(LATEST_MINUTES.into());
                self.put(sketch.clone(), happened, now);
            }
            // Not in a changing order, as in `put`.
            Happening::Repeats(_, _) if self.order == Order::Shuffled => {}
            Happening::Repeats(index, content) => {
                if let Some(place) = self.recent(*index, now) {
                    let Put { mut entry, mut sketch, .. } = self.put[place].clone();
                    // An event has its id for itself.
                    if sketch.api == Api::Events {
                        return;
                    }
                    if let Some(content) = content {
                        sketch.content = *content;
                        entry.body = sketch.text(entry.at, self.put.len());
                    }
                    let number = self.onelogin.put(entry.clone());
                    self.put.push(Put { number, entry, sketch });
                }
            }
            Happening::Changes(index, content) => {
                if let Some(place) = self.recent(*index, now) {
                    self.change(place, *content);
                }
            }
            Happening::TimePasses(minutes) => {
                self.onelogin.advance(Duration::from_mins((*minutes).into()));
            }
        }
    }

    /// True for a text that was served once, and is not served any more.
    pub(super) fn is_corrected(&self, text: &str) -> bool {
        self.replaced.contains(text) && self.put.iter().all(|put| put.entry.body != text)
    }

    /// One of the records that may still change or repeat: later, nobody would look.
    fn recent(&self, index: prop::sample::Index, now: DateTime<Utc>) -> Option<usize> {
        let oldest = now - TimeDelta::minutes(LATEST_MINUTES.into());
        let recent: Vec<usize> =
            (0..self.put.len()).filter(|&place| self.put[place].entry.at >= oldest).collect();
        (!recent.is_empty()).then(|| *index.get(&recent))
    }

    fn put(&mut self, mut sketch: Sketch, at: DateTime<Utc>, visible_from: DateTime<Utc>) {
        // Which record of one identity counts depends on their order, or on the response that has
        // them: where these change from one response to the next, identities are not repeated.
        let is_event = sketch.api == Api::Events;
        if self.order == Order::Shuffled || sketch.form == Form::InTheFuture || is_event {
            sketch.id = 100 + number(self.put.len());
        }
        let entry = Entry::new(at, sketch.text(at, self.put.len())).late(visible_from);
        let number = if is_event {
            self.onelogin.put_event(entry.clone())
        } else {
            self.onelogin.put(entry.clone())
        };
        self.put.push(Put { number, entry, sketch });
    }

    /// Changes the content of a record. A bad one is corrected; the contrary would leave
    /// what no later load can know.
    fn change(&mut self, place: usize, content: u8) {
        let Put { number, entry, sketch } = &mut self.put[place];
        sketch.content = content;
        if matches!(sketch.form, Form::Bad(_)) {
            sketch.form = Form::Good;
        }
        let text = sketch.text(entry.at, place);
        let before = std::mem::replace(&mut entry.body, text.clone());
        self.replaced.insert(before);
        if sketch.api == Api::Events {
            self.onelogin.replace_event(*number, text);
        } else {
            self.onelogin.replace(*number, text);
        }
    }
}

fn on_grid(at: DateTime<Utc>) -> DateTime<Utc> {
    let past = at.timestamp() % GRID.num_seconds();
    at - TimeDelta::seconds(past)
}

fn number(n: usize) -> i64 {
    n.try_into().expect("few records")
}
