//! The rows of rejected records.

use uuid::Uuid;

use super::stamp::WindowStamp;
use crate::model::{Origin, Reject};
use crate::redact::clean;
use crate::store::bulk::{Columns, Row, Statement};
use crate::store::tx::Tx;
use crate::store::value::Id;
use crate::store::{Error, failed, on_either};

const UPSERT: Statement = Statement::new(include_str!("sql/rejects_upsert.sql"));
const STORED: Statement = Statement::new(include_str!("sql/rejects_stored.sql"));
const REPLAYED: Statement = Statement::new(include_str!("sql/rejects_replayed.sql"));

impl Tx {
    /// Checks for a record of this origin that is rejected and was not loaded since.
    pub(super) async fn has_open_reject(&mut self, origin: &Origin) -> Result<bool, Error> {
        let open: i64 = on_either!(Tx, self, tx =>
            sqlx::query_scalar(include_str!("sql/rejects_open.sql"))
                .bind(&origin.account)
                .bind(origin.source.as_str())
                .fetch_one(&mut **tx)
                .await)
        .map_err(failed("counting rejected records"))?;
        Ok(open > 0)
    }

    /// Counts those that were not open until this window.
    pub(super) async fn count_new_rejects(
        &mut self,
        stamp: &WindowStamp,
        rejects: &[Reject],
    ) -> Result<usize, Error> {
        let known: Vec<(Id,)> = self
            .fetch_rows(STORED, rejects, |reject| RejectKey { reject_id: reject.reject_id, stamp })
            .await
            .map_err(failed("looking up rejected records"))?;
        Ok(rejects.len() - known.len())
    }

    pub(super) async fn upsert_rejects(
        &mut self,
        stamp: &WindowStamp,
        rejects: &[Reject],
    ) -> Result<(), Error> {
        self.execute_rows(UPSERT, rejects, |reject| StampedReject { reject, stamp })
            .await
            .map(drop)
            .map_err(failed("writing rejected records"))
    }

    /// Closes the rejects whose text was loaded after all.
    pub(super) async fn close_rejects(
        &mut self,
        stamp: &WindowStamp,
        ids: &[Uuid],
    ) -> Result<(), Error> {
        self.execute_rows(REPLAYED, ids, |&reject_id| RejectKey { reject_id, stamp })
            .await
            .map(drop)
            .map_err(failed("closing rejected records"))
    }
}

/// The key of a reject, and the time of the window.
struct RejectKey<'a> {
    reject_id: Uuid,
    stamp: &'a WindowStamp,
}

impl Row for RejectKey<'_> {
    fn write(&self, columns: &mut impl Columns) {
        columns.shared_text(&self.stamp.account);
        columns.id(Some(self.reject_id));
        columns.shared_time(&self.stamp.at);
    }
}

struct StampedReject<'a> {
    reject: &'a Reject,
    stamp: &'a WindowStamp,
}

impl Row for StampedReject<'_> {
    fn write(&self, columns: &mut impl Columns) {
        let Self { reject, stamp } = self;
        columns.id(Some(reject.reject_id));
        columns.shared_id(&stamp.run_id);
        columns.shared_text(&stamp.account);
        columns.shared_text(&stamp.source);
        columns.text(Some(reject.reason.as_str()));
        // A value that a server echoes may be a secret.
        columns.text(Some(&clean(&reject.detail)));
        columns.text(Some(&reject.raw));
        columns.shared_time(&stamp.at);
        columns.shared_time(&stamp.at);
    }
}
