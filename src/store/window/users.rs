//! The rows of users.

use super::stamp::{Stamped, WindowStamp};
use super::user_cache::LatestDetails;
use crate::model::TextArena;
use crate::store::bulk::{Columns, Row, Statement};
use crate::store::tx::Tx;
use crate::store::{Error, failed};

/// Rows per statement in SQLite, which keeps a copy of each page that a statement changes: most users
/// stand on pages of their own, so more rows take more memory, and were not faster.
const SQLITE_ROWS: usize = 100;

const UPSERT: Statement = Statement::reused(include_str!("sql/users_upsert.sql"), SQLITE_ROWS);

impl Tx {
    /// Writes details that are newer than the stored ones. Returns how many rows it wrote.
    pub(super) async fn upsert_users(
        &mut self,
        stamp: &WindowStamp,
        texts: &TextArena,
        users: &[&LatestDetails],
    ) -> Result<u64, Error> {
        self.execute_rows(UPSERT, users, |&row| Stamped { row, stamp, texts })
            .await
            .map_err(failed("writing users"))
    }
}

impl Row for Stamped<'_, LatestDetails> {
    fn write(&self, columns: &mut impl Columns) {
        let Self { row, stamp, texts } = self;
        let get = |text| texts.get(text);
        let LatestDetails { user_id, name, profile } = row;
        let known = profile.as_ref().map(|profile| &profile.value);
        columns.shared_text(&stamp.account);
        columns.number(Some(*user_id));
        columns.id(Some(name.id));
        columns.time(Some(name.at));
        columns.text(name.value.map(get));
        columns.id(profile.as_ref().map(|profile| profile.id));
        columns.time(profile.as_ref().map(|profile| profile.at));
        columns.text(profile.as_ref().map(|_| stamp.origin.source.as_str()));
        columns.text(known.and_then(|known| known.email).map(get));
        columns.text(known.and_then(|known| known.username).map(get));
        columns.text(known.and_then(|known| known.firstname).map(get));
        columns.text(known.and_then(|known| known.lastname).map(get));
        columns.shared_time(&stamp.at);
        columns.shared_time(&stamp.at);
        columns.shared_id(&stamp.run_id);
    }
}
