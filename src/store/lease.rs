//! One run at a time per account and source: a lease in the database, fenced by a token.
//!
//! A row rather than a session lock: it serves both databases, connection poolers and clusters,
//! and it outlives the connection. A run that sleeps through its lease does no harm: its commit
//! names its token and finds it outdated.

use chrono::{DateTime, TimeDelta, Utc};

use super::tx::Tx;
use super::value::Time;
use super::{Error, Store, failed, on_either};
use crate::model::Origin;
use crate::window::{Watermark, clock};

/// Longest lease that a run takes, and the difference between two clocks. One that ends later was taken
/// under a wrong clock.
const LONGEST: TimeDelta = TimeDelta::minutes(24 * 60 + 1);

/// The right to write the rows of one account and source.
#[derive(Debug, Clone)]
pub(crate) struct Lease {
    /// The account and source.
    pub origin: Origin,
    /// Duration without renewal.
    pub ttl: TimeDelta,
    pub(super) token: i64,
    /// The time by the database's clock at which it was taken.
    pub(super) taken_at: DateTime<Utc>,
}

/// The state of an account and source when a run takes their lease.
#[derive(Debug, Clone, Default)]
pub(crate) struct ResumePoint {
    pub watermark: Watermark,
    /// Host and port that were read so far.
    pub read_from: Option<String>,
    /// OneLogin's own id of the account.
    pub onelogin_account_id: Option<i64>,
}

/// The columns of `watermark_of.sql`, in its order.
type WatermarkRow = (Option<DateTime<Utc>>, Option<DateTime<Utc>>, Option<String>);

/// The columns that `watermark_lower.sql` returns, in its order.
type LoweredRow = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// A run locks rows of the table only; a lock on all of it is another program's.
const WAIT_BRIEFLY: &str = "set local lock_timeout = '1s'";

/// The columns of `lease_holder.sql`, in its order.
type HolderRow = (Option<String>, Option<DateTime<Utc>>);

/// The columns that `lease_take.sql` returns, in its order.
type LeaseRow = (i64, Option<DateTime<Utc>>, Option<DateTime<Utc>>, Option<String>);

