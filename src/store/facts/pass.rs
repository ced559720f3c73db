//! Building twins, cases and texts of some users from all of their events.

use std::collections::HashSet;
use std::future::poll_fn;
use std::mem;

use super::case::{Case, Cases};
use super::changes::UserError;
use super::error_texts;
use super::event::{Event, EventRow, Interned};
use super::rebuild::Built;
use super::twins::Pairing;
use crate::store::bulk::Shared;
use crate::store::on_either;
use crate::store::tx::Tx;

const EVENTS: &str = include_str!("sql/events_of_users.sql");
const EVENTS_WITHOUT_USER: &str = include_str!("sql/events_without_user.sql");

/// Declares a cursor, so that cases can be written between its rows: held until the end, they would take
/// memory without a limit.
const DECLARE: &str =
    concat!("declare events no scroll cursor for ", include_str!("sql/events_of_users.sql"));
const FETCH: &str = "fetch 2000 from events";
const CLOSE: &str = "close events";
/// Cases that are held before they are written: 8 MiB.
const MOST_HELD: usize = 50_000;

/// Users from one, exclusive, to another, inclusive; or all records without a user.
#[derive(Debug, Clone, Copy)]
pub(super) enum Users {
    Nobody,
    Between(i64, i64),
}

/// The state of the account before a pass.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    /// Failures of several sources are stored, which may be twins.
    pub(super) has_several_sources: bool,
    /// Cases of these users may be stored.
    pub(super) has_cases: bool,
}

/// Twins, cases and errors of the events so far.
#[derive(Debug)]
struct Pass {
    texts: Interned,
    /// `None` where no twin can be.
    pairing: Option<Pairing>,
    user_id: Option<i64>,
    cases: Cases,
    errors: error_texts::TextChanges,
    user_errors: HashSet<UserError>,
    /// The last user whose cases are written.
    written_through: i64,
    has_cases: bool,
}

impl Pass {
    fn new(users: Users, known: Known) -> Self {
        let after_user = match users {
            Users::Nobody => i64::MIN,
            Users::Between(after_user, _) => after_user,
        };
        Self {
            texts: Interned::default(),
            pairing: known.has_several_sources.then(Pairing::default),
            user_id: None,
            cases: Cases::default(),
            errors: error_texts::TextChanges::default(),
            user_errors: HashSet::new(),
            written_through: after_user,
            has_cases: known.has_cases,
        }
    }

    /// Takes in an event. They come user by user and in the order of time, at one time successes first.
    fn take(&mut self, row: &EventRow) {
        let event = Event::read(row, &mut self.texts);
        if let Event::Attempt(attempt) = &event {
            self.user_errors.extend(attempt.user_id.zip(attempt.fingerprint.clone()));
        }
        let Some(pairing) = &mut self.pairing else { return self.add(&event) };
        for paired in pairing.take(event) {
            self.add(&paired);
        }
    }

    fn end(&mut self) {
        let paired = self.pairing.as_mut().map(Pairing::end).unwrap_or_default();
        for event in paired {
            self.add(&event);
        }
        self.cases.end_user();
    }

    fn add(&mut self, event: &Event) {
        match event {
            Event::Attempt(attempt) if attempt.twin_of.is_some() => {}
            Event::Attempt(attempt) => {
                self.errors.add(attempt);
                self.begin_user(attempt.user_id);
                if let Some(user_id) = attempt.user_id {
                    self.cases.attempt(user_id, attempt);
                }
            }
            Event::Success(success) => {
                self.begin_user(success.user_id);
                self.cases.success(success);
            }
        }
    }

    fn begin_user(&mut self, user_id: Option<i64>) {
        if self.user_id != user_id {
            self.cases.end_user();
            self.user_id = user_id;
        }
    }

    /// Takes out the cases that can be written: where some are stored, those of users who have ended. Returns the last
    /// of those users, too.
    fn ended(&mut self) -> (i64, Vec<Case>) {
        let cases = self.cases.ended();
        match self.user_id {
            Some(user_id) if self.has_cases => {
                let ended = cases.extract_if(.., |case| case.user_id < user_id).collect();
                (user_id - 1, ended)
            }
            _ => (self.written_through, mem::take(cases)),
        }
    }
}

impl Tx {
    /// Builds all of some users.
    pub(super) async fn build_users(
        &mut self,
        (stamp, account): (&Shared<()>, &str),
        users: Users,
        known: Known,
    ) -> Result<(), sqlx::Error> {
        let mut pass = Pass::new(users, known);
        self.pass((stamp, account), users, &mut pass).await?;
        pass.end();
        self.link_twins(stamp, &pass.pairing.take().map(Pairing::links).unwrap_or_default())
            .await?;
        if let Users::Between(_, last_user) = users {
            let cases = mem::take(pass.cases.ended());
            self.write_built((stamp, account), &mut pass, last_user, cases).await?;
        }
        let built = match users {
            Users::Nobody => Built::Users(i64::MIN),
            Users::Between(_, last_user) => Built::Users(last_user),
        };
        self.change_texts((stamp, account), pass.errors, &<_>::default(), built).await?;
        if let Users::Between(..) = users {
            self.replace_names((stamp, account), pass.user_errors, built).await?;
        }
        Ok(())
    }

    async fn pass(
        &mut self,
        (stamp, account): (&Shared<()>, &str),
        users: Users,
        pass: &mut Pass,
    ) -> Result<(), sqlx::Error> {
        let (Self::Postgres(session), Users::Between(after_user, last_user)) = (&mut *self, users)
        else {
            return self.each_event(account, users, |row| pass.take(row)).await;
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
            if pass.cases.ended().len() > MOST_HELD {
                let (through, cases) = pass.ended();
                self.write_built((stamp, account), pass, through, cases).await?;
            }
        }
        Ok(())
    }

    /// Reads events one by one.
    async fn each_event(
        &mut self,
        account: &str,
        users: Users,
        mut take: impl FnMut(&EventRow),
    ) -> Result<(), sqlx::Error> {
        on_either!(Tx, self, tx => {
            let query = match users {
                Users::Nobody => sqlx::query_as(EVENTS_WITHOUT_USER).bind(account),
                Users::Between(after_user, last_user) => {
                    sqlx::query_as(EVENTS).bind(account).bind(after_user).bind(last_user)
                }
            };
            let mut rows = query.persistent(false).fetch(&mut **tx);
            while let Some(row) = poll_fn(|context| rows.as_mut().poll_next(context)).await {
                take(&row?);
            }
        });
        Ok(())
    }

    /// Writes all cases of users through one.
    async fn write_built(
        &mut self,
        (stamp, account): (&Shared<()>, &str),
        pass: &mut Pass,
        through: i64,
        mut cases: Vec<Case>,
    ) -> Result<(), sqlx::Error> {
        let after_user = mem::replace(&mut pass.written_through, through);
        if pass.has_cases {
            let users = (after_user, through);
            return self.replace_cases((stamp, account), users, &cases, &mut pass.texts).await;
        }
        // In the order of time, so that each page of an index takes many of them at once.
        cases.sort_unstable_by_key(|case| case.case_id);
        self.insert_cases(stamp, &cases).await
    }
}
