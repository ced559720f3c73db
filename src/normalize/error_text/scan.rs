//! One pass over a text, which replaces what differs from person to person.

use super::addresses;
use super::vocabulary::{
    is_before_id, is_ordinary, is_person, is_protocol, is_unit, is_verb, placeholder,
};

const NUMBER: &str = "<n>";
const NAME: &str = "<name>";
const ID: &str = "<id>";
/// Keys of the parts of a distinguished name.
const RDN: [&str; 5] = ["cn", "ou", "dc", "uid", "dn"];
/// Scans after the first one. Texts that need more than one were made by a test.
const MOST_SCANS: usize = 8;
/// Longest name in quotation marks.
const LONGEST_NAME: usize = 80;

/// The text with placeholders and single spaces, at most this many bytes. It is scanned until nothing changes,
/// because a placeholder can set terms apart that were one.
pub(super) fn normalised(text: &str, longest: usize) -> String {
    let mut text = scanned(text, longest);
    for _ in 0..MOST_SCANS {
        let again = scanned(&text, longest);
        if again == text {
            break;
        }
        text = again;
    }
    text
}

fn scanned(text: &str, longest: usize) -> String {
    let mut scan = Scan { text, at: 0, out: String::with_capacity(text.len().min(longest + 8)) };
    while scan.at < text.len() {
        scan.step();
        if scan.out.trim_end().len() > longest {
            scan.cut(longest);
            break;
        }
    }
    scan.out.truncate(scan.out.trim_end().len());
    scan.out
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    out: String,
}

impl<'a> Scan<'a> {
    fn step(&mut self) {
        let rest = &self.text[self.at..];
        let Some(next) = rest.chars().next() else { return };
        if let Some(known) = placeholder(rest) {
            return self.put(known.len(), known);
        }
        if next.is_whitespace() || next.is_control() {
            if !self.out.is_empty() && !self.out.ends_with(' ') {
                self.out.push(' ');
            }
            self.at += next.len_utf8();
            return;
        }
        let before = &self.text[..self.at];
        let is_inside = before.chars().next_back().is_some_and(char::is_alphanumeric)
            || addresses::ends_in_name(before);
        if !is_inside && let Some((length, known)) = self.opaque(rest, next) {
            return self.put(length, known);
        }
        if next.is_alphanumeric() {
            let length = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
            self.term(&rest[..length]);
            self.at += length;
            return;
        }
        self.out.push(next);
        self.at += next.len_utf8();
        self.value(next);
    }

    /// A part that begins here and is replaced as one.
    fn opaque(&self, rest: &'a str, next: char) -> Option<(usize, &'static str)> {
        if (next.is_alphanumeric() || "/:[".contains(next))
            && let Some(found) = addresses::address(rest)
        {
            return Some(found);
        }
        uuid(rest)
            .map(|length| (length, ID))
            .or_else(|| distinguished_name(rest).map(|length| (length, NAME)))
            .or_else(|| self.full_name(rest, next).map(|length| (length, NAME)))
    }

    /// Writes a placeholder. Numbers and names that belong together become one.
    fn put(&mut self, length: usize, known: &str) {
        self.at += length;
        if known == NUMBER && ends_with_number(&self.out) {
            if !self.out.ends_with(NUMBER) {
                self.out.pop();
            }
        } else if known == NAME
            && let Some(end) = end_of_name(&self.out)
        {
            self.out.truncate(end);
        } else {
            self.out.push_str(known);
        }
    }

    /// Writes a run of letters and digits.
    fn term(&mut self, term: &str) {
        if term.bytes().all(|b| !b.is_ascii_digit()) {
            self.out.push_str(term);
        } else if term.bytes().all(|b| b.is_ascii_digit()) {
            if self.is_status(term) {
                self.out.push_str(term);
            } else {
                self.number();
            }
        } else if is_protocol(term) || is_code(term) {
            self.out.push_str(term);
        } else if term.starts_with("0x") || is_part_of_time(term) {
            self.number();
        } else if is_id(term) {
            self.put(0, ID);
        } else {
            let mut rest = term;
            while let Some(first) = rest.chars().next() {
                let is_digit = first.is_ascii_digit();
                let end = rest.find(|c: char| c.is_ascii_digit() != is_digit).unwrap_or(rest.len());
                if is_digit {
                    self.number();
                } else {
                    self.out.push_str(&rest[..end]);
                }
                rest = &rest[end..];
            }
        }
    }

