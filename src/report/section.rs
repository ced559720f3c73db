//! A part of the page under a heading.

use super::chart::Chart;
use super::table::Table;

pub(super) struct Section {
    /// The target of the link in the list of contents.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) intro: String,
    pub(super) chart: Option<Chart>,
    pub(super) tables: Vec<Table>,
    /// A table that is closed until somebody opens it.
    pub(super) closed: Option<Table>,
}

impl Section {
    pub(super) fn new(id: &'static str, title: &'static str, intro: impl Into<String>) -> Self {
        let intro = intro.into();
        Self { id, title, intro, chart: None, tables: Vec::new(), closed: None }
    }

    pub(super) fn with(mut self, table: Table) -> Self {
        self.tables.push(table);
        self
    }
}
