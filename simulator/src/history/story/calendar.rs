//! Working days, weekends and hours of one chapter.

/// Milliseconds of a minute, an hour and a day.
pub(super) const MINUTE: i64 = 60_000;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;
/// Days of a chapter: four weeks.
const DAYS: i64 = 28;
/// Milliseconds of a chapter.
pub(super) const CHAPTER: i64 = DAYS * DAY;

/// One event of a weekend in this many stays there; the others belong to a working day of that week.
const WEEKEND: i64 = 6;
/// One event in this many happens at any hour, the others in working hours.
const ANY_HOUR: i64 = 8;
/// The first working hour, in UTC.
const OPENS: i64 = 7 * HOUR;

/// The days of a chapter, counted from 0.
pub(super) struct Calendar {
    /// Midnight of day 0, in Unix milliseconds.
    begins: i64,
}

impl Calendar {
    pub(super) fn new(begins: i64) -> Self {
        Self { begins }
    }

    /// The moment after the chapter.
    pub(super) fn ends(&self) -> i64 {
        self.begins + CHAPTER
    }

    /// A time of a day.
    pub(super) fn at(&self, day: i64, time: i64) -> i64 {
        self.begins + day * DAY + time
    }

    /// `day`, or the Friday before it if it is part of a weekend.
    pub(super) fn working_day(&self, day: i64) -> i64 {
        (day - (self.weekday(day) - 4).max(0)).max(0)
    }

    /// A moment of everyday work. It takes the same number of draws on each day, so that the day on
    /// which a history ends changes when things happen, and not what happens.
    pub(super) fn moment(&self, rng: &mut fastrand::Rng) -> i64 {
        let mut day = rng.i64(0..DAYS);
        let (stays, other) = (rng.i64(0..WEEKEND) == 0, rng.i64(0..5));
        let weekday = self.weekday(day);
        if weekday > 4 && !stays {
            let same_week = day - weekday + other;
            day = if same_week < 0 { same_week + 7 } else { same_week };
        }
        let is_any_hour = rng.i64(0..ANY_HOUR) == 0;
        let any_hour = rng.i64(0..DAY);
        // Two draws: most at noon, few at the ends of the day.
        let working_hour = OPENS + rng.i64(0..6 * HOUR) + rng.i64(0..5 * HOUR);
        self.at(day, if is_any_hour { any_hour } else { working_hour })
    }

    /// 0 for Monday to 6 for Sunday.
    fn weekday(&self, day: i64) -> i64 {
        // 1 January 1970 was a Thursday.
        (self.begins.div_euclid(DAY) + day + 3).rem_euclid(7)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_work_is_done_on_working_days_and_in_working_hours() {
        // 2 March 2026 is a Monday.
        let begins = 1_772_409_600_000;
        for shift in 0..7 {
            let calendar = Calendar::new(begins + shift * DAY);
            let mut rng = fastrand::Rng::with_seed(shift.unsigned_abs());
            let (mut weekend, mut night) = (0, 0);
            for _ in 0..2_000 {
                let at = calendar.moment(&mut rng) - begins;
                assert!((shift * DAY..shift * DAY + CHAPTER).contains(&at));
                weekend += usize::from(at.div_euclid(DAY).rem_euclid(7) > 4);
                night += usize::from(!(OPENS..18 * HOUR).contains(&at.rem_euclid(DAY)));
            }
            assert!((40..160).contains(&weekend), "{weekend} of 2,000 at weekends");
            assert!((60..220).contains(&night), "{night} of 2,000 out of hours");
        }
        let calendar = Calendar::new(begins);
        assert_eq!([4, 5, 6, 7].map(|day| calendar.working_day(day)), [4, 4, 4, 7]);
    }
}
