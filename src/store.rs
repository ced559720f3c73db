//! The two databases behind one interface.
//!
//! A statement is written once, in `store/sql`, and serves both. What differs is bound by a type of
//! `store/value`, or stands in `migrations/`. Knows nothing of OneLogin.

mod bulk;
mod calls;
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

pub(crate) use calls::{Grant, Settled};
pub(crate) use connect::Access;
#[cfg(feature = "demo")]
pub(crate) use demo_queries::{FIRST_LOOK, QUESTION};
pub(crate) use health::Health;
pub(crate) use lease::{Lease, ResumePoint};
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

/// How long a database that hangs may hold back an outcome that is known already.
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
    /// The time, to the millisecond, by the clock that all runs on this database share: the
    /// server's for Postgres, the machine's for a file. Leases depend on it.
    ///
    /// # Errors
    /// [`Error::Failed`] when the server does not answer.
    pub(crate) async fn now(&self) -> Result<DateTime<Utc>, Error> {
        let now = match self {
            Self::Postgres(pool) => sqlx::query_scalar(NOW).fetch_one(pool).await,
            Self::Sqlite(_) => Ok(Utc::now()),
        };
        Ok(now.map_err(failed("asking for the time"))?.trunc_subsecs(3))
    }

    /// Closes every connection; an SQLite file is left without its side files. Gives up on a
    /// database that does not answer.
    pub(crate) async fn close(&self) {
        let closing = async { on_either!(Store, self, pool => pool.close().await) };
        // The process ends in any case, and the database then sees its connections go.
        let _ = tokio::time::timeout(CLOSING, closing).await;
    }
}

/// What can go wrong between the program and its database.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The URL names no database that this program knows.
    #[error("the database URL is not usable: {0}")]
    Url(String),
    /// No connection.
    #[error(
        "cannot open the database {target}; is it running, and are host, port, name and password right?"
    )]
    Connect {
        /// Where to, without the password.
        target: String,
        /// The driver's word.
        source: sqlx::Error,
    },
    /// A statement failed.
    #[error("the database failed while {doing}")]
    Failed {
        /// What the program was at.
        doing: &'static str,
        /// The driver's word.
        source: sqlx::Error,
    },
    /// The end of a run could not be recorded.
    #[error(
        "the database did not take the end of the run within {} s: is it gone, or something there \
         locked?", .0.as_secs()
    )]
    NotRecorded(Duration),
    /// The schema is not what this program can work with.
    #[error("{0}")]
    Schema(String),
    /// A migration did not go through; nothing of it is left.
    #[error("a migration failed and was rolled back")]
    Migration(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Another run is at work.
    #[error(
        "another run ({owner}) is at work on account {account}, source {from}; its lease ends at {until} \
         unless it is renewed: try again later"
    )]
    LeaseHeld {
        /// The account.
        account: String,
        /// The source.
        from: SourceKind,
        /// Host and process of the other run.
        owner: String,
        /// When its lease runs out.
        until: DateTime<Utc>,
    },
    /// This run was too long without a word, and another has taken over.
    #[error(
        "another run has taken over the lease of account {account}, source {from}: the window at \
         hand was rolled back, nothing is lost"
    )]
    LeaseLost {
        /// The account.
        account: String,
        /// The source.
        from: SourceKind,
    },
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

/// Names what the program was at when a statement failed.
fn failed(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Error {
    move |source| Error::Failed { doing, source }
}
