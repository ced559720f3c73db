//! Counts per day, app, operation and error; and failures per day and app.

mod apps;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{NaiveDate, NaiveTime};

use self::apps::Apps;
use super::case::Case;
use super::event::{App, Attempt, Success};
use crate::model::Operation;
use crate::store::bulk::{Columns, Row, Shared, Statement};
use crate::store::on_either;
use crate::store::tx::Tx;
use crate::store::value::Time;

const ADD: Statement = Statement::new(include_str!("sql/days_add.sql"));
const DELETE_EMPTY: Statement = Statement::new(include_str!("sql/days_delete_empty.sql"));
const DELETE_DAYS: &str = include_str!("sql/days_delete.sql");
const DELETE_APPS: &str = include_str!("sql/apps_delete.sql");
const BUILD_DAY: &str = include_str!("sql/days_build.sql");
const BUILD_APPS: &str = include_str!("sql/apps_build.sql");

/// Before and after all days: those that SQLite's text can hold.
const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(0, 1, 1).expect("a day");
const LAST_DAY: NaiveDate = NaiveDate::from_ymd_opt(9999, 12, 31).expect("a day");

/// The key of a row. Without an error it is the row of all counts but those of failures.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    day: NaiveDate,
    app_name: Option<Arc<str>>,
    operation: Operation,
    fingerprint: Option<Arc<str>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    failures: i64,
    successes: i64,
    skipped: i64,
    opened: i64,
    resolved: i64,
}

/// Numbers to add to the counts; negative where something is counted no more.
#[derive(Debug, Default)]
pub(super) struct Days {
    counts: HashMap<Key, Counts>,
    apps: Apps,
}

impl Days {
    pub(super) fn attempt(&mut self, attempt: &Attempt, number: i64) {
        self.apps.attempt(attempt, number);
        let fingerprint = attempt.fingerprint.as_ref().filter(|_| !attempt.is_skipped);
        let day = attempt.at.date_naive();
        let counts = self.row(day, &attempt.app, attempt.operation, fingerprint);
        let count = if attempt.is_skipped { &mut counts.skipped } else { &mut counts.failures };
        *count += number;
    }

    pub(super) fn success(&mut self, success: &Success, number: i64) {
        let day = success.at.date_naive();
        self.row(day, &success.app, success.operation, None).successes += number;
    }

    /// Counts the opening and the closing of a case, both under the app's name in its first failure.
    pub(super) fn case(&mut self, case: &Case, number: i64) {
        let day = case.opened_at.date_naive();
        self.row(day, &case.app, case.operation, None).opened += number;
        if let Some(closing) = &case.closing {
            let day = closing.at.date_naive();
            self.row(day, &case.app, case.operation, None).resolved += number;
        }
    }

    /// Forgets days that are not to be counted yet.
    pub(super) fn retain(&mut self, is_counted: impl Fn(NaiveDate) -> bool) {
        self.counts.retain(|key, _| is_counted(key.day));
        self.apps.retain(is_counted);
    }

    fn row(
        &mut self,
        day: NaiveDate,
        app: &App,
        operation: Operation,
        fingerprint: Option<&Arc<str>>,
    ) -> &mut Counts {
        let (app_name, fingerprint) = (app.name.clone(), fingerprint.cloned());
        self.counts.entry(Key { day, app_name, operation, fingerprint }).or_default()
    }
}

struct StampedDay<'a>(&'a Shared<()>, &'a (Key, Counts));

impl Row for StampedDay<'_> {
    fn write(&self, columns: &mut impl Columns) {
        let Self(account, (key, counts)) = self;
        StampedKey(account, key).write(columns);
        let Counts { failures, successes, skipped, opened, resolved } = *counts;
        for count in [failures, successes, skipped, opened, resolved] {
            columns.number(Some(count));
        }
    }
}

struct StampedKey<'a>(&'a Shared<()>, &'a Key);

