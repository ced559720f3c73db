//! Re-reading: what it may cost, and which part of which span comes next. Pure.
//!
//! Events appear late and change, so what was read is read again: the last hour and day in every run, the
//! last week once a day, as far as a share of the hour's calls goes. A span is read in pieces, oldest first,
//! over as many runs as it takes.

use chrono::{DateTime, TimeDelta, Utc};

use super::held::Held;
use super::{NARROWEST, Window};

/// The share of an hour's calls that re-reading may take.
const SHARE: f64 = 1.0 / 5.0;
/// The part of an hour's calls that it leaves to others.
const RESERVE: f64 = 1.0 / 10.0;
/// The part of the share that the hour and the week may take each. The day takes what they leave: delays are
/// least if calls go by the square root of late events × span.
const PART: f64 = 1.0 / 3.0;
/// Pages below which a piece is not begun, unless it is the last one. With fewer calls per hour than usual, they
/// are fewer.
const LEAST_PIECE: f64 = 20.0;
/// The part of an hour's calls that they are at most.
const PART_OF_PIECE: f64 = 1.0 / 125.0;
/// Pages of a piece.
const MOST_PIECE: f64 = 100.0;
/// Growth of pieces, up to their usual size, after one that was too dense.
const GROWTH: i32 = 8;
/// Time between two re-readings of the week: an hour less than a day, so that a daily run that is a little
/// early does not postpone it to the next run.
const BETWEEN_WEEKS: TimeDelta = TimeDelta::hours(23);

/// A span before the last scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Span {
    /// The last hour.
    Hour,
    /// The last 24 hours, or what `--overlap` gives.
    Day,
    /// The last 8 days, or what `--rescan` gives, without the day.
    Week,
}

impl Span {
    /// In the order of reading: the day takes what the others leave.
    pub(crate) const ALL: [Self; 3] = [Self::Hour, Self::Week, Self::Day];

    /// The text in `rereads.span`.
    #[must_use]
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
        }
    }

    /// The span of a text in `rereads.span`.
    #[must_use]
    pub(crate) fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|span| span.as_str() == text)
    }
}

/// A value for each span.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct PerSpan<T>([T; 3]);

impl<T> PerSpan<T> {
    /// The value of a span.
    pub(crate) fn get(&self, span: Span) -> &T {
        &self.0[span as usize]
    }

    /// The value of a span, to change it.
    pub(crate) fn get_mut(&mut self, span: Span) -> &mut T {
        &mut self.0[span as usize]
    }
}

/// The lengths of the spans.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lengths {
    /// That of the day.
    pub overlap: TimeDelta,
    /// That of day and week together.
    pub rescan: TimeDelta,
}

impl Lengths {
    /// The time before the last scan at which a span starts, and at which it ends.
    fn of(self, span: Span) -> (TimeDelta, TimeDelta) {
        match span {
            Span::Hour => (self.overlap.min(TimeDelta::hours(1)), TimeDelta::zero()),
            Span::Day => (self.overlap, TimeDelta::zero()),
            Span::Week => (self.rescan.max(self.overlap), self.overlap),
        }
    }

    /// The span before `scanned`; `None` if it is empty.
    #[must_use]
    pub(crate) fn window(self, span: Span, scanned: DateTime<Utc>) -> Option<Window> {
        let (start, end) = self.of(span);
        let before = |time| scanned.checked_sub_signed(time).unwrap_or(DateTime::UNIX_EPOCH);
        (start > end).then(|| Window { from: before(start), to: before(end) })
    }
}

/// The pages that re-reading may cost a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share {
    /// Pages of an hour, for all that a run reads.
    pub per_hour: f64,
    /// Hours since the run before; at least one.
    pub hours: f64,
    /// Pages that the runs of the last hour took.
    pub spent: PerSpan<f64>,
}

