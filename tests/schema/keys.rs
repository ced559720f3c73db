//! Many accounts in one database: keys, indexes and statements begin with the account, and views do without
//! what a distributed Postgres refuses.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

use super::catalogue::Catalogue;
use super::{both, migrate, root};
use crate::support::tables::Db;

/// The tables that have an account.
fn tables_of_accounts(catalogue: &Catalogue) -> BTreeSet<String> {
    let columns = catalogue.columns.iter().filter(|row| row[1] == "account");
    columns.map(|row| row[0].clone()).collect()
}

#[test]
fn every_key_and_index_of_a_table_with_an_account_begins_with_it() {
    let (sqlite, postgres) = both();
    for catalogue in [&sqlite, &postgres] {
        let tables = tables_of_accounts(catalogue);
        assert!(tables.len() >= 10, "{tables:?}");
        // Table, name, place and column of each part of a key or index.
        let keys = catalogue.primary_keys.iter().map(|row| [&row[0], &row[0], &row[2], &row[1]]);
        let references =
            catalogue.foreign_keys.iter().map(|row| [&row[0], &row[0], &row[4], &row[1]]);
        let indexes = catalogue.indexes.iter().map(|row| [&row[1], &row[0], &row[4], &row[5]]);
        for [table, name, place, column] in keys.clone().chain(references).chain(indexes) {
            let is_first = place == "1" && tables.contains(table);
            assert!(!is_first || column == "account", "{name} of {table} begins with {column}");
        }
        let with_key: BTreeSet<String> = keys.map(|[table, ..]| table.clone()).collect();
        assert!(tables.is_subset(&with_key), "a table of {tables:?} has no key");
    }
}

#[test]
fn every_statement_on_a_table_with_an_account_names_it() {
    let (_, catalogue) = both();
    let tables = tables_of_accounts(&catalogue);
    let statements = statements();
    assert!(statements.len() > 30, "{} statements", statements.len());
    for (file, statement) in statements {
        let missing = tables_without_account(&statement, &tables);
        assert!(
            missing.is_empty(),
            "{}: no account for {missing:?} in {statement}",
            file.display()
        );
    }
}

#[test]
fn a_statement_without_the_account_is_found() {
    let tables = BTreeSet::from(["users", "sync_runs"].map(String::from));
    for (statement, expected) in [
        ("select email from users where account = $1 and user_id = $2", vec![]),
        ("select email from users where user_id = $1", vec!["users"]),
        ("select email from users", vec!["users"]),
        ("update sync_runs set account = $1 where run_id = $2", vec!["sync_runs"]),
        ("insert into users (account, user_id) values ($1, $2)", vec![]),
        ("insert into users (account) values ($1) on conflict (user_id) do nothing", vec!["users"]),
        (
            "select 1 from users u join sync_runs r on r.run_id = u.run_id where u.account = $1",
            vec!["users"],
        ),
        ("select 1 from users where (account, user_id) in (values ($1, $2))", vec![]),
    ] {
        assert_eq!(
            tables_without_account(statement, &tables).is_empty(),
            expected.is_empty(),
            "{statement}"
        );
    }
}

/// The statements that list the accounts themselves, and that ask whether any has rows.
const OF_ALL: [&str; 3] = ["accounts.sql", "are_records_empty.sql", "are_cases_empty.sql"];

