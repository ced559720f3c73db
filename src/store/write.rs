//! The rows of a window and the mark behind them, in one transaction.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::people::{People, Word};
use super::rows::{BATCH, Stamp, Tx};
use super::run::{Traffic, count};
use super::settle::{Repeated, Settled, collision, settle};
use super::value::Id;
use super::{Error, Lease, Run, Store, failed, on_either};
use crate::model::{Counts, Failure, Reject};
use crate::window::{Mark, Window};

/// Bytes of raw text that may wait for their statement: large records must not need more memory.
const BATCH_BYTES: usize = 2 * 1024 * 1024;

/// An open window: nothing of it is visible to others until [`WindowWriter::commit`], and nothing
/// is left of it when it is dropped instead.
pub struct WindowWriter {
    tx: Tx,
    stamp: Stamp,
    counts: Counts,
    /// Failures that do not fill a statement yet.
    waiting: Vec<Failure>,
    waiting_bytes: usize,
    people: People,
    repeated: Repeated,
    /// Whether a record that loads could close a reject; asked once, since it is seldom so.
    rejects_open: bool,
}

impl Store {
    /// Begins a window. `after` is when the run's last one began, if any: the stamps of two windows
    /// must differ, since a row's stamp tells which of them wrote it.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub async fn begin_window(
        &self,
        run: &Run,
        after: Option<DateTime<Utc>>,
    ) -> Result<WindowWriter, Error> {
        let mut tx = Tx::begin(self).await.map_err(failed("beginning a window"))?;
        let now = tx.now().await?;
        let at = after.map_or(now, |after| now.max(after + TimeDelta::milliseconds(1)));
        let rejects_open = tx.any_open_reject(&run.origin).await?;
        let stamp = Stamp { origin: run.origin.clone(), run_id: Id(run.run_id), at };
        Ok(WindowWriter {
            tx,
            stamp,
            counts: Counts::default(),
            waiting: Vec::new(),
            waiting_bytes: 0,
            people: People::default(),
            repeated: Repeated::default(),
            rejects_open,
        })
    }
}

impl WindowWriter {
    /// When the window began, by the store's clock: the stamp of its rows.
    #[must_use]
    pub fn began_at(&self) -> DateTime<Utc> {
        self.stamp.at
    }

    /// What became of the records so far; final after [`WindowWriter::flush`].
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes records, in the order in which they came, and writes them as soon as they fill a
    /// statement. What is unchanged is not written.
    ///
    /// # Errors
    /// [`Error::Failed`]; the window is then to be dropped.
    pub async fn write(
        &mut self,
        failures: Vec<Failure>,
        rejects: Vec<Reject>,
    ) -> Result<(), Error> {
        self.counts.fetched += (failures.len() + rejects.len()) as u64;
        self.counts.rejected += rejects.len() as u64;
        self.put_aside(rejects).await?;
        self.waiting_bytes += failures.iter().map(|f| f.raw.len()).sum::<usize>();
        self.waiting.extend(failures);
        while self.waiting.len() >= BATCH || self.waiting_bytes >= BATCH_BYTES {
            self.write_batch().await?;
        }
        Ok(())
    }

    /// Writes what is left, so that the counts are final.
    ///
    /// # Errors
    /// As [`WindowWriter::write`].
    pub async fn flush(&mut self) -> Result<(), Error> {
        while !self.waiting.is_empty() {
            self.write_batch().await?;
        }
        self.write_people().await
    }

    async fn write_batch(&mut self) -> Result<(), Error> {
        let rest = self.waiting.split_off(self.waiting.len().min(BATCH));
        let batch = std::mem::replace(&mut self.waiting, rest);
        self.waiting_bytes -= batch.iter().map(|f| f.raw.len()).sum::<usize>();
        let stored = self.tx.stored_failures(batch.iter().map(|f| f.failure_id)).await?;
        let settled = settle(&self.stamp, batch, &stored, &mut self.repeated);
        let Settled { write, mut displaced, displaced_stored, counts, no_longer_unchanged } =
            settled;
        self.counts += counts;
        self.counts.unchanged -= no_longer_unchanged;
        if !displaced_stored.is_empty() {
            let raw = self.tx.raw_failures(&displaced_stored).await?;
            displaced.extend(raw.into_iter().map(|raw| collision(&self.stamp, raw)));
        }
        if !write.is_empty() {
            self.tx.upsert_failures(&self.stamp, &write).await?;
            if self.rejects_open {
                let ids: Vec<Uuid> = write
                    .iter()
                    .map(|f| crate::identity::reject_id(&self.stamp.origin, &f.raw))
                    .collect();
                self.tx.close_rejects(self.stamp.at, &ids).await?;
            }
            self.people.hear(write);
            if self.people.are_many() {
                self.write_people().await?;
            }
        }
        self.put_aside(displaced).await
    }

