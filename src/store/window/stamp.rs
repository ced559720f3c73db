//! Values that all rows of a window share.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::model::{Origin, TextArena};
use crate::store::Run;
use crate::store::bulk::Shared;
use crate::window::Window;

/// Values that all rows of a window share.
#[derive(Debug, Clone)]
pub(super) struct WindowStamp {
    pub(super) origin: Origin,
    pub(super) account: Shared<()>,
    pub(super) source: Shared<()>,
    pub(super) run_id: Shared<Uuid>,
    /// Written into the rows; differs from window to window of a run.
    pub(super) at: Shared<DateTime<Utc>>,
    /// The span that earlier runs have read: new failures of it are late.
    pub(super) scanned: Option<Window>,
    /// Rows keep the text of their records.
    pub(super) keep_raw: bool,
}

impl WindowStamp {
    pub(super) fn new(run: &Run, at: DateTime<Utc>, scanned: Option<Window>) -> Self {
        let &Run { ref origin, run_id, keep_raw, .. } = run;
        Self {
            account: Shared::text(&origin.account),
            source: Shared::text(origin.source.as_str()),
            run_id: Shared::id(run_id),
            at: Shared::time(at),
            scanned,
            keep_raw,
            origin: origin.clone(),
        }
    }
}

/// A row of a window, with the stamp of the window and the texts that the row refers to.
pub(super) struct Stamped<'a, T> {
    pub(super) row: &'a T,
    pub(super) stamp: &'a WindowStamp,
    pub(super) texts: &'a TextArena,
}
