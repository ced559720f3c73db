//! The kind of a body that is not what was expected. Its values are never shown: they may hold a
//! secret that somebody echoes, or name a person.

use std::fmt::Write;

use crate::redact::clean;

/// The encoding that some systems save text files in.
pub(super) const UTF_16: &str = "text in UTF-16";

/// Keys of an object that are shown.
const KEYS: usize = 8;
/// A longer key is a value in the wrong place.
const LONGEST_KEY: usize = 30;

/// Describes a body by its beginning: `a JSON object with the keys token, expires` or `a web page`.
pub(super) fn of(beginning: &[u8]) -> String {
    let text = beginning.strip_prefix(super::splitter::BOM).unwrap_or(beginning).trim_ascii_start();
    match text.first() {
        None => "nothing".to_owned(),
        // Half of a UTF-16 unit of a Latin character is NUL.
        Some(0xFE | 0xFF | 0) => UTF_16.to_owned(),
        Some(_) if text.get(1) == Some(&0) => UTF_16.to_owned(),
        Some(0x1F) if text.get(1) == Some(&0x8B) => "gzip data".to_owned(),
        Some(b'{') => object(text),
        Some(b'[') => "a JSON array".to_owned(),
        Some(b'"') => "a JSON text".to_owned(),
        Some(b'-' | b'0'..=b'9') if serde_json::from_slice::<f64>(text).is_ok() => {
            "a JSON number".to_owned()
        }
        Some(_) if matches!(text.trim_ascii_end(), b"true" | b"false" | b"null") => {
            "JSON without a record".to_owned()
        }
        Some(b'<') if is_html(text) => "a web page (html)".to_owned(),
        Some(b'<') => "XML".to_owned(),
        Some(_) if is_text(text) => "plain text".to_owned(),
        Some(_) => "binary data".to_owned(),
    }
}

fn is_html(text: &[u8]) -> bool {
    let head = text[..text.len().min(500)].to_ascii_lowercase();
    [&b"<!doctype html"[..], b"<html", b"<head", b"<body"]
        .iter()
        .any(|tag| memchr::memmem::find(&head, tag).is_some())
}

/// UTF-8 without control characters. The last character may be cut.
fn is_text(text: &[u8]) -> bool {
    let valid = match std::str::from_utf8(text) {
        Ok(valid) => valid,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&text[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !valid.contains(|c: char| c.is_control() && !c.is_whitespace())
}

fn object(text: &[u8]) -> String {
    let keys = keys(text);
    let mut kind = match keys.len() {
        0 if text[1..].trim_ascii_start().starts_with(b"}") => {
            return "an empty JSON object".to_owned();
        }
        0 => return "a JSON object".to_owned(),
        1 => "a JSON object with the key ".to_owned(),
        _ => "a JSON object with the keys ".to_owned(),
    };
    for (at, key) in keys.iter().take(KEYS).enumerate() {
        let _ = write!(kind, "{}{}", if at == 0 { "" } else { ", " }, shown(key));
    }
    if keys.len() > KEYS {
        kind.push_str(", …");
    }
    kind
}

/// A key that looks like the name of a field; others may be a value.
fn shown(key: &str) -> String {
    let is_name = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if is_name && key.len() <= LONGEST_KEY { clean(key) } else { "…".to_owned() }
}

/// The keys of the outermost object, as far as the text goes.
fn keys(text: &[u8]) -> Vec<String> {
    let mut keys = Vec::new();
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        match text[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b'"' => {
                let Some(end) = end_of_string(&text[at + 1..]) else { break };
                let string = &text[at + 1..at + 1 + end];
                at += end + 1;
                let is_key = text[at + 1..].trim_ascii_start().starts_with(b":");
                if depth == 1 && is_key {
                    keys.push(String::from_utf8_lossy(string).into_owned());
                }
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
        at += 1;
    }
    keys
}

fn end_of_string(text: &[u8]) -> Option<usize> {
    let mut is_escaped = false;
    text.iter().position(|&byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    })
}

#[cfg(test)]
mod tests {
    use super::{UTF_16, of};

    #[test]
    fn a_body_is_described_by_its_kind_and_never_by_a_value() {
        for (body, kind) in [
            ("", "nothing"),
            (" \n", "nothing"),
            (r#"{"token":"s3cret","expires":1}"#, "a JSON object with the keys token, expires"),
            (r#"{"a":{"b":[{"c":"d"}]},"e":"f\"g"}"#, "a JSON object with the keys a, e"),
            (r#"{"status":{"message":"Ann"}}"#, "a JSON object with the key status"),
            (r#"{"ann@example.com":1,"ok":2}"#, "a JSON object with the keys …, ok"),
            (r#"{"a":"not clo"#, "a JSON object with the key a"),
            ("{}", "an empty JSON object"),
            ("{nonsense", "a JSON object"),
            ("[1]", "a JSON array"),
            ("\u{FEFF}[]", "a JSON array"),
            (r#""s3cret""#, "a JSON text"),
            ("42", "a JSON number"),
            ("null", "JSON without a record"),
            ("\n<!DOCTYPE html>\n<html>", "a web page (html)"),
            ("<?xml version='1.0'?><x/>", "XML"),
            ("id,created_at\n1,2", "plain text"),
            ("\u{1b}[31m", "binary data"),
        ] {
            assert_eq!(of(body.as_bytes()), kind, "{body}");
        }
        for text in [&b"\xFF\xFE[\x00"[..], b"\xFE\xFF\x00[", b"[\x00]\x00", b"\x00[\x00]"] {
            assert_eq!(of(text), UTF_16);
        }
        assert_eq!(of(b"\x1F\x8B\x08"), "gzip data");
        assert_eq!(of(b"caf\xC3"), "plain text", "a character that is cut");
        assert_eq!(of(b"a\xC3(b"), "binary data");
        let many =
            format!("{{{}}}", (0..20).map(|n| format!("\"k{n}\":1")).collect::<Vec<_>>().join(","));
        assert!(of(many.as_bytes()).ends_with("k7, …"));
    }
}
