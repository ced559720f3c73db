//! The two clocks of a run, ours and that of an answer. Either may be wrong.

use chrono::{DateTime, TimeDelta, Utc};

use super::Watermark;

/// Greatest difference between two clocks that are both right.
pub(crate) const TOLERANCE: TimeDelta = TimeDelta::minutes(1);

/// The time up to which an answer counts as scanned: its own clock, as far as ours agrees.
#[must_use]
pub(crate) fn scan_limit(answer: Option<DateTime<Utc>>, ours: DateTime<Utc>) -> DateTime<Utc> {
    answer.map_or(ours, |theirs| theirs.min(after_tolerance(ours)))
}

/// True if a start in the future of `limit` is due to a wrong clock: not if both clocks call it the
/// future, nor if it is as near as two clocks may differ.
#[must_use]
pub(crate) fn is_wrong(
    start: DateTime<Utc>,
    answer: Option<DateTime<Utc>>,
    ours: DateTime<Utc>,
) -> bool {
    let latest = answer.map_or(ours, |theirs| theirs.max(ours));
    start <= latest && start > after_tolerance(scan_limit(answer, ours))
}

impl Watermark {
    /// True if it lies further in the future than two clocks may differ.
    #[must_use]
    pub(crate) fn is_ahead_of(&self, now: DateTime<Utc>) -> bool {
        self.high_water_mark.max(self.scanned_through) > Some(after_tolerance(now))
    }
}

/// True if the end of a committed window can be believed: it is past neither the present nor the time
/// of its commit.
#[must_use]
pub(crate) fn is_plausible(
    end: DateTime<Utc>,
    committed_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> bool {
    end <= now && end <= after_tolerance(committed_at)
}

fn after_tolerance(time: DateTime<Utc>) -> DateTime<Utc> {
    time.checked_add_signed(TOLERANCE).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + 60 * minute, 0).unwrap()
    }

    #[test]
    fn an_answer_is_scanned_to_its_own_clock_and_at_most_a_minute_past_ours() {
        assert_eq!(scan_limit(None, at(10)), at(10));
        assert_eq!(scan_limit(Some(at(10)), at(10)), at(10));
        assert_eq!(scan_limit(Some(at(11)), at(10)), at(11));
        assert_eq!(scan_limit(Some(at(180)), at(10)), at(11));
        assert_eq!(scan_limit(Some(at(-99_999)), at(10)), at(-99_999));
    }

    #[test]
    fn a_start_in_the_future_is_due_to_a_clock_unless_both_agree() {
        // start, the answer's clock, whether one of the clocks is wrong; ours is at 10
        for (start, answer, wrong) in [
            (9, Some(10), false),
            (11, Some(10), false),
            (500, Some(10), false),
            (500, None, false),
            (9, Some(8), false),
            (9, Some(7), true),
            (9, Some(-500), true),
            // The answer's clock may be the right one: ours is slow.
            (100, Some(120), true),
            (121, Some(120), false),
        ] {
            assert_eq!(is_wrong(at(start), answer.map(at), at(10)), wrong, "{start} {answer:?}");
        }
    }

    #[test]
    fn a_watermark_is_ahead_if_either_part_is_ahead_by_more_than_a_minute() {
        let watermark = |high: Option<i64>, scanned: Option<i64>| Watermark {
            high_water_mark: high.map(at),
            scanned_through: scanned.map(at),
        };
        assert!(!watermark(None, None).is_ahead_of(at(0)));
        assert!(!watermark(Some(0), Some(1)).is_ahead_of(at(0)));
        assert!(watermark(Some(0), Some(2)).is_ahead_of(at(0)));
        assert!(watermark(Some(2), Some(0)).is_ahead_of(at(0)));
    }

    #[test]
    fn a_window_that_ends_after_its_commit_or_the_present_is_not_believed() {
        assert!(is_plausible(at(5), at(5), at(9)));
        assert!(is_plausible(at(6), at(5), at(9)), "within a minute of its commit");
        assert!(!is_plausible(at(7), at(5), at(9)));
        assert!(!is_plausible(at(10), at(10), at(9)));
    }
}
