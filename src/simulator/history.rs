//! When things happened: the moment of every made-up failure, as a pure function of seed and index.
//!
//! The moments never go back as the index grows, so a range of dates is found by bisection and a
//! million records need no memory.

use std::ops::Range;

use chrono::{DateTime, Utc};

use super::{Bounds, Config};

const SECONDS_PER_DAY: i64 = 86_400;
/// Records that share one second when an app fails for several people at once.
const BURST: u64 = 4;
/// One group of `BURST` records in this many is such a burst.
const BURSTS: u64 = 8;
/// Shortest and longest delay of a late record, in seconds: 10 minutes to 6 hours.
const DELAY: Range<u64> = 600..21_601;
/// Positions between two records are counted in 1 / 2^16 of a step, to keep the sums whole.
const FRACTION: u32 = 16;

/// Which random choice is made, so that two choices about one record are independent.
#[derive(Clone, Copy)]
pub(super) enum Choice {
    Burst,
    Jitter,
    Delay,
    Bad,
    Content,
    Person,
    Shuffle,
}

/// The source of every random choice about record or person `index`: same seed, same choice.
pub(super) fn dice(seed: u64, choice: Choice, index: u64) -> fastrand::Rng {
    // Odd constants spread neighbouring indexes over the whole state of the generator.
    let state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)
        ^ index.wrapping_mul(0xD1B5_4A32_D192_ED03)
        ^ (choice as u64 + 1).wrapping_mul(0x8CB9_2BA7_2F3D_8DD7);
    fastrand::Rng::with_seed(state)
}

/// The timeline of one simulator. Times are Unix seconds.
#[derive(Clone, Debug)]
pub(super) struct History {
    seed: u64,
    failures: u64,
    late_records: u32,
    begins: i64,
    span: i64,
}

impl History {
    pub(super) fn new(config: &Config) -> Self {
        let span = i64::from(config.days.max(1)) * SECONDS_PER_DAY;
        let begins = config.now.timestamp() - span;
        let Config { seed, failures, late_records, .. } = *config;
        Self { seed, failures, late_records, begins, span }
    }

    /// When record `index` was created. Records from `failures` on lie after the clock's start.
    pub(super) fn created_at(&self, index: u64) -> i64 {
        let (place, jitter) = match self.burst(index) {
            Some(group) => (group * BURST, self.jitter(group * BURST)),
            None => (index, self.jitter(index)),
        };
        let steps = (u128::from(place) << FRACTION) + u128::from(jitter);
        let elapsed = (steps * u128::from(self.span.unsigned_abs())
            / u128::from(self.failures.max(1)))
            >> FRACTION;
        self.begins.saturating_add(i64::try_from(elapsed).unwrap_or(i64::MAX))
    }

    /// When record `index` is first served: at its creation, or later if it is a late one.
    pub(super) fn visible_from(&self, index: u64) -> i64 {
        let created_at = self.created_at(index);
        let mut dice = dice(self.seed, Choice::Delay, index);
        if self.late_records == 0 || dice.u32(..self.late_records) != 0 {
            return created_at;
        }
        created_at.saturating_add_unsigned(dice.u64(DELAY))
    }

    /// The group of records that share their second with record `index`, if it is in a burst.
    pub(super) fn burst(&self, index: u64) -> Option<u64> {
        let group = index / BURST;
        (dice(self.seed, Choice::Burst, group).u64(0..BURSTS) == 0).then_some(group)
    }

    fn jitter(&self, index: u64) -> u32 {
        dice(self.seed, Choice::Jitter, index).u32(0..1 << FRACTION)
    }

    /// The records that lie in `window` and are not younger than `now`, late ones included.
    pub(super) fn within(&self, window: &Window, now: DateTime<Utc>) -> Range<u64> {
        if self.failures == 0 {
            return 0..0;
        }
        let known = self.first(now, |at| at > now);
        let start = self.first(now, |at| !window.is_after(at)).min(known);
        let end = self.first(now, |at| window.is_before(at)).min(known);
        start..end.max(start)
    }