impl Share {
    /// Pages that a span may take now, when `left` pages of the hour are left.
    #[must_use]
    pub(crate) fn allowed(&self, span: Span, left: f64) -> f64 {
        let left = (left - self.per_hour * RESERVE).max(0.0);
        let used: f64 = self.spent.0.iter().sum();
        let whole = (self.per_hour * SHARE * self.hours).min(used + left).floor();
        let of_span = match span {
            Span::Day => whole - used,
            Span::Hour | Span::Week => {
                (whole - used).min((whole * PART).floor() - self.spent.get(span))
            }
        };
        // Not `clamp`, which passes on what is not a number.
        of_span.min(left).max(0.0)
    }

    /// Pages that a span may take at most, when nothing was read again yet and all calls are left.
    #[must_use]
    pub(crate) fn most(&self, span: Span) -> f64 {
        let whole = (self.per_hour * SHARE * self.hours).floor();
        let most = match span {
            Span::Day => whole,
            Span::Hour | Span::Week => (whole * PART).floor(),
        };
        most.max(1.0)
    }

    /// Pages that a piece may take when `left` pages of the hour are left: what it holds beyond its share came late, and
    /// would be lost.
    #[must_use]
    pub(crate) fn most_of_piece(&self, left: f64) -> f64 {
        (left - self.per_hour * RESERVE).max(1.0)
    }

    /// True if a span's part of the share is too little to read all types once within its time (the week:
    /// once a day), so that only failures are requested.
    #[must_use]
    pub(crate) fn failures_only(&self, span: Span, pages_per_hour: f64, lengths: Lengths) -> bool {
        let hours = |time: TimeDelta| time.as_seconds_f64() / 3_600.0;
        let (start, _) = lengths.of(span);
        let share = self.per_hour * SHARE;
        let (part, within) = match span {
            Span::Hour => (share * PART, hours(start)),
            Span::Day => (share / 2.0, hours(start)),
            Span::Week => (share * PART, hours(BETWEEN_WEEKS)),
        };
        pages_per_hour * hours(start) > part * within
    }

    /// True if all of the day is read in this run, at these pages a day. The hour is part of it then.
    #[must_use]
    pub(crate) fn fits_day(&self, pages: f64, left: f64) -> bool {
        pages * 1.02 + 2.0 <= self.allowed(Span::Day, left)
    }

    /// Pages below which a piece is not begun.
    #[must_use]
    pub(crate) fn least_piece(&self) -> f64 {
        (self.per_hour * PART_OF_PIECE).clamp(1.0, LEAST_PIECE)
    }

    /// Counts pages that a span took.
    pub(crate) fn spend(&mut self, span: Span, pages: f64) {
        *self.spent.get_mut(span) += pages;
    }
}

/// Progress of re-reading a span.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sweep {
    /// As of when the span was last read to its end.
    pub read_at: DateTime<Utc>,
    /// The part of it that was read then.
    pub part_read: f64,
    /// True if only failures were requested, then or in the unfinished one.
    pub is_failures_only: bool,
    /// The unfinished one.
    pub open: Option<Unfinished>,
}

/// An unfinished re-reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Unfinished {
    /// As of when it was begun.
    pub begun_at: DateTime<Utc>,
    /// The part that is left.
    pub left: Window,
    /// The time that became older than the span before its turn, or that holds too many pages.
    pub skipped: TimeDelta,
    /// The length of the next piece at most, after one that held more pages than could be read.
    pub longest: Option<TimeDelta>,
}

impl Sweep {
    /// True if all that is left of an unfinished re-reading is older than the span, as after a pause of the schedule.
    #[must_use]
    pub(crate) fn is_outrun(&self, whole: Window) -> bool {
        self.open.is_some_and(|open| open.left.to <= whole.from)
    }

    /// A span of which everything has just been read.
    #[must_use]
    pub(crate) fn read(at: DateTime<Utc>) -> Self {
        Self { read_at: at, part_read: 1.0, is_failures_only: false, open: None }
    }

