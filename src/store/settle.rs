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

/// The newest failure of each person in a batch: the greatest `failure_id`.
pub(super) fn newest_of_each_person(failures: &[Failure]) -> HashMap<i64, &Failure> {
    let mut newest: HashMap<i64, &Failure> = HashMap::new();
    for failure in failures {
        let Some(person) = &failure.person else { continue };
        let entry = newest.entry(person.user_id).or_insert(failure);
        if failure.failure_id > entry.failure_id {
            *entry = failure;
        }
    }
    newest
}
