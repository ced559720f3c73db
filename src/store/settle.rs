//! What a batch means, given what is stored: which rows are new, which changed, which are only
//! repeated, and which displace another. Pure.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::table::Stored;
use super::tx::Stamp;
use crate::model::{Counts, Failure, Reason, Reject, Success, TextArena};

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

/// What to do about the failures of a batch.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// Failures that are not stored, each id once.
    pub(super) new: Vec<Failure>,
    /// Failures that are stored otherwise.
    pub(super) changed: Vec<Failure>,
    /// Records of the batch that a later one displaced.
    pub(super) displaced: Vec<Reject>,
    /// Stored failures, written or met by this very window, that the batch displaces.
    pub(super) displaced_stored: Vec<Uuid>,
    /// All counts but those of people and of new rejects.
    pub(super) counts: Counts,
    /// Failures counted as unchanged by an earlier batch which are now overwritten.
    pub(super) no_longer_unchanged: u64,
}

/// Sorts the failures of a batch out. Within a response the last record of an identity is kept; others
/// with the same text are repeats, others with another text are put aside as collisions.
pub(super) fn settle(
    stamp: &Stamp,
    texts: &TextArena,
    batch: Vec<Failure>,
    stored: &HashMap<Uuid, Stored>,
    repeated: &mut Repeated,
) -> Settled {
    let mut settled = Settled::default();
    for failure in last_of_each(stamp, texts, batch, &mut settled) {
        let id = failure.failure_id;
        match stored.get(&id) {
            None => {
                settled.counts.inserted += 1;
                settled.new.push(failure);
                continue;
            }
            Some(there) if there.is(failure.content_hash, stamp) => {
                settled.counts.unchanged += 1;
                repeated.remember(id);
                continue;
            }
            // Written by this window: already counted, as inserted or updated.
            Some(there) if there.is_of(stamp) => {
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
        settled.changed.push(failure);
    }
    settled.counts.rejected += settled.displaced_stored.len() as u64;
    settled
}

fn last_of_each(
    stamp: &Stamp,
    texts: &TextArena,
    batch: Vec<Failure>,
    settled: &mut Settled,
) -> Vec<Failure> {
    if batch.is_sorted_by(|one, next| one.failure_id < next.failure_id) {
        return batch;
    }
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
                let raw = texts.get(failure.raw).to_owned();
                settled.displaced.push(collision(stamp, failure.failure_id, Some(raw)));
            }
        }
    }
    kept.reverse();
    kept
}

/// A record that a later one of the same response displaced. Of a stored one whose text is not kept, its
/// id stands in.
pub(super) fn collision(stamp: &Stamp, failure_id: Uuid, raw: Option<String>) -> Reject {
    let detail = "a later record of the same response has the same identity and other content";
    let (detail, raw) = match raw {
        Some(raw) => (detail.to_owned(), raw),
        None => (
            format!("{detail}; its text was not kept"),
            format!("{{\"failure_id\":\"{failure_id}\"}}"),
        ),
    };
    Reject::new(&stamp.origin, Reason::KeyCollision, detail, raw)
}

