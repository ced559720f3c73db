//! The rows of users.

use std::collections::HashSet;

use super::stamp::{Stamped, WindowStamp};
use super::user_cache::LatestDetails;
use crate::model::TextArena;
use crate::store::bulk::{Columns, Row, Statement};
use crate::store::tx::Tx;
use crate::store::{Error, failed};

/// Rows per statement in SQLite, which keeps a copy of each page that a statement changes: most users
/// stand on pages of their own, so more rows take more memory, and were not faster.
const SQLITE_ROWS: usize = 100;

const INSERT: Statement = Statement::reused(include_str!("sql/users_insert.sql"), SQLITE_ROWS);
const UPSERT: Statement = Statement::reused(include_str!("sql/users_upsert.sql"), SQLITE_ROWS);
const STORED: Statement = Statement::new(include_str!("sql/users_stored.sql"));

impl Tx {
    /// Inserts users who have no row. Returns their ids.
    pub(super) async fn insert_users(
        &mut self,
        stamp: &WindowStamp,
        texts: &TextArena,
        users: &[&LatestDetails],
    ) -> Result<Vec<i64>, Error> {
        self.write_users(INSERT, stamp, texts, users).await
    }

    /// Finds which of these users have a row.
    pub(super) async fn stored_users(
        &mut self,
        stamp: &WindowStamp,
        users: &[&LatestDetails],
    ) -> Result<HashSet<i64>, Error> {
        let found: Vec<(i64,)> = self
            .fetch_rows(STORED, users, |user| UserKey { user_id: user.user_id, stamp })
            .await
            .map_err(failed("looking up users"))?;
        Ok(found.into_iter().map(|(user_id,)| user_id).collect())
    }

    /// Writes details that are newer than the stored ones. Returns the ids of these users.
    pub(super) async fn upsert_users(
        &mut self,
        stamp: &WindowStamp,
        texts: &TextArena,
        users: &[&LatestDetails],
    ) -> Result<Vec<i64>, Error> {
        self.write_users(UPSERT, stamp, texts, users).await
    }

    async fn write_users(
        &mut self,
        statement: Statement,
        stamp: &WindowStamp,
        texts: &TextArena,
        users: &[&LatestDetails],
    ) -> Result<Vec<i64>, Error> {
        let written: Vec<(i64,)> = self
            .fetch_rows(statement, users, |&row| Stamped { row, stamp, texts })
            .await
            .map_err(failed("writing users"))?;
        Ok(written.into_iter().map(|(user_id,)| user_id).collect())
    }
}

struct UserKey<'a> {
    user_id: i64,
    stamp: &'a WindowStamp,
}

impl Row for UserKey<'_> {
    fn write(&self, columns: &mut impl Columns) {
        columns.shared_text(&self.stamp.account);
        columns.number(Some(self.user_id));
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
