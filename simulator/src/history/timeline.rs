//! Moments of generated records, of the flat history and of the story.
//!
//! A moment never lies before that of a smaller index, so bisection finds a range of dates.

use std::ops::Range;

use chrono::{DateTime, Utc};

use super::flat::Flat;
use super::random::{Choice, rng_for};
use super::story::Line;
use super::window::Window;

/// Delay of a late record in seconds: 10 minutes to 6 hours.
const DELAY: Range<u64> = 600..21_601;

/// Moments of one kind of record. Times are Unix seconds unless a name has milliseconds.
#[derive(Clone, Debug)]
pub(crate) enum Timeline {
    Flat(Flat),
    Story(Line),
}

impl Timeline {
    /// The creation of record `index`.
    pub(crate) fn created_at(&self, index: u64) -> i64 {
        match self {
            Self::Flat(flat) => flat.created_at(index),
            Self::Story(line) => line.get(index).at.div_euclid(1000),
        }
    }

    /// [`created_at`](Self::created_at) in milliseconds, within the same second.
    pub(crate) fn created_at_millis(&self, index: u64) -> i64 {
        match self {
            Self::Flat(flat) => flat.created_at_millis(index),
            Self::Story(line) => line.get(index).at,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Flat(flat) => flat.is_empty(),
            Self::Story(line) => line.is_empty(),
        }
    }

    /// Records in `window` up to `now`, late ones included.
    pub(crate) fn within(&self, window: &Window, now: DateTime<Utc>) -> Range<u64> {
        if self.is_empty() {
            return 0..0;
        }
        let known = self.first(now, |at| at > now);
        let start = self.first(now, |at| !window.begins_after(at)).min(known);
        let end = self.first(now, |at| window.ends_before(at)).min(known);
        start..end.max(start)
    }

    /// The first record up to `now` whose moment satisfies `reached`, which must be monotone.
    pub(crate) fn first(&self, now: DateTime<Utc>, reached: impl Fn(DateTime<Utc>) -> bool) -> u64 {
        self.first_index(now, |index| reached(moment(self.created_at(index))))
    }

    /// [`first`](Self::first) by a condition on the index.
    pub(crate) fn first_index(&self, now: DateTime<Utc>, reached: impl Fn(u64) -> bool) -> u64 {
        let mut high = match self {
            Self::Flat(flat) => flat.most_through(now.timestamp()),
            Self::Story(line) => line.most_through(now.timestamp()),
        };
        let mut low = 0;
        // Halves the interval each time: at most 64 rounds.
        while low < high {
            let middle = low + (high - low) / 2;
            if reached(middle) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }
}

/// Seconds from the creation of record `index` to the moment from which it is served: 0, or more for
/// one record in `late_records`.
pub(super) fn delay(seed: u64, late_records: u32, index: u64) -> u64 {
    let mut rng = rng_for(seed, Choice::Delay, index);
    if late_records == 0 || rng.u32(..late_records) != 0 { 0 } else { rng.u64(DELAY) }
}

/// Unix seconds as a date. They come from the dates of a config, which chrono can hold.
pub(crate) fn moment(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Bounds, Config, History};
    use crate::history::Failures;

    fn failures(history: History) -> (Failures, Config) {
        let config = Config { failures: 20_000, history, ..Config::default() };
        (Failures::new(&config), config)
    }

    #[test]
    fn a_window_finds_the_same_as_a_full_scan_with_all_bounds() {
        for kind in [History::Flat, History::Story] {
            let (Failures { timeline, .. }, Config { now, .. }) = failures(kind);
            let at = |index| moment(timeline.created_at(index));
            // Two records of one second lie on each edge, so that each kind of bound gives a
            // different result.
            let tied: Vec<u64> = (1..20_000).filter(|&n| at(n) == at(n - 1)).collect();
            let edge = |index: usize| Some(at(tied[index]));
            for bounds in [Bounds::Inclusive, Bounds::HalfOpen, Bounds::Exclusive] {
                for (start, stop) in [(edge(4), edge(40)), (None, edge(8)), (edge(9), None)] {
                    let window = Window { start, stop, bounds };
                    let scanned: Vec<u64> = (0..22_000)
                        .filter(|&index| window.contains(at(index)) && at(index) <= now)
                        .collect();
                    let found: Vec<u64> = timeline.within(&window, now).collect();
                    assert!(found == scanned, "{kind:?}, {bounds:?}: {} records", found.len());
                }
            }
        }
    }

    #[test]
    fn late_records_are_few_and_wait_ten_minutes_to_six_hours() {
        let (history, _) = failures(History::Flat);
        let delays: Vec<i64> = (0..20_000)
            .map(|index| history.visible_from(index) - history.timeline.created_at(index))
            .filter(|&delay| delay > 0)
            .collect();
        assert!((50..200).contains(&delays.len()), "{} late records", delays.len());
        assert!(delays.iter().all(|delay| (600..=6 * 3600).contains(delay)));
    }
}
