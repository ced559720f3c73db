//! What a batch means, given what is stored: which rows are new, which changed, which are only
//! repeated, and which displace another. Pure.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::rows::{Stamp, StoredFailure};
use crate::model::{Counts, Failure, Reason, Reject};

/// How many unchanged failures of a window are remembered, 16 bytes each, so that memory stays flat
/// in the size of a response. Two records of one identity lie next to each other in any order that
/// a server would choose; should they be farther apart, the next read tells them.
const REMEMBERED: usize = 400_000;

/// The failures of a window that were there already, and so carry no trace of having been in it.
#[derive(Debug, Default)]
pub(super) struct Repeated(HashSet<Uuid>);

impl Repeated {
    fn remember(&mut self, id: Uuid) {
        if self.0.len() == REMEMBERED {
            self.0.clear();
        }
        self.0.insert(id);
    }
}

/// What to do about a batch.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// New and changed failures, each id once.
    pub(super) write: Vec<Failure>,
    /// Records of the batch that a later one displaced.
    pub(super) displaced: Vec<Reject>,
    /// Stored failures, written or met by this very window, that the batch displaces.
    pub(super) displaced_stored: Vec<Uuid>,
    /// All counts but those of people and of new rejects.
    pub(super) counts: Counts,
    /// Failures counted as unchanged by an earlier batch which are now overwritten.
    pub(super) no_longer_unchanged: u64,
}

/// Sorts a batch out. Within a response the last record of an identity is kept; others with the
/// same text are repeats, others with another text are put aside as collisions.
pub(super) fn settle(
    stamp: &Stamp,
    batch: Vec<Failure>,
    stored: &HashMap<Uuid, StoredFailure>,
    repeated: &mut Repeated,
) -> Settled {
    let mut settled = Settled::default();
    for failure in last_of_each(stamp, batch, &mut settled) {
        let id = failure.failure_id;
        match stored.get(&id) {
            None => settled.counts.inserted += 1,
            Some(there) if there.content_hash == failure.content_hash => {
                settled.counts.unchanged += 1;
                repeated.remember(id);
                continue;
            }
            // Written by this window: already counted, as inserted or updated.
            Some(there) if (there.run_id, there.synced_at) == (stamp.run_id, stamp.at) => {
                settled.displaced_stored.push(id);
            }
            Some(_) => {
                settled.counts.updated += 1;
                if repeated.0.remove(&id) {
                    settled.no_longer_unchanged += 1;
                    settled.displaced_stored.push(id);
                }
            }
        }
        settled.write.push(failure);
    }
    settled.counts.rejected += settled.displaced_stored.len() as u64;
    settled
}

fn last_of_each(stamp: &Stamp, batch: Vec<Failure>, settled: &mut Settled) -> Vec<Failure> {
    let mut kept: Vec<Failure> = Vec::with_capacity(batch.len());
    let mut position: HashMap<Uuid, usize> = HashMap::with_capacity(batch.len());
    for failure in batch.into_iter().rev() {
        match position.get(&failure.failure_id) {
            None => {
                position.insert(failure.failure_id, kept.len());
                kept.push(failure);
            }
            Some(&at) if kept[at].content_hash == failure.content_hash => {
                settled.counts.unchanged += 1;
            }
            Some(_) => {
                settled.counts.rejected += 1;
                settled.displaced.push(collision(stamp, failure.raw));
            }
        }
    }
    kept.reverse();
    kept
}

