//! Whole tables as text, the same from both databases.

use std::iter;

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{
    AssertSqlSafe, Column, ConnectOptions, Connection, PgConnection, Row, TypeInfo, ValueRef,
};
use tempfile::TempDir;
use uuid::Uuid;

use super::block_on;
use super::postgres;

/// Makes two tests, `name::sqlite` and `name::postgres`, of one story. Each gets an empty database:
/// `on_both!(a_second_run_writes_nothing, |db| { … })`, where `db` is a `&Db`.
macro_rules! on_both {
    ($name:ident, |$db:ident| $story:block) => {
        mod $name {
            use super::*;

            #[test]
            fn sqlite() {
                story(&$crate::support::tables::Db::sqlite());
            }

            #[test]
            fn postgres() {
                story(&$crate::support::tables::Db::postgres());
            }

            fn story($db: &$crate::support::tables::Db) $story
        }
    };
}
pub(crate) use on_both;

/// The text of a null, which differs from an empty text.
pub(crate) const NULL: &str = "∅";

/// An empty database of the test's own, which goes when the value is dropped.
pub(crate) enum Db {
    /// A file in a directory of its own.
    Sqlite(TempDir),
    /// A database on the shared server.
    Postgres(postgres::Database),
}

impl Db {
    /// An SQLite database whose file is not there yet.
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(TempDir::new().expect("a temporary directory can be created"))
    }

    /// An empty database of the same kind.
    pub(crate) fn another(&self) -> Self {
        match self {
            Self::Sqlite(_) => Self::sqlite(),
            Self::Postgres(_) => Self::postgres(),
        }
    }

    /// A database on the shared server.
    pub(crate) fn postgres() -> Self {
        Self::Postgres(postgres::Server::shared().database())
    }

    /// The URL, for `--database-url`.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(directory) => {
                format!("sqlite:{}", directory.path().join("onelogin.db").display())
            }
            Self::Postgres(database) => database.url().to_owned(),
        }
    }

    /// Runs one or more statements.
    #[track_caller]
    pub(crate) fn execute(&self, sql: &str) {
        let executed = block_on(async {
            let sql = sqlx::raw_sql(AssertSqlSafe(sql));
            match self {
                Self::Sqlite(_) => sql.execute(&mut self.connect_sqlite().await?).await.map(drop),
                Self::Postgres(_) => {
                    sql.execute(&mut self.connect_postgres().await?).await.map(drop)
                }
            }
        });
        executed.unwrap_or_else(|error| panic!("{error}, in {sql}"));
    }

    /// The rows of a query, every value as text.
    ///
    /// Instants are as SQLite holds them (`2026-03-29 01:00:00.250+00:00`), booleans `1` and `0`,
    /// nulls [`NULL`], UUIDs with hyphens, and other bytes in hexadecimal after `\x`.
    #[track_caller]
    pub(crate) fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        self.table(sql).1
    }

    /// The names of the columns of a query, unless it has no row, and [`rows`](Self::rows).
    #[track_caller]
    pub(crate) fn table(&self, sql: &str) -> (Vec<String>, Vec<Vec<String>>) {
        let rows: Result<_, sqlx::Error> = block_on(async {
            // The simple protocol of `raw_sql` has Postgres itself turn each value into text.
            let query = sqlx::raw_sql(AssertSqlSafe(sql));
            match self {
                Self::Sqlite(_) => {
                    let rows = query.fetch_all(&mut self.connect_sqlite().await?).await?;
                    Ok((names(&rows), rows.iter().map(|row| columns(row, sqlite_text)).collect()))
                }
                Self::Postgres(_) => {
                    let rows = query.fetch_all(&mut self.connect_postgres().await?).await?;
                    Ok((names(&rows), rows.iter().map(|row| columns(row, postgres_text)).collect()))
                }
            }
        });
        rows.unwrap_or_else(|error| panic!("{error}, in {sql}"))
    }

    /// The number of rows in a table or view.
    #[track_caller]
    pub(crate) fn count(&self, table: &str) -> usize {
        let rows = self.rows(&format!("select count(*) from {table}"));
        rows[0][0].parse().expect("a count is a number")
    }

    /// Counts the failures of each app and day, as a run does, where a test has put failures in by SQL.
    #[track_caller]
    pub(crate) fn count_apps(&self) {
        self.execute(
            "delete from apps_by_day;
             insert into apps_by_day (account, day, app_id, app_name, failures)
             select account, day, app_id, app_name, count(*)
             from (
                 select account, date(created_at) as day, coalesce(cast(app_id as text), '') as app_id,
                        case when app_id is null then coalesce(app_name, '') else '' end as app_name
                 from provisioning_failures where outcome = 'failed' and twin_of is null
             ) f
             group by account, day, app_id, app_name",
        );
    }

    pub(crate) async fn connect_sqlite(&self) -> Result<sqlx::SqliteConnection, sqlx::Error> {
        let options: SqliteConnectOptions = self.url().parse()?;
        options.create_if_missing(true).connect().await
    }

    async fn connect_postgres(&self) -> Result<PgConnection, sqlx::Error> {
        PgConnection::connect(&self.url()).await
    }
}

