//! The SQL of each many-row statement as it is sent, for both databases.

use std::fs;
use std::path::{Path, PathBuf};

use sqlx::{Postgres, Sqlite};

use super::Statement;

/// Every statement over many rows, compared with the file that shows it. `UPDATE_SNAPSHOTS=1` writes the
/// files instead; the change is then for people to read.
#[test]
fn many_row_statements_are_sent_as_their_snapshots_show() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/bulk/snapshots");
    let mut shown = Vec::new();
    for text in many_row_statements() {
        for (database, sql) in sent(&text) {
            let file = format!("{}.{database}.sql", text.file_stem().unwrap().to_str().unwrap());
            let path = folder.join(&file);
            if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
                fs::write(&path, &sql).expect("the snapshot can be written");
            }
            let snapshot = fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(sql, snapshot, "{file} shows other SQL; set UPDATE_SNAPSHOTS=1 and read it");
            shown.push(file);
        }
    }
    let mut stored: Vec<String> = fs::read_dir(folder)
        .expect("the folder exists")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .collect();
    shown.sort();
    stored.sort();
    assert_eq!(stored, shown, "a snapshot of a statement that is no more");
}

/// The files whose text names the place of its rows.
fn many_row_statements() -> Vec<PathBuf> {
    let store = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let files = ["sql", "window/sql", "facts/sql"]
        .iter()
        .flat_map(|folder| fs::read_dir(store.join(folder)).expect("the folder exists"));
    let files = files.map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> = files
        .filter(|path| fs::read_to_string(path).expect("a text").contains("/*rows*/"))
        .collect();
    files.sort();
    assert!(files.len() > 10, "{} statements", files.len());
    files
}

/// The SQL for two rows in both databases, and that for new rows if the statement inserts some.
fn sent(file: &Path) -> [(&'static str, String); 2] {
    let text: &'static str = fs::read_to_string(file).expect("a text").leak();
    let statement = Statement::new(text);
    let (mut postgres, mut sqlite) = (statement.sql::<Postgres>(2), statement.sql::<Sqlite>(2));
    if text.contains("insert into ") {
        let part = |sql: String| format!("\n-- New rows:\n{sql}\n");
        postgres.push_str(&part(statement.copy_sql()));
        sqlite.push_str(&part(statement.new_rows_sql(2)));
    }
    [("postgres", postgres), ("sqlite", sqlite)]
}
