//! The views, each as a whole table, on rows put in by SQL.

mod accounts;
mod cases;
mod contract;
mod days;
mod failures;
mod groups;
mod health;
mod incidents;
mod plans;
mod rows;

use crate::support::program::Program;
use crate::support::tables::{Db, assert_rows, on_both};
use rows::Rows;

/// A database with the current schema and these rows.
fn database(db: &Db, rows: &Rows) {
    Program::new(&["migrate"]).env("DATABASE_URL", db.url()).run().expect_code(0);
    rows.insert(db);
}

/// The rows of a query, in a session whose time zone changes its offset by half an hour: no view may depend on it.
#[track_caller]
fn rows_of(db: &Db, sql: &str) -> Vec<Vec<String>> {
    match db {
        Db::Sqlite(_) => db.rows(sql),
        Db::Postgres(_) => db.rows(&format!("set timezone to 'Australia/Lord_Howe'; {sql}")),
    }
}

/// Shows the number at the end of each id, in place of the id.
fn short(ids: &str) -> String {
    ids.split(", ")
        .map(|id| format!("substr(cast({id} as text), 34) as {id}"))
        .collect::<Vec<_>>()
        .join(", ")
}

on_both!(every_view_of_an_empty_database_is_empty, |db| {
    database(db, &Rows::default());
    let views = match db {
        Db::Sqlite(_) => "select name from sqlite_master where type = 'view' order by name",
        Db::Postgres(_) => {
            "select viewname from pg_views where schemaname = 'public' order by viewname"
        }
    };
    let views = db.rows(views);
    assert!(views.len() >= 24, "{views:?}");
    for view in views {
        println!("{}", view[0]);
        assert_rows(&db.rows(&format!("select * from {}", view[0])), &[]);
    }
});
