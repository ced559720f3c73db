//! Events name people only. What else is known of them is asked of the users API, after all failures
//! are safe.

use chrono::{DateTime, Utc};

use super::{Error, Report, Work};
use crate::normalize;
use crate::onelogin::events::Events;
use crate::onelogin::{self, USERS_PER_REQUEST, UsersAnswer};
use crate::store::ProfileAnswer;

/// Asks about people who are new, or of whom nothing was said for long, as far as the calls go. The
/// rest is left to the next run.
pub(super) async fn refresh(
    work: Work<'_>,
    events: &Events,
    server_now: DateTime<Utc>,
    report: &mut Report,
) -> Result<(), Error> {
    let Work { job, run, store, lease, calls, .. } = work;
    let Some(refresh) = job.refresh_people else { return Ok(()) };
    let account = &run.origin.account;
    let before = server_now.checked_sub_signed(refresh).unwrap_or(DateTime::UNIX_EPOCH);
    loop {
        let asked = store.profiles_due(account, before, USERS_PER_REQUEST).await?;
        if asked.is_empty() {
            report.people_pending = 0;
            return Ok(());
        }
        calls.ensure(1).await?;
        match events.users(&asked).await {
            Ok(directory) => {
                let said = read(asked, &directory);
                report.counts.users_written += store.write_profiles(run, lease, said).await?;
            }
            Err(error) => {
                let pending = store.count_profiles_due(account, before).await?;
                report.people_pending = pending;
                return give_up(pending, error);
            }
        }
    }
}

/// That the hour has no call left is no failure.
fn give_up(pending: u64, error: onelogin::Error) -> Result<(), Error> {
    if error.kind() == onelogin::Kind::BudgetExhausted {
        tracing::info!(pending, "no call left for the users API: the next run asks");
        return Ok(());
    }
    Err(Error::People { pending, source: Box::new(error) })
}

fn read(asked: Vec<i64>, directory: &UsersAnswer) -> ProfileAnswer {
    let mut people = Vec::with_capacity(directory.users.len());
    let mut unreadable = 0;
    for raw in &directory.users {
        match normalize::profile(raw.get()) {
            // One who was not asked about may have no row.
            Ok((user_id, profile)) if asked.contains(&user_id) => people.push((user_id, profile)),
            Ok(_) => {}
            Err(_) => unreadable += 1,
        }
    }
    if unreadable > 0 {
        tracing::warn!(unreadable, "the users API described people in a way that cannot be read");
    }
    ProfileAnswer { at: directory.answered_at, requested: asked, profiles: people }
}
