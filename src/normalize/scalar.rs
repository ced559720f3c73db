//! Scalars as an old API sends them: a number or a string for the same field, escapes that are no
//! characters.

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde_json::value::RawValue;

/// A scalar as text: a string without its escapes, a number or a boolean as written. `None` for
/// null and for an absent field. NUL and lone surrogates, which Postgres takes in no text, become
/// U+FFFD.
///
/// # Errors
/// What came instead, when it is an object or an array.
pub(super) fn text(value: Option<&RawValue>) -> Result<Option<String>, String> {
    let Some(value) = value.map(RawValue::get) else { return Ok(None) };
    match value.as_bytes()[0] {
        b'"' => string(value).map(Some),
        b'n' => Ok(None),
        b'{' => Err("expected text, found an object".to_owned()),
        b'[' => Err("expected text, found an array".to_owned()),
        _ => Ok(Some(value.to_owned())),
    }
}

/// An id: a whole number of 64 bits, bare or in quotes. `None` for null and for an absent field.
///
/// # Errors
/// What came instead.
pub(super) fn id(value: Option<&RawValue>) -> Result<Option<i64>, String> {
    let Some(text) = text(value)? else { return Ok(None) };
    text.trim().parse().map(Some).map_err(|_| format!("not a whole number of 64 bits: {text:?}"))
}

fn string(json: &str) -> Result<String, String> {
    let inside = &json[1..json.len() - 1];
    if !inside.contains('\\') {
        return Ok(inside.to_owned());
    }
    let WithSurrogates(bytes) = serde_json::from_str(json).map_err(|e| e.to_string())?;
    let text = String::from_utf8(bytes).unwrap_or_else(|e| replace_surrogates(e.into_bytes()));
    Ok(if text.contains('\0') { text.replace('\0', "\u{FFFD}") } else { text })
}

/// A lone surrogate is encoded as the three bytes `ED A0..BF 80..BF`; so is U+FFFD, `EF BF BD`.
fn replace_surrogates(mut bytes: Vec<u8>) -> String {
    for at in 0..bytes.len().saturating_sub(2) {
        if bytes[at] == 0xED && bytes[at + 1] >= 0xA0 {
            bytes[at..at + 3].copy_from_slice("\u{FFFD}".as_bytes());
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The bytes of a JSON string. Asked for bytes, `serde_json` lets lone surrogates pass, which it
/// refuses in a `String`.
struct WithSurrogates(Vec<u8>);

impl<'de> Deserialize<'de> for WithSurrogates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = WithSurrogates;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
                Ok(WithSurrogates(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}
