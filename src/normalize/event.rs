//! Records of the events API, and of the webhook that delivers the same events under other names.

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::event_type::{EventSelection, SKIPPED, failed_operation, outcome};
use super::field_reader::FieldReader;
use super::raw_fields::raw_fields;
use super::{Defect, VERSION, fields, instant, object};
use crate::identity::{self, EventKey};
use crate::model::{
    Batch, Failure, Operation, OperationSource, Origin, Person, Profile, Reason, Resolution,
    Success, TextRef,
};

/// The form in which an event is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// In an answer of the API: a numeric `id`, and `created_at`.
    Api,
    /// In a delivery to a webhook: a `uuid`, and `event_timestamp`.
    Webhook,
}

impl Shape {
    /// Part of the content hash. Deliveries are read for details of people since their version 2.
    fn version(self) -> u8 {
        match self {
            Self::Api => VERSION,
            Self::Webhook => VERSION + 1,
        }
    }
}

raw_fields! {
    /// An event, every field as its raw text first. The documentation writes some names with a hyphen,
    /// the API with an underscore.
    struct Fields {
        id: "id",
        uuid: "uuid",
        create: "create",
        created_at: "created_at",
        event_timestamp: "event_timestamp",
        event_type_id: "event_type_id",
        account_id: "account_id",
        user_id: "user_id",
        user_name: "user_name",
        user_name_hyphen: "user-name",
        user_attributes: "user_attributes",
        app_id: "app_id",
        app_name: "app_name",
        app_name_hyphen: "app-name",
        login_id: "login_id",
        error_description: "error_description",
        notes: "notes",
        custom_message: "custom_message",
        solved: "solved",
        resolved_at: "resolved_at",
        resolution: "resolution",
    }
}

raw_fields! {
    /// The person's details in a delivery.
    struct Attributes {
        id: "id",
        email: "email",
        username: "username",
        firstname: "firstname",
        lastname: "lastname",
    }
}

raw_fields! {
    /// The creation of a delivery, whose id some senders do not repeat as `uuid`.
    struct Creation {
        id: "_id",
    }
}

/// The fields that failures and successes have in common.
struct ParsedEvent {
    id: uuid::Uuid,
    source_id: Option<i64>,
    type_id: i64,
    user_id: Option<i64>,
    user_name: Option<TextRef>,
    app_id: Option<i64>,
    app_name: Option<TextRef>,
    profile: Option<Profile>,
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
    // It does not identify an event, so it cannot reject one.
    let account_id = optional_id(&mut reader, record.account_id);
    // The type comes first: the other fields of an event of another type do not matter.
    if selected.is_failure(type_id) {
        let event = event(&mut reader, origin, shape, type_id, &record, raw)?;
        let resolution = resolution(&mut reader, &record);
        let failure = failure(&mut reader, event, resolution);
        batch.failures.push(failure);
    } else if let Some(operation) = selected.success(type_id) {
        let event = event(&mut reader, origin, shape, type_id, &record, raw)?;
        batch.successes.push(success(&event, operation));
    } else {
        batch.texts.forget(before);
        batch.ignored.push(type_id);
        return Ok(());
    }
    if let Some(account_id) = account_id {
        batch.note_account(account_id);
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
    let user_id = optional_id(reader, record.user_id);
    let app_id = optional_id(reader, record.app_id);
    let login_id = reader.text(record.login_id);
    let error_description = error(reader, record);
    let uuid = uuid(reader, record);
    let user_name = name(reader, record.user_name.or(record.user_name_hyphen));
    let app_name = name(reader, record.app_name.or(record.app_name_hyphen));
    let app_name = app_name.and_then(|name| super::app_name(name, reader.texts));
    let profile = match shape {
        Shape::Api => None,
        Shape::Webhook => profile(reader, user_id, record.user_attributes),
    };
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
        profile,
        login_id,
        error_description,
        created_at,
        created_at_raw,
        raw: reader.whole,
        content_hash: identity::content_hash(shape.version(), raw),
    })
}

