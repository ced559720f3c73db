//! Legacy records of one answer, in the order in which they are served, none of them in memory.

use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::config::Order;
use crate::history::{Choice, Window, moment, rng_for};
use crate::state::{Entry, Shared};
use crate::text::write_record;

/// Records that a shuffled answer mixes with each other.
const BLOCK: u64 = 1024;
/// A prime above [`BLOCK`]: it shares no factor with the length of a block, so that stepping by it
/// visits each record of a block once.
const STRIDE: u64 = 7919;

/// One record of an answer.
enum Element<'a> {
    /// The generated record with this index.
    Generated(u64),
    /// The text of a record that was put by hand.
    Put(&'a Arc<str>),
}

/// Legacy records of a window at one moment, generated ones and those put by hand. Late records
/// that are not visible yet have a position too.
#[derive(Debug)]
pub(crate) struct RecordView {
    now: DateTime<Utc>,
    generated: Range<u64>,
    /// In time order, each with its place among all records in time order. Places rise strictly.
    put: Vec<(u64, Arc<str>)>,
    order: Order,
    seed: u64,
}

impl RecordView {
    pub(crate) fn new(shared: &Shared, window: &Window, now: DateTime<Utc>) -> Self {
        let timeline = &shared.events.failures.timeline;
        let generated = timeline.within(window, now);
        let mut entries: Vec<Entry> = shared.state().entries.iter().flatten().cloned().collect();
        entries.retain(|entry| {
            window.contains(entry.at) && entry.at <= now && entry.visible_from <= now
        });
        // Stable: equal times stay in the order in which they were put.
        entries.sort_by_key(|entry| entry.at);
        let generated_through = |at: DateTime<Utc>| {
            if generated.is_empty() {
                return 0;
            }
            let next = timeline.first(now, |other| other > at);
            next.clamp(generated.start, generated.end) - generated.start
        };
        let put = entries
            .into_iter()
            .zip(0..)
            .map(|(entry, earlier)| (generated_through(entry.at) + earlier, entry.body.into()))
            .collect();
        let (order, seed) = (shared.config.order, shared.config.seed);
        Self { now, generated, put, order, seed }
    }

    pub(crate) fn len(&self) -> u64 {
        self.generated.end - self.generated.start + self.put.len() as u64
    }

    /// Appends the record at `position`, which is below `len`. Returns `false` if it is not visible
    /// yet.
    pub(crate) fn write(&self, shared: &Shared, position: u64, out: &mut Vec<u8>) -> bool {
        match self.at(position) {
            Element::Put(text) => out.extend_from_slice(text.as_bytes()),
            Element::Generated(index) => {
                let failures = &shared.events.failures;
                if moment(failures.visible_from(index)) > self.now {
                    return false;
                }
                write_record(failures, index, out);
            }
        }
        true
    }

    fn at(&self, position: u64) -> Element<'_> {
        let place = match self.order {
            Order::Ascending => position,
            Order::Descending => self.len() - 1 - position,
            Order::Shuffled => self.shuffled(position),
        };
        match self.put.binary_search_by_key(&place, |&(place, _)| place) {
            Ok(found) => Element::Put(&self.put[found].1),
            Err(before) => Element::Generated(self.generated.start + place - before as u64),
        }
    }

    fn shuffled(&self, position: u64) -> u64 {
        let block = position / BLOCK;
        let first = block * BLOCK;
        let length = BLOCK.min(self.len() - first);
        let shift = rng_for(self.seed, Choice::Shuffle, block).u64(..length);
        first + ((position - first) * STRIDE + shift) % length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(order: Order) -> Vec<String> {
        let put = vec![(0, Arc::from("a")), (3, Arc::from("b")), (4, Arc::from("c"))];
        let now = DateTime::UNIX_EPOCH;
        let view = RecordView { now, generated: 10..3_010, put, order, seed: 1 };
        (0..view.len())
            .map(|position| match view.at(position) {
                Element::Generated(index) => index.to_string(),
                Element::Put(text) => text.to_string(),
            })
            .collect()
    }

    #[test]
    fn every_order_serves_every_record_once() {
        let ascending = served(Order::Ascending);
        assert_eq!(ascending[..6], ["a", "10", "11", "b", "c", "12"]);
        let mut descending = served(Order::Descending);
        descending.reverse();
        assert_eq!(descending, ascending);
        let (mut shuffled, mut sorted) = (served(Order::Shuffled), ascending.clone());
        assert_ne!(shuffled, ascending);
        shuffled.sort();
        sorted.sort();
        assert_eq!(shuffled, sorted);
    }
}
