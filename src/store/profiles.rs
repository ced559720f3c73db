//! Profiles of users, as the users API gives them.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::bulk::{Columns, Row, Statement};
use super::tx::Tx;
use super::value::Time;
use super::{Error, Lease, Run, Store, failed, on_either};
use crate::identity;
use crate::model::Profile;

const REQUESTED: Statement = Statement::new(include_str!("sql/profiles_requested.sql"));
const UPDATE: Statement = Statement::new(include_str!("sql/profiles_update.sql"));

/// An answer of the users API.
#[derive(Debug)]
pub(crate) struct ProfileAnswer {
    /// Time of the answer.
    pub at: DateTime<Utc>,
    /// The users whose profiles were requested.
    pub requested: Vec<i64>,
    /// The profiles of those that OneLogin knows.
    pub profiles: Vec<(i64, Profile<String>)>,
}

impl Store {
    /// Finds users whose profile was neither written nor requested since `before`, new ones first.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn profiles_due(
        &self,
        account: &str,
        before: DateTime<Utc>,
    ) -> Result<Vec<i64>, Error> {
        self.read("looking up users whose profiles are due", async |tx| {
            on_either!(Tx, tx, tx => sqlx::query_scalar(include_str!("sql/profiles_due.sql"))
                .bind(account)
                .bind(Time(before))
                .fetch_all(&mut **tx)
                .await)
        })
        .await
    }

    /// Finds some users whose profile came from the users API.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn users_given(&self, account: &str) -> Result<Vec<i64>, Error> {
        self.read("looking up users whose profiles are known", async |tx| {
            on_either!(Tx, tx, tx => sqlx::query_scalar(include_str!("sql/users_given.sql"))
                .bind(account)
                .fetch_all(&mut **tx)
                .await)
        })
        .await
    }

    /// Writes the profiles of an answer where nothing newer is stored, and when they were requested.
    /// Returns how many users changed.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] if another run holds the lease; then nothing is written.
    pub(crate) async fn write_profiles(
        &self,
        run: &Run,
        lease: &Lease,
        mut answer: ProfileAnswer,
    ) -> Result<u64, Error> {
        // An update takes one row per user.
        answer.profiles.sort_unstable_by_key(|(user_id, _)| *user_id);
        answer.profiles.dedup_by_key(|(user_id, _)| *user_id);
        let doing = "writing profiles";
        let written = async {
            let mut tx = Tx::begin_by_key(self).await?;
            // The account before the lease, as a window does, or the two could wait for each other.
            tx.lock_account(&run.origin.account).await?;
            tx.renew_lease(lease).await?;
            let written = tx.write_answer(run, &answer).await.map_err(failed(doing))?;
            tx.commit().await.map_err(failed(doing))?;
            Ok(written)
        };
        self.answered(doing, written).await
    }
}

impl Tx {
    async fn write_answer(
        &mut self,
        run: &Run,
        answer: &ProfileAnswer,
    ) -> Result<u64, sqlx::Error> {
        let account = &*run.origin.account;
        let synced_at = self.now().await?;
        let request = |&user_id: &i64| Request { account, user_id, at: answer.at };
        self.execute_rows(REQUESTED, &answer.requested, request).await?;
        let update = |(user_id, profile)| ProfileRow {
            request: request(user_id),
            profile,
            synced_at,
            run_id: run.run_id,
        };
        let written =
            self.execute_rows(UPDATE, &answer.profiles, |(id, profile)| update((id, profile)));
        let written = written.await?;
        let users: Vec<i64> = answer.profiles.iter().map(|(user_id, _)| *user_id).collect();
        self.replace_names_of(account, &users).await?;
        Ok(written)
    }
}

/// A user whose profile was requested.
struct Request<'a> {
    account: &'a str,
    user_id: i64,
    at: DateTime<Utc>,
}

impl Row for Request<'_> {
    fn write(&self, columns: &mut impl Columns) {
        columns.text(Some(self.account));
        columns.number(Some(self.user_id));
        columns.time(Some(self.at));
    }
}

/// The profile that OneLogin gave.
struct ProfileRow<'a> {
    request: Request<'a>,
    profile: &'a Profile<String>,
    synced_at: DateTime<Utc>,
    run_id: Uuid,
}

impl Row for ProfileRow<'_> {
    fn write(&self, columns: &mut impl Columns) {
        let Self { request: Request { account, user_id, at }, profile, synced_at, run_id } = self;
        columns.text(Some(account));
        columns.number(Some(*user_id));
        columns.id(Some(identity::profile_id(account, *user_id, *at)));
        columns.time(Some(*at));
        columns.text(profile.email.as_deref());
        columns.text(profile.username.as_deref());
        columns.text(profile.firstname.as_deref());
        columns.text(profile.lastname.as_deref());
        columns.time(Some(*synced_at));
        columns.id(Some(*run_id));
    }
}
