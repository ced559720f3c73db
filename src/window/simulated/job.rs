//! Runs of the job on a simulated account, one after another.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};

use super::account::{Account, Calls, DAY, FAILING, HOUR, What};
use crate::window::density::Density;
use crate::window::held::{HeldWindow, Ledger};
use crate::window::reread::{Lengths, PerSpan, Share, Span, Sweep};
use crate::window::{Memory, Pace, Plan, Window};

/// Seconds of a call.
const CALL: f64 = 0.25;
/// Seconds that a run waits for calls.
const WAIT: f64 = 600.0;
/// Events of a page.
const PAGE: f64 = 50.0;
const LENGTHS: Lengths = Lengths { overlap: TimeDelta::days(1), rescan: TimeDelta::days(8) };

/// The end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Done,
    OutOfCalls,
    Killed,
}

/// Takes each window that was read: its span, the time, and whether only failures were requested.
pub(super) type Found<'a> = Box<dyn FnMut(f64, f64, f64, bool) + 'a>;

pub(super) struct Job<'a> {
    pub account: &'a Account,
    pub calls: Calls,
    pub scanned: f64,
    memory: Memory,
    has_ended: bool,
    now: f64,
    began: f64,
    last_run: f64,
    pub sweeps: PerSpan<Option<Sweep>>,
    spent: VecDeque<(f64, Span, f64)>,
    ledger: Vec<HeldWindow>,
    /// Calls whose pages were not kept.
    pub lost: f64,
    /// The time at which the run is killed.
    pub killed_at: f64,
    pub caught_up: Option<f64>,
    /// The time that was not read at the end of each run.
    pub lags: Vec<f64>,
    found: Found<'a>,
}

pub(super) fn time(seconds: f64) -> DateTime<Utc> {
    #[expect(clippy::cast_possible_truncation, reason = "times of some years")]
    DateTime::from_timestamp_millis((seconds * 1_000.0).round() as i64).expect("a time")
}

fn seconds(time: DateTime<Utc>) -> f64 {
    (time - DateTime::UNIX_EPOCH).as_seconds_f64()
}

impl<'a> Job<'a> {
    pub(super) fn new(account: &'a Account, per_hour: f64, scanned: f64, found: Found<'a>) -> Self {
        Self {
            account,
            calls: Calls::new(per_hour),
            scanned,
            memory: Memory::default(),
            has_ended: true,
            now: 0.0,
            began: 0.0,
            last_run: f64::NEG_INFINITY,
            sweeps: PerSpan::default(),
            spent: VecDeque::new(),
            ledger: Vec::new(),
            lost: 0.0,
            killed_at: f64::INFINITY,
            caught_up: None,
            lags: Vec::new(),
            found,
        }
    }

    /// Everything was read until now, in windows of 100 pages and a day at most.
    pub(super) fn has_read_until(&mut self, now: f64) {
        while self.scanned < now {
            let full = self.account.at(self.account.up_to(self.scanned) + 100.0);
            let from = self.scanned;
            self.scanned = full.min(from + DAY).min(now);
            let pages = self.account.pages(from, self.scanned);
            self.keep(Window { from: time(from), to: time(self.scanned) }, pages);
            let known = self.memory.density.unwrap_or(Density { last: 0.0, densest: 0.0 });
            let learnt = known.learn(self.scanned - from, pages * PAGE, 8.0);
            self.memory.density = Some(learnt);
        }
        self.caught_up = Some(now);
        for span in Span::ALL {
            *self.sweeps.get_mut(span) = Some(Sweep::read(time(now)));
        }
    }

    /// The most calls of a clock hour that re-read.
    pub(super) fn most_again_in_one_hour(&self) -> f64 {
        self.calls.by_hour.iter().map(|hour| hour[What::Again as usize]).fold(0.0, f64::max)
    }

    /// Makes the calls of a window.
    fn make(&mut self, what: What, calls: f64) -> Result<(), End> {
        self.calls.add((self.began, self.now), what, calls);
        if self.now + calls * CALL > self.killed_at {
            self.lost += calls;
            return Err(End::Killed);
        }
        self.now += calls * CALL;
        Ok(())
    }

