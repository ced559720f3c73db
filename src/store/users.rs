//! The rows of people: writing what was said.

use std::collections::HashSet;

use super::columns::Columns;
use super::people::Word;
use super::statement::{among, filled};
use super::tx::{Stamp, Tx};
use super::{Error, failed, on_either};
use crate::model::TextArena;

/// Rows a statement in Postgres.
const ROWS: usize = 1_000;
/// Rows a statement in SQLite, which keeps a copy of each page that a statement changes: people stand
/// on pages of their own mostly, so more rows take more memory, and were not faster.
const SQLITE_ROWS: usize = 100;
/// People looked up at once: a page of the events API may name more than a statement takes.
const LOOKED_UP: usize = 1_000;
/// Columns that the inserts name.
const COLUMNS: usize = 15;

impl Tx {
    /// Writes rows of people who have none. Returns who they are.
    pub(super) async fn insert_people(
        &mut self,
        stamp: &Stamp,
        texts: &TextArena,
        words: &[&Word],
    ) -> Result<Vec<i64>, Error> {
        self.write_people(include_str!("sql/users_insert.sql"), stamp, texts, words).await
    }

    /// Who of these people has a row.
    pub(super) async fn people_there(
        &mut self,
        stamp: &Stamp,
        words: &[&Word],
    ) -> Result<HashSet<i64>, Error> {
        let sql = include_str!("sql/users_there.sql");
        let account = &*stamp.origin.account;
        let mut there = HashSet::new();
        for some in words.chunks(LOOKED_UP) {
            let found: Vec<i64> = on_either!(Tx, self, tx =>
                among(sql, Some(account), some.iter().map(|word| word.user_id))
                    .build_query_scalar()
                    .persistent(false)
                    .fetch_all(&mut **tx)
                    .await)
            .map_err(failed("looking up users"))?;
            there.extend(found);
        }
        Ok(there)
    }

    /// Writes what is newer than what is stored. Returns of whom that was so.
    pub(super) async fn update_people(
        &mut self,
        stamp: &Stamp,
        texts: &TextArena,
        words: &[&Word],
    ) -> Result<Vec<i64>, Error> {
        self.write_people(include_str!("sql/users_upsert.sql"), stamp, texts, words).await
    }

    async fn write_people(
        &mut self,
        sql: &'static str,
        stamp: &Stamp,
        texts: &TextArena,
        words: &[&Word],
    ) -> Result<Vec<i64>, Error> {
        let most = match self {
            Self::Postgres(_) => ROWS,
            Self::Sqlite(_) => SQLITE_ROWS,
        };
        let mut written = Vec::new();
        for some in words.chunks(most) {
            let ids: Vec<i64> = on_either!(Tx, self, tx => {
                let (sql, arguments) = filled(tx, sql, COLUMNS, |rows| {
                    for word in some { word.write(rows, stamp, texts); }
                });
                let query = sqlx::query_scalar_with(sql, arguments);
                // In SQLite, statements of all other lengths come once.
                query.persistent(some.len() == most).fetch_all(&mut **tx).await
            })
            .map_err(failed("writing users"))?;
            written.extend(ids);
        }
        Ok(written)
    }
}

impl Word {
    /// Hands out the values in the order of the inserts' columns.
    fn write(&self, columns: &mut impl Columns, stamp: &Stamp, texts: &TextArena) {
        let get = |text| texts.get(text);
        let Self { user_id, named, profile } = self;
        let known = profile.as_ref().map(|profile| &profile.what);
        columns.shared_text(&stamp.account);
        columns.number(Some(*user_id));
        columns.id(Some(named.id));
        columns.time(Some(named.at));
        columns.text(named.what.map(get));
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
