//! One schema in two databases: their catalogues, their comments, and the upgrade of older ones.

mod catalogue;

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
];

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
    assert_eq!(sqlite.indexes, postgres.indexes, "indexes");
    assert_eq!(sqlite.views, postgres.views, "views and their columns");
    // Not equal because both are empty.
    assert!(sqlite.columns.len() > 50, "{} columns", sqlite.columns.len());
    assert!(!sqlite.primary_keys.is_empty() && !sqlite.foreign_keys.is_empty());
    assert!(!sqlite.indexes.is_empty() && !sqlite.views.is_empty());
}

#[test]
fn both_databases_describe_every_table_view_and_column_in_the_same_words() {
    let (sqlite, postgres) = both();
    let names = |rows: &[Vec<String>]| rows.iter().map(|row| row[0].clone()).collect::<Vec<_>>();
    assert_eq!(names(&sqlite.comments), names(&postgres.comments));
    let worded_alike = |rows: &[Vec<String>]| -> Vec<Vec<String>> {
        rows.iter().filter(|row| !was_worded_again(&row[0])).cloned().collect()
    };
    assert_same(&worded_alike(&sqlite.comments), &worded_alike(&postgres.comments));
    let described: BTreeSet<&String> = postgres.comments.iter().map(|row| &row[0]).collect();
    let missing: Vec<String> =
        postgres.names_to_describe().filter(|name| !described.contains(name)).collect();
    assert!(missing.is_empty(), "without a comment: {missing:?}");
    assert!(postgres.comments.iter().all(|row| row[1] != NULL && !row[1].ends_with('.')));
}

/// Whether V7 worded the comment again, in Postgres alone.
fn was_worded_again(name: &str) -> bool {
    let migration = root().join("migrations/postgres/V7__comments.sql");
    let migration = fs::read_to_string(migration).expect("the migration can be read");
    ["table", "column", "view"]
        .iter()
        .any(|kind| migration.contains(&format!("comment on {kind} {name} is ")))
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
    let words: BTreeSet<&str> =
        page.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).collect();
    let all = catalogue.columns.iter().chain(&catalogue.views);
    let missing: BTreeSet<&String> =
        all.flat_map(|row| &row[..2]).filter(|name| !words.contains(name.as_str())).collect();
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

/// Makes the schema of an earlier program.
fn migrate_to(db: &Db, version: usize) {
    let current = same_kind(db);
    migrate(&current, &[]).run().expect_code(0);
    let folder = if matches!(db, Db::Sqlite(_)) { "sqlite" } else { "postgres" };
    for name in &MIGRATIONS[..version] {
        let file = root().join(format!("migrations/{folder}/{name}.sql"));
        db.execute(&fs::read_to_string(file).expect("the migration can be read"));
    }
    let history = format!(
        "select version, name, applied_on, checksum from refinery_schema_history
         where version <= {version} order by version"
    );
    db.execute(
        "create table refinery_schema_history (
            version integer primary key, name varchar(255), applied_on varchar(255), checksum varchar(255))",
    );
    for row in current.rows(&history) {
        let [version, name, applied_on, checksum] = &row[..] else { panic!("four columns") };
        db.execute(&format!(
            "insert into refinery_schema_history values ({version}, '{name}', '{applied_on}', '{checksum}')"
        ));
    }
}

/// Regression: what SQLite sorts for an index was kept in memory, all of it.
#[test]
fn a_file_of_many_rows_is_migrated_in_little_memory() {
    let db = Db::sqlite();
    migrate_to(&db, 5);
    db.execute(MANY_OLD_ROWS);

    let (finished, peak) = migrate(&db, &[]).run_measured();

    assert_eq!(finished.expect_code(0).stdout, lines("applied", 5));
    println!("peak memory: {} kB", peak / 1_000);
    assert!(peak < 42_000_000, "{peak} bytes");
}

