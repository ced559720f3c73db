//! An open SQLite file, and whether it is still the one that its path names.

use std::path::{Path, PathBuf};

use sqlx::SqlitePool;

use super::Error;

/// An open SQLite file.
#[derive(Debug)]
pub(crate) struct File {
    pub(super) pool: SqlitePool,
    path: PathBuf,
    /// `None` for a database in memory.
    identity: Option<Identity>,
}

/// Device and inode.
type Identity = (u64, u64);

impl File {
    pub(super) fn new(pool: SqlitePool, path: PathBuf) -> Self {
        let identity = identity(&path);
        Self { pool, path, identity }
    }

    /// The same file, by another pool.
    pub(super) fn with(&self, pool: SqlitePool) -> Self {
        Self { pool, path: self.path.clone(), identity: self.identity }
    }

    /// Checks that the path still names the file that is open. A file that was deleted or replaced can be
    /// written without an error, and the rows are lost when it is closed.
    ///
    /// # Errors
    /// [`Error::Replaced`].
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.identity.is_none() || identity(&self.path) == self.identity {
            return Ok(());
        }
        Err(Error::Replaced(self.path.display().to_string()))
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// Elsewhere, an open file can be neither deleted nor replaced.
#[cfg(not(unix))]
fn identity(path: &Path) -> Option<Identity> {
    path.exists().then_some((0, 0))
}
