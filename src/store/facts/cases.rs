//! Cases that follow from changed events.

mod replace;
mod rows;
mod work;

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::case::{Case, Cases, ClosedBy};
use super::days::Days;
use super::event::{Attempt, Event, EventRow, Interned, Success};
use crate::model::Operation;
use crate::store::bulk::{Row, Shared, Statement};
use crate::store::tx::Tx;
use rows::{
    AdvancedCase, AppSince, CaseKey, CaseRow, OfApp, Since, StampedCase, UnitKey, UnitSince, case,
};
use work::{Unit, Works};

const SINCE: Statement = Statement::new(include_str!("sql/cases_since.sql"));
const OF_UNITS: Statement = Statement::new(include_str!("sql/cases_of_units.sql"));
const ATTEMPTS: Statement = Statement::new(include_str!("sql/attempts_of_units.sql"));
const SUCCESSES: Statement = Statement::new(include_str!("sql/successes_of_users.sql"));
const UPSERT: Statement = Statement::new(include_str!("sql/cases_upsert.sql"));
const ADVANCE: Statement = Statement::new(include_str!("sql/cases_advance.sql"));
const DELETE: Statement = Statement::new(include_str!("sql/cases_delete.sql"));

/// A value before and after a window. Boxed, because most changes have no value before.
pub(super) type Changed<T> = (Option<Box<T>>, Option<Box<T>>);

/// The earliest of the times of each key.
fn earliest<K: Eq + Hash>(
    times: impl IntoIterator<Item = (K, DateTime<Utc>)>,
) -> Vec<(K, DateTime<Utc>)> {
    let mut earliest: HashMap<K, DateTime<Utc>> = HashMap::new();
    for (key, at) in times {
        let first = earliest.entry(key).or_insert(at);
        *first = at.min(*first);
    }
    earliest.into_iter().collect()
}

/// The apps of users and operations whose cases may change, with the time of the first event that changes them.
fn apps_changed<'a>(
    attempts: &'a [Changed<Attempt>],
    successes: &'a [Changed<Success>],
) -> Vec<(OfApp<'a>, DateTime<Utc>)> {
    let attempts = attempts.iter().filter(|(before, after)| before != after);
    let of_attempts =
        attempts.flat_map(|(before, after)| [before, after]).flatten().filter_map(|attempt| {
            Some(((attempt.user_id?, attempt.operation, &attempt.app), attempt.at))
        });
    let of_successes = successes
        .iter()
        .flat_map(|(before, after)| [before, after])
        .flatten()
        .filter_map(|success| Some((success.user_id?, success)))
        .flat_map(|(user_id, success)| {
            let closed = ClosedBy::operations(success.operation);
            closed.map(move |operation| ((user_id, operation, &success.app), success.at))
        });
    earliest(of_attempts.chain(of_successes))
}

/// The cases of each user, each once: an app's name finds what its id finds, too.
fn by_user(cases: Vec<Case>) -> HashMap<i64, Vec<Case>> {
    let mut found = HashSet::new();
    let mut by_user: HashMap<i64, Vec<Case>> = HashMap::new();
    for case in cases.into_iter().filter(|case| found.insert(case.case_id)) {
        by_user.entry(case.user_id).or_default().push(case);
    }
    by_user
}

/// The start of the span that must be built again: no case reaches over it.
fn cut(cases: &[Case], since: DateTime<Utc>) -> DateTime<Utc> {
    let mut cut = since;
    let reaches = |case: &&Case, cut| {
        case.opened_at < cut && case.closing.is_none_or(|closing| closing.at >= cut)
    };
    while let Some(earlier) =
        cases.iter().filter(|case| reaches(case, cut)).map(|case| case.opened_at).min()
    {
        cut = earlier;
    }
    cut
}

/// Cases before and after, as far as they differ.
#[derive(Debug, Default)]
struct CaseChanges {
    deleted: Vec<Uuid>,
    /// Cases with the same beginning as before.
    advanced: Vec<Case>,
    written: Vec<Case>,
}

