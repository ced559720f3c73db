//! Times as the sources write them.

use std::sync::LazyLock;

use chrono::format::{Item, Parsed, StrftimeItems};
use chrono::{DateTime, Datelike, FixedOffset, Utc};

/// Those with an offset, beside RFC 3339: legacy records, and two forms of webhook deliveries. Taken
/// apart once, for every record has a time.
static WITH_OFFSET: LazyLock<[Vec<Item>; 3]> = LazyLock::new(|| {
    ["%Y/%m/%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S%.f%z", "%Y-%m-%d %H:%M:%S%.f %z"]
        .map(|form| StrftimeItems::new(form).parse().expect("it is a form"))
});

/// `2014/09/08 18:17:23 -0700`, RFC 3339, `2026-06-02 10:40:17+0530` or `2017-12-05 19:13:06 UTC`,
/// to the millisecond. `None` when it is none of these, or not between 1970 and 9999: the id and the
/// order of the rows are made from it.
pub(super) fn parse(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let time = match text.strip_suffix(" UTC") {
        Some(time) => with_offset(&format!("{time} +0000")),
        None => DateTime::parse_from_rfc3339(text).ok().or_else(|| with_offset(text)),
    }?;
    // By way of the number: a leap second becomes the second after it.
    DateTime::from_timestamp_millis(time.timestamp_millis())
        .filter(|t| (1970..=9999).contains(&t.year()))
}

fn with_offset(text: &str) -> Option<DateTime<FixedOffset>> {
    WITH_OFFSET.iter().find_map(|form| {
        let mut parsed = Parsed::new();
        chrono::format::parse(&mut parsed, text, form.iter()).ok()?;
        parsed.to_datetime().ok()
    })
}
