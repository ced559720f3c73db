//! What the users API says of people whom failures name.

use chrono::{DateTime, Utc};

use super::statement::around_rows;
use super::tx::Tx;
use super::value::Id;
use super::{Error, Lease, Run, Store, failed, on_either};
use crate::identity;
use crate::model::Profile;

/// What was said of some people.
#[derive(Debug)]
pub(crate) struct Said {
    /// When.
    pub at: DateTime<Utc>,
    /// Whom it was asked about.
    pub asked: Vec<i64>,
    /// Those it knows.
    pub people: Vec<(i64, Profile<String>)>,
}

impl Store {
    /// People of whom nothing was said since `before`, new ones first.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn people_to_ask(
        &self,
        account: &str,
        before: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<i64>, Error> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        on_either!(Store, self, pool => sqlx::query_scalar(include_str!("sql/people_to_ask.sql"))
            .bind(account)
            .bind(before)
            .bind(limit)
            .fetch_all(pool)
            .await)
        .map_err(failed("looking up people to ask about"))
    }

    /// How many they are.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn count_people_to_ask(
        &self,
        account: &str,
        before: DateTime<Utc>,
    ) -> Result<u64, Error> {
        let people: i64 = on_either!(Store, self, pool =>
            sqlx::query_scalar(include_str!("sql/people_to_ask_count.sql"))
                .bind(account)
                .bind(before)
                .fetch_one(pool)
                .await)
        .map_err(failed("counting people to ask about"))?;
        Ok(people.unsigned_abs())
    }

    /// Writes what was said of people, where nothing newer is known, and that they were asked about.
    /// Returns how many rows of people it changed.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another run has taken over; then nothing is written.
    pub(crate) async fn write_profiles(
        &self,
        run: &Run,
        lease: &Lease,
        mut said: Said,
    ) -> Result<u64, Error> {
        let mut tx = Tx::begin(self).await.map_err(failed("beginning to write people"))?;
        let now = tx.now().await?;
        tx.renew_lease(lease, now).await?;
        tx.lock_people(&run.origin.account).await?;
        tx.note_asked(&run.origin.account, &said).await?;
        // One row a statement.
        said.people.sort_unstable_by_key(|(user_id, _)| *user_id);
        said.people.dedup_by_key(|(user_id, _)| *user_id);
        let written =
            if said.people.is_empty() { 0 } else { tx.update_profiles(run, &said, now).await? };
        tx.commit().await.map_err(failed("committing people"))?;
        Ok(written)
    }
}

impl Tx {
    async fn note_asked(&mut self, account: &str, said: &Said) -> Result<(), Error> {
        let (before, after) = around_rows(include_str!("sql/people_asked.sql"));
        on_either!(Tx, self, tx => {
            let mut query = sqlx::QueryBuilder::new(before);
            query.push_values(&said.asked, |mut row, user_id| {
                row.push_bind(account).push_bind(*user_id).push_bind(said.at);
            });
            query.push(after).build().persistent(false).execute(&mut **tx).await.map(drop)
        })
        .map_err(failed("noting who was asked about"))
    }

    async fn update_profiles(
        &mut self,
        run: &Run,
        said: &Said,
        now: DateTime<Utc>,
    ) -> Result<u64, Error> {
        let (before, after) = around_rows(include_str!("sql/profiles_update.sql"));
        let account = &run.origin.account;
        on_either!(Tx, self, tx => {
            let mut query = sqlx::QueryBuilder::new(before);
            query.push_values(&said.people, |mut row, (user_id, profile)| {
                row.push_bind(account)
                    .push_bind(*user_id)
                    .push_bind(Id(identity::profile_id(account, *user_id, said.at)))
                    .push_bind(said.at)
                    .push_bind(profile.email.as_deref())
                    .push_bind(profile.username.as_deref())
                    .push_bind(profile.firstname.as_deref())
                    .push_bind(profile.lastname.as_deref())
                    .push_bind(now)
                    .push_bind(Id(run.run_id));
            });
            let done = query.push(after).build().persistent(false).execute(&mut **tx).await;
            done.map(|done| done.rows_affected())
        })
        .map_err(failed("writing what was said of people"))
    }
}
