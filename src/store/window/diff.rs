//! Which rows of a batch are new, changed or unchanged, and which displace another, given what is stored.
//! Pure.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::records::Stored;
use super::stamp::WindowStamp;
use crate::identity::reject_id;
use crate::model::{Counts, Failure, Reason, Reject, Success, TextArena};

/// Unchanged failures of a window that are remembered, 16 bytes each, so that memory stays flat in the
/// size of a response. Two records of one identity lie next to each other in any order that a server
/// would choose; if they are farther apart, the next read finds the difference.
const MOST_IDS: usize = 400_000;

/// The failures of a window that were stored already, and so carry no trace of having been in it.
#[derive(Debug, Default)]
pub(super) struct UnchangedIds(HashSet<Uuid>);

impl UnchangedIds {
    fn insert(&mut self, id: Uuid) {
        if self.0.len() == MOST_IDS {
            self.0.clear();
        }
        self.0.insert(id);
    }
}

/// The failures of a batch, sorted by the way in which they are written.
#[derive(Debug, Default)]
pub(super) struct Diff {
    /// Failures that are not stored, each id once.
    pub(super) new: Vec<Failure>,
    /// Failures that are stored with other content.
    pub(super) changed: Vec<Failure>,
    /// Records of the batch that a later one displaced.
    pub(super) displaced: Vec<Reject>,
    /// Stored failures that this very window wrote or left unchanged, and that the batch displaces.
    pub(super) displaced_stored: Vec<Uuid>,
    /// All counts but those of users and of new rejects.
    pub(super) counts: Counts,
    /// Failures that an earlier batch counted as unchanged and that are now overwritten.
    pub(super) no_longer_unchanged: u64,
}

/// Compares the failures of a batch with what is stored. Within a response the last record of an
/// identity is kept; others with the same text are repeats, others with another text are rejected as
/// collisions. The later one of two pages was read later, so its record is an update of the earlier one.
/// A batch ends with a page; one without `page_ends` is part of a single response.
pub(super) fn diff(
    stamp: &WindowStamp,
    texts: &TextArena,
    (batch, page_ends): (Vec<Failure>, &[usize]),
    stored: &HashMap<Uuid, Stored>,
    unchanged_ids: &mut UnchangedIds,
) -> Diff {
    let mut diff = Diff::default();
    let is_paged = !page_ends.is_empty();
    let (kept, outdated) = last_of_each(stamp, texts, (batch, page_ends), &mut diff);
    for (id, content_hash) in outdated {
        let is_stored = stored.get(&id).is_some_and(|row| row.equals(content_hash, stamp));
        diff.counts.unchanged += u64::from(is_stored);
        diff.counts.updated += u64::from(!is_stored);
    }
    for failure in kept {
        let id = failure.failure_id;
        match stored.get(&id) {
            None => {
                diff.counts.inserted += 1;
                diff.new.push(failure);
                continue;
            }
            Some(row) if row.equals(failure.content_hash, stamp) => {
                diff.counts.unchanged += 1;
                unchanged_ids.insert(id);
                continue;
            }
            Some(_) if is_paged => {
                diff.counts.updated += 1;
            }
            // This window wrote it, and counted it as inserted or updated.
            Some(row) if row.is_of(stamp) => {
                diff.displaced_stored.push(id);
            }
            Some(_) => {
                diff.counts.updated += 1;
                if unchanged_ids.0.remove(&id) {
                    diff.no_longer_unchanged += 1;
                    diff.displaced_stored.push(id);
                }
            }
        }
        diff.changed.push(failure);
    }
    diff.counts.rejected += diff.displaced_stored.len() as u64;
    diff
}

/// The batch without all but the last record of each identity; and the identity and content of those that
/// were read with an earlier page than the last.
fn last_of_each(
    stamp: &WindowStamp,
    texts: &TextArena,
    (batch, page_ends): (Vec<Failure>, &[usize]),
    diff: &mut Diff,
) -> (Vec<Failure>, Vec<(Uuid, i64)>) {
    let mut outdated = Vec::new();
    if batch.is_sorted_by(|one, next| one.failure_id < next.failure_id) {
        return (batch, outdated);
    }
    let mut kept: Vec<Failure> = Vec::with_capacity(batch.len());
    let mut position: HashMap<Uuid, (usize, usize)> = HashMap::with_capacity(batch.len());
    for (index, failure) in batch.into_iter().enumerate().rev() {
        let page = page_ends.partition_point(|end| *end <= index);
        match position.get(&failure.failure_id) {
            None => {
                position.insert(failure.failure_id, (kept.len(), page));
                kept.push(failure);
            }
            Some(&(at, _)) if kept[at].content_hash == failure.content_hash => {
                diff.counts.unchanged += 1;
            }
            Some(&(_, last)) if page < last => {
                outdated.push((failure.failure_id, failure.content_hash));
            }
            Some(_) => {
                diff.counts.rejected += 1;
                let raw = texts.get(failure.raw).to_owned();
                diff.displaced.push(collision(stamp, failure.failure_id, Some(raw)));
            }
        }
    }
    // An index takes neighbours that come in its order best.
    kept.sort_unstable_by_key(|failure| failure.failure_id);
    (kept, outdated)
}

