//! Help: the part below the flags, and the global flags that each command shows.

use std::fmt::Write;

use clap::{Arg, Command};

use super::environment;
use crate::exit::Exit;

/// The part of a command's help below its flags.
pub(super) struct Footer {
    /// The command needs credentials.
    credentials: bool,
    examples: &'static [&'static str],
}

pub(super) const PROGRAM: Footer = Footer {
    credentials: true,
    examples: &[
        "onelogin-sync demo",
        "onelogin-sync sync --base-url https://example.onelogin.com --since 2026-01-01",
        "onelogin-sync status --max-age 2h",
    ],
};

pub(super) const SYNC: Footer = Footer {
    credentials: true,
    examples: &[
        "onelogin-sync sync --base-url https://example.onelogin.com --since 2026-01-01",
        "onelogin-sync sync --database-url postgres://sync@db.example.com/onelogin --format json",
        "onelogin-sync sync --from-file saved.json",
    ],
};

pub(super) const STATUS: Footer = Footer {
    credentials: false,
    examples: &[
        "onelogin-sync status",
        "onelogin-sync status --max-age 2h",
        "onelogin-sync status --account production --format json",
    ],
};

pub(super) const REPORT: Footer = Footer {
    credentials: false,
    examples: &[
        "onelogin-sync report",
        "onelogin-sync report --out july.html --since 2026-07-01 --until 2026-08-01",
        "onelogin-sync report --account production --no-people",
    ],
};

pub(super) const COMPARE: Footer = Footer {
    credentials: true,
    examples: &[
        "onelogin-sync compare --since 2026-01-01 --until 2026-02-01",
        "onelogin-sync compare --since 2026-01-31 --until 2026-02-01 --tolerance 5s",
        "onelogin-sync compare --since 2026-01-31 --until 2026-02-01 --format json",
    ],
};

pub(super) const MIGRATE: Footer = Footer {
    credentials: false,
    examples: &[
        "onelogin-sync migrate",
        "onelogin-sync migrate --check",
        "onelogin-sync migrate --database-url postgres://owner@db.example.com/onelogin",
    ],
};

const CREDENTIALS: &str = "\
Credentials, from the environment only:
  ONELOGIN_CLIENT_ID, ONELOGIN_CLIENT_SECRET  for the events API
  ONELOGIN_API_KEY                            for the legacy API
  or each from a file: ONELOGIN_CLIENT_SECRET_FILE, ONELOGIN_API_KEY_FILE, … name its path
";

/// Builds the part of `-h` below the flags.
pub(super) fn after(footer: &Footer) -> String {
    let codes: Vec<String> =
        Exit::ALL.iter().map(|exit| format!("{} {}", exit.code(), exit.meaning())).collect();
    format!("{}Exit codes: {}. Try again after {}.", top(footer), codes.join("; "), retryable())
}

/// Builds the part of `--help` below the flags.
pub(super) fn after_long(footer: &Footer) -> String {
    let mut text = top(footer);
    text.push_str("Exit codes:\n");
    for exit in Exit::ALL {
        let _ = writeln!(text, "  {:>3}  {}", exit.code(), exit.meaning());
    }
    let _ = write!(
        text,
        "Trying again can help after {}.\n\nDurations are written like 90s, 15m, 24h or 7d; times and \
         dates are UTC.\nA flag wins over its environment variable, and that over a file.",
        retryable()
    );
    text
}

fn top(footer: &Footer) -> String {
    let mut text = String::new();
    if footer.credentials {
        text.push_str(CREDENTIALS);
        text.push('\n');
    }
    text.push_str("Examples:\n");
    for example in footer.examples {
        let _ = writeln!(text, "  {example}");
    }
    text.push('\n');
    text
}

fn retryable() -> String {
    let codes = Exit::ALL.iter().filter(|exit| exit.can_heal()).map(|exit| exit.code().to_string());
    let codes: Vec<String> = codes.collect();
    let (last, others) = codes.split_last().expect("some exits can heal");
    format!("{} or {last}", others.join(", "))
}

/// Puts the global flags last, hides them where they do nothing, and forgets variables that are set to
/// nothing. The values of all variables are hidden: a secret may stand in the wrong one.
pub(super) fn tidy(command: Command) -> Command {
    let command = command.mut_args(tidy_arg);
    let globals: Vec<Arg> =
        command.get_arguments().filter(|a| a.is_global_set()).cloned().collect();
    command.mut_subcommands(|sub| {
        let idle = idle_globals(sub.get_name());
        let globals = globals.iter().map(|a| a.clone().hide(idle.contains(&a.get_id().as_str())));
        sub.mut_args(tidy_arg).args(globals)
    })
}

fn tidy_arg(arg: Arg) -> Arg {
    environment::forget_empty(arg).hide_env_values(true)
}

/// Global flags that do nothing for a command.
fn idle_globals(command: &str) -> &'static [&'static str] {
    match command {
        "completions" | "simulate" => {
            &["database_url", "insecure_database", "database_timeout", "verbose", "log_level"]
        }
        "demo" => &["database_url", "insecure_database", "database_timeout"],
        _ => &[],
    }
}
