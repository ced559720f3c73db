//! Progress of a run, and its outcome.

use chrono::TimeDelta;
use uuid::Uuid;

use super::Error;
use crate::model::Counts;
use crate::store::Traffic;
use crate::window::{Watermark, Window};

/// Progress of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress {
    /// The current window; `None` for a file.
    pub window: Option<Window>,
    /// The part of the run's span that lies before the window.
    pub done: TimeDelta,
    /// The run's span.
    pub span: TimeDelta,
    /// Records so far.
    pub fetched: u64,
}

/// Outcome of a run.
#[derive(Debug)]
pub(crate) struct Report {
    /// The run.
    pub run_id: Uuid,
    /// Sums over all committed windows.
    pub counts: Counts,
    /// Committed windows.
    pub windows: u64,
    /// Network traffic.
    pub traffic: Traffic,
    /// The watermark after the run.
    pub watermark: Watermark,
    /// Users whose profiles are still to be requested.
    pub people_pending: u64,
    /// The error of a failed run.
    pub result: Result<(), Error>,
}

impl Report {
    /// The report of a run that could not start.
    pub(super) fn not_started(run_id: Uuid, error: Error) -> Self {
        Self {
            run_id,
            counts: Counts::default(),
            windows: 0,
            traffic: Traffic::default(),
            watermark: Watermark::default(),
            people_pending: 0,
            result: Err(error),
        }
    }
}
