//! The outcome of a run on stdout.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::super::text::{number, plural, print_line, time};
use super::super::{Failed, Format};
use crate::model::{Counts, Origin};
use crate::redact::Outside;
use crate::store::{Status, Traffic};
use crate::sync::{Error, Report};
use crate::window::Watermark;

/// A finished run, or one that never began.
pub(in crate::cli) struct Outcome<'a> {
    origin: &'a Origin,
    run_id: Uuid,
    status: Status,
    counts: Counts,
    windows: u64,
    traffic: Traffic,
    watermark: Watermark,
    people_pending: u64,
    took: Duration,
    pub(in crate::cli) result: Result<(), Failed>,
}

impl<'a> Outcome<'a> {
    pub(in crate::cli) fn of_run(origin: &'a Origin, report: Report, took: Duration) -> Self {
        let status = match &report.result {
            Ok(()) => Status::Succeeded,
            Err(Error::Stopped(_)) => Status::Interrupted,
            Err(_) => Status::Failed,
        };
        Self {
            origin,
            run_id: report.run_id,
            status,
            counts: report.counts,
            windows: report.windows,
            traffic: report.traffic,
            watermark: report.watermark,
            people_pending: report.people_pending,
            took,
            result: report.result.map_err(|error| Failed::new(error.exit(), error)),
        }
    }

    pub(super) fn without_run(
        origin: &'a Origin,
        run_id: Uuid,
        failed: Failed,
        took: Duration,
    ) -> Self {
        let interrupted = matches!(failed.error.downcast_ref(), Some(Error::Stopped(_)));
        Self {
            origin,
            run_id,
            status: if interrupted { Status::Interrupted } else { Status::Failed },
            counts: Counts::default(),
            windows: 0,
            traffic: Traffic::default(),
            watermark: Watermark::default(),
            people_pending: 0,
            took,
            result: Err(failed),
        }
    }

    pub(in crate::cli) fn print(&self, format: Format) {
        match format {
            Format::Json => print_line(&self.json()),
            // A run that failed before its first window has only its error, which is on stderr.
            Format::Text if self.windows == 0 && self.result.is_err() => {}
            Format::Text => print_line(&self.text()),
        }
    }

    fn text(&self) -> String {
        let Counts { inserted, updated, unchanged, rejected, users_written, .. } = self.counts;
        let successes = match self.counts.successes {
            0 => String::new(),
            1 => ", 1 success".to_owned(),
            many => format!(", {} successes", number(many)),
        };
        if self.windows == 0 && self.result.is_ok() {
            let account = Outside(&self.origin.account);
            return format!("account {account}: nothing to read, the span is empty");
        }
        format!(
            "account {}: {}, {} changed, {} unchanged, {} rejected; {} written{successes}\n\
             scanned through {}: {}, {}, {:.1} s",
            Outside(&self.origin.account),
            plural(inserted, "new failure"),
            number(updated),
            number(unchanged),
            number(rejected),
            plural(users_written, "user"),
            time(self.watermark.scanned_through),
            plural(self.windows, "window"),
            plural(self.traffic.requests, "request"),
            self.took.as_secs_f64(),
        )
    }

    fn json(&self) -> String {
        let failed = self.result.as_ref().err();
        json!({
            "run_id": self.run_id.to_string(),
            "account": self.origin.account,
            "source": self.origin.source.as_str(),
            "status": self.status.as_str(),
            "exit_code": failed.map_or(0, |failed| failed.exit.code()),
            "fetched": self.counts.fetched,
            "inserted": self.counts.inserted,
            "updated": self.counts.updated,
            "unchanged": self.counts.unchanged,
            "rejected": self.counts.rejected,
            "users_written": self.counts.users_written,
            "successes": self.counts.successes,
            "ignored": self.counts.ignored,
            "people_pending": self.people_pending,
            "windows": self.windows,
            "requests": self.traffic.requests,
            "retries": self.traffic.retries,
            "bytes": self.traffic.bytes,
            "high_water_mark": self.watermark.high_water_mark,
            "scanned_through": self.watermark.scanned_through,
            "seconds": (self.took.as_secs_f64() * 1_000.0).round() / 1_000.0,
            "error": failed.map(Failed::text),
        })
        .to_string()
    }
}
