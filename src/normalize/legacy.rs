//! Records of the legacy endpoint.

use serde_json::value::RawValue;

use super::field_reader::FieldReader;
use super::raw_fields::raw_fields;
use super::{Defect, VERSION, fields, object};
use crate::identity;
use crate::model::{
    Batch, Failure, Operation, OperationSource, Origin, Outcome, Person, Profile, Reason,
    Resolution,
};

raw_fields! {
    /// A record, every field as its raw text first.
    struct Fields {
        id: "id",
        login_id: "login_id",
        created_at: "created_at",
        description: "description",
        error_description: "error_description",
        user: "user",
    }
}

raw_fields! {
    /// The person inside a record.
    struct User {
        id: "id",
        email: "email",
        username: "username",
        firstname: "firstname",
        lastname: "lastname",
    }
}

pub(super) fn read(origin: &Origin, raw: &str, batch: &mut Batch) -> Result<(), Defect> {
    let record: Fields = fields(raw)?;
    let mut reader = FieldReader::new(raw, &mut batch.texts);
    let source_id = reader.own_id(record.id)?;
    let (created_at_raw, created_at) = reader.moment("created_at", record.created_at)?;
    let login_id = reader.identifying("login_id", record.login_id)?;
    let person = person(&mut reader, record.user)?;
    let description = reader.identifying("description", record.description)?;
    let error_description = reader.text(record.error_description);
    let sentence = description.map(|text| reader.texts.get(text));
    let (operation, app) = read_sentence(sentence);
    let app_name = description.zip(app).map(|(text, app)| text.part(app));
    let app_name = app_name.and_then(|name| super::app_name(name, reader.texts));
    let failure = Failure {
        failure_id: identity::failure_id(
            origin,
            source_id,
            login_id.map(|text| reader.texts.get(text)),
            person.as_ref().map(|p| p.user_id),
            created_at,
            sentence,
        ),
        content_hash: identity::content_hash(VERSION, raw),
        operation,
        operation_source: OperationSource::Description,
        outcome: Outcome::Failed,
        app_id: None,
        app_name,
        event_type_id: None,
        error_description,
        error_fingerprint: None,
        resolution: Resolution::default(),
        raw: reader.whole,
        source_id: Some(source_id),
        login_id,
        person,
        created_at,
        created_at_raw,
        description,
    };
    batch.failures.push(failure);
    Ok(())
}

fn person<'a>(
    reader: &mut FieldReader<'a, '_>,
    user: Option<&'a RawValue>,
) -> Result<Option<Person>, Defect> {
    let Some(user) = user.filter(|u| u.get() != "null") else { return Ok(None) };
    let user: User<'a> =
        object(user.get()).map_err(|(_, what)| (Reason::BadField, format!("user: {what}")))?;
    let id = reader.id(user.id);
    // A person without an id cannot have a row; the failure loads all the same.
    let Some(user_id) = id.map_err(|what| (Reason::BadField, format!("user.id: {what}")))? else {
        return Ok(None);
    };
    let profile = Profile {
        email: reader.text(user.email),
        username: reader.text(user.username),
        firstname: reader.text(user.firstname),
        lastname: reader.text(user.lastname),
    };
    let display_name = profile.display_name(reader.texts);
    Ok(Some(Person { user_id, display_name, profile: Some(profile) }))
}

/// The operation and the app in `… could not be reactivated in Sales App`, the app as its place there.
/// The legacy record names them nowhere else.
fn read_sentence(description: Option<&str>) -> (Operation, Option<std::ops::Range<usize>>) {
    let clause = description.and_then(|text| Some((text, text.split_once(" could not be ")?.1)));
    let Some((text, verb, app)) = clause
        .and_then(|(text, clause)| clause.split_once(" in ").map(|(verb, app)| (text, verb, app)))
    else {
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
    let start = text.len() - app.trim_start().len();
    let app = start..start + app.trim().len();
    (operation, (!app.is_empty()).then_some(app))
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
            let (seen, place) = read_sentence(Some(sentence));
            assert_eq!((seen, place.map(|place| &sentence[place])), (operation, app), "{sentence}");
        }
        assert_eq!(read_sentence(None), (Unknown, None));
    }
}
