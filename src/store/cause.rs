//! Causes of a failing database: what the driver's error means, whether it heals, and what to do.

use std::io::ErrorKind;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::error::DatabaseError;

use super::Access;
use crate::redact::clean;

/// The role of this process on its one server: the place that gets an error does not know it.
static ROLE: OnceLock<String> = OnceLock::new();

/// This process only reads.
static READS: AtomicBool = AtomicBool::new(false);

const ASK_TO_ALLOW: &str =
    "allow this host, user and database in the server's pg_hba.conf, or use one that it allows";
const NO_NAMES: &str = "a pooler lends connections for one transaction: add ?statement-cache-capacity=0 to the \
    database URL";
const IGNORE_PARAMETER: &str = "add the parameter to ignore_startup_parameters of PgBouncer, or leave it out of the \
    database URL";
const MIGRATE_AS_OWNER: &str = "run `onelogin-sync migrate` as the owner of the tables";
const READ_ONLY: &str = "this server is a standby, or the role or database may only read \
    (default_transaction_read_only); name the primary, or a role that may write";
const LOST: &str = "the connection was lost: did the server restart, or another run end this one? run again; \
    complete windows are kept";
const CHECK_LOGIN: &str = "check user and password in the database URL, PGPASSWORD or PGPASSFILE";
const OTHER_SCHEMA: &str = "a table of that name is there that this program did not make; name a database of \
    its own, or a schema of its own with ?options=-csearch_path=NAME";
pub(super) const FILE_LOCKED: &str =
    "another program holds the file's lock; run again when it is done";
const FREE_SPACE: &str =
    "free some space on the database's disk and run again; complete windows are kept";

/// SQLite does not show which of the two is full.
const FREE_SPACE_OF_FILE: &str = "free some space on the file's disk, or on that of TMPDIR, where large sorts go, and \
    run again; complete windows are kept";

/// The tables from which a run deletes rows, as in `docs/roles.sql`.
const MADE_AGAIN: [&str; 7] = [
    "api_calls",
    "rereads",
    "selected_event_types",
    "provisioning_cases",
    "failures_by_day",
    "apps_by_day",
    "error_texts",
];

/// A driver's error as this program sees it.
struct Known {
    /// Trying again cannot help.
    is_for_good: bool,
    way_out: Option<String>,
}

pub(super) fn remember(role: &str, access: Access) {
    let _ = ROLE.set(role.to_owned());
    READS.store(access == Access::Read, Ordering::Relaxed);
}

/// Describes a driver's error, once and with a way out. Postgres' own text may end with a place in the
/// server's source, which is left out.
pub(crate) fn cause_of(error: &sqlx::Error) -> String {
    let text = match error {
        sqlx::Error::Database(error) => clean(error.message()),
        sqlx::Error::Io(error) => io_text(error),
        sqlx::Error::PoolTimedOut => "it did not answer in time".to_owned(),
        other if is_no_postgres(other) => "what answers there is no Postgres".to_owned(),
        other => clean(&other.to_string()),
    };
    match known(error).way_out {
        Some(way_out) => format!("{text}; {way_out}"),
        None => text,
    }
}

/// The error of a file that could not be opened: no network lies in between, so a wait is one for its lock.
pub(super) fn of_file(error: sqlx::Error) -> sqlx::Error {
    match error {
        sqlx::Error::PoolTimedOut => std::io::Error::new(ErrorKind::TimedOut, FILE_LOCKED).into(),
        other => other,
    }
}

/// Checks that a file or its folder cannot be written.
pub(super) fn is_read_only(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    code.is_some_and(|code| [8, 14].contains(&(code & 0xFF)))
}

/// Checks that trying again cannot help until somebody changes something.
pub(super) fn is_for_good(error: &sqlx::Error) -> bool {
    known(error).is_for_good
}

/// Checks that a server answers the first question of the protocol in another one. The driver has only a text for it.
fn is_no_postgres(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Protocol(text) if text.contains("SSLRequest"))
}

fn io_text(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        ErrorKind::NotFound => "its socket does not exist".to_owned(),
        _ => clean(&error.to_string()),
    }
}

fn known(error: &sqlx::Error) -> Known {
    let heals = |way_out: &str| Known { is_for_good: false, way_out: Some(way_out.to_owned()) };
    let for_good = |way_out: &str| Known { is_for_good: true, way_out: Some(way_out.to_owned()) };
    match error {
        sqlx::Error::Database(error)
            if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() =>
        {
            of_sqlite(&**error)
        }
        sqlx::Error::Database(error) => of_postgres(&**error),
        sqlx::Error::Io(error) => match error.kind() {
            ErrorKind::ConnectionRefused => {
                heals("nothing listens there: is the server running, and are host and port right?")
            }
            ErrorKind::NotFound => heals("is the server running, and is the folder right?"),
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
                heals(LOST)
            }
            ErrorKind::PermissionDenied => for_good("give this user access to it"),
            _ if error.to_string().contains("lookup") => {
                heals("check the host's name in the database URL")
            }
            _ => Known { is_for_good: false, way_out: None },
        },
        sqlx::Error::PoolTimedOut => heals("is it overloaded, or a firewall in between?"),
        sqlx::Error::Configuration(_) => Known { is_for_good: true, way_out: None },
        other if is_no_postgres(other) => heals("are host and port right?"),
        _ => Known { is_for_good: false, way_out: None },
    }
}

