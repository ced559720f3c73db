//! Which intervals to ask for, and how far the marks may move. Pure: no I/O and no clock.

use chrono::{DateTime, TimeDelta, Utc};

/// A window is never narrower: the legacy API knows no fractions of a second.
const NARROWEST: TimeDelta = TimeDelta::seconds(1);
/// No answer is expected to span more; it also keeps the doubling within the calendar.
const WIDEST: TimeDelta = TimeDelta::days(3660);
/// An hour less than a day: a daily run that is a little early shall not put it off to the next.
const BETWEEN_RESCANS: TimeDelta = TimeDelta::hours(23);
/// Page sizes in use. A response of exactly so many records may have been cut without a word; 51
/// is what a sibling of the legacy endpoint sends when asked for 50.
const LIKELY_CAPS: [u64; 12] =
    [50, 51, 100, 200, 250, 500, 1_000, 2_000, 2_500, 5_000, 10_000, 20_000];

/// How wide windows should be, which depends on how a source answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    /// The first window of a run.
    first: TimeDelta,
    /// A window with fewer records was not worth its request: the next is twice as wide.
    nearly_empty: u64,
    /// With more records than this the next window is half as wide.
    too_large: u64,
    /// Whether an answer may be cut without a word.
    may_be_cut: bool,
}

impl Pace {
    /// For a source that gives one answer for a window: a backfill shows progress, a daily run fits
    /// into one, and no transaction becomes too long.
    pub(crate) const ONE_ANSWER: Self = Self {
        first: TimeDelta::days(7),
        nearly_empty: 1_000,
        too_large: 500_000,
        may_be_cut: true,
    };

    /// For a source that gives pages of some 50 records, each a call of an hour's few thousand: a
    /// window that fails costs all of its calls. The pages say by themselves when they end.
    pub(crate) const PAGES: Self = Self {
        first: TimeDelta::days(2),
        nearly_empty: 1_000,
        too_large: 10_000,
        may_be_cut: false,
    };

    /// For a file, which has no order and is read as a whole.
    pub(crate) const ALL_TIME: Self = Self {
        first: TimeDelta::days(4_000_000),
        nearly_empty: 0,
        too_large: u64::MAX,
        may_be_cut: false,
    };
}

/// An interval of time, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    /// Where it begins.
    pub from: DateTime<Utc>,
    /// Where it ends; never before `from`.
    pub to: DateTime<Utc>,
}

impl Window {
    /// All times that a database can hold.
    pub(crate) const ALL_TIME: Self = Self {
        from: DateTime::UNIX_EPOCH,
        to: DateTime::from_timestamp(253_402_300_799, 0).expect("the end of the year 9999"),
    };

    /// The same window, but not past the server's clock: what lies ahead of it was not scanned.
    #[must_use]
    pub(crate) fn until(self, server_now: Option<DateTime<Utc>>) -> Self {
        let to = server_now.map_or(self.to, |now| self.to.min(now)).max(self.from);
        Self { to, ..self }
    }

    /// The interval to ask for: a second more on both sides, since nobody knows whether the API
    /// counts its bounds in. What comes in addition is loaded too, and known the next time.
    #[must_use]
    pub(crate) fn widened(self) -> Self {
        Self { from: self.from - NARROWEST, to: self.to + NARROWEST }
    }

    /// Whether it can be asked for in smaller pieces.
    #[must_use]
    pub(crate) fn can_narrow(self) -> bool {
        self.to - self.from > NARROWEST
    }
}

impl std::fmt::Display for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let time = |t: DateTime<Utc>| t.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
        write!(f, "{} .. {}", time(self.from), time(self.to))
    }
}

/// Where the sync of one account and source stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Watermark {
    /// The greatest `created_at` committed.
    pub high_water_mark: Option<DateTime<Utc>>,
    /// The end of the last window committed.
    pub scanned_through: Option<DateTime<Utc>>,
}

impl Watermark {
    /// Where the next run begins; none before the first. Rows that appear late, up to `overlap`
    /// behind the scan, are found; after a quiet time everything since the last failure is asked
    /// for again, which costs next to nothing because it was quiet.
    #[must_use]
    pub(crate) fn resume(&self, overlap: TimeDelta) -> Option<DateTime<Utc>> {
        let scanned = self.scanned_through?;
        let overlapped = scanned.checked_sub_signed(overlap).unwrap_or(DateTime::UNIX_EPOCH);
        Some(self.high_water_mark.map_or(overlapped, |mark| mark.min(overlapped)))
    }

    /// Where a source begins that takes over from another which stands here: everything that the
    /// other may not have seen, and as much more as may be late.
    #[must_use]
    pub(crate) fn take_over(&self, overlap: TimeDelta) -> Option<DateTime<Utc>> {
        let seen = self.high_water_mark.map_or(self.scanned_through, |mark| {
            self.scanned_through.map(|scanned| scanned.min(mark))
        })?;
        Some(seen.checked_sub_signed(overlap).unwrap_or(DateTime::UNIX_EPOCH))
    }

