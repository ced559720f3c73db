//! Exit codes. Schedulers and scripts rely on these numbers; they follow `sysexits.h` where it has one.

/// An exit code, and with it whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, also when nothing was new.
    Done = 0,
    /// Wrong usage.
    Usage = 64,
    /// More new rejects than allowed; the good rows are committed.
    Rejects = 65,
    /// The source is unreachable, failing or limiting the rate, after all retries. Try again.
    SourceUnavailable = 69,
    /// A bug of this program.
    Bug = 70,
    /// The database is unreachable or failing. Try again.
    DatabaseFailed = 74,
    /// Another run holds the lease, or the copy is older than `--max-age`. Try again.
    TryLater = 75,
    /// The response is not from this API.
    NotThisApi = 76,
    /// The source refused the credentials.
    CredentialsRefused = 77,
    /// The configuration, or the version of the schema.
    Configuration = 78,
    /// Stopped by SIGINT.
    Interrupted = 130,
    /// Stopped by SIGTERM.
    Terminated = 143,
}

impl Exit {
    /// Every exit, in the order of the numbers.
    pub(crate) const ALL: [Self; 12] = [
        Self::Done,
        Self::Usage,
        Self::Rejects,
        Self::SourceUnavailable,
        Self::Bug,
        Self::DatabaseFailed,
        Self::TryLater,
        Self::NotThisApi,
        Self::CredentialsRefused,
        Self::Configuration,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// A short description for the help.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Usage => "usage",
            Self::Rejects => "new rejects or a difference",
            Self::SourceUnavailable => "source unavailable",
            Self::Bug => "bug",
            Self::DatabaseFailed => "database failed",
            Self::TryLater => "another run at work, or a stale copy",
            Self::NotThisApi => "not the OneLogin API",
            Self::CredentialsRefused => "credentials refused",
            Self::Configuration => "configuration, schema, or a database that refuses for good",
            Self::Interrupted => "interrupted",
            Self::Terminated => "terminated",
        }
    }

    /// Returns true if the next run may succeed without a change by somebody.
    pub(crate) fn can_heal(self) -> bool {
        use Exit::{DatabaseFailed, Interrupted, SourceUnavailable, Terminated, TryLater};
        matches!(self, SourceUnavailable | DatabaseFailed | TryLater | Interrupted | Terminated)
    }

    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}
