//! Times as the sources write them.

use std::sync::LazyLock;

use chrono::format::{Item, Parsed, StrftimeItems};
use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Utc};

/// Date and time without a zone: of events, of deliveries and of legacy records. Parsed once, since
/// every record has a time.
static FORMS: LazyLock<[Vec<Item>; 3]> = LazyLock::new(|| {
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y/%m/%d %H:%M:%S%.f"]
        .map(|form| StrftimeItems::new(form).parse().expect("it is a form"))
});

/// Reads a time with a zone: date and time with `T`, a blank or slashes; then `Z`, `UTC`, `GMT` or an
/// offset as `±hh`, `±hhmm` or `±hh:mm`, with or without a blank. To the millisecond. `None` if it is
/// another form, or not between 1970 and 9999: ids and the order of rows are made from it.
pub(super) fn parse(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let time = match DateTime::parse_from_rfc3339(text) {
        Ok(time) => time.to_utc(),
        Err(_) => with_zone(text)?,
    };
    // By way of the number: a leap second becomes the second after it.
    DateTime::from_timestamp_millis(time.timestamp_millis())
        .filter(|t| (1970..=9999).contains(&t.year()))
}

fn with_zone(text: &str) -> Option<DateTime<Utc>> {
    // The hyphens of a date are no sign of an offset: its time comes after a colon.
    let colon = text.find(':')?;
    let zone = colon + text[colon..].find(['Z', 'z', 'U', 'G', '+', '-', ' '])?;
    let offset = offset(text[zone..].trim_start())?;
    let time = FORMS.iter().find_map(|form| {
        let mut parsed = Parsed::new();
        chrono::format::parse(&mut parsed, &text[..zone], form.iter()).ok()?;
        parsed.to_naive_datetime_with_offset(0).ok()
    })?;
    NaiveDateTime::checked_sub_signed(time, offset).map(|time| time.and_utc())
}

/// Reads how far a zone is ahead of UTC.
fn offset(zone: &str) -> Option<TimeDelta> {
    if matches!(zone, "Z" | "z" | "UTC" | "GMT") {
        return Some(TimeDelta::zero());
    }
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.len() {
        2 => (digits, "00"),
        4 => digits.split_at_checked(2)?,
        5 => digits.split_once(':')?,
        _ => return None,
    };
    let number = |text: &str, most| {
        let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        let number: i64 = if is_number { text.parse().ok()? } else { return None };
        (number <= most).then_some(number)
    };
    Some(TimeDelta::minutes(sign * (number(hours, 23)? * 60 + number(minutes, 59)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_date_goes_with_every_form_of_zone() {
        let expected: DateTime<Utc> = "2026-06-02T10:40:17Z".parse().unwrap();
        let zones = [
            ("10:40:17", "Z"),
            ("10:40:17", "UTC"),
            ("10:40:17", "GMT"),
            ("10:40:17", "+00"),
            ("10:40:17", "-0000"),
            ("12:40:17", "+02"),
            ("12:40:17", "+0200"),
            ("12:40:17", "+02:00"),
            ("05:10:17", "-0530"),
            ("05:10:17", "-05:30"),
        ];
        for date in ["2026-06-02T", "2026-06-02 ", "2026/06/02 "] {
            for (time, zone) in zones {
                for text in [
                    format!("{date}{time}{zone}"),
                    format!("{date}{time} {zone}"),
                    format!("{date}{time}.000 {zone}"),
                    format!(" {date}{time}.000{zone} "),
                ] {
                    assert_eq!(parse(&text), Some(expected), "{text}");
                }
            }
        }
        assert_eq!(
            parse("2026-06-02 10:40:17.5 UTC"),
            Some(expected + TimeDelta::milliseconds(500))
        );
        assert_eq!(parse("2026-06-02T10:39:60Z"), Some(expected - TimeDelta::seconds(17)));
    }

    #[test]
    fn anything_else_is_no_time() {
        for text in [
            "",
            "soon",
            "2026-06-02",
            "10:40:17Z",
            "2026-06-02 10:40:17",
            "2026-06-02T10:40:17",
            "2026-06-02 10:40:17 PST",
            "2026-06-02 10:40:17 +2",
            "2026-06-02 10:40:17 +02:0",
            "2026-06-02 10:40:17 +24:00",
            "2026-06-02 10:40:17 +0260",
            "2026-06-02 10:40:17 +ab",
            "2026-06-02 10:40:17 UTC+1",
            "2026-13-02 10:40:17 UTC",
            "2026-06-02 25:40:17 UTC",
            "1969-12-31 23:59:59 UTC",
            "1410225443",
            "2026-06-02 10:40:17 é",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
