//! The end of the data, and what is not known.

use super::{Shape, number_of};
use crate::report::format::{plain, time};
use crate::report::section::Section;
use crate::report::table::{Cell, Columns, Table};
use crate::store::report::{Check, Gap, ReportRows, SourceState, in_all};

const FRESHNESS: &str = "Everything above counts from the time through which the account was scanned, not from \
    the time at which the page was made.";

pub(super) fn freshness(rows: &ReportRows, shape: Shape) -> Section {
    let gaps = Columns::new(shape.has_accounts)
        .text("Source", |g: &Gap| Cell::text(&g.source))
        .text("From", |g| Cell::time(g.gap_from))
        .text("To", |g| Cell::time(g.gap_to))
        .number("Length", |g| Cell::duration(g.gap_seconds))
        .table("Spans that were not read", "No span is missing.", &rows.gaps)
        .out_of(in_all(&rows.gaps, |g| g.in_all), "coverage_gaps");
    let checks = Columns::new(shape.has_accounts)
        .text("Check", |c: &Check| Cell::text(&plain(&c.check_name)))
        .number("Found, 30 days", |c| Cell::number(c.failures_30_days))
        .number("Checked", |c| Cell::number(c.failures_checked))
        .table("Quality of the data", "Nothing was checked.", &rows.checks)
        .out_of(number_of(&rows.checks), "data_quality");
    Section::new("freshness", "Freshness, and what is not known", FRESHNESS)
        .with(sources(rows, shape))
        .with(gaps)
        .with(checks)
}

fn sources(rows: &ReportRows, shape: Shape) -> Table {
    Columns::new(shape.has_accounts)
        .text("Source", |s: &SourceState| {
            Cell::text(&s.source).with_detail(s.read_from.as_deref()).flagged(notice(s))
        })
        .text("Scanned through", |s| Cell::optional_time(s.scanned_through))
        .number("Age", |s| Cell::optional_duration(s.scan_age_seconds))
        .text("Newest record", |s| Cell::optional_time(s.high_water_mark))
        .text("Last run", |s| {
            let ended =
                s.last_run_finished_at.map_or(String::new(), |at| format!(", {}", time(at)));
            let status = s.last_run_status.as_deref().unwrap_or("no run");
            Cell::text(&format!("{status}{ended}")).with_detail(s.last_run_error.as_deref())
        })
        .text("Successes known", |s| match (s.successes_from, s.successes_through) {
            (Some(from), Some(through)) => {
                Cell::text(&format!("{} to {}", time(from), time(through)))
            }
            _ => Cell::text("none were read"),
        })
        .number("Open rejects", |s| Cell::number(s.open_rejects))
        .number("People to fetch", |s| Cell::number(s.people_pending))
        .table("Sources", "Nothing was ever read.", &rows.sources)
        .out_of(number_of(&rows.sources), "sync_health")
}

fn notice(source: &SourceState) -> Option<&'static str> {
    if source.is_watermark_ahead {
        return Some("watermark ahead of the clock");
    }
    source.is_rebuilding.then_some("cases are being rebuilt")
}
