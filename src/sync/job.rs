//! Settings of one run.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tracing::Span;
use uuid::Uuid;

use crate::error_rules::ErrorRules;
use crate::model::Origin;
use crate::normalize::event_type::EventSelection;
use crate::redact::Outside;

/// Settings of one sync run.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// The account and source.
    pub origin: Origin,
    /// Event types to copy; legacy records are always copied.
    pub selected: EventSelection,
    /// Host and process, to name the holder of the lease.
    pub owner: String,
    /// True if the account may have another host than so far.
    pub moved: bool,
    /// Duration that the lease lasts if this process dies.
    pub lease: TimeDelta,
    /// Start of the span to read, instead of the watermark.
    pub since: Option<DateTime<Utc>>,
    /// End of the span to read, instead of the server's now.
    pub until: Option<DateTime<Utc>>,
    /// Span of a first run that has no `since`.
    pub first_run: TimeDelta,
    /// Span before the end of the last scan to read again in every run, to find failures that appear late.
    pub overlap: TimeDelta,
    /// Span to read again once a day, because events can change after creation.
    pub rescan: TimeDelta,
    /// Age at which a profile is requested again; `None` requests none.
    pub refresh_people: Option<TimeDelta>,
    /// New rejects that are tolerated.
    pub max_rejects: u64,
    /// True if rows keep the text of their records.
    pub keep_raw: bool,
    /// The rules that give errors their classes.
    pub error_rules: Arc<ErrorRules>,
    /// Windows that may be read ahead of the one that is being written.
    pub prefetch: u32,
}

/// The span around all that a run logs. Its level is the highest, so that a log of warnings names the
/// run, too.
pub(crate) fn span(run_id: Uuid, origin: &Origin) -> Span {
    let Origin { account, source } = origin;
    tracing::error_span!("run", %run_id, account = %Outside(account), %source)
}

impl Job {
    /// A job with every setting at its default.
    #[must_use]
    pub(crate) fn new(origin: Origin, selected: EventSelection) -> Self {
        Self {
            origin,
            selected,
            owner: format!(
                "{}:{}",
                gethostname::gethostname().to_string_lossy(),
                std::process::id()
            ),
            moved: false,
            lease: TimeDelta::minutes(1),
            since: None,
            until: None,
            first_run: TimeDelta::days(90),
            overlap: TimeDelta::days(1),
            rescan: TimeDelta::days(8),
            refresh_people: Some(TimeDelta::days(7)),
            max_rejects: 0,
            keep_raw: true,
            error_rules: Arc::new(ErrorRules::built_in()),
            prefetch: 2,
        }
    }
}