impl Row for StampedKey<'_> {
    fn write(&self, columns: &mut impl Columns) {
        let Self(account, Key { day, app_name, operation, fingerprint }) = self;
        columns.shared_text(account);
        columns.day(*day);
        columns.text(Some(app_name.as_deref().unwrap_or_default()));
        columns.text(Some(operation.as_str()));
        columns.text(Some(fingerprint.as_deref().unwrap_or_default()));
    }
}

impl Tx {
    /// Adds to the counts. A row that counts nothing any more is deleted.
    pub(super) async fn add_to_days(
        &mut self,
        account: &Shared<()>,
        days: Days,
    ) -> Result<(), sqlx::Error> {
        self.add_to_apps(account, days.apps).await?;
        let mut days: Vec<(Key, Counts)> =
            days.counts.into_iter().filter(|(_, counts)| *counts != Counts::default()).collect();
        // A failure whose error is not known yet is counted where no error is; the same key, then.
        days.sort_unstable_by(|(a, _), (b, _)| a.sorted().cmp(&b.sorted()));
        days.dedup_by(|(later, counts), (first, sum)| {
            let is_same = later.sorted() == first.sorted();
            if is_same {
                sum.add(*counts);
            }
            is_same
        });
        self.execute_rows(ADD, &days, |day| StampedDay(account, day)).await?;
        let reduced: Vec<Key> =
            days.into_iter().filter(|(_, counts)| counts.reduces()).map(|(key, _)| key).collect();
        self.execute_rows(DELETE_EMPTY, &reduced, |key| StampedKey(account, key)).await.map(drop)
    }

    /// Counts the next day with any record again, after a day. Returns it, or `None` if there is none; rows
    /// of days without a record are deleted.
    pub(super) async fn build_next_day(
        &mut self,
        account: &str,
        after: Option<NaiveDate>,
    ) -> Result<Option<NaiveDate>, sqlx::Error> {
        let after = after.unwrap_or(NaiveDate::MIN);
        let begin = after.succ_opt().filter(|day| *day > FIRST_DAY).unwrap_or(FIRST_DAY);
        let next: Option<Time> = on_either!(Tx, self, tx => sqlx::query_scalar(include_str!("sql/days_next.sql"))
            .bind(account)
            .bind(midnight(begin))
            .fetch_one(&mut **tx)
            .await)?;
        let next = next.map(|next| next.0.date_naive());
        for statement in [DELETE_DAYS, DELETE_APPS] {
            on_either!(Tx, self, tx => sqlx::query(statement)
                .bind(account)
                .bind(begin)
                .bind(next.unwrap_or(LAST_DAY))
                .execute(&mut **tx)
                .await
                .map(drop))?;
        }
        let Some(day) = next else { return Ok(None) };
        for statement in [BUILD_DAY, BUILD_APPS] {
            on_either!(Tx, self, tx => sqlx::query(statement)
                .bind(account)
                .bind(day)
                .bind(midnight(day))
                .bind(midnight(day + chrono::Days::new(1)))
                .execute(&mut **tx)
                .await
                .map(drop))?;
        }
        Ok(next)
    }
}

fn midnight(day: NaiveDate) -> Time {
    Time(day.and_time(NaiveTime::MIN).and_utc())
}

impl Key {
    /// The key as it is stored, where an empty name is none.
    fn sorted(&self) -> (NaiveDate, &str, Operation, &str) {
        let app_name = self.app_name.as_deref().unwrap_or_default();
        let fingerprint = self.fingerprint.as_deref().unwrap_or_default();
        (self.day, app_name, self.operation, fingerprint)
    }
}

impl Counts {
    fn add(&mut self, more: Self) {
        self.failures += more.failures;
        self.successes += more.successes;
        self.skipped += more.skipped;
        self.opened += more.opened;
        self.resolved += more.resolved;
    }

    fn reduces(self) -> bool {
        let Self { failures, successes, skipped, opened, resolved } = self;
        [failures, successes, skipped, opened, resolved].into_iter().any(|count| count < 0)
    }
}
