//! The page around the sections.

use askama::Template;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::format::{self, counted, number};
use super::section::Section;
use super::sections::{self, Shape};
use crate::redact::clean;
use crate::store::report::{ReportRows, in_all};

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// The statements of a page about itself.
pub(crate) struct Heading {
    /// The time at which the page is made.
    pub(crate) made_at: DateTime<Utc>,
    /// False for a page without names of people, and without texts that may name them.
    pub(crate) has_people: bool,
}

#[derive(Template)]
#[template(path = "report/report.html")]
struct Page {
    /// Allows the page's own style and script, by their hashes, and nothing else.
    policy: String,
    style: &'static str,
    script: &'static str,
    facts: Vec<(&'static str, String)>,
    figures: Vec<Figure>,
    sections: Vec<Section>,
}

/// A number that a reader looks for first.
struct Figure {
    label: &'static str,
    value: String,
    detail: String,
    /// Somebody should act.
    is_urgent: bool,
}

/// Renders a page.
///
/// # Errors
/// As the template engine; none is expected of a page in memory.
pub(crate) fn render(rows: &ReportRows, heading: &Heading) -> Result<String, askama::Error> {
    let shape = Shape { has_accounts: rows.accounts.len() > 1, has_people: heading.has_people };
    let page = Page {
        policy: policy(),
        style: STYLE,
        script: SCRIPT,
        facts: facts(rows, heading),
        figures: figures(rows),
        sections: sections::all(rows, shape),
    };
    page.render()
}

fn policy() -> String {
    let hash = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; img-src data:; style-src 'sha256-{}'; script-src 'sha256-{}'; \
         base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

fn facts(rows: &ReportRows, heading: &Heading) -> Vec<(&'static str, String)> {
    let accounts: Vec<String> = rows.accounts.iter().map(|account| clean(account)).collect();
    let account = match accounts.len() {
        0 => "none yet".to_owned(),
        1..=5 => accounts.join(", "),
        n => format!("all {n}"),
    };
    let unknown = || "nothing was read yet".to_owned();
    let span = rows.span.map_or_else(unknown, |span| {
        format!("{} to {}", format::day(span.first_day), format::day(span.last_day))
    });
    let made_by = concat!("onelogin-sync ", env!("CARGO_PKG_VERSION"));
    let mut facts = vec![
        (if accounts.len() > 1 { "Accounts" } else { "Account" }, account),
        ("Days", span),
        ("Data through", rows.as_of.map_or_else(unknown, format::time)),
        ("Made", format!("{} by {made_by}", format::time(heading.made_at))),
    ];
    if !heading.has_people {
        facts.push(("People", "left out, with all texts that may name them".to_owned()));
    }
    facts
}

fn figures(rows: &ReportRows) -> Vec<Figure> {
    let leavers = |count: fn(&crate::store::report::LeaverCounts) -> i64| -> i64 {
        rows.leavers.iter().map(count).sum()
    };
    let figure = |label, value, detail, is_urgent| Figure { label, value, detail, is_urgent };
    let (open, overdue) = (leavers(|l| l.open_cases), leavers(|l| l.open_overdue));
    let unknown = leavers(|l| l.unknown_cases);
    let open_cases: i64 = rows.open_cases.iter().map(|c| c.open_cases).sum();
    let unknown_cases: i64 = rows.open_cases.iter().map(|c| c.unknown_cases).sum();
    let failures: i64 = rows.days.iter().map(|day| day.failures).sum();
    let ongoing = in_all(&rows.incidents, |incident| incident.ongoing_in_all);
    vec![
        figure(
            "Leavers with access, open",
            number(open),
            format!(
                "{} overdue, {}",
                number(overdue),
                counted(leavers(|l| l.open_people), "person", "people")
            ),
            overdue > 0,
        ),
        figure(
            "Leavers, unknown",
            number(unknown),
            format!(
                "{} past 24 hours, {}",
                number(leavers(|l| l.unknown_overdue)),
                counted(leavers(|l| l.unknown_people), "person", "people")
            ),
            false,
        ),
        figure(
            "Open cases",
            number(open_cases),
            format!("{} unknown", number(unknown_cases)),
            false,
        ),
        figure("Failures", number(failures), "in the days of the page".to_owned(), false),
        figure(
            "Incidents",
            number(in_all(&rows.incidents, |incident| incident.in_all)),
            format!("{ongoing} ongoing"),
            ongoing > 0,
        ),
    ]
}
