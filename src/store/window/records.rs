//! The failures and successes of a batch: looking up what is stored of them, and writing what is new or
//! changed.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::gap::{Gap, LEAST_RECORDS};
use super::stamp::{Stamped, WindowStamp};
use crate::model::TextArena;
use crate::store::bulk::{Columns, Row, Statement};
use crate::store::on_either;
use crate::store::tx::Tx;
use crate::store::value::Id;

/// A row whose key sorts by time and is made from what identifies the record.
pub(super) trait Record {
    /// Inserts, or replaces what is stored with other content.
    const UPSERT: Statement;
    /// Finds what is stored between two keys, up to a number of rows.
    const BETWEEN: &'static str;
    /// Finds what is stored under certain keys.
    const STORED: Statement;
    /// Finds the stored keys before and after two keys.
    const AROUND: &'static str;

    fn key(&self) -> Uuid;
}

/// The key of a row that is looked up.
pub(super) struct Key<'a> {
    pub(super) stamp: &'a WindowStamp,
    pub(super) id: Uuid,
}

impl Row for Key<'_> {
    fn write(&self, columns: &mut impl Columns) {
        columns.shared_text(&self.stamp.account);
        columns.id(Some(self.id));
    }
}

/// The part of a stored row that a batch is compared with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored {
    pub(super) content_hash: i64,
    pub(super) has_raw: bool,
    pub(super) run_id: Id,
    pub(super) synced_at: DateTime<Utc>,
}

/// The columns that `BETWEEN` and `STORED` find.
type StoredRow = (Id, i64, bool, Id, DateTime<Utc>);

impl Stored {
    /// Compares the content, and checks that the text is stored if it is to be kept.
    pub(super) fn equals(&self, content_hash: i64, stamp: &WindowStamp) -> bool {
        self.content_hash == content_hash && (self.has_raw || !stamp.keep_raw)
    }

    /// Checks that this very window wrote it.
    pub(super) fn is_of(&self, stamp: &WindowStamp) -> bool {
        (self.run_id.0, self.synced_at) == (stamp.run_id.value, stamp.at.value)
    }
}

impl Tx {
    /// Looks up what is stored of a batch: as a range of keys first, which for a batch in the order of
    /// time finds little more than the batch, and by each key if the range holds many other rows.
    /// In a gap there is nothing to look up.
    pub(super) async fn stored<R: Record>(
        &mut self,
        stamp: &WindowStamp,
        batch: &[R],
        gap: &mut Gap,
    ) -> Result<HashMap<Uuid, Stored>, sqlx::Error> {
        let keys = || batch.iter().map(R::key);
        if gap.take(keys()) {
            return Ok(HashMap::new());
        }
        gap.close();
        let (Some(first), Some(last)) = (keys().min(), keys().max()) else {
            return Ok(HashMap::new());
        };
        let limit = 2 * batch.len() + 100;
        let mut rows: Vec<StoredRow> = on_either!(Tx, self, tx => sqlx::query_as(R::BETWEEN)
            .bind(&stamp.origin.account)
            .bind(Id(first))
            .bind(Id(last))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            // Postgres would keep the plan it made when the table was empty.
            .persistent(false)
            .fetch_all(&mut **tx)
            .await)?;
        if rows.is_empty() && batch.len() >= LEAST_RECORDS {
            gap.open(self.around::<R>(stamp, first, last).await?, keys());
        }
        if rows.len() == limit {
            rows = self.fetch_rows(R::STORED, batch, |row| Key { stamp, id: row.key() }).await?;
        }
        let stored = rows.into_iter().map(|(key, content_hash, has_raw, run_id, synced_at)| {
            (key.0, Stored { content_hash, has_raw, run_id, synced_at })
        });
        Ok(stored.collect())
    }

    /// Finds the stored keys before and after a batch.
    async fn around<R: Record>(
        &mut self,
        stamp: &WindowStamp,
        first: Uuid,
        last: Uuid,
    ) -> Result<(Option<Uuid>, Option<Uuid>), sqlx::Error> {
        let (below, above): (Option<Id>, Option<Id>) = on_either!(Tx, self, tx => sqlx::query_as(R::AROUND)
                .bind(&stamp.origin.account)
                .bind(Id(first))
                .bind(Id(last))
                .persistent(false)
                .fetch_one(&mut **tx)
                .await)?;
        Ok((below.map(|id| id.0), above.map(|id| id.0)))
    }

    /// Writes rows that are not stored.
    pub(super) async fn insert_records<R: Record>(
        &mut self,
        stamp: &WindowStamp,
        texts: &TextArena,
        rows: &[R],
    ) -> Result<(), sqlx::Error>
    where
        for<'a> Stamped<'a, R>: Row,
    {
        self.insert_new(R::UPSERT, rows, |row| Stamped { row, stamp, texts }).await
    }

    /// Writes rows that are stored with other content.
    pub(super) async fn update_records<R: Record>(
        &mut self,
        stamp: &WindowStamp,
        texts: &TextArena,
        rows: &[R],
    ) -> Result<(), sqlx::Error>
    where
        for<'a> Stamped<'a, R>: Row,
    {
        self.execute_rows(R::UPSERT, rows, |row| Stamped { row, stamp, texts }).await.map(drop)
    }
}
