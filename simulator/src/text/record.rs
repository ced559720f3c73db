//! Well-formed legacy records for a test to put by hand.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::write::write_date;

/// A well-formed legacy record, with the fields and the order of the documented sample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Record {
    /// The login: the link of a user and an app.
    pub login_id: i64,
    /// The id of the failure, or of the app, as the test likes.
    pub id: i64,
    /// `2014/09/08 18:17:23 -0700`; see [`created_at_text`].
    pub created_at: String,
    /// The error.
    pub error_description: Option<String>,
    /// The consequence: `Tanja Ono could not be reactivated in Sales App`.
    pub description: String,
    /// The user whose provisioning failed.
    pub user: Option<RecordUser>,
}

/// The person inside a [`Record`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordUser {
    /// The e-mail as of the failure.
    pub email: Option<String>,
    /// The name the user logs in with.
    pub username: Option<String>,
    /// The user's id in `OneLogin`.
    pub id: i64,
    /// Family name.
    pub lastname: Option<String>,
    /// Given name.
    pub firstname: Option<String>,
}

impl Record {
    /// A failure at `at`, written in UTC, of user `user_id` in Sales App. Change fields by
    /// `Record { login_id: 7, ..Record::new(1, at, 42) }`.
    #[must_use]
    pub fn new(id: i64, at: DateTime<Utc>, user_id: i64) -> Self {
        Self {
            login_id: 1_000 + user_id,
            id,
            created_at: created_at_text(at, 0),
            error_description: Some("Remote host refused the connection".to_owned()),
            description: format!("User {user_id} could not be suspended in Sales App"),
            user: Some(RecordUser {
                email: Some(format!("user{user_id}@example.com")),
                username: Some(format!("user{user_id}")),
                id: user_id,
                lastname: Some(user_id.to_string()),
                firstname: Some("User".to_owned()),
            }),
        }
    }

    /// Returns the JSON text, with every `/` escaped as `OneLogin` does.
    ///
    /// # Panics
    ///
    /// Never: numbers, texts and options of them are always JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let text = serde_json::to_string(self).expect("numbers and texts are JSON");
        // In JSON a slash can only stand inside a string.
        text.replace('/', "\\/")
    }
}

/// The instant as the legacy API writes it, `2014/09/08 18:17:23 -0700`, in the zone
/// `offset_minutes` ahead of UTC. It is cut off at the second, and the slashes are not escaped.
#[must_use]
pub fn created_at_text(at: DateTime<Utc>, offset_minutes: i32) -> String {
    let mut text = Vec::new();
    write_date(at.timestamp(), offset_minutes, &mut text);
    String::from_utf8_lossy(&text).replace('\\', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_written_as_in_the_documented_sample() {
        let at = DateTime::parse_from_rfc3339("2014-09-09T01:17:23Z").expect("a date").to_utc();
        let record = Record {
            login_id: 123_456,
            created_at: created_at_text(at, -7 * 60),
            error_description: None,
            user: None,
            ..Record::new(654_321, at, 5)
        };
        assert_eq!(
            record.to_json(),
            r#"{"login_id":123456,"id":654321,"created_at":"2014\/09\/08 18:17:23 -0700","error_description":null,"description":"User 5 could not be suspended in Sales App","user":null}"#
        );
    }
}
