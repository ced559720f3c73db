//! The rows of a window and its watermark, in one transaction.

mod diff;
mod failures;
mod first_load;
mod gap;
mod ledger;
mod records;
mod rejects;
mod stamp;
mod user_cache;
mod users;

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::facts::Changes;
use super::run::Traffic;
use super::tx::Tx;
use super::{Error, Learned, Lease, Run, Store, failed};
use crate::identity::reject_id;
use crate::model::{Batch, Counts, Failure, Reject, Success, TextArena, TextRef};
use crate::window::{Watermark, Window};
use diff::{Diff, UnchangedIds, collision, diff, diff_successes};
use gap::Gap;
use stamp::WindowStamp;
use user_cache::UserCache;

/// Writes the windows of a run, one after another. Nothing of a window is visible to others until
/// [`Writer::commit`], and nothing is left of it if the writer is dropped instead.
///
/// A window's transaction begins with its first statement, so that a small window holds an SQLite
/// file for a moment only, however long its records take to come.
pub(crate) struct Writer<'a> {
    store: &'a Store,
    run: &'a Run,
    /// The time of the last committed window.
    after: Option<DateTime<Utc>>,
    /// The span that earlier runs have read.
    scanned: Option<Window>,
    open: Option<OpenWindow>,
    counts: Counts,
    users: UserCache,
    unchanged_ids: UnchangedIds,
    changes: Changes,
}

/// A window whose transaction has begun.
struct OpenWindow {
    tx: Tx,
    stamp: WindowStamp,
    /// A record that loads could close a reject. Looked up once, because it is rarely so.
    has_open_reject: bool,
    /// This transaction holds the lock on the account.
    is_account_locked: bool,
    failures_gap: Gap,
    successes_gap: Gap,
}

impl OpenWindow {
    /// Locks the account until the commit.
    async fn lock_account(&mut self) -> Result<(), Error> {
        if !self.is_account_locked {
            self.tx.lock_account(&self.stamp.origin.account).await?;
            self.is_account_locked = true;
        }
        Ok(())
    }
}

impl Store {
    /// The writer of a run's windows.
    #[must_use]
    pub(crate) fn writer<'a>(&'a self, run: &'a Run) -> Writer<'a> {
        Writer {
            store: self,
            run,
            after: None,
            scanned: None,
            open: None,
            counts: Counts::default(),
            users: UserCache::default(),
            unchanged_ids: UnchangedIds::default(),
            changes: Changes::default(),
        }
    }
}

/// The place that the records of a window came from.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// Host and port; `None` for a file.
    pub read_from: Option<String>,
    /// OneLogin's own id of the account, if it is known.
    pub onelogin_account_id: Option<i64>,
    /// All successes of the window's span were requested.
    pub has_all_successes: bool,
}

