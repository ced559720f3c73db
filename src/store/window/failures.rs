//! The rows of failures and successes, column by column.

use uuid::Uuid;

use super::records::{Key, Record};
use super::stamp::{Stamped, WindowStamp};
use crate::model::{Failure, Success};
use crate::store::bulk::{Columns, Row, Statement};
use crate::store::tx::Tx;
use crate::store::value::{Id, Json};
use crate::store::{Error, failed};

/// Finds the texts of stored failures.
const RAW: Statement = Statement::new(include_str!("sql/failures_raw.sql"));

impl Record for Failure {
    const UPSERT: Statement = Statement::new(include_str!("sql/failures_upsert.sql"));
    const BETWEEN: &'static str = include_str!("sql/failures_between.sql");
    const STORED: Statement = Statement::new(include_str!("sql/failures_stored.sql"));
    const AROUND: &'static str = include_str!("sql/failures_around.sql");

    fn key(&self) -> Uuid {
        self.failure_id
    }
}

impl Row for Stamped<'_, Failure> {
    fn write(&self, columns: &mut impl Columns) {
        let Self { row, stamp, texts } = self;
        let get = |text| texts.get(text);
        columns.id(Some(row.failure_id));
        columns.shared_text(&stamp.account);
        columns.shared_text(&stamp.source);
        columns.number(row.source_id);
        columns.text(row.login_id.map(get));
        columns.number(row.person.as_ref().map(|p| p.user_id));
        columns.text(Some(row.operation.as_str()));
        columns.text(Some(row.operation_source.as_str()));
        columns.text(Some(row.outcome.as_str()));
        columns.number(row.app_id);
        columns.text(row.app_name.map(get));
        columns.number(row.event_type_id);
        columns.time(Some(row.created_at));
        columns.text(Some(get(row.created_at_raw)));
        columns.text(row.description.map(get));
        columns.text(row.error_description.map(get));
        columns.text(row.error_fingerprint.as_deref());
        columns.flag(row.resolution.solved);
        columns.time(row.resolution.resolved_at);
        columns.text(row.resolution.text.map(get));
        columns.json(stamp.keep_raw.then(|| get(row.raw)));
        columns.number(Some(row.content_hash));
        columns.flag(Some(stamp.scanned.is_some_and(|span| span.contains(row.created_at))));
        columns.shared_time(&stamp.at);
        columns.shared_time(&stamp.at);
        columns.shared_id(&stamp.run_id);
    }
}

impl Record for Success {
    const UPSERT: Statement = Statement::new(include_str!("sql/successes_upsert.sql"));
    const BETWEEN: &'static str = include_str!("sql/successes_between.sql");
    const STORED: Statement = Statement::new(include_str!("sql/successes_stored.sql"));
    const AROUND: &'static str = include_str!("sql/successes_around.sql");

    fn key(&self) -> Uuid {
        self.success_id
    }
}

impl Row for Stamped<'_, Success> {
    fn write(&self, columns: &mut impl Columns) {
        let Self { row, stamp, texts } = self;
        let get = |text| texts.get(text);
        columns.id(Some(row.success_id));
        columns.shared_text(&stamp.account);
        columns.shared_text(&stamp.source);
        columns.number(row.source_id);
        columns.number(row.user_id);
        columns.text(row.user_name.map(get));
        columns.text(Some(row.operation.as_str()));
        columns.number(row.app_id);
        columns.text(row.app_name.map(get));
        columns.number(Some(row.event_type_id));
        columns.time(Some(row.created_at));
        columns.text(Some(get(row.created_at_raw)));
        columns.json(stamp.keep_raw.then(|| get(row.raw)));
        columns.number(Some(row.content_hash));
        columns.shared_time(&stamp.at);
        columns.shared_time(&stamp.at);
        columns.shared_id(&stamp.run_id);
    }
}

impl Tx {
    /// Reads the texts of stored failures; `None` where the text was not kept.
    pub(super) async fn raw_failures(
        &mut self,
        stamp: &WindowStamp,
        ids: &[Uuid],
    ) -> Result<Vec<(Uuid, Option<String>)>, Error> {
        let rows: Vec<(Id, Option<Json<'static>>)> = self
            .fetch_rows(RAW, ids, |&id| Key { stamp, id })
            .await
            .map_err(failed("reading displaced failures"))?;
        Ok(rows.into_iter().map(|(id, raw)| (id.0, raw.map(|raw| raw.0.into_owned()))).collect())
    }
}
