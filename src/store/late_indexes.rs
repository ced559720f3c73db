//! Indexes that are made after many rows were written into empty tables.
//!
//! Records come in the order of time, so that each would change a page of the indexes by user at a random place:
//! with them, the first load of a million rows took twice as long. The same is true of the first cases, which come
//! user by user.

use std::time::Instant;

use sqlx::AssertSqlSafe;

use super::tx::Tx;
use super::{Error, Store, failed, on_either};

const ARE_RECORDS_EMPTY: &str = include_str!("sql/are_records_empty.sql");
const ARE_CASES_EMPTY: &str = include_str!("sql/are_cases_empty.sql");
/// Reads the schema alone, so that a run that has nothing to make waits for no lock.
const NAMES_OF_SQLITE: &str = "select name from sqlite_schema where type = 'index'";
const NAMES_OF_POSTGRES: &str =
    "select name from unnest($1::text[]) as names (name) where to_regclass(name) is not null";
/// A role that does not own the tables can neither drop nor make their indexes.
const IS_OWNER: &str = "select pg_has_role(relowner, 'usage') from pg_class \
    where oid = 'provisioning_failures'::regclass";
/// All that would write the table wait as long. An automatic vacuum, which is likely after a load, gives way after
/// a second (`deadlock_timeout`).
const WAIT_BRIEFLY: &str = "set local lock_timeout = '3s'";

const OF_RECORDS: [&str; 2] = ["provisioning_failures_by_user", "provisioning_successes_by_user"];
const OF_CASES: [&str; 4] = [
    "provisioning_cases_by_user",
    "provisioning_cases_by_time",
    "provisioning_cases_by_resolution",
    "provisioning_cases_repeated",
];
/// Postgres has no use for these.
const OF_CASES_IN_SQLITE: [&str; 2] =
    ["provisioning_cases_by_app", "provisioning_cases_unresolved"];

fn of_cases(is_server: bool) -> Vec<&'static str> {
    let in_sqlite = if is_server { &[] } else { OF_CASES_IN_SQLITE.as_slice() };
    [OF_CASES.as_slice(), in_sqlite].concat()
}

const TABLES: [&str; 3] = ["provisioning_failures", "provisioning_successes", "provisioning_cases"];

const DOING: &str = "preparing the load";
const MAKING: &str = "making an index";

impl Store {
    /// Prepares a load: drops the indexes of failures and successes by user before the first one into a
    /// database, else makes the indexes that a killed run left out.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn begin_load(&self) -> Result<(), Error> {
        if !self.read(DOING, async |tx| tx.is_true(ARE_RECORDS_EMPTY).await).await? {
            return self.make_indexes().await;
        }
        self.drop_while(ARE_RECORDS_EMPTY, &OF_RECORDS).await
    }

    /// Drops the indexes of cases before the first of a database.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(super) async fn begin_cases(&self) -> Result<(), Error> {
        if !self.read(DOING, async |tx| tx.is_true(ARE_CASES_EMPTY).await).await? {
            return Ok(());
        }
        self.drop_while(ARE_CASES_EMPTY, &of_cases(self.is_server())).await
    }

    /// Drops indexes, each in a transaction of its own and only if their tables are still empty.
    async fn drop_while(
        &self,
        are_empty: &'static str,
        indexes: &[&'static str],
    ) -> Result<(), Error> {
        if !self.owns_indexes().await? {
            return Ok(());
        }
        for index in indexes {
            match self.write(DOING, async |tx| tx.drop_if(are_empty, index).await).await {
                // Somebody uses the table. With its index, the load is slower.
                Err(Error::Locked { .. }) if self.is_server() => {}
                dropped => dropped?,
            }
        }
        Ok(())
    }

    /// Makes the indexes that are missing, each in a transaction of its own: other programs wait for it. In
    /// Postgres, the next run makes what cannot be made now, because no result depends on it.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn make_indexes(&self) -> Result<(), Error> {
        let missing = self.read(MAKING, Tx::missing_indexes).await?;
        if !missing.is_empty() && !self.owns_indexes().await? {
            tracing::warn!(indexes = ?missing, "indexes are missing; run `onelogin-sync migrate` as the tables' owner");
            return Ok(());
        }
        for index in missing {
            match self.answered(MAKING, self.make_index(index)).await {
                Err(Error::Locked { .. }) if self.is_server() => {
                    tracing::warn!(
                        index,
                        "other runs write the table of this index; the next run makes it"
                    );
                }
                made => made?,
            }
        }
        Ok(())
    }

    async fn make_index(&self, index: &'static str) -> Result<(), Error> {
        let began = Instant::now();
        let mut tx = Tx::begin_sorting(self).await?;
        let made = async {
            tx.lock_table_of(index).await?;
            tx.make(&[index]).await?;
            tx.commit().await
        };
        made.await.map_err(failed(MAKING))?;
        tracing::info!(index, seconds = began.elapsed().as_secs_f64(), "index made");
        Ok(())
    }

    async fn owns_indexes(&self) -> Result<bool, Error> {
        if !self.is_server() {
            return Ok(true);
        }
        self.read(DOING, async |tx| tx.is_true(IS_OWNER).await).await
    }

    fn is_server(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }
}

