//! An SQLite URL: which file it names, and whether that can be a database.

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;

use sqlx::sqlite::SqliteConnectOptions;

use super::{Access, Error};
use crate::redact::Outside;

/// The first bytes of every SQLite file that is not empty.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// Reads a URL and looks at its file.
///
/// # Errors
/// [`Error::Url`] if it names no file, [`Error::Unusable`] if the file cannot be a database.
pub(super) fn read(url: &str, access: Access) -> Result<SqliteConnectOptions, Error> {
    let unusable = || Error::Url("write sqlite:FILE, with % escapes".to_owned());
    refuse_memory(url)?;
    let access = match mode(url) {
        Some("mode=ro" | "immutable=1") if access != Access::Read => {
            let text = "it opens the file for reading only, and this command writes; leave mode=ro or immutable=1 out";
            return Err(Error::Url(text.to_owned()));
        }
        Some("mode=rw") if access == Access::Create => Access::Existing,
        _ => access,
    };
    let options = SqliteConnectOptions::from_str(url).map_err(|_| unusable())?;
    check(options.get_filename(), access)?;
    Ok(options)
}

/// The parameter by which the URL limits what is done with the file.
fn mode(url: &str) -> Option<&str> {
    let (_, query) = url.split_once('?')?;
    query.split('&').find(|pair| matches!(*pair, "mode=ro" | "mode=rw" | "immutable=1"))
}

/// A database in memory is gone with the process, and with it all rows of a run that succeeded.
fn refuse_memory(url: &str) -> Result<(), Error> {
    let rest = url.split_once(':').map_or("", |(_, rest)| rest).trim_start_matches("//");
    let (file, query) = rest.split_once('?').unwrap_or((rest, ""));
    if file.contains(":memory:") || query.split('&').any(|pair| pair == "mode=memory") {
        let text = "it names a database in memory, which ends with this process; write sqlite:FILE";
        return Err(Error::Url(text.to_owned()));
    }
    if file.starts_with("file:") {
        let text = "it is an address of another form; write sqlite:FILE, without file:";
        return Err(Error::Url(text.to_owned()));
    }
    if file.trim().is_empty() {
        let text = "it names no file (is a variable empty?); write sqlite:FILE";
        return Err(Error::Url(text.to_owned()));
    }
    Ok(())
}

fn check(path: &Path, access: Access) -> Result<(), Error> {
    let shown = Outside(path.display());
    let unusable = |text: String| Err(Error::Unusable(text));
    match fs::metadata(path) {
        Ok(file) if file.is_dir() => {
            unusable(format!("cannot open the database {shown}: it is a folder; name a file in it"))
        }
        // To open a pipe would wait for its other end.
        Ok(file) if !file.is_file() => unusable(format!(
            "cannot open the database {shown}: it is no file but a device or a pipe; name another with --database-url"
        )),
        Ok(_) => match is_database(path) {
            Ok(true) => Ok(()),
            Ok(false) => unusable(format!(
                "cannot open the database {shown}: it is not an SQLite file; name another with --database-url"
            )),
            Err(error) => unusable(format!("cannot open the database {shown}: {}", reason(&error))),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => not_found(path, access),
        Err(error) => unusable(format!("cannot open the database {shown}: {}", reason(&error))),
    }
}

fn reason(error: &io::Error) -> String {
    let way_out = match error.kind() {
        io::ErrorKind::PermissionDenied => "; give this user access to it and its folder",
        _ => "",
    };
    format!("{}{way_out}", Outside(error))
}

fn not_found(path: &Path, access: Access) -> Result<(), Error> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        return Err(Error::Unusable(format!(
            "cannot open the database {}: its folder does not exist; create it, or name another",
            Outside(path.display())
        )));
    }
    if access == Access::Create {
        return Ok(());
    }
    // The default name is this program's own text.
    let name = path.display().to_string();
    let shown = if name == "onelogin.db" { name } else { Outside(name).to_string() };
    Err(Error::Unusable(format!(
        "there is no {shown} here: run `sync`, or name it with --database-url"
    )))
}

/// An empty file becomes a database.
fn is_database(path: &Path) -> io::Result<bool> {
    let mut head = Vec::new();
    fs::File::open(path)?.take(MAGIC.len() as u64).read_to_end(&mut head)?;
    Ok(head.is_empty() || head == MAGIC)
}

/// Creates a file that only its owner may read, because it will name people. SQLite gives its side files
/// the same mode.
///
/// # Errors
/// [`Error::Unusable`].
pub(super) fn create_private(path: &Path) -> Result<(), Error> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            match fs::read_link(path) {
                // A link to a file that does not exist yet. A circle of links ends in an error of `metadata`.
                Ok(target) if is_missing(path) => {
                    create_private(&path.parent().unwrap_or(Path::new("")).join(target))
                }
                _ => Ok(()),
            }
        }
        Err(error) => Err(Error::Unusable(format!(
            "cannot create the database {}: {}",
            Outside(path.display()),
            Outside(error)
        ))),
    }
}

fn is_missing(path: &Path) -> bool {
    fs::metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// Warns of an existing file that everybody on the machine may read.
#[cfg(unix)]
pub(super) fn warn_if_others_may_read(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).map_or(0, |file| file.permissions().mode());
    if mode & 0o004 != 0 {
        let shown = Outside(path.display());
        tracing::warn!(
            "everybody on this machine may read {shown}, which names people; run: chmod o-r {shown}"
        );
    }
}

#[cfg(not(unix))]
pub(super) fn warn_if_others_may_read(_: &Path) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_may_not_be_read_needs_access() {
        let refused = reason(&io::ErrorKind::PermissionDenied.into());
        assert_eq!(refused, "permission denied; give this user access to it and its folder");
    }
}
