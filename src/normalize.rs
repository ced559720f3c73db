//! From the text of one record to a row of a [`Batch`], or to a [`Reject`] with the reason.
//!
//! Pure: no I/O, no clock. The same text gives the same row on every machine.

pub(crate) mod error_text;
mod event;
pub(crate) mod event_type;
mod field_reader;
mod instant;
mod legacy;
mod profile;
mod raw_fields;
mod storable;
mod whole_number;

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::identity;
use crate::model::{Batch, Origin, Reason, Reject, TextArena, TextRef};
use crate::source::SourceKind;
use event::Shape;
use event_type::EventSelection;
use field_reader::quote;
pub(crate) use profile::read as profile;
use storable::storable;

/// Part of every content hash. Raise it when the columns made from the same text change: the next
/// read of a record then rewrites its row.
const VERSION: u8 = 1;

/// Levels of brackets that a record may have; the documented ones have two. Postgres gives up on
/// JSON of some thousand levels, and the window with it.
const DEEPEST: usize = 500;

/// Bytes of an app's name: it is part of keys, and Postgres indexes no key of more than 2,704.
const LONGEST_APP_NAME: usize = 1_000;

/// A reason to reject a record, and the value that was expected.
pub(crate) type Defect = (Reason, String);

/// Reads one record into a batch. A record without a readable id or time goes to the rejects. A record
/// without a person loads, and so does one with an unexpected value in a field that does not identify
/// it.
pub fn record(origin: &Origin, selected: &EventSelection, raw: &[u8], batch: &mut Batch) {
    let before = batch.texts.here();
    if let Err((reason, detail)) = read(origin, selected, raw, batch) {
        batch.texts.forget(before);
        let raw = readable(raw);
        let reject_id = identity::reject_id(origin, &raw);
        batch.rejects.push(Reject::new(reject_id, reason, detail, raw));
    }
}

/// The name of an app as it is stored: without blanks around it, because another source of the same failure may lack
/// them. `None` if nothing else is there.
fn app_name(name: TextRef, texts: &TextArena) -> Option<TextRef> {
    let text = texts.get(name);
    let start = text.len() - text.trim_start().len();
    let text = text[..text.floor_char_boundary(start + LONGEST_APP_NAME)].trim_end();
    (text.len() > start).then(|| name.part(start..text.len()))
}

/// Rejects a record above the limit, of which only the beginning and the hash are known.
pub(crate) fn too_large(
    origin: &Origin,
    head: &[u8],
    digest: [u8; 32],
    bytes: u64,
    batch: &mut Batch,
) {
    let detail = format!("a record of {bytes} bytes; raw has the beginning of it");
    let reject_id = identity::large_reject_id(origin, &digest);
    batch.rejects.push(Reject::new(reject_id, Reason::TooLarge, detail, readable(head)));
}

fn read(
    origin: &Origin,
    selected: &EventSelection,
    raw: &[u8],
    batch: &mut Batch,
) -> Result<(), Defect> {
    let raw = &text(raw)?;
    match origin.source {
        SourceKind::Legacy => legacy::read(origin, raw, batch),
        SourceKind::Events => event::read(origin, selected, Shape::Api, raw, batch),
        SourceKind::Webhook => event::read(origin, selected, Shape::Webhook, raw, batch),
    }
}

/// The text of a record as it is read and stored.
fn text(raw: &[u8]) -> Result<Cow<'_, str>, Defect> {
    std::str::from_utf8(raw).map(storable).map_err(|e| (Reason::NotJson, e.to_string()))
}

/// The text of a rejected record as it is stored.
fn readable(raw: &[u8]) -> String {
    storable(&String::from_utf8_lossy(raw)).replace('\0', "\u{FFFD}")
}

/// The fields of a record, not yet interpreted: an old API sends other types than documented.
fn fields<'a, T: Deserialize<'a>>(raw: &'a str) -> Result<T, Defect> {
    let record = object(raw)?;
    if is_deeper_than(DEEPEST, raw) {
        let what = format!("expected at most {DEEPEST} levels of brackets, found more");
        return Err((Reason::BadField, what));
    }
    Ok(record)
}

fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Defect> {
    let not_json = |e: serde_json::Error| (Reason::NotJson, e.to_string());
    // serde would take an array for a struct, value by value.
    if !text.trim_start().starts_with('{') {
        let value: &RawValue = serde_json::from_str(text).map_err(not_json)?;
        return Err((
            Reason::NotAnObject,
            format!("expected an object, found {}", quote(value.get())),
        ));
    }
    serde_json::from_str(text).map_err(not_json)
}

/// Checks whether a JSON text has more levels of brackets than this.
fn is_deeper_than(levels: usize, json: &str) -> bool {
    // Each level takes two characters, so that most records need no check.
    if json.len() / 2 <= levels {
        return false;
    }
    let (mut depth, mut in_string, mut escaped) = (0, false, false);
    json.bytes().any(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth -= 1,
            _ => {}
        }
        depth > levels
    })
}

#[cfg(test)]
mod tests;
