//! Plain data between the source and the store. Knows no I/O, no wire format and no SQL.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::source::SourceKind;

mod batch;

pub use batch::{Batch, TextArena, TextRef};

/// Which OneLogin account, and by which of its APIs: every row, watermark and lease belongs to one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The account's name, chosen by the operator.
    pub account: String,
    /// The interface its records come from.
    pub source: SourceKind,
}

/// One failed attempt to grant, change or remove access.
///
/// Texts are in the [`TextArena`] of its [`Batch`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Made from what identifies the failure; orders by time.
    pub failure_id: Uuid,
    /// The payload's `id`; a webhook delivery has none.
    pub source_id: Option<i64>,
    /// The link between the person and the app.
    pub login_id: Option<TextRef>,
    /// The person concerned; `None` if the record names nobody.
    pub person: Option<Person>,
    /// The change that was attempted.
    pub operation: Operation,
    /// The field that the operation was read from.
    pub operation_source: OperationSource,
    /// The result of the attempt.
    pub outcome: Outcome,
    /// `OneLogin`'s id of the app.
    pub app_id: Option<i64>,
    /// The app's name, if the record has it.
    pub app_name: Option<TextRef>,
    /// `OneLogin`'s number of the event's type.
    pub event_type_id: Option<i64>,
    /// Time of the attempt, to the millisecond.
    pub created_at: DateTime<Utc>,
    /// The same time as the source wrote it.
    pub created_at_raw: TextRef,
    /// The change that failed, as a sentence.
    pub description: Option<TextRef>,
    /// The reason.
    pub error_description: Option<TextRef>,
    /// The fingerprint of the reason without names and numbers; `None` until the failure is written.
    pub error_fingerprint: Option<Arc<str>>,
    /// The state of the failure since then.
    pub resolution: Resolution,
    /// The record as it came, byte for byte.
    pub raw: TextRef,
    /// Hash of `raw`, to distinguish a changed record from a repeated one.
    pub content_hash: i64,
}

/// The state of a failure, according to the source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolution {
    /// `None` if the source does not state it.
    pub solved: Option<bool>,
    /// Time of the resolution.
    pub resolved_at: Option<DateTime<Utc>>,
    /// The resolution in the source's own text.
    pub text: Option<TextRef>,
}

/// One successful attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Success {
    /// Made from what identifies the event; orders by time.
    pub success_id: Uuid,
    /// The payload's `id`; a webhook delivery has none.
    pub source_id: Option<i64>,
    /// The person concerned.
    pub user_id: Option<i64>,
    /// Their name.
    pub user_name: Option<TextRef>,
    /// The change that was made.
    pub operation: Operation,
    /// `OneLogin`'s id of the app.
    pub app_id: Option<i64>,
    /// The app's name.
    pub app_name: Option<TextRef>,
    /// `OneLogin`'s number of the event's type.
    pub event_type_id: i64,
    /// Time of the attempt, to the millisecond.
    pub created_at: DateTime<Utc>,
    /// The same time as the source wrote it.
    pub created_at_raw: TextRef,
    /// The record as it came, byte for byte.
    pub raw: TextRef,
    /// Hash of `raw`, to distinguish a changed record from a repeated one.
    pub content_hash: i64,
}

/// The result of an attempt that gave a person no access, or left them with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It failed.
    Failed,
    /// OneLogin made none, because the app is set to do nothing: the account stays.
    Skipped,
}

impl Outcome {
    /// The text stored in `provisioning_failures.outcome`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// A change to a person's account in an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// Grants access.
    Create,
    /// Changes attributes.
    Update,
    /// Removes access for a time.
    Suspend,
    /// Restores access.
    Reactivate,
    /// Removes access for good.
    Delete,
    /// The record does not state it.
    Unknown,
}

impl Operation {
    /// All operations.
    pub(crate) const ALL: [Self; 6] =
        [Self::Create, Self::Update, Self::Suspend, Self::Reactivate, Self::Delete, Self::Unknown];

    /// The text stored in `operation`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Suspend => "suspend",
            Self::Reactivate => "reactivate",
            Self::Delete => "delete",
            Self::Unknown => "unknown",
        }
    }

    /// The operation that a stored text stands for.
    pub(crate) fn from_stored(text: &str) -> Self {
        match text {
            "create" => Self::Create,
            "update" => Self::Update,
            "suspend" => Self::Suspend,
            "reactivate" => Self::Reactivate,
            "delete" => Self::Delete,
            _ => Self::Unknown,
        }
    }
}

/// The field that an operation is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationSource {
    /// The type of the event.
    EventType,
    /// The sentence of a legacy record.
    Description,
}

impl OperationSource {
    /// The text stored in `provisioning_failures.operation_source`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EventType => "event_type",
            Self::Description => "description",
        }
    }
}

/// A person as described by one failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// OneLogin's id of the person.
    pub user_id: i64,
    /// First and last name, or the e-mail address where there are none.
    pub display_name: Option<TextRef>,
    /// The attributes, where the record has them: an event does not.
    pub profile: Option<Profile>,
}

