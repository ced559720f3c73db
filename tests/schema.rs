//! One schema in two databases: their catalogues, their comments, and the upgrade of older ones.

mod catalogue;
mod keys;
mod times;
mod upgrade;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::onelogin::assert_same;
use crate::support::program::Program;
use crate::support::tables::{Db, NULL, assert_rows, on_both};
use catalogue::Catalogue;

/// The migrations of this program, oldest first.
pub(crate) const MIGRATIONS: &[&str] = &[
    "V1__failures_and_people",
    "V2__marks_and_runs",
    "V3__views",
    "V4__events",
    "V5__views",
    "V6__lighter_rows",
    "V7__comments",
    "V8__places",
    "V9__keys_by_account",
    "V10__facts",
    "V11__views",
    "V12__calls",
    "V13__faster_views",
    "V14__many_accounts",
    "V15__sooner_answers",
    "V16__right_answers",
    "V17__names_in_errors",
    "V18__pages_and_pieces",
    "V19__last_failures",
];

/// Indexes that group rows by app without a sort, which Postgres does by hashing; and one with the app, which
/// Postgres would look up in the row all the same.
const OF_SQLITE: &[&str] = &[
    "failures_by_day_by_app",
    "provisioning_cases_by_app",
    "provisioning_cases_by_user",
    "provisioning_cases_unresolved",
];
/// Indexes that hold equal keys once, which SQLite cannot; and the one without the app.
const OF_POSTGRES: &[&str] =
    &["failures_by_day_changes", "failures_by_day_failed", "provisioning_cases_by_user"];

fn migrate(db: &Db, arguments: &[&str]) -> Program {
    Program::new(&[&["migrate"], arguments].concat()).env("DATABASE_URL", db.url())
}

/// The catalogues of both databases, as this program makes them.
fn both() -> (Catalogue, Catalogue) {
    let (sqlite, postgres) = (Db::sqlite(), Db::postgres());
    for db in [&sqlite, &postgres] {
        migrate(db, &[]).run().expect_code(0);
    }
    (Catalogue::of(&sqlite), Catalogue::of(&postgres))
}

#[test]
fn both_databases_have_the_same_tables_columns_keys_indexes_and_views() {
    let (sqlite, postgres) = both();
    assert_eq!(sqlite.columns, postgres.columns, "columns, and which may be null");
    assert_eq!(sqlite.primary_keys, postgres.primary_keys, "primary keys");
    assert_eq!(sqlite.foreign_keys, postgres.foreign_keys, "foreign keys");
    let shared = |indexes: &[Vec<String>], own: &[&str]| -> Vec<Vec<String>> {
        let is_own = |name: &str| own.contains(&name);
        let found: BTreeSet<&str> =
            indexes.iter().map(|row| row[0].as_str()).filter(|name| is_own(name)).collect();
        assert_eq!(found.len(), own.len(), "of {own:?} there are {found:?}");
        indexes.iter().filter(|row| !is_own(&row[0])).cloned().collect()
    };
    assert_eq!(
        shared(&sqlite.indexes, OF_SQLITE),
        shared(&postgres.indexes, OF_POSTGRES),
        "indexes"
    );
    assert_eq!(sqlite.views, postgres.views, "views and their columns");
    // Not equal because both are empty.
    assert!(sqlite.columns.len() > 50, "{} columns", sqlite.columns.len());
    assert!(!sqlite.primary_keys.is_empty() && !sqlite.foreign_keys.is_empty());
    assert!(!sqlite.indexes.is_empty() && !sqlite.views.is_empty());
}

#[test]
fn both_databases_describe_every_table_view_and_column_alike() {
    let (sqlite, postgres) = both();
    assert_same(&sqlite.comments, &postgres.comments);
    let described: BTreeSet<&String> = postgres.comments.iter().map(|row| &row[0]).collect();
    let missing: Vec<String> =
        postgres.names_to_describe().filter(|name| !described.contains(name)).collect();
    assert!(missing.is_empty(), "without a comment: {missing:?}");
    assert!(postgres.comments.iter().all(|row| row[1] != NULL && !row[1].ends_with('.')));
}

#[test]
fn postgres_describes_every_column_of_a_view() {
    let db = Db::postgres();
    migrate(&db, &[]).run().expect_code(0);
    let missing = "select v.relname, c.attname from pg_class v
        join pg_attribute c on c.attrelid = v.oid and c.attnum > 0
        where v.relkind = 'v' and v.relnamespace = 'public'::regnamespace
          and col_description(v.oid, c.attnum) is null";
    assert_rows(&db.rows(missing), &[]);
}

