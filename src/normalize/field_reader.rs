//! Scalars as an old API sends them: a number or a string for the same field, escapes that are no
//! characters.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::{Defect, instant, whole_number};
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

    /// A value as text: a string without its escapes, anything else as written. `None` for null and for
    /// an absent field.
    pub(super) fn text(&mut self, value: Option<&'a RawValue>) -> Option<TextRef> {
        let value = value?.get();
        match value.as_bytes()[0] {
            b'"' => Some(self.string(value)),
            b'n' => None,
            _ => Some(self.part(value)),
        }
    }

    /// A text that is part of the record's identity, and so no object or array, whose text may differ
    /// from answer to answer.
    pub(super) fn identifying(
        &mut self,
        name: &str,
        value: Option<&'a RawValue>,
    ) -> Result<Option<TextRef>, Defect> {
        if let Some(value) = value
            && value.get().starts_with(['{', '['])
        {
            let what = format!("{name}: expected text, found {}", quote(value.get()));
            return Err((Reason::BadField, what));
        }
        Ok(self.text(value))
    }

    /// An id: a whole number of 64 bits, bare or in quotes. `None` for null and for an absent field.
    ///
    /// # Errors
    /// The value that came instead.
    pub(super) fn id(&mut self, value: Option<&'a RawValue>) -> Result<Option<i64>, String> {
        let Some(text) = self.text(value) else { return Ok(None) };
        let text = self.texts.get(text);
        let number = whole_number::parse(text);
        number.map(Some).ok_or_else(|| format!("not a whole number of 64 bits: {}", quote(text)))
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
        let written = self.text(value).ok_or_else(|| bad("missing or null"))?;
        let text = self.texts.get(written);
        let at = instant::parse(text);
        let at =
            at.ok_or_else(|| bad(&format!("not a time from 1970 to 9999: {}", quote(text))))?;
        Ok((written, at))
    }

    fn string(&mut self, json: &'a str) -> TextRef {
        let inside = &json[1..json.len() - 1];
        if !inside.contains('\\') {
            return self.part(inside);
        }
        let start = self.texts.here();
        if !unescape(inside, self.texts) {
            self.texts.forget(start);
            // It is a part of a record that was parsed, without escapes that stand for no text.
            let text: Cow<'_, str> = serde_json::from_str(json).expect("it is a JSON string");
            self.texts.part(&text);
        }
        self.texts.since(start)
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

/// A value that came, for a message: at most 100 characters, on one line.
pub(super) fn quote(text: &str) -> String {
    const LONGEST: usize = 100;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("`{}…`", text[..end].escape_debug()),
        None => format!("`{}`", text.escape_debug()),
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
        let text = reader.text(Some(raw)).unwrap();
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
            (r#""\ud83d\ude00""#, "😀"),
            (r#"{"a": [1]}"#, r#"{"a": [1]}"#),
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
            prop_assert_eq!(read(&json), text);
        }
    }
}
