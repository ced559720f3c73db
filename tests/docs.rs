//! The documentation is true.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use onelogin_simulator::Config;
use tempfile::TempDir;

use crate::support::api::Api;
use crate::support::onelogin::start;
use crate::support::program::Program;
use crate::support::tables::{Db, on_both};

const COMMANDS: [&str; 8] =
    ["sync", "status", "report", "compare", "migrate", "simulate", "demo", "completions"];
const DEMO: &str = "cargo run --release -- demo";

on_both!(every_query_in_the_documentation_runs, |db| {
    load_some_history(db);
    let this = if matches!(db, Db::Sqlite(_)) { "sql sqlite" } else { "sql postgres" };
    let mut tried = 0;
    for (file, page) in pages() {
        for block in blocks(&page).filter(|b| b.language == "sql" || b.language == this) {
            println!("{file}:\n{}", block.text);
            db.rows(&block.text);
            tried += 1;
        }
    }
    assert!(tried > 0, "the documentation has no query in a block marked sql");
});

/// Failures, people, rejects, two runs: something for every query to find.
fn load_some_history(db: &Db) {
    let onelogin = start(Config { failures: 300, bad_records: 50, ..Config::default() });
    let arguments = ["--since", "2026-02-01", "--max-rejects", "100"];
    for api in [Api::Legacy, Api::Events] {
        api.sync_ok(&onelogin, db, &arguments);
        api.sync_ok(&onelogin, db, &["--max-rejects", "100"]);
    }
}

#[test]
fn the_readme_names_every_flag_variable_and_command() {
    let readme = read("README.md");
    let help = ["sync", "report", "compare"]
        .map(|command| Program::new(&[command, "--help"]).run().expect_code(0).stdout)
        .concat();
    let split = |text: &str| -> BTreeSet<String> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        text.split(|c| !is_part(c)).map(str::to_owned).collect()
    };
    let is_flag = |name: &&String| name.starts_with("--") && *name != "--help";
    let is_variable = |name: &&String| {
        name.contains('_') && name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
    };
    let (described, in_help) = (split(&readme), split(&help));
    let missing: Vec<&String> = in_help
        .iter()
        .filter(|name| is_flag(name) || is_variable(name))
        .filter(|name| !described.contains(*name))
        .collect();
    assert!(missing.is_empty(), "README.md does not name {missing:?}");
    assert!(in_help.iter().any(|name| name == "ONELOGIN_API_KEY_FILE"), "{in_help:?}");
    for command in COMMANDS {
        let named =
            [format!("onelogin-sync {command}"), format!("cargo run --release -- {command}")];
        assert!(named.iter().any(|n| readme.contains(n)), "README.md does not show {named:?}");
    }
}

#[test]
fn the_readmes_exit_codes_are_the_programs() {
    let exits: BTreeSet<u16> = read("src/exit.rs")
        .lines()
        .filter_map(|line| line.trim().strip_suffix(',')?.split_once(" = ")?.1.parse().ok())
        .collect();
    assert!(exits.len() >= 10, "{exits:?}");

    let readme = read("README.md");
    let table = readme.lines().skip_while(|line| !cell(line).eq_ignore_ascii_case("exit"));
    let listed: Vec<u16> = table
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .flat_map(|line| cell(line).split(", "))
        .map(|code| {
            code.trim_matches('`').parse().unwrap_or_else(|_| panic!("{code:?} is no number"))
        })
        .collect();

    assert_eq!(
        listed.iter().copied().collect::<BTreeSet<_>>(),
        exits,
        "a table that begins `| exit |`"
    );
    assert_eq!(listed.len(), exits.len(), "each once");
}

/// The first cell of a line of a table.
fn cell(line: &str) -> &str {
    line.strip_prefix('|').and_then(|rest| rest.split('|').next()).unwrap_or_default().trim()
}

#[test]
fn the_readme_shows_what_the_demo_prints() {
    let readme = read("README.md");
    assert!(readme.contains(DEMO), "{DEMO}");
    let shown = blocks(&readme)
        .find(|block| block.text.contains("A simulated OneLogin listens on"))
        .expect("README.md shows the demo's output in one block");
    let directory = TempDir::new().expect("a temporary directory can be created");
    let printed =
        Program::new(&["demo"]).in_directory(directory.path()).run().expect_code(0).stdout;

    let mut shown: Vec<String> = masked(&shown.text).collect();
    // The demo names the program as it was started: by `cargo run --release` in README.md.
    let printed =
        printed.replace(env!("CARGO_BIN_EXE_onelogin-sync"), "target/release/onelogin-sync");
    let mut printed: Vec<String> = masked(&printed).collect();
    // Rows of an answer: their number differs from day to day.
    shown.dedup();
    printed.dedup();

    assert_eq!(shown, printed);
}

