//! The statements of a window: each over all rows of a batch at once, never row by row.
//!
//! `/*rows*/` in a statement's text is where the rows go.

use std::collections::HashMap;

use chrono::{DateTime, SubsecRound, Utc};
use sqlx::{
    Database, Encode, IntoArguments, Postgres, QueryBuilder, Sqlite, SqlitePool, Transaction, Type,
};
use uuid::Uuid;

use super::people::{Said, Word};
use super::value::{Id, Json};
use super::{Error, NOW, Store, failed, on_either};
use crate::model::{Failure, Origin, Profile, Reject};

/// Rows a statement. 23 columns each stay below the 32,766 parameters of SQLite, and above
/// this size neither database is faster.
pub(super) const BATCH: usize = 1_000;

/// The transaction of a window.
pub(super) enum Tx {
    Postgres(Transaction<'static, Postgres>),
    Sqlite(Transaction<'static, Sqlite>),
}

/// What all rows of a window have in common.
#[derive(Debug, Clone)]
pub(super) struct Stamp {
    pub(super) origin: Origin,
    pub(super) run_id: Id,
    /// Written into the rows; differs from window to window of a run.
    pub(super) at: DateTime<Utc>,
}

/// What is stored of a failure.
pub(super) struct StoredFailure {
    pub(super) content_hash: i64,
    pub(super) run_id: Id,
    pub(super) synced_at: DateTime<Utc>,
}

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
    pub(super) async fn begin(store: &Store) -> Result<Self, sqlx::Error> {
        match store {
            Store::Postgres(pool) => pool.begin().await.map(Self::Postgres),
            Store::Sqlite(pool) => begin_sqlite(pool).await.map(Self::Sqlite),
        }
    }

    /// As [`Store::now`], on the transaction's own connection.
    pub(super) async fn now(&mut self) -> Result<DateTime<Utc>, Error> {
        let now = match self {
            Self::Postgres(tx) => sqlx::query_scalar(NOW).fetch_one(&mut **tx).await,
            Self::Sqlite(_) => Ok(Utc::now()),
        };
        Ok(now.map_err(failed("asking for the time"))?.trunc_subsecs(3))
    }

    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        on_either!(Tx, self, tx => tx.commit().await)
    }

    pub(super) async fn rollback(self) -> Result<(), sqlx::Error> {
        on_either!(Tx, self, tx => tx.rollback().await)
    }

    pub(super) async fn stored_failures(
        &mut self,
        ids: impl Iterator<Item = Uuid>,
    ) -> Result<HashMap<Uuid, StoredFailure>, Error> {
        let sql = include_str!("sql/failures_stored.sql");
        let rows: Vec<(Id, i64, Id, DateTime<Utc>)> = on_either!(Tx, self, tx =>
            among(sql, None::<&str>, ids.map(Id))
                .build_query_as()
                .persistent(false)
                .fetch_all(&mut **tx)
                .await)
        .map_err(failed("looking up failures"))?;
        let stored = rows.into_iter().map(|(id, content_hash, run_id, synced_at)| {
            (id.0, StoredFailure { content_hash, run_id, synced_at })
        });
        Ok(stored.collect())
    }

    pub(super) async fn raw_failures(&mut self, ids: &[Uuid]) -> Result<Vec<String>, Error> {
        let sql = include_str!("sql/failures_raw.sql");
        on_either!(Tx, self, tx => {
            let mut query = among(sql, None::<&str>, ids.iter().copied().map(Id));
            let rows = query.build().persistent(false).fetch_all(&mut **tx).await;
            rows.and_then(|rows| rows.iter().map(raw_text).collect())
        })
        .map_err(failed("reading displaced failures"))
    }

    pub(super) async fn upsert_failures(
        &mut self,
        stamp: &Stamp,
        failures: &[Failure],
    ) -> Result<(), Error> {
        let (before, after) = around_rows(include_str!("sql/failures_upsert.sql"));
        on_either!(Tx, self, tx => {
            let mut query = QueryBuilder::new(before);
            query.push_values(failures, |mut row, f| {
                row.push_bind(Id(f.failure_id))
                    .push_bind(&stamp.origin.account)
                    .push_bind(stamp.origin.source)
                    .push_bind(f.source_id)
                    .push_bind(f.login_id.as_deref())
                    .push_bind(f.person.as_ref().map(|p| p.user_id))
                    .push_bind(f.operation.as_str())
                    .push_bind(f.operation_source.as_str())
                    .push_bind(f.app_id)
                    .push_bind(f.app_name.as_deref())
                    .push_bind(f.event_type_id)
                    .push_bind(f.created_at)
                    .push_bind(&f.created_at_raw)
                    .push_bind(f.description.as_deref())
                    .push_bind(f.error_description.as_deref())
                    .push_bind(f.resolution.solved)
                    .push_bind(f.resolution.resolved_at)
                    .push_bind(f.resolution.text.as_deref())
                    .push_bind(Json(&f.raw))
                    .push_bind(f.content_hash)
                    .push_bind(stamp.at)
                    .push_bind(stamp.at)
                    .push_bind(stamp.run_id);
            });
            let full = failures.len() == BATCH;
            query.push(after).build().persistent(full).execute(&mut **tx).await.map(drop)
        })
        .map_err(failed("writing failures"))
    }

