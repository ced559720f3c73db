//! The state of accounts and sources, which `status` shows.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::tx::Tx;
use super::value::Id;
use super::{Error, Store, on_either};

/// The state of one account and source.
#[derive(Debug, Clone)]
pub(crate) struct Health {
    pub account: String,
    pub source: String,
    /// The greatest `created_at` committed.
    pub high_water_mark: Option<DateTime<Utc>>,
    /// The end of the last window committed.
    pub scanned_through: Option<DateTime<Utc>>,
    /// Seconds since the watermark: how long nothing has happened.
    pub mark_age_seconds: Option<i64>,
    /// Seconds since the scan: how old the copy is.
    pub scan_age_seconds: Option<i64>,
    pub last_run: Option<LastRun>,
    /// Records that were rejected and not loaded since.
    pub open_rejects: i64,
    /// Cases of the account that nothing has closed, all sources together.
    pub unresolved: Unresolved,
    /// Host and port that the records come from.
    pub read_from: Option<String>,
    /// True if the watermark lies ahead of the database's clock, and is not believed.
    pub is_watermark_ahead: bool,
}

/// Numbers of cases that nothing has closed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Unresolved {
    /// Successes since their last failure would be known.
    pub open: i64,
    /// They would not.
    pub unknown: i64,
}

/// The last run of an account and source.
#[derive(Debug, Clone)]
pub(crate) struct LastRun {
    pub run_id: Uuid,
    /// `running`, `succeeded`, `failed` or `interrupted`.
    pub status: String,
    pub started_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub exit_code: Option<i32>,
    pub error: Option<String>,
}

/// The columns of `health.sql`, in its order.
type Row = (
    String,
    String,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
    Option<i64>,
    Option<i64>,
    Option<Id>,
    Option<String>,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
    Option<i32>,
    Option<String>,
    i64,
    Option<String>,
    bool,
);

impl Store {
    /// Reads the state of every account and source, or of those of one account.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn health(&self, account: Option<&str>) -> Result<Vec<Health>, Error> {
        let (rows, unresolved): (Vec<Row>, Vec<(String, i64, i64)>) = self
            .read("reading sync_health", async |tx| {
                on_either!(Tx, tx, tx => Ok((
                    sqlx::query_as(include_str!("sql/health.sql"))
                        .bind(account)
                        .fetch_all(&mut **tx)
                        .await?,
                    sqlx::query_as(include_str!("sql/cases_unresolved.sql"))
                        .bind(account)
                        .fetch_all(&mut **tx)
                        .await?,
                )))
            })
            .await?;
        let unresolved: HashMap<String, Unresolved> = unresolved
            .into_iter()
            .map(|(account, open, unknown)| (account, Unresolved { open, unknown }))
            .collect();
        let health = rows.into_iter().map(|row| {
            let health = Health::from(row);
            let unresolved = unresolved.get(&health.account).copied().unwrap_or_default();
            Health { unresolved, ..health }
        });
        Ok(health.collect())
    }
}

impl From<Row> for Health {
    fn from(row: Row) -> Self {
        let (account, source, high_water_mark, scanned_through, mark_age, scan_age, ..) = row;
        let (_, _, _, _, _, _, run_id, status, started_at, finished_at, exit_code, error, ..) = row;
        let (.., open_rejects, read_from, is_watermark_ahead) = row;
        let last_run = match (run_id, status, started_at) {
            (Some(Id(run_id)), Some(status), Some(started_at)) => {
                Some(LastRun { run_id, status, started_at, finished_at, exit_code, error })
            }
            _ => None,
        };
        Self {
            account,
            source,
            high_water_mark,
            scanned_through,
            mark_age_seconds: mark_age,
            scan_age_seconds: scan_age,
            last_run,
            open_rejects,
            unresolved: Unresolved::default(),
            read_from,
            is_watermark_ahead,
        }
    }
}