impl Writer<'_> {
    /// The counts of the window so far; final after [`Writer::flush`].
    #[must_use]
    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// Writes records, in the order in which they come. What is unchanged is not written; new failures of
    /// `scanned`, the span that earlier runs have read, are marked as late. The batches after them
    /// come from `next`, until it returns `None`: nothing is ready, or something else comes first.
    ///
    /// # Errors
    /// [`Error::Failed`]; the writer must then be dropped.
    pub(crate) async fn write(
        &mut self,
        scanned: Option<Window>,
        first: Batch,
        mut next: impl AsyncFnMut() -> Option<Batch>,
    ) -> Result<(), Error> {
        self.scanned = scanned;
        let mut batch = Some(first);
        while let Some(some) = batch.take() {
            self.store.answered("writing records", self.write_batch(some)).await?;
            batch = Box::pin(self.write_new(&mut next)).await?;
        }
        Ok(())
    }

    async fn write_batch(&mut self, batch: Batch) -> Result<(), Error> {
        let (began, before) = (Instant::now(), self.counts);
        count(&batch, &mut self.counts);
        let Batch { texts, failures, successes, rejects, page_ends, .. } = batch;
        self.write_failures(&texts, failures, &page_ends).await?;
        self.write_successes(&texts, successes).await?;
        self.reject(rejects).await?;
        if self.counts != before {
            log_batch(&before, &self.counts, began);
        }
        Ok(())
    }

    /// Writes what is left, so that the counts are final.
    ///
    /// # Errors
    /// As [`Writer::write`].
    pub(crate) async fn flush(&mut self) -> Result<(), Error> {
        self.write_users().await
    }

    async fn open(&mut self) -> Result<&mut OpenWindow, Error> {
        open(&mut self.open, self.store, self.run, (self.after, self.scanned)).await
    }

    async fn write_failures(
        &mut self,
        texts: &TextArena,
        batch: Vec<Failure>,
        page_ends: &[usize],
    ) -> Result<(), Error> {
        if batch.is_empty() {
            return Ok(());
        }
        let OpenWindow { tx, stamp, failures_gap, is_account_locked, .. } =
            open(&mut self.open, self.store, self.run, (self.after, self.scanned)).await?;
        let stored =
            tx.stored(stamp, &batch, failures_gap).await.map_err(failed("looking up failures"))?;
        let Diff {
            mut new,
            mut changed,
            mut displaced,
            displaced_stored,
            counts,
            no_longer_unchanged,
        } = diff(stamp, texts, (batch, page_ends), &stored, &mut self.unchanged_ids);
        if !changed.is_empty() && !*is_account_locked {
            // A run of another source may be about to make stored failures the twins of its own.
            tx.lock_account(&stamp.origin.account).await?;
            *is_account_locked = true;
        }
        self.changes.fingerprint(&mut new, texts);
        self.changes.fingerprint(&mut changed, texts);
        self.changes.add_failures(&stamp.origin, &new, texts);
        let of = (&stamp.account, &stamp.origin);
        self.changes.change_failures(tx, of, &changed, texts).await?;
        self.counts += counts;
        self.counts.unchanged -= no_longer_unchanged;
        if !displaced_stored.is_empty() {
            let stored = tx.raw_failures(stamp, &displaced_stored).await?;
            displaced.extend(stored.into_iter().map(|(id, raw)| collision(stamp, id, raw)));
        }
        tx.insert_records(stamp, texts, &new).await.map_err(failed("writing new failures"))?;
        let updated = tx.update_records(stamp, texts, &changed).await;
        updated.map_err(failed("writing changed failures"))?;
        if self.users.is_full() {
            self.write_users().await?;
        }
        self.users.observe(&new, texts);
        self.users.observe(&changed, texts);
        let loaded = new.iter().chain(&changed).map(|failure| failure.raw);
        self.close_rejects(texts, loaded).await?;
        self.reject(displaced).await
    }

    /// Writes the users whom new and changed failures named: at the end of a window all of them, and before
    /// that only if the cache is full. The first part locks the account until the commit, so that runs of
    /// two sources of one account write one after the other, and each sees the users that the other committed.
    async fn write_users(&mut self) -> Result<(), Error> {
        if self.users.is_empty() {
            return Ok(());
        }
        let open = open(&mut self.open, self.store, self.run, (self.after, self.scanned)).await?;
        open.lock_account().await?;
        let (texts, users) = (self.users.texts(), self.users.sorted());
        self.changes.note_stored_names(&mut open.tx, &open.stamp.account).await?;
        self.counts.users_written += open.tx.upsert_users(&open.stamp, texts, &users).await?;
        self.counts.user_writes += 1;
        self.users.clear();
        Ok(())
    }

    async fn write_successes(
        &mut self,
        texts: &TextArena,
        batch: Vec<Success>,
    ) -> Result<(), Error> {
        if batch.is_empty() {
            return Ok(());
        }
        let OpenWindow { tx, stamp, successes_gap, .. } =
            open(&mut self.open, self.store, self.run, (self.after, self.scanned)).await?;
        let stored = tx
            .stored(stamp, &batch, successes_gap)
            .await
            .map_err(failed("looking up successes"))?;
        let (new, changed) = diff_successes(stamp, batch, &stored);
        self.changes.add_successes(&new, texts);
        self.changes.change_successes(tx, &stamp.account, &changed, texts).await?;
        tx.insert_records(stamp, texts, &new).await.map_err(failed("writing new successes"))?;
        let updated = tx.update_records(stamp, texts, &changed).await;
        updated.map_err(failed("writing changed successes"))?;
        self.close_rejects(texts, new.iter().chain(&changed).map(|success| success.raw)).await
    }

    /// Closes the rejects whose text was loaded after all.
    async fn close_rejects(
        &mut self,
        texts: &TextArena,
        loaded: impl Iterator<Item = TextRef>,
    ) -> Result<(), Error> {
        let OpenWindow { tx, stamp, has_open_reject, .. } = self.open().await?;
        if !*has_open_reject {
            return Ok(());
        }
        let ids: Vec<Uuid> = loaded.map(|raw| reject_id(&stamp.origin, texts.get(raw))).collect();
        tx.close_rejects(stamp, &ids).await
    }

    async fn reject(&mut self, mut rejects: Vec<Reject>) -> Result<(), Error> {
        if rejects.is_empty() {
            return Ok(());
        }
        rejects.sort_unstable_by_key(|reject| reject.reject_id);
        rejects.dedup_by_key(|reject| reject.reject_id);
        let OpenWindow { tx, stamp, has_open_reject, .. } = self.open().await?;
        let new = tx.count_new_rejects(stamp, &rejects).await?;
        tx.upsert_rejects(stamp, &rejects).await?;
        *has_open_reject = true;
        self.counts.newly_rejected += new as u64;
        Ok(())
    }

    /// Rolls the window back.
    ///
    /// # Errors
    /// [`Error::Failed`]; the database then does it by itself.
    pub(crate) async fn roll_back(&mut self) -> Result<(), Error> {
        (self.counts, self.unchanged_ids) = (Counts::default(), UnchangedIds::default());
        self.users.clear();
        self.changes.clear();
        match self.open.take() {
            Some(OpenWindow { tx, .. }) => {
                tx.rollback().await.map_err(failed("rolling a window back"))
            }
            None => Ok(()),
        }
    }

    /// Commits the window: its rows, its row in the ledger, the watermark and the run's counters, all
    /// or nothing; and renews the lease. The next window can follow.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] if another run holds the lease; then nothing is committed.
    pub(crate) async fn commit(
        &mut self,
        window: Window,
        watermark: Watermark,
        lease: &Lease,
        place: &Place,
        (traffic, learned): (Traffic, Learned),
    ) -> Result<(), Error> {
        let began = Instant::now();
        let open = open(&mut self.open, self.store, self.run, (self.after, self.scanned)).await?;
        if !self.changes.is_empty() {
            open.lock_account().await?;
            self.changes.keep(&mut open.tx, &open.stamp.account, &open.stamp.origin).await?;
        }
        let Some(OpenWindow { mut tx, stamp, .. }) = self.open.take() else {
            unreachable!("it is open")
        };
        let now = tx.now().await.map_err(failed("reading the time"))?;
        if self.counts.inserted + self.counts.updated > 0 {
            tx.classify_errors(&stamp.origin.account, &self.run.error_rules).await?;
        }
        if let Some(onelogin_account_id) = place.onelogin_account_id {
            tx.identify_account(&stamp.origin.account, onelogin_account_id).await?;
        }
        tx.move_watermark(watermark, lease, place.read_from.as_deref(), now).await?;
        if place.has_all_successes {
            tx.extend_successes(&stamp.origin, window).await?;
        }
        let is_from_file = place.read_from.is_none();
        let window_id = tx.record_window(&stamp, (window, is_from_file), &self.counts, now).await?;
        if let Some(density) = learned.density {
            tx.learn(lease, density).await?;
        }
        if let Some(reread) = learned.reread {
            tx.record_reread(&stamp.origin.account, window_id, reread).await?;
        }
        tx.add_to_run(&stamp, &self.counts, traffic).await?;
        tx.commit().await.map_err(failed("committing a window"))?;
        tracing::debug!(%window, users = self.counts.users_written, ms = ms(began), "transaction committed");
        (self.counts, self.unchanged_ids) = (Counts::default(), UnchangedIds::default());
        self.users.clear();
        self.changes.clear();
        self.after = Some(stamp.at.value);
        Ok(())
    }
}

