//! The log on stderr: its levels and the form of its lines.

use std::io::IsTerminal;

use clap::ValueEnum;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use super::progress::Screen;

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl Level {
    /// The level that `count` times `-v` stands for.
    pub(super) fn of_verbosity(count: u8) -> Option<Self> {
        match count {
            0 => None,
            1 => Some(Self::Debug),
            2.. => Some(Self::Trace),
        }
    }

    fn filter(self) -> LevelFilter {
        match self {
            Self::Error => LevelFilter::ERROR,
            Self::Warn => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
            Self::Trace => LevelFilter::TRACE,
        }
    }
}

/// Starts the log. `quiet` shows warnings only where no level is given.
pub(super) fn start(screen: &Screen, level: Option<Level>, quiet: bool) {
    let level = level.unwrap_or(if quiet { Level::Warn } else { Level::Info }).filter();
    // Libraries may log headers and statements, and with them secrets, at any level below.
    let targets = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target(env!("CARGO_CRATE_NAME"), level);
    let screen = screen.clone();
    // Compact: the message first, then its fields, then those of the run.
    let lines = tracing_subscriber::fmt::layer()
        .compact()
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(move || screen.writer());
    tracing_subscriber::registry().with(lines.with_filter(targets)).init();
}
