//! Rows for SQLite: one placeholder per value.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::Arguments;
use sqlx::sqlite::SqliteArguments;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use super::columns::{Columns, Shared, bind, hyphenated};
use crate::store::value::Time;

/// The values of rows, one after another. A text takes one allocation this way; bound as `&str` it would
/// take two.
#[derive(Debug)]
pub(super) struct Placeholders(SqliteArguments);

impl Placeholders {
    pub(super) fn new(values: usize) -> Self {
        let mut arguments = SqliteArguments::default();
        arguments.reserve(values, 0);
        Self(arguments)
    }

    pub(super) fn into_arguments(self) -> SqliteArguments {
        self.0
    }
}

/// `values (?,?), (?,?), …`. Not numbered: SQLite looks up a numbered place by walking all of them.
pub(super) fn values(rows: usize, width: usize) -> String {
    let row = format!("({}?)", "?,".repeat(width - 1));
    format!("values {}{row}", format!("{row}, ").repeat(rows - 1))
}

impl Columns for Placeholders {
    fn id(&mut self, id: Option<Uuid>) {
        let mut buffer = [0; Hyphenated::LENGTH];
        self.text(id.map(|id| hyphenated(id, &mut buffer)));
    }

    fn number(&mut self, number: Option<i64>) {
        bind(&mut self.0, number);
    }

    fn flag(&mut self, flag: Option<bool>) {
        bind(&mut self.0, flag);
    }

    fn text(&mut self, text: Option<&str>) {
        match text {
            Some(text) => bind(&mut self.0, Arc::<str>::from(text)),
            None => bind(&mut self.0, None::<&str>),
        }
    }

    fn json(&mut self, text: Option<&str>) {
        self.text(text);
    }

    fn time(&mut self, time: Option<DateTime<Utc>>) {
        match time {
            Some(time) => bind(&mut self.0, Time(time).text()),
            None => bind(&mut self.0, None::<&str>),
        }
    }

    fn day(&mut self, day: NaiveDate) {
        self.text(Some(&day.to_string()));
    }

    fn shared_text(&mut self, text: &Shared<()>) {
        bind(&mut self.0, Arc::clone(&text.text));
    }

    fn shared_id(&mut self, id: &Shared<Uuid>) {
        bind(&mut self.0, Arc::clone(&id.text));
    }

    fn shared_time(&mut self, time: &Shared<DateTime<Utc>>) {
        bind(&mut self.0, Arc::clone(&time.text));
    }
}
