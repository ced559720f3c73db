//! The rows of failures and successes, column by column.

use sqlx::{Decode, Type};
use uuid::Uuid;

use super::columns::Columns;
use super::statement::among;
use super::table::Row;
use super::tx::{Stamp, Tx};
use super::value::{Id, Json};
use super::{Error, failed, on_either};
use crate::model::{Failure, Success, TextArena};

impl Row for Failure {
    const UPSERT: &'static str = include_str!("sql/failures_upsert.sql");
    const COLUMNS: usize = 23;
    const BETWEEN: &'static str = include_str!("sql/failures_between.sql");
    const STORED: &'static str = include_str!("sql/failures_stored.sql");

    fn key(&self) -> Uuid {
        self.failure_id
    }

    fn write(&self, columns: &mut impl Columns, stamp: &Stamp, texts: &TextArena) {
        let get = |text| texts.get(text);
        columns.id(Some(self.failure_id));
        columns.shared_text(&stamp.account);
        columns.shared_text(&stamp.source);
        columns.number(self.source_id);
        columns.text(self.login_id.map(get));
        columns.number(self.person.as_ref().map(|p| p.user_id));
        columns.text(Some(self.operation.as_str()));
        columns.text(Some(self.operation_source.as_str()));
        columns.number(self.app_id);
        columns.text(self.app_name.map(get));
        columns.number(self.event_type_id);
        columns.time(Some(self.created_at));
        columns.text(Some(get(self.created_at_raw)));
        columns.text(self.description.map(get));
        columns.text(self.error_description.map(get));
        columns.flag(self.resolution.solved);
        columns.time(self.resolution.resolved_at);
        columns.text(self.resolution.text.map(get));
        columns.json(stamp.keep_raw.then(|| get(self.raw)));
        columns.number(Some(self.content_hash));
        columns.shared_time(&stamp.at);
        columns.shared_time(&stamp.at);
        columns.shared_id(&stamp.run_id);
    }
}

impl Row for Success {
    const UPSERT: &'static str = include_str!("sql/successes_upsert.sql");
    const COLUMNS: usize = 17;
    const BETWEEN: &'static str = include_str!("sql/successes_between.sql");
    const STORED: &'static str = include_str!("sql/successes_stored.sql");

    fn key(&self) -> Uuid {
        self.success_id
    }

    fn write(&self, columns: &mut impl Columns, stamp: &Stamp, texts: &TextArena) {
        let get = |text| texts.get(text);
        columns.id(Some(self.success_id));
        columns.shared_text(&stamp.account);
        columns.shared_text(&stamp.source);
        columns.number(self.source_id);
        columns.number(self.user_id);
        columns.text(self.user_name.map(get));
        columns.text(Some(self.operation.as_str()));
        columns.number(self.app_id);
        columns.text(self.app_name.map(get));
        columns.number(Some(self.event_type_id));
        columns.time(Some(self.created_at));
        columns.text(Some(get(self.created_at_raw)));
        columns.json(stamp.keep_raw.then(|| get(self.raw)));
        columns.number(Some(self.content_hash));
        columns.shared_time(&stamp.at);
        columns.shared_time(&stamp.at);
        columns.shared_id(&stamp.run_id);
    }
}

impl Tx {
    /// The texts of stored failures, as far as they are kept.
    pub(super) async fn raw_failures(
        &mut self,
        ids: &[Uuid],
    ) -> Result<Vec<(Uuid, Option<String>)>, Error> {
        let sql = include_str!("sql/failures_raw.sql");
        on_either!(Tx, self, tx => {
            let mut query = among(sql, None::<&str>, ids.iter().copied().map(Id));
            let rows = query.build().persistent(false).fetch_all(&mut **tx).await;
            rows.and_then(|rows| rows.iter().map(raw_text).collect())
        })
        .map_err(failed("reading displaced failures"))
    }
}

fn raw_text<R: sqlx::Row>(row: &R) -> Result<(Uuid, Option<String>), sqlx::Error>
where
    usize: sqlx::ColumnIndex<R>,
    Id: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    for<'r> Json<'r>: Decode<'r, R::Database> + Type<R::Database>,
{
    let raw: Option<Json> = row.try_get(1)?;
    Ok((row.try_get::<Id, _>(0)?.0, raw.map(|raw| raw.0.into_owned())))
}
