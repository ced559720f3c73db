//! Indexes of an SQLite file that are made after many rows were written into empty tables.
//!
//! Records come in the order of time, and cases user by user, so each row would change a page of these indexes at
//! a random place: with them, the first load of a million rows took three times as long. Postgres keeps them:
//! it has a cache that holds them.
//!
//! The texts are those of the migrations; a test compares them.

use super::tx::Tx;
use super::{Error, Store, failed};

const ARE_RECORDS_EMPTY: &str = include_str!("sql/are_records_empty.sql");
const ARE_CASES_EMPTY: &str = include_str!("sql/are_cases_empty.sql");
/// The indexes by user of failures and successes.
const DROP_OF_RECORDS: &str = include_str!("sql/indexes_of_records_drop.sql");
const MAKE_OF_RECORDS: &str = include_str!("sql/indexes_of_records_make.sql");
const DROP_OF_CASES: &str = include_str!("sql/indexes_of_cases_drop.sql");
const MAKE_OF_CASES: &str = include_str!("sql/indexes_of_cases_make.sql");
/// The statistics by which SQLite plans; without them it takes an account for ten rows.
const STATISTICS: &str = include_str!("sql/sqlite_statistics.sql");
/// Reads the schema alone, so that a run that has nothing to make waits for no lock.
const NAMES: &str = "select name from sqlite_schema where type = 'index'";

const DOING: &str = "preparing the load";
const MAKING: &str = "making an index";

impl Store {
    /// Prepares a load. Drops the indexes of failures and successes by user before the first one into an SQLite
    /// file, and returns whether it did; else makes the indexes that a killed run left out.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn begin_load(&self) -> Result<bool, Error> {
        let Self::Sqlite(file) = self else { return Ok(false) };
        let are_empty = sqlx::query_scalar(ARE_RECORDS_EMPTY).fetch_one(&file.pool).await;
        if !are_empty.map_err(failed(DOING))? {
            self.make_indexes().await?;
            return Ok(false);
        }
        let mut tx = Tx::begin(self).await?;
        let dropped = async {
            tx.execute_sqlite(DROP_OF_RECORDS).await?;
            tx.commit().await
        };
        dropped.await.map_err(failed(DOING))?;
        Ok(true)
    }

    /// Makes the indexes that are missing, each in a transaction of its own: other programs wait for it.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn make_indexes(&self) -> Result<(), Error> {
        let Self::Sqlite(file) = self else { return Ok(()) };
        let names: Vec<String> =
            sqlx::query_scalar(NAMES).fetch_all(&file.pool).await.map_err(failed(MAKING))?;
        let are_missing = |statement: &&str| {
            let name = statement.split_whitespace().nth(5);
            name.is_some_and(|name| names.iter().all(|made| made != name))
        };
        let all = [MAKE_OF_RECORDS, MAKE_OF_CASES].into_iter().flat_map(|make| make.split(';'));
        for statement in all.filter(are_missing) {
            let mut tx = Tx::begin_sorting(self).await?;
            let made = async {
                tx.execute_sqlite(statement).await?;
                tx.execute_sqlite(STATISTICS).await?;
                tx.commit().await
            };
            made.await.map_err(failed(MAKING))?;
        }
        Ok(())
    }
}

impl Tx {
    /// Makes the indexes by user of failures and successes, if they are missing.
    pub(super) async fn make_indexes_of_records(&mut self) -> Result<(), sqlx::Error> {
        self.execute_sqlite(MAKE_OF_RECORDS).await?;
        self.execute_sqlite(STATISTICS).await
    }

    /// Drops the indexes of cases if no account of an SQLite file has a case. Returns whether it did.
    pub(super) async fn drop_indexes_of_no_cases(&mut self) -> Result<bool, sqlx::Error> {
        let Self::Sqlite(tx) = self else { return Ok(false) };
        let are_empty: bool = sqlx::query_scalar(ARE_CASES_EMPTY).fetch_one(&mut **tx).await?;
        if are_empty {
            self.execute_sqlite(DROP_OF_CASES).await?;
        }
        Ok(are_empty)
    }

    /// Runs statements in SQLite only.
    async fn execute_sqlite(&mut self, statements: &'static str) -> Result<(), sqlx::Error> {
        match self {
            Self::Postgres(_) => Ok(()),
            Self::Sqlite(tx) => sqlx::raw_sql(statements).execute(&mut **tx).await.map(drop),
        }
    }
}