#[test]
fn both_migration_folders_hold_the_same_names() {
    let files = |folder: &str| -> BTreeSet<String> {
        let folder = root().join("migrations").join(folder);
        let entries = fs::read_dir(folder).expect("the folder exists");
        entries
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
            .collect()
    };
    let sqlite = files("sqlite");
    assert_eq!(sqlite, files("postgres"));
    let expected: BTreeSet<String> = MIGRATIONS.iter().map(|name| format!("{name}.sql")).collect();
    assert_eq!(sqlite, expected, "a new migration belongs into MIGRATIONS as well");
}

#[test]
fn the_schema_page_names_every_table_view_and_column() {
    let page = root().join("docs/schema.md");
    let page = fs::read_to_string(page).expect("docs/schema.md can be read");
    let (_, catalogue) = both();
    let terms: BTreeSet<&str> =
        page.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).collect();
    let all = catalogue.columns.iter().chain(&catalogue.views);
    let missing: BTreeSet<&String> =
        all.flat_map(|row| &row[..2]).filter(|name| !terms.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "docs/schema.md does not name {missing:?}");
}

on_both!(a_check_lists_what_is_pending_and_changes_nothing, |db| {
    db.execute("create table visitor (id integer); drop table visitor;");
    let pending = lines("pending", 0);

    for _ in 0..2 {
        let check = migrate(db, &["--check"]).run().expect_code(78);
        assert_eq!(check.stdout, pending);
        let count = format!("{} migrations pending", MIGRATIONS.len());
        assert!(check.stderr.contains(&count), "{check}");
    }
});

on_both!(migrating_twice_is_migrating_once, |db| {
    let applied = lines("applied", 0);
    assert_eq!(migrate(db, &[]).run().expect_code(0).stdout, applied);
    let history = "select version, name, applied_on, checksum from refinery_schema_history
        order by version";
    let before = db.rows(history);

    for arguments in [&[][..], &["--check"]] {
        let again = migrate(db, arguments).run().expect_code(0);
        assert_eq!(again.stdout, "the schema is up to date\n");
    }

    assert_eq!(db.rows(history), before);
});

on_both!(a_schema_of_a_newer_program_is_refused_and_left_alone, |db| {
    migrate(db, &[]).run().expect_code(0);
    db.execute(
        "insert into refinery_schema_history (version, name, applied_on, checksum)
         values (99, 'from_the_future', '2026-01-01T00:00:00Z', '1')",
    );

    for command in [&["migrate"][..], &["migrate", "--check"], &["status"], &["sync"]] {
        let refused = Program::new(command)
            .env("DATABASE_URL", db.url())
            .env("ONELOGIN_API_KEY", "unused")
            .env("ONELOGIN_BASE_URL", "http://127.0.0.1:9")
            .run()
            .expect_code(78);
        assert!(refused.stderr.contains("use the newer program"), "{refused}");
    }

    assert_rows(&db.rows("select max(version) from refinery_schema_history"), &[&["99"]]);
    assert_eq!(db.count("sync_runs"), 0);
});

/// The output about all migrations but the first ones, one per line.
fn lines(verb: &str, but: usize) -> String {
    MIGRATIONS[but..].iter().flat_map(|name| [verb, " ", name, "\n"]).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).into()
}

#[test]
fn every_table_of_an_account_is_in_the_list_for_a_distributed_database() {
    let db = Db::postgres();
    migrate(&db, &[]).run().expect_code(0);
    let tables = "select t.table_name::text, (
            select count(*) from information_schema.columns c
            where c.table_schema = 'public' and c.table_name = t.table_name and c.column_name = 'account')
        from information_schema.tables t
        where t.table_schema = 'public' and t.table_type = 'BASE TABLE' and t.table_name <> 'refinery_schema_history'";
    let page = fs::read_to_string(root().join("docs/scale.md")).expect("the page");
    let (_, rest) = page.split_once("create_distributed_table(name").expect("the statement");
    let (distributed, rest) = rest.split_once("create_reference_table(name").expect("another one");
    let (reference, _) = rest.split_once("```").expect("its end");
    for row in db.rows(tables) {
        let name = format!("'{}'", row[0]);
        let is_listed = (distributed.contains(&name), reference.contains(&name));
        assert_eq!(is_listed, (row[1] == "1", row[1] == "0"), "{name}");
    }
}