    /// Writes the placeholder of a number instead of it and its sign.
    fn number(&mut self) {
        if self.out.ends_with(['-', '+', '#']) {
            let before = self.out[..self.out.len() - 1].chars().next_back();
            if !before.is_some_and(|c| c.is_alphanumeric() || c == '>') {
                self.out.pop();
            }
        }
        self.put(0, NUMBER);
    }

    /// Checks whether a number is a status that stands alone.
    fn is_status(&self, number: &str) -> bool {
        if number.len() != 3 || !(b'1'..=b'5').contains(&number.as_bytes()[0]) {
            return false;
        }
        let mut before = self.text[..self.at].chars().rev();
        let mut after = self.text[self.at + number.len()..].chars();
        let is_free_before = match (before.next(), before.next()) {
            (Some('.' | ',' | ':' | '/'), Some(c)) => !c.is_ascii_digit(),
            (Some('-' | '+'), c) => c.is_some_and(char::is_alphabetic),
            (Some(c), _) => !c.is_alphanumeric() && c != '_' && c != '#',
            (None, _) => true,
        };
        let is_free_after = match (after.next(), after.next()) {
            (Some('.' | ',' | ':' | '/' | '-'), Some(c)) => !c.is_ascii_digit(),
            (Some(c), _) => !c.is_alphanumeric() && c != '_' && c != '%',
            (None, _) => true,
        };
        is_free_before && is_free_after && !self.is_counted(number)
    }

    /// Checks whether a number is an id or a quantity by the terms around it.
    fn is_counted(&self, number: &str) -> bool {
        let before = last_term(self.out.trim_end_matches(' '));
        let key = last_term(self.out.trim_end_matches([' ', ':', '=', '"', '\'']));
        let rest = self.text[self.at + number.len()..].trim_start();
        let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
        is_before_id(before) || key.eq_ignore_ascii_case("id") || is_unit(&rest[..end])
    }

    /// After a quotation mark or an equals sign: replaces the person's name that it belongs to.
    fn value(&mut self, sign: char) {
        let rest = &self.text[self.at..];
        let before = &self.out[..self.out.len() - sign.len_utf8()];
        let length = match sign {
            '\'' | '"' | '`' => {
                let key = before.trim_end_matches([' ', ':', '=', '"', '\'', '\\']);
                if key.len() == before.len() || !is_person_key(key) {
                    return;
                }
                rest.find([sign, '\\']).unwrap_or(rest.len())
            }
            '=' if is_person_key(before.trim_end_matches(' ')) => rest
                .find(|c: char| !c.is_alphanumeric() && !"._-".contains(c))
                .unwrap_or(rest.len()),
            _ => return,
        };
        let is_mail = rest[length..].starts_with('@');
        if !is_mail && is_name(&rest[..length]) {
            self.put(length, NAME);
        }
    }

    /// The length of a name such as `Jane Roe`: after `user`, or before the verb of the first sentence.
    fn full_name(&self, rest: &str, first: char) -> Option<usize> {
        if !first.is_uppercase() {
            return None;
        }
        let is_first = self.out.is_empty();
        let key = self.out.trim_end_matches(' ');
        let key = if key.len() < self.out.len() { key.trim_end_matches(':') } else { "" };
        if !is_first && !is_person_key(key) {
            return None;
        }
        let (mut length, mut terms) = (0, 0);
        while terms < 3 {
            let from = length + usize::from(terms > 0);
            if terms > 0 && !rest[length..].starts_with(' ') {
                break;
            }
            let Some(term) = capitalised(&rest[from..]) else { break };
            // A surname may be an ordinary term: the verb that follows it decides.
            if is_ordinary(term) && !(is_first && terms == 1) {
                return None;
            }
            length = from + term.len();
            terms += 1;
        }
        let after = &rest[length..];
        let next = after.trim_start();
        let next = &next[..next.find(|c: char| !c.is_alphabetic()).unwrap_or(next.len())];
        let is_sentence = if is_first {
            after.starts_with(' ') && is_verb(next)
        } else {
            !next.starts_with(char::is_uppercase) && !after.starts_with(['_', '.', '='])
        };
        (terms > 1 && is_sentence).then_some(length)
    }

    /// Cuts the text between two characters, and not within a placeholder.
    fn cut(&mut self, longest: usize) {
        let mut end = self.out.floor_char_boundary(longest - '…'.len_utf8());
        let open = self.out[..end].rfind('<').unwrap_or(end);
        if placeholder(&self.out[open..]).is_some_and(|known| open + known.len() > end) {
            end = open;
        }
        let end = self.out[..end].rfind(' ').unwrap_or(end);
        self.out.truncate(self.out[..end].trim_end().len());
        self.out.push('…');
    }
}

