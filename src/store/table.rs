//! Rows on their way into a table: looking up what is stored of them, writing those that are new, and
//! those that have changed.
//!
//! A statement of our own for each database is worth its lines only for new rows: see benches.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, AssertSqlSafe, Postgres, Sqlite, Transaction};
use uuid::Uuid;

use super::columns::{Columns, CopyRows};
use super::on_either;
use super::statement::{among, around_rows, columns, filled, table, values};
use super::tx::{Stamp, Tx};
use super::value::Id;
use crate::model::TextArena;

/// Rows a statement in SQLite: fewer and more were measured as slower.
const SQLITE_ROWS: usize = 250;
/// Rows a statement where there is no better way.
const ROWS: usize = 1_000;
/// Sent at once: Postgres is at work on it while the next rows are written down.
const COPY_BYTES: usize = 64 * 1024;

/// A row of a table whose key orders by time and is made from what identifies it.
pub(super) trait Row {
    /// Inserts, or replaces what is stored otherwise.
    const UPSERT: &'static str;
    /// How many columns that names.
    const COLUMNS: usize;
    /// What is stored between two keys, at most so many rows.
    const BETWEEN: &'static str;
    /// What is stored under certain keys.
    const STORED: &'static str;

    fn key(&self) -> Uuid;

    /// Hands out its values in the order of `UPSERT`.
    fn write(&self, columns: &mut impl Columns, stamp: &Stamp, texts: &TextArena);
}

/// What is stored of a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored {
    pub(super) content_hash: i64,
    pub(super) has_raw: bool,
    pub(super) run_id: Id,
    pub(super) synced_at: DateTime<Utc>,
}

type StoredRow = (Id, i64, bool, Id, DateTime<Utc>);

impl Stored {
    /// Whether a record says just what is stored, and with all that is to be kept of it.
    pub(super) fn is(&self, content_hash: i64, stamp: &Stamp) -> bool {
        self.content_hash == content_hash && (self.has_raw || !stamp.keep_raw)
    }

    /// Whether it was written by this very window.
    pub(super) fn is_of(&self, stamp: &Stamp) -> bool {
        (self.run_id.0, self.synced_at) == (stamp.run_id.value, stamp.at.value)
    }
}

impl Tx {
    /// What is stored of a batch. Asked for as a range first, which for a batch in the order of time is
    /// little more than the batch; if it is much more, by each key.
    pub(super) async fn stored<R: Row>(
        &mut self,
        batch: &[R],
    ) -> Result<HashMap<Uuid, Stored>, sqlx::Error> {
        let keys = || batch.iter().map(R::key);
        let (Some(first), Some(last)) = (keys().min(), keys().max()) else {
            return Ok(HashMap::new());
        };
        let limit = 2 * batch.len() + 100;
        let mut rows: Vec<StoredRow> = on_either!(Tx, self, tx => sqlx::query_as(R::BETWEEN)
            .bind(Id(first))
            .bind(Id(last))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            // Postgres would keep the plan it made when the table was empty.
            .persistent(false)
            .fetch_all(&mut **tx)
            .await)?;
        if rows.len() == limit {
            rows.clear();
            for some in batch.chunks(ROWS) {
                let found: Vec<StoredRow> = on_either!(Tx, self, tx =>
                    among(R::STORED, None::<&str>, some.iter().map(|row| Id(row.key())))
                        .build_query_as()
                        .persistent(false)
                        .fetch_all(&mut **tx)
                        .await)?;
                rows.extend(found);
            }
        }
        let stored = rows.into_iter().map(|(key, content_hash, has_raw, run_id, synced_at)| {
            (key.0, Stored { content_hash, has_raw, run_id, synced_at })
        });
        Ok(stored.collect())
    }

    /// Writes rows that are not stored.
    pub(super) async fn insert<R: Row>(
        &mut self,
        stamp: &Stamp,
        texts: &TextArena,
        rows: &[R],
    ) -> Result<(), sqlx::Error> {
        match self {
            _ if rows.is_empty() => Ok(()),
            Self::Postgres(tx) => copy(tx, stamp, texts, rows).await,
            Self::Sqlite(tx) => insert_sqlite(tx, stamp, texts, rows).await,
        }
    }

    /// Writes rows that are stored otherwise.
    pub(super) async fn update<R: Row>(
        &mut self,
        stamp: &Stamp,
        texts: &TextArena,
        rows: &[R],
    ) -> Result<(), sqlx::Error> {
        for some in rows.chunks(ROWS) {
            on_either!(Tx, self, tx => {
                let (sql, arguments) = filled(tx, R::UPSERT, R::COLUMNS, |rows| {
                    for row in some { row.write(rows, stamp, texts); }
                });
                let query = sqlx::query_with(sql, arguments);
                query.persistent(false).execute(&mut **tx).await.map(drop)
            })?;
        }
        Ok(())
    }
}

/// Without a clause about conflicts and, where no foreign key asks for it, without the journal by which
/// SQLite could take back this statement alone: it is the window that is taken back.
async fn insert_sqlite<R: Row>(
    tx: &mut Transaction<'static, Sqlite>,
    stamp: &Stamp,
    texts: &TextArena,
    rows: &[R],
) -> Result<(), sqlx::Error> {
    let (before, _) = around_rows(R::UPSERT);
    let before = before.replacen("insert into", "insert or fail into", 1);
    let written_down = |some: &[R]| {
        let mut arguments = SqliteArguments::default();
        arguments.reserve(some.len() * R::COLUMNS, 0);
        for row in some {
            row.write(&mut arguments, stamp, texts);
        }
        (some.len(), arguments)
    };
    let mut chunks = rows.chunks(SQLITE_ROWS).map(written_down);
    let mut next = chunks.next();
    while let Some((count, arguments)) = next {
        let sql = format!("{before}{}", values(count, R::COLUMNS));
        // Safe: it is made of our own text and of places for values.
        let query = sqlx::query_with(AssertSqlSafe(sql), arguments);
        // Statements of all other lengths come once.
        let execute = query.persistent(count == SQLITE_ROWS).execute(&mut **tx);
        // SQLite is at work on these while the next are written down.
        let done;
        (done, next) = tokio::join!(biased; execute, async { chunks.next() });
        done?;
    }
    Ok(())
}

/// By `copy`, straight into the table: nothing can be in the way, since all of it was looked up.
async fn copy<R: Row>(
    tx: &mut Transaction<'static, Postgres>,
    stamp: &Stamp,
    texts: &TextArena,
    rows: &[R],
) -> Result<(), sqlx::Error> {
    let (table, columns) = (table(R::UPSERT), columns(R::UPSERT));
    let statement = format!("copy {table} ({columns}) from stdin (format binary)");
    let mut copy = tx.copy_in_raw(&statement).await?;
    let mut written = CopyRows::new(R::COLUMNS);
    for row in rows {
        written.begin_row();
        row.write(&mut written, stamp, texts);
        if written.bytes.len() >= COPY_BYTES {
            copy.send(written.bytes.as_slice()).await?;
            written.bytes.clear();
        }
    }
    written.end();
    copy.send(written.bytes.as_slice()).await?;
    copy.finish().await.map(drop)
}
