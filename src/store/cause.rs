//! Causes of a failing database: what the driver's error means, and what to do about it.

use sqlx::error::DatabaseError;

use crate::redact::clean;

/// Describes a driver's error, once and without the places in the server's source that some versions add.
pub(crate) fn cause_of(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => server_text(&**error),
        sqlx::Error::Io(error) => clean(&error.to_string()),
        other => clean(&other.to_string()),
    }
}

fn server_text(error: &dyn DatabaseError) -> String {
    let code = error.code().map(|code| format!(" ({code})")).unwrap_or_default();
    format!("{}{}", clean(error.message()), clean(&code))
}
