//! The log on stderr: its levels and the form of its lines.

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::format::{Compact, DefaultFields, Format};
use tracing_subscriber::prelude::*;

use super::progress::Screen;
use crate::redact;

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
    let own = env!("CARGO_CRATE_NAME");
    let ours = Targets::new().with_target(own, level);
    // Libraries may log headers and statements, and with them secrets, at any level below.
    let theirs = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target(own, LevelFilter::OFF);
    let (writer, cleaner) = (screen.clone(), screen.clone());
    tracing_subscriber::registry()
        .with(lines().with_writer(move || writer.writer()).with_filter(ours))
        .with(
            lines()
                .with_ansi(false)
                .with_writer(move || Cleaned(cleaner.writer()))
                .with_filter(theirs),
        )
        .init();
}

/// A line per event: the message first, then its fields, then those of the run.
fn lines<S>() -> fmt::Layer<S, DefaultFields, Format<Compact>> {
    fmt::layer()
        .compact()
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        // It would report a failing stderr on stderr, and panic.
        .log_internal_errors(false)
}

/// A writer of lines that libraries have put together: they are values from outside as a whole.
struct Cleaned<W>(W);

impl<W: Write> Write for Cleaned<W> {
    /// Takes a complete line, as the log writes them.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let text = redact::clean(text.trim_end_matches('\n'));
        writeln!(self.0, "{text}")?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
