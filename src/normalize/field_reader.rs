//! Scalars as an old API sends them: a number or a string for the same field, escapes that are no
//! characters.

use chrono::{DateTime, Utc};
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde_json::value::RawValue;

use super::{Defect, instant};
use crate::model::{Reason, TextArena, TextRef};

/// Reads the fields of one record. A text that stands in the record as it is to be stored is not
/// written a second time.
pub(super) struct FieldReader<'a, 't> {
    raw: &'a str,
    /// The record among the texts.
    pub(super) whole: TextRef,
    pub(super) texts: &'t mut TextArena,
}

impl<'a, 't> FieldReader<'a, 't> {
    /// Writes the record to the texts.
    pub(super) fn new(raw: &'a str, texts: &'t mut TextArena) -> Self {
        let whole = texts.write(raw);
        Self { raw, whole, texts }
    }

    /// A scalar as text: a string without its escapes, a number or a boolean as written. `None` for
    /// null and for an absent field. NUL and lone surrogates, which Postgres takes in no text, become
    /// U+FFFD.
    ///
    /// # Errors
    /// What came instead, when it is an object or an array.
    pub(super) fn text(&mut self, value: Option<&'a RawValue>) -> Result<Option<TextRef>, String> {
        let Some(value) = value.map(RawValue::get) else { return Ok(None) };
        match value.as_bytes()[0] {
            b'"' => self.string(value).map(Some),
            b'n' => Ok(None),
            b'{' => Err("expected text, found an object".to_owned()),
            b'[' => Err("expected text, found an array".to_owned()),
            _ => Ok(Some(self.part(value))),
        }
    }

    /// An id: a whole number of 64 bits, bare or in quotes. `None` for null and for an absent field.
    ///
    /// # Errors
    /// What came instead.
    pub(super) fn id(&mut self, value: Option<&'a RawValue>) -> Result<Option<i64>, String> {
        let Some(text) = self.text(value)? else { return Ok(None) };
        let text = self.texts.get(text);
        let number = text.trim().parse();
        number.map(Some).map_err(|_| format!("not a whole number of 64 bits: {text:?}"))
    }

    /// Reads an optional field as [`FieldReader::text`] does.
    pub(super) fn field(
        &mut self,
        name: &str,
        value: Option<&'a RawValue>,
    ) -> Result<Option<TextRef>, Defect> {
        self.text(value).map_err(|what| (Reason::BadField, format!("{name}: {what}")))
    }

    /// Reads the record's own id, which is required.
    pub(super) fn own_id(&mut self, value: Option<&'a RawValue>) -> Result<i64, Defect> {
        self.id(value)
            .map_err(|what| (Reason::BadId, format!("id: {what}")))?
            .ok_or_else(|| (Reason::BadId, "id: missing or null".to_owned()))
    }

    /// Reads the record's time, which is required: as written, and as an instant.
    pub(super) fn moment(
        &mut self,
        name: &str,
        value: Option<&'a RawValue>,
    ) -> Result<(TextRef, DateTime<Utc>), Defect> {
        let bad = |what: &str| (Reason::BadCreatedAt, format!("{name}: {what}"));
        let written =
            self.text(value).map_err(|what| bad(&what))?.ok_or_else(|| bad("missing or null"))?;
        let at = instant::parse(self.texts.get(written));
        Ok((written, at.ok_or_else(|| bad("not a time between 1970 and 9999"))?))
    }

    fn string(&mut self, json: &'a str) -> Result<TextRef, String> {
        let inside = &json[1..json.len() - 1];
        if !inside.contains('\\') {
            return Ok(self.part(inside));
        }
        let start = self.texts.here();
        if unescape(inside, self.texts) {
            return Ok(self.texts.since(start));
        }
        self.texts.forget(start);
        let WithSurrogates(bytes) = serde_json::from_str(json).map_err(|e| e.to_string())?;
        let text = String::from_utf8(bytes).unwrap_or_else(|e| replace_surrogates(e.into_bytes()));
        let start = self.texts.here();
        for (place, part) in text.split('\0').enumerate() {
            self.texts.part(if place == 0 { "" } else { "\u{FFFD}" });
            self.texts.part(part);
        }
        Ok(self.texts.since(start))
    }

    /// A part of the record, at its place there.
    fn part(&self, part: &'a str) -> TextRef {
        let offset = part.as_ptr() as usize - self.raw.as_ptr() as usize;
        self.whole.part(offset..offset + part.len())
    }
}

/// Writes a string's inside without its escapes, if they are of the simple kind: those of two
/// characters. A slash is escaped by this API in every date.
fn unescape(inside: &str, texts: &mut TextArena) -> bool {
    let mut parts = inside.split('\\');
    texts.part(parts.next().unwrap_or_default());
    while let Some(part) = parts.next() {
        let (escape, rest) = match part.chars().next() {
            // A backslash that is escaped stands between two parts, of which this one is empty.
            None => {
                texts.part("\\");
                texts.part(parts.next().unwrap_or_default());
                continue;
            }
            Some(escape) => (escape, &part[escape.len_utf8()..]),
        };
        texts.part(match escape {
            '/' => "/",
            '"' => "\"",
            'n' => "\n",
            'r' => "\r",
            't' => "\t",
            'b' => "\u{8}",
            'f' => "\u{C}",
            _ => return false,
        });
        texts.part(rest);
    }
    true
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

/// The bytes of a JSON string. EventSelection for bytes, `serde_json` lets lone surrogates pass, which it
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(json: &str) -> String {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        let mut texts = TextArena::default();
        let mut reader = FieldReader::new(raw.get(), &mut texts);
        let text = reader.text(Some(raw)).unwrap().unwrap();
        texts.get(text).to_owned()
    }

    #[test]
    fn escapes_become_what_they_stand_for() {
        for (json, text) in [
            (r#""plain""#, "plain"),
            (r#""2014\/09\/08""#, "2014/09/08"),
            (r#""\\""#, "\\"),
            (r#""\\\\n\n\\""#, "\\\\n\n\\"),
            (r#""a\"b\\""#, "a\"b\\"),
            (r#""\b\f\r\t""#, "\u{8}\u{C}\r\t"),
            (r#""\u00c9\/""#, "É/"),
            (r#""\\u00c9""#, "\\u00c9"),
            (r#""\ud83d\ude00\ud800\u0000""#, "😀\u{FFFD}\u{FFFD}"),
            ("7.50", "7.50"),
            ("true", "true"),
        ] {
            assert_eq!(read(json), text, "{json}");
        }
    }

    proptest! {
        #[test]
        fn any_string_is_read_as_serde_reads_it(text in ".*", slashes in any::<bool>()) {
            let mut json = serde_json::to_string(&text).unwrap();
            if slashes {
                json = json.replace('/', "\\/");
            }
            prop_assert_eq!(read(&json), text.replace('\0', "\u{FFFD}"));
        }
    }
}
