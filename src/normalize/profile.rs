//! Details of people, from the users API.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::field_reader::FieldReader;
use super::{Defect, fields};
use crate::model::{Profile, TextArena};

/// The fields of a person that are stored.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    email: Option<&'a RawValue>,
    username: Option<&'a RawValue>,
    firstname: Option<&'a RawValue>,
    lastname: Option<&'a RawValue>,
}

/// Reads a person's id and details.
///
/// # Errors
/// The value that was expected, when there is no readable id or a field holds something it cannot hold.
pub(crate) fn read(raw: &str) -> Result<(i64, Profile<String>), Defect> {
    let person: Fields = fields(raw)?;
    let mut texts = TextArena::default();
    let mut reader = FieldReader::new(raw, &mut texts);
    let profile = Profile {
        email: reader.field("email", person.email)?,
        username: reader.field("username", person.username)?,
        firstname: reader.field("firstname", person.firstname)?,
        lastname: reader.field("lastname", person.lastname)?,
    };
    let user_id = reader.own_id(person.id)?;
    Ok((user_id, profile.map(|text| texts.get(*text).to_owned())))
}
