//! Moments of the flat history, as a pure function of seed and index.
//!
//! A moment never lies before that of a smaller index. So bisection finds a range of dates, and a
//! million records need no memory.

use super::random::{Choice, rng_for};
use crate::config::Config;

const SECONDS_PER_DAY: i64 = 86_400;
/// Records per burst: an app fails for several people within one second.
const BURST: u64 = 4;
/// One group of [`BURST`] records in this many is a burst.
const BURSTS: u64 = 8;
/// Positions between two records are counted in 1 / 2^16 of a step, so that all sums are integers.
const FRACTION: u32 = 16;

/// Moments of one kind of record. Times are Unix seconds unless a name has milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct Flat {
    seed: u64,
    failures: u64,
    begins: i64,
    span: i64,
}

impl Flat {
    pub(super) fn new(config: &Config) -> Self {
        let span = i64::from(config.days.max(1)) * SECONDS_PER_DAY;
        let begins = config.now.timestamp() - span;
        let Config { seed, failures, .. } = *config;
        Self { seed, failures, begins, span }
    }

    /// The timeline of another kind: `count` records between the first record of this timeline and
    /// its end.
    pub(super) fn follow(&self, choice: Choice, count: u64) -> Self {
        let begins = self.created_at(0) + 1;
        let span = (self.begins + self.span - begins).max(1);
        // A seed of its own, or its moments would be those of this timeline.
        let seed = rng_for(self.seed, choice, u64::MAX).u64(..);
        let failures = if self.failures == 0 { 0 } else { count };
        Self { seed, failures, begins, span }
    }

    /// The creation of record `index`. Records from index `failures` on lie after the start of the clock.
    pub(super) fn created_at(&self, index: u64) -> i64 {
        let (place, jitter) = match self.burst(index) {
            Some(group) => (group * BURST, self.jitter(group * BURST)),
            None => (index, self.jitter(index)),
        };
        self.begins.saturating_add(self.elapsed(place, jitter, 1))
    }

    /// [`created_at`](Self::created_at) in milliseconds, within the same second. It never lies
    /// before that of a smaller index either.
    pub(super) fn created_at_millis(&self, index: u64) -> i64 {
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
    pub(super) fn begins(&self) -> i64 {
        self.begins
    }

    pub(super) fn is_empty(&self) -> bool {
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

    /// The group of record `index` if that group is a burst.
    pub(super) fn burst(&self, index: u64) -> Option<u64> {
        let group = index / BURST;
        (rng_for(self.seed, Choice::Burst, group).u64(0..BURSTS) == 0).then_some(group)
    }

    fn jitter(&self, index: u64) -> u32 {
        rng_for(self.seed, Choice::Jitter, index).u32(0..1 << FRACTION)
    }

    /// A number of records that is not exceeded up to Unix second `at`.
    pub(super) fn most_through(&self, at: i64) -> u64 {
        let elapsed = at.saturating_sub(self.begins);
        let elapsed = u128::from(u64::try_from(elapsed).unwrap_or(0)) + 1;
        let steps = elapsed * u128::from(self.failures) / u128::from(self.span.unsigned_abs());
        // A burst pulls its records to the front of their group, at most `BURST` early.
        u64::try_from(steps).unwrap_or(u64::MAX / 2) + 2 * BURST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_rise_and_the_history_ends_where_the_clock_starts() {
        let config = Config { failures: 20_000, ..Config::default() };
        let (history, now) = (Flat::new(&config), config.now);
        let times: Vec<i64> = (0..20_100).map(|index| history.created_at(index)).collect();
        assert!(times.is_sorted());
        assert!(times[19_999] <= now.timestamp());
        assert!(times[20_099] > now.timestamp(), "new records come after the start");
        assert!(times.windows(2).any(|pair| pair[0] == pair[1]), "no two records share a second");
    }

    #[test]
    fn milliseconds_lie_in_their_second_and_rise_at_any_density() {
        for (failures, days) in [(20_000, 30), (2_000_000, 1), (3, 30)] {
            let history = Flat::new(&Config { failures, days, ..Config::default() });
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
            let history = Flat::new(&Config { failures, days, ..Config::default() });
            for place in 1..1_000 {
                let at = history.begins + history.span * place / 1_000;
                let last = history.last_before(at);
                assert!(history.created_at_millis(last) <= at * 1000, "{last}");
                assert!(history.created_at(last + 3 * BURST) >= at, "{last} is too early");
            }
        }
    }
}
