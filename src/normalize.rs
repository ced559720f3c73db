//! From the text of one record to a [`Failure`], or to a [`Reject`] that says what is wrong with it.
//!
//! Pure: no I/O, no clock. The same text gives the same row on every machine.

mod instant;
mod scalar;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::identity;
use crate::model::{Failure, Operation, Origin, Person, Reason, Reject};

/// Part of every content hash. Raise it when the columns made from the same text change: the next
/// read of a record then rewrites its row.
const VERSION: u8 = 1;

/// Levels of brackets that a record may have; the documented ones have two. Postgres gives up on
/// JSON of some thousand levels, and the whole window with it.
const DEEPEST: usize = 500;

/// A record of the legacy endpoint. Every field is read leniently, as its raw text first: what
/// the documentation promises and what an old API sends are two things.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    login_id: Option<&'a RawValue>,
    created_at: Option<&'a RawValue>,
    description: Option<&'a RawValue>,
    error_description: Option<&'a RawValue>,
    user: Option<&'a RawValue>,
}

/// The person inside a record.
#[derive(Deserialize)]
struct User<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    email: Option<&'a RawValue>,
    username: Option<&'a RawValue>,
    firstname: Option<&'a RawValue>,
    lastname: Option<&'a RawValue>,
}

/// Why a record is not a failure: the reason, and what was expected.
type Defect = (Reason, String);

/// Reads one record of the legacy endpoint.
///
/// # Errors
/// A [`Reject`] with the reason and the text, when the record has no readable id or time, or when a
/// field holds something it cannot hold. A record without a person is none: it loads.
pub fn legacy(origin: &Origin, raw: &[u8]) -> Result<Failure, Reject> {
    failure(origin, raw).map_err(|(reason, detail)| {
        let raw = String::from_utf8_lossy(raw).replace('\0', "\u{FFFD}");
        Reject::new(origin, reason, detail, raw)
    })
}

fn failure(origin: &Origin, raw: &[u8]) -> Result<Failure, Defect> {
    let raw = std::str::from_utf8(raw).map_err(|e| (Reason::NotJson, e.to_string()))?;
    let record: Record = object(raw)?;
    if is_deeper_than(DEEPEST, raw) {
        let what = format!("expected at most {DEEPEST} levels of brackets, found more");
        return Err((Reason::BadField, what));
    }
    let source_id = scalar::id(record.id)
        .map_err(|what| (Reason::BadId, format!("id: {what}")))?
        .ok_or_else(|| (Reason::BadId, "id: missing or null".to_owned()))?;
    let bad_time = |what: &str| (Reason::BadCreatedAt, format!("created_at: {what}"));
    let created_at_raw = scalar::text(record.created_at)
        .map_err(|what| bad_time(&what))?
        .ok_or_else(|| bad_time("missing or null"))?;
    let created_at = instant::parse(&created_at_raw)
        .ok_or_else(|| bad_time("not a time between 1970 and 9999"))?;
    let login_id = field("login_id", record.login_id)?;
    let person = person(record.user)?;
    let description = field("description", record.description)?;
    let (operation, app_name) = read_sentence(description.as_deref());
    Ok(Failure {
        failure_id: identity::failure_id(
            origin,
            source_id,
            login_id.as_deref(),
            person.as_ref().map(|p| p.user_id),
            created_at,
            description.as_deref(),
        ),
        content_hash: identity::content_hash(VERSION, raw),
        operation,
        app_name: app_name.map(str::to_owned),
        error_description: field("error_description", record.error_description)?,
        raw: raw.to_owned(),
        source_id,
        login_id,
        person,
        created_at,
        created_at_raw,
        description,
    })
}

fn person(user: Option<&RawValue>) -> Result<Option<Person>, Defect> {
    let Some(user) = user.filter(|u| u.get() != "null") else { return Ok(None) };
    let user: User =
        object(user.get()).map_err(|(_, what)| (Reason::BadField, format!("user: {what}")))?;
    let id = scalar::id(user.id).map_err(|what| (Reason::BadField, format!("user.id: {what}")))?;
    // A person without an id is nobody we could keep a row of: the failure counts all the same.
    let Some(user_id) = id else { return Ok(None) };
    Ok(Some(Person {
        user_id,
        email: field("user.email", user.email)?,
        username: field("user.username", user.username)?,
        firstname: field("user.firstname", user.firstname)?,
        lastname: field("user.lastname", user.lastname)?,
    }))
}

fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Defect> {
    let not_json = |e: serde_json::Error| (Reason::NotJson, e.to_string());
    // serde would take an array for a struct, value by value.
    if !text.trim_start().starts_with('{') {
        let value: &RawValue = serde_json::from_str(text).map_err(not_json)?;
        return Err((Reason::NotAnObject, format!("expected an object, found {}", value.get())));
    }
    serde_json::from_str(text).map_err(not_json)
}

/// Whether a JSON text has more levels of brackets than this.
fn is_deeper_than(levels: usize, json: &str) -> bool {
    // Each level takes two characters, so that most records need no look.
    if json.len() / 2 <= levels {
        return false;
    }
    let (mut depth, mut in_string, mut escaped) = (0, false, false);
    json.bytes().any(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth -= 1,
            _ => {}
        }
        depth > levels
    })
}

fn field(name: &str, value: Option<&RawValue>) -> Result<Option<String>, Defect> {
    scalar::text(value).map_err(|what| (Reason::BadField, format!("{name}: {what}")))
}

/// The operation and the app in `… could not be reactivated in Sales App`. The legacy record names
/// them nowhere else.
fn read_sentence(description: Option<&str>) -> (Operation, Option<&str>) {
    let deed = description.and_then(|text| text.split_once(" could not be "));
    let Some((verb, app)) = deed.and_then(|(_, deed)| deed.split_once(" in ")) else {
        return (Operation::Unknown, None);
    };
    let operation = match verb {
        "created" => Operation::Create,
        "updated" => Operation::Update,
        "suspended" => Operation::Suspend,
        "reactivated" => Operation::Reactivate,
        "deleted" => Operation::Delete,
        _ => Operation::Unknown,
    };
    (operation, Some(app.trim()).filter(|app| !app.is_empty()))
}

#[cfg(test)]
mod tests;
