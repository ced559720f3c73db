//! One run at a time on an account and source: a lease in the database, fenced by a token.
//!
//! A row rather than a session lock: it serves both databases, connection poolers and clusters,
//! and it outlives the connection. A run that sleeps through its lease is not harmful: its commit
//! names its token, and finds it outdated.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Error, Store, failed, on_either};
use crate::model::Origin;
use crate::window::Mark;

/// The right to write the rows of one account and source.
#[derive(Debug, Clone)]
pub struct Lease {
    /// What it is for.
    pub origin: Origin,
    /// How long it lasts without renewal.
    pub ttl: TimeDelta,
    pub(super) token: i64,
}

/// The lease's token and the two marks.
type MarkRow = (i64, Option<DateTime<Utc>>, Option<DateTime<Utc>>);

impl Store {
    /// Takes the lease, and reads the mark it guards. `owner` is for people: host and process.
    ///
    /// # Errors
    /// [`Error::LeaseHeld`] when another run has it.
    pub async fn take_lease(
        &self,
        origin: Origin,
        owner: &str,
        ttl: TimeDelta,
    ) -> Result<(Lease, Mark), Error> {
        let now = self.now().await?;
        let row: Option<MarkRow> =
            on_either!(Store, self, pool => sqlx::query_as(include_str!("sql/lease_take.sql"))
                .bind(&origin.account)
                .bind(origin.source)
                .bind(owner)
                .bind(now + ttl)
                .bind(now)
                .fetch_optional(pool)
                .await)
            .map_err(failed("taking the lease"))?;
        match row {
            Some((token, high_water_mark, scanned_through)) => {
                Ok((Lease { origin, ttl, token }, Mark { high_water_mark, scanned_through }))
            }
            None => Err(self.lease_holder(&origin, now).await?),
        }
    }

    /// Extends the lease. Not while an SQLite window is being written: its transaction keeps
    /// everyone else out, and its commit renews.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another run has taken over.
    pub async fn renew_lease(&self, lease: &Lease) -> Result<(), Error> {
        if matches!(self, Self::Sqlite(pool) if pool.num_idle() == 0) {
            return Ok(());
        }
        let now = self.now().await?;
        let renewed =
            on_either!(Store, self, pool => sqlx::query(include_str!("sql/lease_renew.sql"))
            .bind(&lease.origin.account)
            .bind(lease.origin.source)
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
    pub async fn release_lease(&self, lease: &Lease) -> Result<(), Error> {
        let now = self.now().await?;
        on_either!(Store, self, pool => sqlx::query(include_str!("sql/lease_release.sql"))
            .bind(&lease.origin.account)
            .bind(lease.origin.source)
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
                .bind(origin.source)
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

impl Lease {
    pub(super) fn lost(&self) -> Error {
        Error::LeaseLost { account: self.origin.account.clone(), from: self.origin.source }
    }
}
