//! Plain data between the source and the store. Knows no I/O, no wire format and no SQL.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::identity;
use crate::source::SourceKind;

mod batch;

pub use batch::{Batch, TextArena, TextRef};

/// Which OneLogin account, and by which of its APIs: every row, mark and lease belongs to one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The account's name, as the operator calls it.
    pub account: String,
    /// The interface its records come from.
    pub source: SourceKind,
}

/// One attempt to give, change or take away access that failed.
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
    /// Whose access it was; none when the record names nobody.
    pub person: Option<Person>,
    /// What was to be done to the account.
    pub operation: Operation,
    /// Where the operation is read from.
    pub operation_source: OperationSource,
    /// `OneLogin`'s id of the app.
    pub app_id: Option<i64>,
    /// The app's name, where the record tells it.
    pub app_name: Option<TextRef>,
    /// `OneLogin`'s number of the event's type.
    pub event_type_id: Option<i64>,
    /// When it happened, to the millisecond.
    pub created_at: DateTime<Utc>,
    /// The same as the source wrote it.
    pub created_at_raw: TextRef,
    /// What did not happen.
    pub description: Option<TextRef>,
    /// Why.
    pub error_description: Option<TextRef>,
    /// What became of it since.
    pub resolution: Resolution,
    /// The record as it came, byte for byte.
    pub raw: TextRef,
    /// Of `raw`: tells a changed record from a repeated one.
    pub content_hash: i64,
}

/// What became of a failure, according to the source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolution {
    /// Whether it is solved.
    pub solved: Option<bool>,
    /// When it was resolved.
    pub resolved_at: Option<DateTime<Utc>>,
    /// How.
    pub text: Option<TextRef>,
}

/// One attempt that went well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Success {
    /// Made from what identifies the event; orders by time.
    pub success_id: Uuid,
    /// The payload's `id`; a webhook delivery has none.
    pub source_id: Option<i64>,
    /// Whose access it is.
    pub user_id: Option<i64>,
    /// Their name.
    pub user_name: Option<TextRef>,
    /// What was done to the account.
    pub operation: Operation,
    /// `OneLogin`'s id of the app.
    pub app_id: Option<i64>,
    /// The app's name.
    pub app_name: Option<TextRef>,
    /// `OneLogin`'s number of the event's type.
    pub event_type_id: i64,
    /// When it happened, to the millisecond.
    pub created_at: DateTime<Utc>,
    /// The same as the source wrote it.
    pub created_at_raw: TextRef,
    /// The record as it came, byte for byte.
    pub raw: TextRef,
    /// Of `raw`: tells a changed record from a repeated one.
    pub content_hash: i64,
}

/// What OneLogin was to do to an account in an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// Give access.
    Create,
    /// Change attributes.
    Update,
    /// Take access away, for the time being.
    Suspend,
    /// Give it back.
    Reactivate,
    /// Take it away for good.
    Delete,
    /// The record does not say.
    Unknown,
}

impl Operation {
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
}

/// Where an operation is read from.
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

/// A person as one failure describes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// OneLogin's id of the person.
    pub user_id: i64,
    /// First and last name, or the e-mail address where there are none.
    pub display_name: Option<TextRef>,
    /// The attributes, where the record has them: an event does not.
    pub profile: Option<Profile>,
}

/// What OneLogin knows of a person. As a whole it is from one moment: a null is word as well.
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
    /// First and last name, or the e-mail address where there are none: what the events API calls
    /// the user's name.
    pub fn display_name(&self, texts: &mut TextArena) -> Option<TextRef> {
        let before = texts.here();
        for (name, behind) in [(self.firstname, " "), (self.lastname, "")] {
            if let Some(name) = name {
                texts.copy(name);
            }
            texts.part(behind);
        }
        // Spaces only, as in the migration that fills the column for older rows.
        let both = texts.trimmed(texts.since(before));
        if texts.get(both).is_empty() {
            texts.forget(before);
            return self.email;
        }
        Some(both)
    }
}

/// What OneLogin calls an event type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EventType {
    /// Its number.
    pub event_type_id: i64,
    /// Its name.
    pub name: Option<String>,
    /// Its sentence, with `%user%` and the like for names.
    pub description: Option<String>,
}

/// Bytes of a reject's detail: enough to understand; the whole record is beside it.
const LONGEST_DETAIL: usize = 300;

/// A record that could not be loaded, kept with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Made from account, source and the text as it came.
    pub reject_id: Uuid,
    /// The kind of defect.
    pub reason: Reason,
    /// What was expected and what came. May quote the record, so it belongs into the database only.
    pub detail: String,
    /// The record as it came; bytes that are no text, and NUL, are replaced by U+FFFD.
    pub raw: String,
}

impl Reject {
    /// Puts a record aside. `raw` must hold no NUL, which Postgres takes in no text.
    #[must_use]
    pub fn new(origin: &Origin, reason: Reason, mut detail: String, raw: String) -> Self {
        detail.truncate(detail.floor_char_boundary(LONGEST_DETAIL));
        Self { reject_id: identity::reject_id(origin, &raw), reason, detail, raw }
    }
}

/// Why a record was not loaded.
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
            Self::KeyCollision => "key_collision",
        }
    }
}

/// What became of the records of a window, or of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Failures the source gave, readable or not.
    pub fetched: u64,
    /// Failures that were new.
    pub inserted: u64,
    /// Failures whose content had changed.
    pub updated: u64,
    /// Failures that were there already.
    pub unchanged: u64,
    /// Records put aside, known ones included.
    pub rejected: u64,
    /// Of these, the ones never seen before.
    pub newly_rejected: u64,
    /// Rows of `users` written.
    pub users_written: u64,
    /// Successes the source gave, known ones included. Not part of `fetched`.
    pub successes: u64,
    /// Events of types that were not asked for. Not part of `fetched`.
    pub ignored: u64,
}

impl Counts {
    /// Whether so many records are all accounted for.
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
        self.successes += more.successes;
        self.ignored += more.ignored;
    }
}