fn failure(reader: &mut FieldReader, event: ParsedEvent, resolution: Resolution) -> Failure {
    let described = event.profile.as_ref().and_then(|profile| profile.display_name(reader.texts));
    let display_name = event.user_name.or(described);
    let person =
        event.user_id.map(|user_id| Person { user_id, display_name, profile: event.profile });
    Failure {
        failure_id: event.id,
        source_id: event.source_id,
        login_id: event.login_id,
        person,
        operation: failed_operation(event.type_id),
        operation_source: OperationSource::EventType,
        outcome: outcome(event.type_id),
        app_id: event.app_id,
        app_name: event.app_name,
        event_type_id: Some(event.type_id),
        created_at: event.created_at,
        created_at_raw: event.created_at_raw,
        description: sentence(reader, event.type_id, event.user_name, event.app_name),
        error_description: event.error_description,
        error_fingerprint: None,
        resolution,
        raw: event.raw,
        content_hash: event.content_hash,
    }
}

fn success(event: &ParsedEvent, operation: Operation) -> Success {
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
        SKIPPED | 61 => "suspended",
        62 => "reactivated",
        63 => "deleted",
        64 => "created",
        65 => "updated",
        _ => return None,
    };
    let not = if type_id == SKIPPED { " was not " } else { " could not be " };
    let (user, app) = user.zip(app)?;
    let start = reader.texts.here();
    reader.texts.copy(user);
    for part in [not, verb, " in "] {
        reader.texts.part(part);
    }
    reader.texts.copy(app);
    Some(reader.texts.since(start))
}

/// Reads the error from the first field that has one.
fn error<'a>(reader: &mut FieldReader<'a, '_>, record: &Fields<'a>) -> Option<TextRef> {
    [record.error_description, record.notes, record.custom_message].into_iter().find_map(|value| {
        let text = reader.text(value);
        text.filter(|text| !reader.texts.get(*text).is_empty())
    })
}

/// Reads the state of a failure. An unreadable time or flag is no reason to reject it.
fn resolution<'a>(reader: &mut FieldReader<'a, '_>, record: &Fields<'a>) -> Resolution {
    let solved = reader.text(record.solved);
    let resolved_at = reader.text(record.resolved_at);
    let text = name(reader, record.resolution);
    let get = |text: TextRef| reader.texts.get(text);
    let solved = match solved.map(get) {
        Some("true" | "1") => Some(true),
        Some("false" | "0") => Some(false),
        _ => None,
    };
    Resolution {
        solved,
        resolved_at: resolved_at.map(get).and_then(instant::parse),
        // The API was seen to send the number 0 for no text.
        text: text.filter(|text| get(*text) != "0"),
    }
}

/// Reads the id of a delivery.
fn uuid<'a>(reader: &mut FieldReader<'a, '_>, record: &Fields<'a>) -> Option<TextRef> {
    let created = record.create.and_then(|create| object::<Creation>(create.get()).ok()?.id);
    name(reader, record.uuid).or_else(|| name(reader, created))
}

/// Reads the details of the person, unless they are of somebody else.
fn profile<'a>(
    reader: &mut FieldReader<'a, '_>,
    user_id: Option<i64>,
    attributes: Option<&'a RawValue>,
) -> Option<Profile> {
    let attributes: Attributes = object(attributes?.get()).ok()?;
    let id = optional_id(reader, attributes.id);
    if id.is_some() && id != user_id {
        return None;
    }
    Some(Profile {
        email: reader.text(attributes.email),
        username: reader.text(attributes.username),
        firstname: reader.text(attributes.firstname),
        lastname: reader.text(attributes.lastname),
    })
}

/// Reads the id of something else. Zero, an empty text and what is no id mean that there is none: it
/// does not identify the event.
fn optional_id<'a>(reader: &mut FieldReader<'a, '_>, value: Option<&'a RawValue>) -> Option<i64> {
    reader.id(value).ok().flatten().filter(|&id| id != 0)
}

/// Reads a name; a blank one counts as absent.
fn name<'a>(reader: &mut FieldReader<'a, '_>, value: Option<&'a RawValue>) -> Option<TextRef> {
    reader.text(value).filter(|text| !reader.texts.get(*text).trim().is_empty())
}
