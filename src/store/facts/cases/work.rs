//! The units of an account whose cases follow from changed events.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::Changed;
use crate::model::Operation;
use crate::store::facts::case::Case;
use crate::store::facts::event::{Attempt, Success};

/// The part of an account whose cases are built together: of one user and operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Unit {
    pub(super) user_id: i64,
    pub(super) operation: Operation,
    pub(super) is_skipped: bool,
}

impl Unit {
    pub(super) fn of(attempt: &Attempt) -> Option<Self> {
        let Attempt { user_id, operation, is_skipped, .. } = attempt;
        user_id.map(|user_id| Self { user_id, operation: *operation, is_skipped: *is_skipped })
    }

    pub(super) fn of_case(case: &Case) -> Self {
        let Case { user_id, operation, is_skipped, .. } = *case;
        Self { user_id, operation, is_skipped }
    }
}

/// The work to do on a unit.
#[derive(Debug)]
pub(super) struct Work {
    /// The first of its events that changed.
    pub(super) since: DateTime<Utc>,
    /// New failures, should they be later than all others.
    pub(super) new: Vec<Attempt>,
    /// The cases of some span must be built again from all of their events.
    pub(super) is_again: bool,
}

/// Units and their work.
#[derive(Debug, Default)]
pub(super) struct Works(pub(super) HashMap<Unit, Work>);

impl Works {
    fn at(&mut self, unit: Unit, at: DateTime<Utc>) -> &mut Work {
        let new = || Work { since: at, new: Vec::new(), is_again: false };
        let work = self.0.entry(unit).or_insert_with(new);
        work.since = work.since.min(at);
        work
    }

    pub(super) fn attempts(&mut self, attempts: &[Changed<Attempt>]) {
        for (before, after) in attempts.iter().filter(|(before, after)| before != after) {
            for attempt in [before, after].into_iter().flatten() {
                let Some(unit) = Unit::of(attempt) else { continue };
                let work = self.at(unit, attempt.at);
                match before {
                    None => work.new.push((**attempt).clone()),
                    Some(_) => work.is_again = true,
                }
            }
        }
    }

    /// Finds the stored cases that changed successes may have closed, or may close.
    pub(super) fn successes(
        &mut self,
        successes: &[Changed<Success>],
        stored: &HashMap<i64, Vec<Case>>,
    ) {
        for (before, after) in successes.iter().filter(|(before, after)| before != after) {
            for success in [before, after].into_iter().flatten() {
                let cases = success.user_id.and_then(|user_id| stored.get(&user_id));
                for case in cases.into_iter().flatten() {
                    let is_earlier = case.closing.is_some_and(|closing| closing.at < success.at);
                    let concerns = case.closed_by(success).is_some() && case.opened_at < success.at;
                    if !concerns || is_earlier {
                        continue;
                    }
                    let is_last = case.closing.is_none() && case.last_failure_at < success.at;
                    let work = self.at(Unit::of_case(case), success.at);
                    work.is_again |= before.is_some() || !is_last;
                }
            }
        }
    }
}
