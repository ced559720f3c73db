//! Well-formed events for a test to put by hand.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use crate::config::DEFAULT_ACCOUNT_ID;

/// A well-formed event of the current API, for [`Simulator::put_event`](crate::Simulator::put_event).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventRecord {
    /// The event's own id. Real ones need 64 bits.
    pub id: i64,
    /// `2026-03-01T10:11:12.345Z`; see [`event_time_text`].
    pub created_at: String,
    /// The OneLogin account; by default that of [`Config::default`](crate::Config::default).
    pub account_id: Option<u64>,
    /// The user whose account in the app it concerns.
    pub user_id: Option<i64>,
    /// First and last name of that user.
    pub user_name: Option<String>,
    /// 61 to 65 and 25 are failures, 51 to 55 and 59 successes.
    pub event_type_id: i64,
    /// Further details.
    pub notes: Option<String>,
    /// The address from which it was caused.
    pub ipaddr: Option<String>,
    /// The person who caused it.
    pub actor_user_id: Option<i64>,
    /// The name of that person.
    pub actor_user_name: Option<String>,
    /// The part of OneLogin that caused it, if it was no person.
    pub actor_system: Option<String>,
    /// The app.
    pub app_id: Option<i64>,
    /// The app's name.
    pub app_name: Option<String>,
    /// Further details.
    pub custom_message: Option<String>,
    /// The error, of a failure.
    pub error_description: Option<String>,
    /// The resolution, of a solved failure.
    pub resolution: Option<String>,
    /// The time of the resolution.
    pub resolved_at: Option<String>,
    /// The person who solved it.
    pub resolved_by_user_id: Option<i64>,
    /// True if it is solved.
    pub solved: Option<bool>,
}

impl EventRecord {
    /// An event of user `user_id` in Sales App, with an error if its type is a failure. Change
    /// fields by `EventRecord { app_id: None, ..EventRecord::new(…) }`.
    #[must_use]
    pub fn new(id: i64, at: DateTime<Utc>, event_type_id: i64, user_id: i64) -> Self {
        let failed = matches!(event_type_id, 25 | 61..=65);
        Self {
            id,
            created_at: event_time_text(at),
            account_id: Some(DEFAULT_ACCOUNT_ID),
            user_id: Some(user_id),
            user_name: Some(format!("User {user_id}")),
            event_type_id,
            notes: None,
            ipaddr: None,
            actor_user_id: None,
            actor_user_name: None,
            actor_system: Some("OneLogin::Provisioning".to_owned()),
            app_id: Some(360_000),
            app_name: Some("Sales App".to_owned()),
            custom_message: None,
            error_description: failed.then(|| "Remote host refused the connection".to_owned()),
            resolution: None,
            resolved_at: None,
            resolved_by_user_id: None,
            solved: None,
        }
    }

    /// Returns the JSON text.
    ///
    /// # Panics
    ///
    /// Never: numbers, texts and options of them are always JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("numbers and texts are JSON")
    }
}

/// The instant as the current API writes it, `2026-03-01T10:11:12.345Z`, cut off at the
/// millisecond.
#[must_use]
pub fn event_time_text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_written_with_64_bit_ids_and_milliseconds() {
        let at = DateTime::parse_from_rfc3339("2026-03-01T10:11:12.3456Z").expect("a date");
        let record = EventRecord::new(81_000_000_001, at.to_utc(), 64, 42).to_json();
        assert!(
            record.starts_with("{\"id\":81000000001,\"created_at\":\"2026-03-01T10:11:12.345Z\"")
        );
        assert!(record.contains("\"error_description\":\"Remote host"));
        let success = EventRecord::new(1, at.to_utc(), 51, 42).to_json();
        assert!(success.contains("\"error_description\":null"), "{success}");
    }
}
