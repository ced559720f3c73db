//! Cases that nothing has resolved: leavers, then all of them by app and class.

use std::collections::BTreeMap;

use super::{Shape, app, class, number_of};
use crate::report::format::plain;
use crate::report::people;
use crate::report::section::Section;
use crate::report::table::{Cell, Columns, Table};
use crate::store::report::{App, Leaver, OfAccount, OpenCases, ReportRows, in_all};

const LEAVERS: &str = "Suspensions and deletions that failed, or that OneLogin is set not to do, and that \
    nothing has resolved since. They are due 24 hours after the first failure.";
const CASES: &str = "A case is all failures of one person, app and operation until one of them succeeds. \
    Open: successes were read, and none came. Unknown: successes of that time were not read, so a later one \
    may have resolved it.";

pub(super) fn leavers(rows: &ReportRows, shape: Shape) -> Section {
    let open: i64 = rows.leavers.iter().map(|l| l.open_cases).sum();
    let unknown: i64 = rows.leavers.iter().map(|l| l.unknown_cases).sum();
    let open = leaver_table(shape, "Open", "No open case.", &rows.open_leavers, open);
    let unknown_empty = "No case whose outcome is unknown.";
    let unknown = leaver_table(shape, "Unknown", unknown_empty, &rows.unknown_leavers, unknown);
    Section::new("leavers", "Leavers who may still have access", LEAVERS).with(open).with(unknown)
}

fn leaver_table(
    shape: Shape,
    caption: &str,
    empty: &'static str,
    leavers: &[Leaver],
    all: i64,
) -> Table {
    Columns::new(shape.has_accounts)
        .text(if shape.has_people { "Person" } else { "User" }, people::of_leaver)
        .text("App", |l: &Leaver| app(l.app_name.as_deref()))
        .text("Operation", |l| Cell::text(&l.operation))
        .text("Since", |l| Cell::time(l.opened_at))
        .number("Hours", |l| Cell::number(l.hours_open).flagged(l.is_overdue.then_some("overdue")))
        .number("Attempts", |l| Cell::number(l.attempts))
        .text("Error", error)
        .text("Class", |l| class(&l.error_class, Some(&l.recommended_action)))
        .table(format!("{caption}, longest first"), empty, leavers)
        .out_of(all, "outstanding_deprovisioning")
}

fn error(leaver: &Leaver) -> Cell {
    let do_nothing = "OneLogin is set to do nothing in this app";
    match leaver.error.as_deref() {
        None if leaver.reason == "do_nothing" => Cell::text(do_nothing),
        error => Cell::optional(error),
    }
}

pub(super) fn cases(rows: &ReportRows, shape: Shape) -> Section {
    let by_both = Columns::new(shape.has_accounts)
        .text("App", |c: &OpenCases| app(c.app_name.as_deref()))
        .text("Class", |c| class(&c.error_class, None))
        .number("Open", |c| Cell::number(c.open_cases))
        .number("Unknown", |c| Cell::number(c.unknown_cases))
        .text("Oldest", |c| Cell::time(c.oldest_at))
        .table("By app and error class", "No case is open.", &rows.open_cases)
        .out_of(number_of(&rows.open_cases), "open_cases");
    Section::new("cases", "Open cases", CASES)
        .with(by_app(rows, shape))
        .with(by_class(rows, shape))
        .with(by_both)
}

fn by_app(rows: &ReportRows, shape: Shape) -> Table {
    Columns::new(shape.has_accounts)
        .text("App", |a: &App| app(a.app_name.as_deref()))
        .number("Open", |a| Cell::number(a.open_cases))
        .number("Unknown", |a| Cell::number(a.unknown_cases))
        .number("Failures, 7 days", |a| Cell::number(a.failures_7_days))
        .number("30 days", |a| Cell::number(a.failures_30_days))
        .number("People, 30 days", |a| Cell::number(a.people_30_days))
        .text("Last failure", |a| Cell::optional_time(a.last_failure_at))
        .table("By app", "No app has a failure.", &rows.apps)
        .out_of(in_all(&rows.apps, |a| a.in_all), "failures_by_app")
}

/// Open cases and failures of a class.
#[derive(Default)]
struct ClassCounts {
    account: String,
    error_class: String,
    retryable: String,
    action: String,
    open: i64,
    unknown: i64,
    failures_7_days: i64,
    failures_30_days: i64,
    people_30_days: i64,
}

impl ClassCounts {
    fn new((account, error_class, retryable): (&str, &str, &str), action: &str) -> Self {
        Self {
            account: account.to_owned(),
            error_class: error_class.to_owned(),
            retryable: retryable.to_owned(),
            action: action.to_owned(),
            ..Self::default()
        }
    }
}

impl OfAccount for ClassCounts {
    fn account(&self) -> &str {
        &self.account
    }
}

fn by_class(rows: &ReportRows, shape: Shape) -> Table {
    let counts = class_counts(rows);
    Columns::new(shape.has_accounts)
        .text("Class", |c: &ClassCounts| class(&c.error_class, Some(&c.action)))
        .text("Retry helps", |c| Cell::text(&plain(&c.retryable)))
        .number("Open", |c| Cell::number(c.open))
        .number("Unknown", |c| Cell::number(c.unknown))
        .number("Failures, 7 days", |c| Cell::number(c.failures_7_days))
        .number("30 days", |c| Cell::number(c.failures_30_days))
        .number("People, 30 days", |c| Cell::number(c.people_30_days))
        .table("By error class", "No failure has a class.", &counts)
        .out_of(number_of(&counts), "failures_by_error_class")
}

/// One row per account, class and retryable, the one with the most cases first.
fn class_counts(rows: &ReportRows) -> Vec<ClassCounts> {
    let mut counts: BTreeMap<(&str, &str, &str), ClassCounts> = BTreeMap::new();
    for c in &rows.classes {
        let key = (&*c.account, &*c.error_class, &*c.retryable);
        let sum = counts.entry(key).or_insert_with(|| ClassCounts::new(key, &c.recommended_action));
        sum.failures_7_days += c.failures_7_days;
        sum.failures_30_days += c.failures_30_days;
        sum.people_30_days += c.people_30_days;
    }
    for c in &rows.open_cases {
        let key = (&*c.account, &*c.error_class, &*c.retryable);
        let sum = counts.entry(key).or_insert_with(|| ClassCounts::new(key, &c.recommended_action));
        sum.open += c.open_cases;
        sum.unknown += c.unknown_cases;
    }
    let mut counts: Vec<ClassCounts> = counts.into_values().collect();
    counts.sort_by_key(|c| std::cmp::Reverse((c.open, c.unknown, c.failures_30_days)));
    counts
}
