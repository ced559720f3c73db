//! One way to write each character: programs escape those that are not ASCII, or compose them in two ways.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// The text with `\u00e9`, `&#233;` and `e` with a combining accent as `é`.
pub(super) fn readable(text: &str) -> Cow<'_, str> {
    let text = unescaped(text);
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return text;
    }
    Cow::Owned(text.nfc().collect())
}

fn unescaped(text: &str) -> Cow<'_, str> {
    if memchr::memchr2(b'\\', b'&', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '&']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some((c, length)) = json_escape(rest).or_else(|| reference(rest)) {
            out.push(c);
            rest = &rest[length..];
        } else {
            // Both of two backslashes, because the second begins nothing.
            let length = if rest.starts_with("\\\\") { 2 } else { 1 };
            out.push_str(&rest[..length]);
            rest = &rest[length..];
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The character of `\u00e9`, or of the two escapes of a surrogate pair, and their length.
fn json_escape(text: &str) -> Option<(char, usize)> {
    let unit = |text: &str| u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok();
    let first = unit(text)?;
    let units = [first, unit(&text[6..]).unwrap_or_default()];
    let c = char::decode_utf16(units).next()?.ok()?;
    Some((c, 6 * c.len_utf16()))
}

/// The character of `&#233;` or `&#xe9;`, and its length.
fn reference(text: &str) -> Option<(char, usize)> {
    let number = text.strip_prefix("&#")?;
    let end = number.find(';').filter(|end| *end <= 8)?;
    let code = match number[..end].strip_prefix(['x', 'X']) {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
        None => number[..end].parse(),
    };
    Some((char::from_u32(code.ok()?)?, 2 + end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_characters_are_read() {
        for (text, expected) in [
            (r"Jos\u00e9 and Jos\u00E9", "José and José"),
            (r"\ud83d\ude00!", "😀!"),
            (r"\ud83d alone, \u12 and \\u00e9", r"\ud83d alone, \u12 and \\u00e9"),
            ("O&#39;Brien, Jos&#xe9;", "O'Brien, José"),
            ("&#; &#x; &#99999999; &amp; &#1114112;", "&#; &#x; &#99999999; &amp; &#1114112;"),
            ("cafe\u{301}", "café"),
            ("plain", "plain"),
        ] {
            assert_eq!(readable(text), expected, "{text}");
        }
    }
}
