//! Copies into Postgres that wait for a frozen run.

use super::tx::Tx;
use super::value::Time;
use super::{Error, Lease, Store};

/// Ends the copies of this program that have waited for their client far longer than a copy lasts
/// (`window/first_load.rs`). No limit of a transaction ends such a copy, because a server that waits for the rest of a
/// statement is neither idle nor cancelled. Its rows would block the next run for as long as the process stays frozen.
const END_COPIES: &str = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
    where datname = current_database() and usename = current_user and application_name = 'onelogin-sync' \
    and state = 'active' and wait_event = 'ClientRead' and query like 'copy %' \
    and query_start < clock_timestamp() - interval '35 s' and query_start < $1";

impl Store {
    /// Ends copies of runs that are frozen, or whose host is lost. Those of this run, which may have been frozen itself,
    /// began after its lease.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn end_abandoned_copies(&self, lease: &Lease) -> Result<(), Error> {
        if matches!(self, Self::Sqlite(_)) {
            return Ok(());
        }
        let ended = self
            .read("looking for copies of frozen runs", async |tx| match tx {
                Tx::Postgres(tx) => {
                    sqlx::query_scalar::<_, i64>(END_COPIES)
                        .bind(Time(lease.taken_at))
                        .fetch_one(&mut **tx)
                        .await
                }
                Tx::Sqlite(_) => Ok(0),
            })
            .await?;
        if ended > 0 {
            tracing::warn!(ended, "ended the copy of a run that was frozen");
        }
        Ok(())
    }
}
