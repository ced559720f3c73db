//! Sizes of windows by the source, and what is remembered of them from run to run.

use chrono::TimeDelta;

use super::density::Density;

/// No answer of an API is expected to span more; it also keeps widths within the calendar.
const WIDEST: TimeDelta = TimeDelta::days(3660);
/// Events per page as documented, until more or fewer are seen.
const PAGE: f64 = 50.0;

/// Sizes of windows, which depend on how a source answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pace {
    /// Pages for which a window is planned.
    pub(super) most: f64,
    /// Records of a page, until one is seen.
    pub(super) page: f64,
    /// Records per second that are expected before anything is known.
    pub(super) unknown: f64,
    /// Growth from one window to the next, at most.
    pub(super) growth: f64,
    /// Greatest width of a window.
    pub(super) widest: TimeDelta,
    /// True if an answer may be cut silently.
    pub(super) may_be_cut: bool,
}

impl Pace {
    /// For a source that gives one answer per window: a backfill shows progress, a daily run fits into
    /// one window, and no transaction becomes too long. A record is a page. The first window is a week.
    pub(crate) const ONE_ANSWER: Self = Self {
        most: 500_000.0,
        page: 1.0,
        unknown: 500_000.0 / (7.0 * 86_400.0),
        growth: 4.0,
        widest: WIDEST,
        may_be_cut: true,
    };

    /// For a source that gives pages, each a call of the hourly budget. The last page is marked as such.
    /// Each window costs half a page, its last one: 1 % of 100, and a killed run loses no more than they
    /// are. The first window is two days.
    pub(crate) const PAGES: Self = Self {
        most: 100.0,
        page: PAGE,
        unknown: 100.0 * PAGE / (2.0 * 86_400.0),
        growth: 8.0,
        widest: WIDEST,
        may_be_cut: false,
    };

    /// The same for pages of another size.
    #[must_use]
    pub(crate) fn with_page(self, records: f64) -> Self {
        Self { page: records, ..self }
    }

    /// The same with this many pages of a window at most: with more, it would be given up.
    #[must_use]
    pub(crate) fn with_most(self, pages: f64) -> Self {
        Self { most: self.most.min(pages), ..self }
    }

    /// For a file, which has no order and is read in one window.
    pub(crate) const ALL_TIME: Self = Self {
        most: f64::MAX,
        page: 1.0,
        unknown: 0.0,
        growth: 1.0,
        widest: TimeDelta::days(4_000_000),
        may_be_cut: false,
    };
}

/// The state that is kept from run to run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Memory {
    /// The density of the last windows; `None` before the first.
    pub density: Option<Density>,
    /// Part of the usual size: half after a run that did not end.
    pub part: f64,
}

impl Default for Memory {
    fn default() -> Self {
        Self { density: None, part: 1.0 }
    }
}

impl Memory {
    /// The part of the usual size after a run that ended by itself, or did not.
    #[must_use]
    pub(crate) fn part_after(part: f64, has_ended: bool) -> f64 {
        if has_ended { (part * 2.0).min(1.0) } else { (part / 2.0).max(1e-6) }
    }
}
