//! The way to continue after a source that failed, or that allows no more calls.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::Error;
use super::session::Session;
use crate::onelogin::{self, Kind, Source};

/// A run that ends this far before the present has more to read than an hour's calls allow.
const LARGE_BACKLOG: TimeDelta = TimeDelta::hours(2);

/// Adds to an error of the source how to continue, if that takes another command or schedule.
pub(super) fn add(run: &Session<'_>, error: Error) -> Error {
    match error {
        Error::Source(source) if !matches!(run.source, Source::Saved(_)) => {
            match hint(run, &source) {
                Some(hint) => Error::Unfinished { hint, source: Box::new(source) },
                None => Error::Source(source),
            }
        }
        other => other,
    }
}

fn hint(run: &Session<'_>, error: &onelogin::Error) -> Option<String> {
    let read_through = run.tally().read_through?;
    let way = match error.kind() {
        Kind::Unavailable | Kind::BudgetExhausted => continuation(run, read_through),
        Kind::NotThisApi | Kind::Refused | Kind::Unreadable => return None,
    };
    let hourly = error.is_out_of_calls() && Utc::now() - read_through > LARGE_BACKLOG;
    let schedule = "a run may use the calls of one hour, so run it hourly until it has caught up, with a higher \
                    --max-calls-per-hour if it does not";
    let parts = [way, hourly.then(|| schedule.to_owned())];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty())
        .then(|| format!("read through {}; {}", time(read_through), parts.join("; ")))
}

/// Command to run instead of the same one, which would begin again.
fn continuation(run: &Session<'_>, read_through: DateTime<Utc>) -> Option<String> {
    run.job.since?;
    if run.job.until.is_none() && run.tally().watermark.scanned_through == Some(read_through) {
        return Some("continue with the same command without --since".to_owned());
    }
    Some(format!("continue with the same command and --since {}", time(read_through)))
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
