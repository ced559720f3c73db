//! The rows of a window and the mark behind them, in one transaction.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::people::People;
use super::run::{Traffic, count};
use super::settle::{Repeated, Settled, collision, settle, settle_successes};
use super::tx::{Stamp, Tx};
use super::value::Id;
use super::{Error, Lease, Run, Store, failed, on_either};
use crate::identity::reject_id;
use crate::model::{Batch, Counts, Failure, Reject, Success, TextArena, TextRef};
use crate::window::{Watermark, Window};

/// Rejects a statement.
const REJECTS: usize = 1_000;

/// Writes the windows of a run, one after another. Nothing of a window is visible to others until
/// [`Writer::commit`], and nothing is left of it when the writer is dropped instead.
///
/// A window's transaction begins with its first statement, so that a small window holds an SQLite
/// file for a moment only, however long its records take to come.
pub(crate) struct Writer<'a> {
    store: &'a Store,
    run: &'a Run,
    /// When the last window began.
    after: Option<DateTime<Utc>>,
    open: Option<Open>,
    counts: Counts,
    people: People,
    repeated: Repeated,
}

/// What there is once the transaction has begun.
struct Open {
    tx: Tx,
    stamp: Stamp,
    /// Whether a record that loads could close a reject; asked once, since it is seldom so.
    some_rejected: bool,
    /// Whether nobody else writes people until the end of the window.
    people_locked: bool,
}

impl Open {
    async fn lock_people(&mut self) -> Result<(), Error> {
        if !self.people_locked {
            self.tx.lock_people(&self.stamp.origin.account).await?;
            self.people_locked = true;
        }
        Ok(())
    }
}

impl Store {
    /// Prepares to write the windows of a run.
    #[must_use]
    pub(crate) fn writer<'a>(&'a self, run: &'a Run) -> Writer<'a> {
        Writer {
            store: self,
            run,
            after: None,
            open: None,
            counts: Counts::default(),
            people: People::default(),
            repeated: Repeated::default(),
        }
    }
}