    /// The mark after a window was scanned whose newest failure, not counting any dated after its
    /// end, is `newest`. It never moves backward, and it stays where it is when the window begins
    /// after the last scan: moving it would skip what lies between for good.
    #[must_use]
    pub(crate) fn after(self, window: Window, newest: Option<DateTime<Utc>>) -> Self {
        if self.scanned_through.is_some_and(|scanned| window.from > scanned) {
            return self;
        }
        Self {
            high_water_mark: self.high_water_mark.max(newest),
            scanned_through: self.scanned_through.max(Some(window.to)),
        }
    }
}

/// How far the span in which events may still change was read again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rescan {
    /// As of when it was last read whole; none when never.
    pub read_at: Option<DateTime<Utc>>,
    /// Where a reading goes on that was not finished.
    pub next: Option<DateTime<Utc>>,
}

impl Rescan {
    /// Where to begin, `span` back from `now`; none when it is too early, which the first time of all
    /// it is.
    #[must_use]
    pub(crate) fn begin(&self, now: DateTime<Utc>, span: TimeDelta) -> Option<DateTime<Utc>> {
        let due = || {
            let is_due = now - self.read_at? >= BETWEEN_RESCANS;
            is_due.then(|| now.checked_sub_signed(span).unwrap_or(DateTime::UNIX_EPOCH))
        };
        self.next.or_else(due)
    }
}

/// The windows of one run, each decided after the one before.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    start: DateTime<Utc>,
    next: DateTime<Utc>,
    end: DateTime<Utc>,
    /// Whether `end` is the server's clock rather than a guess by ours.
    end_known: bool,
    width: TimeDelta,
    /// No window of this run is wider: half of what was too much once.
    widest: TimeDelta,
    pace: Pace,
}

impl Plan {
    /// From `start` to `until`, or to the server's now: `local_now` stands for it until the first
    /// answer tells.
    #[must_use]
    pub(crate) fn new(
        pace: Pace,
        start: DateTime<Utc>,
        until: Option<DateTime<Utc>>,
        local_now: DateTime<Utc>,
    ) -> Self {
        // A clock that is behind must not end the run before the server was asked.
        let end = until.unwrap_or_else(|| local_now.max(start + NARROWEST));
        let end_known = until.is_some();
        Self { start, next: start, end, end_known, width: pace.first, widest: WIDEST, pace }
    }

    /// The next window to ask for; none when the run is through.
    #[must_use]
    pub(crate) fn window(&self) -> Option<Window> {
        let to = (self.next + self.width).min(self.end);
        (self.next < self.end).then_some(Window { from: self.next, to })
    }

    /// Takes the first answer's `Date` as the end of the run, unless `--until` fixed it. Later
    /// answers do not move it: a run must come to an end.
    pub(crate) fn learn_now(&mut self, server_now: Option<DateTime<Utc>>) {
        if let (Some(now), false) = (server_now, self.end_known) {
            self.end = now;
        }
        self.end_known = true;
    }

    /// Goes on behind a committed window, which gave so many records. A window that ended at the
    /// server's clock, ahead of a given `--until`, ends the run.
    pub(crate) fn committed(&mut self, asked: Window, scanned: Window, records: u64) {
        if scanned.to < asked.to {
            self.end = self.end.min(scanned.to);
        }
        self.next = scanned.to;
        if records < self.pace.nearly_empty {
            self.width = (self.width * 2).min(self.widest);
        } else if records > self.pace.too_large {
            self.narrow();
        }
    }

    /// Halves the next window, and lets none grow beyond that: the last was too much, for the
    /// server or for the way. Says whether it is narrower now.
    pub(crate) fn narrow(&mut self) -> bool {
        let width = self.window().map_or(self.width, |w| w.to - w.from);
        // Whole seconds: the API would cut the rest off. Rounded up: two halves make the whole.
        self.width = TimeDelta::seconds((width.num_seconds() + 1) / 2).max(NARROWEST);
        self.widest = self.width;
        self.width < width
    }

    /// Whether so many records look like a response that was cut, and a narrower window could tell.
    #[must_use]
    pub(crate) fn looks_cut(&self, window: Window, records: u64) -> bool {
        self.pace.may_be_cut && LIKELY_CAPS.contains(&records) && window.can_narrow()
    }

    /// Where the run begins.
    #[must_use]
    pub(crate) fn start(&self) -> DateTime<Utc> {
        self.start
    }

    /// The end of the run: the server's now, once it is known.
    #[must_use]
    pub(crate) fn end(&self) -> DateTime<Utc> {
        self.end
    }

    /// How much of the run's span lies before `at`, and the whole span.
    #[must_use]
    pub(crate) fn progress(&self, at: DateTime<Utc>) -> (TimeDelta, TimeDelta) {
        (at - self.start, self.end - self.start)
    }
}

#[cfg(test)]
mod tests;
