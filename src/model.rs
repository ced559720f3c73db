//! Plain data between the source and the store. Knows no I/O, no wire format and no SQL.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::identity;

/// Which OneLogin account, and by which of its APIs: every row, mark and lease belongs to one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The account's name, as the operator calls it.
    pub account: String,
    /// The API: `legacy`.
    pub source: &'static str,
}

/// One attempt to give, change or take away access that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Made from what identifies the failure; orders by time.
    pub failure_id: Uuid,
    /// The payload's `id`.
    pub source_id: i64,
    /// The link between the person and the app.
    pub login_id: Option<String>,
    /// Whose access it was; none when the record names nobody.
    pub person: Option<Person>,
    /// What was to be done to the account.
    pub operation: Operation,
    /// The app's name, where the record tells it.
    pub app_name: Option<String>,
    /// When it happened, to the millisecond.
    pub created_at: DateTime<Utc>,
    /// The same as the source wrote it.
    pub created_at_raw: String,
    /// What did not happen.
    pub description: Option<String>,
    /// Why.
    pub error_description: Option<String>,
    /// The record as it came, byte for byte.
    pub raw: String,
    /// Of `raw`: tells a changed record from a repeated one.
    pub content_hash: i64,
}

/// What OneLogin was to do to an account in an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// The text stored in `provisioning_failures.operation`.
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

/// A person as one failure describes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// OneLogin's id of the person.
    pub user_id: i64,
    /// E-mail address.
    pub email: Option<String>,
    /// Login name.
    pub username: Option<String>,
    /// First name.
    pub firstname: Option<String>,
    /// Last name.
    pub lastname: Option<String>,
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
            Self::BadField => "bad_field",
            Self::KeyCollision => "key_collision",
        }
    }
}

/// What became of the records of a window, or of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records the source gave.
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
}

impl Counts {
    /// Whether every record is accounted for.
    #[must_use]
    pub fn balance(&self) -> bool {
        self.fetched == self.inserted + self.updated + self.unchanged + self.rejected
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
    }
}