impl Store {
    /// Reads the watermark of an account and source, and its host, whichever run holds their lease.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn watermark_of(
        &self,
        origin: &Origin,
    ) -> Result<(Watermark, Option<String>), Error> {
        let row: Option<WatermarkRow> = self
            .read("reading a watermark", async |tx| {
                on_either!(Tx, tx, tx => sqlx::query_as(include_str!("sql/watermark_of.sql"))
                    .bind(&origin.account)
                    .bind(origin.source.as_str())
                    .fetch_optional(&mut **tx)
                    .await)
            })
            .await?;
        let (high_water_mark, scanned_through, read_from) = row.unwrap_or_default();
        Ok((Watermark { high_water_mark, scanned_through }, read_from))
    }

    /// Finds the start of the earliest window that was read from the source; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn read_since(&self, origin: &Origin) -> Result<Option<DateTime<Utc>>, Error> {
        self.read("looking up the earliest window", async |tx| {
            on_either!(Tx, tx, tx => sqlx::query_scalar(include_str!("sql/read_since.sql"))
                .bind(&origin.account)
                .bind(origin.source.as_str())
                .fetch_optional(&mut **tx)
                .await)
        })
        .await
    }

    /// The end of the last window in the ledger that lies neither after `now` nor, but for the tolerance of
    /// clocks, after its own commit.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn last_plausible_window_end(
        &self,
        origin: &Origin,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, Error> {
        let mut before = now;
        loop {
            let ends: Vec<(DateTime<Utc>, DateTime<Utc>)> = self
                .read("looking up windows in the ledger", async |tx| {
                    on_either!(Tx, tx, tx => sqlx::query_as(include_str!("sql/window_ends.sql"))
                        .bind(&origin.account)
                        .bind(origin.source.as_str())
                        .bind(Time(before))
                        .fetch_all(&mut **tx)
                        .await)
                })
                .await?;
            let plausible = ends.iter().find(|(end, at)| clock::is_plausible(*end, *at, now));
            match (plausible, ends.last()) {
                (Some((end, _)), _) => return Ok(Some(*end)),
                // Windows that end together are more than one statement returns only if nothing else is
                // left to find.
                (None, Some((last, _))) if *last < before => before = *last,
                (None, _) => return Ok(None),
            }
        }
    }

    /// Lowers a watermark that lies ahead of the clocks.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] if another run holds the lease.
    pub(crate) async fn lower_watermark(
        &self,
        lease: &Lease,
        scanned_through: Option<DateTime<Utc>>,
    ) -> Result<Watermark, Error> {
        let lowered: Option<LoweredRow> = self
            .write("lowering the watermark", async |tx| {
                let now = tx.now().await?;
                on_either!(Tx, tx, tx => {
                    sqlx::query(include_str!("sql/rereads_forget.sql"))
                        .bind(&lease.origin.account)
                        .bind(lease.origin.source.as_str())
                        .execute(&mut **tx)
                        .await?;
                    sqlx::query_as(include_str!("sql/watermark_lower.sql"))
                        .bind(&lease.origin.account)
                        .bind(lease.origin.source.as_str())
                        .bind(lease.token)
                        .bind(scanned_through.map(Time))
                        .bind(Time(now))
                        .fetch_optional(&mut **tx)
                        .await
                })
            })
            .await?;
        let (high_water_mark, scanned_through) = lowered.ok_or_else(|| lease.lost())?;
        Ok(Watermark { high_water_mark, scanned_through })
    }

    /// Takes the lease, and reads the watermark that it guards. `owner` is for people: host and process.
    ///
    /// # Errors
    /// [`Error::LeaseHeld`] if another run holds it.
    pub(crate) async fn take_lease(
        &self,
        origin: Origin,
        owner: &str,
        ttl: TimeDelta,
    ) -> Result<(Lease, ResumePoint), Error> {
        // A window may hold the lock of an SQLite file, or of the row in Postgres, for a minute. Its holder can be read
        // meanwhile.
        if let Some(held) = self.held(&origin).await? {
            return Err(held);
        }
        let answer = self
            .write("taking the lease", async |tx| {
                let now = tx.now().await?;
                on_either!(Tx, tx, tx => {
                    let row: Option<LeaseRow> =
                        sqlx::query_as(include_str!("sql/lease_take.sql"))
                            .bind(&origin.account)
                            .bind(origin.source.as_str())
                            .bind(owner)
                            .bind(Time(now + ttl))
                            .bind(Time(now))
                            .bind(Time(now + LONGEST))
                            .fetch_optional(&mut **tx)
                            .await?;
                    sqlx::query(include_str!("sql/accounts_insert.sql"))
                        .bind(&origin.account)
                        .execute(&mut **tx)
                        .await?;
                    let account_id: Option<i64> =
                        sqlx::query_scalar(include_str!("sql/accounts_id.sql"))
                            .bind(&origin.account)
                            .fetch_one(&mut **tx)
                            .await?;
                    Ok((row, account_id, now))
                })
            })
            .await;
        let (row, onelogin_account_id, taken_at) = match answer {
            // Another run's lease ran out unrenewed, and yet it is at work.
            Err(Error::Locked { source, .. }) if self.has_leases(&origin.account, 1).await => {
                return Err(Error::of_account_lock(&origin.account, source));
            }
            answer => answer?,
        };
        match row {
            Some((token, high_water_mark, scanned_through, read_from)) => {
                let watermark = Watermark { high_water_mark, scanned_through };
                let resume = ResumePoint { watermark, read_from, onelogin_account_id };
                let lease = Lease { origin, ttl, token, taken_at };
                self.end_abandoned_copies(&lease).await?;
                Ok((lease, resume))
            }
            // It may have been released in between; trying again is right all the same.
            None => Err(self.held(&origin).await?.unwrap_or_else(|| Error::LeaseHeld {
                account: origin.account.clone(),
                from: origin.source,
                owner: "just finished".to_owned(),
                until: Utc::now(),
            })),
        }
    }

    /// Corrects the cause of a wait for the account's lock while this run had its lease: without another run of the
    /// account, another program holds the lock.
    pub(crate) async fn cause_of_lock(&self, error: Error) -> Error {
        match error {
            Error::AccountLocked { account, source } if !self.has_leases(&account, 2).await => {
                Error::Locked { doing: "writing rows of the account", source }
            }
            error => error,
        }
    }

    /// Checks that runs of an account hold at least a number of leases, even if they have expired. If that cannot be
    /// read, the table is locked, which no run does.
    async fn has_leases(&self, account: &str, number: i64) -> bool {
        let held = self.read("reading who holds leases", async |tx| {
            if let Tx::Postgres(tx) = tx {
                sqlx::raw_sql(WAIT_BRIEFLY).execute(&mut **tx).await?;
            }
            on_either!(Tx, tx, tx => sqlx::query_scalar(include_str!("sql/leases_held.sql"))
                .bind(account)
                .fetch_one(&mut **tx)
                .await)
        });
        held.await.is_ok_and(|held: i64| held >= number)
    }

    /// Extends the lease, except while an SQLite window is being written: its transaction keeps all
    /// other runs out, and its commit renews.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] if another run holds the lease.
    pub(crate) async fn renew_lease(&self, lease: &Lease) -> Result<(), Error> {
        if matches!(self, Self::Sqlite(file) if file.pool.num_idle() == 0) {
            return Ok(());
        }
        let renewed = self.write("renewing the lease", async |tx| tx.renewed(lease).await).await?;
        if renewed == 1 { Ok(()) } else { Err(lease.lost()) }
    }

    /// Releases the lease, if this run still holds it.
    ///
    /// # Errors
    /// [`Error::Failed`]; the lease then expires by itself.
    pub(crate) async fn release_lease(&self, lease: &Lease) -> Result<(), Error> {
        self.write("releasing the lease", async |tx| {
            let now = tx.now().await?;
            on_either!(Tx, tx, tx => sqlx::query(include_str!("sql/lease_release.sql"))
                .bind(&lease.origin.account)
                .bind(lease.origin.source.as_str())
                .bind(lease.token)
                .bind(Time(now))
                .execute(&mut **tx)
                .await
                .map(drop))
        })
        .await
    }

    /// The refusal, if another run holds the lease and it has not expired.
    async fn held(&self, origin: &Origin) -> Result<Option<Error>, Error> {
        let (holder, now): (Option<HolderRow>, _) = self
            .read("reading who holds the lease", async |tx| {
                let now = tx.now().await?;
                let holder =
                    on_either!(Tx, tx, tx => sqlx::query_as(include_str!("sql/lease_holder.sql"))
                        .bind(&origin.account)
                        .bind(origin.source.as_str())
                        .fetch_optional(&mut **tx)
                        .await)?;
                Ok((holder, now))
            })
            .await?;
        let Some((Some(owner), Some(until))) = holder else { return Ok(None) };
        let held = || Error::LeaseHeld {
            account: origin.account.clone(),
            from: origin.source,
            owner,
            until,
        };
        Ok((until > now && until <= now + LONGEST).then(held))
    }
}

impl Tx {
    /// As [`Store::renew_lease`], within a transaction, which must not be committed if another run holds
    /// the lease.
    pub(super) async fn renew_lease(&mut self, lease: &Lease) -> Result<(), Error> {
        let renewed = self.renewed(lease).await.map_err(failed("renewing the lease"))?;
        if renewed == 1 { Ok(()) } else { Err(lease.lost()) }
    }

    async fn renewed(&mut self, lease: &Lease) -> Result<u64, sqlx::Error> {
        let now = self.now().await?;
        on_either!(Tx, self, tx => sqlx::query(include_str!("sql/lease_renew.sql"))
            .bind(&lease.origin.account)
            .bind(lease.origin.source.as_str())
            .bind(lease.token)
            .bind(Time(now + lease.ttl))
            .bind(Time(now))
            .execute(&mut **tx)
            .await
            .map(|done| done.rows_affected()))
    }
}

impl Lease {
    pub(super) fn lost(&self) -> Error {
        Error::LeaseLost { account: self.origin.account.clone(), from: self.origin.source }
    }
}
