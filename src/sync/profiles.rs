//! Profiles of users: events carry names only, so the rest is requested from the users API after all
//! failures are committed.

mod parts;

use chrono::{DateTime, TimeDelta, Utc};

use self::parts::Parts;
use super::Error;
use super::session::Session;
use crate::normalize;
use crate::onelogin::events::Events;
use crate::onelogin::{self, USERS_PER_REQUEST, UserDetails, UsersAnswer};
use crate::store::ProfileAnswer;

/// Time after which a server that took few users at once is tried with more: it may be repaired.
const BETWEEN_TRIALS: TimeDelta = TimeDelta::weeks(1);

/// People of whom some should exist.
const MANY: usize = 20;

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
    let at_once = users_at_once(run.server.users_at_once, server_now);
    let parts = Parts::new(due, at_once);
    let mut requests =
        Requests { run, events, parts, noted: 0, given: 0, refusal: None, answered_at: None };
    let ended = requests.make_all().await;
    requests.note_refused().await?;
    let found = requests.parts.at_once();
    if found < at_once {
        let users = u32::try_from(found).unwrap_or(u32::MAX);
        run.store.note_users_at_once(&run.lease, users, server_now).await?;
    }
    let pending = requests.pending();
    run.count(|tally| tally.people_pending = pending);
    requests.report_refused();
    requests.report_unknown();
    ended.or_else(|error| match error {
        Error::Source(error) => give_up(pending, error),
        other => Err(other),
    })
}

/// Users to request at once: as many as the documentation allows, unless fewer came within the last week.
fn users_at_once(found: Option<(u32, DateTime<Utc>)>, now: DateTime<Utc>) -> usize {
    let found = found.filter(|(_, at)| (now - *at).abs() < BETWEEN_TRIALS);
    found.map_or(USERS_PER_REQUEST, |(users, _)| USERS_PER_REQUEST.min(users as usize)).max(1)
}

/// An exhausted limit of calls is no failure, whoever set it.
fn give_up(pending: u64, error: onelogin::Error) -> Result<(), Error> {
    if error.is_out_of_calls() {
        tracing::info!(pending, "no call left for the users API; the next run requests the rest");
        return Ok(());
    }
    Err(Error::Profiles { pending, source: Box::new(error) })
}

/// The requests of a run for the profiles that are due.
struct Requests<'a> {
    run: &'a Session<'a>,
    events: &'a Events,
    parts: Parts,
    /// Number of refused users who are stored as requested.
    noted: usize,
    /// Number of users whom the API gave.
    given: usize,
    /// The last refusal of a user alone.
    refusal: Option<onelogin::Error>,
    /// Time of the last answer.
    answered_at: Option<DateTime<Utc>>,
}

impl Requests<'_> {
    async fn make_all(&mut self) -> Result<(), Error> {
        loop {
            if self.parts.is_doubtful() && !self.is_a_sample_answered().await? {
                return match self.refusal.take() {
                    Some(refusal) => Err(Error::Source(refusal)),
                    None => Ok(()),
                };
            }
            let requested = self.parts.next().to_vec();
            if requested.is_empty() {
                return Ok(());
            }
            if self.parts.has_too_many_refused() {
                tracing::info!(
                    pending = self.parts.left(),
                    "the users API refused too many people; the next run requests the rest"
                );
                return Ok(());
            }
            match self.request(&requested).await? {
                UsersAnswer::Complete(details) => {
                    self.answered_at = Some(details.answered_at);
                    self.write(read(requested, &details)).await?;
                    self.parts.came();
                    self.note_refused().await?;
                }
                UsersAnswer::Cut => self.parts.came_in_part(),
                UsersAnswer::Refused(refusal) => {
                    if requested.len() == 1 {
                        self.refusal = Some(refusal);
                    } else {
                        tracing::debug!(
                            users = requested.len(),
                            error = crate::chain(&refusal),
                            "the users API refused a request; requesting fewer users at once"
                        );
                    }
                    self.parts.refuse();
                }
            }
        }
    }

    async fn request(&self, user_ids: &[i64]) -> Result<UsersAnswer, Error> {
        self.run.calls.reserve(1).await?;
        Ok(self.events.users(user_ids).await?)
    }

    /// Requests a few other users alone: one whom the users API gave before, and some of those left. If they
    /// are refused too, the request as such is not accepted, whoever it is for.
    async fn is_a_sample_answered(&mut self) -> Result<bool, Error> {
        let mut known = self.run.store.users_given(&self.run.run.origin.account).await?;
        known.retain(|user_id| !self.parts.refused().contains(user_id));
        let samples: Vec<i64> = known.into_iter().take(1).chain(self.parts.samples()).collect();
        for sample in samples {
            if let UsersAnswer::Complete(details) = self.request(&[sample]).await? {
                self.answered_at = Some(details.answered_at);
                self.write(read(vec![sample], &details)).await?;
                self.parts.sample_came(sample);
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn write(&mut self, answer: ProfileAnswer) -> Result<(), Error> {
        self.given += answer.profiles.len();
        let run = self.run;
        let written = run.store.write_profiles(&run.run, &run.lease, answer).await?;
        run.count(|tally| {
            tally.counts.users_written += written;
            tally.counts.user_writes += 1;
        });
        Ok(())
    }

    /// Stores that refused users were requested, so that the next run does not request them again. Not
    /// while nothing was answered: then the refusal is not due to them.
    async fn note_refused(&mut self) -> Result<(), Error> {
        let requested = self.parts.refused()[self.noted..].to_vec();
        if let Some(at) = self.answered_at
            && self.parts.has_answer()
            && !requested.is_empty()
        {
            self.noted += requested.len();
            self.write(ProfileAnswer { at, requested, profiles: Vec::new() }).await?;
        }
        Ok(())
    }

    /// Users whose profile the next run has to request.
    fn pending(&self) -> u64 {
        (self.parts.left() + self.parts.refused().len() - self.noted) as u64
    }

    /// Some people may be deleted, but not all of many.
    fn report_unknown(&self) {
        let requested = self.parts.done() - self.parts.refused().len();
        if self.given == 0 && requested >= MANY {
            tracing::warn!(
                requested,
                "the users API knows none of the people who were requested: their names and addresses are those of the \
                 events; check that the credentials may read all users"
            );
        }
    }

    fn report_refused(&self) {
        if let (1.., Some(refusal)) = (self.noted, &self.refusal) {
            let (refused, error) = (self.noted, crate::chain(refusal));
            tracing::warn!(
                refused,
                error,
                "the users API refused people who were requested one by one; what is stored of them stays, \
                 and they are requested again after --refresh-people"
            );
        }
    }
}

fn read(requested: Vec<i64>, answer: &UserDetails) -> ProfileAnswer {
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
