//! Moments of generated records, as a pure function of seed and index.
//!
//! A moment never lies before that of a smaller index. So bisection finds a range of dates, and a
//! million records need no memory.

use std::ops::Range;

use chrono::{DateTime, Utc};

use super::random::{Choice, rng_for};
use super::window::Window;
use crate::config::Config;

const SECONDS_PER_DAY: i64 = 86_400;
/// Records per burst: an app fails for several people within one second.
const BURST: u64 = 4;
/// One group of [`BURST`] records in this many is a burst.
const BURSTS: u64 = 8;
/// Delay of a late record in seconds: 10 minutes to 6 hours.
const DELAY: Range<u64> = 600..21_601;
/// Positions between two records are counted in 1 / 2^16 of a step, so that all sums are integers.
const FRACTION: u32 = 16;

/// Moments of one kind of record. Times are Unix seconds unless a name has milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    seed: u64,
    failures: u64,
    late_records: u32,
    begins: i64,
    span: i64,
}

impl Timeline {
    pub(crate) fn new(config: &Config) -> Self {
        let span = i64::from(config.days.max(1)) * SECONDS_PER_DAY;
        let begins = config.now.timestamp() - span;
        let Config { seed, failures, late_records, .. } = *config;
        Self { seed, failures, late_records, begins, span }
    }

    /// The timeline of another kind: `count` records between the first record of this timeline and
    /// its end, none of them late.
    pub(crate) fn follow(&self, choice: Choice, count: u64) -> Self {
        let begins = self.created_at(0) + 1;
        let span = (self.begins + self.span - begins).max(1);
        // A seed of its own, or its moments would be those of this timeline.
        let seed = rng_for(self.seed, choice, u64::MAX).u64(..);
        let failures = if self.failures == 0 { 0 } else { count };
        Self { seed, failures, late_records: 0, begins, span }
    }

    /// The creation of record `index`. Records from index `failures` on lie after the start of the clock.
    pub(crate) fn created_at(&self, index: u64) -> i64 {
        let (place, jitter) = match self.burst(index) {
            Some(group) => (group * BURST, self.jitter(group * BURST)),
            None => (index, self.jitter(index)),
        };
        self.begins.saturating_add(self.elapsed(place, jitter, 1))
    }

    /// [`created_at`](Self::created_at) in milliseconds, within the same second. It never lies
    /// before that of a smaller index either.
    pub(crate) fn created_at_millis(&self, index: u64) -> i64 {
        let begins = self.begins.saturating_mul(1000);
        let Some(group) = self.burst(index) else {
            return begins.saturating_add(self.elapsed(index, self.jitter(index), 1000));
        };
        let jitter = self.jitter(group * BURST);
        let first = begins.saturating_add(self.elapsed(group * BURST, jitter, 1000));
        // Two records at the moment of the burst and two in the middle of the rest of its second,
        // so that some share a millisecond and some only a second. None lies after its own place,
        // because the next record may be there.
        let rest = 999 - first.rem_euclid(1000);
        let spread = if index % BURST < BURST / 2 { 0 } else { rest / 2 };
        first.saturating_add(spread).min(begins.saturating_add(self.elapsed(index, jitter, 1000)))
    }

    /// The start of the timeline, before its first record.
    pub(crate) fn begins(&self) -> i64 {
        self.begins
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.failures == 0
    }

    /// The time from the start to a place between two records, in units of 1 / `per_second` of a
    /// second.
    fn elapsed(&self, place: u64, jitter: u32, per_second: u32) -> i64 {
        let steps = (u128::from(place) << FRACTION) + u128::from(jitter);
        let span = u128::from(self.span.unsigned_abs()) * u128::from(per_second);
        let elapsed = (steps * span / u128::from(self.failures.max(1))) >> FRACTION;
        i64::try_from(elapsed).unwrap_or(i64::MAX)
    }

    /// A record that lies before `at` for certain and close to it; the first one if none does.
    pub(super) fn last_before(&self, at: i64) -> u64 {
        let elapsed = u64::try_from(at.saturating_sub(self.begins)).unwrap_or(0);
        let steps = u128::from(elapsed) * u128::from(self.failures);
        let places = steps / u128::from(self.span.unsigned_abs());
        u64::try_from(places).unwrap_or(u64::MAX).saturating_sub(1)
    }

