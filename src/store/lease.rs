//! One run at a time on an account and source: a lease in the database, fenced by a token.
//!
//! A row rather than a session lock: it serves both databases, connection poolers and clusters,
//! and it outlives the connection. A run that sleeps through its lease is not harmful: its commit
//! names its token, and finds it outdated.

use chrono::{DateTime, TimeDelta, Utc};

use super::tx::Tx;
use super::{Error, Store, failed, on_either};
use crate::model::Origin;
use crate::source::SourceKind;
use crate::window::{Rescan, Watermark};

/// The right to write the rows of one account and source.
#[derive(Debug, Clone)]
pub(crate) struct Lease {
    /// What it is for.
    pub origin: Origin,
    /// How long it lasts without renewal.
    pub ttl: TimeDelta,
    pub(super) token: i64,
}

/// Where an account and source stand when a run takes their lease.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ResumePoint {
    /// The mark.
    pub mark: Watermark,
    /// How far what may have changed was read again.
    pub rescan: Rescan,
}

/// The columns of `watermark_of.sql`, in its order.
type WatermarkRow = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// The columns that `lease_take.sql` returns, in its order.
type LeaseRow = (
    i64,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
);

impl Store {
    /// The mark of an account and source, whoever has their lease.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn watermark_of(
        &self,
        account: &str,
        source: SourceKind,
    ) -> Result<Watermark, Error> {
        let row: Option<WatermarkRow> =
            on_either!(Store, self, pool => sqlx::query_as(include_str!("sql/watermark_of.sql"))
                .bind(account)
                .bind(source.as_str())
                .fetch_optional(pool)
                .await)
            .map_err(failed("reading a mark"))?;
        let (high_water_mark, scanned_through) = row.unwrap_or_default();
        Ok(Watermark { high_water_mark, scanned_through })
    }

    /// From when on an account and source were ever read; none when never.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn read_since(&self, origin: &Origin) -> Result<Option<DateTime<Utc>>, Error> {
        on_either!(Store, self, pool => sqlx::query_scalar(include_str!("sql/read_since.sql"))
            .bind(&origin.account)
            .bind(origin.source.as_str())
            .fetch_one(pool)
            .await)
        .map_err(failed("looking up what was read"))
    }

    /// Records how far the span in which failures may still change was read again.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another run has taken over.
    pub(crate) async fn note_rescan(&self, lease: &Lease, rescan: Rescan) -> Result<(), Error> {
        let now = self.now().await?;
        let noted = on_either!(Store, self, pool => sqlx::query(include_str!("sql/watermark_rescanned.sql"))
            .bind(&lease.origin.account)
            .bind(lease.origin.source.as_str())
            .bind(lease.token)
            .bind(rescan.read_at)
            .bind(rescan.next)
            .bind(now)
            .execute(pool)
            .await
            .map(|done| done.rows_affected()))
        .map_err(failed("noting what was read again"))?;
        if noted == 1 { Ok(()) } else { Err(lease.lost()) }
    }

    /// Takes the lease, and reads the mark it guards. `owner` is for people: host and process.
    ///
    /// # Errors
    /// [`Error::LeaseHeld`] when another run has it.
    pub(crate) async fn take_lease(
        &self,
        origin: Origin,
        owner: &str,
        ttl: TimeDelta,
    ) -> Result<(Lease, ResumePoint), Error> {
        let now = self.now().await?;
        let row: Option<LeaseRow> =
            on_either!(Store, self, pool => sqlx::query_as(include_str!("sql/lease_take.sql"))
                .bind(&origin.account)
                .bind(origin.source.as_str())
                .bind(owner)
                .bind(now + ttl)
                .bind(now)
                .fetch_optional(pool)
                .await)
            .map_err(failed("taking the lease"))?;
        match row {
            Some((token, high_water_mark, scanned_through, read_at, next)) => {
                let mark = Watermark { high_water_mark, scanned_through };
                let rescan = Rescan { read_at, next };
                Ok((Lease { origin, ttl, token }, ResumePoint { mark, rescan }))
            }
            None => Err(self.lease_holder(&origin, now).await?),
        }
    }

    /// Extends the lease. Not while an SQLite window is being written: its transaction keeps
    /// everyone else out, and its commit renews.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another run has taken over.
    pub(crate) async fn renew_lease(&self, lease: &Lease) -> Result<(), Error> {
        if matches!(self, Self::Sqlite(pool) if pool.num_idle() == 0) {
            return Ok(());
        }
        let now = self.now().await?;
        let renewed =
            on_either!(Store, self, pool => sqlx::query(include_str!("sql/lease_renew.sql"))
            .bind(&lease.origin.account)
            .bind(lease.origin.source.as_str())
            .bind(lease.token)
            .bind(now + lease.ttl)
            .bind(now)
            .execute(pool)
            .await
            .map(|done| done.rows_affected()))
            .map_err(failed("renewing the lease"))?;
        if renewed == 1 { Ok(()) } else { Err(lease.lost()) }
    }

    /// Gives the lease back, if it is still ours.
    ///
    /// # Errors
    /// [`Error::Failed`]; the lease then runs out by itself.
    pub(crate) async fn release_lease(&self, lease: &Lease) -> Result<(), Error> {
        let now = self.now().await?;
        on_either!(Store, self, pool => sqlx::query(include_str!("sql/lease_release.sql"))
            .bind(&lease.origin.account)
            .bind(lease.origin.source.as_str())
            .bind(lease.token)
            .bind(now)
            .execute(pool)
            .await
            .map(drop))
        .map_err(failed("giving the lease back"))
    }

    async fn lease_holder(&self, origin: &Origin, now: DateTime<Utc>) -> Result<Error, Error> {
        let holder: Option<(Option<String>, Option<DateTime<Utc>>)> =
            on_either!(Store, self, pool => sqlx::query_as(include_str!("sql/lease_holder.sql"))
                .bind(&origin.account)
                .bind(origin.source.as_str())
                .fetch_optional(pool)
                .await)
            .map_err(failed("asking who holds the lease"))?;
        let (owner, until) = holder.unwrap_or_default();
        Ok(Error::LeaseHeld {
            account: origin.account.clone(),
            from: origin.source,
            // It may have been given back in between; trying again is right all the same.
            owner: owner.unwrap_or_else(|| "just finished".to_owned()),
            until: until.unwrap_or(now),
        })
    }
}

impl Tx {
    /// As [`Store::renew_lease`], within a transaction: nothing of it is kept when another run has
    /// taken over.
    pub(super) async fn renew_lease(
        &mut self,
        lease: &Lease,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let renewed = on_either!(Tx, self, tx => sqlx::query(include_str!("sql/lease_renew.sql"))
            .bind(&lease.origin.account)
            .bind(lease.origin.source.as_str())
            .bind(lease.token)
            .bind(now + lease.ttl)
            .bind(now)
            .execute(&mut **tx)
            .await
            .map(|done| done.rows_affected()))
        .map_err(failed("renewing the lease"))?;
        if renewed == 1 { Ok(()) } else { Err(lease.lost()) }
    }
}

impl Lease {
    pub(super) fn lost(&self) -> Error {
        Error::LeaseLost { account: self.origin.account.clone(), from: self.origin.source }
    }
}
