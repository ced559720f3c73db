//! `demo`: simulator and job together, without an account or a network.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::support::program::Program;
use crate::support::tables::{Db, NULL};

/// The promised limit: under ten seconds.
const LIMIT: Duration = Duration::from_secs(10);

fn demo(directory: &Path) -> Program {
    Program::new(&["demo"]).in_directory(directory).timeout(LIMIT)
}

fn files(directory: &Path) -> Vec<String> {
    let entries = directory.read_dir().expect("the directory is there");
    entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect()
}

#[test]
fn a_demo_shows_two_runs_and_leaves_one_file_again_and_again() {
    let directory = TempDir::new().expect("a temporary directory can be created");
    for _ in 0..2 {
        let shown = demo(directory.path()).run().expect_code(0);

        assert_eq!(shown.stderr, "");
        assert_eq!(shown.stdout.matches("account demo: ").count(), 2, "{shown}");
        assert_eq!(shown.stdout.matches("scanned through").count(), 2, "{shown}");
        assert!(shown.stdout.contains("appeared only after it"), "{shown}");
        assert!(shown.stdout.contains("\nNext:\n"), "{shown}");
        assert_eq!(files(directory.path()), ["demo.db"]);
    }
}

#[test]
fn what_a_demo_prints_is_what_it_left() {
    let db = Db::sqlite();
    let Db::Sqlite(directory) = &db else { unreachable!("just made") };
    let shown = Program::new(&["demo", "--file", "onelogin.db"])
        .in_directory(directory.path())
        .run()
        .expect_code(0)
        .stdout;

    let tables = [
        "provisioning_failures",
        "provisioning_successes",
        "users",
        "provisioning_cases",
        "error_texts",
        "rejected_records",
        "sync_runs",
        "sync_windows",
    ];
    for table in tables {
        let line = format!("  {table:<24}{:>8}", db.count(table));
        assert!(shown.contains(&line), "{line:?} in\n{shown}");
    }
    let runs = db.rows("select status, inserted, rejected from sync_runs order by started_at");
    assert_eq!(runs.len(), 2);
    assert!(runs.iter().all(|run| run[0] == "succeeded" && run[1] != "0" && run[2] == "0"));
    for status in ["open", "unknown"] {
        let cases = db.count(&format!("open_cases where status = '{status}'"));
        let line = format!("    {status:<22}{cases:>8}");
        assert!(shown.contains(&line), "{line:?} in\n{shown}");
    }
    assert!(shown.contains("    unknown                      0\n"), "{shown}");
    let queries: Vec<&str> =
        shown.split("\n\n").filter(|part| part.starts_with("select ")).collect();
    assert_eq!(queries.len(), 3, "{shown}");
    for query in queries {
        let rows = db.rows(query);
        assert!(!rows.is_empty(), "{query}");
        for value in rows.concat().iter().filter(|value| *value != NULL) {
            assert!(shown.contains(value.as_str()), "{value} in\n{shown}");
        }
    }
}

#[test]
fn a_file_that_is_no_demo_is_not_touched() {
    let directory = TempDir::new().expect("a temporary directory can be created");
    let file = directory.path().join("demo.db");
    let url = format!("sqlite:{}", file.display());
    let unrelated: [&dyn Fn(); 3] = [
        &|| fs::write(&file, "my novel").expect("it can be written"),
        &|| {
            // Tables of ours, with an account that is not the demo's.
            fs::remove_file(&file).expect("the novel is there");
            Program::new(&["migrate", "--database-url", &url]).run().expect_code(0);
            Program::new(&["sync", "--database-url", &url])
                .env("ONELOGIN_API_KEY", "unused")
                .env("ONELOGIN_BASE_URL", "http://127.0.0.1:9")
                .env("ONELOGIN_MAX_ATTEMPTS", "1")
                .run()
                .expect_code(69);
        },
        &|| {
            fs::remove_file(&file).expect("the copy is there");
            fs::create_dir(&file).expect("a directory can be made");
        },
    ];
    for make in unrelated {
        make();
        let before = fs::read(&file).ok();

        let refused = demo(directory.path()).run().expect_code(64);

        assert!(refused.stderr.contains("demo.db"), "{refused}");
        assert!(refused.stderr.contains("--file"), "{refused}");
        assert_eq!(fs::read(&file).ok(), before);
        assert!(file.exists());
    }
}

/// Regression: the last lines named a program that was not installed.
#[test]
fn the_last_lines_of_a_demo_can_be_pasted() {
    let directory = TempDir::new().expect("a temporary directory can be created");
    let shown = demo(directory.path()).run().expect_code(0).stdout;
    let (_, next) = shown.split_once("\nNext:\n").expect("next steps");
    let lines: Vec<&str> = next.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    assert_eq!(lines.len(), 2, "{next}");
    assert!(!next.contains("sqlite3"), "{next}");
    for (line, code) in lines.into_iter().zip([0, 78]) {
        let pasted = Program::of("/bin/sh", &["-c", line]).in_directory(directory.path());
        let pasted = pasted.run().expect_code(code);
        let wants_credentials = pasted.stderr.contains("ONELOGIN_CLIENT_ID");
        assert_eq!(wants_credentials, code != 0, "{line}: {pasted}");
    }
}

#[test]
fn a_demo_can_be_interrupted() {
    let directory = TempDir::new().expect("a temporary directory can be created");
    let running = demo(directory.path()).start();
    running.wait_for_output("The first run:");
    running.interrupt();
    running.wait().expect_code(130);
    // What is left of it is of a demo, and no obstacle.
    demo(directory.path()).run().expect_code(0);
}
