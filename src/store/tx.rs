//! Transactions.

use chrono::{DateTime, SubsecRound, Utc};
use sqlx::{Postgres, Sqlite, SqlitePool, Transaction};

use super::{Error, NOW, Store, failed, on_either};

/// Distinguishes the locks of [`Tx::lock_users`] from others on the same database: `people` in ASCII.
const USERS: i64 = 0x7065_6f70_6c65;

/// An open transaction.
pub(super) enum Tx {
    Postgres(Transaction<'static, Postgres>),
    Sqlite(Transaction<'static, Sqlite>),
}

impl Tx {
    pub(super) async fn begin(store: &Store) -> Result<Self, sqlx::Error> {
        match store {
            Store::Postgres(pool) => pool.begin().await.map(Self::Postgres),
            Store::Sqlite(pool) => begin_sqlite(pool).await.map(Self::Sqlite),
        }
    }

    /// As [`Store::now`], on the transaction's own connection.
    pub(super) async fn now(&mut self) -> Result<DateTime<Utc>, Error> {
        let now = match self {
            Self::Postgres(tx) => sqlx::query_scalar(NOW).fetch_one(&mut **tx).await,
            Self::Sqlite(_) => Ok(Utc::now()),
        };
        Ok(now.map_err(failed("reading the time"))?.trunc_subsecs(3))
    }

    /// Waits until no other transaction writes users of the account. Runs of two sources meet the same
    /// users, each in its own order, and would otherwise deadlock. SQLite has one writer anyway.
    pub(super) async fn lock_users(&mut self, account: &str) -> Result<(), Error> {
        let Self::Postgres(tx) = self else { return Ok(()) };
        // Held until the commit, so it works through a connection pooler too.
        sqlx::query("select pg_advisory_xact_lock(hashtextextended($1, $2))")
            .bind(account)
            .bind(USERS)
            .execute(&mut **tx)
            .await
            .map(drop)
            .map_err(failed("waiting for another run to write users"))
    }

    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        on_either!(Tx, self, tx => tx.commit().await)
    }

    pub(super) async fn rollback(self) -> Result<(), sqlx::Error> {
        on_either!(Tx, self, tx => tx.rollback().await)
    }
}

async fn begin_sqlite(pool: &SqlitePool) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
    // What SQLite keeps to roll back one statement is two megabytes at most; in files it had written
    // 1.7 GB of that for the users of a first load of 250 MB. Not for the whole connection: what a
    // migration sorts would be in memory, too.
    // The write lock comes first: a transaction that has read before could be refused it.
    pool.begin_with("pragma temp_store = memory; begin immediate").await
}
