//! Profiles of users: events carry names only, so the rest is requested from the users API after all
//! failures are committed.

use chrono::{DateTime, Utc};

use super::Error;
use super::session::Session;
use crate::normalize;
use crate::onelogin::events::Events;
use crate::onelogin::{self, UsersAnswer};
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
    // Everyone once: the clock of the users API may lag, and its answers would count as old.
    let due = run.store.profiles_due(account, before).await?;
    let mut left = due.as_slice();
    while !left.is_empty() {
        let (requested, rest) = left.split_at(left.len().min(events.users_per_request()));
        run.calls.reserve(1).await?;
        match events.users(requested).await {
            Ok(answer) => {
                let profiles = read(requested.to_vec(), &answer);
                let written = run.store.write_profiles(&run.run, &run.lease, profiles).await?;
                run.count(|tally| {
                    tally.counts.users_written += written;
                    tally.counts.user_writes += 1;
                });
            }
            Err(error) => {
                run.count(|tally| tally.people_pending = left.len() as u64);
                return give_up(left.len() as u64, error);
            }
        }
        left = rest;
    }
    Ok(())
}

/// An exhausted limit of calls is no failure, whoever set it.
fn give_up(pending: u64, error: onelogin::Error) -> Result<(), Error> {
    if error.is_out_of_calls() {
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