    /// One run. Returns how it ended, and when.
    pub(super) fn run(&mut self, begin: f64) -> (End, f64) {
        (self.now, self.began) = (begin, begin);
        self.memory.part = Memory::part_after(self.memory.part, self.has_ended);
        let hours = ((begin - self.last_run) / HOUR).clamp(1.0, 24.0 * 365.0);
        let hours = if self.last_run.is_finite() { hours } else { 1.0 };
        self.last_run = begin;
        while self.spent.front().is_some_and(|(at, ..)| *at <= begin - 59.0 * 60.0) {
            self.spent.pop_front();
        }
        let end = match self.read(begin, hours) {
            Ok(()) => End::Done,
            Err(end) => end,
        };
        self.has_ended = end != End::Killed;
        self.lags.push(self.now - self.scanned);
        (end, self.now)
    }

    fn read(&mut self, begin: f64, hours: f64) -> Result<(), End> {
        let scanned = self.scanned;
        if self.calls.left(self.now).1 > 0.0 {
            self.make(What::Token, 1.0)?;
        }
        self.read_new(begin)?;
        if self.caught_up.is_none() {
            self.caught_up = Some(self.now);
            for span in Span::ALL {
                *self.sweeps.get_mut(span) = Some(Sweep::read(time(begin)));
            }
            return Ok(());
        }
        self.reread(scanned, begin, hours)
    }

    fn read_new(&mut self, end: f64) -> Result<(), End> {
        let start = self.day_with_what_is_new().unwrap_or(self.scanned);
        let pace = Pace::PAGES.with_most((self.calls.per_hour / 2.0).floor());
        let pace = (pace, self.memory);
        let mut plan = Plan::new(pace, time(start), Some(time(end)), time(end));
        while plan.has_next() {
            let left = self.wait(&plan)?;
            let Some(window) = plan.next_window(left) else { break };
            let read = self.window(&mut plan, window, left);
            self.memory.density = Some(plan.density());
            read?;
        }
        Ok(())
    }

    /// Waits until the calls for the next window are left.
    fn wait(&mut self, plan: &Plan) -> Result<f64, End> {
        let mut waited = 0.0;
        loop {
            let (own, left) = self.calls.left(self.now);
            if own >= plan.pages_to_begin(self.calls.per_hour) && left >= 1.0 {
                return Ok(left);
            }
            let more_at = self.calls.more_at().filter(|_| own <= left).unwrap_or(f64::INFINITY);
            let wait = (more_at - self.now).max(1.0);
            waited += wait;
            if waited > WAIT {
                return Err(End::OutOfCalls);
            }
            self.now += wait;
            if self.now > self.killed_at {
                return Err(End::Killed);
            }
        }
    }

