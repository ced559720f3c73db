//! API calls of the last hour, over all runs of an account.
//!
//! A run reserves the calls of its next window, and they count as made until it returns what it did not
//! spend. A run that is killed returns nothing: the next run, which has its lease, does that.

use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use super::tx::Tx;
use super::value::Time;
use super::{Error, Store, on_either};
use crate::source::SourceKind;
use crate::window::clock::TOLERANCE;

/// A minute less than an hour: a schedule starts a run some seconds early or late, and the calls of an
/// hourly run must be forgotten when the next one begins.
const REMEMBERED: TimeDelta = TimeDelta::minutes(59);
/// Calls of a run count from its beginning, but are remembered no more than this much shorter: about the
/// time that an hour's calls take. Otherwise the last calls of an hourly run hold the next one back.
const LONGEST_HEAD_START: TimeDelta = TimeDelta::minutes(10);

/// Calls that a run may make.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reservation {
    /// Number of calls; 0 if the hour has none left.
    pub calls: u64,
    /// Calls that the hour has left beside them.
    pub left: u64,
    /// Time until more can be reserved.
    pub more_in: Duration,
    /// The minute in which they were counted.
    minute: DateTime<Utc>,
    /// Time of the first reservation of the run.
    began: DateTime<Utc>,
}

impl Store {
    /// Reserves up to `wanted` calls, as long as no hour has more than `per_hour`. `last` is returned
    /// in exchange, but for the `spent` calls of it. The next run of `source` returns what a killed one had.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn reserve_calls(
        &self,
        (account, source): (&str, Option<SourceKind>),
        last: Option<Reservation>,
        spent: u64,
        wanted: u64,
        per_hour: u64,
    ) -> Result<Reservation, Error> {
        self.write("counting calls", async |tx| {
            let now = tx.now().await?;
            let began = last.map_or(now, |last| last.began);
            let counted_at = began.max(now - LONGEST_HEAD_START);
            let minute = counted_at.duration_trunc(TimeDelta::minutes(1)).unwrap_or(counted_at);
            let (calls, left, oldest) = on_either!(Tx, tx, tx => {
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
                let left = per_hour.saturating_sub(counted.unsigned_abs());
                let calls = left.min(wanted);
                if calls > 0 {
                    sqlx::query(include_str!("sql/calls_add.sql"))
                        .bind(account)
                        .bind(Time(minute))
                        .bind(count(calls))
                        .execute(&mut **tx)
                        .await?;
                }
                if let Some(source) = source {
                    sqlx::query(include_str!("sql/plan_reserve.sql"))
                        .bind(account)
                        .bind(source.as_str())
                        .bind(count(calls))
                        .bind(Time(minute))
                        .execute(&mut **tx)
                        .await?;
                }
                (calls, left - calls, oldest)
            });
            let more_at = oldest.unwrap_or(minute) + REMEMBERED;
            let more_in = (more_at - now).to_std().unwrap_or_default();
            Ok(Reservation { calls, left, more_in, minute, began })
        })
        .await
    }
}

fn count(calls: u64) -> i64 {
    i64::try_from(calls).unwrap_or(i64::MAX)
}
