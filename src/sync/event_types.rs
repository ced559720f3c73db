//! The daily check of event types: OneLogin adds new ones, and one that looks like failed provisioning
//! is pointed out.

use chrono::{DateTime, TimeDelta, Utc};

use super::Error;
use super::session::Session;
use crate::normalize::event_type::{self, is_overlooked};
use crate::onelogin::events::Events;

/// The list changes with OneLogin's releases.
const FRESH: TimeDelta = TimeDelta::days(1);

/// Compares the list with the stored one, unless that was done today. A failing source is no failure of
/// the run: the next one requests the list again.
pub(super) async fn check(
    run: &Session<'_>,
    events: &Events,
    server_now: DateTime<Utc>,
) -> Result<(), Error> {
    let Session { job, store, lease, calls, .. } = run;
    let known = store.known_types(&job.origin.account).await?;
    if known.checked_at.is_some_and(|at| (server_now - at).abs() < FRESH) {
        return Ok(());
    }
    calls.reserve(1).await?;
    let named = match events.types().await {
        Ok(named) => named,
        Err(error) => {
            tracing::warn!(error = %crate::chain(&error), "event types not checked");
            return Ok(());
        }
    };
    let types: Vec<_> = named.iter().filter_map(|raw| event_type::read(raw).ok()).collect();
    for new in types.iter().filter(|t| !known.ids.contains(&t.event_type_id)) {
        let texts =
            [new.name.as_deref(), new.description.as_deref()].map(Option::unwrap_or_default);
        if is_overlooked(&job.selected, new.event_type_id, &texts) {
            tracing::warn!(
                event_type_id = new.event_type_id,
                name = texts[0],
                "a new event type looks like failed provisioning and is not copied; \
                 --event-types can add it"
            );
        }
    }
    store.write_types(&run.run, lease, &types, server_now).await?;
    Ok(())
}
