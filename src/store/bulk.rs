//! Many rows in one statement, for either database.
//!
//! There are two ways. A [`Statement`] takes its rows in the place of `values /*rows*/`: Postgres one
//! array per column, SQLite one placeholder per value. Rows that are known to be new go into Postgres
//! by `copy`, which is its fastest way in.

mod arrays;
mod columns;
mod copy;
mod placeholders;
mod statement;

use sqlx::postgres::PgRow;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Executor, FromRow, Sqlite, Transaction};

use super::on_either;
use super::tx::Tx;
use placeholders::Placeholders;
use statement::TakesRows;

pub(super) use columns::{Columns, Shared};
pub(super) use copy::CopyIn;
pub(super) use statement::Statement;

/// The values of one row, in the order of its statement's columns.
pub(super) trait Row {
    /// Hands each value to its column.
    fn write(&self, columns: &mut impl Columns);
}

/// A row that either database can return.
pub(super) trait Found:
    for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin
{
}
impl<T> Found for T where
    T: for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin
{
}

impl Tx {
    /// Runs a statement over rows. Returns how many rows of the table it changed.
    pub(super) async fn execute_rows<'r, T, R: Row>(
        &mut self,
        statement: Statement,
        rows: &'r [T],
        as_row: impl Fn(&'r T) -> R,
    ) -> Result<u64, sqlx::Error> {
        let most = statement.most_rows(self);
        let mut changed = 0;
        for some in rows.chunks(most) {
            changed += on_either!(Tx, self, tx => {
                let (sql, arguments) = filled(&&mut **tx, statement, some, &as_row);
                let query = sqlx::query_with(sql, arguments);
                let query = query.persistent(statement.is_kept(some.len(), most));
                query.execute(&mut **tx).await.map(|done| done.rows_affected())
            })?;
        }
        Ok(changed)
    }

    /// Runs a statement over rows. Returns what it finds or returns.
    pub(super) async fn fetch_rows<'r, T, R: Row, F: Found>(
        &mut self,
        statement: Statement,
        rows: &'r [T],
        as_row: impl Fn(&'r T) -> R,
    ) -> Result<Vec<F>, sqlx::Error> {
        let most = statement.most_rows(self);
        let mut found = Vec::new();
        for some in rows.chunks(most) {
            let some_found: Vec<F> = on_either!(Tx, self, tx => {
                let (sql, arguments) = filled(&&mut **tx, statement, some, &as_row);
                let query = sqlx::query_as_with(sql, arguments);
                let query = query.persistent(statement.is_kept(some.len(), most));
                query.fetch_all(&mut **tx).await
            })?;
            found.extend(some_found);
        }
        Ok(found)
    }

    /// Inserts rows that are known not to be stored.
    pub(super) async fn insert_new<'r, T, R: Row>(
        &mut self,
        statement: Statement,
        rows: &'r [T],
        as_row: impl Fn(&'r T) -> R,
    ) -> Result<(), sqlx::Error> {
        match self {
            _ if rows.is_empty() => Ok(()),
            Self::Postgres(session) => {
                let mut copy = CopyIn::begin(&mut session.tx, statement).await?;
                copy.write(rows, as_row).await?;
                copy.finish().await
            }
            Self::Sqlite(tx) => {
                let mut chunks = rows.chunks(NewRows::MOST);
                let next = async || Some(NewRows::encode(statement, chunks.next()?, &as_row));
                NewRows::insert_all(tx, statement, next).await
            }
        }
    }
}

/// The statement for these rows, and its arguments. The SQL is safe: it is made of our own text and of
/// places for values.
fn filled<'r, 'c, E: Executor<'c, Database = DB>, DB: TakesRows, T, R: Row>(
    _: &E,
    statement: Statement,
    rows: &'r [T],
    as_row: impl Fn(&'r T) -> R,
) -> (AssertSqlSafe<String>, DB::Arguments) {
    let mut written = DB::rows(rows.len(), statement.width());
    for row in rows {
        as_row(row).write(&mut written);
    }
    (AssertSqlSafe(statement.sql::<DB>(rows.len())), DB::arguments(written))
}

/// The encoded rows of one statement that inserts new rows into SQLite.
pub(super) struct NewRows {
    rows: usize,
    arguments: SqliteArguments,
}

impl NewRows {
    /// Rows per statement: with fewer it was measured as slower, and more take memory and gain nothing.
    pub(super) const MOST: usize = 250;

    pub(super) fn encode<'r, T, R: Row>(
        statement: Statement,
        rows: &'r [T],
        as_row: impl Fn(&'r T) -> R,
    ) -> Self {
        let mut written = Placeholders::new(rows.len() * statement.width());
        for row in rows {
            as_row(row).write(&mut written);
        }
        Self { rows: rows.len(), arguments: written.into_arguments() }
    }

    /// Inserts rows until `next` has no more. While SQLite works on some, the next ones are encoded.
    pub(super) async fn insert_all(
        tx: &mut Transaction<'static, Sqlite>,
        statement: Statement,
        mut next: impl AsyncFnMut() -> Option<Self>,
    ) -> Result<(), sqlx::Error> {
        let mut encoded = next().await;
        while let Some(some) = encoded {
            let inserted;
            (inserted, encoded) = tokio::join!(biased; some.insert(tx, statement), next());
            inserted?;
        }
        Ok(())
    }

    async fn insert(
        self,
        tx: &mut Transaction<'static, Sqlite>,
        statement: Statement,
    ) -> Result<(), sqlx::Error> {
        // Safe: it is made of our own text and of places for values.
        let sql = AssertSqlSafe(statement.new_rows_sql(self.rows));
        let query = sqlx::query_with(sql, self.arguments);
        // Statements of all other lengths come once.
        query.persistent(self.rows == Self::MOST).execute(&mut **tx).await.map(drop)
    }
}

#[cfg(test)]
mod snapshots;
