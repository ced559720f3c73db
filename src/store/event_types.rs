//! What OneLogin calls its event types.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::statement::around_rows;
use super::tx::Tx;
use super::{Error, Lease, Run, Store, failed, on_either};
use crate::model::EventType;

/// Types a statement, far below the parameters that a database takes.
const BATCH: usize = 500;

/// What is known of event types.
#[derive(Debug, Default)]
pub(crate) struct KnownTypes {
    /// Their numbers.
    pub ids: HashSet<i64>,
    /// When they were last compared; none when never.
    pub checked_at: Option<DateTime<Utc>>,
}

impl Store {
    /// The types that were named before.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn known_types(&self, account: &str) -> Result<KnownTypes, Error> {
        let rows: Vec<(i64, DateTime<Utc>)> = on_either!(Store, self, pool =>
            sqlx::query_as(include_str!("sql/event_types_stored.sql"))
                .bind(account)
                .fetch_all(pool)
                .await)
        .map_err(failed("reading event types"))?;
        Ok(KnownTypes {
            checked_at: rows.iter().map(|(_, checked_at)| *checked_at).max(),
            ids: rows.into_iter().map(|(id, _)| id).collect(),
        })
    }

    /// Writes the names of types.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another run has taken over; then nothing is written.
    pub(crate) async fn write_types(
        &self,
        run: &Run,
        lease: &Lease,
        types: &[EventType],
        checked_at: DateTime<Utc>,
    ) -> Result<(), Error> {
        let doing = || failed("writing event types");
        let mut tx = Tx::begin(self).await.map_err(doing())?;
        let now = tx.now().await?;
        tx.renew_lease(lease, now).await?;
        let (before, after) = around_rows(include_str!("sql/event_types_upsert.sql"));
        for some in types.chunks(BATCH) {
            on_either!(Tx, &mut tx, tx => {
                let mut query = sqlx::QueryBuilder::new(before);
                query.push_values(some, |mut row, t| {
                    row.push_bind(&run.origin.account)
                        .push_bind(t.event_type_id)
                        .push_bind(t.name.as_deref())
                        .push_bind(t.description.as_deref())
                        .push_bind(checked_at)
                        .push_bind(checked_at);
                });
                query.push(after).build().persistent(false).execute(&mut **tx).await.map(drop)
            })
            .map_err(doing())?;
        }
        tx.commit().await.map_err(doing())
    }
}
