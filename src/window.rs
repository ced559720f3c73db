//! Intervals to request, and how far the watermark may move. Pure: no I/O and no clock.

pub(crate) mod clock;

use chrono::{DateTime, TimeDelta, Utc};

/// Least width of a window: the legacy API knows no fractions of a second.
const NARROWEST: TimeDelta = TimeDelta::seconds(1);
/// Greatest width of a window. No answer is expected to span more; it also keeps the doubling within
/// the calendar.
const WIDEST: TimeDelta = TimeDelta::days(3660);
/// Time between two rescans: an hour less than a day, so that a daily run that is a little early does
/// not postpone it to the next run.
const BETWEEN_RESCANS: TimeDelta = TimeDelta::hours(23);
/// Page sizes in use. A response of exactly this many records may have been cut silently; 51 is what
/// a sibling of the legacy endpoint sends when 50 are requested.
const LIKELY_CAPS: [u64; 12] =
    [50, 51, 100, 200, 250, 500, 1_000, 2_000, 2_500, 5_000, 10_000, 20_000];

/// Width of windows, which depends on how a source answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    /// Width of the first window of a run.
    first: TimeDelta,
    /// After a window with fewer records, which was not worth its request, the next is twice as wide.
    nearly_empty: u64,
    /// After a window with more records the next is half as wide.
    too_large: u64,
    /// True if an answer may be cut silently.
    may_be_cut: bool,
}

impl Pace {
    /// For a source that gives one answer per window: a backfill shows progress, a daily run fits into
    /// one window, and no transaction becomes too long.
    pub(crate) const ONE_ANSWER: Self = Self {
        first: TimeDelta::days(7),
        nearly_empty: 1_000,
        too_large: 500_000,
        may_be_cut: true,
    };

    /// For a source that gives pages of about 50 records, each a call of the hourly budget: a window
    /// that fails costs all of its calls. The last page is marked as such.
    pub(crate) const PAGES: Self = Self {
        first: TimeDelta::days(2),
        nearly_empty: 1_000,
        too_large: 10_000,
        may_be_cut: false,
    };

    /// For a file, which has no order and is read in one window.
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
    /// Its start.
    pub from: DateTime<Utc>,
    /// Its end; never before `from`.
    pub to: DateTime<Utc>,
}

impl Window {
    /// All times that a database can hold.
    pub(crate) const ALL_TIME: Self = Self {
        from: DateTime::UNIX_EPOCH,
        to: DateTime::from_timestamp(253_402_300_799, 0).expect("the end of the year 9999"),
    };

    /// The window up to the scan limit: what lies after it was not scanned.
    #[must_use]
    pub(crate) fn until(self, limit: DateTime<Utc>) -> Self {
        Self { to: self.to.min(limit).max(self.from), ..self }
    }

    /// The interval to request: a second more on both sides, because it is not documented whether the
    /// API includes its bounds. Additional records are loaded too, and are unchanged the next time.
    #[must_use]
    pub(crate) fn widened(self) -> Self {
        Self { from: self.from - NARROWEST, to: self.to + NARROWEST }
    }

    /// True if it can be split.
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

/// Progress of the sync of one account and source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Watermark {
    /// The greatest `created_at` committed.
    pub high_water_mark: Option<DateTime<Utc>>,
    /// The end of the last window committed.
    pub scanned_through: Option<DateTime<Utc>>,
}

impl Watermark {
    /// Start of the next run; `None` before the first. It finds rows that appear late, up to
    /// `overlap` before the end of the scan. After a quiet time it requests everything since the last
    /// failure again, which costs next to nothing because it was quiet.
    #[must_use]
    pub(crate) fn resume(&self, overlap: TimeDelta) -> Option<DateTime<Utc>> {
        let scanned = self.scanned_through?;
        let overlapped = scanned.checked_sub_signed(overlap).unwrap_or(DateTime::UNIX_EPOCH);
        Some(self.high_water_mark.map_or(overlapped, |high| high.min(overlapped)))
    }

    /// Start of another source that continues from this one: it reads everything that this one may
    /// not have seen, and the overlap.
    #[must_use]
    pub(crate) fn continue_from(&self, overlap: TimeDelta) -> Option<DateTime<Utc>> {
        let seen = self.high_water_mark.map_or(self.scanned_through, |high| {
            self.scanned_through.map(|scanned| scanned.min(high))
        })?;
        Some(seen.checked_sub_signed(overlap).unwrap_or(DateTime::UNIX_EPOCH))
    }

    /// The watermark after a scanned window. `newest` is its newest failure, not counting any dated
    /// after the window's end. The watermark never moves backward, and it stays where it is if the
    /// window starts after the last scan, because moving it would skip what lies between for good.
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

/// Progress of the rescan, which re-reads the span in which events may still change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rescan {
    /// Time as of which the span was last read to its end; `None` if never.
    pub read_at: Option<DateTime<Utc>>,
    /// Start of the part that an unfinished rescan has left.
    pub next: Option<DateTime<Utc>>,
}

