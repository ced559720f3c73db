//! Profiles of users: events carry names only, so the rest is requested from the users API after all
//! failures are committed.

use chrono::{DateTime, Utc};

use super::Error;
use super::session::Session;
use crate::normalize;
use crate::onelogin::events::Events;
use crate::onelogin::{self, USERS_PER_REQUEST, UsersAnswer};
use crate::store::ProfileAnswer;

/// Requests the profiles of users who are new, or whose profile is old, as far as the call budget goes.
/// The rest is left to the next run.
pub(super) async fn refresh(
    run: &Session<'_>,
    events: &Events,
    server_now: DateTime<Utc>,
) -> Result<(), Error> {
    let Some(refresh) = run.job.refresh_people else { return Ok(()) };
    let account = &run.run.origin.account;
    let before = server_now.checked_sub_signed(refresh).unwrap_or(DateTime::UNIX_EPOCH);
    loop {
        let requested = run.store.profiles_due(account, before, USERS_PER_REQUEST).await?;
        if requested.is_empty() {
            return Ok(());
        }
        run.calls.reserve(1).await?;
        match events.users(&requested).await {
            Ok(answer) => {
                let profiles = read(requested, &answer);
                let written = run.store.write_profiles(&run.run, &run.lease, profiles).await?;
                run.count(|tally| tally.counts.users_written += written);
            }
            Err(error) => {
                let pending = run.store.count_profiles_due(account, before).await?;
                run.count(|tally| tally.people_pending = pending);
                return give_up(pending, error);
            }
        }
    }
}

/// An exhausted call budget is no failure.
fn give_up(pending: u64, error: onelogin::Error) -> Result<(), Error> {
    if error.kind() == onelogin::Kind::BudgetExhausted {
        tracing::info!(pending, "no call left for the users API; the next run requests the rest");
        return Ok(());
    }
    Err(Error::Profiles { pending, source: Box::new(error) })
}

fn read(requested: Vec<i64>, answer: &UsersAnswer) -> ProfileAnswer {
    let mut profiles = Vec::with_capacity(answer.users.len());
    let mut unreadable = 0;
    for raw in &answer.users {
        match normalize::profile(raw) {
            // A user who was not requested may have no row.
            Ok((user_id, profile)) if requested.contains(&user_id) => {
                profiles.push((user_id, profile));
            }
            Ok(_) => {}
            Err(_) => unreadable += 1,
        }
    }
    if unreadable > 0 {
        tracing::warn!(unreadable, "profiles from the users API could not be read");
    }
    ProfileAnswer { at: answer.answered_at, requested, profiles }
}