/// The reject for a record that a later one of the same response displaced. If its text is not stored,
/// the id stands in for it.
pub(super) fn collision(stamp: &WindowStamp, failure_id: Uuid, raw: Option<String>) -> Reject {
    let detail = "a later record of the same response has the same identity and other content";
    let (detail, raw) = match raw {
        Some(raw) => (detail.to_owned(), raw),
        None => (
            format!("{detail}; its text was not kept"),
            format!("{{\"failure_id\":\"{failure_id}\"}}"),
        ),
    };
    Reject::new(reject_id(&stamp.origin, &raw), Reason::KeyCollision, detail, raw)
}

/// The successes that are not stored, and those that are stored with other content; of each id the last.
pub(super) fn diff_successes(
    stamp: &WindowStamp,
    batch: Vec<Success>,
    stored: &HashMap<Uuid, Stored>,
) -> (Vec<Success>, Vec<Success>) {
    let mut seen = HashSet::with_capacity(batch.len());
    let (mut new, mut changed) = (Vec::new(), Vec::new());
    for success in batch.into_iter().rev().filter(|success| seen.insert(success.success_id)) {
        match stored.get(&success.success_id) {
            None => new.push(success),
            Some(row) if row.equals(success.content_hash, stamp) => {}
            Some(_) => changed.push(success),
        }
    }
    new.reverse();
    changed.reverse();
    (new, changed)
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::error_rules::ErrorRules;
    use crate::model::{Operation, OperationSource, Origin, Resolution};
    use crate::source::SourceKind;
    use crate::store::Run;
    use crate::store::value::Id;

    fn stamp() -> WindowStamp {
        let origin = Origin { account: "acme".into(), source: SourceKind::Legacy };
        let at = chrono::DateTime::from_timestamp(9, 0).unwrap();
        let run = Run {
            run_id: Uuid::from_u128(9),
            origin,
            keep_raw: true,
            error_rules: Arc::new(ErrorRules::built_in()),
        };
        WindowStamp::new(&run, at, None)
    }

    /// A failure whose identity is `n` and whose content is `raw`.
    pub(in crate::store::window) fn failure(texts: &mut TextArena, n: u128, raw: &str) -> Failure {
        Failure {
            failure_id: Uuid::from_u128(n),
            source_id: Some(1),
            login_id: None,
            person: None,
            operation: Operation::Unknown,
            operation_source: OperationSource::Description,
            outcome: crate::model::Outcome::Failed,
            app_id: None,
            app_name: None,
            event_type_id: None,
            created_at: chrono::DateTime::UNIX_EPOCH,
            created_at_raw: texts.write(""),
            description: None,
            error_description: None,
            error_fingerprint: None,
            resolution: Resolution::default(),
            raw: texts.write(raw),
            content_hash: hash(raw),
        }
    }

    fn hash(raw: &str) -> i64 {
        raw.bytes().map(i64::from).sum()
    }

    /// The stored rows after another window, or this very one, wrote these.
    fn stored(rows: &[(u128, &str)], by_this_window: bool) -> HashMap<Uuid, Stored> {
        let WindowStamp { run_id, at, .. } = stamp();
        let run_id = Id(if by_this_window { run_id.value } else { Uuid::from_u128(1) });
        let row = |&(n, raw): &(u128, &str)| {
            (
                Uuid::from_u128(n),
                Stored { content_hash: hash(raw), has_raw: true, run_id, synced_at: at.value },
            )
        };
        rows.iter().map(row).collect()
    }

    /// A diff, and the texts that its failures refer to.
    struct Outcome {
        texts: TextArena,
        diff: Diff,
    }

    impl Outcome {
        fn raws(&self) -> (Vec<&str>, Vec<&str>, Vec<&str>) {
            let raw = |failures: &[Failure]| {
                failures.iter().map(|f| self.texts.get(f.raw).to_owned()).collect::<Vec<_>>()
            };
            let leak = |texts: Vec<String>| {
                texts.into_iter().map(|text| &*Box::leak(text.into_boxed_str())).collect()
            };
            let displaced = self.diff.displaced.iter().map(|r| r.raw.clone()).collect();
            (leak(raw(&self.diff.new)), leak(raw(&self.diff.changed)), leak(displaced))
        }

        /// Inserted, updated, unchanged, rejected.
        fn counted(&self) -> [u64; 4] {
            let Counts { inserted, updated, unchanged, rejected, .. } = self.diff.counts;
            [inserted, updated, unchanged, rejected]
        }
    }

    fn compared(
        batch: &[(u128, &str)],
        stored: &HashMap<Uuid, Stored>,
        unchanged_ids: &mut UnchangedIds,
    ) -> Outcome {
        compared_pages(batch, &[], stored, unchanged_ids)
    }

    fn compared_pages(
        batch: &[(u128, &str)],
        page_ends: &[usize],
        stored: &HashMap<Uuid, Stored>,
        unchanged_ids: &mut UnchangedIds,
    ) -> Outcome {
        let mut texts = TextArena::default();
        let batch = batch.iter().map(|(n, raw)| failure(&mut texts, *n, raw)).collect();
        let diff = diff(&stamp(), &texts, (batch, page_ends), stored, unchanged_ids);
        Outcome { texts, diff }
    }

    #[test]
    fn the_record_of_a_later_page_is_an_update_of_an_earlier_one() {
        let pages = |batch: &[(u128, &str)], ends: &[usize], there| {
            compared_pages(batch, ends, &there, &mut UnchangedIds::default())
        };
        let new = pages(&[(1, "a"), (1, "b")], &[1, 2], HashMap::new());
        assert_eq!((new.raws(), new.counted()), ((vec!["b"], vec![], vec![]), [1, 1, 0, 0]));
        let known = pages(&[(1, "a"), (1, "b")], &[1, 2], stored(&[(1, "a")], false));
        assert_eq!((known.raws(), known.counted()), ((vec![], vec!["b"], vec![]), [0, 1, 1, 0]));
        let one_page = pages(&[(1, "a"), (1, "b")], &[2], HashMap::new());
        assert_eq!(one_page.counted(), [1, 0, 0, 1], "two of one page collide");

        // The page before was written already.
        let written = pages(&[(1, "b")], &[1], stored(&[(1, "a")], true));
        assert_eq!((written.raws().1, written.counted()), (vec!["b"], [0, 1, 0, 0]));
        assert!(written.diff.displaced_stored.is_empty());
    }

    #[test]
    fn new_changed_and_unchanged_are_distinguished() {
        let batch = [(1, "new"), (2, "changed"), (3, "same")];
        let there = stored(&[(2, "before"), (3, "same")], false);
        let seen = compared(&batch, &there, &mut UnchangedIds::default());
        assert_eq!(seen.raws(), (vec!["new"], vec!["changed"], vec![]));
        assert_eq!(seen.counted(), [1, 1, 1, 0]);
    }

    #[test]
    fn the_last_of_one_identity_is_kept_and_equal_ones_are_repeats() {
        let batch = ["b", "a", "c", "a"].map(|raw| (1, raw));
        let seen = compared(&batch, &HashMap::new(), &mut UnchangedIds::default());
        assert_eq!(seen.raws(), (vec!["a"], vec![], vec!["c", "b"]));
        assert_eq!(seen.counted(), [1, 0, 1, 2]);
    }

    #[test]
    fn a_row_that_this_window_wrote_is_displaced_not_updated() {
        let there = stored(&[(1, "a")], true);
        let seen = compared(&[(1, "b")], &there, &mut UnchangedIds::default());
        assert_eq!(seen.diff.displaced_stored, [Uuid::from_u128(1)]);
        assert_eq!(seen.raws().1, ["b"]);
        assert_eq!(seen.counted(), [0, 0, 0, 1], "the row it displaces was counted already");
    }

    #[test]
    fn a_row_that_this_window_left_unchanged_is_displaced_too() {
        let there = stored(&[(1, "a")], false);
        let mut unchanged_ids = UnchangedIds::default();
        let first = compared(&[(1, "a")], &there, &mut unchanged_ids);
        assert_eq!(first.counted(), [0, 0, 1, 0]);
        let then = compared(&[(1, "b")], &there, &mut unchanged_ids);
        assert_eq!(then.diff.displaced_stored, [Uuid::from_u128(1)]);
        assert_eq!((then.counted(), then.diff.no_longer_unchanged), ([0, 1, 0, 1], 1));
    }

    #[test]
    fn of_each_success_the_last_counts_unless_it_is_stored_as_it_is() {
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
            diff_successes(&stamp(), batch, &there),
            (vec![success(1, 11)], vec![success(3, 31)])
        );
    }
}