impl CaseChanges {
    fn add(&mut self, before: Vec<Case>, after: Vec<Case>, days: &mut Days) {
        let mut before: HashMap<Uuid, Case> =
            before.into_iter().map(|case| (case.case_id, case)).collect();
        for case in after {
            let same = before.remove(&case.case_id);
            if same.as_ref() == Some(&case) {
                continue;
            }
            days.case(&case, 1);
            let cases = match same {
                Some(same) => {
                    days.case(&same, -1);
                    if same.begins_as(&case) { &mut self.advanced } else { &mut self.written }
                }
                None => &mut self.written,
            };
            cases.push(case);
        }
        for case in before.into_values() {
            days.case(&case, -1);
            self.deleted.push(case.case_id);
        }
    }
}

/// Builds cases from events in any order.
fn built(mut cases: Cases, unit: Unit, attempts: &[Attempt], successes: &[Success]) -> Vec<Case> {
    let mut attempts: Vec<&Attempt> = attempts.iter().collect();
    let mut successes: Vec<&Success> = successes.iter().collect();
    attempts.sort_unstable_by_key(|attempt| (attempt.at, attempt.id));
    successes.sort_unstable_by_key(|success| (success.at, success.id));
    let mut successes = successes.into_iter().peekable();
    for attempt in attempts {
        while let Some(success) = successes.next_if(|success| success.at <= attempt.at) {
            cases.success(success);
        }
        cases.attempt(unit.user_id, attempt);
    }
    successes.for_each(|success| cases.success(success));
    cases.end()
}

impl Tx {
    /// Brings cases up to date after failures and successes changed, in this transaction: a failure or success
    /// that is later than all of its unit continues the stored cases, any other builds a span of them again.
    pub(super) async fn change_cases(
        &mut self,
        account: &Shared<()>,
        attempts: &[Changed<Attempt>],
        successes: &[Changed<Success>],
        texts: &mut Interned,
        days: &mut Days,
    ) -> Result<(), sqlx::Error> {
        let mut works = Works::default();
        works.attempts(attempts);
        let keys = apps_changed(attempts, successes);
        let stored = self.cases(SINCE, &keys, |key| AppSince(account, key), texts).await?;
        let stored = by_user(stored);
        works.successes(successes, &stored);
        for (unit, work) in &mut works.0 {
            work.is_again |= stored.get(&unit.user_id).into_iter().flatten().any(|case| {
                let is_later = case.closing.is_some_and(|closing| closing.at >= work.since);
                Unit::of_case(case) == *unit && (is_later || case.last_failure_at >= work.since)
            });
        }
        let again = self.again(account, &mut works, texts).await?;
        let successes = self.successes_since(account, &works, texts).await?;
        let mut changes = CaseChanges::default();
        for (unit, work) in works.0 {
            let of_user = |user_id| stored.get(user_id).into_iter().flatten();
            let successes: Vec<Success> = successes
                .get(&unit.user_id)
                .into_iter()
                .flatten()
                .filter(|success| success.at >= work.since)
                .cloned()
                .collect();
            if let Some((before, attempts)) = again.get(&unit) {
                let after = built(Cases::default(), unit, attempts, &successes);
                changes.add(before.clone(), after, days);
            } else {
                let before: Vec<Case> = of_user(&unit.user_id)
                    .filter(|case| Unit::of_case(case) == unit && case.closing.is_none())
                    .cloned()
                    .collect();
                let cases = Cases::resume(before.clone());
                changes.add(before, built(cases, unit, &work.new, &successes), days);
            }
        }
        self.execute_rows(DELETE, &changes.deleted, |&id| CaseKey(account, id)).await?;
        self.execute_rows(ADVANCE, &changes.advanced, |case| AdvancedCase(account, case)).await?;
        self.execute_rows(UPSERT, &changes.written, |case| StampedCase(account, case)).await?;
        Ok(())
    }

