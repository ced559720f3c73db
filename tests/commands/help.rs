//! Help: on one screen, and without what somebody keeps in a variable.

use crate::support::program::Program;

/// Lines that a small terminal window shows.
const SCREEN: usize = 40;
const COMMANDS: [&str; 9] =
    ["", "sync", "status", "report", "compare", "migrate", "simulate", "demo", "completions"];

fn help(command: &str, flag: &str) -> String {
    let arguments = [command, flag];
    let arguments = if command.is_empty() { &arguments[1..] } else { &arguments };
    Program::new(arguments).run().expect_code(0).stdout
}

#[test]
fn short_help_fits_on_one_screen() {
    for command in COMMANDS {
        let help = help(command, "-h");

        let lines = help.lines().count();
        // The flags of `compare` that every call needs leave no room.
        let allowed = if command == "compare" { SCREEN + 4 } else { SCREEN };
        assert!(lines <= allowed, "{command}: {lines} lines\n{help}");
        let widest = help.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(100), "{command}: {widest:?} columns\n{help}");
    }
}

#[test]
fn addresses_stand_in_no_angle_brackets() {
    for command in COMMANDS {
        for flag in ["-h", "--help"] {
            assert!(!help(command, flag).contains("<http"), "{command} {flag}");
        }
    }
}

#[test]
fn global_flags_are_shown_last_and_only_where_they_do_something() {
    for command in ["", "sync", "status", "report", "compare", "migrate"] {
        let help = help(command, "--help");
        let last = help.split("Global options:").nth(1).expect(command);
        for flag in ["--database-url", "--verbose", "--log-level"] {
            assert_eq!(
                help.matches(&format!("{flag} ")).count(),
                last.matches(&format!("{flag} ")).count()
            );
            assert!(last.contains(flag), "{command}: {flag}\n{help}");
        }
    }
    assert!(!help("demo", "--help").contains("--database-url"));
    assert!(help("demo", "--help").contains("--log-level"));
    for command in ["simulate", "completions"] {
        assert!(!help(command, "--help").contains("Global options:"), "{command}");
    }
}

#[test]
fn a_global_flag_is_taken_before_and_after_the_command() {
    for arguments in [
        ["--database-url", "mysql://nowhere", "status"],
        ["status", "--database-url", "mysql://nowhere"],
    ] {
        let finished = Program::new(&arguments).run().expect_code(78);
        assert!(finished.stderr.contains("sqlite:"), "{finished}");
    }
}

#[test]
fn help_shows_the_name_of_a_variable_and_never_its_value() {
    let variables = ["ONELOGIN_BASE_URL", "DATABASE_URL", "ONELOGIN_ACCOUNT", "ONELOGIN_LOG_LEVEL"];
    for command in ["", "sync", "compare", "status"] {
        for flag in ["-h", "--help"] {
            let program = variables.iter().fold(
                Program::new(&[command, flag][usize::from(command.is_empty())..]),
                |p, name| p.env(name, "hunter2hunter2"),
            );
            let finished = program.run().expect_code(0);
            assert!(!finished.stdout.contains("hunter2"), "{command} {flag}: {finished}");
        }
    }
    assert!(help("sync", "-h").contains("[env: DATABASE_URL]"));
}

#[test]
fn a_level_is_given_once() {
    for arguments in
        [&["-v", "--log-level", "info", "status"][..], &["status", "--log-level=info", "-vv"]]
    {
        let finished = Program::new(arguments).run().expect_code(64);
        assert!(finished.stderr.contains("--log-level"), "{finished}");
        assert_eq!(finished.stdout, "");
    }
    for level in ["error", "warn", "info", "debug", "trace"] {
        Program::new(&["--log-level", level, "demo", "--file", "a.db"]).run().expect_code(0);
    }
    // The flag wins over the variable.
    let program = Program::new(&["demo", "-v"]).env("ONELOGIN_LOG_LEVEL", "error");
    program.run().expect_code(0);
}
