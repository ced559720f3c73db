//! The two databases and their one interface.
//!
//! Each statement is written once, in a `.sql` file, and serves both. What differs is bound by a type of
//! [`value`], built by [`bulk`], or stands in `migrations/`. This module knows nothing of OneLogin.

mod bulk;
mod call_budget;
mod connect;
#[cfg(feature = "demo")]
mod demo_queries;
mod event_types;
mod health;
mod lease;
mod migrate;
mod profiles;
mod run;
mod tx;
mod value;
mod window;

use std::time::Duration;

use chrono::{DateTime, SubsecRound, Utc};
use sqlx::{PgPool, SqlitePool};

use crate::exit::Exit;
use crate::source::SourceKind;

pub(crate) use call_budget::Reservation;
pub(crate) use connect::Access;
#[cfg(feature = "demo")]
pub(crate) use demo_queries::QUESTION;
pub(crate) use health::Health;
pub(crate) use lease::Lease;
pub(crate) use profiles::ProfileAnswer;
pub(crate) use run::{Run, RunEnd, Status, Traffic};
pub(crate) use window::Writer;

/// Runs one body on whichever database it is: `on_either!(Store, store, pool => pool.close().await)`.
macro_rules! on_either {
    ($kind:ident, $either:expr, $inner:ident => $body:expr) => {
        match $either {
            $kind::Postgres($inner) => $body,
            $kind::Sqlite($inner) => $body,
        }
    };
}
use on_either;

/// The time itself; `now()` is that of the transaction's begin.
const NOW: &str = "select clock_timestamp()";

/// Longest delay of a known outcome by a database that hangs.
const CLOSING: Duration = Duration::from_secs(5);

/// An open database.
#[derive(Debug)]
pub(crate) enum Store {
    /// A Postgres server, or one that speaks like it.
    Postgres(PgPool),
    /// An SQLite file.
    Sqlite(SqlitePool),
}

impl Store {
    /// Reads the time, to the millisecond, from the clock that all runs on this database share: the
    /// server's for Postgres, the machine's for a file. Leases depend on it.
    ///
    /// # Errors
    /// [`Error::Failed`] if the server does not answer.
    pub(crate) async fn now(&self) -> Result<DateTime<Utc>, Error> {
        let now = match self {
            Self::Postgres(pool) => sqlx::query_scalar(NOW).fetch_one(pool).await,
            Self::Sqlite(_) => Ok(Utc::now()),
        };
        Ok(now.map_err(failed("reading the time"))?.trunc_subsecs(3))
    }

    /// Closes every connection; an SQLite file is left without its side files. Gives up on a
    /// database that does not answer.
    pub(crate) async fn close(&self) {
        let closing = async { on_either!(Store, self, pool => pool.close().await) };
        // The process ends in any case, and the database then sees its connections go.
        let _ = tokio::time::timeout(CLOSING, closing).await;
    }
}

/// An error between the program and its database.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The URL names no database that this program knows.
    #[error("cannot use the database URL: {0}")]
    Url(String),
    /// No connection.
    #[error(
        "cannot open the database {target}; is it running, and are host, port, name and password right?"
    )]
    Connect {
        /// Name, host and port, without the password.
        target: String,
        /// The driver's error.
        source: sqlx::Error,
    },
    /// A statement failed.
    #[error("the database failed while {doing}")]
    Failed {
        /// The program's step, as "writing new failures".
        doing: &'static str,
        /// The driver's error.
        source: sqlx::Error,
    },
    /// The end of a run could not be recorded.
    #[error(
        "could not record the end of the run within {} s; is the database down, or a table locked?",
        .0.as_secs()
    )]
    NotRecorded(Duration),
    /// The schema is not what this program can work with.
    #[error("{0}")]
    Schema(String),
    /// A migration failed; nothing of it is left.
    #[error("a migration failed and was rolled back; run again once its cause is fixed")]
    Migration(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Another run holds the lease.
    #[error(
        "another run ({owner}) holds the lease of account {account}, source {from}, until {until} or \
         longer; try again later"
    )]
    LeaseHeld {
        account: String,
        from: SourceKind,
        /// Host and process of the other run.
        owner: String,
        /// The time at which its lease expires.
        until: DateTime<Utc>,
    },
    /// This run did not renew its lease in time, and another run took it.
    #[error(
        "another run took the lease of account {account}, source {from}, because this one did not renew it \
         in time; the current window was rolled back, and the other run reads it again"
    )]
    LeaseLost { account: String, from: SourceKind },
}

impl Error {
    /// The process's exit code.
    #[must_use]
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Url(_) | Self::Schema(_) => Exit::Configuration,
            Self::Connect { .. }
            | Self::Failed { .. }
            | Self::NotRecorded(_)
            | Self::Migration(_) => Exit::DatabaseFailed,
            Self::LeaseHeld { .. } | Self::LeaseLost { .. } => Exit::TryLater,
        }
    }
}

/// Names the program's step at which a statement failed.
fn failed(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Error {
    move |source| Error::Failed { doing, source }
}
