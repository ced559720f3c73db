//! The record of each run, in `sync_runs`.

use std::sync::Arc;

use uuid::Uuid;

use super::tx::Tx;
use super::value::{Id, Time};
use super::{Error, Remembered, Store, on_either};
use crate::error_rules::ErrorRules;
use crate::model::Origin;

/// A run: its id, and whose rows it copies.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    /// Sorts by time.
    pub run_id: Uuid,
    /// The account and source.
    pub origin: Origin,
    /// Rows keep the text of their records.
    pub keep_raw: bool,
    /// The rules that give errors their classes.
    pub error_rules: Arc<ErrorRules>,
}

/// The outcome of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Everything requested is stored.
    Succeeded,
    /// An error ended it; committed windows are kept.
    Failed,
    /// A signal ended it; committed windows are kept.
    Interrupted,
}

impl Status {
    /// The text stored in `sync_runs.status`.
    #[must_use]
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// The end of a run.
#[derive(Debug, Clone)]
pub(crate) struct RunEnd {
    pub status: Status,
    pub exit_code: u8,
    pub error: Option<String>,
    pub traffic: Traffic,
    /// Rows of users written.
    pub users_written: u64,
    /// Each of those rows is of another user.
    pub are_users_distinct: bool,
    /// Users whose profiles are still to be requested.
    pub people_pending: u64,
}

/// Traffic over the network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    /// HTTP requests sent.
    pub requests: u64,
    /// Requests that repeated an earlier one.
    pub retries: u64,
    /// Bytes of response bodies, decompressed.
    pub bytes: u64,
}

/// The error of a run that reported none.
const ABANDONED: &str =
    "did not report an end: the process was killed, or its host or database went away";

impl Store {
    /// Records that a run has begun, and that any other run of the same origin with the status
    /// `running` is not: the caller holds the lease. Returns what earlier runs left for this one.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn begin_run(&self, run: &Run) -> Result<Remembered, Error> {
        self.write("recording the run", async |tx| {
            let now = tx.now().await?;
            on_either!(Tx, tx, tx => {
                sqlx::query(include_str!("sql/run_abandoned.sql"))
                    .bind(&run.origin.account)
                    .bind(run.origin.source.as_str())
                    .bind(Id(run.run_id))
                    .bind(Time(now))
                    .bind(ABANDONED)
                    .execute(&mut **tx)
                    .await?;
                sqlx::query(include_str!("sql/run_begin.sql"))
                    .bind(Id(run.run_id))
                    .bind(&run.origin.account)
                    .bind(run.origin.source.as_str())
                    .bind(Time(now))
                    .bind(env!("CARGO_PKG_VERSION"))
                    .execute(&mut **tx)
                    .await?;
            });
            tx.remember(run, now).await
        })
        .await
    }

    /// Records the end of a run, and returns how many users it has written: several windows may have
    /// written one user, who counts once.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn finish_run(&self, run: &Run, ending: &RunEnd) -> Result<u64, Error> {
        self.write("recording the end of the run", async |tx| {
            let now = tx.now().await?;
            on_either!(Tx, tx, tx => sqlx::query_scalar(include_str!("sql/run_finish.sql"))
                .bind(Id(run.run_id))
                .bind(ending.status.as_str())
                .bind(Time(now))
                .bind(i32::from(ending.exit_code))
                .bind(ending.error.as_deref())
                .bind(count(ending.traffic.requests))
                .bind(count(ending.traffic.retries))
                .bind(count(ending.traffic.bytes))
                .bind(count(ending.people_pending))
                .bind(count(ending.users_written))
                .bind(&run.origin.account)
                .bind(ending.are_users_distinct)
                .fetch_optional(&mut **tx)
                .await
                .map(|written: Option<i64>| written.map_or(ending.users_written, i64::unsigned_abs)))
        })
        .await
    }
}

/// A count as SQL's 64-bit integer, which holds more than any count reaches.
pub(super) fn count(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
