//! Properties of the server that runs found, for the next ones.

use chrono::{DateTime, Utc};

use super::run::count;
use super::tx::Tx;
use super::value::Time;
use super::{Error, Lease, Store, on_either};
use crate::model::Origin;

/// Properties of the server of an account and source, as earlier runs found them.
#[derive(Debug, Clone, Default)]
pub(crate) struct KnownServer {
    /// Records of a full page; `None` until one was seen.
    pub page: Option<f64>,
    /// True if the events API takes only the first of several types; `None` until it was compared.
    pub takes_one_type: Option<bool>,
    /// Time at which answers to several types were last compared; `None` before that.
    pub types_compared_at: Option<DateTime<Utc>>,
    /// Users that the users API takes at once, where it took fewer than it should, and when that was found.
    pub users_at_once: Option<(u32, DateTime<Utc>)>,
}

/// The columns of `server_of.sql`, in its order.
type ServerRow =
    (Option<f64>, Option<bool>, Option<DateTime<Utc>>, Option<i64>, Option<DateTime<Utc>>);

impl Tx {
    pub(super) async fn known_server(
        &mut self,
        origin: &Origin,
    ) -> Result<KnownServer, sqlx::Error> {
        let row: Option<ServerRow> = on_either!(Tx, self, tx =>
            sqlx::query_as(include_str!("sql/server_of.sql"))
                .bind(&origin.account)
                .bind(origin.source.as_str())
                .fetch_optional(&mut **tx)
                .await)?;
        let (page, takes_one_type, types_compared_at, users, users_at) = row.unwrap_or_default();
        let users_at_once = users.and_then(|users| u32::try_from(users).ok()).zip(users_at);
        Ok(KnownServer { page, takes_one_type, types_compared_at, users_at_once })
    }
}

impl Store {
    /// Records how many records a full page has.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn note_page(&self, lease: &Lease, page: f64) -> Result<(), Error> {
        self.write("recording the size of a page", async |tx| {
            on_either!(Tx, tx, tx => sqlx::query(include_str!("sql/server_page.sql"))
                .bind(&lease.origin.account)
                .bind(lease.origin.source.as_str())
                .bind(page)
                .execute(&mut **tx)
                .await
                .map(drop))
        })
        .await
    }

    /// Records whether the server takes only the first of several types; `None` if an answer did not show it.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn note_types_compared(
        &self,
        lease: &Lease,
        takes_one_type: Option<bool>,
        at: DateTime<Utc>,
    ) -> Result<(), Error> {
        self.write("recording how event types are requested", async |tx| {
            on_either!(Tx, tx, tx => sqlx::query(include_str!("sql/server_types.sql"))
                .bind(&lease.origin.account)
                .bind(lease.origin.source.as_str())
                .bind(takes_one_type)
                .bind(Time(at))
                .execute(&mut **tx)
                .await
                .map(drop))
        })
        .await
    }

    /// Records how many users the users API takes at once.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn note_users_at_once(
        &self,
        lease: &Lease,
        users: u32,
        at: DateTime<Utc>,
    ) -> Result<(), Error> {
        self.write("recording how many users are requested at once", async |tx| {
            on_either!(Tx, tx, tx => sqlx::query(include_str!("sql/server_users.sql"))
                .bind(&lease.origin.account)
                .bind(lease.origin.source.as_str())
                .bind(count(users.into()))
                .bind(Time(at))
                .execute(&mut **tx)
                .await
                .map(drop))
        })
        .await
    }
}