    /// The moment from which record `index` is served: its creation, or later if it is late.
    pub(crate) fn visible_from(&self, index: u64) -> i64 {
        let created_at = self.created_at(index);
        let mut rng = rng_for(self.seed, Choice::Delay, index);
        if self.late_records == 0 || rng.u32(..self.late_records) != 0 {
            return created_at;
        }
        created_at.saturating_add_unsigned(rng.u64(DELAY))
    }

    /// The group of record `index` if that group is a burst.
    pub(super) fn burst(&self, index: u64) -> Option<u64> {
        let group = index / BURST;
        (rng_for(self.seed, Choice::Burst, group).u64(0..BURSTS) == 0).then_some(group)
    }

    fn jitter(&self, index: u64) -> u32 {
        rng_for(self.seed, Choice::Jitter, index).u32(0..1 << FRACTION)
    }

    /// Records in `window` up to `now`, late ones included.
    pub(crate) fn within(&self, window: &Window, now: DateTime<Utc>) -> Range<u64> {
        if self.failures == 0 {
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
        let elapsed = now.timestamp().saturating_sub(self.begins);
        let elapsed = u128::from(u64::try_from(elapsed).unwrap_or(0)) + 1;
        let steps = elapsed * u128::from(self.failures) / u128::from(self.span.unsigned_abs());
        // A burst pulls its records to the front of their group, at most `BURST` early.
        let mut high = u64::try_from(steps).unwrap_or(u64::MAX / 2) + 2 * BURST;
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

/// Unix seconds as a date. They come from the dates of a config, which chrono can hold.
pub(crate) fn moment(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::Bounds;

    fn history() -> (Timeline, DateTime<Utc>) {
        let config = Config { failures: 20_000, ..Config::default() };
        (Timeline::new(&config), config.now)
    }

    #[test]
    fn moments_rise_and_the_history_ends_where_the_clock_starts() {
        let (history, now) = history();
        let times: Vec<i64> = (0..20_100).map(|index| history.created_at(index)).collect();
        assert!(times.is_sorted());
        assert!(times[19_999] <= now.timestamp());
        assert!(times[20_099] > now.timestamp(), "new records come after the start");
        assert!(times.windows(2).any(|pair| pair[0] == pair[1]), "no two records share a second");
    }

    #[test]
    fn milliseconds_lie_in_their_second_and_rise_at_any_density() {
        for (failures, days) in [(20_000, 30), (2_000_000, 1), (3, 30)] {
            let history = Timeline::new(&Config { failures, days, ..Config::default() });
            let indexes = 0..failures.min(20_000);
            let millis: Vec<i64> =
                indexes.clone().map(|index| history.created_at_millis(index)).collect();
            assert!(millis.is_sorted());
            for (index, at) in indexes.zip(&millis) {
                assert_eq!(at.div_euclid(1000), history.created_at(index));
            }
            let ties = |unit| millis.windows(2).any(|two| two[0] / unit == two[1] / unit);
            let apart = |two: &[i64]| two[0] != two[1] && two[0] / 1000 == two[1] / 1000;
            if failures > 3 {
                assert!(ties(1) && millis.windows(2).any(apart), "{failures} in {days} days");
            }
        }
    }

    #[test]
    fn the_last_record_before_a_moment_lies_before_it_and_close() {
        for (failures, days) in [(20_000, 30), (100_000, 1)] {
            let history = Timeline::new(&Config { failures, days, ..Config::default() });
            for place in 1..1_000 {
                let at = history.begins + history.span * place / 1_000;
                let last = history.last_before(at);
                assert!(history.created_at_millis(last) <= at * 1000, "{last}");
                assert!(history.created_at(last + 3 * BURST) >= at, "{last} is too early");
            }
        }
    }

    #[test]
    fn a_window_finds_the_same_as_a_full_scan_with_all_bounds() {
        let (history, now) = history();
        // A burst lies on both edges, so that each kind of bound gives a different result.
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