/// The term at the end of a text.
fn last_term(text: &str) -> &str {
    let start = text.rfind(|c: char| !c.is_alphanumeric() && c != '_');
    start.map_or(text, |at| &text[text.ceil_char_boundary(at + 1)..])
}

/// Checks whether a text ends with a term before a person's name, `user name` among them.
fn is_person_key(text: &str) -> bool {
    let term = last_term(text);
    let before = last_term(text[..text.len() - term.len()].trim_end_matches(' '));
    is_person(term) || term.eq_ignore_ascii_case("name") && is_person(before)
}

/// Checks whether a value can be a name: one term, or terms that begin with capitals.
fn is_name(value: &str) -> bool {
    let mut terms = value.split(' ').peekable();
    let is_one = !value.contains(' ');
    !value.is_empty()
        && value.len() <= LONGEST_NAME
        && terms.all(|term| {
            let is_written_so = is_one || term.starts_with(char::is_uppercase);
            let is_plain = term.chars().all(|c| c.is_alphanumeric() || "._-'".contains(c));
            is_written_so && is_plain && term.contains(char::is_alphanumeric) && !is_ordinary(term)
        })
}

/// The capitalised term that a text begins with.
fn capitalised(text: &str) -> Option<&str> {
    let end =
        text.find(|c: char| !c.is_alphabetic() && c != '\'' && c != '-').unwrap_or(text.len());
    let term = &text[..end];
    let mut letters = term.chars();
    let is_capital = letters.next()?.is_uppercase();
    (is_capital && letters.next()?.is_lowercase() && term.len() <= 40).then_some(term)
}

fn ends_with_number(out: &str) -> bool {
    let before = out.strip_suffix(['.', ',', ':', '/', '-']).unwrap_or(out);
    before.ends_with(NUMBER)
}

/// The end of the name that the next one continues.
fn end_of_name(out: &str) -> Option<usize> {
    let end = out.trim_end_matches([' ', '.', ',', '_', '-']).len();
    (out[..end].ends_with(NAME) && out.len() - end <= 2).then_some(end)
}

/// Codes of errors that are made of letters and digits.
fn is_code(term: &str) -> bool {
    let digits =
        |prefix| term.strip_prefix(prefix).filter(|d: &&str| d.bytes().all(|b| b.is_ascii_digit()));
    digits("AADSTS").is_some() || digits("E").is_some_and(|digits| digits.len() == 7)
}

/// `02T10` of `2026-01-02T10:30:00Z`, and `00Z`.
fn is_part_of_time(term: &str) -> bool {
    term.ends_with(['Z', 'z', 'T']) && term[..term.len() - 1].bytes().all(|b| b.is_ascii_digit())
        || term.split_once('T').is_some_and(|(date, time)| {
            [date, time].iter().all(|part| {
                (1..=9).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
            })
        })
}

/// Letters and digits that alternate, or a long hexadecimal number.
fn is_id(term: &str) -> bool {
    let is_digit = |b: &u8| b.is_ascii_digit();
    let changes = term.as_bytes().windows(2).filter(|w| is_digit(&w[0]) != is_digit(&w[1])).count();
    term.len() >= 8 && term.bytes().all(|b| b.is_ascii_hexdigit())
        || term.len() >= 6 && changes >= 2
}

/// The length of a UUID.
fn uuid(text: &str) -> Option<usize> {
    let bytes = text.as_bytes().get(..36)?;
    let is_one = bytes.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    let is_end = !text.as_bytes().get(36).is_some_and(u8::is_ascii_alphanumeric);
    (is_one && is_end).then_some(36)
}

/// The length of a name in a directory, such as `CN=Jane Roe,OU=People,DC=example`.
fn distinguished_name(text: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        let value = at + rdn(&text[at..])?;
        let rest = &text[value..];
        let end = rest.find(['"', '\'', ';', ')', ',', '\n']).unwrap_or(rest.len());
        let comma = &rest[end..];
        let next = comma.trim_start_matches([',', ' ']);
        if comma.starts_with(',') && rdn(next).is_some() {
            at = text.len() - next.len();
            continue;
        }
        let end = rest[..end].find([' ', ':']).unwrap_or(end);
        return (end > 0).then_some(value + end);
    }
}

/// The length of `CN=`.
fn rdn(text: &str) -> Option<usize> {
    let end = text.bytes().take(4).position(|b| b == b'=')?;
    let key = &text[..end];
    RDN.iter().any(|known| known.eq_ignore_ascii_case(key)).then_some(end + 1)
}
