//! The number of records in a span, from the windows that were read. Pure.

use chrono::{DateTime, TimeDelta, Utc};

use super::Window;
use super::density::NARROWEST;

/// Seconds of an hour.
const HOUR: f64 = 3_600.0;

/// A window of the ledger with its records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeldWindow {
    pub window: Window,
    /// Failures and rejects.
    pub failures: f64,
    /// Other records of its answer.
    pub others: f64,
    /// True if only failures were requested.
    pub failures_only: bool,
}

impl HeldWindow {
    /// The part of it in a shorter window, as if its records were evenly spread.
    fn part(self, window: Window) -> Self {
        let part = seconds(window) / seconds(self.window);
        let (failures, others) = (self.failures * part, self.others * part);
        Self { window, failures, others, ..self }
    }
}

/// Windows without an overlap, in the order of time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    windows: Vec<HeldWindow>,
    /// Records per second where nothing is known.
    otherwise: f64,
}

impl Ledger {
    /// Takes windows in the order of their commits. Where one reads a span again, it corrects what earlier ones held
    /// there, so that nothing counts twice and what came late is known. Where nothing is known, there are as many
    /// records as in the densest hour that is, and `at_least` per second: what is too much for its calls would be read
    /// in vain.
    #[must_use]
    pub(crate) fn new(committed: impl IntoIterator<Item = HeldWindow>, at_least: f64) -> Self {
        let mut ledger = Self::default();
        for held in committed {
            let Window { from, to } = held.window;
            let end = ledger.windows.last().map_or(from, |last| last.window.to);
            if from < end.min(to) {
                ledger.correct(held.part(Window { from, to: end.min(to) }));
            }
            if from.max(end) < to {
                ledger.windows.push(held.part(Window { from: from.max(end), to }));
            }
        }
        ledger.otherwise = densest_hour(&ledger.windows).max(at_least);
        ledger
    }

    /// Gives a span the records that it was found to hold now, spread as those before.
    fn correct(&mut self, now: HeldWindow) {
        self.fill(now.window);
        let (first, end) = (self.split(now.window.from), self.split(now.window.to));
        let parts = &mut self.windows[first..end];
        let sum = |of: fn(&HeldWindow) -> f64| parts.iter().map(of).sum::<f64>();
        let whole = sum(|part| seconds(part.window));
        let (failures, others) = (sum(|part| part.failures), sum(|part| part.others));
        for part in parts {
            let time = seconds(part.window) / whole;
            let corrected = |part: f64, before: f64, now: f64| {
                if before > 0.0 { part / before * now } else { time * now }
            };
            part.failures = corrected(part.failures, failures, now.failures);
            if !now.failures_only {
                part.others = corrected(part.others, others, now.others);
            }
        }
    }

    /// Adds windows without records for the parts of a span that no window covers.
    fn fill(&mut self, span: Window) {
        let mut at = span.from;
        let mut next = self.windows.partition_point(|held| held.window.to <= at);
        while at < span.to {
            let known = self.windows.get(next).map(|held| held.window);
            let to = known.map_or(span.to, |known| known.from.min(span.to));
            if at < to {
                let window = Window { from: at, to };
                let none = HeldWindow { window, failures: 0.0, others: 0.0, failures_only: false };
                self.windows.insert(next, none);
                next += 1;
            }
            at = known.map_or(span.to, |known| known.to);
            next += 1;
        }
    }

    /// Divides the window around a time there. Returns the index of the first one after it.
    fn split(&mut self, at: DateTime<Utc>) -> usize {
        let next = self.windows.partition_point(|held| held.window.to <= at);
        let Some(held) = self.windows.get(next).copied() else { return next };
        if held.window.from >= at {
            return next;
        }
        self.windows[next] = held.part(Window { to: at, ..held.window });
        self.windows.insert(next + 1, held.part(Window { from: at, ..held.window }));
        next + 1
    }

    /// The records, or only the failures.
    #[must_use]
    pub(crate) fn held(&self, failures_only: bool) -> Held<'_> {
        Held { ledger: self, failures_only }
    }
}

/// The records, or only the failures, of a ledger.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held<'a> {
    ledger: &'a Ledger,
    failures_only: bool,
}

impl Held<'_> {
    /// The number of records in a window, evenly spread over each window of the ledger.
    #[must_use]
    pub(crate) fn records(&self, within: Window) -> f64 {
        self.parts(within).map(|(part, density)| seconds(part) * density).sum()
    }

    /// The time up to which a window holds `records`; its end if it holds fewer. At least one second on.
    #[must_use]
    pub(crate) fn reach(&self, within: Window, records: f64) -> DateTime<Utc> {
        let mut left = records;
        let mut end = within.to;
        for (part, density) in self.parts(within) {
            let held = seconds(part) * density;
            if held > left {
                // A held amount above what is left makes the density positive.
                let reached = (left / density).floor().max(0.0);
                #[expect(clippy::cast_possible_truncation, reason = "within the part")]
                let reached = TimeDelta::seconds(reached as i64);
                end = part.from + reached;
                break;
            }
            left -= held;
        }
        #[expect(clippy::cast_possible_truncation, reason = "a constant of one second")]
        let narrowest = TimeDelta::seconds(NARROWEST as i64);
        end.max(within.from + narrowest).min(within.to)
    }

    /// The parts of a window with the density of each.
    fn parts(&self, within: Window) -> impl Iterator<Item = (Window, f64)> + '_ {
        let windows = &self.ledger.windows;
        let first = windows.partition_point(|held| held.window.to <= within.from);
        let end = windows.partition_point(|held| held.window.from < within.to);
        let known = &windows[first.min(end)..end];
        let last = known.last().map_or(within.from, |last| last.window.to.min(within.to));
        let after = Window { from: last, to: within.to };
        let mut at = within.from;
        let known = known.iter().flat_map(move |held| {
            let part = Window {
                from: held.window.from.max(within.from),
                to: held.window.to.min(within.to),
            };
            let before = Window { from: at, to: part.from };
            at = part.to;
            let others = if self.failures_only { 0.0 } else { held.others };
            let density = (held.failures + others) / seconds(held.window);
            [(before, self.ledger.otherwise), (part, density)]
        });
        known.chain([(after, self.ledger.otherwise)]).filter(|(part, _)| part.from < part.to)
    }
}

/// Records per second of the densest hour.
fn densest_hour(windows: &[HeldWindow]) -> f64 {
    let (mut densest, mut records, mut start) = (0.0_f64, 0.0, None);
    for held in windows {
        let from = *start.get_or_insert(held.window.from);
        records += held.failures + held.others;
        let span = seconds(Window { from, to: held.window.to });
        densest = densest.max(records / span.max(HOUR));
        if span >= HOUR {
            (records, start) = (0.0, None);
        }
    }
    densest
}

fn seconds(window: Window) -> f64 {
    (window.to - window.from).as_seconds_f64()
}
