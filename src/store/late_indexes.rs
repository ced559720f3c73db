//! Indexes of an SQLite file that are made after many rows were written into empty tables.
//!
//! Records come in the order of time, and cases user by user, so each row would change a page of these indexes at
//! a random place: with them, the first load of a million rows took twice as long. Postgres keeps them: it has a
//! cache that holds them.

use sqlx::{AssertSqlSafe, Sqlite, Transaction};

use super::migrate::sqlite_migrations;
use super::tx::Tx;
use super::{Error, Store, failed};

const ARE_RECORDS_EMPTY: &str = include_str!("sql/are_records_empty.sql");
const ARE_CASES_EMPTY: &str = include_str!("sql/are_cases_empty.sql");
/// Reads the schema alone, so that a run that has nothing to make waits for no lock.
const NAMES: &str = "select name from sqlite_schema where type = 'index'";

const OF_RECORDS: [&str; 2] = ["provisioning_failures_by_user", "provisioning_successes_by_user"];
const OF_CASES: [&str; 5] = [
    "provisioning_cases_by_user",
    "provisioning_cases_by_time",
    "provisioning_cases_by_app",
    "provisioning_cases_by_resolution",
    "provisioning_cases_repeated",
];

const DOING: &str = "preparing the load";
const MAKING: &str = "making an index";

impl Store {
    /// Prepares a load: drops the indexes of failures and successes by user before the first one into an SQLite
    /// file, else makes the indexes that a killed run left out.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn begin_load(&self) -> Result<(), Error> {
        let Self::Sqlite(file) = self else { return Ok(()) };
        let are_empty = sqlx::query_scalar(ARE_RECORDS_EMPTY).fetch_one(&file.pool).await;
        if !are_empty.map_err(failed(DOING))? {
            return self.make_indexes().await;
        }
        self.write(DOING, async |tx| match tx {
            Tx::Postgres(_) => Ok(()),
            Tx::Sqlite(tx) => drop_all(tx, &OF_RECORDS).await,
        })
        .await
    }

    /// Makes the indexes that are missing, each in a transaction of its own: other programs wait for it.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn make_indexes(&self) -> Result<(), Error> {
        let Self::Sqlite(file) = self else { return Ok(()) };
        let names =
            sqlx::query_scalar(NAMES).fetch_all(&file.pool).await.map_err(failed(MAKING))?;
        for name in missing(&names, OF_RECORDS.iter().chain(&OF_CASES)) {
            let mut tx = Tx::begin_sorting(self).await?;
            let made = async {
                tx.make(&[name]).await?;
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
        self.make(&OF_RECORDS).await
    }

    /// Drops the indexes of cases if no account of an SQLite file has a case. Returns whether it did.
    pub(super) async fn drop_indexes_of_no_cases(&mut self) -> Result<bool, sqlx::Error> {
        let Self::Sqlite(tx) = self else { return Ok(false) };
        let are_empty: bool = sqlx::query_scalar(ARE_CASES_EMPTY).fetch_one(&mut **tx).await?;
        if are_empty {
            drop_all(tx, &OF_CASES).await?;
        }
        Ok(are_empty)
    }

    /// Makes those of some indexes that are missing, as the migrations do, with the statistics by which SQLite
    /// plans: what it knew of an index was dropped with it.
    async fn make(&mut self, names: &[&'static str]) -> Result<(), sqlx::Error> {
        let Self::Sqlite(tx) = self else { return Ok(()) };
        let made: Vec<String> = sqlx::query_scalar(NAMES).fetch_all(&mut **tx).await?;
        let mut statements: Vec<String> = missing(&made, names)
            .map(|name| last_statement(&format!("create index {name}")))
            .collect();
        if !statements.is_empty() {
            statements.push(last_statement("delete from sqlite_stat1"));
            statements.push(last_statement("insert into sqlite_stat1"));
        }
        for statement in statements {
            // Safe: it is the text of a migration.
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut **tx).await?;
        }
        Ok(())
    }
}

fn missing<'n>(
    made: &[String],
    names: impl IntoIterator<Item = &'n &'static str>,
) -> impl Iterator<Item = &'static str> {
    names.into_iter().copied().filter(|name| made.iter().all(|made| made != name))
}

async fn drop_all(
    tx: &mut Transaction<'static, Sqlite>,
    names: &[&str],
) -> Result<(), sqlx::Error> {
    for name in names {
        let statement = AssertSqlSafe(format!("drop index if exists {name}"));
        sqlx::raw_sql(statement).execute(&mut **tx).await?;
    }
    Ok(())
}

/// The last statement of the migrations that begins with this text.
///
/// # Panics
/// If there is none; a test makes all of these indexes.
fn last_statement(beginning: &str) -> String {
    let migrations = sqlite_migrations();
    let statements = migrations.iter().flat_map(|migration| migration.split(';'));
    let mut found = statements.filter_map(|statement| {
        let (_, after) = statement.split_once(beginning)?;
        after.starts_with(char::is_whitespace).then(|| format!("{beginning}{after}"))
    });
    found.next_back().expect("a migration has made it")
}
