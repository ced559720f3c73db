//! A first load: cases and counts are built at its end, and in an SQLite file the indexes by user, too.
//!
//! Records come in the order of time, so each row would change a page of these indexes at a random place: with
//! them, the load of a million rows into a file took twice as long. Postgres keeps them: it has a cache that
//! holds them.

use super::tx::Tx;
use super::{Error, Store, failed, on_either};

const IS_EMPTY: &str = include_str!("sql/account_is_empty.sql");
const ARE_ALL_EMPTY: &str = include_str!("sql/are_all_empty.sql");
const DROP: &str = include_str!("sql/indexes_by_user_drop.sql");
const MAKE: &str = include_str!("sql/indexes_by_user_make.sql");
/// Reads the schema alone, so that a run that has nothing to make waits for no lock.
const ARE_MADE: &str = "select count(*) = 2 from sqlite_schema where type = 'index'
    and name in ('provisioning_failures_by_user', 'provisioning_successes_by_user')";

const DOING: &str = "preparing the load";
const MAKING: &str = "making the indexes by user";

impl Store {
    /// Prepares a load. Returns whether it is the account's first one, of which cases and counts are built at
    /// the end. Makes the indexes that a killed run left out.
    ///
    /// # Errors
    /// [`Error::Failed`], [`Error::AccountLocked`].
    pub(crate) async fn begin_load(&self, account: &str) -> Result<bool, Error> {
        let is_empty = self.read(DOING, async |tx| {
            on_either!(Tx, tx, tx =>
                sqlx::query_scalar(IS_EMPTY).bind(account).fetch_one(&mut **tx).await)
        });
        if !is_empty.await? {
            self.end_load().await?;
            return Ok(false);
        }
        let mut tx = Tx::begin(self).await?;
        tx.lock_account(account).await?;
        let noted = async {
            tx.note_rebuild(account).await?;
            if let Tx::Sqlite(tx) = &mut tx
                && sqlx::query_scalar(ARE_ALL_EMPTY).fetch_one(&mut **tx).await?
            {
                sqlx::raw_sql(DROP).execute(&mut **tx).await?;
            }
            tx.commit().await
        };
        noted.await.map_err(failed(DOING))?;
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
            if let Tx::Sqlite(tx) = &mut tx {
                sqlx::raw_sql(MAKE).execute(&mut **tx).await?;
            }
            tx.commit().await
        };
        made.await.map_err(failed(MAKING))
    }
}
