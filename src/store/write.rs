//! The rows of a window and the mark behind them, in one transaction.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::people::{People, Word};
use super::rows::{BATCH, Stamp, Tx};
use super::run::{Traffic, count};
use super::settle::{Repeated, Settled, collision, settle};
use super::successes;
use super::value::Id;
use super::{Error, Lease, Run, Store, failed, on_either};
use crate::model::{Counts, Failure, Record, Reject, Success};
use crate::window::{Mark, Window};

/// Bytes of raw text that may wait for their statement: large records must not need more memory.
const BATCH_BYTES: usize = 2 * 1024 * 1024;

/// A window that is being written: nothing of it is visible to others until
/// [`WindowWriter::commit`], and nothing is left of it when it is dropped instead.
///
/// Its transaction begins with its first statement, so that a small window holds an SQLite file for
/// a moment only, however long its records take to come.
pub struct WindowWriter<'a> {
    store: &'a Store,
    run: &'a Run,
    /// When the run's last window began.
    after: Option<DateTime<Utc>>,
    open: Option<Open>,
    counts: Counts,
    /// Rows that do not fill a statement yet.
    failures: Waiting<Failure>,
    successes: Waiting<Success>,
    rejects: Waiting<Reject>,
    people: People,
    repeated: Repeated,
}

/// What there is once the transaction has begun.
struct Open {
    tx: Tx,
    stamp: Stamp,
    /// Whether a record that loads could close a reject; asked once, since it is seldom so.
    some_rejected: bool,
}

/// Rows that wait for their statement, and the bytes of their raw text.
#[derive(Debug)]
struct Waiting<T> {
    rows: Vec<T>,
    bytes: usize,
}

impl<T> Waiting<T> {
    const NONE: Self = Self { rows: Vec::new(), bytes: 0 };

    fn push(&mut self, row: T, bytes: usize) {
        self.rows.push(row);
        self.bytes += bytes;
    }

    fn are_many(&self) -> bool {
        self.rows.len() >= BATCH || self.bytes >= BATCH_BYTES
    }

    fn take(&mut self) -> Vec<T> {
        std::mem::replace(self, Self::NONE).rows
    }
}

impl Store {
    /// Prepares to write a window. `after` is when the run's last one began, if any: the stamps of
    /// two windows must differ, since a row's stamp tells which of them wrote it.
    #[must_use]
    pub fn window<'a>(&'a self, run: &'a Run, after: Option<DateTime<Utc>>) -> WindowWriter<'a> {
        WindowWriter {
            store: self,
            run,
            after,
            open: None,
            counts: Counts::default(),
            failures: Waiting::NONE,
            successes: Waiting::NONE,
            rejects: Waiting::NONE,
            people: People::default(),
            repeated: Repeated::default(),
        }
    }
}

