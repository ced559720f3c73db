//! The view `sync_health`, which `status` reads.

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
    /// Host and port that the records come from.
    pub read_from: Option<String>,
    /// True if the watermark lies ahead of the database's clock, and is not believed.
    pub is_watermark_ahead: bool,
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
        let rows: Vec<Row> = self
            .read("reading sync_health", async |tx| {
                on_either!(Tx, tx, tx => sqlx::query_as(include_str!("sql/health.sql"))
                    .bind(account)
                    .fetch_all(&mut **tx)
                    .await)
            })
            .await?;
        Ok(rows.into_iter().map(Health::from).collect())
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
            read_from,
            is_watermark_ahead,
        }
    }
}