    /// The first record whose moment fulfils `reached`, which stays true once it is, of those
    /// that `now` can know.
    pub(super) fn first(&self, now: DateTime<Utc>, reached: impl Fn(DateTime<Utc>) -> bool) -> u64 {
        let elapsed = now.timestamp().saturating_sub(self.begins);
        let elapsed = u128::from(u64::try_from(elapsed).unwrap_or(0)) + 1;
        let steps = elapsed * u128::from(self.failures) / u128::from(self.span.unsigned_abs());
        // A burst pulls its records to the front of their group, at most `BURST` early.
        let mut high = u64::try_from(steps).unwrap_or(u64::MAX / 2) + 2 * BURST;
        let mut low = 0;
        // Halves the interval each time: at most 64 rounds.
        while low < high {
            let middle = low + (high - low) / 2;
            if reached(moment(self.created_at(middle))) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }
}

/// A time of this module as a date. Times come from a config's dates, which chrono can hold.
pub(super) fn moment(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// The dates a request asks for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Window {
    pub(super) start: Option<DateTime<Utc>>,
    pub(super) stop: Option<DateTime<Utc>>,
    pub(super) bounds: Bounds,
}

impl Window {
    pub(super) fn contains(&self, at: DateTime<Utc>) -> bool {
        !self.is_after(at) && !self.is_before(at)
    }

    /// Whether the window begins after `at`.
    fn is_after(&self, at: DateTime<Utc>) -> bool {
        self.start.is_some_and(|start| match self.bounds {
            Bounds::Inclusive | Bounds::HalfOpen => at < start,
            Bounds::Exclusive => at <= start,
        })
    }

    /// Whether the window is over before `at`.
    fn is_before(&self, at: DateTime<Utc>) -> bool {
        self.stop.is_some_and(|stop| match self.bounds {
            Bounds::Inclusive => at > stop,
            Bounds::HalfOpen | Bounds::Exclusive => at >= stop,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn history() -> (History, DateTime<Utc>) {
        let config = Config { failures: 20_000, ..Config::default() };
        (History::new(&config), config.now)
    }

    #[test]
    fn time_never_goes_back_and_the_history_ends_where_the_clock_starts() {
        let (history, now) = history();
        let times: Vec<i64> = (0..20_100).map(|index| history.created_at(index)).collect();
        assert!(times.is_sorted());
        assert!(times[19_999] <= now.timestamp());
        assert!(times[20_099] > now.timestamp(), "new records come after the start");
        assert!(times.windows(2).any(|pair| pair[0] == pair[1]), "no two records share a second");
    }

    #[test]
    fn a_window_finds_what_a_full_scan_finds_under_all_bounds() {
        let (history, now) = history();
        // A burst lies on both edges, so that each kind of bound gives another answer.
        let tied: Vec<u64> = (0..20_000).filter(|&index| history.burst(index).is_some()).collect();
        let edge = |index: usize| Some(moment(history.created_at(tied[index])));
        for bounds in [Bounds::Inclusive, Bounds::HalfOpen, Bounds::Exclusive] {
            for (start, stop) in [(edge(40), edge(400)), (None, edge(8)), (edge(99), None)] {
                let window = Window { start, stop, bounds };
                let scanned: Vec<u64> = (0..20_100)
                    .filter(|&index| {
                        let at = moment(history.created_at(index));
                        window.contains(at) && at <= now
                    })
                    .collect();
                assert_eq!(history.within(&window, now).collect::<Vec<_>>(), scanned, "{bounds:?}");
            }
        }
    }

    #[test]
    fn late_records_are_few_and_wait_ten_minutes_to_six_hours() {
        let (history, _) = history();
        let delays: Vec<i64> = (0..20_000)
            .map(|index| history.visible_from(index) - history.created_at(index))
            .filter(|&delay| delay > 0)
            .collect();
        assert!((50..200).contains(&delays.len()), "{} late records", delays.len());
        let bounds = 600..=Duration::from_hours(6).as_secs().cast_signed();
        assert!(delays.iter().all(|delay| bounds.contains(delay)));
    }
}
