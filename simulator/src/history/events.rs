//! Generated events: failures, later successes and sign-ins, each a pure function of seed and
//! index.

use super::failures::{Failure, Failures, Operation, UserForm};
use super::flat::Flat;
use super::people::{APPS, Person, person};
use super::random::{Choice, rng_for};
use super::timeline::Timeline;
use crate::config::Config;

/// Ids rise from here: above 2^32, as today's real ones.
const FIRST_EVENT_ID: i64 = 81_000_000_000;
/// Ids per millisecond. Each kind of event takes every third one.
const IDS_PER_MILLI: i64 = 3 * 20;
/// One successful creation in this many is a link to an existing account instead.
const LINKED: u32 = 8;
/// A success follows a failure of at most this many days before.
const RECENT_DAYS: u64 = 2;
/// Failures to try for one that a success can follow. Nine in ten can, unless most are bad: then
/// some successes do not happen.
const MOST_TRIES: u64 = 64;
/// Failures per sign-in.
const FAILURES_PER_SIGN_IN: u64 = 5;
/// Seconds from a failure to its resolution: an hour to five days.
const SOLVED_AFTER: std::ops::Range<i64> = 3_600..5 * 86_400 + 1;

/// Kinds of generated events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Failure,
    Success,
    SignIn,
}

pub(crate) const KINDS: [Kind; 3] = [Kind::Failure, Kind::Success, Kind::SignIn];

/// The sort key of an event: its moment, then its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// Unix milliseconds.
    pub(crate) at: i64,
    /// `i64::MAX` for an event whose text has none.
    pub(crate) id: i64,
    /// 0 for a generated event; for one put by hand its number, counted from 1.
    pub(crate) put: u64,
}

/// The generated events of one simulator.
#[derive(Clone, Debug)]
pub(crate) struct Events {
    pub(crate) failures: Failures,
    successes: Timeline,
    sign_ins: Timeline,
    begins: i64,
    seed: u64,
    recent: u64,
    resolved: u32,
}

/// A success, as a rule after a failure; in a story also a suspension that was skipped.
pub(crate) struct Success {
    /// The failure whose operation is done, or the operation itself in the form of one.
    pub(crate) failure: Failure,
    pub(crate) event_type_id: i64,
}

/// A sign-in of a person to an app.
pub(crate) struct SignIn {
    pub(crate) person: Person,
    pub(crate) app: usize,
}

impl Events {
    pub(crate) fn new(config: &Config) -> Self {
        let failures = Failures::new(config);
        let flat = Flat::new(config);
        let for_each = config.failures.div_ceil(FAILURES_PER_SIGN_IN);
        let sign_ins = if config.ignores_type_filter { for_each } else { 0 };
        Self {
            successes: match &failures.timeline {
                Timeline::Flat(flat) => {
                    Timeline::Flat(flat.follow(Choice::Success, config.successes()))
                }
                Timeline::Story(line) => Timeline::Story(line.others()),
            },
            sign_ins: Timeline::Flat(flat.follow(Choice::SignIn, sign_ins)),
            begins: flat.begins().saturating_mul(1000),
            seed: config.seed,
            recent: (config.failures * RECENT_DAYS / u64::from(config.days.max(1))).max(1),
            resolved: config.resolved_events,
            failures,
        }
    }

    pub(crate) fn timeline(&self, kind: Kind) -> &Timeline {
        match kind {
            Kind::Failure => &self.failures.timeline,
            Kind::Success => &self.successes,
            Kind::SignIn => &self.sign_ins,
        }
    }

    pub(crate) fn key(&self, kind: Kind, index: u64) -> Key {
        let timeline = self.timeline(kind);
        let at = timeline.created_at_millis(index);
        // Twenty events per millisecond have different ids: 20,000 per second, more than any history has.
        let is_before = |back: u64| back <= index && timeline.created_at_millis(index - back) == at;
        let before = (0..19).take_while(|&back: &i64| is_before(back.unsigned_abs() + 1));
        let nth = 3 * before.last().map_or(0, |back| back + 1) + kind as i64;
        let first = at.saturating_sub(self.begins).saturating_mul(IDS_PER_MILLI);
        let id = first.saturating_add(FIRST_EVENT_ID + nth);
        Key { at, id, put: 0 }
    }

