//! Queries of the command `demo`.

use chrono::{DateTime, Utc};
use sqlx::{Column, Row};
use uuid::Uuid;

use super::tx::Tx;
use super::value::{Id, Time};
use super::{Error, Store, on_either};

/// The questions that end a demo, and their queries.
pub(crate) const QUESTIONS: [(&str, &str); 3] = [
    ("Who left more than a day ago and can still get in?", include_str!("sql/demo_access.sql")),
    ("Which app is worst?", include_str!("sql/demo_worst_app.sql")),
    ("What is new in the last seven days?", include_str!("sql/demo_new_errors.sql")),
];

const TABLES: [(&str, &str); 10] = [
    ("provisioning_failures", "select count(*) from provisioning_failures where account = $1"),
    ("provisioning_successes", "select count(*) from provisioning_successes where account = $1"),
    ("users", "select count(*) from users where account = $1"),
    ("provisioning_cases", "select count(*) from provisioning_cases where account = $1"),
    ("  open", "select count(*) from open_cases where account = $1 and status = 'open'"),
    ("  unknown", "select count(*) from open_cases where account = $1 and status = 'unknown'"),
    ("error_texts", "select count(*) from error_texts where account = $1"),
    ("rejected_records", "select count(*) from rejected_records where account = $1"),
    ("sync_runs", "select count(*) from sync_runs where account = $1"),
    ("sync_windows", "select count(*) from sync_windows where account = $1"),
];

impl Store {
    /// Counts the rows of tables and of some views.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn table_sizes(
        &self,
        account: &str,
    ) -> Result<Vec<(&'static str, i64)>, Error> {
        let mut sizes = Vec::with_capacity(TABLES.len());
        for (table, sql) in TABLES {
            let rows = self
                .read("counting rows", async |tx| {
                    on_either!(Tx, tx, tx => sqlx::query_scalar(sql).bind(account).fetch_one(&mut **tx).await)
                })
                .await?;
            sizes.push((table, rows));
        }
        Ok(sizes)
    }

    /// Counts the failures of a run that were created by `at`.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn late(
        &self,
        account: &str,
        run_id: Uuid,
        at: DateTime<Utc>,
    ) -> Result<i64, Error> {
        self.read("counting late failures", async |tx| {
            on_either!(Tx, tx, tx => sqlx::query_scalar(include_str!("sql/late.sql"))
                .bind(account)
                .bind(Id(run_id))
                .bind(Time(at))
                .fetch_one(&mut **tx)
                .await)
        })
        .await
    }

    /// Answers one of [`QUESTIONS`] as text: the names of the columns, then the rows.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn answer(&self, question: &'static str) -> Result<Vec<Vec<String>>, Error> {
        self.read("answering a question", async |tx| {
            on_either!(Tx, tx, tx => {
                // Not prepared, because every value then comes as text or can be read as text.
                let rows = sqlx::raw_sql(question).fetch_all(&mut **tx).await?;
                let names = rows.first().map(|row| {
                    Ok(row.columns().iter().map(|column| column.name().to_owned()).collect())
                });
                let text = |row: &_, i| sqlx::Row::try_get_unchecked::<Option<String>, _>(row, i);
                let values = rows.iter().map(|row| {
                    (0..row.len()).map(|i| text(row, i).map(Option::unwrap_or_default)).collect()
                });
                names.into_iter().chain(values).collect()
            })
        })
        .await
    }
}