/// Successes that are not stored, and those that are stored otherwise; of each id the last.
pub(super) fn settle_successes(
    stamp: &Stamp,
    batch: Vec<Success>,
    stored: &HashMap<Uuid, Stored>,
) -> (Vec<Success>, Vec<Success>) {
    let mut seen = HashSet::with_capacity(batch.len());
    let (mut new, mut changed) = (Vec::new(), Vec::new());
    for success in batch.into_iter().rev().filter(|success| seen.insert(success.success_id)) {
        match stored.get(&success.success_id) {
            None => new.push(success),
            Some(there) if there.is(success.content_hash, stamp) => {}
            Some(_) => changed.push(success),
        }
    }
    new.reverse();
    changed.reverse();
    (new, changed)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::{Operation, OperationSource, Origin, Resolution};
    use crate::source::SourceKind;
    use crate::store::value::Id;

    fn stamp() -> Stamp {
        let origin = Origin { account: "acme".into(), source: SourceKind::Legacy };
        let at = chrono::DateTime::from_timestamp(9, 0).unwrap();
        Stamp::new(&origin, Uuid::from_u128(9), at, true)
    }

    /// A failure whose identity is `n` and whose content is `raw`.
    pub(in crate::store) fn failure(texts: &mut TextArena, n: u128, raw: &str) -> Failure {
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
            created_at_raw: texts.write(""),
            description: None,
            error_description: None,
            resolution: Resolution::default(),
            raw: texts.write(raw),
            content_hash: hash(raw),
        }
    }

    fn hash(raw: &str) -> i64 {
        raw.bytes().map(i64::from).sum()
    }

    /// What is stored after these were written by another window, or by this very one.
    fn stored(rows: &[(u128, &str)], by_this_window: bool) -> HashMap<Uuid, Stored> {
        let Stamp { run_id, at, .. } = stamp();
        let run_id = Id(if by_this_window { run_id.value } else { Uuid::from_u128(1) });
        let row = |&(n, raw): &(u128, &str)| {
            (
                Uuid::from_u128(n),
                Stored { content_hash: hash(raw), has_raw: true, run_id, synced_at: at.value },
            )
        };
        rows.iter().map(row).collect()
    }

    /// What became of failures: the texts of the new, the changed and the displaced ones, and the rest.
    struct Seen {
        texts: TextArena,
        settled: Settled,
    }

    impl Seen {
        fn raws(&self) -> (Vec<&str>, Vec<&str>, Vec<&str>) {
            let raw = |failures: &[Failure]| {
                failures.iter().map(|f| self.texts.get(f.raw).to_owned()).collect::<Vec<_>>()
            };
            let leak = |texts: Vec<String>| {
                texts.into_iter().map(|text| &*Box::leak(text.into_boxed_str())).collect()
            };
            let displaced = self.settled.displaced.iter().map(|r| r.raw.clone()).collect();
            (leak(raw(&self.settled.new)), leak(raw(&self.settled.changed)), leak(displaced))
        }

        /// Inserted, updated, unchanged, rejected.
        fn counted(&self) -> [u64; 4] {
            let Counts { inserted, updated, unchanged, rejected, .. } = self.settled.counts;
            [inserted, updated, unchanged, rejected]
        }
    }

    fn settled(
        batch: &[(u128, &str)],
        stored: &HashMap<Uuid, Stored>,
        repeated: &mut Repeated,
    ) -> Seen {
        let mut texts = TextArena::default();
        let batch = batch.iter().map(|(n, raw)| failure(&mut texts, *n, raw)).collect();
        let settled = settle(&stamp(), &texts, batch, stored, repeated);
        Seen { texts, settled }
    }

    #[test]
    fn new_changed_and_unchanged_are_told_apart() {
        let batch = [(1, "new"), (2, "changed"), (3, "same")];
        let there = stored(&[(2, "before"), (3, "same")], false);
        let seen = settled(&batch, &there, &mut Repeated::default());
        assert_eq!(seen.raws(), (vec!["new"], vec!["changed"], vec![]));
        assert_eq!(seen.counted(), [1, 1, 1, 0]);
    }

    #[test]
    fn the_last_of_one_identity_is_kept_and_equal_ones_are_repeats() {
        let batch = ["b", "a", "c", "a"].map(|raw| (1, raw));
        let seen = settled(&batch, &HashMap::new(), &mut Repeated::default());
        assert_eq!(seen.raws(), (vec!["a"], vec![], vec!["c", "b"]));
        assert_eq!(seen.counted(), [1, 0, 1, 2]);
    }

    #[test]
    fn a_row_that_this_window_wrote_is_displaced_not_updated() {
        let there = stored(&[(1, "a")], true);
        let seen = settled(&[(1, "b")], &there, &mut Repeated::default());
        assert_eq!(seen.settled.displaced_stored, [Uuid::from_u128(1)]);
        assert_eq!(seen.raws().1, ["b"]);
        assert_eq!(seen.counted(), [0, 0, 0, 1], "the row it displaces was counted already");
    }

    #[test]
    fn a_row_that_this_window_met_unchanged_is_displaced_too() {
        let there = stored(&[(1, "a")], false);
        let mut repeated = Repeated::default();
        let first = settled(&[(1, "a")], &there, &mut repeated);
        assert_eq!(first.counted(), [0, 0, 1, 0]);
        let then = settled(&[(1, "b")], &there, &mut repeated);
        assert_eq!(then.settled.displaced_stored, [Uuid::from_u128(1)]);
        assert_eq!((then.counted(), then.settled.no_longer_unchanged), ([0, 1, 0, 1], 1));
    }

    #[test]
    fn of_each_success_the_last_counts_unless_it_is_stored_just_so() {
        let success = |n, content_hash| Success {
            success_id: Uuid::from_u128(n),
            source_id: None,
            user_id: None,
            user_name: None,
            operation: Operation::Create,
            app_id: None,
            app_name: None,
            event_type_id: 51,
            created_at: chrono::DateTime::UNIX_EPOCH,
            created_at_raw: TextArena::default().write(""),
            raw: TextArena::default().write(""),
            content_hash,
        };
        let there = stored(&[(2, "b"), (3, "c")], false);
        let same = hash("b");
        let batch = vec![success(1, 10), success(2, same), success(3, 31), success(1, 11)];
        assert_eq!(
            settle_successes(&stamp(), batch, &there),
            (vec![success(1, 11)], vec![success(3, 31)])
        );
    }
}
