//! People as the users API describes them.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Defect, field, fields, own_id};
use crate::model::Profile;

/// A person; of the many fields of the API those that are kept.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    email: Option<&'a RawValue>,
    username: Option<&'a RawValue>,
    firstname: Option<&'a RawValue>,
    lastname: Option<&'a RawValue>,
}

/// Reads what the users API says of a person: who it is, and what is known of them.
///
/// # Errors
/// What was expected, when there is no readable id or a field holds something it cannot hold.
pub fn read(raw: &str) -> Result<(i64, Profile), Defect> {
    let person: Fields = fields(raw)?;
    let profile = Profile {
        email: field("email", person.email)?,
        username: field("username", person.username)?,
        firstname: field("firstname", person.firstname)?,
        lastname: field("lastname", person.lastname)?,
    };
    Ok((own_id(person.id)?, profile))
}