    /// Reads the stored cases and the failures of the units that must be built again, and moves their work to
    /// where that begins.
    async fn again(
        &mut self,
        account: &Shared<()>,
        works: &mut Works,
        texts: &mut Interned,
    ) -> Result<HashMap<Unit, (Vec<Case>, Vec<Attempt>)>, sqlx::Error> {
        let again: HashSet<Unit> =
            works.0.iter().filter(|(_, work)| work.is_again).map(|(unit, _)| *unit).collect();
        if again.is_empty() {
            return Ok(HashMap::new());
        }
        // Cases and failures of an operation, whether skipped or not.
        let keys: HashSet<(i64, Operation)> =
            again.iter().map(|unit| (unit.user_id, unit.operation)).collect();
        let keys: Vec<(i64, Operation)> = keys.into_iter().collect();
        let mut found: HashMap<Unit, (Vec<Case>, Vec<Attempt>)> =
            again.iter().map(|unit| (*unit, <_>::default())).collect();
        for case in self.cases(OF_UNITS, &keys, |key| UnitKey(account, key), texts).await? {
            if let Some((cases, _)) = found.get_mut(&Unit::of_case(&case)) {
                cases.push(case);
            }
        }
        let mut since: HashMap<(i64, Operation), DateTime<Utc>> = HashMap::new();
        for (unit, (cases, _)) in &mut found {
            let work = works.0.get_mut(unit).expect("it has work");
            work.since = cut(cases, work.since);
            cases.retain(|case| case.opened_at >= work.since);
            let since = since.entry((unit.user_id, unit.operation)).or_insert(work.since);
            *since = work.since.min(*since);
        }
        let since: Vec<((i64, Operation), DateTime<Utc>)> = since.into_iter().collect();
        let rows: Vec<EventRow> =
            self.fetch_rows(ATTEMPTS, &since, |since| UnitSince(account, since)).await?;
        for row in rows {
            let Event::Attempt(attempt) = Event::read(&row, texts) else { continue };
            let Some(unit) = Unit::of(&attempt) else { continue };
            if let Some((_, attempts)) = found.get_mut(&unit)
                && works.0.get(&unit).is_some_and(|work| work.since <= attempt.at)
            {
                attempts.push(attempt);
            }
        }
        Ok(found)
    }

    /// Reads the successes of users since the first of their events that matters.
    async fn successes_since(
        &mut self,
        account: &Shared<()>,
        works: &Works,
        texts: &mut Interned,
    ) -> Result<HashMap<i64, Vec<Success>>, sqlx::Error> {
        let users = earliest(works.0.iter().map(|(unit, work)| (unit.user_id, work.since)));
        let rows: Vec<EventRow> =
            self.fetch_rows(SUCCESSES, &users, |user| Since(account, user)).await?;
        let mut successes: HashMap<i64, Vec<Success>> = HashMap::new();
        for row in rows {
            if let Event::Success(success) = Event::read(&row, texts)
                && let Some(user_id) = success.user_id
            {
                successes.entry(user_id).or_default().push(success);
            }
        }
        Ok(successes)
    }

    async fn cases<'r, T, R: Row>(
        &mut self,
        statement: Statement,
        keys: &'r [T],
        as_row: impl Fn(&'r T) -> R,
        texts: &mut Interned,
    ) -> Result<Vec<Case>, sqlx::Error> {
        let rows: Vec<CaseRow> = self.fetch_rows(statement, keys, as_row).await?;
        Ok(rows.iter().map(|row| case(row, texts)).collect())
    }

    /// Inserts cases that are not stored.
    pub(super) async fn insert_cases(
        &mut self,
        account: &Shared<()>,
        cases: &[Case],
    ) -> Result<(), sqlx::Error> {
        self.insert_new(UPSERT, cases, |case| StampedCase(account, case)).await
    }
}
