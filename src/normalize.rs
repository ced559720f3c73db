//! From the text of one record to a row of a [`Batch`], or to a [`Reject`] with the reason.
//!
//! Pure: no I/O, no clock. The same text gives the same row on every machine.

mod event;
pub(crate) mod event_type;
mod field_reader;
mod instant;
mod legacy;
mod profile;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::model::{Batch, Origin, Reason, Reject};
use crate::source::SourceKind;
use event::Shape;
use event_type::EventSelection;
pub(crate) use profile::read as profile;

/// Part of every content hash. Raise it when the columns made from the same text change: the next
/// read of a record then rewrites its row.
const VERSION: u8 = 1;

/// Levels of brackets that a record may have; the documented ones have two. Postgres gives up on
/// JSON of some thousand levels, and the window with it.
const DEEPEST: usize = 500;

/// A reason to reject a record, and the value that was expected.
pub(crate) type Defect = (Reason, String);

/// Reads one record into a batch. A record without a readable id or time, or with an unexpected value
/// in a field, goes to the rejects. A record without a person loads. `selected` says which events are failures; a legacy record always is one.
pub fn record(origin: &Origin, selected: &EventSelection, raw: &[u8], batch: &mut Batch) {
    let before = batch.texts.here();
    if let Err((reason, detail)) = read(origin, selected, raw, batch) {
        batch.texts.forget(before);
        let raw = String::from_utf8_lossy(raw).replace('\0', "\u{FFFD}");
        batch.rejects.push(Reject::new(origin, reason, detail, raw));
    }
}

fn read(
    origin: &Origin,
    selected: &EventSelection,
    raw: &[u8],
    batch: &mut Batch,
) -> Result<(), Defect> {
    let raw = std::str::from_utf8(raw).map_err(|e| (Reason::NotJson, e.to_string()))?;
    match origin.source {
        SourceKind::Legacy => legacy::read(origin, raw, batch),
        SourceKind::Events => event::read(origin, selected, Shape::Api, raw, batch),
        SourceKind::Webhook => event::read(origin, selected, Shape::Webhook, raw, batch),
    }
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
        return Err((Reason::NotAnObject, format!("expected an object, found {}", value.get())));
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