/// A record that a later one of the same response displaced.
pub(super) fn collision(stamp: &Stamp, raw: String) -> Reject {
    let detail = "a later record of the same response has the same identity and other content";
    Reject::new(&stamp.origin, Reason::KeyCollision, detail.to_owned(), raw)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::{LEGACY, Operation, OperationSource, Origin, Resolution};
    use crate::store::value::Id;

    fn stamp() -> Stamp {
        let origin = Origin { account: "acme".into(), source: LEGACY };
        let at = chrono::DateTime::from_timestamp(9, 0).unwrap();
        Stamp { origin, run_id: Id(Uuid::from_u128(9)), at }
    }

    /// A failure whose identity is `n` and whose content is `raw`.
    pub(in crate::store) fn failure(n: u128, raw: &str) -> Failure {
        Failure {
            failure_id: Uuid::from_u128(n),
            source_id: Some(1),
            login_id: None,
            person: None,
            operation: Operation::Unknown,
            operation_source: OperationSource::Description,
            app_id: None,
            app_name: None,
            event_type_id: None,
            created_at: chrono::DateTime::UNIX_EPOCH,
            created_at_raw: String::new(),
            description: None,
            error_description: None,
            resolution: Resolution::default(),
            raw: raw.into(),
            content_hash: raw.bytes().map(i64::from).sum(),
        }
    }

    /// What is stored after these were written by another window, or by this very one.
    fn stored(rows: &[(u128, &str)], by_this_window: bool) -> HashMap<Uuid, StoredFailure> {
        let this = stamp();
        let run_id = if by_this_window { this.run_id } else { Id(Uuid::from_u128(1)) };
        let row = |&(n, raw): &(u128, &str)| {
            let content_hash = failure(n, raw).content_hash;
            (Uuid::from_u128(n), StoredFailure { content_hash, run_id, synced_at: this.at })
        };
        rows.iter().map(row).collect()
    }

    fn raws(settled: &Settled) -> (Vec<&str>, Vec<&str>) {
        let written = settled.write.iter().map(|f| f.raw.as_str()).collect();
        (written, settled.displaced.iter().map(|r| r.raw.as_str()).collect())
    }

    /// Inserted, updated, unchanged, rejected.
    fn counted(settled: &Settled) -> [u64; 4] {
        let Counts { inserted, updated, unchanged, rejected, .. } = settled.counts;
        [inserted, updated, unchanged, rejected]
    }

    #[test]
    fn new_changed_and_unchanged_are_told_apart() {
        let batch = vec![failure(1, "new"), failure(2, "changed"), failure(3, "same")];
        let there = stored(&[(2, "before"), (3, "same")], false);
        let settled = settle(&stamp(), batch, &there, &mut Repeated::default());
        assert_eq!(raws(&settled), (vec!["new", "changed"], vec![]));
        assert_eq!(counted(&settled), [1, 1, 1, 0]);
    }

    #[test]
    fn the_last_of_one_identity_is_kept_and_equal_ones_are_repeats() {
        let batch = ["b", "a", "c", "a"].map(|raw| failure(1, raw)).to_vec();
        let settled = settle(&stamp(), batch, &HashMap::new(), &mut Repeated::default());
        assert_eq!(raws(&settled), (vec!["a"], vec!["c", "b"]));
        assert_eq!(counted(&settled), [1, 0, 1, 2]);
    }

    #[test]
    fn a_row_that_this_window_wrote_is_displaced_not_updated() {
        let there = stored(&[(1, "a")], true);
        let settled = settle(&stamp(), vec![failure(1, "b")], &there, &mut Repeated::default());
        assert_eq!(settled.displaced_stored, [Uuid::from_u128(1)]);
        assert_eq!(counted(&settled), [0, 0, 0, 1], "the row it displaces was counted already");
    }

    #[test]
    fn a_row_that_this_window_met_unchanged_is_displaced_too() {
        let there = stored(&[(1, "a")], false);
        let mut repeated = Repeated::default();
        let first = settle(&stamp(), vec![failure(1, "a")], &there, &mut repeated);
        assert_eq!(counted(&first), [0, 0, 1, 0]);
        let then = settle(&stamp(), vec![failure(1, "b")], &there, &mut repeated);
        assert_eq!(then.displaced_stored, [Uuid::from_u128(1)]);
        assert_eq!((counted(&then), then.no_longer_unchanged), ([0, 1, 0, 1], 1));
    }
}