    pub(super) async fn stored_people(
        &mut self,
        account: &str,
        user_ids: impl Iterator<Item = i64>,
    ) -> Result<HashMap<i64, Word>, Error> {
        let sql = include_str!("sql/users_stored.sql");
        let rows: Vec<PersonRow> = on_either!(Tx, self, tx =>
            among(sql, Some(account), user_ids)
                .build_query_as()
                .persistent(false)
                .fetch_all(&mut **tx)
                .await)
        .map_err(failed("looking up users"))?;
        Ok(rows.into_iter().map(|row| (row.0, stored_word(row))).collect())
    }

    /// Returns how many rows were written.
    pub(super) async fn upsert_people(
        &mut self,
        stamp: &Stamp,
        news: &[&Word],
    ) -> Result<u64, Error> {
        let (before, after) = around_rows(include_str!("sql/users_upsert.sql"));
        on_either!(Tx, self, tx => {
            let mut query = QueryBuilder::new(before);
            query.push_values(news, |mut row, Word { user_id, named, profile }| {
                let known = profile.as_ref().map(|profile| &profile.what);
                row.push_bind(&stamp.origin.account)
                    .push_bind(*user_id)
                    .push_bind(Id(named.id))
                    .push_bind(named.at)
                    .push_bind(named.what.as_deref())
                    .push_bind(profile.as_ref().map(|profile| Id(profile.id)))
                    .push_bind(profile.as_ref().map(|profile| profile.at))
                    .push_bind(profile.as_ref().map(|_| stamp.origin.source))
                    .push_bind(known.and_then(|known| known.email.as_deref()))
                    .push_bind(known.and_then(|known| known.username.as_deref()))
                    .push_bind(known.and_then(|known| known.firstname.as_deref()))
                    .push_bind(known.and_then(|known| known.lastname.as_deref()))
                    .push_bind(stamp.at)
                    .push_bind(stamp.at)
                    .push_bind(stamp.run_id);
            });
            let done = query.push(after).build().persistent(false).execute(&mut **tx).await;
            done.map(|done| done.rows_affected())
        })
        .map_err(failed("writing users"))
    }

    /// Whether any record of this origin is put aside and not loaded since.
    pub(super) async fn any_open_reject(&mut self, origin: &Origin) -> Result<bool, Error> {
        let open: i64 = on_either!(Tx, self, tx =>
            sqlx::query_scalar(include_str!("sql/rejects_open.sql"))
                .bind(&origin.account)
                .bind(origin.source)
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
        let (before, after) = around_rows(include_str!("sql/rejects_upsert.sql"));
        on_either!(Tx, self, tx => {
            let mut query = QueryBuilder::new(before);
            query.push_values(rejects, |mut row, reject| {
                row.push_bind(Id(reject.reject_id))
                    .push_bind(stamp.run_id)
                    .push_bind(&stamp.origin.account)
                    .push_bind(stamp.origin.source)
                    .push_bind(reject.reason.as_str())
                    .push_bind(&reject.detail)
                    .push_bind(&reject.raw)
                    .push_bind(stamp.at)
                    .push_bind(stamp.at);
            });
            query.push(after).build().persistent(false).execute(&mut **tx).await.map(drop)
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

fn stored_word(row: PersonRow) -> Word {
    let (user_id, Id(id), at, display_name, profile_id, profile_at, ..) = row;
    let (.., email, username, firstname, lastname) = row;
    let profile = profile_id.zip(profile_at).map(|(Id(id), at)| {
        let what = Profile { email, username, firstname, lastname };
        Said { id, at, what }
    });
    Word { user_id, named: Said { id, at, what: display_name }, profile }
}

async fn begin_sqlite(pool: &SqlitePool) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
    // The write lock from the start: a transaction that has read first could be refused it.
    pool.begin_with("begin immediate").await
}

/// A statement with `$1` before a list, or with the list alone: `… in ($2, $3, …)`.
///
/// To be run as `persistent(false)`: Postgres would keep the plan it made when the table was empty,
/// and read a million rows for each batch of the same transaction.
pub(super) fn among<'q, DB, First, Item>(
    sql: &'static str,
    first: Option<First>,
    items: impl Iterator<Item = Item>,
) -> QueryBuilder<DB>
where
    DB: Database<Arguments: IntoArguments<DB>>,
    First: Encode<'q, DB> + Type<DB>,
    Item: Encode<'q, DB> + Type<DB>,
{
    let (before, after) = sql.split_once("/*rows*/").expect("the statement says where rows go");
    let mut query = QueryBuilder::default();
    if let Some(first) = first {
        // Not left in the text: in SQLite the builder's own placeholders bear no number, and those
        // are counted without the ones that do.
        let (start, rest) = before.split_once("$1").expect("the statement says where it goes");
        query.push(start).push_bind(first).push(rest);
    } else {
        query.push(before);
    }
    let mut list = query.separated(", ");
    for item in items {
        list.push_bind(item);
    }
    query.push(after);
    query
}

/// The part of an insert before its rows, and the part behind them.
pub(super) fn around_rows(sql: &'static str) -> (&'static str, &'static str) {
    sql.split_once("values /*rows*/").expect("the statement says where rows go")
}

fn raw_text<R: sqlx::Row>(row: &R) -> Result<String, sqlx::Error>
where
    usize: sqlx::ColumnIndex<R>,
    for<'r> Json<'r>: sqlx::Decode<'r, R::Database> + Type<R::Database>,
{
    row.try_get::<Json, _>(0).map(|raw| raw.0.to_owned())
}
