//! The progress bar, and log lines that do not tear it.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use chrono::TimeDelta;
use humantime::format_duration;
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::text::Unfailing;
use crate::sync::Progress;

/// A bar on stderr if that is a terminal, else nothing.
#[derive(Debug, Clone)]
pub(super) struct Screen {
    bar: ProgressBar,
}

impl Screen {
    pub(super) fn new() -> Self {
        let target = if io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(1), target);
        let style = ProgressStyle::with_template("{spinner} [{bar:24}] {percent:>3}%  {msg}");
        bar.set_style(style.expect("the template is valid").progress_chars("=> "));
        Self { bar }
    }

    pub(super) fn is_drawn(&self) -> bool {
        !self.bar.is_hidden()
    }

    /// Starts to draw. The bar moves even while the program waits for the source.
    pub(super) fn start(&self) {
        if self.is_drawn() {
            self.bar.reset();
            self.bar.enable_steady_tick(Duration::from_millis(200));
        }
    }

    pub(super) fn show(&self, progress: Progress) {
        if !self.is_drawn() {
            return;
        }
        // The bar measures the scanned span of time, because the number of rows is not known.
        self.bar.set_length(progress.span.num_seconds().unsigned_abs());
        self.bar.set_position(progress.done.num_seconds().unsigned_abs());
        let elapsed = self.bar.elapsed();
        let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
        let left = time_left(elapsed, progress.done, progress.span);
        self.bar.set_message(format!(
            "{}{} rows, {}/s{}",
            progress.window.map_or_else(String::new, |window| {
                format!("{} .. {}  ", window.from.date_naive(), window.to.date_naive())
            }),
            HumanCount(progress.fetched),
            HumanCount(progress.fetched.saturating_mul(1_000) / milliseconds),
            left.map_or_else(String::new, |left| format!(", {} left", format_duration(left))),
        ));
    }

    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// Returns a writer to stderr that hides the bar while it writes.
    pub(super) fn writer(&self) -> impl Write + use<> {
        BesideBar(self.bar.clone())
    }
}

/// Estimates the time left, in whole seconds, from the share of the span that is done. `None` before
/// anything is done.
fn time_left(elapsed: Duration, done: TimeDelta, span: TimeDelta) -> Option<Duration> {
    let (done, span) = (done.to_std().ok()?, span.to_std().ok()?);
    let per_done = elapsed.as_secs_f64() / done.as_secs_f64();
    let left = span.saturating_sub(done).as_secs_f64() * per_done;
    // Fails without a share, where the quotient is infinite or no number.
    Duration::try_from_secs_f64(left.ceil()).ok()
}

struct BesideBar(ProgressBar);

impl Write for BesideBar {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| Unfailing(io::stderr()).write(line))
    }

    fn flush(&mut self) -> io::Result<()> {
        Unfailing(io::stderr()).flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_from_the_share_that_is_done() {
        let left = |elapsed, done, span| {
            let elapsed = Duration::from_secs(elapsed);
            time_left(elapsed, TimeDelta::days(done), TimeDelta::days(span))
        };
        assert_eq!(left(10, 30, 90), Some(Duration::from_secs(20)));
        assert_eq!(left(10, 45, 100), Some(Duration::from_secs(13)), "12.2 s, rounded up");
        assert_eq!(left(10, 90, 90), Some(Duration::ZERO));
        assert_eq!(left(10, 0, 90), None, "nothing is done yet");
        assert_eq!(left(0, 0, 0), None);
        assert_eq!(left(u64::MAX, 1, 100_000_000), None, "longer than a duration can be");
    }
}
