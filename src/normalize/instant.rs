//! Times as the source writes them.

use chrono::{DateTime, Datelike, Utc};

/// `2014/09/08 18:17:23 -0700` or RFC 3339, to the millisecond. `None` when it is neither, or not
/// between 1970 and 9999: the id and the order of the rows are made from it.
pub(super) fn parse(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let time = DateTime::parse_from_str(text, "%Y/%m/%d %H:%M:%S %z")
        .or_else(|_| DateTime::parse_from_rfc3339(text))
        .ok()?;
    // By way of the number: a leap second becomes the second after it.
    DateTime::from_timestamp_millis(time.timestamp_millis())
        .filter(|t| (1970..=9999).contains(&t.year()))
}
