//! Values as the page shows them.

use chrono::{DateTime, NaiveDate, Utc};
use indicatif::HumanCount;

/// Formats `1,234,567`.
pub(super) fn number(n: i64) -> String {
    let sign = if n < 0 { "-" } else { "" };
    format!("{sign}{}", HumanCount(n.unsigned_abs()))
}

/// Formats `3 people` or `1 person`.
pub(super) fn counted(n: i64, one: &str, many: &str) -> String {
    format!("{} {}", number(n), if n == 1 { one } else { many })
}

/// Formats a time to the minute, in UTC.
pub(super) fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M").to_string()
}

pub(super) fn day(day: NaiveDate) -> String {
    day.format("%Y-%m-%d").to_string()
}

pub(super) fn month(day: NaiveDate) -> String {
    day.format("%Y-%m").to_string()
}

/// Formats `2h 3m`, to the two greatest units, of which a day is the longest.
pub(super) fn duration(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let begin = parts.iter().position(|(n, _)| *n > 0).unwrap_or(parts.len() - 1);
    let shown = parts[begin..].iter().take(2).enumerate();
    let shown = shown.filter(|(place, (n, _))| *place == 0 || *n > 0);
    let shown: Vec<String> = shown.map(|(_, (n, unit))| format!("{}{unit}", number(*n))).collect();
    shown.join(" ")
}

/// A name in a column as people write it: `open_rejects` is `open rejects`.
pub(super) fn plain(name: &str) -> String {
    name.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_as_people_write_them() {
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(number(-1_234), "-1,234");
        assert_eq!(number(i64::MIN), "-9,223,372,036,854,775,808");
        assert_eq!(counted(1, "person", "people"), "1 person");
        assert_eq!(counted(0, "person", "people"), "0 people");
        for (seconds, text) in [
            (-5, "0s"),
            (59, "59s"),
            (60, "1m"),
            (7_384, "2h 3m"),
            (86_400, "1d"),
            (86_400 + 59, "1d"),
            (400 * 86_400 + 7_384, "400d 2h"),
        ] {
            assert_eq!(duration(seconds), text);
        }
        assert_eq!(time("2026-03-01T23:59:59.9Z".parse().unwrap()), "2026-03-01 23:59");
    }
}
