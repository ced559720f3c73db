//! Details of people, from the users API.

use super::field_reader::FieldReader;
use super::raw_fields::raw_fields;
use super::{Defect, fields, text};
use crate::model::{Profile, TextArena};

raw_fields! {
    /// The fields of a person that are stored.
    struct Fields {
        id: "id",
        email: "email",
        username: "username",
        firstname: "firstname",
        lastname: "lastname",
    }
}

/// Reads a person's id and details.
///
/// # Errors
/// The value that was expected, when there is no readable id or a field holds something it cannot hold.
pub(crate) fn read(raw: &[u8]) -> Result<(i64, Profile<String>), Defect> {
    let raw = &text(raw)?;
    let person: Fields = fields(raw)?;
    let mut texts = TextArena::default();
    let mut reader = FieldReader::new(raw, &mut texts);
    let profile = Profile {
        email: reader.text(person.email),
        username: reader.text(person.username),
        firstname: reader.text(person.firstname),
        lastname: reader.text(person.lastname),
    };
    let user_id = reader.own_id(person.id)?;
    Ok((user_id, profile.map(|text| texts.get(*text).to_owned())))
}