/// Counts the records of a batch by their kinds.
fn count(batch: &Batch, counts: &mut Counts) {
    counts.fetched += (batch.failures.len() + batch.rejects.len()) as u64;
    counts.successes += batch.successes.len() as u64;
    counts.rejected += batch.rejects.len() as u64;
    counts.ignored += batch.ignored.len() as u64;
}

/// Logs a batch by the difference that it made to the counts.
fn log_batch(before: &Counts, after: &Counts, began: Instant) {
    tracing::debug!(
        new = after.inserted - before.inserted,
        changed = after.updated - before.updated,
        // A record that displaces an unchanged one reduces the count.
        unchanged = after.unchanged.saturating_sub(before.unchanged),
        rejected = after.rejected - before.rejected,
        successes = after.successes - before.successes,
        ms = ms(began),
        "batch written"
    );
}

fn ms(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Begins the transaction, if it has not begun. Not a method, because the writer's other fields are in
/// use meanwhile.
async fn open<'o>(
    open: &'o mut Option<OpenWindow>,
    store: &Store,
    run: &Run,
    (after, scanned): (Option<DateTime<Utc>>, Option<Window>),
) -> Result<&'o mut OpenWindow, Error> {
    if open.is_none() {
        let mut tx = Tx::begin_by_key(store).await?;
        let now = tx.now().await.map_err(failed("reading the time"))?;
        // The time in a row identifies the window that wrote it.
        let at = after.map_or(now, |after| now.max(after + TimeDelta::milliseconds(1)));
        let has_open_reject = tx.has_open_reject(&run.origin).await?;
        let stamp = WindowStamp::new(run, at, scanned);
        *open = Some(OpenWindow {
            tx,
            stamp,
            has_open_reject,
            is_account_locked: false,
            failures_gap: Gap::default(),
            successes_gap: Gap::default(),
        });
    }
    Ok(open.as_mut().expect("it was just opened"))
}