/// Classifies an error by its SQLSTATE. Class 42 (missing object or no permission) never heals by
/// itself.
fn of_postgres(error: &dyn DatabaseError) -> Known {
    let code = error.code().unwrap_or_default();
    let way_out = match &*code {
        "28000" if error.message().contains("pg_hba.conf") => ASK_TO_ALLOW.to_owned(),
        "28P01" | "28000" => CHECK_LOGIN.to_owned(),
        "3D000" => "create it with createdb, or name another in the database URL".to_owned(),
        "42501" if error.message().starts_with("must be owner") => MIGRATE_AS_OWNER.to_owned(),
        "42501" => grant(error.message()),
        "08P01" if error.message().contains("startup parameter") => IGNORE_PARAMETER.to_owned(),
        "42P05" | "26000" => NO_NAMES.to_owned(),
        "57P01" => LOST.to_owned(),
        "25006" => READ_ONLY.to_owned(),
        "42P07" | "42710" => OTHER_SCHEMA.to_owned(),
        "3F000" => "create the schema, or correct search_path".to_owned(),
        "53100" => FREE_SPACE.to_owned(),
        "53300" => {
            "a run needs two: close some, or raise max_connections, or the limit of the role or the database"
                .to_owned()
        }
        _ => {
            return Known { is_for_good: code.starts_with("42"), way_out: None };
        }
    };
    let heals = code.starts_with("53") || code.starts_with("57");
    Known { is_for_good: !heals, way_out: Some(way_out) }
}

/// By its primary result code, the low byte.
fn of_sqlite(error: &dyn DatabaseError) -> Known {
    let code = error.code().and_then(|code| code.parse::<u32>().ok()).unwrap_or_default() & 0xFF;
    let message = error.message();
    let (is_for_good, way_out) = match code {
        1 if message.contains("already exists") => (true, Some(OTHER_SCHEMA)),
        1 if message.contains("no such") => (true, Some("run `onelogin-sync migrate`")),
        3 | 8 | 23 => (true, Some("make the file and its folder writable for this user")),
        5 => (false, Some(FILE_LOCKED)),
        10 => {
            (false, Some("is its disk full, or does it fail? run again; complete windows are kept"))
        }
        11 => (true, Some("restore the file from a backup, or remove it and run `sync`")),
        13 => (false, Some(FREE_SPACE_OF_FILE)),
        14 => (true, Some("check that its folder exists and this user may write there")),
        26 => (true, Some("name another file in --database-url")),
        _ => (false, None),
    };
    Known { is_for_good, way_out: way_out.map(str::to_owned) }
}

/// The statement that the owner has to run. `permission denied for table users` names the object.
fn grant(message: &str) -> String {
    let role = ROLE.get().map_or("this role", String::as_str);
    let role = clean(&quoted(role));
    let (of_table, of_schema) = if READS.load(Ordering::Relaxed) {
        ("select", "usage")
    } else {
        ("select, insert, update, delete", "usage, create")
    };
    let object = message.split_once(" for ").and_then(|(_, object)| object.split_once(' '));
    let (rights, object) = match object {
        // No command writes to a view.
        Some(("view", name)) => ("select", format!("table {}", clean(name))),
        Some(("table" | "relation", name)) => {
            // Nothing else is deleted.
            let is_deleted =
                READS.load(Ordering::Relaxed) || MADE_AGAIN.contains(&name.trim_matches('"'));
            let rights = if is_deleted { of_table } else { "select, insert, update" };
            (rights, format!("table {}", clean(name)))
        }
        Some(("schema", name)) => (of_schema, format!("schema {}", clean(name))),
        Some(("database", name)) => ("connect", format!("database {}", clean(name))),
        Some(("sequence", name)) => ("usage", format!("sequence {}", clean(name))),
        _ => (of_table, "all tables in schema public".to_owned()),
    };
    format!("as its owner run: grant {rights} on {object} to {role}")
}

fn quoted(name: &str) -> String {
    let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if is_plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_breaks_is_lost() {
        for kind in [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset, ErrorKind::BrokenPipe] {
            let cause = cause_of(&std::io::Error::new(kind, "expected 5 bytes").into());
            assert_eq!(cause, format!("expected 5 bytes; {LOST}"));
        }
    }

    #[test]
    fn the_advice_on_rights_is_what_the_roles_have() {
        let roles = include_str!("../../docs/roles.sql");
        let (_, tables) = roles.split_once("grant select, insert, update, delete on").unwrap();
        let (tables, _) = tables.split_once("to onelogin_loader").unwrap();
        assert_eq!(tables.trim(), MADE_AGAIN.join(", "));
    }

    #[test]
    fn a_file_that_is_waited_for_in_vain_is_locked() {
        assert_eq!(cause_of(&of_file(sqlx::Error::PoolTimedOut)), FILE_LOCKED);
    }
}