/// Lines without the parts that differ from day to day: numbers, times, the width of columns and the
/// rows of answers. Prompts and the empty line after a prompt are left out.
fn masked(text: &str) -> impl Iterator<Item = String> {
    let lines = text.lines().skip_while(|line| line.starts_with('$') || line.is_empty());
    let mut in_answers = false;
    lines.map(move |line| {
        in_answers |= line.starts_with("Who left");
        let has_digit = |part: &str| part.contains(|c: char| c.is_ascii_digit());
        let is_value = |part: &str| has_digit(part) && !part.contains("demo.db");
        // The columns of an answer have names with digits, and its rows are as random as their numbers.
        if in_answers && line.starts_with("  ") && line.split_whitespace().any(is_count) {
            return "…".to_owned();
        }
        if in_answers {
            return line.split_whitespace().collect::<Vec<_>>().join(" ");
        }
        let parts = line.split_whitespace().map(|part| {
            if is_value(part) && part.starts_with("http") {
                "http://…"
            } else if is_value(part) {
                "…"
            } else if part == "windows," {
                // Their number depends on the time it takes to read them.
                "window,"
            } else {
                part
            }
        });
        parts.collect::<Vec<_>>().join(" ")
    })
}

fn is_count(part: &str) -> bool {
    part.parse::<u64>().is_ok()
}

#[test]
fn the_readme_quotes_what_was_measured() {
    let results = read("benches/RESULTS.md");
    let table: Vec<&str> = results
        .lines()
        .skip_while(|line| !line.starts_with("## A first load of"))
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .collect();
    assert!(table.len() > 4, "benches/RESULTS.md begins with no table");
    let readme = read("README.md");
    assert!(
        readme.contains(&table.join("\n")),
        "README.md has another table than benches/RESULTS.md"
    );
    for picture in readme.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        let is_picture = Path::new(picture).extension().is_some_and(|end| end == "svg");
        assert!(!is_picture || root().join(picture).exists(), "README.md shows {picture}");
    }
}

/// Regression: pages kept naming files that had moved.
#[test]
fn every_file_that_the_pages_name_exists() {
    let mut checked = 0;
    for page in ["ARCHITECTURE.md", "CONTRIBUTING.md"] {
        for name in read(page).split('`').skip(1).step_by(2) {
            let is_path = |c: char| c.is_ascii_alphanumeric() || "_./-".contains(c);
            let is_file = Path::new(name).extension().is_some_and(|end| end == "rs");
            if !name.chars().all(is_path) || !(is_file || name.ends_with('/')) {
                continue;
            }
            let found = ["", "src/"].iter().any(|folder| root().join(folder).join(name).exists());
            assert!(found, "{page} names {name}, which does not exist");
            checked += 1;
        }
    }
    assert!(checked > 30, "{checked}");
}

/// Only parsed, because most need an account.
#[test]
fn every_command_line_in_the_documentation_is_accepted() {
    let mut tried = 0;
    for (file, page) in pages() {
        for block in blocks(&page) {
            for line in block.text.replace("\\\n", " ").lines() {
                let Some(arguments) = arguments(line) else { continue };
                let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
                arguments.push("--help");
                let tried_line = Program::new(&arguments).run();
                assert_eq!(tried_line.code, Some(0), "{file}: {line}\n{tried_line}");
                tried += 1;
            }
        }
    }
    assert!(tried > 0, "the documentation shows no command");
}

/// The arguments of a line that calls the program, as a shell would split it if quotes enclose
/// complete arguments only.
fn arguments(line: &str) -> Option<Vec<String>> {
    let (_, rest) =
        line.split_once("onelogin-sync ").or_else(|| line.split_once("cargo run --release -- "))?;
    let end = [" #", " |", " >", " &&", "; "].iter().filter_map(|e| rest.find(e)).min();
    let parts = rest[..end.unwrap_or(rest.len())].split_whitespace();
    let arguments: Vec<String> =
        parts.map(|part| part.trim_matches(|c| c == '\'' || c == '"').to_owned()).collect();
    COMMANDS.contains(&arguments.first()?.as_str()).then_some(arguments)
}

/// A block between fences.
pub(crate) struct Block {
    /// The text after the opening fence.
    pub(crate) language: String,
    pub(crate) text: String,
}

pub(crate) fn blocks(page: &str) -> impl Iterator<Item = Block> {
    // Text and blocks alternate.
    page.split("\n```").skip(1).step_by(2).map(|block| {
        let (language, text) = block.split_once('\n').unwrap_or((block, ""));
        Block { language: language.trim().to_owned(), text: text.to_owned() }
    })
}

/// README.md and what is in docs/, by name.
fn pages() -> Vec<(String, String)> {
    let mut pages = vec![("README.md".to_owned(), read("README.md"))];
    if let Ok(docs) = fs::read_dir(root().join("docs")) {
        let names = docs.map(|entry| entry.expect("an entry").file_name());
        let names = names.map(|name| name.into_string().expect("a name"));
        let pages_there =
            names.filter(|name| Path::new(name).extension().is_some_and(|e| e == "md"));
        pages.extend(pages_there.map(|name| (name.clone(), read(&format!("docs/{name}")))));
    }
    pages
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
