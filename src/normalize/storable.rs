//! JSON that every reader of a database can take.

use std::borrow::Cow;

use memchr::{memchr, memmem};

/// Bytes of an escape such as `\u0000`.
const ESCAPE: usize = 6;

/// Replaces the escapes of NUL and of lone surrogates by U+FFFD. They are valid JSON and stand for no
/// text: one of them would make `raw->>'notes'` fail for the whole table on Postgres.
pub(super) fn storable(json: &str) -> Cow<'_, str> {
    let bytes = json.as_bytes();
    if memmem::find(bytes, b"\\u").is_none() {
        return Cow::Borrowed(json);
    }
    let mut replaced = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr(b'\\', rest)) {
        let start = at + found;
        let (length, is_storable) = escape(bytes, start);
        if !is_storable {
            replaced.push_str(&json[copied..start]);
            replaced.push('\u{FFFD}');
            copied = start + length;
        }
        at = start + length;
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    replaced.push_str(&json[copied..]);
    Cow::Owned(replaced)
}

/// The length of the escape at this place, and whether it stands for a text.
fn escape(json: &[u8], start: usize) -> (usize, bool) {
    match unit(json, start) {
        None => (2, true),
        Some(0 | 0xDC00..=0xDFFF) => (ESCAPE, false),
        Some(0xD800..=0xDBFF) => match unit(json, start + ESCAPE) {
            Some(0xDC00..=0xDFFF) => (2 * ESCAPE, true),
            _ => (ESCAPE, false),
        },
        Some(_) => (ESCAPE, true),
    }
}

/// The UTF-16 unit of an escape such as `\u00e9`.
fn unit(json: &[u8], start: usize) -> Option<u16> {
    let digits = json.get(start..start + ESCAPE)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |unit, digit| {
        let value = char::from(*digit).to_digit(16)?;
        Some(unit << 4 | u16::try_from(value).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_escapes_that_stand_for_no_text_are_replaced() {
        for (json, expected) in [
            (r#""plain""#, r#""plain""#),
            (r#""a\u0000b""#, "\"a\u{FFFD}b\""),
            (r#""\u0000\u0000""#, "\"\u{FFFD}\u{FFFD}\""),
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (r#""\uD83D\uDE00""#, r#""\uD83D\uDE00""#),
            (r#""\ud83d!""#, "\"\u{FFFD}!\""),
            (r#""\ude00\ud83d""#, "\"\u{FFFD}\u{FFFD}\""),
            (r#""\ud83d\ud83d\ude00""#, "\"\u{FFFD}\\ud83d\\ude00\""),
            (r#""\ud83d\u0041""#, "\"\u{FFFD}\\u0041\""),
            (r#""\u00e9\n""#, r#""\u00e9\n""#),
            // A backslash that is escaped, and the letters of an escape.
            (r#""\\u0000""#, r#""\\u0000""#),
            (r#""\\\u0000""#, "\"\\\\\u{FFFD}\""),
            (r#""\\ud800""#, r#""\\ud800""#),
            // No JSON, which its reader rejects.
            (r#""\u00""#, r#""\u00""#),
            (r#""\u00zz""#, r#""\u00zz""#),
            ("\\", "\\"),
            ("\\é\\u0000", "\\é\u{FFFD}"),
        ] {
            assert_eq!(storable(json), expected, "{json}");
        }
    }
}
