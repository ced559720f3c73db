//! The records of one response in the order in which they are served, none of them in memory.

use std::ops::Range;
use std::sync::Arc;

use super::Order;
use super::history::{Choice, dice};

/// Records that a shuffled response mixes with each other.
const BLOCK: u64 = 1024;
/// A prime above `BLOCK`: it shares no factor with a block's length, so that stepping by it
/// visits each record of a block once.
const STRIDE: u64 = 7919;

/// One record of a response.
pub(super) enum Element<'a> {
    /// The made-up record with this index.
    Generated(u64),
    /// The text of a record that was put by hand.
    Put(&'a Arc<str>),
}

/// Made-up records and those put by hand, merged.
#[derive(Debug)]
pub(super) struct Sequence {
    pub(super) generated: Range<u64>,
    /// In time order, each with its place in the whole in time order. Places rise strictly.
    pub(super) put: Vec<(u64, Arc<str>)>,
    pub(super) order: Order,
    pub(super) seed: u64,
}

impl Sequence {
    pub(super) fn len(&self) -> u64 {
        self.generated.end - self.generated.start + self.put.len() as u64
    }

    /// The record served at `position`, which is below `len`.
    pub(super) fn at(&self, position: u64) -> Element<'_> {
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
        let shift = dice(self.seed, Choice::Shuffle, block).u64(..length);
        first + ((position - first) * STRIDE + shift) % length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(order: Order) -> Vec<String> {
        let put = vec![(0, Arc::from("a")), (3, Arc::from("b")), (4, Arc::from("c"))];
        let sequence = Sequence { generated: 10..3_010, put, order, seed: 1 };
        (0..sequence.len())
            .map(|position| match sequence.at(position) {
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
