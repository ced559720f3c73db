//! Widths of windows, from what earlier ones held. Pure.
//!
//! Amounts are records, and a density is records per second. Where a page is a call, its records stand for
//! it, so that the same functions serve a source that counts calls and one that does not.

/// The part of the calls left for which a window is planned: within the time of four windows the density
/// rises at most fourfold at dawn.
const SLACK: f64 = 4.0;
/// Pages that a window may have of fewer than four times as many calls.
const LAST_FEW: f64 = 5.0;
/// Seconds for which the density of the last window is believed. Wider windows could hold the densest hour.
const STEADY: f64 = 3_600.0;
/// A window wider than that may hold this multiple of what is planned, if all of it is as dense as the
/// densest hour.
const DARING: f64 = 3.0;
/// Seconds after which the densest hour counts half.
const HALF_LIFE: f64 = 7.0 * 86_400.0;
/// A first page narrows a window at most so much: it may lie in a batch of one minute.
const MOST_NARROWING: f64 = 8.0;
/// Seconds of the narrowest window: the legacy API knows no fractions of a second.
pub(crate) const NARROWEST: f64 = 1.0;

/// The density of earlier windows, in records per second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Density {
    /// That of the last window.
    pub last: f64,
    /// That of the densest hour of the last weeks; 0 if nothing is known.
    pub densest: f64,
}

impl Density {
    /// Checks whether any window had a record.
    #[must_use]
    pub(super) fn has_records(&self) -> bool {
        self.densest > 0.0
    }

    /// After a complete window of `records` in `seconds`, in whatever order they came. The last density sinks
    /// to a part of `growth` at most, because one quiet window shows little of the next.
    #[must_use]
    pub(crate) fn learn(self, seconds: f64, records: f64, growth: f64) -> Self {
        let seconds = seconds.max(NARROWEST);
        let kept = self.densest * 0.5_f64.powf(seconds / HALF_LIFE);
        Self {
            last: (records / seconds).max(self.last / growth),
            densest: (records / seconds.max(STEADY)).max(kept),
        }
    }

    /// After `records` in a window that was given up, which holds more: `factor` times as many are expected. Or after
    /// a complete window before its end: what it holds lies ahead, so nothing sinks.
    #[must_use]
    pub(crate) fn rise(self, seconds: f64, records: f64, factor: f64) -> Self {
        Self {
            last: self.last.max(factor * records / seconds.max(NARROWEST)),
            densest: self.densest.max(records / seconds.max(STEADY)),
        }
    }
}

/// Records for which a window is planned when calls for `left` records are left. With few calls left, windows of
/// a page each would waste half of them.
#[must_use]
pub(crate) fn goal(left: f64, page: f64, most: f64) -> f64 {
    let last_few = (left - page).min(LAST_FEW * page);
    (left / SLACK).max(last_few).min(most).max(page)
}

/// Seconds of a window that is planned for `goal` records.
#[must_use]
pub(crate) fn width(density: Density, goal: f64, left: f64) -> f64 {
    let by_last = if density.last > 0.0 { goal / density.last } else { f64::INFINITY };
    let by_densest = if density.densest > 0.0 {
        (DARING * goal / density.densest).max(STEADY).min(left / density.densest)
    } else {
        f64::INFINITY
    };
    by_last.min(by_densest).max(NARROWEST)
}

/// Seconds of a window of `seconds` whose first page is full and spans `spanned` seconds; `None` if it
/// should be read on. In any order, what the page spans is as dense as the page.
///
/// `limit` is what a window may hold: half of an hour's calls, and no more than are left.
#[must_use]
pub(crate) fn narrower(
    seconds: f64,
    spanned: f64,
    (page, goal, limit): (f64, f64, f64),
) -> Option<f64> {
    let predicted = page * seconds / spanned.max(1e-3);
    if predicted <= limit || seconds <= NARROWEST {
        return None;
    }
    Some((seconds * (goal / predicted).clamp(1.0 / MOST_NARROWING, 0.5)).max(NARROWEST))
}

/// Pages that must be left before a window is begun; with fewer, a run waits for more. `rest` are the
/// seconds that are still to be read. Calls that come back minute by minute would otherwise make windows of
/// a few pages, and what one second holds, which cannot be cut, needs all of its pages at once.
#[must_use]
pub(crate) fn pages_to_begin(last: f64, rest: f64, page: f64, per_hour: f64) -> f64 {
    let expected = (SLACK * last * rest / page).ceil() + 3.0;
    let uncut = (2.0 * last * NARROWEST / page).min(0.95 * per_hour).floor();
    (per_hour / 20.0).floor().min(expected).max(uncut).max(1.0)
}
