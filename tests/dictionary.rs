//! The description of tables, views and columns: one source, equal to both databases and to `docs/schema.md`.
//!
//! `UPDATE_DOCS=1 cargo test --test main dictionary` writes `src/store/dictionary.tsv` from the comments and types of a
//! migrated database, and the columns in `docs/schema.md`. Whether a new column holds data of a person is
//! then for people to decide.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use onelogin_simulator::{Config, History};

use crate::docs::read;
use crate::support::api::Api;
use crate::support::onelogin::{assert_same, start};
use crate::support::program::Program;
use crate::support::tables::{Db, NULL, on_both};

const FILE: &str = "src/store/dictionary.tsv";
const PAGE: &str = "docs/schema.md";
const BEGIN: &str = "\n## Every column\n";
/// Longest sample on the page.
const LONGEST_SAMPLE: usize = 60;

/// Tables, views and columns as Postgres describes them: relation, column, kind, type, description.
const POSTGRES: &str = "select r.relname, coalesce(c.attname, ''),
        case r.relkind when 'r' then 'table' else 'view' end,
        case format_type(c.atttypid, c.atttypmod) when 'timestamp with time zone' then 'timestamptz'
             else coalesce(format_type(c.atttypid, c.atttypmod), '') end,
        coalesce(col_description(r.oid, c.attnum), obj_description(r.oid))
    from pg_class r
    left join pg_attribute c on c.attrelid = r.oid and c.attnum >= 0 and not c.attisdropped
    where r.relnamespace = 'public'::regnamespace and r.relkind in ('r', 'v')
      and r.relname not like 'refinery%'
    order by r.relkind, r.relname collate \"C\", c.attnum";

const SQLITE: &str = "select t.name, c.name, lower(c.type) from sqlite_master t, pragma_table_info(t.name) c
    where t.type in ('table', 'view') and t.name not like 'refinery%' and t.name not like 'sqlite%'";

const STORED: &str =
    "select table_name, column_name, kind, type_postgres, type_sqlite, is_personal, description
    from data_dictionary";

