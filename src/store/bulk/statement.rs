//! Statements over many rows: the place of the rows and the columns, both read from the text.

use sqlx::{Database, Postgres, Sqlite};

use super::arrays::Arrays;
use super::columns::Columns;
use super::placeholders::{Placeholders, values};
use crate::store::tx::Tx;

/// Stands in a statement's text where its rows go, after the names of their columns in brackets.
const ROWS: &str = "values /*rows*/";

/// Rows per statement, unless a table asks for fewer.
const MOST_ROWS: usize = 1_000;

/// The text of a statement over many rows.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Statement {
    text: &'static str,
    most_sqlite_rows: usize,
    is_reused: bool,
}

impl Statement {
    /// A statement that is planned each time. Postgres would otherwise keep the plan that it made when
    /// a table was empty, and read a million rows for each batch of the same transaction.
    pub(in crate::store) const fn new(text: &'static str) -> Self {
        Self { text, most_sqlite_rows: MOST_ROWS, is_reused: false }
    }

    /// A statement that is planned once for all batches of full length, with its own limit in SQLite.
    pub(in crate::store) const fn reused(text: &'static str, most_sqlite_rows: usize) -> Self {
        Self { text, most_sqlite_rows, is_reused: true }
    }

    pub(super) fn most_rows(self, tx: &Tx) -> usize {
        match tx {
            Tx::Postgres(_) => MOST_ROWS,
            Tx::Sqlite(_) => self.most_sqlite_rows,
        }
    }

    pub(super) fn is_kept(self, rows: usize, most: usize) -> bool {
        self.is_reused && rows == most
    }

    /// The text before and after the rows.
    fn around_rows(self) -> (&'static str, &'static str) {
        self.text.split_once(ROWS).expect("the statement names the place of its rows")
    }

    /// The names of the rows' columns: what the last brackets before the rows hold.
    fn columns(self) -> &'static str {
        let (before, _) = self.around_rows();
        let (list, _) = before.rsplit_once(')').expect("the columns stand in brackets");
        list.rsplit_once('(').expect("the columns stand in brackets").1
    }

    /// The number of columns.
    pub(super) fn width(self) -> usize {
        self.columns().split(',').count()
    }

    /// The SQL for this many rows.
    pub(super) fn sql<DB: TakesRows>(self, rows: usize) -> String {
        let (before, after) = self.around_rows();
        format!("{before}{}{after}", DB::places(rows, self.width()))
    }

    /// The SQL that inserts this many new rows into SQLite: without a clause about conflicts and without the
    /// journal by which SQLite could roll back this statement alone. A failure rolls back the window.
    pub(super) fn new_rows_sql(self, rows: usize) -> String {
        let (before, _) = self.around_rows();
        let before = before.replacen("insert into", "insert or fail into", 1);
        format!("{before}{}", values(rows, self.width()))
    }

    /// The SQL that copies new rows into Postgres.
    pub(super) fn copy_sql(self) -> String {
        let (before, _) = self.around_rows();
        let (_, insert) = before.split_once("insert into ").expect("an insert names its table");
        format!("copy {insert}from stdin (format binary)")
    }
}

/// A database's way to take many rows in one statement.
pub(super) trait TakesRows: Database {
    /// Rows as they are encoded.
    type Rows: Columns;

    fn rows(rows: usize, width: usize) -> Self::Rows;

    /// The SQL in the place of the rows.
    fn places(rows: usize, width: usize) -> String;

    fn arguments(rows: Self::Rows) -> Self::Arguments;
}

impl TakesRows for Postgres {
    type Rows = Arrays;

    fn rows(rows: usize, width: usize) -> Arrays {
        Arrays::new(rows, width)
    }

    fn places(_: usize, width: usize) -> String {
        let places: Vec<String> = (1..=width).map(|place| format!("${place}")).collect();
        format!("select * from unnest({})", places.join(","))
    }

    fn arguments(rows: Arrays) -> Self::Arguments {
        rows.into_arguments()
    }
}

impl TakesRows for Sqlite {
    type Rows = Placeholders;

    fn rows(rows: usize, width: usize) -> Placeholders {
        Placeholders::new(rows * width)
    }

    fn places(rows: usize, width: usize) -> String {
        values(rows, width)
    }

    fn arguments(rows: Placeholders) -> Self::Arguments {
        rows.into_arguments()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_the_columns_of_its_rows() {
        let insert = Statement::new(
            "-- why (1)\ninsert into t (\n a, b\n) values /*rows*/\non conflict (a) do nothing",
        );
        let update = Statement::new("with n (a, b, c) as (values /*rows*/) update t set x = n.c");
        let list = Statement::new("select a from t where (a) in (values /*rows*/)");
        assert_eq!([insert, update, list].map(Statement::width), [2, 3, 1]);
    }
}
