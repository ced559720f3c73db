//! Migrations: embedded in the program, run by refinery over our own connections.

use refinery::{Migration, Runner};
use refinery_core::traits::r#async::{AsyncMigrate, AsyncQuery, AsyncTransaction};
use sqlx::{AssertSqlSafe, Row};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::postgres_tx::PostgresTx;
use super::tx::Tx;
use super::{Error, Store, failed, on_either};
use crate::redact::Outside;

mod postgres {
    refinery::embed_migrations!("migrations/postgres");
}
mod sqlite {
    refinery::embed_migrations!("migrations/sqlite");
}

/// Finds the applied migrations, oldest first: the only query that a run on a current schema needs.
const APPLIED: &str =
    "select version, name, applied_on, checksum from refinery_schema_history order by version";
/// Any number, as long as no other program locks it on the same database: `onelogi` in ASCII.
const LOCK: i64 = 0x6f_6e65_6c6f_6769;

impl Store {
    /// Lists the migrations that this database lacks, as `V1__name`, oldest first.
    ///
    /// # Errors
    /// [`Error::Schema`] if the database is newer than the program, or was migrated by other files
    /// than the program's.
    pub(crate) async fn pending(&self) -> Result<Vec<String>, Error> {
        let applied = self
            .read("reading which migrations are applied", async |tx| {
                on_either!(Tx, tx, tx => sqlx::query(APPLIED).fetch_all(&mut **tx).await
                    .and_then(|rows| rows.iter().map(applied).collect::<Result<Vec<_>, _>>()))
            })
            .await;
        let applied = match applied {
            Err(Error::Failed { source: sqlx::Error::Database(e), .. }) if names_no_table(&*e) => {
                Vec::new()
            }
            other => other?,
        };
        self.compare(&applied)
    }

    /// Applies the pending migrations, all or none, and returns their names. If two programs migrate at
    /// once, one waits and then finds nothing to do. Then brings the data dictionary up to date.
    ///
    /// # Errors
    /// As [`Store::pending`]; [`Error::Migration`] if one fails.
    pub(crate) async fn migrate(&self) -> Result<Vec<String>, Error> {
        let applied = self.apply_pending().await?;
        self.describe().await?;
        Ok(applied)
    }

    async fn apply_pending(&self) -> Result<Vec<String>, Error> {
        let pending = self.pending().await?;
        if pending.is_empty() {
            return Ok(pending);
        }
        Self::noted("migrating", self.apply_all()).await
    }

    async fn apply_all(&self) -> Result<Vec<String>, Error> {
        let mut tx = Tx::begin_migrating(self).await?;
        if let Tx::Postgres(tx) = &mut tx {
            refuse_other_encodings(tx).await?;
            refuse_odd_schemas(tx).await?;
            // Held until the commit, so it works through a connection pooler too.
            sqlx::query("select pg_advisory_xact_lock($1)")
                .bind(LOCK)
                .execute(&mut **tx)
                .await
                .map_err(failed("waiting for another migration"))?;
        }
        apply(self.runner(), tx).await
    }

    fn runner(&self) -> Runner {
        match self {
            Self::Postgres(_) => postgres::migrations::runner(),
            Self::Sqlite(_) => sqlite::migrations::runner(),
        }
    }

    fn compare(&self, applied: &[Migration]) -> Result<Vec<String>, Error> {
        let known = self.runner();
        let known = known.get_migrations();
        let newest = known.iter().map(Migration::version).max().unwrap_or_default();
        for there in applied {
            if there.version() > newest {
                return Err(Error::Schema(format!(
                    "the database has schema {there}, and this program ({}) knows up to version \
                     {newest}; use the newer program",
                    env!("CARGO_PKG_VERSION")
                )));
            }
            if !known.contains(there) {
                return Err(Error::Schema(format!(
                    "the database was migrated by another {there} than this program's; it belongs to \
                     another program, or a migration was edited"
                )));
            }
        }
        let mut pending: Vec<&Migration> = known.iter().filter(|m| !applied.contains(m)).collect();
        // Refinery lists them by name: V10 before V2.
        pending.sort_by_key(|migration| migration.version());
        Ok(pending.into_iter().map(ToString::to_string).collect())
    }
}

