//! Which intervals to ask for, and how far the marks may move. Pure: no I/O and no clock.

use chrono::{DateTime, TimeDelta, Utc};

/// A window is never narrower: the legacy API knows no fractions of a second.
const NARROWEST: TimeDelta = TimeDelta::seconds(1);
/// No answer is expected to span more; it also keeps the doubling within the calendar.
const WIDEST: TimeDelta = TimeDelta::days(3660);
/// An hour less than a day: a daily run that is a little early shall not put it off to the next.
const BETWEEN_RESCANS: TimeDelta = TimeDelta::hours(23);
/// Page sizes in use. A response of exactly so many records may have been cut without a word; 51
/// is what a sibling of the legacy endpoint sends when asked for 50.
const LIKELY_CAPS: [u64; 12] =
    [50, 51, 100, 200, 250, 500, 1_000, 2_000, 2_500, 5_000, 10_000, 20_000];

/// How wide windows should be, which depends on how a source answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The first window of a run.
    first: TimeDelta,
    /// A window with fewer records was not worth its request: the next is twice as wide.
    nearly_empty: u64,
    /// With more records than this the next window is half as wide.
    too_large: u64,
    /// Whether an answer may be cut without a word.
    may_be_cut: bool,
}

impl Pace {
    /// For a source that gives one answer for a window: a backfill shows progress, a daily run fits
    /// into one, and no transaction becomes too long.
    pub const ONE_ANSWER: Self = Self {
        first: TimeDelta::days(7),
        nearly_empty: 1_000,
        too_large: 500_000,
        may_be_cut: true,
    };

    /// For a source that gives pages of some 50 records, each a call of an hour's few thousand: a
    /// window that fails costs all of its calls. The pages say by themselves when they end.
    pub const PAGES: Self = Self {
        first: TimeDelta::days(2),
        nearly_empty: 1_000,
        too_large: 10_000,
        may_be_cut: false,
    };
}

/// An interval of time, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Where it begins.
    pub from: DateTime<Utc>,
    /// Where it ends; never before `from`.
    pub to: DateTime<Utc>,
}

impl Window {
    /// The same window, but not past the server's clock: what lies ahead of it was not scanned.
    #[must_use]
    pub fn until(self, server_now: Option<DateTime<Utc>>) -> Self {
        let to = server_now.map_or(self.to, |now| self.to.min(now)).max(self.from);
        Self { to, ..self }
    }

    /// The interval to ask for: a second more on both sides, since nobody knows whether the API
    /// counts its bounds in. What comes in addition is loaded too, and known the next time.
    #[must_use]
    pub fn widened(self) -> Self {
        Self { from: self.from - NARROWEST, to: self.to + NARROWEST }
    }

    /// Whether it can be asked for in smaller pieces.
    #[must_use]
    pub fn can_narrow(self) -> bool {
        self.to - self.from > NARROWEST
    }
}

impl std::fmt::Display for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let time = |t: DateTime<Utc>| t.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
        write!(f, "{} .. {}", time(self.from), time(self.to))
    }
}

/// Where the sync of one account and source stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mark {
    /// The greatest `created_at` committed.
    pub high_water_mark: Option<DateTime<Utc>>,
    /// The end of the last window committed.
    pub scanned_through: Option<DateTime<Utc>>,
}

impl Mark {
    /// Where the next run begins; none before the first. Rows that appear late, up to `overlap`
    /// behind the scan, are found; after a quiet time everything since the last failure is asked
    /// for again, which costs next to nothing because it was quiet.
    #[must_use]
    pub fn resume(&self, overlap: TimeDelta) -> Option<DateTime<Utc>> {
        let scanned = self.scanned_through?;
        let overlapped = scanned.checked_sub_signed(overlap).unwrap_or(DateTime::UNIX_EPOCH);
        Some(self.high_water_mark.map_or(overlapped, |mark| mark.min(overlapped)))
    }

    /// Where a source begins that takes over from another which stands here: everything that the
    /// other may not have seen, and as much more as may be late.
    #[must_use]
    pub fn take_over(&self, overlap: TimeDelta) -> Option<DateTime<Utc>> {
        let seen = self.high_water_mark.map_or(self.scanned_through, |mark| {
            self.scanned_through.map(|scanned| scanned.min(mark))
        })?;
        Some(seen.checked_sub_signed(overlap).unwrap_or(DateTime::UNIX_EPOCH))
    }

