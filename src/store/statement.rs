//! Statements over many rows at once. `/*rows*/` in a statement's text is where the rows go.

use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{
    Arguments, AssertSqlSafe, Database, Encode, IntoArguments, Postgres, QueryBuilder, Sqlite,
    Transaction, Type,
};

use super::columns::{Arrays, Columns};

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

/// A database's way to take many rows in one statement.
pub(super) trait TakesRows: Database {
    /// Rows in the making.
    type Rows: Columns;

    /// No rows yet, of so many columns.
    fn rows(columns: usize) -> Self::Rows;

    /// What stands in the place of these rows, and the arguments for it.
    fn placed(rows: Self::Rows, columns: usize) -> (String, Self::Arguments);
}

impl TakesRows for Postgres {
    type Rows = Arrays;

    fn rows(columns: usize) -> Arrays {
        Arrays::new(columns)
    }

    fn placed(rows: Arrays, columns: usize) -> (String, PgArguments) {
        (unnest(columns), rows.into_arguments())
    }
}

impl TakesRows for Sqlite {
    type Rows = SqliteArguments;

    fn rows(_: usize) -> SqliteArguments {
        SqliteArguments::default()
    }

    fn placed(rows: SqliteArguments, columns: usize) -> (String, SqliteArguments) {
        (values(rows.len() / columns, columns), rows)
    }
}

/// A statement of this transaction for the rows that `write` hands out. Safe: it is made of our own
/// text and of places for values.
pub(super) fn filled<DB: TakesRows>(
    _: &Transaction<'_, DB>,
    sql: &'static str,
    columns: usize,
    write: impl FnOnce(&mut DB::Rows),
) -> (AssertSqlSafe<String>, DB::Arguments) {
    let mut rows = DB::rows(columns);
    write(&mut rows);
    let (before, after) = around_rows(sql);
    let (places, arguments) = DB::placed(rows, columns);
    (AssertSqlSafe(format!("{before}{places}{after}")), arguments)
}

/// `values (?,?), (?,?), …`. Not numbered: SQLite looks up a numbered place by walking all of them.
pub(super) fn values(rows: usize, columns: usize) -> String {
    let row = format!("({}?)", "?,".repeat(columns - 1));
    format!("values {}{row}", format!("{row}, ").repeat(rows - 1))
}

/// `select * from unnest($1,$2,…)`.
fn unnest(columns: usize) -> String {
    let places: Vec<String> = (1..=columns).map(|place| format!("${place}")).collect();
    format!("select * from unnest({})", places.join(","))
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
        assert_eq!(values(1, 1), "values (?)");
        assert_eq!(values(2, 2), "values (?,?), (?,?)");
    }

    #[test]
    fn columns_have_a_place_for_each_array() {
        assert_eq!(unnest(2), "select * from unnest($1,$2)");
    }
}
