//! The rows of people: what is stored of them, and writing what was said.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::columns::Columns;
use super::people::{Said, Word};
use super::statement::{among, filled, no_arguments};
use super::tx::{Stamp, Tx};
use super::value::Id;
use super::{Error, failed, on_either};
use crate::model::{Profile, Texts};

/// Rows a statement.
const ROWS: usize = 1_000;
/// Columns that the inserts name.
const COLUMNS: usize = 15;

/// The columns of `users_stored.sql`, in its order.
type PersonRow = (
    i64,
    Id,
    DateTime<Utc>,
    Option<String>,
    Option<Id>,
    Option<DateTime<Utc>>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
);

impl Tx {
    /// Writes rows of people who have none. Returns who they are.
    pub(super) async fn insert_people(
        &mut self,
        stamp: &Stamp,
        texts: &Texts,
        words: &[&Word],
    ) -> Result<Vec<i64>, Error> {
        let sql = include_str!("sql/users_insert.sql");
        self.write_people(sql, stamp, texts, words).await
    }

    /// Writes what is newer than what is stored. Returns of whom that was so.
    pub(super) async fn update_people(
        &mut self,
        stamp: &Stamp,
        texts: &Texts,
        words: &[&Word],
    ) -> Result<Vec<i64>, Error> {
        let sql = include_str!("sql/users_upsert.sql");
        let mut written = Vec::new();
        for some in words.chunks(ROWS) {
            let stored = self.stored_people(stamp, some).await?;
            let is_news = |word: &&Word| word.is_news(stored.get(&word.user_id), texts);
            let news: Vec<&Word> = some.iter().copied().filter(is_news).collect();
            written.extend(self.write_people(sql, stamp, texts, &news).await?);
        }
        Ok(written)
    }

    async fn stored_people(
        &mut self,
        stamp: &Stamp,
        words: &[&Word],
    ) -> Result<HashMap<i64, Word<String>>, Error> {
        let sql = include_str!("sql/users_stored.sql");
        let account = &*stamp.origin.account;
        let rows: Vec<PersonRow> = on_either!(Tx, self, tx =>
            among(sql, Some(account), words.iter().map(|word| word.user_id))
                .build_query_as()
                .persistent(false)
                .fetch_all(&mut **tx)
                .await)
        .map_err(failed("looking up users"))?;
        Ok(rows.into_iter().map(|row| (row.0, stored_word(row))).collect())
    }

    async fn write_people(
        &mut self,
        sql: &'static str,
        stamp: &Stamp,
        texts: &Texts,
        words: &[&Word],
    ) -> Result<Vec<i64>, Error> {
        let places = self.places();
        let mut written = Vec::new();
        for some in words.chunks(ROWS) {
            let sql = filled(sql, some.len(), COLUMNS, places);
            let ids: Vec<i64> = on_either!(Tx, self, tx => {
                let mut arguments = no_arguments(tx);
                for word in some {
                    word.write(&mut arguments, stamp, texts);
                }
                let query = sqlx::query_scalar_with(sql, arguments);
                query.persistent(false).fetch_all(&mut **tx).await
            })
            .map_err(failed("writing users"))?;
            written.extend(ids);
        }
        Ok(written)
    }
}

impl Word {
    /// Hands out the values in the order of the inserts' columns.
    fn write(&self, columns: &mut impl Columns, stamp: &Stamp, texts: &Texts) {
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
        columns.text(profile.as_ref().map(|_| stamp.origin.source));
        columns.text(known.and_then(|known| known.email).map(get));
        columns.text(known.and_then(|known| known.username).map(get));
        columns.text(known.and_then(|known| known.firstname).map(get));
        columns.text(known.and_then(|known| known.lastname).map(get));
        columns.shared_time(&stamp.at);
        columns.shared_time(&stamp.at);
        columns.shared_id(&stamp.run_id);
    }
}

fn stored_word(row: PersonRow) -> Word<String> {
    let (user_id, Id(id), at, display_name, profile_id, profile_at, ..) = row;
    let (.., email, username, firstname, lastname) = row;
    let profile = profile_id.zip(profile_at).map(|(Id(id), at): (Id, DateTime<Utc>)| {
        let what = Profile { email, username, firstname, lastname };
        Said { id, at, what }
    });
    Word { user_id, named: Said { id, at, what: display_name }, profile }
}
