//! The command line: the only place that reads arguments, the environment and secrets.

mod compare;
mod connection;
#[cfg(feature = "demo")]
mod demo;
mod migrate;
mod progress;
mod secret;
#[cfg(feature = "demo")]
mod simulate;
mod status;
mod stop;
mod sync;
mod text;

use std::io::IsTerminal;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use crate::exit::Exit;
use crate::store;
use progress::Screen;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold());

/// Copies failed provisioning from OneLogin into Postgres or SQLite, so that "who could not get, or
/// lose, access to what, and why" is a SQL query.
#[derive(Debug, Parser)]
#[command(name = "onelogin-sync", version, styles = STYLES, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// The database: sqlite:FILE or postgres://user@host/name
    #[arg(long, global = true, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    #[arg(default_value = "sqlite:onelogin.db")]
    database_url: String,
    /// How much to log on stderr; on a terminal, where a progress bar is drawn, only warnings
    #[arg(long, global = true, env = "ONELOGIN_LOG_LEVEL", value_name = "LEVEL")]
    log_level: Option<LogLevel>,
}

const AFTER_HELP: &str = "\
Exit codes: 0 done, 64 usage, 65 new rejects or a difference, 69 source unavailable, 70 bug, 74 database failed,
75 another run is at work or the copy is stale, 76 not this API, 77 credentials refused,
78 configuration or schema version, 130 and 143 interrupted. Worth trying again: 69, 74, 75.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Copy the failures since the last run; the main job
    Sync(Box<sync::Args>),
    /// Show marks, their age, the last run and open rejects
    Status(status::Args),
    /// Compare what both APIs have, before one takes over from the other
    Compare(Box<compare::Args>),
    /// Bring the database's schema up to date, or only say what is missing
    Migrate(migrate::Args),
    #[cfg(feature = "demo")]
    /// Serve a stand-in OneLogin API, to try things out without an account
    Simulate(Box<simulate::Args>),
    #[cfg(feature = "demo")]
    /// Show the whole thing at work, with no account and no network
    Demo(demo::Args),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

impl Command {
    #[cfg(feature = "demo")]
    fn is_demo(&self) -> bool {
        matches!(self, Self::Demo(_))
    }

    #[cfg(not(feature = "demo"))]
    fn is_demo(&self) -> bool {
        let _ = self;
        false
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

/// How to print an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON object on one line
    Json,
}

/// Why a command failed: what to tell, and how to exit.
#[derive(Debug)]
struct Failed {
    exit: Exit,
    error: anyhow::Error,
}

impl Failed {
    fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self { exit, error: error.into() }
    }
}

impl From<store::Error> for Failed {
    fn from(error: store::Error) -> Self {
        Self::new(error.exit(), error)
    }
}

impl Cli {
    /// Reads the command line; prints help, version or what is wrong with it by itself.
    ///
    /// # Errors
    /// The exit to make then.
    pub fn from_args() -> Result<Self, Exit> {
        Self::try_parse().map_err(|error| {
            // Nowhere to print to is no reason for another exit.
            let _ = error.print();
            if error.use_stderr() { Exit::Usage } else { Exit::Done }
        })
    }

    /// Runs the command, prints its outcome, and says how to exit.
    pub async fn run(self) -> Exit {
        let screen = Screen::new();
        // A demo is read by people, and where a bar is drawn it tells the rest.
        let quiet = screen.is_drawn() || self.command.is_demo();
        start_log(&screen, self.log_level, quiet);
        let url = &self.database_url;
        let outcome = match self.command {
            Command::Sync(args) => sync::run(*args, url, &screen).await,
            Command::Status(args) => status::run(args, url).await,
            Command::Compare(args) => compare::run(*args, url).await,
            Command::Migrate(args) => migrate::run(args, url).await,
            #[cfg(feature = "demo")]
            Command::Simulate(args) => simulate::run(*args).await,
            #[cfg(feature = "demo")]
            Command::Demo(args) => demo::run(args, &screen).await,
            Command::Completions { shell } => {
                clap_complete::generate(
                    shell,
                    &mut Self::command(),
                    "onelogin-sync",
                    &mut text::out(),
                );
                Ok(())
            }
        };
        screen.clear();
        match outcome {
            Ok(()) => Exit::Done,
            Err(Failed { exit, error }) => {
                eprintln!("onelogin-sync: {error:#}");
                exit
            }
        }
    }
}

fn start_log(screen: &Screen, level: Option<LogLevel>, quiet: bool) {
    let level = match level {
        Some(LogLevel::Error) => LevelFilter::ERROR,
        Some(LogLevel::Debug) => LevelFilter::DEBUG,
        Some(LogLevel::Warn) => LevelFilter::WARN,
        None if quiet => LevelFilter::WARN,
        Some(LogLevel::Info) | None => LevelFilter::INFO,
    };
    // Ours only: what libraries log of a request is not ours to vouch for.
    let ours = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
    let screen = screen.clone();
    let lines = tracing_subscriber::fmt::layer()
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(move || screen.writer());
    tracing_subscriber::registry().with(lines.with_filter(ours)).init();
}
