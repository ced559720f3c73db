//! The rows of a report, read from the views in one snapshot.
//!
//! Every statement names one account, so a database with many of them, or one that is distributed by
//! account, reads no other.

mod rows;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use sqlx::FromRow;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

use super::snapshot::Snapshot;
use super::tx::Tx;
use super::value::Time;
use super::{Error, Store, on_either};
pub(crate) use rows::*;

/// Rows per table: enough to work through, and a page that a browser opens at once.
pub(crate) const ROWS: i64 = 1_000;
/// Rows per account and table where there are many accounts.
const ROWS_AT_LEAST: i64 = 20;
/// The latest failures, which are an excerpt in any case.
const LATEST: i64 = 50;
/// Days of a report without `--since`.
const SPAN: Days = Days::new(90);

/// The choice of what a report shows.
#[derive(Debug, Clone)]
pub(crate) struct ReportSelection {
    /// `None` for all accounts.
    pub account: Option<String>,
    pub since: Option<DateTime<Utc>>,
    /// Exclusive.
    pub until: Option<DateTime<Utc>>,
    /// False to read no column that is about a person, except for the user's id.
    pub has_people: bool,
}

/// The days of a report, in UTC. A day that the selection cuts is shown completely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReportSpan {
    pub first_day: NaiveDate,
    /// Inclusive.
    pub last_day: NaiveDate,
}

impl ReportSpan {
    fn of(selection: &ReportSelection, as_of: DateTime<Utc>) -> Self {
        let until = selection.until.map(|until| until - TimeDelta::milliseconds(1));
        let last = until.unwrap_or(as_of);
        let since = selection.since.unwrap_or_else(|| last.checked_sub_days(SPAN).unwrap_or(last));
        Self { first_day: since.date_naive(), last_day: last.date_naive() }
    }

    fn begin(self) -> Time {
        Time(self.first_day.and_time(NaiveTime::MIN).and_utc())
    }

    /// The midnight after the last day.
    fn end(self) -> Time {
        let midnight = self.last_day.and_time(NaiveTime::MIN).and_utc();
        Time(midnight.checked_add_days(Days::new(1)).unwrap_or(midnight))
    }
}

/// The content of a report.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReportRows {
    /// Every account of the database.
    pub known_accounts: Vec<String>,
    /// Those that are shown.
    pub accounts: Vec<String>,
    /// The latest time for which the copy is complete; `None` if nothing was ever scanned.
    pub as_of: Option<DateTime<Utc>>,
    /// `None` without a time to count it from.
    pub span: Option<ReportSpan>,
    pub sources: Vec<SourceState>,
    pub leavers: Vec<LeaverCounts>,
    pub open_leavers: Vec<Leaver>,
    pub unknown_leavers: Vec<Leaver>,
    pub open_cases: Vec<OpenCases>,
    pub apps: Vec<App>,
    pub classes: Vec<Class>,
    pub days: Vec<Day>,
    pub incidents: Vec<Incident>,
    pub resolving: Vec<Resolving>,
    pub new_errors: Vec<NewError>,
    pub latest: Vec<LatestFailure>,
    pub gaps: Vec<Gap>,
    pub checks: Vec<Check>,
}

impl Store {
    /// Reads a report. If the selected account is unknown, only the names of the known ones are read.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn report(&self, selection: &ReportSelection) -> Result<ReportRows, Error> {
        self.read_snapshot("reading the report", async |snapshot| {
            ReportRows::read(snapshot, selection).await
        })
        .await
    }
}

impl ReportRows {
    async fn read(
        snapshot: &mut Snapshot,
        selection: &ReportSelection,
    ) -> Result<Self, sqlx::Error> {
        let tx = snapshot.tx();
        let mut sources: Vec<SourceState> = on_either!(Tx, tx, tx => {
            sqlx::query_as(include_str!("report/health.sql")).fetch_all(&mut **tx).await
        })?;
        let known: Vec<AccountTime> = on_either!(Tx, tx, tx => {
            sqlx::query_as(include_str!("report/accounts.sql")).fetch_all(&mut **tx).await
        })?;
        let is_selected = |account: &str| selection.account.as_deref().is_none_or(|a| a == account);
        sources.retain(|source| is_selected(&source.account));
        let known_accounts = known.iter().map(|known| known.account.clone()).collect();
        let shown: Vec<AccountTime> =
            known.into_iter().filter(|known| is_selected(&known.account)).collect();
        let as_of = shown.iter().filter_map(|known| known.as_of).max();
        let accounts = shown.into_iter().map(|known| known.account).collect();
        let span_end = as_of.or(selection.until).or(selection.since);
        let span = span_end.map(|end| ReportSpan::of(selection, end));
        let mut rows = Self { known_accounts, accounts, as_of, span, sources, ..Self::default() };
        if let Some(span) = span {
            let limit = ROWS / i64::try_from(rows.accounts.len().max(1)).unwrap_or(ROWS);
            for account in rows.accounts.clone() {
                rows.add(snapshot, &account, span, selection.has_people, limit.max(ROWS_AT_LEAST))
                    .await?;
            }
        }
        Ok(rows)
    }