    /// All types of a kind of event.
    pub(crate) fn types(kind: Kind) -> &'static [i64] {
        match kind {
            Kind::Failure => &[25, 61, 62, 63, 64, 65],
            Kind::Success => &[51, 52, 53, 54, 55, 59, 60],
            Kind::SignIn => &[8],
        }
    }

    /// The type of an event if it is visible at `now`, in Unix milliseconds.
    pub(crate) fn visible_type(&self, kind: Kind, index: u64, now: i64) -> Option<i64> {
        if self.timeline(kind).created_at_millis(index) > now {
            return None;
        }
        match kind {
            Kind::Failure => {
                let visible_from = self.failures.visible_from(index);
                let visible = visible_from.saturating_mul(1000) <= now;
                visible.then(|| failed_type(self.failures.failure(index).operation))
            }
            Kind::Success => self.success(index).map(|success| success.event_type_id),
            Kind::SignIn => Some(8),
        }
    }

    /// The resolution of failure `index` at moment `at`, if it ever is solved. Unix milliseconds. In a
    /// story, nobody solves by hand that a leaver still has access.
    pub(crate) fn solved_at(&self, index: u64, at: i64) -> Option<i64> {
        let is_leaver = || {
            let operation = self.failures.failure(index).operation;
            matches!(operation, Some(Operation::Suspend | Operation::Delete))
        };
        if matches!(self.failures.timeline, Timeline::Story(_)) && is_leaver() {
            return None;
        }
        let mut rng = rng_for(self.seed, Choice::Solved, index);
        let is_solved = self.resolved > 0 && rng.u32(..self.resolved) == 0;
        is_solved.then(|| at.saturating_add(rng.i64(SOLVED_AFTER) * 1000))
    }

    /// Success `index`: in a flat history the operation of a recent failure, done at last. `None` if no
    /// recent failure names its user and operation.
    pub(crate) fn success(&self, index: u64) -> Option<Success> {
        match (&self.successes, &self.failures.timeline) {
            (Timeline::Flat(successes), Timeline::Flat(failures)) => {
                self.flat_success(index, successes.created_at(index), failures)
            }
            (Timeline::Story(line), _) | (_, Timeline::Story(line)) => {
                let happening = line.get(index);
                let event_type_id = happening.event_type_id;
                Some(Success { failure: Failure::of(self.seed, happening), event_type_id })
            }
        }
    }

    fn flat_success(&self, index: u64, at: i64, failures: &Flat) -> Option<Success> {
        let mut rng = rng_for(self.seed, Choice::Success, index);
        let last = failures.last_before(at);
        let start = last - rng.u64(..self.recent.min(last + 1));
        let tried = (start.saturating_sub(MOST_TRIES)..=start).rev();
        let (failure, operation) = tried
            .filter(|&index| self.failures.bad(index).is_none())
            .map(|index| self.failures.failure(index))
            .find_map(|failure| match (failure.user, failure.operation) {
                (UserForm::Named, Some(operation)) => Some((failure, operation)),
                _ => None,
            })?;
        let event_type_id = match operation {
            Operation::Create if rng.u32(..LINKED) == 0 => 59,
            Operation::Create => 51,
            Operation::Update => 52,
            Operation::Suspend => 53,
            Operation::Reactivate => 54,
            Operation::Delete => 55,
        };
        Some(Success { failure, event_type_id })
    }

    pub(crate) fn sign_in(&self, index: u64) -> SignIn {
        let mut rng = rng_for(self.seed, Choice::SignIn, index);
        let person = person(self.seed, rng.u64(..self.failures.people));
        SignIn { person, app: rng.usize(..APPS.len()) }
    }
}

/// The type of the event for a failed operation; `None` stands for an internal error.
pub(crate) fn failed_type(operation: Option<Operation>) -> i64 {
    match operation {
        None => 25,
        Some(Operation::Suspend) => 61,
        Some(Operation::Reactivate) => 62,
        Some(Operation::Delete) => 63,
        Some(Operation::Create) => 64,
        Some(Operation::Update) => 65,
    }
}
