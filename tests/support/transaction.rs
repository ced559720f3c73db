//! Another program with a transaction open on the database.

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

use super::block_on;
use super::tables::Db;

/// An open transaction. It is rolled back when the value is dropped.
pub(crate) enum Transaction {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Transaction {
    /// Begins one in which `statement` was run.
    pub(crate) fn begin(db: &Db, statement: &str) -> Self {
        Self::open(db, &format!("begin; {statement}"))
    }

    /// Begins one that keeps others from recording runs: in SQLite, from writing at all.
    pub(crate) fn lock(db: &Db) -> Self {
        Self::open(
            db,
            match db {
                Db::Sqlite(_) => "begin immediate",
                Db::Postgres(_) => "begin; lock table sync_runs in exclusive mode",
            },
        )
    }

    /// Opens a connection, and runs statements.
    pub(crate) fn open(db: &Db, sql: &str) -> Self {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql));
        let opened = block_on(async {
            Ok::<_, sqlx::Error>(match db {
                Db::Sqlite(_) => {
                    let mut connection = SqliteConnection::connect(&db.url()).await?;
                    sql.execute(&mut connection).await?;
                    Self::Sqlite(connection)
                }
                Db::Postgres(_) => {
                    let mut connection = PgConnection::connect(&db.url()).await?;
                    sql.execute(&mut connection).await?;
                    Self::Postgres(connection)
                }
            })
        });
        opened.expect("a transaction can be begun")
    }

    /// The number of failures that it sees.
    pub(crate) fn failures(&mut self) -> i64 {
        let sql = "select count(*) from provisioning_failures";
        let counted = block_on(async {
            match self {
                Self::Sqlite(connection) => sqlx::query_scalar(sql).fetch_one(connection).await,
                Self::Postgres(connection) => sqlx::query_scalar(sql).fetch_one(connection).await,
            }
        });
        counted.expect("the table can be read")
    }
}