    /// Adds the rows of an account, about half of the work on each of two connections.
    async fn add(
        &mut self,
        snapshot: &mut Snapshot,
        account: &str,
        span: ReportSpan,
        has_people: bool,
        limit: i64,
    ) -> Result<(), sqlx::Error> {
        let (outstanding, latest) = if has_people {
            (include_str!("report/outstanding.sql"), include_str!("report/latest.sql"))
        } else {
            (
                include_str!("report/outstanding_without_people.sql"),
                include_str!("report/latest_without_people.sql"),
            )
        };
        let Self { leavers, open_leavers, unknown_leavers, open_cases, .. } = self;
        let Self { apps, classes, days, incidents, resolving, .. } = self;
        let Self { new_errors, latest: failures, gaps, checks, .. } = self;
        let half = async |tx: &mut Tx| {
            let sql = include_str!("report/incidents.sql");
            incidents.extend(within(tx, sql, account, span, limit).await?);
            leavers.extend(of(tx, include_str!("report/leavers.sql"), account, limit).await?);
            open_leavers.extend(with(tx, outstanding, account, Unresolved::Open, limit).await?);
            unknown_leavers
                .extend(with(tx, outstanding, account, Unresolved::Unknown, limit).await?);
            let sql = include_str!("report/new_errors.sql");
            new_errors.extend(within(tx, sql, account, span, limit).await?);
            failures.extend(within(tx, latest, account, span, limit.min(LATEST)).await?);
            gaps.extend(of(tx, include_str!("report/gaps.sql"), account, limit).await?);
            let sql = include_str!("report/quality.sql");
            checks.extend(of(tx, sql, account, i64::MAX).await?);
            Ok(())
        };
        let other_half = async |tx: &mut Tx| {
            resolving.extend(months(tx, account, span, limit).await?);
            apps.extend(of(tx, include_str!("report/apps.sql"), account, limit).await?);
            // All of them, and of the classes: they are summed by class.
            let sql = include_str!("report/open_cases.sql");
            open_cases.extend(of(tx, sql, account, i64::MAX).await?);
            let sql = include_str!("report/classes.sql");
            classes.extend(of(tx, sql, account, i64::MAX).await?);
            days.extend(days_of(tx, account, span).await?);
            Ok(())
        };
        snapshot.both(half, other_half).await?;
        Ok(())
    }
}

/// The state of a case that is not resolved.
#[derive(Debug, Clone, Copy)]
enum Unresolved {
    Open,
    Unknown,
}

impl Unresolved {
    fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Unknown => "unknown",
        }
    }
}

/// A type that is made from a row of either database.
trait FromEither: for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin {}

impl<T> FromEither for T where
    T: for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin
{
}

async fn of<T: FromEither>(
    tx: &mut Tx,
    sql: &'static str,
    account: &str,
    limit: i64,
) -> Result<Vec<T>, sqlx::Error> {
    on_either!(Tx, tx, tx => {
        sqlx::query_as(sql).bind(account).bind(limit).fetch_all(&mut **tx).await
    })
}

async fn with<T: FromEither>(
    tx: &mut Tx,
    sql: &'static str,
    account: &str,
    status: Unresolved,
    limit: i64,
) -> Result<Vec<T>, sqlx::Error> {
    on_either!(Tx, tx, tx => {
        let query = sqlx::query_as(sql).bind(account).bind(status.as_str()).bind(limit);
        query.fetch_all(&mut **tx).await
    })
}

async fn within<T: FromEither>(
    tx: &mut Tx,
    sql: &'static str,
    account: &str,
    span: ReportSpan,
    limit: i64,
) -> Result<Vec<T>, sqlx::Error> {
    let (begin, end) = (span.begin(), span.end());
    on_either!(Tx, tx, tx => {
        let query = sqlx::query_as(sql).bind(account).bind(Time(begin.0)).bind(Time(end.0));
        query.bind(limit).fetch_all(&mut **tx).await
    })
}

async fn days_of(tx: &mut Tx, account: &str, span: ReportSpan) -> Result<Vec<Day>, sqlx::Error> {
    on_either!(Tx, tx, tx => sqlx::query_as(include_str!("report/days.sql"))
        .bind(account)
        .bind(span.first_day)
        .bind(span.last_day)
        .fetch_all(&mut **tx)
        .await)
}

async fn months(
    tx: &mut Tx,
    account: &str,
    span: ReportSpan,
    limit: i64,
) -> Result<Vec<Resolving>, sqlx::Error> {
    let first_month = chrono::Datelike::with_day(&span.first_day, 1).unwrap_or(span.first_day);
    on_either!(Tx, tx, tx => sqlx::query_as(include_str!("report/resolving.sql"))
        .bind(account)
        .bind(first_month)
        .bind(span.last_day)
        .bind(limit)
        .fetch_all(&mut **tx)
        .await)
}
