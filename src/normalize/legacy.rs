//! Records of the legacy endpoint.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Defect, VERSION, field, fields, moment, object, own_id, scalar};
use crate::identity;
use crate::model::{
    Failure, Operation, OperationSource, Origin, Person, Profile, Reason, Resolution,
};

/// A record, every field as its raw text first.
#[derive(Deserialize)]
struct Fields<'a> {
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

pub(super) fn read(origin: &Origin, raw: &str) -> Result<Failure, Defect> {
    let record: Fields = fields(raw)?;
    let source_id = own_id(record.id)?;
    let (created_at_raw, created_at) = moment("created_at", record.created_at)?;
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
        operation_source: OperationSource::Description,
        app_id: None,
        app_name: app_name.map(str::to_owned),
        event_type_id: None,
        error_description: field("error_description", record.error_description)?,
        resolution: Resolution::default(),
        raw: raw.to_owned(),
        source_id: Some(source_id),
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
    let profile = Profile {
        email: field("user.email", user.email)?,
        username: field("user.username", user.username)?,
        firstname: field("user.firstname", user.firstname)?,
        lastname: field("user.lastname", user.lastname)?,
    };
    Ok(Some(Person { user_id, display_name: profile.display_name(), profile: Some(profile) }))
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
mod tests {
    use super::*;

    #[test]
    fn operation_and_app_are_read_from_the_sentence() {
        use Operation::{Create, Delete, Reactivate, Suspend, Unknown, Update};
        let cases = [
            ("A B could not be created in Sales in EU", Create, Some("Sales in EU")),
            ("A B could not be updated in Wiki", Update, Some("Wiki")),
            ("A B could not be suspended in Wiki", Suspend, Some("Wiki")),
            ("A B could not be reactivated in Wiki", Reactivate, Some("Wiki")),
            ("A B could not be deleted in Wiki", Delete, Some("Wiki")),
            ("A B could not be teleported in Wiki", Unknown, Some("Wiki")),
            ("A could not be created in ", Create, None),
            ("A could not be created", Unknown, None),
            ("Internal provisioning error", Unknown, None),
        ];
        for (sentence, operation, app) in cases {
            assert_eq!(read_sentence(Some(sentence)), (operation, app), "{sentence}");
        }
        assert_eq!(read_sentence(None), (Unknown, None));
    }
}
