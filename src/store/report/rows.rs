//! The rows of each part of a report.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};

/// A row of one account.
pub(crate) trait OfAccount {
    fn account(&self) -> &str;
}

/// The sum of a count that each row has of all rows of its account, of which these are the first.
pub(crate) fn in_all<T: OfAccount>(rows: &[T], count: fn(&T) -> i64) -> i64 {
    let accounts = rows.chunk_by(|a, b| a.account() == b.account());
    accounts.filter_map(<[T]>::first).map(count).sum()
}

/// Makes types whose fields are the columns of a statement.
macro_rules! rows {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub(crate) struct $name {
            pub account: String,
            $(pub $field: $kind,)*
        }

        impl OfAccount for $name {
            fn account(&self) -> &str {
                &self.account
            }
        }

        impl<'r, R> FromRow<'r, R> for $name
        where
            R: Row,
            &'static str: ColumnIndex<R>,
            String: Decode<'r, R::Database> + Type<R::Database>,
            $($kind: Decode<'r, R::Database> + Type<R::Database>,)*
        {
            fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
                Ok(Self {
                    account: row.try_get("account")?,
                    $($field: row.try_get(stringify!($field))?,)*
                })
            }
        }
    )*};
}

rows! {
    /// An account, and the time that its views take for now.
    AccountTime {
        as_of: Option<DateTime<Utc>>,
    }

    /// The state of an account and source.
    SourceState {
        source: String,
        read_from: Option<String>,
        scanned_through: Option<DateTime<Utc>>,
        scan_age_seconds: Option<i64>,
        high_water_mark: Option<DateTime<Utc>>,
        last_run_status: Option<String>,
        last_run_finished_at: Option<DateTime<Utc>>,
        last_run_error: Option<String>,
        open_rejects: i64,
        people_pending: i64,
        successes_from: Option<DateTime<Utc>>,
        successes_through: Option<DateTime<Utc>>,
        is_watermark_ahead: bool,
        is_rebuilding: bool,
    }

    /// Counts of an account's leavers who may still have access.
    LeaverCounts {
        open_cases: i64,
        open_overdue: i64,
        open_people: i64,
        unknown_cases: i64,
        unknown_overdue: i64,
        unknown_people: i64,
    }

    /// A leaver who may still have access to an app.
    Leaver {
        reason: String,
        user_id: Option<i64>,
        display_name: Option<String>,
        email: Option<String>,
        username: Option<String>,
        firstname: Option<String>,
        lastname: Option<String>,
        operation: String,
        app_name: Option<String>,
        opened_at: DateTime<Utc>,
        is_overdue: bool,
        hours_open: i64,
        attempts: i64,
        error: Option<String>,
        error_class: String,
        recommended_action: String,
    }

    /// Cases of an app and error class that are not resolved.
    OpenCases {
        app_name: Option<String>,
        error_class: String,
        retryable: String,
        recommended_action: String,
        open_cases: i64,
        unknown_cases: i64,
        oldest_at: DateTime<Utc>,
    }

    /// Failures and cases of an app.
    App {
        app_name: Option<String>,
        failures_7_days: i64,
        failures_30_days: i64,
        people_30_days: i64,
        open_cases: i64,
        unknown_cases: i64,
        last_failure_at: Option<DateTime<Utc>>,
        in_all: i64,
    }

    /// Failures of an error class.
    Class {
        error_class: String,
        retryable: String,
        recommended_action: String,
        failures_7_days: i64,
        failures_30_days: i64,
        people_30_days: i64,
    }

    /// Counts of a day.
    Day {
        day: NaiveDate,
        failures: i64,
        opened: i64,
        resolved: i64,
    }

    /// An incident of an app.
    Incident {
        kind: String,
        app_name: Option<String>,
        error_class: Option<String>,
        error: Option<String>,
        started_at: DateTime<Utc>,
        ended_at: DateTime<Utc>,
        is_ongoing: bool,
        failures: i64,
        people: i64,
        in_all: i64,
        ongoing_in_all: i64,
    }

    /// Times from the first failure of a case to its end.
    Resolving {
        month: NaiveDate,
        app_name: Option<String>,
        operation: String,
        cases: i64,
        median_seconds: i64,
        p90_seconds: i64,
        in_all: i64,
    }

    /// An error that was not seen before.
    NewError {
        example: String,
        error_class: String,
        retryable: String,
        recommended_action: String,
        first_failure_at: DateTime<Utc>,
        last_failure_at: DateTime<Utc>,
        failures: i64,
        in_all: i64,
    }

    /// One of the latest failures.
    LatestFailure {
        created_at: DateTime<Utc>,
        user_id: Option<i64>,
        display_name: Option<String>,
        email: Option<String>,
        username: Option<String>,
        firstname: Option<String>,
        lastname: Option<String>,
        operation: String,
        app_name: Option<String>,
        description: Option<String>,
        error: Option<String>,
        error_class: String,
    }

    /// A span that no window covers.
    Gap {
        source: String,
        gap_from: DateTime<Utc>,
        gap_to: DateTime<Utc>,
        gap_seconds: i64,
        in_all: i64,
    }

    /// The result of a check of the data.
    Check {
        check_name: String,
        failures_30_days: i64,
        failures_checked: i64,
    }
}
