//! Records of the events API, and of the webhook that delivers the same events under other names.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::event_type::{EventSelection, failed_operation};
use super::field_reader::FieldReader;
use super::{Defect, VERSION, fields, instant};
use crate::identity::{self, EventKey};
use crate::model::{
    Batch, Failure, Operation, OperationSource, Origin, Person, Reason, Resolution, Success,
    TextRef,
};

/// The form in which an event is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// In an answer of the API: a numeric `id`, and `created_at`.
    Api,
    /// In a delivery to a webhook: a `uuid`, and `event_timestamp`.
    Webhook,
}

/// An event, every field as its raw text first. The documentation writes some names with a hyphen,
/// the API with an underscore.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    uuid: Option<&'a RawValue>,
    created_at: Option<&'a RawValue>,
    event_timestamp: Option<&'a RawValue>,
    event_type_id: Option<&'a RawValue>,
    user_id: Option<&'a RawValue>,
    user_name: Option<&'a RawValue>,
    #[serde(rename = "user-name")]
    user_name_hyphen: Option<&'a RawValue>,
    app_id: Option<&'a RawValue>,
    app_name: Option<&'a RawValue>,
    #[serde(rename = "app-name")]
    app_name_hyphen: Option<&'a RawValue>,
    login_id: Option<&'a RawValue>,
    error_description: Option<&'a RawValue>,
    notes: Option<&'a RawValue>,
    custom_message: Option<&'a RawValue>,
    solved: Option<&'a RawValue>,
    resolved_at: Option<&'a RawValue>,
    resolution: Option<&'a RawValue>,
}

/// The fields that failures and successes have in common.
#[derive(Clone, Copy)]
struct ParsedEvent {
    id: uuid::Uuid,
    source_id: Option<i64>,
    type_id: i64,
    user_id: Option<i64>,
    user_name: Option<TextRef>,
    app_id: Option<i64>,
    app_name: Option<TextRef>,
    login_id: Option<TextRef>,
    error_description: Option<TextRef>,
    created_at: DateTime<Utc>,
    created_at_raw: TextRef,
    raw: TextRef,
    content_hash: i64,
}

pub(super) fn read(
    origin: &Origin,
    selected: &EventSelection,
    shape: Shape,
    raw: &str,
    batch: &mut Batch,
) -> Result<(), Defect> {
    let record: Fields = fields(raw)?;
    let before = batch.texts.here();
    let mut reader = FieldReader::new(raw, &mut batch.texts);
    let type_id = event_type(&mut reader, record.event_type_id)?;
    // The type comes first: the other fields of an event of another type do not matter.
    if selected.is_failure(type_id) {
        let event = event(&mut reader, origin, shape, type_id, &record, raw)?;
        let resolution = resolution(&mut reader, &record)?;
        let failure = failure(&mut reader, event, resolution);
        batch.failures.push(failure);
    } else if let Some(operation) = selected.success(type_id) {
        let event = event(&mut reader, origin, shape, type_id, &record, raw)?;
        batch.successes.push(success(event, operation));
    } else {
        batch.texts.forget(before);
        batch.ignored.push(type_id);
    }
    Ok(())
}

fn event_type<'a>(
    reader: &mut FieldReader<'a, '_>,
    value: Option<&'a RawValue>,
) -> Result<i64, Defect> {
    let bad = |what: &str| (Reason::BadEventType, format!("event_type_id: {what}"));
    reader.id(value).map_err(|what| bad(&what))?.ok_or_else(|| bad("missing or null"))
}

fn event<'a>(
    reader: &mut FieldReader<'a, '_>,
    origin: &Origin,
    shape: Shape,
    type_id: i64,
    record: &Fields<'a>,
    raw: &str,
) -> Result<ParsedEvent, Defect> {
    let (source_id, time, time_name) = match shape {
        Shape::Api => (Some(reader.own_id(record.id)?), record.created_at, "created_at"),
        Shape::Webhook => (None, record.event_timestamp, "event_timestamp"),
    };
    let (created_at_raw, created_at) = reader.moment(time_name, time)?;
    let user_id = optional_id(reader, "user_id", record.user_id)?;
    let app_id = optional_id(reader, "app_id", record.app_id)?;
    let login_id = reader.field("login_id", record.login_id)?;
    let error_description = error(reader, record)?;
    let uuid = reader.field("uuid", record.uuid)?;
    let user_name = name(reader, "user_name", record.user_name.or(record.user_name_hyphen))?;
    let app_name = name(reader, "app_name", record.app_name.or(record.app_name_hyphen))?;
    let get = |text: TextRef| reader.texts.get(text);
    let key = match (source_id, uuid) {
        (Some(id), _) => EventKey::Id(id),
        (None, Some(uuid)) => EventKey::Uuid(get(uuid)),
        (None, None) => EventKey::Content {
            event_type_id: type_id,
            user_id,
            app_id,
            login_id: login_id.map(get),
            error_description: error_description.map(get),
        },
    };
    Ok(ParsedEvent {
        id: identity::event_id(origin, &key, created_at),
        source_id,
        type_id,
        user_id,
        user_name,
        app_id,
        app_name,
        login_id,
        error_description,
        created_at,
        created_at_raw,
        raw: reader.whole,
        content_hash: identity::content_hash(VERSION, raw),
    })
}

