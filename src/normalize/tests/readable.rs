//! Failures with their texts in them, to compare with what a test expects.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::model::{self, Operation, OperationSource, Profile, TextArena};

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) failure_id: Uuid,
    pub(super) source_id: Option<i64>,
    pub(super) login_id: Option<String>,
    pub(super) person: Option<Person>,
    pub(super) operation: Operation,
    pub(super) operation_source: OperationSource,
    pub(super) app_id: Option<i64>,
    pub(super) app_name: Option<String>,
    pub(super) event_type_id: Option<i64>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) created_at_raw: String,
    pub(super) description: Option<String>,
    pub(super) error_description: Option<String>,
    pub(super) resolution: Resolution,
    pub(super) raw: String,
    pub(super) content_hash: i64,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) user_id: i64,
    pub(super) display_name: Option<String>,
    pub(super) profile: Option<Profile<String>>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Resolution {
    pub(super) solved: Option<bool>,
    pub(super) resolved_at: Option<DateTime<Utc>>,
    pub(super) text: Option<String>,
}

impl Failure {
    pub(super) fn new(failure: &model::Failure, texts: &TextArena) -> Self {
        let own = |text| texts.get(text).to_owned();
        let person = failure.person.as_ref().map(|person| Person {
            user_id: person.user_id,
            display_name: person.display_name.map(own),
            profile: person.profile.as_ref().map(|profile| profile.map(|text| own(*text))),
        });
        Self {
            failure_id: failure.failure_id,
            source_id: failure.source_id,
            login_id: failure.login_id.map(own),
            person,
            operation: failure.operation,
            operation_source: failure.operation_source,
            app_id: failure.app_id,
            app_name: failure.app_name.map(own),
            event_type_id: failure.event_type_id,
            created_at: failure.created_at,
            created_at_raw: own(failure.created_at_raw),
            description: failure.description.map(own),
            error_description: failure.error_description.map(own),
            resolution: Resolution {
                solved: failure.resolution.solved,
                resolved_at: failure.resolution.resolved_at,
                text: failure.resolution.text.map(own),
            },
            raw: own(failure.raw),
            content_hash: failure.content_hash,
        }
    }
}
