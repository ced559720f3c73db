//! Statements over many rows at once. `/*rows*/` in a statement's text is where the rows go.

use std::fmt::Write;

use sqlx::{AssertSqlSafe, Database, Encode, IntoArguments, QueryBuilder, Transaction, Type};

/// The part of an insert before its rows, and the part behind them.
pub(super) fn around_rows(sql: &'static str) -> (&'static str, &'static str) {
    sql.split_once("values /*rows*/").expect("the statement says where rows go")
}

/// The columns of an insert, as they stand between its brackets.
pub(super) fn columns(sql: &'static str) -> &'static str {
    let (_, rest) = sql.split_once('(').expect("an insert names its columns");
    rest.split_once(')').expect("an insert names its columns").0
}

/// The table of an insert.
pub(super) fn table(sql: &'static str) -> &'static str {
    let (_, rest) = sql.split_once("insert into ").expect("an insert names its table");
    rest.split_whitespace().next().expect("an insert names its table")
}

/// How a database writes the place of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Places {
    /// `$1`: Postgres.
    Numbered,
    /// `?`: SQLite, which looks up numbered ones by walking all of them, for each of them.
    Plain,
}

/// `values (?, ?), (?, ?), …`.
pub(super) fn values(rows: usize, columns: usize, places: Places) -> String {
    let mut text = String::with_capacity(rows * columns * 3 + 16);
    text.push_str("values ");
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            text.push_str(if column == 0 { "" } else { "," });
            match places {
                Places::Plain => text.push('?'),
                Places::Numbered => {
                    let _ = write!(text, "${}", row * columns + column + 1);
                }
            }
        }
        text.push(')');
    }
    text
}

/// A statement with places for so many rows. Safe: it is made of our own text and of places for values.
pub(super) fn filled(
    sql: &'static str,
    rows: usize,
    columns: usize,
    places: Places,
) -> AssertSqlSafe<String> {
    let (before, after) = around_rows(sql);
    AssertSqlSafe(format!("{before}{}{after}", values(rows, columns, places)))
}

/// What takes the values of a statement that is to be run in this transaction.
pub(super) fn no_arguments<DB: Database>(_: &Transaction<'_, DB>) -> DB::Arguments {
    Default::default()
}

/// A statement with `$1` before a list, or with the list alone: `… in ($2, $3, …)`.
///
/// To be run as `persistent(false)`: Postgres would keep the plan it made when the table was empty,
/// and read a million rows for each batch of the same transaction.
pub(super) fn among<'q, DB, First, Item>(
    sql: &'static str,
    first: Option<First>,
    items: impl Iterator<Item = Item>,
) -> QueryBuilder<DB>
where
    DB: Database<Arguments: IntoArguments<DB>>,
    First: Encode<'q, DB> + Type<DB>,
    Item: Encode<'q, DB> + Type<DB>,
{
    let (before, after) = sql.split_once("/*rows*/").expect("the statement says where rows go");
    let mut query = QueryBuilder::default();
    if let Some(first) = first {
        // Not left in the text: in SQLite the builder's own placeholders bear no number, and those
        // are counted without the ones that do.
        let (start, rest) = before.split_once("$1").expect("the statement says where it goes");
        query.push(start).push_bind(first).push(rest);
    } else {
        query.push(before);
    }
    let mut list = query.separated(", ");
    for item in items {
        list.push_bind(item);
    }
    query.push(after);
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_insert_is_taken_apart() {
        let sql = "-- why\ninsert into t (\n a, b\n) values /*rows*/\non conflict (a) do nothing";
        assert_eq!((table(sql), columns(sql).trim()), ("t", "a, b"));
        assert_eq!(around_rows(sql).1, "\non conflict (a) do nothing");
    }

    #[test]
    fn rows_have_a_place_for_each_value() {
        assert_eq!(values(2, 2, Places::Plain), "values (?,?), (?,?)");
        assert_eq!(values(2, 2, Places::Numbered), "values ($1,$2), ($3,$4)");
    }
}