fn failure(reader: &mut FieldReader, event: ParsedEvent, resolution: Resolution) -> Failure {
    let display_name = event.user_name;
    let person = |user_id| Person { user_id, display_name, profile: None };
    Failure {
        failure_id: event.id,
        source_id: event.source_id,
        login_id: event.login_id,
        person: event.user_id.map(person),
        operation: failed_operation(event.type_id),
        operation_source: OperationSource::EventType,
        app_id: event.app_id,
        app_name: event.app_name,
        event_type_id: Some(event.type_id),
        created_at: event.created_at,
        created_at_raw: event.created_at_raw,
        description: sentence(reader, event.type_id, event.user_name, event.app_name),
        error_description: event.error_description,
        resolution,
        raw: event.raw,
        content_hash: event.content_hash,
    }
}

fn success(event: ParsedEvent, operation: Operation) -> Success {
    Success {
        success_id: event.id,
        source_id: event.source_id,
        user_id: event.user_id,
        user_name: event.user_name,
        operation,
        app_id: event.app_id,
        app_name: event.app_name,
        event_type_id: event.type_id,
        created_at: event.created_at,
        created_at_raw: event.created_at_raw,
        raw: event.raw,
        content_hash: event.content_hash,
    }
}

/// Writes the sentence that the legacy API would have sent: an event has none.
fn sentence(
    reader: &mut FieldReader,
    type_id: i64,
    user: Option<TextRef>,
    app: Option<TextRef>,
) -> Option<TextRef> {
    let verb = match type_id {
        25 => return Some(reader.texts.write("Internal provisioning error")),
        61 => "suspended",
        62 => "reactivated",
        63 => "deleted",
        64 => "created",
        65 => "updated",
        _ => return None,
    };
    let (user, app) = user.zip(app)?;
    let start = reader.texts.here();
    reader.texts.copy(user);
    for part in [" could not be ", verb, " in "] {
        reader.texts.part(part);
    }
    reader.texts.copy(app);
    Some(reader.texts.since(start))
}

/// Reads the error from the first field that has one.
fn error<'a>(
    reader: &mut FieldReader<'a, '_>,
    record: &Fields<'a>,
) -> Result<Option<TextRef>, Defect> {
    for (name, value) in [
        ("error_description", record.error_description),
        ("notes", record.notes),
        ("custom_message", record.custom_message),
    ] {
        let text = reader.field(name, value)?;
        if let Some(text) = text.filter(|text| !reader.texts.get(*text).is_empty()) {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

/// Reads the state of a failure. An unreadable time or flag is no reason to reject it.
fn resolution<'a>(
    reader: &mut FieldReader<'a, '_>,
    record: &Fields<'a>,
) -> Result<Resolution, Defect> {
    let solved = reader.field("solved", record.solved)?;
    let resolved_at = reader.field("resolved_at", record.resolved_at)?;
    let text = name(reader, "resolution", record.resolution)?;
    let get = |text: TextRef| reader.texts.get(text);
    let solved = match solved.map(get) {
        Some("true" | "1") => Some(true),
        Some("false" | "0") => Some(false),
        _ => None,
    };
    Ok(Resolution {
        solved,
        resolved_at: resolved_at.map(get).and_then(instant::parse),
        // The API was seen to send the number 0 for no text.
        text: text.filter(|text| get(*text) != "0"),
    })
}

/// Reads the id of something else. Zero and an empty text mean that there is none.
fn optional_id<'a>(
    reader: &mut FieldReader<'a, '_>,
    name: &str,
    value: Option<&'a RawValue>,
) -> Result<Option<i64>, Defect> {
    let text = reader.field(name, value)?;
    if text.is_some_and(|text| reader.texts.get(text).trim().is_empty()) {
        return Ok(None);
    }
    let bad = |what| (Reason::BadField, format!("{name}: {what}"));
    Ok(reader.id(value).map_err(bad)?.filter(|&id| id != 0))
}

/// Reads a name; a blank one counts as absent.
fn name<'a>(
    reader: &mut FieldReader<'a, '_>,
    name: &str,
    value: Option<&'a RawValue>,
) -> Result<Option<TextRef>, Defect> {
    let text = reader.field(name, value)?;
    Ok(text.filter(|text| !reader.texts.get(*text).trim().is_empty()))
}
