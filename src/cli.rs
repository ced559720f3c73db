//! The command line: the only part that reads arguments, the environment and secrets.

mod compare;
mod connection;
mod database;
#[cfg(feature = "demo")]
mod demo;
mod environment;
mod help;
mod log;
mod migrate;
mod progress;
mod report;
mod secret;
#[cfg(feature = "demo")]
mod simulate;
mod status;
mod stop;
mod sync;
mod text;

pub use text::print_error;

use std::time::Duration;

use clap::builder::styling::{AnsiColor, Styles};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgAction, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::exit::Exit;
use crate::store::{self, Database};
use progress::Screen;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold());

/// Copies failed provisioning from OneLogin into Postgres or SQLite: who could not get, or lose, access
#[derive(Debug, Parser)]
#[command(name = "onelogin-sync", version, styles = STYLES, max_term_width = 100)]
#[command(after_help = help::after(&help::PROGRAM), after_long_help = help::after_long(&help::PROGRAM))]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: Global,
}

/// Flags of every command.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
struct Global {
    /// Database: sqlite:FILE or postgres://user@host/name
    #[arg(long, global = true, env = "DATABASE_URL", value_name = "URL")]
    #[arg(default_value = "sqlite:onelogin.db")]
    database_url: String,
    /// Use a Postgres on another machine without TLS
    #[arg(long, global = true, hide_short_help = true)]
    insecure_database: bool,
    /// Time for which a Postgres may answer nothing, or have no connection to spare
    #[arg(long, global = true, env = "ONELOGIN_DATABASE_TIMEOUT", value_name = "DURATION")]
    #[arg(default_value = "30s", value_parser = text::timeout, hide_short_help = true)]
    database_timeout: Duration,
    /// Log each request and commit on stderr; -vv logs more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// Log lines on stderr: error, warn, info, debug or trace; info without it, warn beside a
    /// progress bar
    #[arg(long, global = true, env = "ONELOGIN_LOG_LEVEL", value_name = "LEVEL")]
    #[arg(hide_possible_values = true)]
    log_level: Option<log::Level>,
    /// Origin of the URL: a flag, a variable or the default.
    #[arg(skip)]
    url_source: Option<ValueSource>,
}

impl Global {
    fn database(self) -> Result<Database, Failed> {
        Ok(Database {
            url: database::url(self.database_url, self.url_source)?,
            is_insecure: self.insecure_database,
            // With less, a server on a busy machine would seem to hang.
            timeout: self.database_timeout.max(Duration::from_secs(1)),
        })
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Copy new failures into the database; the main job
    Sync(Box<sync::Args>),
    /// Show how far each account is synced, its last run and open rejects
    Status(status::Args),
    /// Write one HTML file for people: who still has access, what failed, what is not known
    Report(report::Args),
    /// List failures that only one of the two APIs has, before a migration
    Compare(Box<compare::Args>),
    /// Bring the database schema up to date, or list what is pending
    Migrate(migrate::Args),
    #[cfg(feature = "demo")]
    /// Serve a stand-in OneLogin API, to try things out without an account
    Simulate(Box<simulate::Args>),
    #[cfg(feature = "demo")]
    /// Show a first and an incremental sync, with no account and no network
    Demo(demo::Args),
    /// Print a completion script for a shell
    Completions {
        /// Shell to complete in
        shell: clap_complete::Shell,
    },
}

impl Command {
    async fn run(self, global: Global, screen: &Screen) -> Result<(), Failed> {
        match self {
            Self::Sync(args) => Box::pin(sync::run(*args, global.database(), screen)).await,
            Self::Status(args) => {
                let database = global.database()?;
                stop::at_once(Box::pin(status::run(args, &database))).await
            }
            Self::Report(args) => {
                let database = global.database()?;
                stop::at_once(Box::pin(report::run(args, &database))).await
            }
            Self::Compare(args) => compare::run(*args, &global.database()?).await,
            Self::Migrate(args) => {
                let database = global.database()?;
                stop::at_once(Box::pin(migrate::run(args, &database))).await
            }
            #[cfg(feature = "demo")]
            Self::Simulate(args) => simulate::run(*args).await,
            #[cfg(feature = "demo")]
            Self::Demo(args) => Box::pin(demo::run(args, screen)).await,
            Self::Completions { shell } => {
                let mut command = Cli::command();
                clap_complete::generate(shell, &mut command, "onelogin-sync", &mut text::out());
                Ok(())
            }
        }
    }

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

/// The form of an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON object on one line
    Json,
}

/// The failure of a command: its error, and the exit code.
#[derive(Debug)]
struct Failed {
    exit: Exit,
    error: anyhow::Error,
}

impl Failed {
    fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self { exit, error: error.into() }
    }

    /// The error and its causes on one line, without secrets.
    fn text(&self) -> String {
        let is_own = self.error.is::<String>() || self.error.is::<&'static str>();
        match self.error.source() {
            Some(cause) if is_own => format!("{}: {}", self.error, crate::chain(cause)),
            None if is_own => self.error.to_string(),
            _ => crate::chain(self.error.as_ref()),
        }
    }
}

impl From<store::Error> for Failed {
    fn from(error: store::Error) -> Self {
        Self::new(error.exit(), error)
    }
}

impl Cli {
    /// Reads the command line. Prints help, the version or a usage error itself.
    ///
    /// # Errors
    /// The exit code in these cases.
    pub fn from_args() -> Result<Self, Exit> {
        database::register_environment();
        Self::parsed().map_err(|error| {
            // A closed stderr does not change the exit code.
            let _ = error.print();
            if error.use_stderr() { Exit::Usage } else { Exit::Done }
        })
    }

    fn parsed() -> Result<Self, clap::Error> {
        let mut command = help::tidy(Self::command());
        let matches = command.try_get_matches_from_mut(std::env::args_os());
        let matches = matches.map_err(|error| environment::explain(error, &mut command))?;
        let mut cli = Self::from_arg_matches(&matches).map_err(|e| e.format(&mut command))?;
        cli.global.url_source = matches.value_source("database_url");
        if cli.global.verbose > 0 {
            if matches.value_source("log_level") == Some(ValueSource::CommandLine) {
                let text = "-v and --log-level cannot be used together: both set the level";
                return Err(command.error(ErrorKind::ArgumentConflict, text));
            }
            // A flag wins over the environment.
            cli.global.log_level = log::Level::of_verbosity(cli.global.verbose);
        }
        Ok(cli)
    }

    /// Runs the command, prints its outcome, and returns the exit code.
    pub async fn run(self) -> Exit {
        let screen = Screen::new();
        // A demo is for people, and a bar shows the rest.
        let quiet = screen.is_drawn() || self.command.is_demo();
        log::start(&screen, self.global.log_level, quiet);
        environment::warn_of_unknown(&Self::command());
        let outcome = Box::pin(self.command.run(self.global, &screen)).await;
        screen.clear();
        match outcome {
            Ok(()) => Exit::Done,
            Err(failed) => {
                text::print_error(&failed.text());
                failed.exit
            }
        }
    }
}
