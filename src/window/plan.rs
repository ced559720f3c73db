//! The windows of a run, each decided after the previous one.

use chrono::{DateTime, TimeDelta, Utc};

use super::density::{self, Density};
use super::{Memory, NARROWEST, Pace, Window};

/// Complete windows after which one that was too much for the server is forgotten by half.
const WINDOWS_TO_RECOVER: u32 = 10;
/// Quiet windows that count: after as many, no window is narrower for the densest hour.
const MOST_QUIET: i32 = 9;
/// Records of a page whose span shows how dense the window is. A page of one spans no time at all.
const LEAST_ON_PAGE: u64 = 10;
/// Page sizes in use. A response of exactly this many records may have been cut silently; 51 is what
/// a sibling of the legacy endpoint sends when 50 are requested.
const LIKELY_CAPS: [u64; 12] =
    [50, 51, 100, 200, 250, 500, 1_000, 2_000, 2_500, 5_000, 10_000, 20_000];

/// Windows of one run, each decided after the previous one.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    start: DateTime<Utc>,
    next: DateTime<Utc>,
    end: DateTime<Utc>,
    /// True if `end` is known, rather than a guess by our clock.
    end_known: bool,
    /// Greatest width of a window: half of one that was too much for the server or the network.
    widest: TimeDelta,
    /// Complete windows since then.
    since_narrowed: u32,
    pace: Pace,
    density: Density,
    /// The end of the last window that was given up.
    dense_until: Option<DateTime<Utc>>,
    /// True if a window with records was read, now or by an earlier run. An empty one does not show how dense
    /// records are where there are some.
    is_known: bool,
    /// Pages for which a window is planned.
    most: f64,
    /// Records of a page: the most that were seen on one.
    page: f64,
    has_seen_page: bool,
    /// The span before the end in which to start by default.
    span: Option<TimeDelta>,
    /// Windows with less than half a page since one with more.
    quiet: i32,
    /// The start of the first window with records.
    filled_from: Option<DateTime<Utc>>,
    /// Pages that a piece of what is re-read may still take; no limit for what is new.
    most_of_piece: Option<f64>,
    /// The width of the last window, if it was given up.
    too_wide: Option<TimeDelta>,
}

impl Plan {
    /// A plan from `start` to `until`, or to the server's now; `local_now` stands for it until the
    /// first answer.
    #[must_use]
    pub(crate) fn new(
        (pace, memory): (Pace, Memory),
        start: DateTime<Utc>,
        until: Option<DateTime<Utc>>,
        local_now: DateTime<Utc>,
    ) -> Self {
        // A slow clock must not end the run before the first request.
        let end = until.unwrap_or_else(|| local_now.max(start + NARROWEST));
        Self {
            start,
            next: start,
            end,
            end_known: until.is_some(),
            widest: pace.widest,
            since_narrowed: 0,
            pace,
            dense_until: None,
            is_known: memory.density.is_some_and(|density| density.has_records()),
            density: memory.density.unwrap_or(Density { last: pace.unknown, densest: 0.0 }),
            most: (pace.most * memory.part.min(1.0)).max(1.0),
            page: pace.page,
            has_seen_page: false,
            span: None,
            quiet: 0,
            filled_from: None,
            most_of_piece: None,
            too_wide: None,
        }
    }

    /// A plan of the last `span` before the server's now.
    #[must_use]
    pub(crate) fn of_last(
        span: TimeDelta,
        pace: (Pace, Memory),
        until: Option<DateTime<Utc>>,
        local_now: DateTime<Utc>,
    ) -> Self {
        Self { span: Some(span), ..Self::new(pace, local_now - span, until, local_now) }
    }

    /// A plan of one window that is expected to hold `records`.
    #[must_use]
    pub(crate) fn of_window(pace: Pace, window: Window, records: f64) -> Self {
        let last = records / (window.to - window.from).as_seconds_f64().max(1.0);
        let memory = Memory { density: Some(Density { last, densest: 0.0 }), part: 1.0 };
        let plan = Self::new((pace, memory), window.from, Some(window.to), window.to);
        Self { most: f64::MAX, ..plan }
    }

    /// A plan of a piece of what is re-read, which is expected to hold `records` and may take `most` pages. The next piece
    /// begins where it ends.
    #[must_use]
    pub(crate) fn of_piece(pace: Pace, piece: Window, records: f64, most: f64) -> Self {
        Self { most_of_piece: Some(most), ..Self::of_window(pace, piece, records) }
    }

    /// True while something is left to read, and a piece may still take a page.
    #[must_use]
    pub(crate) fn has_next(&self) -> bool {
        self.next < self.end && self.most_of_piece.is_none_or(|most| most >= 1.0)
    }

