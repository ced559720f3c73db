//! The parts of the page, leavers first.

mod freshness;
mod history;
mod open;

use super::section::Section;
use super::table::Cell;
use crate::store::report::ReportRows;

/// The form that all tables of a page share.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// The tables have a column for the account.
    pub(super) has_accounts: bool,
    /// The tables may show who it is, and texts that may name people.
    pub(super) has_people: bool,
}

/// Makes all sections, in the order of the page.
pub(super) fn all(rows: &ReportRows, shape: Shape) -> Vec<Section> {
    vec![
        open::leavers(rows, shape),
        open::cases(rows, shape),
        history::days(rows),
        history::incidents(rows, shape),
        history::resolving(rows, shape),
        history::new_errors(rows, shape),
        history::latest(rows, shape),
        freshness::freshness(rows, shape),
    ]
}

/// The number of rows that are all there are.
fn number_of<T>(rows: &[T]) -> i64 {
    i64::try_from(rows.len()).unwrap_or(i64::MAX)
}

fn app(name: Option<&str>) -> Cell {
    Cell::text(name.unwrap_or("no app named"))
}

/// The class of an error, and what to do about it.
fn class(error_class: &str, action: Option<&str>) -> Cell {
    Cell::text(&super::format::plain(error_class)).with_detail(action)
}