impl Tx {
    /// Makes the indexes of failures and successes by user in SQLite, if they are missing. In Postgres, two windows
    /// that have written the table would wait for each other.
    pub(super) async fn make_indexes_of_records(&mut self) -> Result<(), sqlx::Error> {
        match self {
            Self::Postgres(_) => Ok(()),
            Self::Sqlite(_) => self.make(&OF_RECORDS).await,
        }
    }

    /// Drops an index, unless another run has written rows meanwhile.
    async fn drop_if(
        &mut self,
        are_empty: &'static str,
        index: &'static str,
    ) -> Result<(), sqlx::Error> {
        self.lock_table_of(index).await?;
        if self.is_true(are_empty).await? {
            self.run(&format!("drop index if exists {index}")).await?;
        }
        Ok(())
    }

    /// Keeps other processes from writing the table of an index, and from making or dropping one there. In Postgres
    /// this is the first lock of its transaction, so that no deadlock can come of it; an SQLite file is locked already.
    async fn lock_table_of(&mut self, index: &str) -> Result<(), sqlx::Error> {
        if matches!(self, Self::Sqlite(_)) {
            return Ok(());
        }
        let table = TABLES.iter().find(|table| index.starts_with(**table));
        let table = table.expect("an index has the name of its table");
        self.run(WAIT_BRIEFLY).await?;
        self.run(&format!("lock table {table} in share row exclusive mode")).await
    }

    async fn is_true(&mut self, question: &'static str) -> Result<bool, sqlx::Error> {
        on_either!(Tx, self, tx => sqlx::query_scalar(question).fetch_one(&mut **tx).await)
    }

    async fn missing_indexes(&mut self) -> Result<Vec<&'static str>, sqlx::Error> {
        let is_server = matches!(self, Self::Postgres(_));
        let mut late = [OF_RECORDS.as_slice(), &of_cases(is_server)].concat();
        let made: Vec<String> = match self {
            Self::Postgres(tx) => {
                let names = late.clone();
                sqlx::query_scalar(NAMES_OF_POSTGRES).bind(names).fetch_all(&mut **tx).await?
            }
            Self::Sqlite(tx) => sqlx::query_scalar(NAMES_OF_SQLITE).fetch_all(&mut **tx).await?,
        };
        late.retain(|name| made.iter().all(|made| made != name));
        Ok(late)
    }

    /// Makes those of some indexes that are missing, as the migrations do. In SQLite also the statistics by which it
    /// plans: what it knew of an index was dropped with it.
    async fn make(&mut self, indexes: &[&'static str]) -> Result<(), sqlx::Error> {
        let mut missing = self.missing_indexes().await?;
        missing.retain(|name| indexes.contains(name));
        for name in &missing {
            self.run_last(&format!("create index {name}")).await?;
        }
        if matches!(self, Self::Sqlite(_)) && !missing.is_empty() {
            self.run_last("delete from sqlite_stat1").await?;
            self.run_last("insert into sqlite_stat1").await?;
        }
        Ok(())
    }

    /// Runs the last statement of the migrations that begins with this text.
    ///
    /// # Panics
    /// If there is none; tests make all of these indexes.
    async fn run_last(&mut self, beginning: &str) -> Result<(), sqlx::Error> {
        let migrations = self.migrations();
        let statements = migrations.iter().flat_map(|migration| migration.split(';'));
        let mut found = statements.filter_map(|statement| {
            let (_, after) = statement.split_once(beginning)?;
            after.starts_with(char::is_whitespace).then(|| format!("{beginning}{after}"))
        });
        let statement = found.next_back().expect("a migration has made it");
        self.run(&statement).await
    }

    /// Runs a statement of this module, or of a migration.
    async fn run(&mut self, statement: &str) -> Result<(), sqlx::Error> {
        // Safe: both are texts of the program.
        let statement = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
        on_either!(Tx, self, tx => statement.execute(&mut **tx).await.map(drop))
    }
}
