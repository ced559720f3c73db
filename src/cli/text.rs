//! Numbers, times and durations as people write and read them, and lines on stdout.

use std::io::{self, Write};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, SecondsFormat, SubsecRound, TimeDelta, Utc};

/// Stdout. A full disk or a reader that has gone away causes no error.
pub(super) fn out() -> impl Write {
    Unfailing(io::stdout())
}

/// A stream whose errors are ignored: nobody is left to report them to, and a run that did its job has
/// done it.
pub(super) struct Unfailing<W>(pub(super) W);

impl<W: Write> Write for Unfailing<W> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        match self.0.write(text) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Ok(text.len()),
            other => other,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().or(Ok(()))
    }
}

/// Prints a line on stdout.
pub(super) fn print_line(line: &str) {
    let _ = writeln!(out(), "{line}");
}

/// Prints the reason of a failure on stderr.
pub fn print_error(reason: &str) {
    let _ = writeln!(Unfailing(io::stderr()), "onelogin-sync: {reason}");
}

/// Bytes of an account's name: it is part of every key, and Postgres indexes no key of more than 2,704.
const LONGEST_ACCOUNT: usize = 1_000;

/// Reads the name of an account.
pub(super) fn account(text: &str) -> Result<String, String> {
    match text.len() {
        0 => Err("it is empty".to_owned()),
        1..=LONGEST_ACCOUNT => Ok(text.to_owned()),
        bytes => Err(format!("it has {bytes} bytes, and may have {LONGEST_ACCOUNT}")),
    }
}

/// Reads `24h`, `7d` or `90 days`.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "write 90s, 15m, 24h or 7d".to_owned())
}

/// Reads the same as a difference of times.
pub(super) fn duration(text: &str) -> Result<TimeDelta, String> {
    let duration = span(text)?;
    TimeDelta::from_std(duration).map_err(|_| "longer than time itself".to_owned())
}

/// Reads a limit on time. None can be zero: no request fits in that.
pub(super) fn timeout(text: &str) -> Result<Duration, String> {
    let timeout = span(text)?;
    if timeout.is_zero() { Err("it must be longer than 0s".to_owned()) } else { Ok(timeout) }
}

/// Reads RFC 3339, a date, which begins at midnight UTC, or a duration back from now.
pub(super) fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Ok(date.and_time(chrono::NaiveTime::MIN).and_utc());
    }
    let back =
        duration(text).ok().and_then(|back| Utc::now().trunc_subsecs(0).checked_sub_signed(back));
    back.ok_or_else(|| {
        "write 2026-01-31, 2026-01-31T08:00:00Z or 7d, which is 7 days back".to_owned()
    })
}

/// Formats a time as `2026-01-31T08:00:00Z`, or as a dash.
pub(super) fn time(time: Option<DateTime<Utc>>) -> String {
    time.map_or_else(|| "-".to_owned(), |t| t.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

/// Formats `1,234,567`.
pub(super) fn number(n: u64) -> String {
    indicatif::HumanCount(n).to_string()
}

/// Formats `3 windows` or `1 window`.
pub(super) fn plural(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", number(n), if n == 1 { "" } else { "s" })
}

/// Formats `2h 3m`, to the two greatest units.
pub(super) fn age(seconds: i64) -> String {
    let seconds = std::time::Duration::from_secs(seconds.max(0).unsigned_abs());
    let text = humantime::format_duration(seconds).to_string();
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
}
