//! The words that the project does not use, and how many of them are still left.
//!
//! `language/patterns.rs` has the patterns, `language/allowance.txt` the hits that each part of the tree
//! may still have. To list the hits of one file or folder:
//! `LANGUAGE=src/store cargo test --test main language -- --nocapture`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

mod patterns;
use patterns::{EXEMPT, On, PATTERNS};

const ALLOWANCE: &str = "tests/language/allowance.txt";
const PLACES: [&str; 15] = [
    "src",
    "simulator",
    "tests",
    "migrations",
    "benches",
    "bi",
    "docs",
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "Cargo.toml",
    "Dockerfile",
    "docker-compose.yml",
    ".github",
];
/// Number by which an allowance may exceed the hits. It is 0 so that no place regains a hit it has lost.
const SLACK: usize = 0;
const ENDINGS: [&str; 11] =
    ["rs", "sql", "md", "py", "sh", "toml", "yml", "html", "css", "js", "mjs"];

/// Landed migrations are never edited, the patterns have to name what they ban, and a benchmark installs tools.
const NOT_CHECKED: [&str; 8] =
    ["/V1__", "/V2__", "/V3__", "/V4__", "/V5__", "/V6__", "tests/language", "/.cache/"];

/// One banned word or phrase.
struct Hit {
    line: usize,
    text: String,
    instead: &'static str,
}

#[test]
fn banned_words_only_become_fewer() {
    let allowance = allowance();
    let listed = std::env::var("LANGUAGE").ok();
    let mut faults = Vec::new();
    for place in PLACES {
        let files = files(&root().join(place));
        assert!(!files.is_empty(), "{place} has no file to check");
        let mut found = Vec::new();
        for file in files {
            let name = file.strip_prefix(root()).expect("below the root").display().to_string();
            if NOT_CHECKED.iter().any(|part| name.contains(part)) {
                continue;
            }
            let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{name}: {e}"));
            let described = |hit: Hit| {
                format!("{name}:{}: \"{}\", write: {}\n", hit.line, hit.text, hit.instead)
            };
            found.extend(hits(&text).into_iter().map(described));
        }
        if let Some(prefix) = &listed {
            found.iter().filter(|hit| hit.starts_with(prefix)).for_each(|hit| print!("{hit}"));
        }
        let count = found.len();
        println!("{place} {count}");
        let allowed = allowance.get(place).copied().unwrap_or_default();
        if count > allowed {
            faults.append(&mut found);
            faults.push(format!("{place}: {count} hits; {ALLOWANCE} allows {allowed}\n\n"));
        }
        if count + SLACK < allowed {
            faults
                .push(format!("{place}: only {count} hits; lower the {allowed} in {ALLOWANCE}\n"));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.concat());
}

#[test]
fn each_pattern_finds_its_example_and_accepts_good_english() {
    for pattern in PATTERNS {
        let is_found = hits(pattern.example).iter().any(|hit| hit.instead == pattern.instead);
        assert!(is_found, "{:?} is not found by {}", pattern.example, pattern.regex);
    }
    let good = fs::read_to_string(root().join("tests/language/good.txt")).expect("readable");
    let found = hits(&good).into_iter().map(|hit| format!("{}: {}", hit.line, hit.text));
    assert_eq!(found.collect::<Vec<_>>(), Vec::<String>::new(), "in tests/language/good.txt");
}

fn hits(text: &str) -> Vec<Hit> {
    static COMPILED: LazyLock<Vec<Regex>> = LazyLock::new(|| {
        PATTERNS.iter().map(|p| Regex::new(p.regex).expect("a pattern compiles")).collect()
    });
    let (words, docs) = (words(text), first_lines_of_docs(text));
    let mut hits = Vec::new();
    for (pattern, regex) in PATTERNS.iter().zip(COMPILED.iter()) {
        let text = match pattern.on {
            On::Words => &words,
            On::Source => text,
            On::Docs => &docs,
        };
        hits.extend(regex.find_iter(text).map(|found| Hit {
            line: text[..found.start()].matches('\n').count() + 1,
            text: found.as_str().split_whitespace().collect::<Vec<_>>().join(" "),
            instead: pattern.instead,
        }));
    }
    hits
}

/// The text in lower case with the words of identifiers apart, line by line: `TakeBack` and `take_back` are
/// both `take back`. Names and phrases that are exempt are left out.
fn words(text: &str) -> String {
    let mut words = String::with_capacity(text.len() + text.len() / 8);
    let mut previous = ' ';
    for c in text.chars() {
        if c.is_uppercase() && (previous.is_lowercase() || previous.is_ascii_digit()) {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
        previous = c;
    }
    let words = words.replace('_', " ");
    EXEMPT.iter().fold(words, |words, phrase| words.replace(phrase, "~"))
}

/// The first line of each doc comment; all other lines are empty.
fn first_lines_of_docs(text: &str) -> String {
    let doc = |line: &str| ["///", "//!", "\"\"\""].into_iter().find(|m| line.starts_with(m));
    let mut previous = None;
    let lines = text.lines().map(str::trim_start).map(|line| {
        let begins = doc(line) != previous || previous == Some("\"\"\"");
        previous = doc(line);
        if previous.is_some() && begins { line } else { "" }
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn allowance() -> BTreeMap<String, usize> {
    let text = fs::read_to_string(root().join(ALLOWANCE)).expect("the allowance is readable");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let (place, hits) = line.split_once(' ').unwrap_or_else(|| panic!("{line}"));
            assert!(PLACES.contains(&place), "{ALLOWANCE}: {place} is not checked");
            (place.to_owned(), hits.trim().parse().unwrap_or_else(|_| panic!("{line}")))
        })
        .collect()
}

/// The file itself, or the files to check in a folder.
fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut paths: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    paths.sort();
    let is_checked =
        |path: &Path| path.extension().is_some_and(|end| ENDINGS.iter().any(|e| end == *e));
    let is_made = |path: &Path| path.ends_with("benches/results") || path.ends_with("target");
    paths
        .into_iter()
        .filter(|path| !is_made(path) && (path.is_dir() || is_checked(path)))
        .flat_map(|path| files(&path))
        .collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
