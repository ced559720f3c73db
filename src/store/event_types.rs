//! The names that OneLogin gives its event types.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::bulk::{Columns, Row, Statement};
use super::tx::Tx;
use super::value::Time;
use super::{Error, Lease, Run, Store, failed, on_either};
use crate::model::EventType;

const UPSERT: Statement = Statement::new(include_str!("sql/event_types_upsert.sql"));

/// The event types that are stored.
#[derive(Debug, Default)]
pub(crate) struct KnownTypes {
    /// Their numbers.
    pub ids: HashSet<i64>,
    /// Time of the last comparison; `None` before the first one.
    pub checked_at: Option<DateTime<Utc>>,
}

impl Store {
    /// Reads the event types that are stored.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn known_types(&self, account: &str) -> Result<KnownTypes, Error> {
        let rows: Vec<(i64, DateTime<Utc>)> = self
            .read("reading event types", async |tx| {
                on_either!(Tx, tx, tx => sqlx::query_as(include_str!("sql/event_types_stored.sql"))
                    .bind(account)
                    .fetch_all(&mut **tx)
                    .await)
            })
            .await?;
        Ok(KnownTypes {
            checked_at: rows.iter().map(|(_, checked_at)| *checked_at).max(),
            ids: rows.into_iter().map(|(id, _)| id).collect(),
        })
    }

    /// Reads the types that earlier runs copied, ascending.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn selected_types(&self, account: &str) -> Result<Vec<i64>, Error> {
        self.read("reading the selected event types", async |tx| {
            on_either!(Tx, tx, tx => sqlx::query_scalar(include_str!("sql/selected_types.sql"))
                .bind(account)
                .fetch_all(&mut **tx)
                .await)
        })
        .await
    }

    /// Records the types that are copied. Those that were `added` are copied `from` a time on, or from the
    /// first window on. Whether the server takes several of them is not known then.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn select_types(
        &self,
        lease: &Lease,
        selected: &[i64],
        added: &[i64],
        from: Option<DateTime<Utc>>,
    ) -> Result<(), Error> {
        let account = &lease.origin.account;
        let stored = self.selected_types(account).await?;
        let from = from.filter(|_| !stored.is_empty());
        self.write("recording the selected event types", async |tx| {
            on_either!(Tx, tx, tx => {
                for type_id in stored.iter().filter(|id| !selected.contains(id)) {
                    sqlx::query(include_str!("sql/selected_delete.sql"))
                        .bind(account)
                        .bind(type_id)
                        .execute(&mut **tx)
                        .await?;
                }
                for type_id in added {
                    sqlx::query(include_str!("sql/selected_add.sql"))
                        .bind(account)
                        .bind(type_id)
                        .bind(from.map(Time))
                        .execute(&mut **tx)
                        .await?;
                }
                sqlx::query(include_str!("sql/server_forget.sql"))
                    .bind(account)
                    .bind(lease.origin.source.as_str())
                    .execute(&mut **tx)
                    .await
                    .map(drop)
            })
        })
        .await
    }

    /// Writes event types and their names.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] if another run holds the lease; then nothing is written.
    pub(crate) async fn write_types(
        &self,
        run: &Run,
        lease: &Lease,
        types: &[EventType],
        checked_at: DateTime<Utc>,
    ) -> Result<(), Error> {
        let doing = "writing event types";
        let account = &*run.origin.account;
        let written = async {
            let mut tx = Tx::begin(self).await?;
            tx.renew_lease(lease).await?;
            let row = |event_type| CheckedType { event_type, account, checked_at };
            tx.execute_rows(UPSERT, types, row).await.map_err(failed(doing))?;
            tx.commit().await.map_err(failed(doing))
        };
        self.answered(doing, written).await
    }
}

/// An event type of an account, and when OneLogin named it.
struct CheckedType<'a> {
    event_type: &'a EventType,
    account: &'a str,
    checked_at: DateTime<Utc>,
}

impl Row for CheckedType<'_> {
    fn write(&self, columns: &mut impl Columns) {
        columns.text(Some(self.account));
        columns.number(Some(self.event_type.event_type_id));
        columns.text(self.event_type.name.as_deref());
        columns.text(self.event_type.description.as_deref());
        columns.time(Some(self.checked_at));
        columns.time(Some(self.checked_at));
    }
}