impl Writer<'_> {
    /// What became of the window's records so far; final after [`Writer::flush`].
    #[must_use]
    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// Writes records, in the order in which they come. What is unchanged is not written.
    ///
    /// # Errors
    /// [`Error::Failed`]; the writer is then to be dropped.
    pub(crate) async fn write(&mut self, batch: Batch) -> Result<(), Error> {
        let Batch { texts, failures, successes, rejects, ignored } = batch;
        self.counts.fetched += (failures.len() + rejects.len()) as u64;
        self.counts.successes += successes.len() as u64;
        self.counts.rejected += rejects.len() as u64;
        self.counts.ignored += ignored.len() as u64;
        self.write_failures(&texts, failures).await?;
        self.write_successes(&texts, successes).await?;
        self.put_aside(rejects).await
    }

    /// Writes what is left, so that the counts are final.
    ///
    /// # Errors
    /// As [`Writer::write`].
    pub(crate) async fn flush(&mut self) -> Result<(), Error> {
        let news = self.people.news();
        if news.is_empty() {
            return Ok(());
        }
        let open = open(&mut self.open, self.store, self.run, self.after).await?;
        open.lock_people().await?;
        let written = open.tx.update_people(&open.stamp, self.people.texts(), &news).await?;
        self.counts.users_written += self.people.told(&written);
        Ok(())
    }

    async fn open(&mut self) -> Result<&mut Open, Error> {
        open(&mut self.open, self.store, self.run, self.after).await
    }

    async fn write_failures(
        &mut self,
        texts: &TextArena,
        batch: Vec<Failure>,
    ) -> Result<(), Error> {
        if batch.is_empty() {
            return Ok(());
        }
        let Open { tx, stamp, .. } = open(&mut self.open, self.store, self.run, self.after).await?;
        let stored = tx.stored(&batch).await.map_err(failed("looking up failures"))?;
        let settled = settle(stamp, texts, batch, &stored, &mut self.repeated);
        let Settled { new, changed, mut displaced, displaced_stored, counts, no_longer_unchanged } =
            settled;
        self.counts += counts;
        self.counts.unchanged -= no_longer_unchanged;
        if !displaced_stored.is_empty() {
            let stored = tx.raw_failures(&displaced_stored).await?;
            displaced.extend(stored.into_iter().map(|(id, raw)| collision(stamp, id, raw)));
        }
        self.meet(texts, [&new, &changed]).await?;
        let Open { tx, stamp, .. } = self.open().await?;
        tx.insert(stamp, texts, &new).await.map_err(failed("writing new failures"))?;
        tx.update(stamp, texts, &changed).await.map_err(failed("writing changed failures"))?;
        let loaded = new.iter().chain(&changed).map(|failure| failure.raw);
        self.close_rejects(texts, loaded).await?;
        self.put_aside(displaced).await
    }

    /// Sees to it that everyone whom these failures name has a row before them.
    async fn meet(&mut self, texts: &TextArena, failures: [&[Failure]; 2]) -> Result<(), Error> {
        if self.people.are_many() {
            self.flush().await?;
            self.people.forget();
        }
        for failures in failures {
            self.people.hear(failures, texts);
        }
        let mut strangers = self.people.strangers();
        if strangers.is_empty() {
            return Ok(());
        }
        let open = open(&mut self.open, self.store, self.run, self.after).await?;
        open.lock_people().await?;
        if !self.people.are_new() {
            // Nearly all are there; to look is a fraction of what inserts in vain take.
            let there = open.tx.people_there(&open.stamp, &strangers).await?;
            strangers.retain(|word| !there.contains(&word.user_id));
        }
        let written = open.tx.insert_people(&open.stamp, self.people.texts(), &strangers).await?;
        self.people.met(&written);
        self.counts.users_written += written.len() as u64;
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
        let Open { tx, stamp, .. } = self.open().await?;
        let stored = tx.stored(&batch).await.map_err(failed("looking up successes"))?;
        let (new, changed) = settle_successes(stamp, batch, &stored);
        tx.insert(stamp, texts, &new).await.map_err(failed("writing new successes"))?;
        tx.update(stamp, texts, &changed).await.map_err(failed("writing changed successes"))?;
        self.close_rejects(texts, new.iter().chain(&changed).map(|success| success.raw)).await
    }

    /// Closes the rejects whose text was loaded after all.
    async fn close_rejects(
        &mut self,
        texts: &TextArena,
        loaded: impl Iterator<Item = TextRef>,
    ) -> Result<(), Error> {
        let Open { tx, stamp, some_rejected, .. } = self.open().await?;
        if !*some_rejected {
            return Ok(());
        }
        let ids: Vec<Uuid> = loaded.map(|raw| reject_id(&stamp.origin, texts.get(raw))).collect();
        for ids in ids.chunks(REJECTS) {
            tx.close_rejects(stamp.at.value, ids).await?;
        }
        Ok(())
    }

    async fn put_aside(&mut self, mut rejects: Vec<Reject>) -> Result<(), Error> {
        if rejects.is_empty() {
            return Ok(());
        }
        rejects.sort_unstable_by_key(|reject| reject.reject_id);
        rejects.dedup_by_key(|reject| reject.reject_id);
        let Open { tx, stamp, some_rejected, .. } = self.open().await?;
        let mut new = 0;
        for some in rejects.chunks(REJECTS) {
            let ids: Vec<Uuid> = some.iter().map(|reject| reject.reject_id).collect();
            new += tx.count_new_rejects(stamp.at.value, &ids).await? as u64;
            tx.upsert_rejects(stamp, some).await?;
        }
        *some_rejected = true;
        self.counts.newly_rejected += new;
        Ok(())
    }

    /// Takes the window back.
    ///
    /// # Errors
    /// [`Error::Failed`]; the database then does it by itself.
    pub(crate) async fn roll_back(&mut self) -> Result<(), Error> {
        (self.counts, self.repeated) = (Counts::default(), Repeated::default());
        // What their rows say is not what was written in vain.
        self.people.forget();
        match self.open.take() {
            Some(Open { tx, .. }) => tx.rollback().await.map_err(failed("rolling a window back")),
            None => Ok(()),
        }
    }

    /// Commits the window: its rows, its line in the ledger, the mark and the run's counters, all
    /// or nothing; and renews the lease. The next window can follow.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another run has taken over; then nothing is committed.
    pub(crate) async fn commit(
        &mut self,
        window: Window,
        mark: Watermark,
        lease: &Lease,
        traffic: Traffic,
    ) -> Result<(), Error> {
        self.open().await?;
        let Some(Open { mut tx, stamp, .. }) = self.open.take() else { unreachable!("it is open") };
        let now = tx.now().await?;
        tx.move_mark(mark, lease, now).await?;
        tx.enter_into_ledger(&stamp, window, &self.counts, now).await?;
        tx.count_for_run(&stamp, &self.counts, traffic).await?;
        tx.commit().await.map_err(failed("committing a window"))?;
        (self.counts, self.repeated) = (Counts::default(), Repeated::default());
        self.people.next_window();
        self.after = Some(stamp.at.value);
        Ok(())
    }
}

/// Begins the transaction, if it has not begun. Not a method: what else the writer holds is at hand
/// meanwhile.
async fn open<'o>(
    open: &'o mut Option<Open>,
    store: &Store,
    run: &Run,
    after: Option<DateTime<Utc>>,
) -> Result<&'o mut Open, Error> {
    if open.is_none() {
        let mut tx = Tx::begin(store).await.map_err(failed("beginning a window"))?;
        let now = tx.now().await?;
        // A row's stamp tells which window wrote it.
        let at = after.map_or(now, |after| now.max(after + TimeDelta::milliseconds(1)));
        let some_rejected = tx.any_open_reject(&run.origin).await?;
        let stamp = Stamp::new(&run.origin, run.run_id, at, run.keep_raw);
        *open = Some(Open { tx, stamp, some_rejected, people_locked: false });
    }
    Ok(open.as_mut().expect("it was just opened"))
}

impl Tx {
    async fn move_mark(
        &mut self,
        mark: Watermark,
        lease: &Lease,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let moved = on_either!(Tx, self, tx => sqlx::query(include_str!("sql/mark_move.sql"))
            .bind(&lease.origin.account)
            .bind(lease.origin.source.as_str())
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
            .bind(Id(stamp.run_id.value))
            .bind(&stamp.origin.account)
            .bind(stamp.origin.source.as_str())
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
            .bind(Id(stamp.run_id.value))
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
