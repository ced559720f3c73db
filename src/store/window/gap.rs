//! The part of a table where a first load writes: its rows are known to be new without a look-up per batch.
//! Pure.

use std::collections::HashSet;

use uuid::Uuid;

/// Records in a batch that is worth asking for the keys around it.
pub(super) const LEAST_RECORDS: usize = 500;

/// A range of keys in which nothing was stored when the window came there. Runs of other sources may write
/// into it, but never a key of this source.
#[derive(Debug, Default)]
pub(super) struct Gap(Option<Range>);

#[derive(Debug)]
struct Range {
    /// The stored keys on both sides; `None` if there is none.
    below: Option<Uuid>,
    above: Option<Uuid>,
    /// The least and greatest key of the window's batches in the gap, but for the last one.
    earlier: Option<(Uuid, Uuid)>,
    /// The keys of the last batch: records of one second come in any order of their keys, also from one batch
    /// to the next.
    last: HashSet<Uuid>,
}

impl Gap {
    /// Opens the gap between two stored keys, for a batch that nothing is stored among.
    pub(super) fn open(
        &mut self,
        (below, above): (Option<Uuid>, Option<Uuid>),
        batch: impl Iterator<Item = Uuid>,
    ) {
        self.0 = Some(Range { below, above, earlier: None, last: batch.collect() });
    }

    pub(super) fn is_open(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn close(&mut self) {
        self.0 = None;
    }

    /// Takes a batch if none of its keys can be stored. Returns whether it did.
    pub(super) fn take(&mut self, batch: impl Iterator<Item = Uuid> + Clone) -> bool {
        let Some(range) = &mut self.0 else { return false };
        if !batch.clone().all(|key| range.is_free(key)) {
            return false;
        }
        let keys = range.last.iter().copied();
        range.earlier = keys.fold(range.earlier, |earlier, key| {
            Some(earlier.map_or((key, key), |(least, most)| (least.min(key), most.max(key))))
        });
        range.last.clear();
        range.last.extend(batch);
        true
    }
}

impl Range {
    fn is_free(&self, key: Uuid) -> bool {
        self.below.is_none_or(|below| below < key)
            && self.above.is_none_or(|above| key < above)
            && self.earlier.is_none_or(|(least, most)| key < least || most < key)
            && !self.last.contains(&key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &[u128]) -> impl Iterator<Item = Uuid> + Clone {
        keys.iter().map(|key| Uuid::from_u128(*key))
    }

    /// Returns for each of these batches whether it is taken, after one of the keys 50 to 54 between two
    /// stored ones.
    fn taken(batches: &[&[u128]]) -> Vec<bool> {
        let mut gap = Gap::default();
        let around = (Some(Uuid::from_u128(10)), Some(Uuid::from_u128(90)));
        gap.open(around, keys(&[50, 51, 52, 54]));
        batches.iter().map(|batch| gap.take(keys(batch))).collect()
    }

    #[test]
    fn batches_in_either_order_of_time_are_taken() {
        assert_eq!(taken(&[&[55, 56], &[57], &[58, 60]]), [true; 3]);
        assert_eq!(taken(&[&[49, 48], &[47], &[46, 45]]), [true; 3]);
    }

    #[test]
    fn keys_of_the_last_batch_may_be_passed_but_not_repeated() {
        assert_eq!(taken(&[&[53, 55]]), [true], "between keys of the last batch");
        assert_eq!(taken(&[&[54, 55]]), [false], "the same key again");
        assert_eq!(taken(&[&[55, 57], &[56, 58], &[56]]), [true, true, false]);
    }

    #[test]
    fn what_an_earlier_batch_may_hold_is_not_taken() {
        assert_eq!(taken(&[&[60, 61], &[53]]), [true, false]);
        assert_eq!(taken(&[&[60, 61], &[70], &[60]]), [true, true, false]);
    }

    #[test]
    fn the_gap_ends_at_the_stored_keys() {
        for key in [90, 91, 10, 9] {
            assert_eq!(taken(&[&[55, key]]), [false], "{key}");
        }
        let mut gap = Gap::default();
        assert!(!gap.take(keys(&[1])), "no gap is open");
        gap.open((None, None), keys(&[50]));
        assert!(gap.take(keys(&[1])) && gap.take(keys(&[u128::MAX])), "nothing is stored at all");
        gap.close();
        assert!(!gap.take(keys(&[2])));
    }
}
