//! The description of every table, view and column, in the table `data_dictionary`.
//!
//! `dictionary.tsv` is its one source; `docs/schema.md` shows the same, and the comments in Postgres are equal.

use std::collections::HashSet;

use super::bulk::{Columns, Row, Statement};
use super::tx::Tx;
use super::{Error, Store, on_either};

/// Name, column (empty for the table), kind, type in Postgres and in SQLite, `yes` for data of persons,
/// description.
const DICTIONARY: &str = include_str!("dictionary.tsv");

const UPSERT: Statement = Statement::new(include_str!("sql/dictionary_upsert.sql"));

/// A line of the dictionary, in the order of the columns of `data_dictionary`.
type Entry = (String, String, String, String, String, String, bool);

struct Line<'a>(&'a Entry);

impl Row for Line<'_> {
    fn write(&self, columns: &mut impl Columns) {
        let (table, column, kind, type_postgres, type_sqlite, description, is_personal) = self.0;
        for text in [table, column, kind, type_postgres, type_sqlite, description] {
            columns.text(Some(text));
        }
        columns.flag(Some(*is_personal));
    }
}

/// The lines of the file.
fn entries() -> impl Iterator<Item = Entry> {
    DICTIONARY.lines().map(|line| {
        let mut cells = line.split('\t').map(str::to_owned);
        let [table, column, kind, type_postgres, type_sqlite, is_personal, description] =
            std::array::from_fn(|_| cells.next().unwrap_or_default());
        let is_personal = is_personal == "yes";
        (table, column, kind, type_postgres, type_sqlite, description, is_personal)
    })
}

impl Store {
    /// Brings `data_dictionary` up to date with this program.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(super) async fn describe(&self) -> Result<(), Error> {
        let stored: Vec<Entry> = self
            .read("reading the data dictionary", async |tx| {
                on_either!(Tx, tx, tx => sqlx::query_as(include_str!("sql/dictionary_stored.sql"))
                    .fetch_all(&mut **tx)
                    .await)
            })
            .await?;
        let entries: Vec<Entry> = entries().collect();
        if stored.iter().collect::<HashSet<_>>() == entries.iter().collect() {
            return Ok(());
        }
        self.write("writing the data dictionary", async |tx| {
            on_either!(Tx, tx, tx => sqlx::query(include_str!("sql/dictionary_clear.sql"))
                .execute(&mut **tx)
                .await
                .map(drop))?;
            tx.execute_rows(UPSERT, &entries, Line).await.map(drop)
        })
        .await
    }
}
