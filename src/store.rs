//! The two databases and their one interface.
//!
//! Each statement is written once, in a `.sql` file, and serves both. What differs is bound by a type of
//! [`value`], built by [`bulk`], or stands in `migrations/`. This module knows nothing of OneLogin.

mod abandoned;
mod answer;
mod bulk;
mod call_budget;
mod cause;
mod connect;
#[cfg(feature = "demo")]
mod demo_queries;
mod dictionary;
mod error_classes;
mod event_types;
mod facts;
mod file;
mod file_url;
mod health;
mod known_server;
mod late_indexes;
mod lease;
mod migrate;
mod postgres_tx;
mod profiles;
mod reading;
pub(crate) mod report;
mod run;
mod server_url;
mod snapshot;
mod tx;
mod value;
mod window;

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::exit::Exit;
use crate::redact::Outside;
use crate::source::SourceKind;

pub(crate) use call_budget::Reservation;
pub(crate) use cause::cause_of;
pub(crate) use connect::{Access, Database};
#[cfg(feature = "demo")]
pub(crate) use demo_queries::QUESTIONS;
pub(crate) use health::Health;
pub(crate) use known_server::KnownServer;
pub(crate) use lease::Lease;
pub(crate) use profiles::ProfileAnswer;
pub(crate) use reading::{Learned, Remembered, RereadState, RereadWindow};
pub(crate) use run::{Run, RunEnd, Status, Traffic};
pub(crate) use window::{Place, Writer};

/// Runs one body on whichever database it is: `on_either!(Tx, tx, tx => query.execute(&mut **tx).await)`.
macro_rules! on_either {
    ($kind:ident, $either:expr, $inner:ident => $body:expr) => {
        match $either {
            $kind::Postgres($inner) => $body,
            $kind::Sqlite($inner) => $body,
        }
    };
}
use on_either;

/// Longest delay of a known outcome by a database that hangs.
const CLOSING: Duration = Duration::from_secs(5);

/// An open database.
#[derive(Debug)]
pub(crate) enum Store {
    /// A Postgres server, or one that speaks like it.
    Postgres(connect::Server),
    /// An SQLite file.
    Sqlite(file::File),
}

impl Store {
    /// Closes every connection; an SQLite file is left without its side files. Gives up on a
    /// database that does not answer.
    pub(crate) async fn close(&self) {
        let closing = async { on_either!(Store, self, open => open.pool.close().await) };
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
    /// The URL's file cannot be a database.
    #[error("{0}")]
    Unusable(String),
    /// No connection.
    #[error("cannot open the database {}", Outside(target))]
    Connect {
        /// Name, host and port, without the password.
        target: String,
        /// The driver's error.
        source: sqlx::Error,
    },
    /// The server is on another machine and would be used without TLS.
    #[error(
        "{} is on another machine, and the connection to it is not encrypted; turn TLS on there, or \
         pass --insecure-database",
        Outside(target)
    )]
    Unencrypted {
        /// Name, host and port, without the password.
        target: String,
        /// The driver's error.
        source: sqlx::Error,
    },
    /// The server has no TLS, and the URL requires it.
    #[error(
        "the database {} does not offer TLS, which sslmode={mode} requires; turn TLS on in the server, or \
         name another sslmode",
        Outside(target)
    )]
    WithoutTls {
        /// Name, host and port, without the password.
        target: String,
        /// The `sslmode` in use.
        mode: &'static str,
        /// The driver's error.
        source: sqlx::Error,
    },
    /// A certificate is not accepted, or cannot be read.
    #[error(
        "cannot open the database {} with sslmode={mode}; require encrypts without a check, verify-ca \
         checks who signed the server's certificate, verify-full also its host name; sslrootcert=FILE adds \
         to the system's roots",
        Outside(target)
    )]
    Certificate {
        /// Name, host and port, without the password.
        target: String,
        /// The `sslmode` in use.
        mode: &'static str,
        /// The driver's error.
        source: sqlx::Error,
    },
    /// The server does not answer.
    #[error(
        "the database has not answered for {} s while {doing}, nor on a new connection; is its host down, or \
         its disk stalled?", .timeout.as_secs()
    )]
    Hangs {
        /// The program's step, as "writing new failures".
        doing: &'static str,
        /// The limit.
        timeout: Duration,
    },
    /// The file is not the one that was opened.
    #[error(
        "the database file {} was deleted or replaced while it was open; rows written since are lost, so \
         run again", Outside(.0)
    )]
    Replaced(String),
    /// Another run kept the account's rows locked.
    #[error(
        "another run keeps rows of account {} locked, and has not committed for a minute; try again \
         later",
        Outside(account)
    )]
    AccountLocked { account: String, source: sqlx::Error },
    /// Another program kept a lock.
    #[error(
        "another program held a lock for a minute while {doing}; end it (in Postgres, pg_blocking_pids names \
         it), or run again later"
    )]
    Locked {
        /// The program's step, as "writing new failures".
        doing: &'static str,
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
        "another run ({}) holds the lease of account {}, source {from}, until {until} or \
         longer; try again later",
        Outside(owner),
        Outside(account)
    )]
    LeaseHeld {
        account: String,
        from: SourceKind,
        /// Host and process of the other run.
        owner: String,
        /// The time at which its lease expires.
        until: DateTime<Utc>,
    },
    /// A run of another source recorded another id of the account meanwhile.
    #[error(
        "account {} stands for another OneLogin account than {found}, whose records these are; the \
         window was rolled back; use another --account for another OneLogin",
        Outside(account)
    )]
    OtherAccount { account: String, found: i64 },
    /// This run did not renew its lease in time, and another run took it.
    #[error(
        "another run took the lease of account {}, source {from}, because this one did not renew it \
         in time; the current window was rolled back, and the other run reads it again",
        Outside(account)
    )]
    LeaseLost { account: String, from: SourceKind },
}

