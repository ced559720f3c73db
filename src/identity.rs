//! The identity of a record, and the ids made from it.
//!
//! The documentation does not settle whether the legacy `id` is the failure or the app, so `id`
//! alone would let one failure overwrite another. E-mail, names and `error_description` are left
//! out: they may change without it becoming another failure.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::model::Origin;

/// A UUIDv8: 48 bits of milliseconds since 1970, then a hash of the identity. Equal failures get
/// equal ids on every machine, and new rows land at the end of the index.
#[must_use]
pub(crate) fn failure_id(
    origin: &Origin,
    source_id: i64,
    login_id: Option<&str>,
    user_id: Option<i64>,
    created_at: DateTime<Utc>,
    description: Option<&str>,
) -> Uuid {
    let mut hash = Sha256::new();
    part(&mut hash, Some(origin.account.as_bytes()));
    part(&mut hash, Some(origin.source.as_str().as_bytes()));
    part(&mut hash, Some(&source_id.to_be_bytes()));
    part(&mut hash, login_id.map(str::as_bytes));
    number(&mut hash, user_id);
    part(&mut hash, Some(&created_at.timestamp_millis().to_be_bytes()));
    part(&mut hash, description.map(str::as_bytes));
    timed(hash, created_at)
}

/// The identity of an event.
pub(crate) enum EventKey<'a> {
    /// The number that the API gives it.
    Id(i64),
    /// The text that a webhook delivery gives it instead.
    Uuid(&'a str),
    /// Neither: all fields that distinguish it.
    Content {
        /// OneLogin's event type.
        event_type_id: i64,
        /// The person concerned.
        user_id: Option<i64>,
        /// The app concerned.
        app_id: Option<i64>,
        /// The link between the two.
        login_id: Option<&'a str>,
        /// The error.
        error_description: Option<&'a str>,
    },
}

/// The id of an event's row, of the same form as that of [`failure_id`].
#[must_use]
pub(crate) fn event_id(origin: &Origin, key: &EventKey, created_at: DateTime<Utc>) -> Uuid {
    let mut hash = Sha256::new();
    part(&mut hash, Some(origin.account.as_bytes()));
    part(&mut hash, Some(origin.source.as_str().as_bytes()));
    match key {
        EventKey::Id(id) => part(&mut hash, Some(&id.to_be_bytes())),
        EventKey::Uuid(uuid) => part(&mut hash, Some(uuid.as_bytes())),
        EventKey::Content { event_type_id, user_id, app_id, login_id, error_description } => {
            part(&mut hash, Some(&event_type_id.to_be_bytes()));
            number(&mut hash, *user_id);
            number(&mut hash, *app_id);
            part(&mut hash, login_id.map(str::as_bytes));
            part(&mut hash, error_description.map(str::as_bytes));
        }
    }
    timed(hash, created_at)
}

/// The key of a person's details from the users API: it orders by time among the ids of failures.
#[must_use]
pub(crate) fn profile_id(account: &str, user_id: i64, answered_at: DateTime<Utc>) -> Uuid {
    let mut hash = Sha256::new();
    part(&mut hash, Some(account.as_bytes()));
    part(&mut hash, Some(&user_id.to_be_bytes()));
    timed(hash, answered_at)
}

/// The id of a rejected record: one per text, however often it is read.
#[must_use]
pub(crate) fn reject_id(origin: &Origin, raw: &str) -> Uuid {
    let mut hash = Sha256::new();
    part(&mut hash, Some(origin.account.as_bytes()));
    part(&mut hash, Some(origin.source.as_str().as_bytes()));
    part(&mut hash, Some(raw.as_bytes()));
    Uuid::new_v8(first_16(hash))
}

/// The id of a rejected record that is too large to hold: one per text, by its SHA-256 hash.
#[must_use]
pub(crate) fn large_reject_id(origin: &Origin, digest: &[u8; 32]) -> Uuid {
    let mut hash = Sha256::new();
    part(&mut hash, Some(origin.account.as_bytes()));
    part(&mut hash, Some(origin.source.as_str().as_bytes()));
    // The length of no text, so that no text has the same id.
    hash.update([2]);
    hash.update(digest);
    Uuid::new_v8(first_16(hash))
}

/// 64 bits of the text and of the version of the code that reads it.
#[must_use]
pub fn content_hash(version: u8, raw: &str) -> i64 {
    let hash = Sha256::new().chain_update([version]).chain_update(raw).finalize();
    i64::from_be_bytes(std::array::from_fn(|i| hash[i]))
}

/// The milliseconds of a time, then the beginning of a hash.
fn timed(hash: Sha256, at: DateTime<Utc>) -> Uuid {
    let mut id = first_16(hash);
    id[..6].copy_from_slice(&at.timestamp_millis().to_be_bytes()[2..]);
    Uuid::new_v8(id)
}

fn first_16(hash: Sha256) -> [u8; 16] {
    let hash = hash.finalize();
    std::array::from_fn(|i| hash[i])
}

fn number(hash: &mut Sha256, number: Option<i64>) {
    part(hash, number.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
}

/// One field, with its length before it: `ab` + `c` is not `a` + `bc`, and none is not empty.
fn part(hash: &mut Sha256, bytes: Option<&[u8]>) {
    match bytes {
        None => hash.update([0]),
        Some(bytes) => {
            hash.update([1]);
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        }
    }
}
