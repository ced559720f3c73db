//! People of the directory, generated and put.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::history::{Choice, FIRST_USER_ID, person, rng_for};
use crate::state::Shared;
use crate::text::user_json;

/// A person whom the directory has.
pub(crate) enum DirectoryEntry {
    Generated,
    /// With the JSON that was put.
    Put(Arc<str>),
}

/// All ids that anybody has or had, in ascending order.
pub(crate) fn all_user_ids(shared: &Shared) -> Vec<i64> {
    let generated = 0..i64::from(shared.config.people());
    let mut ids: Vec<i64> = generated.map(|number| FIRST_USER_ID.cast_signed() + number).collect();
    ids.extend(shared.state().people.keys());
    ids.sort_unstable();
    ids.dedup();
    ids
}

pub(crate) fn find_user(shared: &Shared, id: i64) -> Option<DirectoryEntry> {
    if let Some(put) = shared.state().people.get(&id) {
        return put.clone().map(DirectoryEntry::Put);
    }
    let number = number_of(id).filter(|&number| number < u64::from(shared.config.people()))?;
    let one_in = shared.config.deleted_people;
    let is_deleted =
        one_in > 0 && rng_for(shared.config.seed, Choice::Deleted, number).u32(..one_in) == 0;
    (!is_deleted).then_some(DirectoryEntry::Generated)
}

/// The JSON of a generated person at `now`: the id and the selected fields, or all.
pub(crate) fn generated_user(
    shared: &Shared,
    id: i64,
    fields: Option<&[String]>,
    now: DateTime<Utc>,
) -> Value {
    let person = person(shared.config.seed, number_of(id).unwrap_or_default());
    let mut user = user_json(&person, now);
    if let (Value::Object(object), Some(fields)) = (&mut user, fields) {
        object.retain(|name, _| name == "id" || fields.contains(name));
    }
    user
}

fn number_of(id: i64) -> Option<u64> {
    u64::try_from(id).ok()?.checked_sub(FIRST_USER_ID)
}
