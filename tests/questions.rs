//! docs/questions.md: each query answers on both databases as the page shows.
//!
//! To write the results into the page again: `QUESTIONS=write cargo test --test main questions`.

use std::collections::BTreeSet;
use std::time::Duration;
use std::{env, fs};

use onelogin_simulator::Config;

use crate::docs::{blocks, read, root};
use crate::support::api::Api;
use crate::support::onelogin::{at, start};
use crate::support::tables::{Db, NULL, on_both};

const PAGE: &str = "docs/questions.md";
/// The demo's account, and the time between its two runs.
const ACCOUNT: [&str; 2] = ["--account", "demo"];
const BETWEEN: Duration = Duration::from_hours(20);
/// Between a query and its result.
const RESULT: &str = "\n```\n\n```text\n";
/// Widest cell that is shown whole.
const WIDEST: usize = 60;

on_both!(every_question_has_its_result_on_both_databases, |db| {
    load_the_demo(db);
    let page = read(PAGE);
    let answered = answered(&page, db);
    // Both databases must give the result, so one of them is enough to write it.
    if env::var("QUESTIONS").is_ok_and(|value| value == "write") && matches!(db, Db::Sqlite(_)) {
        fs::write(root().join(PAGE), &answered).expect("the page can be written");
        return;
    }
    for (number, (shown, found)) in page.split("\n### ").zip(answered.split("\n### ")).enumerate() {
        assert!(
            shown == found,
            "question {number} has another result; QUESTIONS=write writes it into the page: {found}"
        );
    }
    let columns = db.rows(VIEWS[usize::from(matches!(db, Db::Postgres(_)))]);
    let queries: Vec<String> =
        blocks(&page).filter(|block| block.language == "sql").map(|block| block.text).collect();
    let used: BTreeSet<&str> = queries.iter().flat_map(|query| query.split_whitespace()).collect();
    let left: Vec<&String> = columns
        .iter()
        .map(|row| &row[0])
        .filter(|view| !used.contains(view.as_str()) && *view != "account_times")
        .collect();
    assert!(left.is_empty(), "no question reads {left:?}");
    assert!(queries.len() >= 20 && queries.iter().all(|query| query.lines().count() <= 6));
});

/// The names of all views, on SQLite and on Postgres.
const VIEWS: [&str; 2] = [
    "select name from sqlite_master where type = 'view' order by name",
    "select viewname from pg_views where schemaname = current_schema() order by viewname",
];

/// The history of the command `demo`, ending on a day that stays the same.
fn load_the_demo(db: &Db) {
    let onelogin = start(Config::demo(at("2026-03-20T12:00:00Z")));
    for _ in 0..2 {
        Api::Events.sync_ok(&onelogin, db, &ACCOUNT);
        onelogin.advance(BETWEEN);
    }
}

/// The page with the results of a database.
fn answered(page: &str, db: &Db) -> String {
    let mut parts = page.split(RESULT);
    let mut query = parts.next().expect("an introduction");
    let mut answered = query.to_owned();
    query = last_query(query);
    for part in parts {
        let (_, rest) = part.split_once("```").expect("the end of a result");
        for text in [RESULT, &table(db, query), "```", rest] {
            answered.push_str(text);
        }
        query = last_query(rest);
    }
    answered
}

fn last_query(text: &str) -> &str {
    text.rsplit_once("```sql\n").map_or("", |(_, query)| query)
}

/// A result as aligned text: the names of the columns, then the rows.
fn table(db: &Db, query: &str) -> String {
    let (names, rows) = db.table(query);
    if rows.is_empty() {
        return "(no rows)\n".to_owned();
    }
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|value| shown(value)).collect()).collect();
    let lines: Vec<&Vec<String>> = std::iter::once(&names).chain(&rows).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
    let widths: Vec<usize> = (0..names.len()).map(|column| width(column).unwrap_or(0)).collect();
    let line = |cells: &Vec<String>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("{}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    lines.into_iter().map(line).collect()
}

/// A value as the page shows it: times to the minute, texts without the end of a long one.
fn shown(value: &str) -> String {
    if value == NULL {
        return "null".to_owned();
    }
    if value.len() == 29 && value.ends_with("+00:00") {
        return value[..16].to_owned();
    }
    if value.chars().count() > WIDEST {
        return value.chars().take(WIDEST - 1).chain(['…']).collect();
    }
    value.to_owned()
}
