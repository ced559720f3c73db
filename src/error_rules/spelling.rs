//! Identifiers and short forms of a text, spelled out: `LICENSE_LIMIT` and `licenseLimit` as
//! `license limit`, `couldn't` as `could not`. A rule for the one finds the other.

/// A text with its identifiers and short forms spelled out; `None` if it has none.
pub(super) fn spelled_out(text: &str) -> Option<String> {
    let mut spelled = String::with_capacity(text.len() + 16);
    let mut before = ' ';
    for letter in text.chars() {
        if letter == '_' {
            spelled.push(' ');
        } else {
            if before.is_ascii_lowercase() && letter.is_ascii_uppercase() {
                spelled.push(' ');
            }
            spelled.push(if letter == '\u{2019}' { '\'' } else { letter });
        }
        before = letter;
    }
    for (short, long) in [("an't", "annot"), ("won't", "will not"), ("n't", " not")] {
        if spelled.contains(short) {
            spelled = spelled.replace(short, long);
        }
    }
    (spelled != text).then_some(spelled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_and_short_forms_are_spelled_out() {
        let spelled = [
            ("LICENSE_LIMIT_EXCEEDED", "LICENSE LIMIT EXCEEDED"),
            ("maximumNumberOfSeats=350", "maximum Number Of Seats=350"),
            ("It couldn't, can't and won't", "It could not, cannot and will not"),
            ("We can’t do it", "We cannot do it"),
        ];
        for (text, expected) in spelled {
            assert_eq!(spelled_out(text).as_deref(), Some(expected));
        }
        assert_eq!(spelled_out("a plain text <n>"), None);
    }
}