    async fn write_people(&mut self) -> Result<(), Error> {
        for some in self.people.take().chunks(BATCH) {
            let account = &self.stamp.origin.account;
            let stored =
                self.tx.stored_people(account, some.iter().map(|w| w.person.user_id)).await?;
            let is_news = |word: &&Word| word.is_news(stored.get(&word.person.user_id));
            let news: Vec<&Word> = some.iter().filter(is_news).collect();
            if !news.is_empty() {
                self.counts.users_written += self.tx.upsert_people(&self.stamp, &news).await?;
            }
        }
        Ok(())
    }

    async fn put_aside(&mut self, mut rejects: Vec<Reject>) -> Result<(), Error> {
        rejects.sort_unstable_by_key(|reject| reject.reject_id);
        rejects.dedup_by_key(|reject| reject.reject_id);
        for some in rejects.chunks(BATCH) {
            let ids: Vec<Uuid> = some.iter().map(|reject| reject.reject_id).collect();
            self.counts.newly_rejected +=
                self.tx.count_new_rejects(self.stamp.at, &ids).await? as u64;
            self.tx.upsert_rejects(&self.stamp, some).await?;
            self.rejects_open = true;
        }
        Ok(())
    }

    /// Takes everything back.
    ///
    /// # Errors
    /// [`Error::Failed`]; the database then does it by itself.
    pub async fn roll_back(self) -> Result<(), Error> {
        self.tx.rollback().await.map_err(failed("rolling a window back"))
    }

    /// Commits the window: its rows, its line in the ledger, the mark and the run's counters, all
    /// or nothing; and renews the lease.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another run has taken over; then nothing is committed.
    pub async fn commit(
        mut self,
        window: Window,
        mark: Mark,
        lease: &Lease,
        traffic: Traffic,
    ) -> Result<(), Error> {
        let now = self.tx.now().await?;
        self.move_mark(mark, lease, now).await?;
        self.enter_into_ledger(window, now).await?;
        self.count_for_run(traffic).await?;
        self.tx.commit().await.map_err(failed("committing a window"))
    }

    async fn move_mark(
        &mut self,
        mark: Mark,
        lease: &Lease,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let moved =
            on_either!(Tx, &mut self.tx, tx => sqlx::query(include_str!("sql/mark_move.sql"))
            .bind(&lease.origin.account)
            .bind(lease.origin.source)
            .bind(lease.token)
            .bind(mark.high_water_mark)
            .bind(mark.scanned_through)
            .bind(now + lease.ttl)
            .bind(now)
            .execute(&mut **tx)
            .await
            .map(|done| done.rows_affected()))
            .map_err(failed("moving the mark"))?;
        if moved == 1 { Ok(()) } else { Err(lease.lost()) }
    }

    async fn enter_into_ledger(&mut self, window: Window, now: DateTime<Utc>) -> Result<(), Error> {
        let Counts { fetched, inserted, updated, unchanged, rejected, .. } = self.counts;
        on_either!(Tx, &mut self.tx, tx => sqlx::query(include_str!("sql/window_insert.sql"))
            .bind(Id(Uuid::now_v7()))
            .bind(self.stamp.run_id)
            .bind(&self.stamp.origin.account)
            .bind(self.stamp.origin.source)
            .bind(window.from)
            .bind(window.to)
            .bind(count(fetched))
            .bind(count(inserted))
            .bind(count(updated))
            .bind(count(unchanged))
            .bind(count(rejected))
            .bind(now)
            .execute(&mut **tx)
            .await
            .map(drop))
        .map_err(failed("entering a window into the ledger"))
    }

    async fn count_for_run(&mut self, traffic: Traffic) -> Result<(), Error> {
        let Counts { fetched, inserted, updated, unchanged, rejected, users_written, .. } =
            self.counts;
        on_either!(Tx, &mut self.tx, tx => sqlx::query(include_str!("sql/run_count.sql"))
            .bind(self.stamp.run_id)
            .bind(count(fetched))
            .bind(count(inserted))
            .bind(count(updated))
            .bind(count(unchanged))
            .bind(count(rejected))
            .bind(count(users_written))
            .bind(count(traffic.requests))
            .bind(count(traffic.retries))
            .bind(count(traffic.bytes))
            .execute(&mut **tx)
            .await
            .map(drop))
        .map_err(failed("counting for the run"))
    }
}