    /// The start of what was not read, because the calls for it ran out.
    #[must_use]
    pub(crate) fn unread_from(&self) -> Option<DateTime<Utc>> {
        (self.next < self.end).then_some(self.next)
    }

    /// The width of the last window, if it was given up.
    #[must_use]
    pub(crate) fn too_wide(&self) -> Option<TimeDelta> {
        self.too_wide
    }

    /// True if a window ends with the run, as far as is known, and nothing that follows it is read.
    #[must_use]
    pub(crate) fn is_last(&self, window: Window) -> bool {
        window.to >= self.end && self.most_of_piece.is_none()
    }

    /// The next window to request, when `left` pages may still be read; `None` at the end of the run.
    #[must_use]
    pub(crate) fn next_window(&self, left: f64) -> Option<Window> {
        let left = left * self.page;
        // While nothing comes, a window of the densest hour is no more likely than it was long ago.
        let densest = self.density.densest / self.pace.growth.powi(self.quiet);
        let density = Density { densest, ..self.density };
        let width = density::width(density, self.goal(left), left);
        let rest = self.end - self.next;
        let mut width = width.min(self.widest.as_seconds_f64());
        if self.end_known && rest > TimeDelta::zero() {
            // What is left is shared out evenly.
            let rest = rest.as_seconds_f64();
            width = rest / (rest / width).ceil();
        }
        // Whole seconds, because the API would cut the rest off.
        #[expect(clippy::cast_possible_truncation, reason = "no wider than the widest")]
        let width = TimeDelta::seconds(width.ceil() as i64).max(NARROWEST);
        let to = (self.next + width).min(self.end);
        (self.next < self.end).then_some(Window { from: self.next, to })
    }

    /// Pages for which the next window is planned, when `left` may still be read.
    #[must_use]
    pub(crate) fn planned_pages(&self, left: f64) -> f64 {
        self.goal(left * self.page) / self.page
    }

    /// Pages that must be left before the next window is begun, of `per_hour`.
    #[must_use]
    pub(crate) fn pages_to_begin(&self, per_hour: f64) -> f64 {
        let rest = (self.end - self.next).as_seconds_f64().max(0.0);
        density::pages_to_begin(self.density.last, rest, self.page, per_hour)
    }

    /// Records for which the next window is planned, when `left` may still be read.
    fn goal(&self, left: f64) -> f64 {
        density::goal(left, self.page, self.most * self.page)
    }

    /// Learns from the first page of a window, full and with another after it, whose records span `spanned`.
    /// Returns whether the window should be narrower: it would not fit into `limit` pages. `left` are those
    /// of the hour.
    pub(crate) fn narrows(
        &mut self,
        window: Window,
        (records, spanned): (u64, TimeDelta),
        (limit, left): (f64, f64),
    ) -> bool {
        self.see_page(records);
        // What a piece holds is known, but for what came late, which is to be read.
        if records < LEAST_ON_PAGE || self.most_of_piece.is_some() {
            return false;
        }
        let width = (window.to - window.from).as_seconds_f64();
        let goal = self.goal(left * self.page);
        let limit = limit * self.page;
        let spanned = spanned.as_seconds_f64();
        match density::narrower(width, spanned, (self.page, goal, limit)) {
            Some(narrower) => {
                self.density.last = goal / narrower;
                true
            }
            None => false,
        }
    }

    /// Remembers the records of the fullest page.
    #[expect(clippy::cast_precision_loss, reason = "a page has no 2^52 records")]
    fn see_page(&mut self, records: u64) {
        let records = (records as f64).max(1.0);
        self.page = if self.has_seen_page { self.page.max(records) } else { records };
        self.has_seen_page = true;
    }

    /// Pages after which a window is given up, if any may have `limit`. The first window of an account may hold
    /// many times what it was planned for.
    #[must_use]
    pub(crate) fn most_pages(&self, window: Window, limit: f64) -> f64 {
        let most_of_piece = self.most_of_piece.unwrap_or(f64::INFINITY);
        match (window.can_narrow(), self.is_known) {
            (false, _) => most_of_piece,
            (true, true) => limit.min(most_of_piece),
            (true, false) => limit.min(4.0 * self.most).min(most_of_piece),
        }
    }

    /// Learns from a window that was given up after `pages`. Returns whether the next is narrower.
    pub(crate) fn given_up(&mut self, window: Window, pages: u32) -> bool {
        let width = (window.to - window.from).as_seconds_f64();
        let factor = if self.is_known { 2.0 } else { self.pace.growth };
        self.dense_until = Some(window.to);
        self.quiet = 0;
        self.too_wide = Some(window.to - window.from);
        self.most_of_piece = self.most_of_piece.map(|most| most - f64::from(pages));
        self.density = self.density.rise(width, f64::from(pages) * self.page, factor);
        window.can_narrow()
    }

