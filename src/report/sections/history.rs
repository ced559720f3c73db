//! Events in the span of the page.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::{Shape, app, class};
use crate::report::chart::Chart;
use crate::report::format::{self, plain};
use crate::report::people;
use crate::report::section::Section;
use crate::report::table::{Cell, Columns};
use crate::store::report::{
    Day, Incident, LatestFailure, NewError, OfAccount, ReportRows, Resolving, in_all,
};

const DAYS: &str = "Each failure counts once, on its day in UTC.";
const INCIDENTS: &str = "At least three people with the same error in one app, at most an hour apart; or many \
    suspensions and deletions of one app at once; from the last 30 days.";
const RESOLVING: &str = "From the first failure of a case to the success, deletion or resolution that ended it, \
    by the month in which it ended.";
const NEW_ERRORS: &str = "Errors that came for the first time in the last 7 days. Names, addresses and numbers \
    in them are replaced.";

/// A day of all accounts together.
struct DaySum {
    day: NaiveDate,
    failures: i64,
    opened: i64,
    resolved: i64,
}

impl OfAccount for DaySum {
    fn account(&self) -> &'static str {
        ""
    }
}

pub(super) fn days(rows: &ReportRows) -> Section {
    let mut sums: BTreeMap<NaiveDate, DaySum> = BTreeMap::new();
    for Day { day, failures, opened, resolved, .. } in &rows.days {
        let none = DaySum { day: *day, failures: 0, opened: 0, resolved: 0 };
        let sum = sums.entry(*day).or_insert(none);
        sum.failures += failures;
        sum.opened += opened;
        sum.resolved += resolved;
    }
    let counts = sums.iter().map(|(day, sum)| (*day, sum.failures)).collect();
    let span = rows.span;
    let chart = span.map(|span| Chart::per_day(&counts, span.first_day, span.last_day));
    let table = Columns::new(false)
        .text("Day", |d: &DaySum| Cell::text(&format::day(d.day)))
        .number("Failures", |d| Cell::number(d.failures))
        .number("Cases opened", |d| Cell::number(d.opened))
        .number("Cases resolved", |d| Cell::number(d.resolved))
        .table("Counts per day, latest first", "No day.", sums.values().rev())
        .out_of(i64::try_from(sums.len()).unwrap_or(i64::MAX), "failures_daily");
    Section { chart, closed: Some(table), ..Section::new("days", "Failures per day", DAYS) }
}

pub(super) fn incidents(rows: &ReportRows, shape: Shape) -> Section {
    let table = Columns::new(shape.has_accounts)
        .text("Started", |i: &Incident| {
            Cell::time(i.started_at).flagged(i.is_ongoing.then_some("ongoing"))
        })
        .text("Ended", |i| Cell::time(i.ended_at))
        .text("App", |i| app(i.app_name.as_deref()))
        .text("Kind", |i| Cell::text(&plain(&i.kind)))
        .number("Failures", |i| Cell::number(i.failures))
        .number("People", |i| Cell::number(i.people))
        .text("Error", |i| Cell::optional(i.error.as_deref()))
        .text("Class", |i| class(i.error_class.as_deref().unwrap_or("–"), None))
        .table("Incidents, latest first", "No incident.", &rows.incidents)
        .out_of(in_all(&rows.incidents, |i| i.in_all), "app_incidents");
    Section::new("incidents", "Incidents", INCIDENTS).with(table)
}

pub(super) fn resolving(rows: &ReportRows, shape: Shape) -> Section {
    let table = Columns::new(shape.has_accounts)
        .text("Month", |r: &Resolving| Cell::text(&format::month(r.month)))
        .text("App", |r| app(r.app_name.as_deref()))
        .text("Operation", |r| Cell::text(&r.operation))
        .number("Cases", |r| Cell::number(r.cases))
        .number("Median", |r| Cell::duration(r.median_seconds))
        .number("90th percentile", |r| Cell::duration(r.p90_seconds))
        .table(
            "Resolved cases by month, app and operation",
            "No case was resolved.",
            &rows.resolving,
        )
        .out_of(in_all(&rows.resolving, |r| r.in_all), "time_to_resolve");
    Section::new("resolving", "Time to resolve", RESOLVING).with(table)
}

pub(super) fn new_errors(rows: &ReportRows, shape: Shape) -> Section {
    let table = Columns::new(shape.has_accounts)
        .text("First", |e: &NewError| Cell::time(e.first_failure_at))
        .text("Last", |e| Cell::time(e.last_failure_at))
        .number("Failures", |e| Cell::number(e.failures))
        .text("Error", |e| Cell::text(&e.example))
        .text("Class", |e| class(&e.error_class, Some(&e.recommended_action)))
        .text("Retry helps", |e| Cell::text(&plain(&e.retryable)))
        .table("New errors, latest first", "No new error.", &rows.new_errors)
        .out_of(in_all(&rows.new_errors, |e| e.in_all), "new_errors");
    Section::new("new-errors", "New errors", NEW_ERRORS).with(table)
}

pub(super) fn latest(rows: &ReportRows, shape: Shape) -> Section {
    let columns = Columns::new(shape.has_accounts)
        .text("Time", |f: &LatestFailure| Cell::time(f.created_at))
        .text(if shape.has_people { "Person" } else { "User" }, people::of_failure)
        .text("App", |f| app(f.app_name.as_deref()))
        .text("Operation", |f| Cell::text(&f.operation));
    let columns = if shape.has_people {
        columns.text("Description", |f| Cell::optional(f.description.as_deref()))
    } else {
        columns
    };
    let table = columns
        .text("Error", |f| Cell::optional(f.error.as_deref()))
        .text("Class", |f| class(&f.error_class, None))
        .table("Latest failures, latest first", "No failure.", &rows.latest);
    let failures: i64 = rows.days.iter().map(|day| day.failures).sum();
    let table = table.out_of(failures, "failures");
    Section::new("latest", "Latest failures", "The last failures of the span, from any app.")
        .with(table)
}