    /// The mark after a window was scanned whose newest failure, not counting any dated after its
    /// end, is `newest`. It never moves backward, and it stays where it is when the window begins
    /// after the last scan: moving it would skip what lies between for good.
    #[must_use]
    pub fn after(self, window: Window, newest: Option<DateTime<Utc>>) -> Self {
        if self.scanned_through.is_some_and(|scanned| window.from > scanned) {
            return self;
        }
        Self {
            high_water_mark: self.high_water_mark.max(newest),
            scanned_through: self.scanned_through.max(Some(window.to)),
        }
    }
}

/// How far the span in which events may still change was read again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rescan {
    /// As of when it was last read whole; none when never.
    pub read_at: Option<DateTime<Utc>>,
    /// Where a reading goes on that was not finished.
    pub next: Option<DateTime<Utc>>,
}

impl Rescan {
    /// Where to begin, `span` back from `now`; none when it is too early, which the first time of all
    /// it is.
    #[must_use]
    pub fn begin(&self, now: DateTime<Utc>, span: TimeDelta) -> Option<DateTime<Utc>> {
        let due = || {
            let is_due = now - self.read_at? >= BETWEEN_RESCANS;
            is_due.then(|| now.checked_sub_signed(span).unwrap_or(DateTime::UNIX_EPOCH))
        };
        self.next.or_else(due)
    }
}

/// The windows of one run, each decided after the one before.
#[derive(Debug, Clone)]
pub struct Plan {
    start: DateTime<Utc>,
    next: DateTime<Utc>,
    end: DateTime<Utc>,
    /// Whether `end` is the server's clock rather than a guess by ours.
    end_known: bool,
    width: TimeDelta,
    /// No window of this run is wider: half of what was too much once.
    widest: TimeDelta,
    pace: Pace,
}

impl Plan {
    /// From `start` to `until`, or to the server's now: `local_now` stands for it until the first
    /// answer tells.
    #[must_use]
    pub fn new(
        pace: Pace,
        start: DateTime<Utc>,
        until: Option<DateTime<Utc>>,
        local_now: DateTime<Utc>,
    ) -> Self {
        // A clock that is behind must not end the run before the server was asked.
        let end = until.unwrap_or_else(|| local_now.max(start + NARROWEST));
        let end_known = until.is_some();
        Self { start, next: start, end, end_known, width: pace.first, widest: WIDEST, pace }
    }

    /// The next window to ask for; none when the run is through.
    #[must_use]
    pub fn window(&self) -> Option<Window> {
        let to = (self.next + self.width).min(self.end);
        (self.next < self.end).then_some(Window { from: self.next, to })
    }

    /// Takes the first answer's `Date` as the end of the run, unless `--until` fixed it. Later
    /// answers do not move it: a run must come to an end.
    pub fn learn_now(&mut self, server_now: Option<DateTime<Utc>>) {
        if let (Some(now), false) = (server_now, self.end_known) {
            self.end = now;
        }
        self.end_known = true;
    }

    /// Goes on behind a committed window, which gave so many records. A window that ended at the
    /// server's clock, ahead of a given `--until`, ends the run.
    pub fn committed(&mut self, asked: Window, scanned: Window, records: u64) {
        if scanned.to < asked.to {
            self.end = self.end.min(scanned.to);
        }
        self.next = scanned.to;
        if records < self.pace.nearly_empty {
            self.width = (self.width * 2).min(self.widest);
        } else if records > self.pace.too_large {
            self.narrow();
        }
    }

    /// Halves the next window, and lets none grow beyond that: the last was too much, for the
    /// server or for the way. Says whether it is narrower now.
    pub fn narrow(&mut self) -> bool {
        let width = self.window().map_or(self.width, |w| w.to - w.from);
        // Whole seconds: the API would cut the rest off. Rounded up: two halves make the whole.
        self.width = TimeDelta::seconds((width.num_seconds() + 1) / 2).max(NARROWEST);
        self.widest = self.width;
        self.width < width
    }

