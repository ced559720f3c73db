//! Building twins, cases and texts of some users from all of their events.

use std::future::poll_fn;

use super::case::Cases;
use super::error_texts;
use super::event::{Attempt, Event, EventRow, Interned};
use super::twins::{Link, chains, group_of, pair};
use crate::store::bulk::Shared;
use crate::store::on_either;
use crate::store::tx::Tx;

const EVENTS: &str = include_str!("sql/events_of_users.sql");
const EVENTS_WITHOUT_USER: &str = include_str!("sql/events_without_user.sql");
const ATTEMPTS: &str = include_str!("sql/attempts_of_users.sql");
const ATTEMPTS_WITHOUT_USER: &str = include_str!("sql/attempts_without_user.sql");

/// Declares a cursor, so that cases can be written between its rows: held until the end, they would take
/// memory without a limit.
const DECLARE: &str =
    concat!("declare events no scroll cursor for ", include_str!("sql/events_of_users.sql"));
const FETCH: &str = "fetch 2000 from events";
const CLOSE: &str = "close events";
/// Cases that are held before they are written: 8 MiB. They are written in the order of time, so that each
/// page of an index takes many of them at once.
const MOST_HELD: usize = 50_000;

/// Users from one, exclusive, to another, inclusive; or all records without a user.
#[derive(Debug, Clone, Copy)]
pub(super) enum Users {
    Nobody,
    Between(i64, i64),
}

/// Cases and errors of the events so far.
#[derive(Debug, Default)]
struct Pass {
    texts: Interned,
    user_id: Option<i64>,
    cases: Cases,
    errors: error_texts::Changes,
}

impl Pass {
    /// Takes in an event. They come user by user and in the order of time, at one time successes first.
    fn take(&mut self, row: &EventRow) {
        match Event::read(row, &mut self.texts) {
            Event::Attempt(attempt) if attempt.twin_of.is_some() => {}
            Event::Attempt(attempt) => {
                self.errors.add(&attempt);
                self.begin_user(attempt.user_id);
                if let Some(user_id) = attempt.user_id {
                    self.cases.attempt(user_id, &attempt);
                }
            }
            Event::Success(success) => {
                self.begin_user(success.user_id);
                self.cases.success(&success);
            }
        }
    }

    fn begin_user(&mut self, user_id: Option<i64>) {
        if self.user_id != user_id {
            self.cases.end_user();
            self.user_id = user_id;
        }
    }
}

/// Pairs the failures of group after group.
#[derive(Debug, Default)]
struct Pairing {
    texts: Interned,
    group: Vec<Attempt>,
    links: Vec<Link>,
}

impl Pairing {
    fn take(&mut self, row: &EventRow) {
        let Event::Attempt(attempt) = Event::read(row, &mut self.texts) else { return };
        let continues = |last: &Attempt| {
            let pairs: [&Attempt; 2] = [last, &attempt];
            group_of(last) == group_of(&attempt) && chains(&pairs).count() == 1
        };
        if self.group.last().is_some_and(|last| !continues(last)) {
            self.end();
        }
        self.group.push(attempt);
    }

    /// Pairs the failures of a chain: of one group, none far from the next.
    fn end(&mut self) {
        let attempts: Vec<&Attempt> = self.group.iter().collect();
        for (attempt, twin_of) in attempts.iter().zip(pair(&attempts)) {
            if attempt.twin_of != twin_of {
                self.links.push((attempt.id, twin_of));
            }
        }
        self.group.clear();
    }
}

impl Tx {
    /// Builds all of some users, who have no cases.
    pub(super) async fn build_users(
        &mut self,
        (stamp, account): (&Shared<()>, &str),
        users: Users,
        has_twins: bool,
    ) -> Result<(), sqlx::Error> {
        if has_twins {
            let mut pairing = Pairing::default();
            let sql = (ATTEMPTS, ATTEMPTS_WITHOUT_USER);
            self.each_event(sql, account, users, |row| pairing.take(row)).await?;
            pairing.end();
            self.link_twins(stamp, &pairing.links).await?;
        }
        let mut pass = Pass::default();
        if let Users::Between(after_user, last_user) = users {
            self.pass(stamp, account, (after_user, last_user), &mut pass).await?;
        } else {
            let sql = (EVENTS, EVENTS_WITHOUT_USER);
            self.each_event(sql, account, users, |row| pass.take(row)).await?;
        }
        pass.cases.end_user();
        self.write_built(stamp, &mut pass, 0).await?;
        self.change_texts((stamp, account), pass.errors, &<_>::default()).await
    }

    async fn pass(
        &mut self,
        stamp: &Shared<()>,
        account: &str,
        (after_user, last_user): (i64, i64),
        pass: &mut Pass,
    ) -> Result<(), sqlx::Error> {
        let Self::Postgres(session) = self else {
            let users = Users::Between(after_user, last_user);
            let sql = (EVENTS, EVENTS_WITHOUT_USER);
            return self.each_event(sql, account, users, |row| pass.take(row)).await;
        };
        let declare = sqlx::query(DECLARE).bind(account).bind(after_user).bind(last_user);
        declare.persistent(false).execute(&mut **session).await?;
        while let Self::Postgres(session) = self {
            let fetch = sqlx::query_as(FETCH).persistent(false);
            let rows: Vec<EventRow> = fetch.fetch_all(&mut **session).await?;
            if rows.is_empty() {
                sqlx::raw_sql(CLOSE).execute(&mut **session).await?;
                break;
            }
            for row in &rows {
                pass.take(row);
            }
            self.write_built(stamp, pass, MOST_HELD).await?;
        }
        Ok(())
    }

    /// Reads the rows of a statement one by one.
    async fn each_event(
        &mut self,
        (of_users, without_user): (&'static str, &'static str),
        account: &str,
        users: Users,
        mut take: impl FnMut(&EventRow),
    ) -> Result<(), sqlx::Error> {
        on_either!(Tx, self, tx => {
            let query = match users {
                Users::Nobody => sqlx::query_as(without_user).bind(account),
                Users::Between(after_user, last_user) => sqlx::query_as(of_users).bind(account).bind(after_user).bind(last_user),
            };
            let mut rows = query.persistent(false).fetch(&mut **tx);
            while let Some(row) = poll_fn(|context| rows.as_mut().poll_next(context)).await {
                take(&row?);
            }
        });
        Ok(())
    }

    /// Writes cases, if more than some are held.
    async fn write_built(
        &mut self,
        stamp: &Shared<()>,
        pass: &mut Pass,
        most: usize,
    ) -> Result<(), sqlx::Error> {
        let cases = pass.cases.ended();
        if cases.len() > most {
            cases.sort_unstable_by_key(|case| case.case_id);
            self.insert_cases(stamp, cases).await?;
            cases.clear();
        }
        Ok(())
    }

    /// Deletes the cases of some users.
    pub(super) async fn delete_cases(
        &mut self,
        account: &str,
        users: Users,
    ) -> Result<(), sqlx::Error> {
        let Users::Between(after_user, last_user) = users else { return Ok(()) };
        on_either!(Tx, self, tx => sqlx::query(include_str!("sql/cases_delete_of_users.sql"))
            .bind(account)
            .bind(after_user)
            .bind(last_user)
            .execute(&mut **tx)
            .await
            .map(drop))
    }
}
