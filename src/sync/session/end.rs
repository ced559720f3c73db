//! The end of a run: its record, and the lease that is given back.

use std::time::Duration;

use super::{Ended, Session, Tally};
use crate::exit::Exit;
use crate::store::{self, RunEnd, Status, Store};
use crate::sync::{Error, Report, hint};

/// Maximum time that a failing database may delay a run that only has to record its end.
const RECORD_END_WITHIN: Duration = Duration::from_secs(10);

/// The same for a run that was stopped: engines kill a container ten seconds after their signal.
const RECORD_STOP_WITHIN: Duration = Duration::from_secs(3);

/// Pause between two attempts to record the end of a run.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(500);

impl Session<'_> {
    /// Records the end of the run and gives the lease back. A run that went well until here fails if
    /// its end cannot be recorded; one that failed keeps its first error.
    pub(in crate::sync) async fn end(self, Ended { mut result, cut_short }: Ended) -> Report {
        let Tally { mut counts, windows, watermark, people_pending, .. } = self.tally();
        if let Err(Error::Store(error)) = result {
            result = Err(Error::Store(self.store.cause_of_lock(error).await));
        }
        result = result.map_err(|error| hint::add(&self, error));
        let traffic = self.traffic();
        let (status, exit) = match &result {
            Ok(()) => (Status::Succeeded, Exit::Done),
            Err(error @ Error::Stopped(_)) => (Status::Interrupted, error.exit()),
            Err(error) => (Status::Failed, error.exit()),
        };
        let end = RunEnd {
            status,
            exit_code: exit.code(),
            error: result.as_ref().err().map(|error| crate::chain(error)),
            traffic,
            users_written: counts.users_written,
            are_users_distinct: counts.user_writes <= 1,
            people_pending,
        };
        let within = match &result {
            // A database that has just answered nothing for long hardly does so now.
            Err(Error::Stopped(_) | Error::Store(store::Error::Hangs { .. })) => RECORD_STOP_WITHIN,
            _ => RECORD_END_WITHIN,
        };
        let recorded = self.record_until_it_succeeds(&end, cut_short);
        let recorded = tokio::time::timeout(within, recorded).await;
        match recorded.unwrap_or(Err(store::Error::NotRecorded(within))) {
            Ok(users_written) => counts.users_written = users_written,
            Err(error) => {
                tracing::warn!("end of the run not recorded; its lease will run out by itself");
                result = result.and(Err(Error::Store(error)));
            }
        }
        tracing::info!(
            status = status.as_str(),
            windows,
            fetched = counts.fetched,
            inserted = counts.inserted,
            updated = counts.updated,
            unchanged = counts.unchanged,
            rejected = counts.rejected,
            users_written = counts.users_written,
            requests = traffic.requests,
            retries = traffic.retries,
            bytes = traffic.bytes,
            "run ended"
        );
        let run_id = self.run.run_id;
        Report { run_id, counts, windows, traffic, watermark, people_pending, result }
    }

    async fn record_until_it_succeeds(
        &self,
        end: &RunEnd,
        cut_short: bool,
    ) -> Result<u64, store::Error> {
        // A statement that was cut short leaves its connection in the middle of something: whatever is
        // sent on it next may be rolled back with it.
        if !cut_short && let Ok(users_written) = self.record(self.store, end).await {
            return Ok(users_written);
        }
        loop {
            match self.record_on_new_connection(end).await {
                // A server that restarts refuses connections at first.
                Err(error) if !error.ends_the_run() => {
                    tracing::debug!(error = %crate::chain(&error), "end of the run not recorded yet");
                    tokio::time::sleep(BETWEEN_ATTEMPTS).await;
                }
                recorded => return recorded,
            }
        }
    }

    async fn record_on_new_connection(&self, end: &RunEnd) -> Result<u64, store::Error> {
        let store = self.store.reopen().await?;
        let recorded = self.record(&store, end).await;
        store.close().await;
        recorded
    }

    /// Records the end, and returns how many users the run has written. The lease is given back even if
    /// something else cannot be recorded.
    async fn record(&self, store: &Store, end: &RunEnd) -> Result<u64, store::Error> {
        let finished = store.finish_run(&self.run, end).await;
        let returned = self.calls.return_unspent(store).await;
        let released = store.release_lease(&self.lease).await;
        released.and(returned).and(finished)
    }
}