/// Every SQL text of the store, without comments, and its file.
fn statements() -> Vec<(PathBuf, String)> {
    let mut statements = Vec::new();
    let literal =
        Regex::new(r#""((?:select|insert into|update|delete from) [^"]*)""#).expect("a pattern");
    for file in files(&root().join("src/store")) {
        let text = fs::read_to_string(&file).expect("a text");
        match file.extension().and_then(|extension| extension.to_str()) {
            // Snapshots show statements of other files.
            Some("sql")
                if !file.iter().any(|part| {
                    part == "snapshots" || OF_ALL.iter().any(|of_all| part == *of_all)
                }) =>
            {
                let lines = text.lines().filter(|line| !line.trim_start().starts_with("--"));
                statements.push((file.clone(), lines.collect::<Vec<_>>().join("\n")));
            }
            Some("rs") => {
                let found =
                    literal.captures_iter(&text).map(|found| (file.clone(), found[1].to_owned()));
                statements.extend(found);
            }
            _ => {}
        }
    }
    statements
}

pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .expect("the folder exists")
        .map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The tables of a statement, if it has fewer conditions on an account than tables. What an insert needs is
/// the column and, for a conflict, the key.
fn tables_without_account(statement: &str, tables: &BTreeSet<String>) -> Vec<String> {
    let pattern = |text: &str| Regex::new(text).expect("a pattern");
    let insert = pattern(r"insert into (\w+) \(([^)]*)\)");
    if let Some(insert) = insert.captures(statement).filter(|insert| tables.contains(&insert[1])) {
        let names_account = pattern(r"\baccount\b").is_match(&insert[2]);
        let key =
            pattern(r"on conflict \(([^)]*)\)").captures(statement).map(|key| key[1].to_owned());
        let is_named = names_account && key.is_none_or(|key| key.starts_with("account"));
        return if is_named { Vec::new() } else { vec![insert[1].to_owned()] };
    }
    let mentioned = pattern(r"\b(?:from|join|update) (\w+)");
    let mentioned: Vec<String> = mentioned
        .captures_iter(statement)
        .map(|found| found[1].to_owned())
        .filter(|table| tables.contains(table))
        .collect();
    let conditions = pattern(r"\b(?:where|on)\b")
        .find(statement)
        .map_or("", |found| &statement[found.start()..]);
    let named = pattern(r"\baccount = |\(account, ").find_iter(conditions).count();
    if named < mentioned.len() { mentioned } else { Vec::new() }
}

/// The places that a distributed Postgres refuses for a subquery that refers to the outside.
const REFUSED: [&str; 3] = ["select", "having", "on"];

#[test]
fn no_view_has_what_a_distributed_postgres_refuses() {
    let db = Db::postgres();
    migrate(&db, &[]).run().expect_code(0);
    let views = db.rows("select viewname, definition from pg_views where schemaname = 'public'");
    assert!(views.len() >= 5, "{views:?}");
    for view in views {
        assert_eq!(refused_subquery(&view[1]), None, "{} of\n{}", view[0], view[1]);
    }
}

#[test]
fn a_subquery_in_a_refused_place_is_found() {
    for (view, expected) in [
        ("select a, (select count(*) from b where b.a = t.a) from t", Some("select")),
        ("select a, coalesce((select 1 from b where b.a = t.a), 0) from t", Some("select")),
        ("select a from t join b on b.c = (select max(c) from b n where n.a = t.a)", Some("on")),
        (
            "select a from t group by a having count(*) > (select count(*) from b where b.a = t.a)",
            Some("having"),
        ),
        ("select a from t where exists (select 1 from b where b.a = t.a)", None),
        (
            "select a from t join (select b.a from b) b on b.a = t.a where a is distinct from 1",
            None,
        ),
        ("select extract(epoch from now()), a from t where a in (select a from b)", None),
    ] {
        assert_eq!(refused_subquery(view), expected, "{view}");
    }
}

/// The place of the first subquery that stands in a refused place.
fn refused_subquery(view: &str) -> Option<&'static str> {
    let tokens = Regex::new(r"\w+|[()]").expect("a pattern");
    let (mut places, mut before) = (vec![String::new()], String::new());
    for token in tokens.find_iter(view) {
        let token = token.as_str().to_ascii_lowercase();
        let place = places.last_mut()?;
        match token.as_str() {
            // What stands in brackets stands where the brackets stand.
            "(" => {
                let place = place.clone();
                places.push(place);
            }
            ")" => drop(places.pop()),
            "select" => {
                if let Some(refused) =
                    REFUSED.iter().find(|refused| before == "(" && *place == **refused)
                {
                    return Some(refused);
                }
                place.clone_from(&token);
            }
            "from" if before == "distinct" => {}
            "from" | "join" | "on" | "where" | "group" | "having" | "order" => {
                place.clone_from(&token);
            }
            _ => {}
        }
        before = token;
    }
    None
}