impl WindowWriter<'_> {
    /// What became of the records so far; final after [`WindowWriter::flush`].
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes a record, in the order in which they come, and writes those that wait as soon as they
    /// fill a statement. What is unchanged is not written.
    ///
    /// # Errors
    /// [`Error::Failed`]; the window is then to be dropped.
    pub async fn write(&mut self, record: Result<Record, Reject>) -> Result<(), Error> {
        match record {
            Ok(Record::Failure(failure)) => {
                self.counts.fetched += 1;
                let bytes = failure.raw.len();
                self.failures.push(failure, bytes);
                if self.failures.are_many() {
                    self.write_failures().await?;
                }
            }
            Ok(Record::Success(success)) => {
                self.counts.successes += 1;
                let bytes = success.raw.len();
                self.successes.push(success, bytes);
                if self.successes.are_many() {
                    self.write_successes().await?;
                }
            }
            Ok(Record::Ignored { .. }) => self.counts.ignored += 1,
            Err(reject) => {
                self.counts.fetched += 1;
                self.counts.rejected += 1;
                let bytes = reject.raw.len();
                self.rejects.push(reject, bytes);
                if self.rejects.are_many() {
                    self.write_rejects().await?;
                }
            }
        }
        Ok(())
    }

    /// Writes what is left, so that the counts are final.
    ///
    /// # Errors
    /// As [`WindowWriter::write`].
    pub async fn flush(&mut self) -> Result<(), Error> {
        self.write_failures().await?;
        self.write_successes().await?;
        self.write_rejects().await?;
        self.write_people().await
    }

    async fn open(&mut self) -> Result<&mut Open, Error> {
        if self.open.is_none() {
            let mut tx = Tx::begin(self.store).await.map_err(failed("beginning a window"))?;
            let now = tx.now().await?;
            let at = self.after.map_or(now, |after| now.max(after + TimeDelta::milliseconds(1)));
            let origin = self.run.origin.clone();
            let some_rejected = tx.any_open_reject(&origin).await?;
            let stamp = Stamp { origin, run_id: Id(self.run.run_id), at };
            self.open = Some(Open { tx, stamp, some_rejected });
        }
        Ok(self.open.as_mut().expect("it was just opened"))
    }

    async fn write_failures(&mut self) -> Result<(), Error> {
        let batch = self.failures.take();
        if batch.is_empty() {
            return Ok(());
        }
        self.open().await?;
        let Some(Open { tx, stamp, .. }) = &mut self.open else { unreachable!("it is open") };
        let stored = tx.stored_failures(batch.iter().map(|f| f.failure_id)).await?;
        let settled = settle(stamp, batch, &stored, &mut self.repeated);
        let Settled { write, mut displaced, displaced_stored, counts, no_longer_unchanged } =
            settled;
        self.counts += counts;
        self.counts.unchanged -= no_longer_unchanged;
        if !displaced_stored.is_empty() {
            let raw = tx.raw_failures(&displaced_stored).await?;
            displaced.extend(raw.into_iter().map(|raw| collision(stamp, raw)));
        }
        if !write.is_empty() {
            tx.upsert_failures(stamp, &write).await?;
            self.close_rejects(write.iter().map(|f| f.raw.as_str())).await?;
            self.people.hear(write);
            if self.people.are_many() {
                self.write_people().await?;
            }
        }
        self.put_aside(displaced).await
    }

    async fn write_successes(&mut self) -> Result<(), Error> {
        let batch = self.successes.take();
        if batch.is_empty() {
            return Ok(());
        }
        let Open { tx, stamp, .. } = self.open().await?;
        let stored = tx.stored_successes(batch.iter().map(|s| s.success_id)).await?;
        let news = successes::news(batch, &stored);
        if !news.is_empty() {
            tx.upsert_successes(stamp, &news).await?;
            self.close_rejects(news.iter().map(|s| s.raw.as_str())).await?;
        }
        Ok(())
    }

    /// Closes the rejects whose text was loaded after all.
    async fn close_rejects(&mut self, loaded: impl Iterator<Item = &str>) -> Result<(), Error> {
        let Open { tx, stamp, some_rejected } = self.open().await?;
        if *some_rejected {
            let ids: Vec<Uuid> =
                loaded.map(|raw| crate::identity::reject_id(&stamp.origin, raw)).collect();
            tx.close_rejects(stamp.at, &ids).await?;
        }
        Ok(())
    }

    async fn write_people(&mut self) -> Result<(), Error> {
        let words = self.people.take();
        if words.is_empty() {
            return Ok(());
        }
        let Open { tx, stamp, .. } = self.open().await?;
        let mut written = 0;
        for some in words.chunks(BATCH) {
            let ids = some.iter().map(|word| word.user_id);
            let stored = tx.stored_people(&stamp.origin.account, ids).await?;
            let is_news = |word: &&Word| word.is_news(stored.get(&word.user_id));
            let news: Vec<&Word> = some.iter().filter(is_news).collect();
            if !news.is_empty() {
                written += tx.upsert_people(stamp, &news).await?;
            }
        }
        self.counts.users_written += written;
        Ok(())
    }

    async fn write_rejects(&mut self) -> Result<(), Error> {
        let batch = self.rejects.take();
        self.put_aside(batch).await
    }

    async fn put_aside(&mut self, mut rejects: Vec<Reject>) -> Result<(), Error> {
        if rejects.is_empty() {
            return Ok(());
        }
        rejects.sort_unstable_by_key(|reject| reject.reject_id);
        rejects.dedup_by_key(|reject| reject.reject_id);
        let Open { tx, stamp, some_rejected } = self.open().await?;
        let mut new = 0;
        for some in rejects.chunks(BATCH) {
            let ids: Vec<Uuid> = some.iter().map(|reject| reject.reject_id).collect();
            new += tx.count_new_rejects(stamp.at, &ids).await? as u64;
            tx.upsert_rejects(stamp, some).await?;
        }
        *some_rejected = true;
        self.counts.newly_rejected += new;
        Ok(())
    }

    /// Takes everything back.
    ///
    /// # Errors
    /// [`Error::Failed`]; the database then does it by itself.
    pub async fn roll_back(self) -> Result<(), Error> {
        match self.open {
            Some(Open { tx, .. }) => tx.rollback().await.map_err(failed("rolling a window back")),
            None => Ok(()),
        }
    }

    /// Commits the window: its rows, its line in the ledger, the mark and the run's counters, all
    /// or nothing; and renews the lease. Returns when the window began, by the store's clock.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another run has taken over; then nothing is committed.
    pub async fn commit(
        mut self,
        window: Window,
        mark: Mark,
        lease: &Lease,
        traffic: Traffic,
    ) -> Result<DateTime<Utc>, Error> {
        self.open().await?;
        let Some(Open { mut tx, stamp, .. }) = self.open else { unreachable!("it is open") };
        let now = tx.now().await?;
        tx.move_mark(mark, lease, now).await?;
        tx.enter_into_ledger(&stamp, window, &self.counts, now).await?;
        tx.count_for_run(&stamp, &self.counts, traffic).await?;
        tx.commit().await.map_err(failed("committing a window"))?;
        Ok(stamp.at)
    }
}

