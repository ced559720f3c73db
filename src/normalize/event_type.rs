//! The meaning of event type numbers. OneLogin adds types over time, so an unknown number is no error.

use super::field_reader::FieldReader;
use super::raw_fields::raw_fields;
use super::{Defect, fields, text};
use crate::model::{EventType, Operation, Outcome, TextArena};

/// A leaver whose account stays, because the app is set to do nothing about leavers.
pub(super) const SKIPPED: i64 = 60;

/// Failed provisioning, as far as is known: an exception, each operation on an account, and a suspension that
/// was skipped.
pub const FAILURES: [i64; 7] = [25, SKIPPED, 61, 62, 63, 64, 65];

/// Successful provisioning: an account created, updated, suspended, reactivated, deleted, or
/// linked to the person it was there for.
pub(crate) const SUCCESSES: [i64; 6] = [51, 52, 53, 54, 55, 59];

/// Types whose names look like failed provisioning, but which are known to be something else: errors of a
/// directory or of an app as a whole, retries and notices.
const KNOWN_OTHERS: [i64; 20] =
    [26, 38, 39, 49, 79, 85, 111, 116, 121, 125, 133, 208, 237, 250, 251, 252, 253, 306, 307, 334];

/// The operation that failed, by the type of the event.
pub(super) fn failed_operation(event_type_id: i64) -> Operation {
    match event_type_id {
        SKIPPED | 61 => Operation::Suspend,
        62 => Operation::Reactivate,
        63 => Operation::Delete,
        64 => Operation::Create,
        65 => Operation::Update,
        _ => Operation::Unknown,
    }
}

/// The result that an event of a type of failure stands for.
pub(super) fn outcome(event_type_id: i64) -> Outcome {
    if event_type_id == SKIPPED { Outcome::Skipped } else { Outcome::Failed }
}

/// The operation that succeeded, if this is a type of success.
fn succeeded_operation(event_type_id: i64) -> Option<Operation> {
    match event_type_id {
        51 | 59 => Some(Operation::Create),
        52 => Some(Operation::Update),
        53 => Some(Operation::Suspend),
        54 => Some(Operation::Reactivate),
        55 => Some(Operation::Delete),
        _ => None,
    }
}

/// The types of events to load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSelection {
    /// Types to load as failures.
    pub failures: Vec<i64>,
    /// Loads [`SUCCESSES`] too.
    pub successes: bool,
}

impl EventSelection {
    /// All numbers, ascending.
    #[must_use]
    pub fn all(&self) -> Vec<i64> {
        let successes = if self.successes { &SUCCESSES[..] } else { &[] };
        let mut all = [&self.failures, successes].concat();
        all.sort_unstable();
        all.dedup();
        all
    }

    pub(super) fn is_failure(&self, event_type_id: i64) -> bool {
        self.failures.contains(&event_type_id)
    }

    pub(super) fn success(&self, event_type_id: i64) -> Option<Operation> {
        succeeded_operation(event_type_id).filter(|_| self.successes)
    }
}

impl Default for EventSelection {
    fn default() -> Self {
        Self { failures: FAILURES.to_vec(), successes: true }
    }
}

raw_fields! {
    /// A type as the API names it.
    struct Fields {
        id: "id",
        name: "name",
        description: "description",
    }
}

/// Reads name and description of a type.
///
/// # Errors
/// The value that was expected, when it has no readable id.
pub(crate) fn read(raw: &[u8]) -> Result<EventType, Defect> {
    let raw = &text(raw)?;
    let named: Fields = fields(raw)?;
    let mut texts = TextArena::default();
    let mut reader = FieldReader::new(raw, &mut texts);
    let event_type_id = reader.own_id(named.id)?;
    let name = reader.text(named.name);
    let description = reader.text(named.description);
    let own = |text| texts.get(text).to_owned();
    Ok(EventType { event_type_id, name: name.map(own), description: description.map(own) })
}

/// Checks whether a type that is not selected is named like failed provisioning without being known as
/// something else, so that somebody should look.
#[must_use]
pub(crate) fn is_overlooked(
    selection: &EventSelection,
    event_type_id: i64,
    names: &[&str],
) -> bool {
    let known = selection.is_failure(event_type_id)
        || FAILURES.contains(&event_type_id)
        || SUCCESSES.contains(&event_type_id)
        || KNOWN_OTHERS.contains(&event_type_id);
    !known && names.iter().any(|name| looks_like_failed_provisioning(name))
}

fn looks_like_failed_provisioning(name: &str) -> bool {
    const FAILED: [&str; 7] =
        ["fail", "could not", "error", "exception", "not updated", "unable", "rejected"];
    const PROVISIONING: [&str; 4] = ["provision", "in app", "to app", "from app"];
    let name = name.to_lowercase().replace(['_', '-'], " ");
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    has(&FAILED) && has(&PROVISIONING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_requested_once() {
        let selection = EventSelection { failures: vec![65, 25, 65], successes: true };
        assert_eq!(selection.all(), [25, 51, 52, 53, 54, 55, 59, 65]);
        assert_eq!(EventSelection { successes: false, ..selection }.all(), [25, 65]);
    }

    #[test]
    fn a_new_type_named_like_failed_provisioning_is_overlooked() {
        let selection = EventSelection::default();
        for (id, name) in [
            (3_028, "USER_FAILED_UNLOCKING_IN_APP"),
            (3_029, "%user% could not be archived in %app%: provisioning"),
            (3_031, "USER_NOT_UPDATED_IN_APP"),
        ] {
            assert!(is_overlooked(&selection, id, &["", name]), "{name}");
        }
        for (id, name) in [
            (8, "USER_FAILED_LOGIN"),
            (61, "USER_FAILED_SUSPENDING_IN_APP"),
            (51, "USER_CREATED_IN_APP"),
            (250, "PROVISIONING_APP_CONFIG_ERROR"),
            (3_030, "USER_ARCHIVED_IN_APP"),
        ] {
            assert!(!is_overlooked(&selection, id, &[name]), "{name}");
        }
        let more = EventSelection { failures: vec![3_031], ..selection };
        assert!(!is_overlooked(&more, 3_031, &["USER_NOT_UPDATED_IN_APP"]), "it is selected");
    }
}