impl Rescan {
    /// Start of the rescan, `span` before `now`; `None` if it is too early, as it is in the first run.
    #[must_use]
    pub(crate) fn begin(&self, now: DateTime<Utc>, span: TimeDelta) -> Option<DateTime<Utc>> {
        let due = || {
            // A time that lies far ahead comes from a wrong clock.
            let is_due = (now - self.read_at?).abs() >= BETWEEN_RESCANS;
            is_due.then(|| now.checked_sub_signed(span).unwrap_or(DateTime::UNIX_EPOCH))
        };
        self.next.or_else(due)
    }
}

/// Windows of one run, each decided after the previous one.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    start: DateTime<Utc>,
    next: DateTime<Utc>,
    end: DateTime<Utc>,
    /// True if `end` is known, rather than a guess by our clock.
    end_known: bool,
    width: TimeDelta,
    /// Greatest width of a window in this run: half of one that was too much.
    widest: TimeDelta,
    pace: Pace,
    /// The span before the end in which to start by default.
    span: Option<TimeDelta>,
}

impl Plan {
    /// A plan from `start` to `until`, or to the server's now; `local_now` stands for it until the
    /// first answer.
    #[must_use]
    pub(crate) fn new(
        pace: Pace,
        start: DateTime<Utc>,
        until: Option<DateTime<Utc>>,
        local_now: DateTime<Utc>,
    ) -> Self {
        // A slow clock must not end the run before the first request.
        let end = until.unwrap_or_else(|| local_now.max(start + NARROWEST));
        let end_known = until.is_some();
        Self {
            start,
            next: start,
            end,
            end_known,
            width: pace.first,
            widest: WIDEST,
            pace,
            span: None,
        }
    }

    /// A plan of the last `span` before the server's now.
    #[must_use]
    pub(crate) fn of_last(
        span: TimeDelta,
        pace: Pace,
        until: Option<DateTime<Utc>>,
        local_now: DateTime<Utc>,
    ) -> Self {
        Self { span: Some(span), ..Self::new(pace, local_now - span, until, local_now) }
    }

    /// The next window to request; `None` at the end of the run.
    #[must_use]
    pub(crate) fn next_window(&self) -> Option<Window> {
        let to = (self.next + self.width).min(self.end);
        (self.next < self.end).then_some(Window { from: self.next, to })
    }

    /// Takes the first answer's scan limit as the end of the run, unless `--until` fixed it. Later
    /// answers do not move it: a run must come to an end.
    pub(crate) fn learn_now(&mut self, limit: DateTime<Utc>) {
        if !self.end_known {
            self.end = limit;
        }
        self.end_known = true;
    }

    /// Starts again before a scan limit that lies before the start, if only our clock gave it
    /// to start. Returns whether it did.
    pub(crate) fn start_again_before(&mut self, limit: DateTime<Utc>) -> bool {
        let Some(span) = self.span.take().filter(|_| limit < self.start) else { return false };
        self.start = limit.checked_sub_signed(span).unwrap_or(DateTime::UNIX_EPOCH);
        self.next = self.start;
        true
    }

    /// Moves past a window that gave `records`. A window that ended at the server's clock, before a
    /// given `--until`, ends the run.
    pub(crate) fn committed(&mut self, requested: Window, scanned: Window, records: u64) {
        if scanned.to < requested.to {
            self.end = self.end.min(scanned.to);
        }
        self.next = scanned.to;
        if records < self.pace.nearly_empty {
            self.width = (self.width * 2).min(self.widest);
        } else if records > self.pace.too_large {
            self.narrow();
        }
    }

    /// Halves the next window, and lets none grow beyond that: the last was too much for the server or
    /// the network. Returns whether it is narrower now.
    pub(crate) fn narrow(&mut self) -> bool {
        let width = self.next_window().map_or(self.width, |w| w.to - w.from);
        // Whole seconds: the API would cut the rest off. Rounded up: two halves cover the window.
        self.width = TimeDelta::seconds((width.num_seconds() + 1) / 2).max(NARROWEST);
        self.widest = self.width;
        self.width < width
    }

    /// True if `records` looks like a server limit, and a narrower window could show it.
    #[must_use]
    pub(crate) fn looks_cut(&self, window: Window, records: u64) -> bool {
        self.pace.may_be_cut && LIKELY_CAPS.contains(&records) && window.can_narrow()
    }

    /// The start of the run.
    #[must_use]
    pub(crate) fn start(&self) -> DateTime<Utc> {
        self.start
    }

    /// The end of the run: the server's now, once it is known.
    #[must_use]
    pub(crate) fn end(&self) -> DateTime<Utc> {
        self.end
    }

    /// The part of the run's span that lies before `at`, and the run's span.
    #[must_use]
    pub(crate) fn progress(&self, at: DateTime<Utc>) -> (TimeDelta, TimeDelta) {
        (at - self.start, self.end - self.start)
    }
}

#[cfg(test)]
mod tests;