on_both!(a_database_of_before_the_events_api_keeps_its_rows_and_gets_the_new_columns, |db| {
    migrate_to(db, 3);
    db.execute(OLD_ROWS);

    let applied = migrate(db, &[]).run().expect_code(0).stdout;

    assert_eq!(applied, lines("applied", 3));
    assert_rows(
        &db.rows(
            "select failure_id, source_id, user_id, operation, operation_source, solved, raw
             from provisioning_failures order by failure_id",
        ),
        &[
            &[
                "01485c85-7438-8a60-871a-b0f248c27230",
                "1",
                "7",
                "suspend",
                "description",
                NULL,
                "{}",
            ],
            &[
                "01485c85-7438-8a60-871a-b0f248c27231",
                "2",
                NULL,
                "unknown",
                "description",
                NULL,
                "{}",
            ],
        ],
    );
    let (id, at) = ("01485c85-7438-8a60-871a-b0f248c27230", "2014-09-09T22:25:23+00:00");
    assert_rows(
        &db.rows(
            "select user_id, email, display_name, profile_id, profile_at, profile_source, asked_at from users
             order by user_id",
        ),
        &[
            &["7", "tanja@ono.com", "Tanja Ono", id, at, "legacy", NULL],
            &["8", "jhui@ono.com", "jhui@ono.com", id, at, "legacy", NULL],
        ],
    );
    let rows = ["watermarks", "sync_runs", "sync_windows", "rejected_records", "failures"];
    assert_eq!(rows.map(|table| db.count(table)), [1, 1, 1, 1, 2]);
    assert_rows(&db.rows("select successes, ignored from sync_windows"), &[&["0", "0"]]);
});

/// Another database of the same kind.
fn same_kind(db: &Db) -> Db {
    if matches!(db, Db::Sqlite(_)) { Db::sqlite() } else { Db::postgres() }
}

/// Enough for an index that does not fit into a page cache.
const MANY_OLD_ROWS: &str = "
    insert into provisioning_failures (
        failure_id, account, source, operation, operation_source, created_at, created_at_raw, content_hash,
        raw, first_seen_at, synced_at, run_id
    )
    with recursive n (n) as (select 1 union all select n + 1 from n where n < 600000)
    select printf('%036d', n), 'default', 'events', 'suspend', 'event_type',
        datetime(1700000000 + n, 'unixepoch'), '', n, '{}', '', '', '' from n;
";

/// What an earlier program may have left.
const OLD_ROWS: &str = "
    insert into users values
        ('default', 7, 'tanja@ono.com', 'tono', 'Tanja', 'Ono', '01485c85-7438-8a60-871a-b0f248c27230',
         '2014-09-09T22:25:23+00:00', '2014-09-10T00:00:00+00:00', '2014-09-10T00:00:00+00:00',
         '01485c85-7438-8a60-871a-000000000000'),
        ('default', 8, 'jhui@ono.com', null, '', ' ', '01485c85-7438-8a60-871a-b0f248c27230',
         '2014-09-09T22:25:23+00:00', '2014-09-10T00:00:00+00:00', '2014-09-10T00:00:00+00:00',
         '01485c85-7438-8a60-871a-000000000000');
    insert into provisioning_failures values
        ('01485c85-7438-8a60-871a-b0f248c27230', 'default', 'legacy', 1, '5', 7, 'suspend', null, 'Wiki', null,
         '2014-09-09T22:25:23+00:00', '2014/09/09 15:25:23 -0700', null, null, '{}', 1,
         '2014-09-10T00:00:00+00:00', '2014-09-10T00:00:00+00:00', '01485c85-7438-8a60-871a-000000000000'),
        ('01485c85-7438-8a60-871a-b0f248c27231', 'default', 'legacy', 2, null, null, 'unknown', null, null, null,
         '2014-09-09T22:25:23+00:00', '2014/09/09 15:25:23 -0700', null, null, '{}', 1,
         '2014-09-10T00:00:00+00:00', '2014-09-10T00:00:00+00:00', '01485c85-7438-8a60-871a-000000000000');
    insert into rejected_records values
        ('01485c85-7438-8a60-871a-b0f248c27233', '01485c85-7438-8a60-871a-000000000000', 'default', 'legacy',
         'bad_id', 'id: missing or null', '{}', '2014-09-10T00:00:00+00:00', '2014-09-10T00:00:00+00:00', null);
    insert into watermarks values
        ('default', 'legacy', '2014-09-09T22:25:23+00:00', '2014-09-10T00:00:00+00:00', null, 1, null,
         '2014-09-10T00:00:00+00:00');
    insert into sync_runs values
        ('01485c85-7438-8a60-871a-000000000000', 'default', 'legacy', 'succeeded', '2014-09-10T00:00:00+00:00',
         '2014-09-10T00:00:00+00:00', 0, null, 2, 2, 0, 0, 0, 2, 1, 0, 99, '0.1.0');
    insert into sync_windows values
        ('01485c85-7438-8a60-871a-000000000001', '01485c85-7438-8a60-871a-000000000000', 'default', 'legacy',
         '2014-09-08T00:00:00+00:00', '2014-09-10T00:00:00+00:00', 2, 2, 0, 0, 0, '2014-09-10T00:00:00+00:00');
    ";

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
