//! The transaction of a window, and what all of its rows have in common.

use chrono::{DateTime, SubsecRound, Utc};
use sqlx::{Postgres, Sqlite, SqlitePool, Transaction};
use uuid::Uuid;

use super::columns::Shared;
use super::{Error, NOW, Store, failed, on_either};
use crate::model::Origin;

/// Tells the locks of [`Tx::lock_people`] from others on the same database: `people` in ASCII.
const PEOPLE: i64 = 0x7065_6f70_6c65;

/// The transaction of a window.
pub(super) enum Tx {
    Postgres(Transaction<'static, Postgres>),
    Sqlite(Transaction<'static, Sqlite>),
}

/// What all rows of a window have in common.
#[derive(Debug, Clone)]
pub(super) struct Stamp {
    pub(super) origin: Origin,
    pub(super) account: Shared<()>,
    pub(super) source: Shared<()>,
    pub(super) run_id: Shared<Uuid>,
    /// Written into the rows; differs from window to window of a run.
    pub(super) at: Shared<DateTime<Utc>>,
    /// Whether the rows keep the text of their records.
    pub(super) keep_raw: bool,
}

impl Stamp {
    pub(super) fn new(origin: &Origin, run_id: Uuid, at: DateTime<Utc>, keep_raw: bool) -> Self {
        Self {
            account: Shared::text(&origin.account),
            source: Shared::text(origin.source.as_str()),
            run_id: Shared::id(run_id),
            at: Shared::time(at),
            keep_raw,
            origin: origin.clone(),
        }
    }
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
        Ok(now.map_err(failed("asking for the time"))?.trunc_subsecs(3))
    }

    /// Waits until no other transaction writes people of the account. Runs of two sources meet the
    /// same people, each in an order of its own, and would otherwise block each other. SQLite has one
    /// writer anyway.
    pub(super) async fn lock_people(&mut self, account: &str) -> Result<(), Error> {
        let Self::Postgres(tx) = self else { return Ok(()) };
        // Held until the commit, so it works behind a connection pooler too.
        sqlx::query("select pg_advisory_xact_lock(hashtextextended($1, $2))")
            .bind(account)
            .bind(PEOPLE)
            .execute(&mut **tx)
            .await
            .map(drop)
            .map_err(failed("waiting for another run to write people"))
    }

    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        on_either!(Tx, self, tx => tx.commit().await)
    }

    pub(super) async fn rollback(self) -> Result<(), sqlx::Error> {
        on_either!(Tx, self, tx => tx.rollback().await)
    }
}

async fn begin_sqlite(pool: &SqlitePool) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
    // What SQLite keeps to take one statement back is two megabytes at most; for the people of a first
    // load of 250 MB it had written 1.7 GB of that to files. Not for the whole connection: what a
    // migration sorts would be in memory, too.
    // The write lock from the start: a transaction that has read first could be refused it.
    pool.begin_with("pragma temp_store = memory; begin immediate").await
}
