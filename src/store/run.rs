//! The record of each run, in `sync_runs`.

use uuid::Uuid;

use super::value::Id;
use super::{Error, Store, failed, on_either};
use crate::model::Origin;

/// A run: its id, and whose rows it copies.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    /// Orders by time.
    pub run_id: Uuid,
    /// The account and source.
    pub origin: Origin,
    /// Whether rows keep the text of their records.
    pub keep_raw: bool,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Everything asked for is there.
    Succeeded,
    /// Something went wrong; whole windows are kept.
    Failed,
    /// Somebody stopped it; whole windows are kept.
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

/// How a run ended, in full.
#[derive(Debug, Clone)]
pub(crate) struct RunEnd {
    /// In one word.
    pub status: Status,
    /// The process's exit code.
    pub exit_code: u8,
    /// What went wrong.
    pub error: Option<String>,
    /// What went over the network.
    pub traffic: Traffic,
    /// Rows of people written.
    pub users_written: u64,
    /// People who are still to be asked about.
    pub people_pending: u64,
}

/// What went over the network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    /// HTTP requests sent.
    pub requests: u64,
    /// Of these, the ones that repeated another.
    pub retries: u64,
    /// Bytes of body read, decompressed.
    pub bytes: u64,
}

impl Store {
    /// Records that a run has begun, and that any other run of the same origin which still calls
    /// itself running is not: the caller holds the lease.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn begin_run(&self, run: &Run) -> Result<(), Error> {
        let now = self.now().await?;
        on_either!(Store, self, pool => {
            let mut tx = pool.begin().await.map_err(failed("recording the run"))?;
            sqlx::query(include_str!("sql/run_abandoned.sql"))
                .bind(&run.origin.account)
                .bind(run.origin.source.as_str())
                .bind(Id(run.run_id))
                .bind(now)
                .bind("ended without a word: killed, or its machine or database was lost")
                .execute(&mut *tx)
                .await
                .map_err(failed("closing runs that were killed"))?;
            sqlx::query(include_str!("sql/run_begin.sql"))
                .bind(Id(run.run_id))
                .bind(&run.origin.account)
                .bind(run.origin.source.as_str())
                .bind(now)
                .bind(env!("CARGO_PKG_VERSION"))
                .execute(&mut *tx)
                .await
                .map_err(failed("recording the run"))?;
            tx.commit().await.map_err(failed("recording the run"))
        })
    }

    /// Records how a run ended.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn finish_run(&self, run: &Run, ending: &RunEnd) -> Result<(), Error> {
        let now = self.now().await?;
        on_either!(Store, self, pool => sqlx::query(include_str!("sql/run_finish.sql"))
            .bind(Id(run.run_id))
            .bind(ending.status.as_str())
            .bind(now)
            .bind(i32::from(ending.exit_code))
            .bind(ending.error.as_deref())
            .bind(count(ending.traffic.requests))
            .bind(count(ending.traffic.retries))
            .bind(count(ending.traffic.bytes))
            .bind(count(ending.people_pending))
            .bind(count(ending.users_written))
            .execute(pool)
            .await
            .map(drop))
        .map_err(failed("recording the end of the run"))
    }
}

/// A count as SQL's 64-bit integer; more than 9 · 10¹⁸ of anything is not to be had.
pub(super) fn count(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
