//! Tables of the page, and their cells.

use chrono::{DateTime, Utc};

use super::format;
use crate::redact::clean;
use crate::store::report::{OfAccount, ROWS};

/// A table that can be sorted.
pub(super) struct Table {
    pub(super) caption: String,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Cell>>,
    /// The sentence that stands in place of a table without rows.
    pub(super) empty: &'static str,
    /// The number of rows, if not all are shown.
    pub(super) excerpt: Option<String>,
}

pub(super) struct Column {
    pub(super) title: &'static str,
    pub(super) is_number: bool,
}

/// A value of a table.
pub(super) struct Cell {
    pub(super) text: String,
    /// A second, smaller line.
    pub(super) detail: Option<String>,
    /// The key to sort by; the text without one.
    pub(super) key: Option<String>,
    /// A notice after the text.
    pub(super) flag: Option<&'static str>,
}

/// The columns of a table of `T`: title, and the value of a row.
pub(super) struct Columns<T> {
    columns: Vec<Column>,
    values: Vec<fn(&T) -> Cell>,
}

impl<T: OfAccount> Columns<T> {
    /// Begins with the account, if the page shows several.
    pub(super) fn new(has_accounts: bool) -> Self {
        let columns = Self { columns: Vec::new(), values: Vec::new() };
        if has_accounts {
            columns.text("Account", |row| Cell::text(row.account()))
        } else {
            columns
        }
    }

    pub(super) fn text(mut self, title: &'static str, value: fn(&T) -> Cell) -> Self {
        self.columns.push(Column { title, is_number: false });
        self.values.push(value);
        self
    }

    pub(super) fn number(mut self, title: &'static str, value: fn(&T) -> Cell) -> Self {
        self.columns.push(Column { title, is_number: true });
        self.values.push(value);
        self
    }

    /// Makes the table, with the first [`ROWS`] rows.
    pub(super) fn table<'a>(
        self,
        caption: impl Into<String>,
        empty: &'static str,
        rows: impl IntoIterator<Item = &'a T>,
    ) -> Table
    where
        T: 'a,
    {
        let limit = usize::try_from(ROWS).unwrap_or(usize::MAX);
        let rows = rows.into_iter().take(limit);
        let cells = |row: &'a T| self.values.iter().map(|value| value(row)).collect();
        let rows = rows.map(cells).collect();
        Table { caption: caption.into(), columns: self.columns, rows, empty, excerpt: None }
    }
}

impl Table {
    /// States how many of `all` rows are shown, if some are left out.
    pub(super) fn out_of(mut self, all: i64, view: &str) -> Self {
        let shown = i64::try_from(self.rows.len()).unwrap_or(i64::MAX);
        self.excerpt = (shown < all).then(|| {
            let (shown, all) = (format::number(shown), format::number(all));
            format!("The first {shown} of {all}; the view {view} has all of them.")
        });
        self
    }
}

impl Cell {
    fn new(text: String) -> Self {
        Self { text, detail: None, key: None, flag: None }
    }

    /// A text from outside.
    pub(super) fn text(text: &str) -> Self {
        Self::new(clean(text))
    }

    /// A text from outside that may be missing.
    pub(super) fn optional(text: Option<&str>) -> Self {
        Self::text(text.unwrap_or("–"))
    }

    pub(super) fn number(n: i64) -> Self {
        Self::new(format::number(n)).sorted_by(n)
    }

    pub(super) fn time(at: DateTime<Utc>) -> Self {
        Self::new(format::time(at)).sorted_by(at.timestamp_millis())
    }

    pub(super) fn optional_time(at: Option<DateTime<Utc>>) -> Self {
        at.map_or_else(|| Self::new("–".to_owned()).sorted_by(i64::MIN), Self::time)
    }

    pub(super) fn duration(seconds: i64) -> Self {
        Self::new(format::duration(seconds)).sorted_by(seconds)
    }

    pub(super) fn optional_duration(seconds: Option<i64>) -> Self {
        seconds.map_or_else(|| Self::new("–".to_owned()).sorted_by(i64::MIN), Self::duration)
    }

    fn sorted_by(self, key: i64) -> Self {
        Self { key: Some(key.to_string()), ..self }
    }

    /// Adds a second line, from outside.
    pub(super) fn with_detail(self, detail: Option<&str>) -> Self {
        Self { detail: detail.map(clean), ..self }
    }

    pub(super) fn flagged(self, flag: Option<&'static str>) -> Self {
        Self { flag, ..self }
    }
}
