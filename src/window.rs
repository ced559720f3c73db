//! Intervals to request, how far the watermark may move, and what is re-read. Pure: no I/O and no clock.

pub(crate) mod clock;
pub(crate) mod density;
pub(crate) mod held;
mod pace;
mod plan;
pub(crate) mod reread;

use chrono::{DateTime, TimeDelta, Utc};

pub(crate) use pace::{Memory, Pace};
pub(crate) use plan::Plan;

/// Least width of a window: the legacy API knows no fractions of a second.
const NARROWEST: TimeDelta = TimeDelta::seconds(1);

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

    /// The interval to request: a second more at its beginning, because it is not documented whether the
    /// API includes its bounds. What happened at the end of a window comes with the next one, and only the
    /// last of a run has a second more at its end, too. What comes twice is unchanged the second time.
    #[must_use]
    pub(crate) fn widened(self, is_last: bool) -> Self {
        let to = if is_last { self.to + NARROWEST } else { self.to };
        Self { from: self.from - NARROWEST, to }
    }

    /// True if a time lies in it. Its end belongs to the next one.
    #[must_use]
    pub(crate) fn contains(self, time: DateTime<Utc>) -> bool {
        self.from <= time && time < self.to
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

#[cfg(test)]
mod properties;
#[cfg(test)]
mod simulated;
#[cfg(test)]
mod tests;