/// Asserts that a query gave these rows in this order. What differs is marked: `-` for a row that is
/// missing, `+` for one that should not be there.
#[track_caller]
pub(crate) fn assert_rows(actual: &[Vec<String>], expected: &[&[&str]]) {
    let actual: Vec<String> = actual.iter().map(|row| row.join(" | ")).collect();
    let expected: Vec<String> = expected.iter().map(|row| row.join(" | ")).collect();
    assert!(actual == expected, "the rows differ:\n{}", difference(&actual, &expected));
}

/// The rows with what they have in common at both ends unmarked, which is enough for tables that are
/// short and sorted.
fn difference(actual: &[String], expected: &[String]) -> String {
    let same = |(a, e): &(&String, &String)| a == e;
    let head = iter::zip(actual, expected).take_while(same).count();
    let (actual_rest, expected_rest) = (&actual[head..], &expected[head..]);
    let tail =
        iter::zip(actual_rest.iter().rev(), expected_rest.iter().rev()).take_while(same).count();
    let signed = |sign: char, rows: &[String]| -> Vec<String> {
        rows.iter().map(|row| format!("{sign} {row}")).collect()
    };
    [
        signed(' ', &actual[..head]),
        signed('-', &expected_rest[..expected_rest.len() - tail]),
        signed('+', &actual_rest[..actual_rest.len() - tail]),
        signed(' ', &actual_rest[actual_rest.len() - tail..]),
    ]
    .concat()
    .join("\n")
}

fn names<R: Row>(rows: &[R]) -> Vec<String> {
    let first = rows.first().map(Row::columns).unwrap_or_default();
    first.iter().map(|column| column.name().to_owned()).collect()
}

fn columns<R: Row>(row: &R, text: fn(&R, usize) -> Result<String, sqlx::Error>) -> Vec<String> {
    (0..row.len())
        .map(|i| text(row, i).unwrap_or_else(|error| panic!("column {i}: {error}")))
        .collect()
}

fn postgres_text(row: &PgRow, column: usize) -> Result<String, sqlx::Error> {
    let value = row.try_get_raw(column)?;
    if value.is_null() {
        return Ok(NULL.into());
    }
    let kind = value.type_info().name().to_owned();
    let text = value.as_str().map_err(sqlx::Error::Decode)?;
    Ok(match kind.as_str() {
        "TIMESTAMPTZ" => shown(row.try_get(column)?),
        "BOOL" => u8::from(text == "t").to_string(),
        _ => text.to_owned(),
    })
}

/// An instant as SQLite holds it, and [`Db::rows`] shows it.
pub(crate) fn shown(at: DateTime<Utc>) -> String {
    at.format("%F %T%.3f+00:00").to_string()
}

fn sqlite_text(row: &SqliteRow, column: usize) -> Result<String, sqlx::Error> {
    let value = row.try_get_raw(column)?;
    if value.is_null() {
        return Ok(NULL.into());
    }
    // The type of the value, whatever was declared for its column.
    let kind = value.type_info().name().to_owned();
    Ok(match kind.as_str() {
        "INTEGER" | "BOOLEAN" => row.try_get_unchecked::<i64, _>(column)?.to_string(),
        "REAL" => row.try_get_unchecked::<f64, _>(column)?.to_string(),
        "BLOB" => {
            let bytes: Vec<u8> = row.try_get_unchecked(column)?;
            match Uuid::from_slice(&bytes) {
                Ok(uuid) => uuid.to_string(),
                Err(_) => bytes.iter().fold("\\x".into(), |hex, byte| format!("{hex}{byte:02x}")),
            }
        }
        _ => row.try_get_unchecked(column)?,
    })
}