impl Error {
    /// The process's exit code.
    #[must_use]
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Connect { source, .. } | Self::Failed { source, .. }
                if cause::is_for_good(source) =>
            {
                Exit::Configuration
            }
            Self::Migration(error)
                if cause_within(error.as_ref()).is_some_and(cause::is_for_good) =>
            {
                Exit::Configuration
            }
            Self::Url(_)
            | Self::Unusable(_)
            | Self::Schema(_)
            | Self::Unencrypted { .. }
            | Self::WithoutTls { .. }
            | Self::Certificate { .. }
            | Self::OtherAccount { .. } => Exit::Configuration,
            Self::Connect { .. }
            | Self::Locked { .. }
            | Self::Hangs { .. }
            | Self::Replaced(_)
            | Self::Failed { .. }
            | Self::NotRecorded(_)
            | Self::Migration(_) => Exit::DatabaseFailed,
            Self::LeaseHeld { .. } | Self::LeaseLost { .. } | Self::AccountLocked { .. } => {
                Exit::TryLater
            }
        }
    }

    /// Checks that no later statement of the same run can succeed.
    pub(crate) fn ends_the_run(&self) -> bool {
        matches!(self, Self::LeaseLost { .. } | Self::Hangs { .. } | Self::Replaced(_))
    }

    /// The error of a statement that waits for other runs of an account.
    fn of_account_lock(account: &str, source: sqlx::Error) -> Self {
        if is_lock_timeout(&source) {
            return Self::AccountLocked { account: account.to_owned(), source };
        }
        failed("waiting for another run of the account")(source)
    }
}

/// Checks that the wait for a lock came to its limit (Postgres' 55P03, SQLite's 5).
fn is_lock_timeout(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| {
        // SQLite's codes are small numbers, with the kind in the last byte.
        let sqlite = code.parse().ok().filter(|code: &u32| *code < 10_000);
        code == "55P03" || sqlite.is_some_and(|code| code & 0xff == 5)
    })
}

/// Finds the driver's error among the causes of a library's error.
pub(crate) fn cause_within<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a sqlx::Error> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

/// Names the program's step at which a statement failed.
fn failed(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Error {
    move |source| {
        if is_lock_timeout(&source) {
            return Error::Locked { doing, source };
        }
        Error::Failed { doing, source }
    }
}
