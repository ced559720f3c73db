//! Comparing names as people write them: in upper or lower case, with accents or without.

use std::iter;

use unicode_normalization::char::decompose_canonical;

/// The last character of the scripts whose accents some programs leave out: Latin, Greek and Cyrillic. In others
/// the parts of a character are what distinguishes it.
const LAST_WITH_ACCENTS: char = '\u{52f}';

/// The letters that a character stands for, without case and accents: two of `ß`, and not one of an apostrophe or of
/// an accent alone.
pub(super) fn fold(c: char) -> impl Iterator<Item = char> {
    let mut folded = ['\0'; 2];
    match c {
        '\'' | '’' | '‘' | '`' | 'ʼ' | '\u{300}'..='\u{36f}' => {}
        'ß' | 'ẞ' => folded = ['s', 's'],
        'ı' => folded[0] = 'i',
        'ς' => folded[0] = 'σ',
        _ if c.is_ascii() => folded[0] = c.to_ascii_lowercase(),
        _ => folded[0] = without_accent(c.to_lowercase().next().unwrap_or(c)),
    }
    folded.into_iter().filter(|c| *c != '\0')
}

fn without_accent(c: char) -> char {
    let mut base = None;
    decompose_canonical(c, |part| base = base.or(Some(part)));
    base.filter(|base| *base <= LAST_WITH_ACCENTS).unwrap_or(c)
}

/// The bytes of a text that equal a name.
pub(super) fn starts_with(text: &str, name: &str) -> Option<usize> {
    // Most names differ in one of their first letters.
    let mut plain = 0;
    for (first, wanted) in text.bytes().zip(name.bytes()) {
        if !first.is_ascii_alphanumeric() || !wanted.is_ascii_alphanumeric() {
            break;
        }
        if !first.eq_ignore_ascii_case(&wanted) {
            return None;
        }
        plain += 1;
    }
    let mut wanted = name[plain..].chars().flat_map(fold);
    let mut next = wanted.next();
    if plain == 0 && next.is_none() {
        return None;
    }
    for (at, c) in text[plain..].char_indices().chain(iter::once((text.len() - plain, '\0'))) {
        if next.is_none() {
            return Some(plain + at);
        }
        for part in fold(c) {
            if next != Some(part) {
                return None;
            }
            next = wanted.next();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_however_it_is_written() {
        for (text, name) in [
            ("JANE is", "Jane"),
            ("JOSÉ", "Jose"),
            ("jose", "José"),
            ("STRAUSS", "Strauß"),
            ("ΓΙΏΡΓΟΣ", "Γιώργος"),
            ("IŞIK", "Işık"),
            ("isik", "IŞIK"),
            ("ibrahim", "İbrahim"),
            ("OBrien", "O'Brien"),
            ("O’Brien", "OBrien"),
            ("Nguyen", "Nguyễn"),
            ("李雷已存在", "李雷"),
        ] {
            assert!(starts_with(text, name).is_some(), "{name} in {text}");
        }
        for (text, name) in
            [("Jan", "Jane"), ("김", "기"), ("Strauß", "Straus"), ("", "Jane"), ("が", "か")]
        {
            assert_eq!(starts_with(text, name), None, "{name} in {text}");
        }
    }
}
