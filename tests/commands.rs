//! The commands beside `sync`, as people and schedulers see them.

mod demo;
mod help;
mod simulate;
mod status;

use crate::support::program::Program;

#[test]
fn every_command_explains_itself() {
    let help = Program::new(&["--help"]).run().expect_code(0).stdout;
    let commands =
        ["sync", "status", "report", "compare", "migrate", "simulate", "demo", "completions"];
    for command in commands {
        let line = format!("\n  {command} ");
        assert!(help.contains(&line), "{command} is not in\n{help}");
        let own = Program::new(&[command, "--help"]).run().expect_code(0);
        assert!(own.stdout.contains(&format!("Usage: onelogin-sync {command}")), "{own}");
        assert_eq!(own.stderr, "");
        // The overview describes a command with the first line of its own help, and nothing else.
        let about = own.stdout.lines().next().expect("a first line");
        let overview: Vec<&str> = help.lines().filter(|line| line.contains(about)).collect();
        assert_eq!(overview.len(), 1, "{about:?} in\n{help}");
    }
}

#[test]
fn a_misspelled_variable_of_the_database_is_named() {
    for (name, meant) in [
        ("ONELOGIN_DATABASE_URL", "DATABASE_URL"),
        ("DATABSE_URL", "DATABASE_URL"),
        ("DATABASE_URL_FIEL", "DATABASE_URL_FILE"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let status = Program::new(&["status"]).in_directory(folder.path()).env(name, "sqlite:x.db");

        let status = status.run().expect_code(78);

        let warning = format!("{name} is no variable of this program; is {meant} meant?");
        assert!(status.stderr.contains(&warning), "{status}");
        let status = Program::new(&["status"]).in_directory(folder.path()).env(name, "sqlite:x.db");
        let status = status.env("DATABASE_URL", "sqlite:y.db").run().expect_code(78);
        assert_eq!(status.stderr.contains("meant?"), name.starts_with("ONELOGIN_"), "{status}");
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let expected = concat!("onelogin-sync ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(Program::new(&["--version"]).run().expect_code(0).stdout, expected);
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let script = Program::new(&["completions", shell]).run().expect_code(0);
        for name in ["sync", "status", "max-rejects", "simulate"] {
            assert!(script.stdout.contains(name), "{name} for {shell}; {script}");
        }
    }
}

#[test]
fn wrong_usage_is_64_with_the_way_out() {
    for wrong in [&[][..], &["sinc"], &["sync", "--nonsense"], &["status", "--max-age", "old"]] {
        let refused = Program::new(wrong).run().expect_code(64);
        assert_eq!(refused.stdout, "");
        assert!(refused.stderr.contains("--help") || refused.stderr.contains("Usage"), "{refused}");
    }
}

#[test]
fn help_shows_no_secret() {
    let help = Program::new(&["sync", "--help"])
        .env("ONELOGIN_API_KEY", "the-secret")
        .env("DATABASE_URL", "postgres://me:the-secret@host/db")
        .run()
        .expect_code(0);
    assert!(!help.stdout.contains("the-secret"), "{help}");
}
