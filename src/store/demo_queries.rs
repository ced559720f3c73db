//! A glance at the tables, for people: what `demo` prints.

use chrono::{DateTime, Utc};
use sqlx::{Column, Row};
use uuid::Uuid;

use super::value::Id;
use super::{Error, Store, failed, on_either};

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
            let rows =
                on_either!(Store, self, pool => sqlx::query_scalar(sql).fetch_one(pool).await)
                    .map_err(failed("counting rows"))?;
            sizes.push((table, rows));
        }
        Ok(sizes)
    }

    /// How many failures a run wrote that had happened by `at`.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn late(&self, run_id: Uuid, at: DateTime<Utc>) -> Result<i64, Error> {
        on_either!(Store, self, pool => sqlx::query_scalar(include_str!("sql/late.sql"))
            .bind(Id(run_id))
            .bind(at)
            .fetch_one(pool)
            .await)
        .map_err(failed("counting late failures"))
    }

    /// The answer to [`QUESTION`] as text: the names of its columns, then its rows.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn answer(&self) -> Result<Vec<Vec<String>>, Error> {
        on_either!(Store, self, pool => {
            // Unprepared: every value then comes as text, or turns into it.
            let rows = sqlx::raw_sql(QUESTION).fetch_all(pool).await;
            rows.and_then(|rows| {
                let names = rows.first().map(|row| row.columns().iter().map(|c| c.name().to_owned()).collect());
                let values = rows.iter().map(|row| {
                    (0..row.len())
                        .map(|i| row.try_get_unchecked::<Option<String>, _>(i).map(Option::unwrap_or_default))
                        .collect()
                });
                names.map(Ok).into_iter().chain(values).collect()
            })
        })
        .map_err(failed("answering a question"))
    }
}
