//! API calls of the last hour, over all runs of an account.
//!
//! A run reserves calls before it makes them, and they count as made until it returns what it did not
//! spend. A run that is killed returns nothing.

use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use super::tx::Tx;
use super::value::Time;
use super::{Error, Store, on_either};
use crate::window::clock::TOLERANCE;

/// Calls are counted by the minute: those of its first second leave the hour a minute late.
const REMEMBERED: TimeDelta = TimeDelta::minutes(61);

/// Calls that a run may make.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reservation {
    /// Number of calls; 0 if the hour has none left.
    pub calls: u64,
    /// Time until more can be reserved.
    pub more_in: Duration,
    /// The minute in which they were counted.
    minute: DateTime<Utc>,
}

impl Store {
    /// Reserves up to `wanted` calls, as long as no hour has more than `per_hour`. `last` is returned
    /// in exchange, but for the `spent` calls of it.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn reserve_calls(
        &self,
        account: &str,
        last: Option<Reservation>,
        spent: u64,
        wanted: u64,
        per_hour: u64,
    ) -> Result<Reservation, Error> {
        self.write("counting calls", async |tx| {
            let now = tx.now().await?;
            let minute = now.duration_trunc(TimeDelta::minutes(1)).unwrap_or(now);
            let (calls, oldest) = on_either!(Tx, tx, tx => {
                sqlx::query(include_str!("sql/calls_forget.sql"))
                    .bind(account)
                    .bind(Time(now - REMEMBERED))
                    .bind(Time(now + TOLERANCE))
                    .execute(&mut **tx)
                    .await?;
                if let Some(last) = last {
                    sqlx::query(include_str!("sql/calls_return.sql"))
                        .bind(account)
                        .bind(Time(last.minute))
                        .bind(count(last.calls))
                        .execute(&mut **tx)
                        .await?;
                }
                // Also without spent calls: this locks the row, so that two runs count one by one.
                sqlx::query(include_str!("sql/calls_add.sql"))
                    .bind(account)
                    .bind(Time(minute))
                    .bind(count(spent))
                    .execute(&mut **tx)
                    .await?;
                let (counted, oldest): (i64, Option<DateTime<Utc>>) =
                    sqlx::query_as(include_str!("sql/calls_counted.sql"))
                        .bind(account)
                        .fetch_one(&mut **tx)
                        .await?;
                let calls = per_hour.saturating_sub(counted.unsigned_abs()).min(wanted);
                if calls > 0 {
                    sqlx::query(include_str!("sql/calls_add.sql"))
                        .bind(account)
                        .bind(Time(minute))
                        .bind(count(calls))
                        .execute(&mut **tx)
                        .await?;
                }
                (calls, oldest)
            });
            let more_at = oldest.unwrap_or(minute) + REMEMBERED;
            let more_in = (more_at - now).to_std().unwrap_or_default();
            Ok(Reservation { calls, more_in, minute })
        })
        .await
    }
}

fn count(calls: u64) -> i64 {
    i64::try_from(calls).unwrap_or(i64::MAX)
}
