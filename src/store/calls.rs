//! How many calls of the hour's share are left, over all runs of an account.
//!
//! A run is granted calls before it makes them. One that is killed cannot say how many it made; all
//! that it was granted then counts as made.

use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use super::{Error, Store, failed, on_either};

/// Calls are counted by the minute: those of its first second leave the hour a minute late.
const REMEMBERED: TimeDelta = TimeDelta::minutes(61);

/// Calls that a run may make.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grant {
    /// How many; perhaps none.
    pub calls: u64,
    /// How long until there are more, when there are fewer than asked for.
    pub more_in: Duration,
    /// When they were counted.
    minute: DateTime<Utc>,
}

/// What became of an earlier grant.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Settled {
    /// The grant, if there was one.
    pub grant: Option<Grant>,
    /// Calls made since.
    pub used: u64,
    /// Calls that were granted and not made.
    pub unused: u64,
}

impl Store {
    /// Grants up to `wanted` calls, as long as no hour has more than `per_hour`, in exchange for an
    /// earlier grant.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn grant_calls(
        &self,
        account: &str,
        settled: Settled,
        wanted: u64,
        per_hour: u64,
    ) -> Result<Grant, Error> {
        let doing = || failed("counting calls");
        let now = self.now().await?;
        let minute = now.duration_trunc(TimeDelta::minutes(1)).unwrap_or(now);
        on_either!(Store, self, pool => {
            let mut tx = pool.begin().await.map_err(doing())?;
            sqlx::query(include_str!("sql/calls_forget.sql"))
                .bind(account)
                .bind(now - REMEMBERED)
                .execute(&mut *tx)
                .await
                .map_err(doing())?;
            if let Some(grant) = settled.grant {
                sqlx::query(include_str!("sql/calls_take_back.sql"))
                    .bind(account)
                    .bind(grant.minute)
                    .bind(count(settled.used + settled.unused))
                    .execute(&mut *tx)
                    .await
                    .map_err(doing())?;
            }
            // Also where it adds nothing: this locks the row, so that two runs count one by one.
            sqlx::query(include_str!("sql/calls_add.sql"))
                .bind(account)
                .bind(minute)
                .bind(count(settled.used))
                .execute(&mut *tx)
                .await
                .map_err(doing())?;
            let (counted, oldest): (i64, Option<DateTime<Utc>>) =
                sqlx::query_as(include_str!("sql/calls_counted.sql"))
                    .bind(account)
                    .fetch_one(&mut *tx)
                    .await
                    .map_err(doing())?;
            let calls = per_hour.saturating_sub(counted.unsigned_abs()).min(wanted);
            if calls > 0 {
                sqlx::query(include_str!("sql/calls_add.sql"))
                    .bind(account)
                    .bind(minute)
                    .bind(count(calls))
                    .execute(&mut *tx)
                    .await
                    .map_err(doing())?;
            }
            tx.commit().await.map_err(doing())?;
            let more_at = oldest.unwrap_or(minute) + REMEMBERED;
            let more_in = (more_at - now).to_std().unwrap_or_default();
            Ok(Grant { calls, more_in, minute })
        })
    }
}

fn count(calls: u64) -> i64 {
    i64::try_from(calls).unwrap_or(i64::MAX)
}
