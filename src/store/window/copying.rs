//! One `copy` over many batches of a first load: with one per batch, the server and this program wait for each
//! other at the end of each.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::diff::{Diff, diff};
use super::gap::Gap;
use super::records::Record;
use super::stamp::Stamped;
use super::{Open, Writer, count, log_batch};
use crate::model::{Batch, Failure};
use crate::store::bulk::CopyIn;
use crate::store::tx::Tx;
use crate::store::{Error, failed};

/// Time after which a `copy` is ended and the next one begins: so far below a lease that the next run can
/// distinguish the copy of a frozen run (`abandoned.rs`).
const LONGEST: Duration = Duration::from_secs(15);

const WRITING: &str = "writing new failures";

impl Writer<'_> {
    /// Copies the batches that follow while they hold nothing but new failures, `next` has one, and nothing
    /// else must be written. Returns a batch that must be written in another way.
    pub(super) async fn copy_new(
        &mut self,
        next: &mut impl AsyncFnMut() -> Option<Batch>,
    ) -> Result<Option<Batch>, Error> {
        let Self { store, open, counts, users, unchanged_ids, changes, .. } = self;
        let Some(Open {
            tx: Tx::Postgres(session),
            stamp,
            failures_gap,
            has_open_reject: false,
            ..
        }) = open
        else {
            return Ok(None);
        };
        if users.is_full() || !failures_gap.is_open() {
            return Ok(None);
        }
        let Some(mut batch) = next().await else { return Ok(None) };
        if !is_new(&batch, failures_gap) {
            return Ok(Some(batch));
        }
        let (began, mut batches) = (Instant::now(), 0);
        let opened = async {
            CopyIn::begin(&mut session.tx, Failure::UPSERT).await.map_err(failed(WRITING))
        };
        let mut copy = store.answered(WRITING, opened).await?;
        let (displaced, other) = loop {
            let (batch_began, before) = (Instant::now(), *counts);
            count(&batch, counts);
            let Batch { texts, failures, page_ends, .. } = batch;
            let Diff { mut new, displaced, counts: of_batch, .. } =
                diff(stamp, &texts, (failures, &page_ends), &HashMap::new(), unchanged_ids);
            *counts += of_batch;
            changes.fingerprint(&mut new, &texts);
            changes.add_failures(&stamp.origin, &new, &texts);
            let write = async {
                let as_row = |row| Stamped { row, stamp, texts: &texts };
                copy.write(&new, as_row).await.map_err(failed(WRITING))
            };
            store.answered(WRITING, write).await?;
            users.observe(&new, &texts);
            log_batch(&before, counts, batch_began);
            batches += 1;
            if !displaced.is_empty() || users.is_full() || began.elapsed() > LONGEST {
                break (displaced, None);
            }
            match next().await {
                Some(following) if is_new(&following, failures_gap) => batch = following,
                other => break (displaced, other),
            }
        };
        let finish = async { copy.finish().await.map_err(failed(WRITING)) };
        store.answered(WRITING, finish).await?;
        tracing::debug!(batches, "batches copied in one statement");
        self.reject(displaced).await?;
        Ok(other)
    }
}

/// Checks that a batch holds nothing but failures of which none is stored.
fn is_new(batch: &Batch, gap: &mut Gap) -> bool {
    let Batch { failures, successes, rejects, .. } = batch;
    let has_failures_only = !failures.is_empty() && successes.is_empty() && rejects.is_empty();
    has_failures_only && gap.take(failures.iter().map(Record::key))
}