    /// Begins the next re-reading of a span, if it is time for it, or moves up the place of an unfinished
    /// one that has become older than the span. Returns whether there is something to read.
    pub(crate) fn begin(&mut self, span: Span, whole: Window, now: DateTime<Utc>) -> bool {
        if let Some(open) = &mut self.open {
            let from = open.left.from.max(whole.from).min(open.left.to);
            open.skipped += from - open.left.from;
            open.left.from = from;
            if from < open.left.to {
                return true;
            }
            // All that was left of it is older than the span.
            self.complete(whole.to - whole.from);
        }
        // A time that lies far ahead comes from a wrong clock.
        if span == Span::Week && (now - self.read_at).abs() < BETWEEN_WEEKS {
            return false;
        }
        self.open = Some(Unfinished {
            begun_at: now,
            left: whole,
            skipped: TimeDelta::zero(),
            longest: None,
        });
        self.is_failures_only = false;
        true
    }

    /// The next piece, as long as `allowed` pages are the `least` that it may have, or the rest.
    #[must_use]
    pub(crate) fn piece(
        &self,
        (allowed, least): (f64, f64),
        held: &Held<'_>,
        page: f64,
    ) -> Option<Window> {
        let Unfinished { left, longest, .. } = self.open?;
        if left.from >= left.to {
            return None;
        }
        let rest = || (held.records(left) / page).ceil() + 1.0;
        if allowed < 1.0 || allowed < least && allowed < rest() {
            return None;
        }
        let pages = MOST_PIECE.min(0.95 * allowed - 1.0).max(1.0);
        let to = held.reach(left, pages * page);
        let to = longest.map_or(to, |longest| to.min(left.from + longest));
        Some(Window { from: left.from, to })
    }

    /// The seconds that come next and hold more than `most` pages, which would not fit into the share of any run; with one
    /// before and two after them, because a request may give its neighbours, too.
    #[must_use]
    pub(crate) fn crowded(&self, most: f64, held: &Held<'_>, page: f64) -> Option<Window> {
        let left = self.open?.left;
        let (mut at, mut to) = (left.from - NARROWEST * 2, left.from);
        while at <= to + NARROWEST && at < left.to {
            if held.records(Window { from: at, to: at + NARROWEST }) > most * page {
                to = at + NARROWEST * 3;
            }
            at += NARROWEST;
        }
        (to > left.from).then(|| Window { from: left.from, to: to.min(left.to) })
    }

    /// Moves past seconds that are not read.
    pub(crate) fn pass(&mut self, passed: Window, length: TimeDelta) {
        if let Some(open) = &mut self.open {
            open.skipped += passed.to - passed.from;
            open.longest = None;
        }
        self.moved(passed.to, length, false);
    }

    /// Makes the next piece shorter, or as long as usual again: `too_wide` is the last window that was given up, if the
    /// piece was not read to its end. Returns the second that was too much for the second time, which is passed over.
    pub(crate) fn learn(&mut self, too_wide: Option<TimeDelta>) -> Option<Window> {
        let open = self.open.as_mut()?;
        let Some(too_wide) = too_wide else {
            open.longest = open.longest.map(|longest| longest * GROWTH);
            open.longest = open.longest.filter(|longest| *longest < BETWEEN_WEEKS);
            return None;
        };
        if too_wide <= NARROWEST && open.longest == Some(NARROWEST) {
            let from = open.left.from;
            return Some(Window { from, to: (from + NARROWEST * 2).min(open.left.to) });
        }
        let narrower = TimeDelta::seconds((too_wide / GROWTH).num_seconds());
        open.longest = Some(narrower.max(NARROWEST));
        None
    }

    /// Moves past a piece. At the end of the span, of this length, the re-reading is complete.
    pub(crate) fn moved(&mut self, to: DateTime<Utc>, length: TimeDelta, failures_only: bool) {
        self.is_failures_only |= failures_only;
        let Some(open) = &mut self.open else { return };
        open.left.from = to;
        if to >= open.left.to {
            self.complete(length);
        }
    }

    /// Ends a re-reading.
    fn complete(&mut self, length: TimeDelta) {
        let Some(open) = self.open.take() else { return };
        let skipped = open.skipped.as_seconds_f64() / length.as_seconds_f64().max(1.0);
        self.part_read = (1.0 - skipped).clamp(0.0, 1.0);
        self.read_at = open.begun_at;
    }
}

#[cfg(test)]
mod tests;