    /// Takes the first answer's scan limit as the end of the run, unless `--until` fixed it. Later
    /// answers do not move it: a run must come to an end.
    pub(crate) fn learn_now(&mut self, limit: DateTime<Utc>) {
        if !self.end_known {
            self.end = limit;
        }
        self.end_known = true;
    }

    /// Starts again before a scan limit that lies before the start, if only our clock gave it
    /// to start. Returns whether it did.
    pub(crate) fn start_again_before(&mut self, limit: DateTime<Utc>) -> bool {
        let Some(span) = self.span.take().filter(|_| limit < self.start) else { return false };
        self.start = limit.checked_sub_signed(span).unwrap_or(DateTime::UNIX_EPOCH);
        self.next = self.start;
        true
    }

    /// Moves past a window that gave `records`. A window that ended at the server's clock, before a
    /// given `--until`, ends the run.
    #[expect(clippy::cast_precision_loss, reason = "a window has no 2^52 records")]
    pub(crate) fn committed(&mut self, requested: Window, scanned: Window, records: u64) {
        if scanned.to < requested.to {
            self.end = self.end.min(scanned.to);
        }
        self.next = scanned.to;
        self.learn_amount(scanned, records as f64);
        let width = (scanned.to - scanned.from).as_seconds_f64();
        if width > 0.0 {
            let is_before_end = self.dense_until.is_some_and(|end| scanned.to < end);
            self.density = if is_before_end {
                self.density.rise(width, records as f64, 1.0)
            } else {
                self.dense_until = None;
                self.density.learn(width, records as f64, self.pace.growth)
            };
            self.is_known |= records > 0;
        }
        self.since_narrowed += 1;
        if self.since_narrowed >= WINDOWS_TO_RECOVER {
            (self.widest, self.since_narrowed) = ((self.widest * 2).min(self.pace.widest), 0);
        }
    }

    /// Learns how many records a complete window had.
    fn learn_amount(&mut self, window: Window, records: f64) {
        self.too_wide = None;
        self.quiet = if records < self.page / 2.0 { (self.quiet + 1).min(MOST_QUIET) } else { 0 };
        if records > 0.0 {
            self.filled_from = self.filled_from.or(Some(window.from));
        }
        let pages = (records / self.page).ceil().max(1.0);
        self.most_of_piece = self.most_of_piece.map(|most| most - pages);
    }

    /// Halves the next window, and lets none grow beyond that for a while: the last was too much for the
    /// server or the network. Returns whether it is narrower now.
    pub(crate) fn narrow(&mut self, tried: Window) -> bool {
        let width = tried.to - tried.from;
        // Whole seconds: the API would cut the rest off. Rounded up: two halves cover the window.
        self.widest = TimeDelta::seconds((width.num_seconds() + 1) / 2).max(NARROWEST);
        self.since_narrowed = 0;
        self.widest < width
    }

    /// True if `records` looks like a server limit, and a narrower window could show it.
    #[must_use]
    pub(crate) fn looks_cut(&self, window: Window, records: u64) -> bool {
        self.looks_like_limit(records) && window.can_narrow()
    }

    /// True if `records` looks like a server limit.
    #[must_use]
    pub(crate) fn looks_like_limit(&self, records: u64) -> bool {
        self.pace.may_be_cut && LIKELY_CAPS.contains(&records)
    }

    /// Records of a page.
    #[must_use]
    pub(crate) fn page(&self) -> f64 {
        self.page
    }

    /// The density of windows, for the next run.
    #[must_use]
    pub(crate) fn density(&self) -> Density {
        self.density
    }

    /// Pages that are still to be read, if they are as dense as those since the first of the `records` so far; `None`
    /// before that.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "no account has 2^52 records")]
    pub(crate) fn pages_ahead(&self, records: u64) -> Option<f64> {
        let done = (self.next - self.filled_from?).as_seconds_f64().max(1.0);
        let ahead = (self.end - self.next).as_seconds_f64().max(0.0);
        Some(records as f64 / done * ahead / self.page)
    }

    /// The start of the run.
    #[must_use]
    pub(crate) fn start(&self) -> DateTime<Utc> {
        self.start
    }

    /// The end of the run: the server's now, once it is known.
    #[must_use]
    pub(crate) fn end(&self) -> DateTime<Utc> {
        self.end
    }

    /// The part of the run's span that lies before `at`, and the run's span.
    #[must_use]
    pub(crate) fn progress(&self, at: DateTime<Utc>) -> (TimeDelta, TimeDelta) {
        (at - self.start, self.end - self.start)
    }
}