    /// Whether so many records look like a response that was cut, and a narrower window could tell.
    #[must_use]
    pub fn looks_cut(&self, window: Window, records: u64) -> bool {
        self.pace.may_be_cut && LIKELY_CAPS.contains(&records) && window.can_narrow()
    }

    /// Where the run begins.
    #[must_use]
    pub fn start(&self) -> DateTime<Utc> {
        self.start
    }

    /// Up to where the run is through.
    #[must_use]
    pub fn done(&self) -> DateTime<Utc> {
        self.next
    }

    /// The end of the run: the server's now, once it is known.
    #[must_use]
    pub fn end(&self) -> DateTime<Utc> {
        self.end
    }

    /// How much of the run's span lies before `at`, and the whole span.
    #[must_use]
    pub fn progress(&self, at: DateTime<Utc>) -> (TimeDelta, TimeDelta) {
        (at - self.start, self.end - self.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(n: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(n * 86_400, 0).unwrap()
    }

    fn days(from: i64, to: i64) -> Window {
        Window { from: day(from), to: day(to) }
    }

    /// Plays a plan against a server whose windows all give `records`.
    fn play(mut plan: Plan, server_now: Option<DateTime<Utc>>, records: u64) -> Vec<Window> {
        let mut scanned = Vec::new();
        while let Some(asked) = plan.window() {
            plan.learn_now(server_now);
            let window = asked.until(server_now);
            plan.committed(asked, window, records);
            scanned.push(window);
            assert!(scanned.len() < 1_000, "does not come to an end");
        }
        scanned
    }

    #[test]
    fn windows_cover_the_span_without_a_gap_and_double_while_nearly_empty() {
        let windows = play(Plan::new(Pace::ONE_ANSWER, day(0), None, day(90)), Some(day(90)), 0);
        assert_eq!(windows, [days(0, 7), days(7, 21), days(21, 49), days(49, 90)]);
        let windows =
            play(Plan::new(Pace::ONE_ANSWER, day(0), None, day(20)), Some(day(20)), 5_000);
        assert_eq!(windows, [days(0, 7), days(7, 14), days(14, 20)]);
    }

    #[test]
    fn an_answer_too_large_halves_the_next_window() {
        let mut plan = Plan::new(Pace::ONE_ANSWER, day(0), Some(day(30)), day(30));
        plan.committed(days(0, 7), days(0, 7), 1_000_000);
        let half = TimeDelta::hours(84);
        assert_eq!(plan.window(), Some(Window { from: day(7), to: day(7) + half }));
    }

    #[test]
    fn narrowing_stops_at_one_second_and_keeps_whole_seconds() {
        let mut plan = Plan::new(Pace::ONE_ANSWER, day(0), Some(day(1)), day(1));
        while plan.narrow() {
            let window = plan.window().unwrap();
            assert_eq!((window.to - window.from).subsec_nanos(), 0);
        }
        assert_eq!(plan.window().map(|w| w.to - w.from), Some(NARROWEST));
    }

    #[test]
    fn after_one_that_was_too_much_no_window_grows_beyond_its_half() {
        let mut plan = Plan::new(Pace::ONE_ANSWER, day(0), Some(day(300)), day(300));
        plan.narrow();
        for _ in 0..3 {
            let window = plan.window().unwrap();
            assert_eq!(window.to - window.from, TimeDelta::hours(84));
            plan.committed(window, window, 0);
        }
    }

    #[test]
    fn a_local_clock_an_hour_ahead_does_not_scan_the_future() {
        let now = day(1);
        let windows = play(
            Plan::new(Pace::ONE_ANSWER, day(0), None, now + TimeDelta::hours(1)),
            Some(now),
            9,
        );
        assert_eq!(windows, [days(0, 1)]);
    }

    #[test]
    fn a_local_clock_an_hour_behind_still_reaches_the_servers_now() {
        let behind = day(1) - TimeDelta::hours(1);
        let windows = play(Plan::new(Pace::ONE_ANSWER, day(0), None, behind), Some(day(1)), 9);
        assert_eq!(windows.last().unwrap().to, day(1));
        // Even when the whole span lies ahead of our clock.
        let start = day(1) - TimeDelta::minutes(1);
        let windows = play(Plan::new(Pace::ONE_ANSWER, start, None, behind), Some(day(1)), 9);
        assert_eq!(windows.last().unwrap().to, day(1));
    }

    #[test]
    fn an_until_in_the_future_ends_at_the_servers_now() {
        let windows =
            play(Plan::new(Pace::ONE_ANSWER, day(0), Some(day(90)), day(5)), Some(day(5)), 9);
        assert_eq!(windows, [days(0, 5)]);
    }

    #[test]
    fn a_server_without_a_clock_is_read_to_ours() {
        assert_eq!(play(Plan::new(Pace::ONE_ANSWER, day(0), None, day(5)), None, 9), [days(0, 5)]);
    }

    #[test]
    fn resume_goes_back_by_the_overlap_or_to_the_last_failure() {
        let overlap = TimeDelta::days(1);
        let mark = |high: Option<i64>, scanned: Option<i64>| Mark {
            high_water_mark: high.map(day),
            scanned_through: scanned.map(day),
        };
        assert_eq!(mark(None, None).resume(overlap), None);
        assert_eq!(mark(None, Some(9)).resume(overlap), Some(day(8)));
        assert_eq!(mark(Some(9), Some(9)).resume(overlap), Some(day(8)));
        assert_eq!(mark(Some(3), Some(9)).resume(overlap), Some(day(3)));
    }

    #[test]
    fn a_rescan_begins_once_a_day_and_goes_on_where_it_was_left() {
        let week = TimeDelta::days(7);
        let rescan = |read_at: Option<i64>, next: Option<i64>| Rescan {
            read_at: read_at.map(day),
            next: next.map(day),
        };
        assert_eq!(rescan(None, None).begin(day(30), week), None, "all was read just now");
        assert_eq!(rescan(Some(30), None).begin(day(30), week), None);
        assert_eq!(rescan(Some(29), None).begin(day(30), week), Some(day(23)));
        assert_eq!(rescan(Some(30), Some(25)).begin(day(30), week), Some(day(25)));
        let a_little_early = day(31) - TimeDelta::minutes(50);
        assert_eq!(rescan(Some(30), None).begin(a_little_early, week), Some(a_little_early - week));
    }

    #[test]
    fn one_that_takes_over_sees_what_the_other_may_not_have_seen() {
        let overlap = TimeDelta::days(1);
        let mark = |high: Option<i64>, scanned: Option<i64>| Mark {
            high_water_mark: high.map(day),
            scanned_through: scanned.map(day),
        };
        assert_eq!(mark(None, None).take_over(overlap), None);
        assert_eq!(mark(None, Some(9)).take_over(overlap), Some(day(8)));
        assert_eq!(mark(Some(7), Some(9)).take_over(overlap), Some(day(6)));
        assert_eq!(mark(Some(9), Some(9)).take_over(overlap), Some(day(8)));
    }

    #[test]
    fn the_mark_never_moves_backward_nor_over_a_gap() {
        let mark = Mark::default().after(days(0, 7), Some(day(5)));
        assert_eq!((mark.high_water_mark, mark.scanned_through), (Some(day(5)), Some(day(7))));
        assert_eq!(mark.after(days(2, 4), Some(day(3))), mark, "an older span");
        assert_eq!(mark.after(days(8, 9), Some(day(9))), mark, "a gap before the window");
        let on = mark.after(days(6, 9), None);
        assert_eq!((on.high_water_mark, on.scanned_through), (Some(day(5)), Some(day(9))));
    }

    #[test]
    fn a_round_count_looks_cut_unless_the_window_cannot_be_narrower() {
        let plan = |pace| Plan::new(pace, day(0), None, day(1));
        let one_answer = plan(Pace::ONE_ANSWER);
        assert!(one_answer.looks_cut(days(0, 1), 1_000));
        assert!(!one_answer.looks_cut(days(0, 1), 999));
        let narrowest = Window { from: day(0), to: day(0) + NARROWEST };
        assert!(!one_answer.looks_cut(narrowest, 1_000));
        assert!(!plan(Pace::PAGES).looks_cut(days(0, 1), 1_000), "pages say when they end");
    }
}
