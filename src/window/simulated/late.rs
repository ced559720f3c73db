//! Rows that appear or change after their time, and when they are seen.

use super::account::{Account, DAY, HOUR};

/// Rows of each kind.
const ROWS: u32 = 300;

/// A row that is not seen when its time is first read.
struct Row {
    at: f64,
    /// The time at which it appears or changes.
    appears: f64,
    seen: Option<f64>,
}

/// Rows that are late by similar times, in the order of their own.
pub(super) struct Late {
    are_failures: bool,
    rows: Vec<Row>,
}

/// The time until late rows are seen, in seconds; infinite if they are not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delays {
    pub median: f64,
    pub of_99_percent: f64,
    /// The longest of those that are seen.
    pub longest: f64,
    /// The part that is never seen.
    pub never: f64,
}

impl Late {
    /// Rows from a span that appear after a time between the least and the most, short ones more often.
    pub(super) fn new(
        account: &Account,
        (from, to): (f64, f64),
        (least, most): (f64, f64),
        are_failures: bool,
    ) -> Self {
        let mut random = fastrand::Rng::with_seed(7);
        let (low, high) = (account.up_to(from), account.up_to(to));
        let row = |_| {
            let at = account.at(low + (high - low) * random.f64());
            let appears = at + least * (most / least).powf(random.f64());
            Row { at, appears, seen: None }
        };
        let mut rows: Vec<Row> = (0..ROWS).map(row).collect();
        rows.sort_by(|a, b| a.at.total_cmp(&b.at));
        Self { are_failures, rows }
    }

    /// Failures late by up to an hour, a day and a week, failures that change within a week, and successes as late
    /// as the failures.
    pub(super) fn of_all_kinds(account: &Account, span: (f64, f64)) -> [Self; 7] {
        let [hour, day, week] = [(1.0, HOUR), (HOUR, DAY), (DAY, 7.0 * DAY)];
        let changed = (HOUR, 7.0 * DAY);
        [
            (hour, true),
            (day, true),
            (week, true),
            (changed, true),
            (hour, false),
            (day, false),
            (week, false),
        ]
        .map(|(range, are_failures)| Self::new(account, span, range, are_failures))
    }

    /// Sees the rows of a window that was read.
    pub(super) fn see(&mut self, from: f64, to: f64, now: f64, failures_only: bool) {
        if failures_only && !self.are_failures {
            return;
        }
        let first = self.rows.partition_point(|row| row.at < from);
        for row in self.rows[first..].iter_mut().take_while(|row| row.at <= to) {
            if row.seen.is_none() && row.appears <= now {
                row.seen = Some(now);
            }
        }
    }

    pub(super) fn delays(&self) -> Delays {
        let delay = |row: &Row| row.seen.map_or(f64::INFINITY, |seen| seen - row.appears);
        let mut delays: Vec<f64> = self.rows.iter().map(delay).collect();
        delays.sort_by(f64::total_cmp);
        let found = delays.partition_point(|delay| delay.is_finite());
        #[expect(clippy::cast_precision_loss, reason = "a few")]
        let never = (delays.len() - found) as f64 / delays.len() as f64;
        let longest = found.checked_sub(1).map_or(f64::INFINITY, |last| delays[last]);
        let (median, of_99_percent) = (delays[delays.len() / 2], delays[delays.len() * 99 / 100]);
        Delays { median, of_99_percent, longest, never }
    }
}
