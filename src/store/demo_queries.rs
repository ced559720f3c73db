//! A glance at the tables, for people: what `demo` prints.

use chrono::{DateTime, Utc};
use sqlx::{Column, Row};
use uuid::Uuid;

use super::tx::Tx;
use super::value::Id;
use super::{Error, Store, on_either};

/// Who still has access: leavers whose account could not be suspended, nor since, by app.
pub(crate) const QUESTION: &str = include_str!("sql/question.sql");

/// A first look at the rows.
pub(crate) const FIRST_LOOK: &str = "select * from open_failures limit 5";

const TABLES: [(&str, &str); 9] = [
    ("provisioning_failures", "select count(*) from provisioning_failures"),
    ("  failures, each once", "select count(*) from failures"),
    ("  open_failures", "select count(*) from open_failures"),
    ("provisioning_successes", "select count(*) from provisioning_successes"),
    ("users", "select count(*) from users"),
    ("rejected_records", "select count(*) from rejected_records"),
    ("sync_runs", "select count(*) from sync_runs"),
    ("sync_windows", "select count(*) from sync_windows"),
    ("watermarks", "select count(*) from watermarks"),
];

impl Store {
    /// Each table, and the views that sum it up, with how many rows it has.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn table_sizes(&self) -> Result<Vec<(&'static str, i64)>, Error> {
        let mut sizes = Vec::with_capacity(TABLES.len());
        for (table, sql) in TABLES {
            let rows = self
                .read("counting rows", async |tx| {
                    on_either!(Tx, tx, tx => sqlx::query_scalar(sql).fetch_one(&mut **tx).await)
                })
                .await?;
            sizes.push((table, rows));
        }
        Ok(sizes)
    }

    /// How many failures a run wrote that had happened by `at`.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn late(&self, run_id: Uuid, at: DateTime<Utc>) -> Result<i64, Error> {
        self.read("counting late failures", async |tx| {
            on_either!(Tx, tx, tx => sqlx::query_scalar(include_str!("sql/late.sql"))
                .bind(Id(run_id))
                .bind(at)
                .fetch_one(&mut **tx)
                .await)
        })
        .await
    }

    /// The answer to [`QUESTION`] as text: the names of its columns, then its rows.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn answer(&self) -> Result<Vec<Vec<String>>, Error> {
        self.read("answering a question", async |tx| {
            on_either!(Tx, tx, tx => {
                // Unprepared: every value then comes as text, or turns into it.
                let rows = sqlx::raw_sql(QUESTION).fetch_all(&mut **tx).await?;
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