impl Tx {
    async fn move_mark(
        &mut self,
        mark: Mark,
        lease: &Lease,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let moved = on_either!(Tx, self, tx => sqlx::query(include_str!("sql/mark_move.sql"))
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

    async fn enter_into_ledger(
        &mut self,
        stamp: &Stamp,
        window: Window,
        counts: &Counts,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        on_either!(Tx, self, tx => sqlx::query(include_str!("sql/window_insert.sql"))
            .bind(Id(Uuid::now_v7()))
            .bind(stamp.run_id)
            .bind(&stamp.origin.account)
            .bind(stamp.origin.source)
            .bind(window.from)
            .bind(window.to)
            .bind(count(counts.fetched))
            .bind(count(counts.inserted))
            .bind(count(counts.updated))
            .bind(count(counts.unchanged))
            .bind(count(counts.rejected))
            .bind(count(counts.successes))
            .bind(count(counts.ignored))
            .bind(now)
            .execute(&mut **tx)
            .await
            .map(drop))
        .map_err(failed("entering a window into the ledger"))
    }

    async fn count_for_run(
        &mut self,
        stamp: &Stamp,
        counts: &Counts,
        traffic: Traffic,
    ) -> Result<(), Error> {
        on_either!(Tx, self, tx => sqlx::query(include_str!("sql/run_count.sql"))
            .bind(stamp.run_id)
            .bind(count(counts.fetched))
            .bind(count(counts.inserted))
            .bind(count(counts.updated))
            .bind(count(counts.unchanged))
            .bind(count(counts.rejected))
            .bind(count(counts.users_written))
            .bind(count(counts.successes))
            .bind(count(counts.ignored))
            .bind(count(traffic.requests))
            .bind(count(traffic.retries))
            .bind(count(traffic.bytes))
            .execute(&mut **tx)
            .await
            .map(drop))
        .map_err(failed("counting for the run"))
    }
}