    fn window(&mut self, plan: &mut Plan, window: Window, left: f64) -> Result<(), End> {
        let (from, to) = (seconds(window.from), seconds(window.to));
        let real = self.account.pages(from, to);
        let pages = real.ceil().max(1.0);
        let limit = plan.most_pages(window, (self.calls.per_hour / 2.0).floor());
        if pages > 1.0 {
            let spanned = TimeDelta::from_std(std::time::Duration::from_secs_f64(
                self.account.first_page(from, to).max(0.0),
            ));
            let page = (50, spanned.expect("a short time"));
            if plan.narrows(window, page, (limit.min(left), left)) {
                self.lost += 1.0;
                return self.make(What::New, 1.0);
            }
        }
        let most = limit.min(left);
        if pages > most {
            self.lost += most;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "calls")]
            plan.given_up(window, most as u32);
            self.make(What::New, most)?;
            return if most < limit { Err(End::OutOfCalls) } else { Ok(()) };
        }
        self.make(What::New, pages)?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "records")]
        plan.committed(window, window, (real * PAGE).round() as u64);
        self.keep(window, real);
        self.scanned = self.scanned.max(to);
        (self.found)(from, to, self.now, false);
        Ok(())
    }

    /// Notes what a window held after the end of earlier ones. Those of an hour are one window of the ledger.
    fn keep(&mut self, window: Window, pages: f64) {
        let last = self.ledger.last_mut();
        let from = last.as_ref().map_or(window.from, |last| last.window.to.max(window.from));
        let part = (window.to - from).as_seconds_f64() / (window.to - window.from).as_seconds_f64();
        if part <= 0.0 {
            return;
        }
        let records = pages * part * PAGE;
        let (failures, others) = (records * FAILING, records * (1.0 - FAILING));
        let hour = |at: DateTime<Utc>| at.timestamp() / 3_600;
        match last {
            Some(last) if last.window.to == from && hour(last.window.from) == hour(window.to) => {
                last.window.to = window.to;
                last.failures += failures;
                last.others += others;
            }
            _ => {
                let window = Window { from, to: window.to };
                self.ledger.push(HeldWindow { window, failures, others, failures_only: false });
            }
        }
    }

    fn ledger(&self, since: f64) -> Ledger {
        let first = self.ledger.partition_point(|held| held.window.to <= time(since));
        let densest = self.memory.density.map_or(0.0, |density| density.densest);
        Ledger::new(self.ledger[first..].iter().copied(), densest)
    }

    /// The start of a day that is read together with what is new.
    fn day_with_what_is_new(&self) -> Option<f64> {
        let sweep = (*self.sweeps.get(Span::Day))?;
        let day = LENGTHS.window(Span::Day, time(self.scanned))?;
        let pages = self.ledger(self.scanned - DAY).held(false).records(day) / PAGE;
        (sweep.open.is_none() && pages <= 10.0).then_some(seconds(day.from))
    }

    fn reread(&mut self, scanned: f64, now: f64, hours: f64) -> Result<(), End> {
        let day = LENGTHS.window(Span::Day, time(scanned)).expect("a day");
        let week_due = self.sweeps.get(Span::Week).is_some_and(|mut week| {
            let whole = LENGTHS.window(Span::Week, time(scanned)).expect("a week");
            week.begin(Span::Week, whole, time(now))
        });
        let ledger = self.ledger(scanned - if week_due { 8.0 * DAY } else { DAY });
        let pages_of_day = ledger.held(false).records(day) / PAGE;
        let was_read =
            pages_of_day <= 10.0 && self.sweeps.get(Span::Day).is_some_and(|s| s.open.is_none());
        for span in Span::ALL {
            if was_read && span != Span::Week {
                continue;
            }
            let spent = self.spent.iter().fold(PerSpan::default(), |mut spent, (_, of, pages)| {
                *spent.get_mut(*of) += pages;
                spent
            });
            let share = Share { per_hour: self.calls.per_hour, hours, spent };
            self.span(span, share, (scanned, now), &ledger, pages_of_day)?;
        }
        Ok(())
    }

    fn span(
        &mut self,
        span: Span,
        mut share: Share,
        (scanned, now): (f64, f64),
        ledger: &Ledger,
        pages_of_day: f64,
    ) -> Result<(), End> {
        let whole = LENGTHS.window(span, time(scanned)).expect("a span");
        let mut sweep = self.sweeps.get(span).expect("everything was read once");
        let day_is_open = self.sweeps.get(Span::Day).is_some_and(|day| day.open.is_some());
        let left = self.calls.left(self.now).1;
        if span == Span::Hour
            && sweep.open.is_none()
            && !day_is_open
            && share.fits_day(pages_of_day, left)
        {
            return Ok(());
        }
        if !sweep.begin(span, whole, time(now)) {
            return Ok(());
        }
        let failures_only = share.failures_only(span, pages_of_day / 24.0, LENGTHS);
        let held = ledger.held(failures_only);
        let mut started_whole = sweep.open.is_some_and(|open| open.left == whole);
        let day = LENGTHS.window(Span::Day, time(scanned)).expect("a day");
        let is_outrun = self.sweeps.get(Span::Day).is_some_and(|sweep| sweep.is_outrun(day));
        loop {
            let left = self.calls.left(self.now).1;
            let Some(piece) =
                sweep.piece((share.allowed(span, left), share.least_piece()), &held, PAGE)
            else {
                let is_rest = !started_whole && sweep.open.is_none();
                let begins_again = match span {
                    Span::Hour => false,
                    Span::Day => share.fits_day(held.records(whole) / PAGE, left),
                    Span::Week => is_outrun,
                };
                if is_rest && begins_again && sweep.begin(span, whole, time(now)) {
                    started_whole = true;
                    continue;
                }
                break;
            };
            let (from, to) = (seconds(piece.from), seconds(piece.to));
            let part = if failures_only { FAILING } else { 1.0 };
            let pages = (self.account.pages(from, to) * part).ceil().max(1.0);
            if pages > left {
                break;
            }
            let made = self.make(What::Again, pages);
            share.spend(span, pages);
            self.spent.push_back((self.began, span, pages));
            made?;
            (self.found)(from, to, self.now, failures_only);
            sweep.moved(piece.to, whole.to - whole.from, failures_only);
        }
        *self.sweeps.get_mut(span) = Some(sweep);
        Ok(())
    }
}
