//! Records of the events API, and of the webhook that delivers the same events under other names.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::event_type::{Asked, failed_operation};
use super::{Defect, VERSION, field, fields, instant, moment, own_id, scalar};
use crate::identity::{self, EventKey};
use crate::model::{
    Failure, Operation, OperationSource, Origin, Person, Reason, Record, Resolution, Success,
};

/// Where an event was written.
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

/// What failures and successes have in common.
struct Deed {
    id: uuid::Uuid,
    source_id: Option<i64>,
    type_id: i64,
    user_id: Option<i64>,
    user_name: Option<String>,
    app_id: Option<i64>,
    app_name: Option<String>,
    login_id: Option<String>,
    error_description: Option<String>,
    created_at: DateTime<Utc>,
    created_at_raw: String,
}

pub(super) fn read(
    origin: &Origin,
    asked: &Asked,
    shape: Shape,
    raw: &str,
) -> Result<Record, Defect> {
    let record: Fields = fields(raw)?;
    let event_type_id = event_type(record.event_type_id)?;
    // First of all: what else an event of another type holds is none of our business.
    if asked.is_failure(event_type_id) {
        let deed = deed(origin, shape, event_type_id, &record)?;
        Ok(Record::Failure(failure(deed, resolution(&record)?, raw)))
    } else if let Some(operation) = asked.success(event_type_id) {
        let deed = deed(origin, shape, event_type_id, &record)?;
        Ok(Record::Success(success(deed, operation, raw)))
    } else {
        Ok(Record::Ignored { event_type_id })
    }
}

fn event_type(value: Option<&RawValue>) -> Result<i64, Defect> {
    let bad = |what: &str| (Reason::BadEventType, format!("event_type_id: {what}"));
    scalar::id(value).map_err(|what| bad(&what))?.ok_or_else(|| bad("missing or null"))
}

fn deed(
    origin: &Origin,
    shape: Shape,
    event_type_id: i64,
    record: &Fields,
) -> Result<Deed, Defect> {
    let (source_id, time, time_name) = match shape {
        Shape::Api => (Some(own_id(record.id)?), record.created_at, "created_at"),
        Shape::Webhook => (None, record.event_timestamp, "event_timestamp"),
    };
    let (created_at_raw, created_at) = moment(time_name, time)?;
    let user_id = optional_id("user_id", record.user_id)?;
    let app_id = optional_id("app_id", record.app_id)?;
    let login_id = field("login_id", record.login_id)?;
    let error_description = error(record)?;
    let uuid = field("uuid", record.uuid)?;
    let key = match (source_id, &uuid) {
        (Some(id), _) => EventKey::Id(id),
        (None, Some(uuid)) => EventKey::Uuid(uuid),
        (None, None) => EventKey::Content {
            event_type_id,
            user_id,
            app_id,
            login_id: login_id.as_deref(),
            error_description: error_description.as_deref(),
        },
    };
    Ok(Deed {
        id: identity::event_id(origin, &key, created_at),
        source_id,
        type_id: event_type_id,
        user_id,
        user_name: name("user_name", record.user_name.or(record.user_name_hyphen))?,
        app_id,
        app_name: name("app_name", record.app_name.or(record.app_name_hyphen))?,
        login_id,
        error_description,
        created_at,
        created_at_raw,
    })
}

fn failure(deed: Deed, resolution: Resolution, raw: &str) -> Failure {
    let operation = failed_operation(deed.type_id);
    let description = sentence(deed.type_id, deed.user_name.as_deref(), deed.app_name.as_deref());
    let display_name = deed.user_name;
    let person = |user_id| Person { user_id, display_name, profile: None };
    Failure {
        failure_id: deed.id,
        source_id: deed.source_id,
        login_id: deed.login_id,
        person: deed.user_id.map(person),
        operation,
        operation_source: OperationSource::EventType,
        app_id: deed.app_id,
        app_name: deed.app_name,
        event_type_id: Some(deed.type_id),
        created_at: deed.created_at,
        created_at_raw: deed.created_at_raw,
        description,
        error_description: deed.error_description,
        resolution,
        raw: raw.to_owned(),
        content_hash: identity::content_hash(VERSION, raw),
    }
}

fn success(deed: Deed, operation: Operation, raw: &str) -> Success {
    Success {
        success_id: deed.id,
        source_id: deed.source_id,
        user_id: deed.user_id,
        user_name: deed.user_name,
        operation,
        app_id: deed.app_id,
        app_name: deed.app_name,
        event_type_id: deed.type_id,
        created_at: deed.created_at,
        created_at_raw: deed.created_at_raw,
        raw: raw.to_owned(),
        content_hash: identity::content_hash(VERSION, raw),
    }
}

/// The sentence that the legacy API would have said: an event has none.
fn sentence(event_type_id: i64, user: Option<&str>, app: Option<&str>) -> Option<String> {
    let verb = match event_type_id {
        25 => return Some("Internal provisioning error".to_owned()),
        61 => "suspended",
        62 => "reactivated",
        63 => "deleted",
        64 => "created",
        65 => "updated",
        _ => return None,
    };
    Some(format!("{} could not be {verb} in {}", user?, app?))
}

/// Why it failed: what the record says first of the fields in which OneLogin says it.
fn error(record: &Fields) -> Result<Option<String>, Defect> {
    for (name, value) in [
        ("error_description", record.error_description),
        ("notes", record.notes),
        ("custom_message", record.custom_message),
    ] {
        if let Some(text) = field(name, value)?.filter(|text| !text.is_empty()) {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

/// What became of it. A time or a truth that cannot be read is no reason to put a failure aside.
fn resolution(record: &Fields) -> Result<Resolution, Defect> {
    let solved = match field("solved", record.solved)?.as_deref() {
        Some("true" | "1") => Some(true),
        Some("false" | "0") => Some(false),
        _ => None,
    };
    let resolved_at = field("resolved_at", record.resolved_at)?;
    let text = name("resolution", record.resolution)?;
    Ok(Resolution {
        solved,
        resolved_at: resolved_at.as_deref().and_then(instant::parse),
        // A number where a word belongs is what the API was seen to send for none.
        text: text.filter(|text| text != "0"),
    })
}

/// The id of something else. Zero and empty text stand for none.
fn optional_id(name: &str, value: Option<&RawValue>) -> Result<Option<i64>, Defect> {
    let bad = |what| (Reason::BadField, format!("{name}: {what}"));
    if field(name, value)?.is_some_and(|text| text.trim().is_empty()) {
        return Ok(None);
    }
    Ok(scalar::id(value).map_err(bad)?.filter(|&id| id != 0))
}

/// A name; a blank one is none.
fn name(name: &str, value: Option<&RawValue>) -> Result<Option<String>, Defect> {
    Ok(field(name, value)?.filter(|text| !text.trim().is_empty()))
}
