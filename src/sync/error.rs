//! Reasons for which a run fails, and their exit codes.

use std::io;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::exit::Exit;
use crate::model::Counts;
use crate::onelogin;
use crate::redact::Outside;
use crate::source::SourceKind;
use crate::store;
use crate::window::Window;

/// Signal that stops a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM, as a scheduler sends it.
    Terminate,
}

/// Reason for which a run failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The source failed.
    #[error(transparent)]
    Source(#[from] onelogin::Error),
    /// The source failed before the end of the span.
    #[error("{hint}")]
    Unfinished {
        /// End of the span that was read, and the way to continue.
        hint: String,
        /// Reason.
        #[source]
        source: Box<onelogin::Error>,
    },
    /// The users API failed.
    #[error(
        "all failures are loaded, but details of {pending} people could not be fetched; the next \
         run retries, or pass --refresh-people never"
    )]
    Profiles {
        /// Users that are left.
        pending: u64,
        /// The first error.
        #[source]
        source: Box<onelogin::Error>,
    },
    /// The clocks disagree, and the span lies in the future of one of them.
    #[error(
        "nothing can be read: the span starts at {}, when the source's clock reads {} and ours {}; set the \
         clock that is wrong", time(*from), theirs.map_or_else(|| "nothing".to_owned(), time), time(*ours)
    )]
    Clock {
        /// The start of the window.
        from: DateTime<Utc>,
        /// The source's clock.
        theirs: Option<DateTime<Utc>>,
        /// This machine's clock.
        ours: DateTime<Utc>,
    },
    /// The watermark belongs to another host.
    #[error(
        "account {} was read from {} so far (source {from}), and this run would read {}; use another \
         --account for another OneLogin, or --moved if the same account has a new address",
        Outside(account),
        Outside(stored),
        Outside(host)
    )]
    OtherHost {
        /// Our name for the account.
        account: String,
        /// The source whose watermark it is.
        from: SourceKind,
        /// The host that was read so far.
        stored: String,
        /// The host of this run.
        host: String,
    },
    /// The records belong to another OneLogin account.
    #[error(
        "account {} stands for the OneLogin account {stored}, and these records are of {found}: nothing of \
         them was written; use another --account for another OneLogin",
        Outside(account)
    )]
    OtherAccount {
        /// Our name for the account.
        account: String,
        /// OneLogin's id of it so far.
        stored: i64,
        /// The id that a token or a record names.
        found: i64,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Nothing but rejects.
    #[error(
        "none of the first {rejects} records of {kind} could be read, so they are not what was \
         expected; nothing of the window was loaded; check --source and --base-url"
    )]
    NothingReadable {
        /// The records that came.
        rejects: u64,
        /// The interface that they should be of.
        kind: SourceKind,
    },
    /// More new rejects than tolerated.
    #[error(
        "{new} new record{} could not be read, more than --max-rejects {max}: all others are \
         loaded; see the table rejected_records", if *new == 1 { "" } else { "s" }
    )]
    Rejects {
        /// Rejects that this run saw first.
        new: u64,
        /// Rejects that are tolerated.
        max: u64,
    },
    /// There is no place for temporary files.
    #[error(
        "cannot make a temporary file in {}, where records wait that are too large for memory until their \
         window is complete; name a folder in TMPDIR that this program may write to",
        Outside(std::env::temp_dir().display())
    )]
    NoSpool(#[source] io::Error),
    /// A temporary file cannot be written or read.
    #[error(
        "cannot write records that are too large for memory to a temporary file in {}; is the disk full? \
         name a folder with more space in TMPDIR",
        Outside(std::env::temp_dir().display())
    )]
    Spool(#[source] io::Error),
    /// The counts do not add up.
    #[error(
        "the window {window} has {records} records, and {counts:?} were counted: this is a bug, \
         please report it; the window was rolled back"
    )]
    Unbalanced {
        /// The window.
        window: Window,
        /// Records that the source gave.
        records: u64,
        /// Sums of what became of them.
        counts: Counts,
    },
    /// A signal stopped the run.
    #[error("stopped by a signal: the current window was rolled back, complete windows are kept")]
    Stopped(Signal),
}

impl Error {
    /// The process's exit code.
    #[must_use]
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Source(error) => exit_of(error),
            Self::Unfinished { source, .. } | Self::Profiles { source, .. } => exit_of(source),
            Self::Clock { .. } | Self::NothingReadable { .. } => Exit::NotThisApi,
            Self::OtherHost { .. } | Self::OtherAccount { .. } | Self::NoSpool(_) => {
                Exit::Configuration
            }
            Self::Spool(_) => Exit::DatabaseFailed,
            Self::Store(error) => error.exit(),
            Self::Rejects { .. } => Exit::Rejects,
            Self::Unbalanced { .. } => Exit::Bug,
            Self::Stopped(Signal::Interrupt) => Exit::Interrupted,
            Self::Stopped(Signal::Terminate) => Exit::Terminated,
        }
    }
}

fn exit_of(error: &onelogin::Error) -> Exit {
    match error.kind() {
        onelogin::Kind::Unavailable | onelogin::Kind::BudgetExhausted => Exit::SourceUnavailable,
        onelogin::Kind::NotThisApi => Exit::NotThisApi,
        onelogin::Kind::Refused => Exit::CredentialsRefused,
        onelogin::Kind::Unreadable => Exit::Configuration,
    }
}

fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