fn migrate(db: &Db) {
    Program::new(&["migrate", "--database-url", &db.url()]).run().expect_code(0);
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn is_update() -> bool {
    std::env::var_os("UPDATE_DOCS").is_some()
}

/// The lines of the file, cell by cell.
fn dictionary() -> Vec<Vec<String>> {
    let text = fs::read_to_string(root().join(FILE)).expect("the dictionary can be read");
    text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// The lines that the catalogues of both databases make, with what is known of persons.
fn described(known: &[Vec<String>]) -> Vec<Vec<String>> {
    let (sqlite, postgres) = (Db::sqlite(), Db::postgres());
    migrate(&sqlite);
    migrate(&postgres);
    let known: BTreeMap<[&str; 2], &str> =
        known.iter().map(|line| ([line[0].as_str(), &line[1]], line[5].as_str())).collect();
    let declared: BTreeMap<[String; 2], String> = sqlite
        .rows(SQLITE)
        .into_iter()
        .map(|row| row.try_into().expect("three columns"))
        .map(|[table, column, kind]: [String; 3]| ([table, column], kind))
        .collect();
    let tables = "select relname, '', case relkind when 'r' then 'table' else 'view' end, '',
            obj_description(oid)
        from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'v')
          and relname not like 'refinery%'";
    let tables: BTreeMap<String, Vec<String>> =
        postgres.rows(tables).into_iter().map(|row| (row[0].clone(), row)).collect();
    let mut lines: Vec<Vec<String>> = Vec::new();
    for row in postgres.rows(&POSTGRES.replace(">= 0", "> 0")) {
        if lines.last().is_none_or(|line| line[0] != row[0]) {
            let [table, column, kind, type_postgres, description] = &tables[&row[0]][..] else {
                panic!("five columns")
            };
            let type_sqlite = String::new();
            lines.push(line([table, column, kind, type_postgres, &type_sqlite, "no", description]));
        }
        let [table, column, kind, type_postgres, description] = &row[..] else {
            panic!("five columns")
        };
        let type_sqlite = match declared[&[table.clone(), column.clone()]].as_str() {
            // SQLite declares no type for what a view computes: that of the values.
            "" | "blob" | "int" | "num" => match type_postgres.as_str() {
                "bigint" => "integer",
                "double precision" => "real",
                "timestamptz" => "datetime",
                same => same,
            },
            declared => declared,
        };
        let is_personal = known.get(&[table.as_str(), column]).copied().unwrap_or("no");
        lines.push(line([
            table,
            column,
            kind,
            type_postgres,
            type_sqlite,
            is_personal,
            description,
        ]));
    }
    lines
}

fn line(cells: [&str; 7]) -> Vec<String> {
    cells.map(str::to_owned).into()
}

#[test]
fn the_dictionary_describes_both_databases() {
    let lines = described(&dictionary());
    if is_update() {
        let text: String = lines.iter().map(|line| line.join("\t") + "\n").collect();
        fs::write(root().join(FILE), text).expect("the dictionary can be written");
    }
    assert_same(&lines, &dictionary());
    assert!(lines.iter().all(|line| line[6] != NULL && !line[6].is_empty()));
}

#[test]
fn names_and_texts_of_people_are_personal_and_ids_are_not() {
    const PERSONAL: [&str; 13] = [
        "description",
        "detail",
        "display_name",
        "email",
        "error_description",
        "firstname",
        "lastname",
        "raw",
        "resolution",
        "status_detail",
        "user_email_addr",
        "user_name",
        "username",
    ];
    for line in dictionary() {
        let is_of_people = !["event_types", "data_dictionary"].contains(&line[0].as_str());
        let is_personal = is_of_people && PERSONAL.contains(&line[1].as_str());
        assert_eq!(line[5] == "yes", is_personal, "{line:?}");
    }
}

on_both!(the_table_holds_the_dictionary_and_is_kept_current, |db| {
    let assert_current = || {
        let (mut stored, mut expected) = (db.rows(STORED), dictionary());
        for line in &mut expected {
            line[5] = if line[5] == "yes" { "1" } else { "0" }.into();
        }
        stored.sort();
        expected.sort();
        assert_same(&stored, &expected);
    };
    migrate(db);
    assert_current();
    // As an older program left it.
    db.execute(
        "delete from data_dictionary where table_name = 'users';
         update data_dictionary set description = 'Old' where table_name = 'failures';
         insert into data_dictionary (table_name, column_name, kind, type_postgres, type_sqlite, description,
             is_personal)
         values ('gone', '', 'view', '', '', 'Gone', false)",
    );
    migrate(db);
    assert_current();
});

/// A row of each table and view, from a story of two months.
fn samples() -> BTreeMap<[String; 2], String> {
    let db = Db::sqlite();
    let config = Config { history: History::Story, failures: 1_000, days: 60, ..Config::default() };
    let since = (config.now - chrono::TimeDelta::days(59)).format("%Y-%m-%d").to_string();
    let onelogin = start(config);
    Api::Events.sync_ok(&onelogin, &db, &["--since", &since]);
    let mut samples = BTreeMap::new();
    let mut columns: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in dictionary().into_iter().filter(|line| !line[1].is_empty()) {
        columns.entry(line[0].clone()).or_default().push(line[1].clone());
    }
    for (table, columns) in columns {
        let row = db.rows(&format!("select {} from {table} limit 1", columns.join(", ")));
        for (column, value) in columns.into_iter().zip(row.into_iter().flatten()) {
            samples.insert([table.clone(), column], value);
        }
    }
    samples
}

/// A value as a cell of a table.
fn shown(value: &str) -> String {
    if value == NULL || value.is_empty() {
        return String::new();
    }
    let mut text: String = value.chars().take(LONGEST_SAMPLE).collect();
    if text.len() < value.len() {
        text.push('…');
    }
    format!("`{}`", text.replace('|', "\\|").replace('`', "'"))
}

/// The columns of every table and view for the page.
fn columns_for_page(samples: &BTreeMap<[String; 2], String>) -> String {
    let mut text = format!(
        "{BEGIN}\nMade from `{FILE}`, as are the table `data_dictionary` and the comments in Postgres. *Personal* columns hold\n\
         data of people. The samples are a row of a simulated history; an empty cell is a null or an empty text.\n"
    );
    for line in dictionary() {
        let [table, column, kind, type_postgres, type_sqlite, is_personal, description] = &line[..]
        else {
            panic!("seven cells in {line:?}")
        };
        if column.is_empty() {
            write!(
                text,
                "\n### `{table}` ({kind})\n\n{description}.\n\n\
                 | column | Postgres | SQLite | personal | | sample |\n|---|---|---|---|---|---|\n"
            )
            .expect("a String takes all");
            continue;
        }
        let personal = if is_personal == "yes" { "yes" } else { "" };
        let sample = samples.get(&[table.clone(), column.clone()]).map(|value| shown(value));
        let sample = sample.unwrap_or_default();
        let description = description.replace('|', "\\|");
        writeln!(
            text,
            "| `{column}` | {type_postgres} | {type_sqlite} | {personal} | {description} | {sample} |"
        )
        .expect("a String takes all");
    }
    text
}

#[test]
fn the_schema_page_shows_the_dictionary() {
    let page = read(PAGE);
    let (written, columns) = page.split_once(BEGIN).unwrap_or((&page, ""));
    if is_update() {
        let page = format!("{written}{}", columns_for_page(&samples()));
        fs::write(root().join(PAGE), page).expect("the page can be written");
        return;
    }
    // The samples are of one run, and differ from run to run.
    let without_sample = |text: &str| {
        let cut = |line: &str| line.rsplitn(3, " | ").last().unwrap_or_default().to_owned();
        text.lines().map(|line| vec![cut(line)]).collect::<Vec<_>>()
    };
    let expected = columns_for_page(&BTreeMap::new());
    let shown = format!("{BEGIN}{columns}");
    assert_same(&without_sample(&shown), &without_sample(&expected));
    let filled = shown.lines().filter(|line| line.ends_with("` |")).count();
    assert!(filled > 200, "{filled} samples");
}