impl Tx {
    /// The texts of the database's migrations, oldest first.
    pub(super) fn migrations(&self) -> Vec<String> {
        let runner = match self {
            Self::Postgres(_) => postgres::migrations::runner(),
            Self::Sqlite(_) => sqlite::migrations::runner(),
        };
        let mut migrations: Vec<&Migration> = runner.get_migrations().iter().collect();
        migrations.sort_by_key(|migration| migration.version());
        migrations.into_iter().filter_map(|migration| migration.sql().map(str::to_owned)).collect()
    }
}

/// Refuses other encodings: the first name with a letter that they lack would stop every run.
async fn refuse_other_encodings(tx: &mut PostgresTx) -> Result<(), Error> {
    let encoding: String = sqlx::query_scalar("show server_encoding")
        .fetch_one(tx)
        .await
        .map_err(failed("reading the encoding"))?;
    if encoding == "UTF8" {
        return Ok(());
    }
    Err(Error::Schema(format!(
        "the database's encoding is {encoding}, which lacks letters that names need; create one with \
         `create database … encoding 'UTF8' template template0`"
    )))
}

/// Refuses a schema that a migration takes for another one: it names it without quotes.
async fn refuse_odd_schemas(tx: &mut PostgresTx) -> Result<(), Error> {
    let schema: Option<String> = sqlx::query_scalar("select current_schema()::text")
        .fetch_one(tx)
        .await
        .map_err(failed("reading the schema's name"))?;
    let is_odd = |c: char| c.is_ascii_uppercase() || c.is_whitespace() || c == '.';
    let Some(odd) = schema.filter(|name| name.contains(is_odd)) else { return Ok(()) };
    Err(Error::Schema(format!(
        "the name of the schema {} has a capital, a blank or a dot; name another with \
         ?options=-csearch_path=NAME in the database URL",
        Outside(odd)
    )))
}

async fn apply(runner: Runner, tx: Tx) -> Result<Vec<String>, Error> {
    let mut migrating = Migrating(tx);
    let report =
        runner.run_async(&mut migrating).await.map_err(|e| Error::Migration(Box::new(e)))?;
    migrating.0.commit().await.map_err(failed("committing a migration"))?;
    Ok(report.applied_migrations().iter().map(ToString::to_string).collect())
}

/// The connection that refinery works on: one open transaction, so that all migrations apply or none.
struct Migrating(Tx);

impl AsyncTransaction for Migrating {
    type Error = sqlx::Error;

    async fn execute<'a, T: Iterator<Item = &'a str> + Send + 'a>(
        &'a mut self,
        queries: T,
    ) -> Result<usize, sqlx::Error> {
        let mut count = 0;
        for sql in queries {
            // Safe: the text is a migration of ours, or refinery's own.
            let sql = sqlx::raw_sql(AssertSqlSafe(sql));
            on_either!(Tx, &mut self.0, tx => sql.execute(&mut **tx).await.map(drop))?;
            count += 1;
        }
        Ok(count)
    }
}

impl AsyncQuery<Vec<Migration>> for Migrating {
    async fn query<'a>(&'a mut self, sql: &'a str) -> Result<Vec<Migration>, sqlx::Error> {
        on_either!(Tx, &mut self.0, tx => {
            let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut **tx).await?;
            rows.iter().map(applied).collect()
        })
    }
}

impl AsyncMigrate for Migrating {}

/// One row of refinery's history.
fn applied<R: Row>(row: &R) -> Result<Migration, sqlx::Error>
where
    usize: sqlx::ColumnIndex<R>,
    i32: for<'r> sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    String: for<'r> sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
{
    let bad = |e: Box<dyn std::error::Error + Send + Sync>| sqlx::Error::Decode(e);
    let applied_on = OffsetDateTime::parse(&row.try_get::<String, _>(2)?, &Rfc3339);
    let checksum = row.try_get::<String, _>(3)?.parse();
    Ok(Migration::applied(
        row.try_get(0)?,
        row.try_get(1)?,
        applied_on.map_err(|e| bad(e.into()))?,
        checksum.map_err(|e: std::num::ParseIntError| bad(e.into()))?,
    ))
}

/// Postgres has a code for it (undefined table), SQLite only a message.
fn names_no_table(error: &dyn sqlx::error::DatabaseError) -> bool {
    error.code().is_some_and(|code| code == "42P01") || error.message().contains("no such table")
}
