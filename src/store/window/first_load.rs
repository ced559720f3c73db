//! The batches of a first load, which hold nothing but new failures. The database writes one while the next is
//! read and encoded: otherwise it and this program wait for each other at the end of each. Postgres takes many
//! batches in one `copy`, SQLite one statement after another.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use sqlx::PgConnection;

use super::diff::{Diff, UnchangedIds, diff};
use super::gap::Gap;
use super::records::Record;
use super::stamp::{Stamped, WindowStamp};
use super::user_cache::UserCache;
use super::{OpenWindow, Writer, count, log_batch};
use crate::model::{Batch, Counts, Failure, Reject, TextArena};
use crate::store::bulk::{CopyIn, NewRows};
use crate::store::facts::Changes;
use crate::store::tx::Tx;
use crate::store::{Error, Store, failed};

/// Time after which a `copy` is ended and the next one begins: so far below a lease that the next run can
/// distinguish the copy of a frozen run (`abandoned.rs`).
const LONGEST: Duration = Duration::from_secs(15);

const WRITING: &str = "writing new failures";

/// Batches of which nothing is stored, as long as nothing else has to be written.
struct NewBatches<'w, N> {
    stamp: &'w WindowStamp,
    gap: &'w mut Gap,
    counts: &'w mut Counts,
    users: &'w mut UserCache,
    unchanged_ids: &'w mut UnchangedIds,
    changes: &'w mut Changes,
    next: N,
    began: Instant,
    /// The counts before the last batch, and when it came.
    last: Option<(Counts, Instant)>,
    /// Records that a later one of their batch displaced.
    displaced: Vec<Reject>,
    /// A batch that must be written in another way.
    other: Option<Batch>,
}

/// New failures, and the texts that they refer to.
struct NewBatch {
    failures: Vec<Failure>,
    texts: TextArena,
}

impl<N: AsyncFnMut() -> Option<Batch>> NewBatches<'_, N> {
    /// The next batch, which is counted.
    async fn next(&mut self) -> Option<NewBatch> {
        if let Some((before, began)) = self.last.take() {
            log_batch(&before, self.counts, began);
        }
        let must_end =
            !self.displaced.is_empty() || self.users.is_full() || self.began.elapsed() > LONGEST;
        if must_end || !self.gap.is_open() {
            return None;
        }
        let batch = (self.next)().await?;
        if !is_new(&batch, self.gap) {
            self.other = Some(batch);
            return None;
        }
        self.last = Some((*self.counts, Instant::now()));
        count(&batch, self.counts);
        let Batch { texts, failures, page_ends, .. } = batch;
        let Diff { mut new, displaced, counts, .. } =
            diff(self.stamp, &texts, (failures, &page_ends), &HashMap::new(), self.unchanged_ids);
        *self.counts += counts;
        self.displaced = displaced;
        self.changes.fingerprint(&mut new, &texts);
        self.changes.add_failures(&self.stamp.origin, &new, &texts);
        self.users.observe(&new, &texts);
        Some(NewBatch { failures: new, texts })
    }
}

/// The rows of new batches, for one statement of SQLite after another.
struct Rows<'b, 'w, N> {
    batches: &'b mut NewBatches<'w, N>,
    batch: NewBatch,
    /// Failures of the batch that are encoded.
    encoded: usize,
}

impl<N: AsyncFnMut() -> Option<Batch>> Rows<'_, '_, N> {
    async fn next(&mut self) -> Option<NewRows> {
        while self.encoded == self.batch.failures.len() {
            self.batch = self.batches.next().await?;
            self.encoded = 0;
        }
        let NewBatch { failures, texts } = &self.batch;
        let left = &failures[self.encoded..];
        let some = &left[..left.len().min(NewRows::MOST)];
        self.encoded += some.len();
        let stamp = self.batches.stamp;
        Some(NewRows::encode(Failure::UPSERT, some, |row| Stamped { row, stamp, texts }))
    }
}

impl Writer<'_> {
    /// Writes the batches that follow while they hold nothing but new failures, `next` has one, and nothing
    /// else must be written. Returns a batch that must be written in another way.
    pub(super) async fn write_new(
        &mut self,
        next: impl AsyncFnMut() -> Option<Batch>,
    ) -> Result<Option<Batch>, Error> {
        let Self { store, open, counts, users, unchanged_ids, changes, .. } = self;
        let Some(OpenWindow { tx, stamp, failures_gap, has_open_reject: false, .. }) = open else {
            return Ok(None);
        };
        let mut batches = NewBatches {
            stamp,
            gap: failures_gap,
            counts,
            users,
            unchanged_ids,
            changes,
            next,
            began: Instant::now(),
            last: None,
            displaced: Vec::new(),
            other: None,
        };
        if let Some(first) = batches.next().await {
            match tx {
                Tx::Postgres(session) => copy(store, &mut session.tx, &mut batches, first).await?,
                Tx::Sqlite(tx) => {
                    let mut rows = Rows { batches: &mut batches, batch: first, encoded: 0 };
                    let inserted =
                        NewRows::insert_all(tx, Failure::UPSERT, async || rows.next().await);
                    inserted.await.map_err(failed(WRITING))?;
                }
            }
        }
        let NewBatches { displaced, other, .. } = batches;
        self.reject(displaced).await?;
        Ok(other)
    }
}

async fn copy(
    store: &Store,
    connection: &mut PgConnection,
    batches: &mut NewBatches<'_, impl AsyncFnMut() -> Option<Batch>>,
    first: NewBatch,
) -> Result<(), Error> {
    let stamp = batches.stamp;
    let begin = async { CopyIn::begin(connection, Failure::UPSERT).await.map_err(failed(WRITING)) };
    let mut copy = store.answered(WRITING, begin).await?;
    let (mut number, mut batch) = (0, Some(first));
    while let Some(NewBatch { failures, texts }) = batch {
        let as_row = |row| Stamped { row, stamp, texts: &texts };
        let write = async { copy.write(&failures, as_row).await.map_err(failed(WRITING)) };
        store.answered(WRITING, write).await?;
        number += 1;
        batch = batches.next().await;
    }
    let finish = async { copy.finish().await.map_err(failed(WRITING)) };
    store.answered(WRITING, finish).await?;
    tracing::debug!(batches = number, "batches copied in one statement");
    Ok(())
}

/// Checks that a batch holds nothing but failures of which none is stored.
fn is_new(batch: &Batch, gap: &mut Gap) -> bool {
    let Batch { failures, successes, rejects, .. } = batch;
    let has_failures_only = !failures.is_empty() && successes.is_empty() && rejects.is_empty();
    has_failures_only && gap.take(failures.iter().map(Record::key))
}
