//! The rows of records that were put aside.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::columns::Columns;
use super::statement::{among, filled};
use super::tx::{Stamp, Tx};
use super::value::Id;
use super::{Error, failed, on_either};
use crate::model::{Origin, Reject};

/// Columns that the insert names.
const COLUMNS: usize = 9;

impl Tx {
    /// Whether any record of this origin is put aside and not loaded since.
    pub(super) async fn any_open_reject(&mut self, origin: &Origin) -> Result<bool, Error> {
        let open: i64 = on_either!(Tx, self, tx =>
            sqlx::query_scalar(include_str!("sql/rejects_open.sql"))
                .bind(&origin.account)
                .bind(origin.source.as_str())
                .fetch_one(&mut **tx)
                .await)
        .map_err(failed("counting rejected records"))?;
        Ok(open > 0)
    }

    /// How many of these are not put aside already, or were until the window that began at `at`.
    pub(super) async fn count_new_rejects(
        &mut self,
        at: DateTime<Utc>,
        ids: &[Uuid],
    ) -> Result<usize, Error> {
        let sql = include_str!("sql/rejects_stored.sql");
        let known: Vec<(Id,)> = on_either!(Tx, self, tx => {
            let mut query = among(sql, Some(at), ids.iter().copied().map(Id));
            query.build_query_as().persistent(false).fetch_all(&mut **tx).await
        })
        .map_err(failed("looking up rejected records"))?;
        Ok(ids.len() - known.len())
    }

    pub(super) async fn upsert_rejects(
        &mut self,
        stamp: &Stamp,
        rejects: &[Reject],
    ) -> Result<(), Error> {
        let sql = include_str!("sql/rejects_upsert.sql");
        on_either!(Tx, self, tx => {
            let (sql, arguments) = filled(tx, sql, COLUMNS, |rows| {
                for reject in rejects { reject.write(rows, stamp); }
            });
            let query = sqlx::query_with(sql, arguments);
            query.persistent(false).execute(&mut **tx).await.map(drop)
        })
        .map_err(failed("writing rejected records"))
    }

    /// Closes the rejects whose text was loaded after all.
    pub(super) async fn close_rejects(
        &mut self,
        at: DateTime<Utc>,
        ids: &[Uuid],
    ) -> Result<(), Error> {
        let sql = include_str!("sql/rejects_replayed.sql");
        on_either!(Tx, self, tx => {
            let mut query = among(sql, Some(at), ids.iter().copied().map(Id));
            query.build().persistent(false).execute(&mut **tx).await.map(drop)
        })
        .map_err(failed("closing rejected records"))
    }
}

impl Reject {
    /// Hands out the values in the order of the insert's columns.
    fn write(&self, columns: &mut impl Columns, stamp: &Stamp) {
        columns.id(Some(self.reject_id));
        columns.shared_id(&stamp.run_id);
        columns.shared_text(&stamp.account);
        columns.shared_text(&stamp.source);
        columns.text(Some(self.reason.as_str()));
        columns.text(Some(&self.detail));
        columns.text(Some(&self.raw));
        columns.shared_time(&stamp.at);
        columns.shared_time(&stamp.at);
    }
}
