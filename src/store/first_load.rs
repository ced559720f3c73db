//! A first load into an SQLite file: the indexes by user are made after it.
//!
//! Records come in the order of time, so each row would change a page of these indexes at a random place: with
//! them, the load of a million rows took twice as long. Postgres keeps them: it has a cache that holds them.

use super::tx::Tx;
use super::{Error, Store, failed};

const ARE_ALL_EMPTY: &str = include_str!("sql/are_all_empty.sql");
const DROP: &str = include_str!("sql/indexes_by_user_drop.sql");
const MAKE: &str = include_str!("sql/indexes_by_user_make.sql");
/// Reads the schema alone, so that a run that has nothing to make waits for no lock.
const ARE_MADE: &str = "select count(*) = 2 from sqlite_schema where type = 'index'
    and name in ('provisioning_failures_by_user', 'provisioning_successes_by_user')";

const DOING: &str = "preparing the load";
const MAKING: &str = "making the indexes by user";

impl Store {
    /// Prepares a load. Drops the indexes by user before the first one into an SQLite file, and returns whether
    /// it did; else makes those that a killed run left out.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn begin_load(&self) -> Result<bool, Error> {
        let Self::Sqlite(file) = self else { return Ok(false) };
        let are_all_empty = sqlx::query_scalar(ARE_ALL_EMPTY).fetch_one(&file.pool).await;
        if !are_all_empty.map_err(failed(DOING))? {
            self.end_load().await?;
            return Ok(false);
        }
        let mut tx = Tx::begin(self).await?;
        let dropped = async {
            if let Tx::Sqlite(tx) = &mut tx {
                sqlx::raw_sql(DROP).execute(&mut **tx).await?;
            }
            tx.commit().await
        };
        dropped.await.map_err(failed(DOING))?;
        Ok(true)
    }

    /// Makes the indexes that a first load left out.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn end_load(&self) -> Result<(), Error> {
        let Self::Sqlite(file) = self else { return Ok(()) };
        let are_made = sqlx::query_scalar(ARE_MADE).fetch_one(&file.pool);
        if are_made.await.map_err(failed(MAKING))? {
            return Ok(());
        }
        let mut tx = Tx::begin_sorting(self).await?;
        let made = async {
            tx.make_indexes_by_user().await?;
            tx.commit().await
        };
        made.await.map_err(failed(MAKING))
    }
}

impl Tx {
    /// Makes the indexes by user, if they are missing.
    pub(super) async fn make_indexes_by_user(&mut self) -> Result<(), sqlx::Error> {
        match self {
            Self::Postgres(_) => Ok(()),
            Self::Sqlite(tx) => sqlx::raw_sql(MAKE).execute(&mut **tx).await.map(drop),
        }
    }
}
