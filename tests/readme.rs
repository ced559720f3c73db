//! The commands of README.md, run one after another as a reader would.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::{env, fs};

use chrono::{SubsecRound, Utc};
use nix::unistd::getgid;
use onelogin_simulator::{Config, Simulator};
use tempfile::TempDir;

use crate::docs::{Block, blocks, read};
use crate::support::onelogin::{all_records, start};
use crate::support::program::Program;
use crate::support::tables::{Db, assert_rows};

/// Commands of README.md that cannot run inside a test: they run the tests, or install the program.
const NOT_RUN: [&str; 2] = ["tests/run.sh", "cargo install "];
/// `cargo run` runs the program under test; `docker` lines are those of
/// [`the_compose_file_keeps_the_simulator_and_onelogin_apart`].
const SHELL: &str = "set -euo pipefail
cargo() { shift 3; onelogin-sync \"$@\"; }
docker() { echo \"docker $*\" >> docker.log; }
";

#[test]
fn the_commands_of_the_readme_run_in_their_order() {
    let onelogin = recent(1);
    let db = Db::postgres();
    let directory = TempDir::new().expect("a temporary directory can be created");
    let secret = directory.path().join("secret");
    fs::write(&secret, onelogin.client_secret()).expect("a file can be written");
    let saved = format!("[{}]", all_records(&onelogin)[..20].join(","));
    fs::write(directory.path().join("saved.json"), saved).expect("a file can be written");
    let values = [
        ("ONELOGIN_CLIENT_ID=…", format!("ONELOGIN_CLIENT_ID={}", onelogin.client_id())),
        (
            "ONELOGIN_CLIENT_SECRET=…",
            format!("ONELOGIN_CLIENT_SECRET={}", onelogin.client_secret()),
        ),
        ("ONELOGIN_API_KEY=…", format!("ONELOGIN_API_KEY={}", onelogin.key())),
        ("https://api.us.onelogin.com", onelogin.url()),
        ("/etc/onelogin.secret", secret.display().to_string()),
        ("-g analysts", format!("-g {}", getgid())),
        ("/var/lib/onelogin", directory.path().join("shared").display().to_string()),
        ("postgres://user:password@host:5432/name", db.url()),
        ("postgres://sync@db/onelogin", db.url()),
    ];
    let mut script = SHELL.to_owned();
    for block in blocks(&read("README.md")).filter(|b| ["sh", "cron"].contains(&&*b.language)) {
        script += &commands(&block);
    }
    for (placeholder, value) in &values {
        assert!(script.contains(placeholder), "README.md does not use {placeholder}");
        script = script.replace(placeholder, value);
    }
    assert!(!script.contains('…'), "a placeholder without a value:\n{script}");

    let program = Program::of("/bin/bash", &["-x", "-c", &script]);
    let path = format!("{}:{}", bin().display(), env::var("PATH").unwrap_or_default());
    let program = program.env("PATH", path).env("ONELOGIN_BASE_URL", onelogin.url());
    program.in_directory(directory.path()).run().expect_code(0);

    let shared = directory.path().join("shared/onelogin.db");
    let mode = fs::metadata(shared).expect("the shared database exists").permissions().mode();
    assert_eq!(mode & 0o777, 0o660, "an existing file keeps its mode");
    // The runs in Postgres: the crontab's, and the one after `migrate`.
    let runs = "select account, source, status from sync_runs order by run_id";
    let succeeded: &[&str] = &["default", "events", "succeeded"];
    assert_rows(&db.rows(runs), &[succeeded, succeeded]);
    let docker = fs::read_to_string(directory.path().join("docker.log")).expect("a log");
    let commands = ["run --rm sync-simulated", "run --rm sync", "--profile bi up"];
    let lines: Vec<_> = commands.map(|command| format!("docker compose {command}")).into();
    assert_eq!(docker.lines().collect::<Vec<_>>(), lines);
}

/// Regression: with both Docker lines of the README, one account held invented rows and real ones.
#[test]
fn the_compose_file_keeps_the_simulator_and_onelogin_apart() {
    let compose = read("docker-compose.yml");
    let db = Db::postgres();
    let (simulator, onelogin) = (recent(1), recent(2));
    let of_the_reader = BTreeMap::from([
        ("ONELOGIN_BASE_URL", onelogin.url()),
        ("ONELOGIN_CLIENT_ID", onelogin.client_id().to_owned()),
        ("ONELOGIN_CLIENT_SECRET", onelogin.client_secret().to_owned()),
    ]);

    for service in ["sync-simulated", "sync"] {
        let lines = section(&compose, service);
        let command =
            lines.iter().find_map(|line| line.strip_prefix("command: ")).expect("a command");
        let arguments: Vec<String> = serde_json::from_str(command).expect("a list");
        // The database of the compose file is another machine, and has no TLS.
        assert!(arguments.iter().any(|a| a == "--insecure-database"), "{service}: {arguments:?}");
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut program = Program::new(&arguments);
        for (name, value) in environment(&lines) {
            let given = of_the_reader.get(name).cloned();
            let value = match (name, value) {
                ("DATABASE_URL", _) => Some(db.url()),
                ("ONELOGIN_BASE_URL", "http://simulator:8017") => Some(simulator.url()),
                (_, "") => given,
                (_, value) => Some(value.to_owned()),
            };
            if let Some(value) = value {
                program = program.env(name, value);
            }
        }
        program.run().expect_code(0);
    }

    let may_be_plain = |service| {
        environment(&section(&compose, service)).any(|(name, _)| name == "ONELOGIN_ALLOW_HTTP")
    };
    assert!(may_be_plain("sync-simulated") && !may_be_plain("sync"));
    let accounts = "select account, source, status from sync_runs order by run_id";
    let runs: [&[&str]; 2] =
        [&["simulated", "events", "succeeded"], &["default", "events", "succeeded"]];
    assert_rows(&db.rows(accounts), &runs);
    let ids = db.rows("select count(distinct onelogin_account_id) from accounts");
    assert_rows(&ids, &[&["2"]]);
}

/// A OneLogin of its own for each seed, with a year of failures until now.
fn recent(seed: u64) -> Simulator {
    let now = Utc::now().trunc_subsecs(0);
    start(Config { seed, failures: 500, days: 400, late_records: 0, now, ..Config::default() })
}

/// The lines of a block that a test can run. Those of a crontab lose their times.
fn commands(block: &Block) -> String {
    let lines = block.text.lines().filter(|line| !NOT_RUN.iter().any(|n| line.starts_with(n)));
    let lines = lines.map(|line| match &*block.language {
        "cron" => line.splitn(6, char::is_whitespace).last().unwrap_or_default().trim(),
        _ => line,
    });
    lines.chain([""]).collect::<Vec<_>>().join("\n")
}

/// The lines of a service in the compose file, without their indentation.
fn section<'a>(compose: &'a str, service: &str) -> Vec<&'a str> {
    let head = format!("  {service}:");
    let lines = compose.lines().skip_while(|line| **line != head).skip(1);
    let lines = lines.take_while(|line| line.is_empty() || line.starts_with("   "));
    lines.map(str::trim).collect()
}

/// The variables of a service, and their values in the file.
fn environment<'a>(lines: &[&'a str]) -> impl Iterator<Item = (&'a str, &'a str)> {
    let lines = lines.iter().skip_while(|line| **line != "environment:").skip(1);
    let lines = lines.filter(|line| !line.starts_with('#'));
    let variables = lines.map_while(|line| line.split_once(':'));
    variables
        .map(|(name, value)| (name, value.trim().trim_matches('"')))
        .take_while(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        .collect::<Vec<_>>()
        .into_iter()
}

/// The folder of the program under test.
fn bin() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_onelogin-sync")).parent().expect("the program is in a folder")
}
