//! Counts and times of the records of a window, as far as it is read.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::Batch;
use crate::source::SourceKind;
use crate::sync::Error;

/// Number and times of the records of a window.
#[derive(Debug, Default)]
pub(in crate::sync) struct WindowStats {
    pub(in crate::sync) records: u64,
    pub(super) rejects: u64,
    pub(in crate::sync) oldest: Option<DateTime<Utc>>,
    /// The newest that is not dated after the window.
    pub(in crate::sync) newest: Option<DateTime<Utc>>,
    /// Number of events that were not selected, by their types.
    pub(super) ignored: BTreeMap<i64, u64>,
}

impl WindowStats {
    pub(super) fn add(&mut self, batch: &Batch, until: DateTime<Utc>) {
        self.records += batch.records();
        self.rejects += batch.rejects.len() as u64;
        (self.oldest, self.newest) = self.times_with(batch, until);
        for event_type_id in &batch.ignored {
            *self.ignored.entry(*event_type_id).or_default() += 1;
        }
    }

    /// The oldest and the newest time, those of a batch included.
    fn times_with(
        &self,
        batch: &Batch,
        until: DateTime<Utc>,
    ) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        let failures = batch.failures.iter().map(|failure| failure.created_at);
        let successes = batch.successes.iter().map(|success| success.created_at);
        let times = failures.chain(successes).filter(|at| *at <= until);
        times.fold((self.oldest, self.newest), |(oldest, newest), at| {
            (Some(oldest.map_or(at, |oldest| oldest.min(at))), newest.max(Some(at)))
        })
    }

    /// The time that the records span, those of a batch included; `None` if none has a time.
    pub(super) fn spanned_with(&self, batch: &Batch, until: DateTime<Utc>) -> Option<TimeDelta> {
        let (oldest, newest) = self.times_with(batch, until);
        Some(newest? - oldest?)
    }

    /// Fails if there is nothing but rejects, and many of them, in this window and the `earlier` records
    /// of the run, of which `earlier_rejects` are rejects.
    pub(super) fn check_readable(
        &self,
        kind: SourceKind,
        (earlier, earlier_rejects): (u64, u64),
    ) -> Result<(), Error> {
        let rejects = self.rejects + earlier_rejects;
        if rejects == self.records + earlier && rejects > MOST_REJECTS_ALONE {
            return Err(Error::NothingReadable { rejects, kind });
        }
        Ok(())
    }
}

/// Rejects before the first good record, from which on an answer is taken for something else.
const MOST_REJECTS_ALONE: u64 = 1_000;
