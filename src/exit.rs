//! How the process ends. Schedulers and scripts rely on these numbers; they follow `sysexits.h`
//! where it has one.

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
    /// What answered is not this API.
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
