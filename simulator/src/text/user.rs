//! The JSON of people of the directory, as `/api/2/users` writes it.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::event_time_text;
use super::write::{write_email, write_username};
use crate::history::Person;

/// The creation of the first people, long before any usual history begins.
const LONG_AGO: DateTime<Utc> = DateTime::from_timestamp(1_300_000_000, 0).unwrap();

/// A person as of `now`.
pub(crate) fn user_json(person: &Person, now: DateTime<Utc>) -> Value {
    let parse = |text: &[u8]| serde_json::from_slice::<Value>(text).unwrap_or_default();
    let text = |text: &str| parse(format!("\"{text}\"").as_bytes());
    let (mut email, mut username) = (Vec::new(), Vec::new());
    write_email(person, now.timestamp(), &mut email);
    write_username(person, &mut username);
    let day = i64::try_from(person.number % 365).unwrap_or_default();
    let created_at = LONG_AGO + TimeDelta::days(day);
    let fields = [
        ("id", json!(person.id())),
        ("email", parse(&email)),
        ("username", parse(&username)),
        ("firstname", text(person.first.0)),
        ("lastname", text(person.last.0)),
        ("status", json!(1)),
        ("state", json!(1)),
        ("title", Value::Null),
        ("department", Value::Null),
        ("external_id", Value::Null),
        ("group_id", Value::Null),
        ("created_at", event_time_text(created_at).into()),
        ("invalid_login_attempts", json!(0)),
    ];
    Value::Object(
        fields.map(|(name, value)| (name.to_owned(), value)).into_iter().collect::<Map<_, _>>(),
    )
}
