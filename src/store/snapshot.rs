//! Reading in two transactions side by side that see the same rows.

use sqlx::AssertSqlSafe;
use tokio::time::timeout;

use super::connect::SECOND_WITHIN;
use super::tx::{BEGIN_SNAPSHOT_POSTGRES, Tx};
use super::{Error, Store, failed};

const EXPORT: &str = "select pg_export_snapshot()";
/// Attempts to begin two transactions between the commits of other programs. A connection that is opened again each
/// time, as to a file without its side files that must not be written, would never succeed.
const ATTEMPTS: usize = 20;
/// A number that is another one if, since this connection saw it last, another one has committed.
const VERSION: &str = "pragma data_version";
const SHARING: &str = "beginning to read";

/// The database as it was at one moment.
pub(super) struct Snapshot {
    first: Tx,
    /// `None` if there is no second connection.
    second: Option<Tx>,
}

impl Store {
    /// Runs statements that only read, and all see the database as it was at the first of them.
    pub(super) async fn read_snapshot<T>(
        &self,
        doing: &'static str,
        work: impl AsyncFnOnce(&mut Snapshot) -> Result<T, sqlx::Error>,
    ) -> Result<T, Error> {
        let statements = async {
            let mut snapshot = match self {
                Self::Postgres(_) => self.snapshot_of_server().await?,
                Self::Sqlite(_) => self.snapshot_of_file().await?,
            };
            let done = work(&mut snapshot).await;
            snapshot.end().await;
            done.map_err(failed(doing))
        };
        self.answered(doing, statements).await
    }

    async fn snapshot_of_server(&self) -> Result<Snapshot, Error> {
        let begin = async || Tx::begin_with(self, BEGIN_SNAPSHOT_POSTGRES, "").await;
        let mut first = begin().await?;
        let name = first.export().await.map_err(failed(SHARING))?;
        let second = async {
            let mut second = begin().await?;
            second.see(&name).await.map_err(failed(SHARING))?;
            Ok(second)
        };
        // A pooler may have no other connection to lend.
        let second = timeout(SECOND_WITHIN, second).await.ok().transpose()?;
        Ok(Snapshot { first, second })
    }

    /// SQLite has no name for what a transaction sees. If the second connection, which the pool has for nobody else,
    /// finds no commit between before and after the beginning of the first transaction, both see the same. Otherwise
    /// one transaction reads it all.
    async fn snapshot_of_file(&self) -> Result<Snapshot, Error> {
        let begin = async || Tx::begin_with(self, "", "begin").await;
        for _ in 0..ATTEMPTS {
            // It sees nothing before it reads.
            let mut first = begin().await?;
            let mut second = begin().await?;
            let before = second.version().await.map_err(failed(SHARING))?;
            second.rollback().await.map_err(failed(SHARING))?;
            first.version().await.map_err(failed(SHARING))?;
            let mut second = begin().await?;
            if second.version().await.map_err(failed(SHARING))? == before {
                return Ok(Snapshot { first, second: Some(second) });
            }
            first.rollback().await.map_err(failed(SHARING))?;
            second.rollback().await.map_err(failed(SHARING))?;
        }
        Ok(Snapshot { first: begin().await?, second: None })
    }
}

impl Snapshot {
    /// The transaction for what is read alone.
    pub(super) fn tx(&mut self) -> &mut Tx {
        &mut self.first
    }

    /// Reads two things, side by side where there are two connections.
    pub(super) async fn both<A, B>(
        &mut self,
        one: impl AsyncFnOnce(&mut Tx) -> Result<A, sqlx::Error>,
        other: impl AsyncFnOnce(&mut Tx) -> Result<B, sqlx::Error>,
    ) -> Result<(A, B), sqlx::Error> {
        match &mut self.second {
            Some(second) => tokio::try_join!(one(&mut self.first), other(second)),
            None => Ok((one(&mut self.first).await?, other(&mut self.first).await?)),
        }
    }

    /// Nothing was written, so that an error here changes nothing.
    async fn end(self) {
        for tx in [Some(self.first), self.second].into_iter().flatten() {
            let _ = tx.rollback().await;
        }
    }
}

impl Tx {
    /// Names what the transaction sees, for another one in Postgres.
    async fn export(&mut self) -> Result<String, sqlx::Error> {
        let Self::Postgres(session) = self else { return Ok(String::new()) };
        sqlx::query_scalar(EXPORT).fetch_one(&mut **session).await
    }

    /// Lets a transaction that has read nothing yet see what another one sees.
    async fn see(&mut self, name: &str) -> Result<(), sqlx::Error> {
        let Self::Postgres(session) = self else { return Ok(()) };
        // Safe: the server made the name, of digits and dashes. No parameter may stand here.
        let statement = AssertSqlSafe(format!("set transaction snapshot '{name}'"));
        sqlx::raw_sql(statement).execute(&mut **session).await.map(drop)
    }

    /// Begins to see the file as it is, unless the transaction did already.
    async fn version(&mut self) -> Result<i64, sqlx::Error> {
        let Self::Sqlite(tx) = self else { return Ok(0) };
        sqlx::query_scalar(VERSION).fetch_one(&mut **tx).await
    }
}