/// Details of a person, all from one moment: a null is a value as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile<T = TextRef> {
    /// E-mail address.
    pub email: Option<T>,
    /// Login name.
    pub username: Option<T>,
    /// First name.
    pub firstname: Option<T>,
    /// Last name.
    pub lastname: Option<T>,
}

impl<T> Profile<T> {
    /// The same with texts of another type.
    pub fn map<'a, U>(&'a self, text: impl Fn(&'a T) -> U + Copy) -> Profile<U> {
        Profile {
            email: self.email.as_ref().map(text),
            username: self.username.as_ref().map(text),
            firstname: self.firstname.as_ref().map(text),
            lastname: self.lastname.as_ref().map(text),
        }
    }
}

impl Profile {
    /// Writes the first and last name, or the e-mail address if there are none: the events API has
    /// the same in `user_name`.
    pub fn display_name(&self, texts: &mut TextArena) -> Option<TextRef> {
        let start = texts.here();
        for (name, separator) in [(self.firstname, " "), (self.lastname, "")] {
            if let Some(name) = name {
                texts.copy(name);
            }
            texts.part(separator);
        }
        // Spaces only, as in the migration that fills the column for older rows.
        let both = texts.trimmed(texts.since(start));
        if texts.get(both).is_empty() {
            texts.forget(start);
            return self.email;
        }
        Some(both)
    }
}

/// Name and description of an event type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EventType {
    /// Its number.
    pub event_type_id: i64,
    /// Its name.
    pub name: Option<String>,
    /// Its sentence, with `%user%` and the like for names.
    pub description: Option<String>,
}

/// Bytes of a reject's detail: enough to understand it, since the record is stored too.
const LONGEST_DETAIL: usize = 300;

/// A record that could not be loaded, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Made from account, source and the record's text.
    pub reject_id: Uuid,
    /// The kind of defect.
    pub reason: Reason,
    /// The value that was expected and the one that came. It may quote the record, so it goes into the
    /// database only.
    pub detail: String,
    /// The record as it came; bytes that are no text, and NUL, are replaced by U+FFFD.
    pub raw: String,
}

impl Reject {
    /// Rejects a record. `raw` must hold no NUL, which Postgres takes in no text.
    #[must_use]
    pub fn new(reject_id: Uuid, reason: Reason, mut detail: String, raw: String) -> Self {
        detail.truncate(detail.floor_char_boundary(LONGEST_DETAIL));
        Self { reject_id, reason, detail, raw }
    }
}

/// The kind of defect in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The text between two commas is not JSON.
    NotJson,
    /// JSON, but not an object.
    NotAnObject,
    /// No `id`, or one that is not a whole number of 64 bits.
    BadId,
    /// No `created_at`, or one that is not a time between 1970 and 9999.
    BadCreatedAt,
    /// No `event_type_id`, or one that is not a whole number.
    BadEventType,
    /// Another field holds something it cannot hold.
    BadField,
    /// The record is larger than a record may be.
    TooLarge,
    /// A later record of the same response has the same identity and other content.
    KeyCollision,
}

impl Reason {
    /// The text stored in `rejected_records.reason`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::NotAnObject => "not_an_object",
            Self::BadId => "bad_id",
            Self::BadCreatedAt => "bad_created_at",
            Self::BadEventType => "bad_event_type",
            Self::BadField => "bad_field",
            Self::TooLarge => "too_large",
            Self::KeyCollision => "key_collision",
        }
    }
}

/// Counts of the records of a window or of a run, by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Failures in the source's answer, readable or not.
    pub fetched: u64,
    /// Failures that were new.
    pub inserted: u64,
    /// Failures whose content had changed.
    pub updated: u64,
    /// Failures that were stored already.
    pub unchanged: u64,
    /// Rejected records, those of earlier runs included.
    pub rejected: u64,
    /// Rejected records that no earlier run has seen.
    pub newly_rejected: u64,
    /// Rows of `users` written.
    pub users_written: u64,
    /// Times at which users were written. In one of them nobody is written twice.
    pub user_writes: u64,
    /// Successes in the source's answer, stored ones included. Not part of `fetched`.
    pub successes: u64,
    /// Events of types that are not selected. Not part of `fetched`.
    pub ignored: u64,
}

impl Counts {
    /// Checks that this number of records is accounted for.
    #[must_use]
    pub(crate) fn balance(&self, records: u64) -> bool {
        self.fetched == self.inserted + self.updated + self.unchanged + self.rejected
            && records == self.fetched + self.successes + self.ignored
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, more: Self) {
        self.fetched += more.fetched;
        self.inserted += more.inserted;
        self.updated += more.updated;
        self.unchanged += more.unchanged;
        self.rejected += more.rejected;
        self.newly_rejected += more.newly_rejected;
        self.users_written += more.users_written;
        self.user_writes += more.user_writes;
        self.successes += more.successes;
        self.ignored += more.ignored;
    }
}
