//! The made-up events: failures, what succeeded later, and sign-ins, each a pure function of seed
//! and index.

use super::Config;
use super::event_text::EventText;
use super::failures::{Failure, Failures, Operation, UserForm};
use super::history::{Choice, History, dice};
use super::people::{APPS, Person, person};

/// Ids rise from here: above 2^32, as today's real ones.
const FIRST_EVENT_ID: i64 = 81_000_000_000;
/// The ids of a millisecond, of which each kind of event takes every third.
const IDS_PER_MILLI: i64 = 3 * 20;
/// One creation in this many that succeeded is told as a link to an account that was there.
const LINKED: u32 = 8;
/// A success follows one of the failures of so many days.
const RECENT_DAYS: u64 = 2;
/// Failures to look at for one that can be followed by a success. Nine in ten can, unless most
/// are bad: then some successes do not happen.
const MOST_TRIES: u64 = 64;
/// Failures for each sign-in.
const FAILURES_PER_SIGN_IN: u64 = 5;
/// When a solved failure is solved, in seconds after it: an hour to five days.
const SOLVED_AFTER: std::ops::Range<i64> = 3_600..5 * 86_400 + 1;

/// A kind of made-up event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Failure,
    Success,
    SignIn,
}

pub(super) const KINDS: [Kind; 3] = [Kind::Failure, Kind::Success, Kind::SignIn];

/// Where an event stands in the order of time: by its moment, then by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// Unix milliseconds.
    pub(super) at: i64,
    /// The greatest there is for an event whose text has none.
    pub(super) id: i64,
    /// 0 for a made-up event; else the number of the put one, counted from 1.
    pub(super) put: u64,
}

/// The made-up events of one simulator.
#[derive(Clone, Debug)]
pub(super) struct Events {
    pub(super) text: EventText,
    failures: Failures,
    successes: History,
    sign_ins: History,
    begins: i64,
    seed: u64,
    recent: u64,
    resolved: u32,
}

/// A success, and the failure before it.
pub(super) struct Success {
    pub(super) failure: Failure,
    pub(super) event_type_id: i64,
}

/// Somebody opens an app.
pub(super) struct SignIn {
    pub(super) person: Person,
    pub(super) app: usize,
}

impl Events {
    pub(super) fn new(config: &Config) -> Self {
        let failures = Failures::new(config);
        let successes = config.successes.unwrap_or(config.failures / 2);
        let for_each = config.failures.div_ceil(FAILURES_PER_SIGN_IN);
        let sign_ins = if config.ignores_type_filter { for_each } else { 0 };
        let history = &failures.history;
        Self {
            text: EventText::new(config),
            successes: history.follow(Choice::Success, successes),
            sign_ins: history.follow(Choice::SignIn, sign_ins),
            begins: history.begins().saturating_mul(1000),
            seed: config.seed,
            recent: (config.failures * RECENT_DAYS / u64::from(config.days.max(1))).max(1),
            resolved: config.resolved_events,
            failures,
        }
    }

    /// The moments of all events of a kind.
    pub(super) fn history(&self, kind: Kind) -> &History {
        match kind {
            Kind::Failure => &self.failures.history,
            Kind::Success => &self.successes,
            Kind::SignIn => &self.sign_ins,
        }
    }

    /// Where an event stands in the order.
    pub(super) fn key(&self, kind: Kind, index: u64) -> Key {
        let history = self.history(kind);
        let at = history.created_at_millis(index);
        // Twenty in a millisecond have ids of their own: 20,000 a second, more than any history has.
        let is_before = |back: u64| back <= index && history.created_at_millis(index - back) == at;
        let before = (0..19).take_while(|&back: &i64| is_before(back.unsigned_abs() + 1));
        let nth = 3 * before.last().map_or(0, |back| back + 1) + kind as i64;
        let id =
            FIRST_EVENT_ID + at.saturating_sub(self.begins).saturating_mul(IDS_PER_MILLI) + nth;
        Key { at, id, put: 0 }
    }

    /// The types that a kind of event can have.
    pub(super) fn types(kind: Kind) -> &'static [i64] {
        match kind {
            Kind::Failure => &[25, 61, 62, 63, 64, 65],
            Kind::Success => &[51, 52, 53, 54, 55, 59],
            Kind::SignIn => &[8],
        }
    }

    /// The type of an event that can be seen at a moment in Unix milliseconds.
    pub(super) fn visible_type(&self, kind: Kind, index: u64, now: i64) -> Option<i64> {
        if self.history(kind).created_at_millis(index) > now {
            return None;
        }
        match kind {
            Kind::Failure => {
                let visible_from = self.failures.history.visible_from(index);
                let visible = visible_from.saturating_mul(1000) <= now;
                visible.then(|| failed_type(self.failures.failure(index).operation))
            }
            Kind::Success => self.success(index).map(|success| success.event_type_id),
            Kind::SignIn => Some(8),
        }
    }

    /// Appends the JSON of an event as it is at `now`, in Unix milliseconds.
    pub(super) fn write(&self, kind: Kind, index: u64, now: i64, out: &mut Vec<u8>) {
        let key = self.key(kind, index);
        match kind {
            Kind::Failure => {
                if let Some(bad) = self.failures.bad(index) {
                    return EventText::write_bad(bad, key, index, out);
                }
                let failure = self.failures.failure(index);
                let event_type_id = failed_type(failure.operation);
                let solved_at = self.solved_at(index, key.at).filter(|&at| at <= now);
                self.text.write_failure(key, &failure, event_type_id, solved_at, out);
            }
            Kind::Success => {
                // A success that does not happen is not visible either, so nobody asks for its text.
                if let Some(Success { failure, event_type_id }) = self.success(index) {
                    self.text.write_success(key, &failure, event_type_id, out);
                }
            }
            Kind::SignIn => self.text.write_sign_in(key, &self.sign_in(index), out),
        }
    }

    /// When failure `index`, of the moment `at`, is solved, if it ever is. Unix milliseconds.
    fn solved_at(&self, index: u64, at: i64) -> Option<i64> {
        let mut dice = dice(self.seed, Choice::Solved, index);
        let is_solved = self.resolved > 0 && dice.u32(..self.resolved) == 0;
        is_solved.then(|| at.saturating_add(dice.i64(SOLVED_AFTER) * 1000))
    }

    /// Success `index`: one of the failures not long before it, done at last. None if there is no
    /// failure whose user and operation are told.
    pub(super) fn success(&self, index: u64) -> Option<Success> {
        let at = self.successes.created_at(index);
        let mut dice = dice(self.seed, Choice::Success, index);
        let last = self.failures.history.last_before(at);
        let start = last - dice.u64(..self.recent.min(last + 1));
        let tried = (start.saturating_sub(MOST_TRIES)..=start).rev();
        let (failure, operation) = tried
            .filter(|&index| self.failures.bad(index).is_none())
            .map(|index| self.failures.failure(index))
            .find_map(|failure| match (failure.user, failure.operation) {
                (UserForm::Named, Some(operation)) => Some((failure, operation)),
                _ => None,
            })?;
        let event_type_id = match operation {
            Operation::Create if dice.u32(..LINKED) == 0 => 59,
            Operation::Create => 51,
            Operation::Update => 52,
            Operation::Suspend => 53,
            Operation::Reactivate => 54,
            Operation::Delete => 55,
        };
        Some(Success { failure, event_type_id })
    }

    fn sign_in(&self, index: u64) -> SignIn {
        let mut dice = dice(self.seed, Choice::SignIn, index);
        let person = person(self.seed, dice.u64(..self.failures.people));
        SignIn { person, app: dice.usize(..APPS.len()) }
    }
}

fn failed_type(operation: Option<Operation>) -> i64 {
    match operation {
        None => 25,
        Some(Operation::Suspend) => 61,
        Some(Operation::Reactivate) => 62,
        Some(Operation::Delete) => 63,
        Some(Operation::Create) => 64,
        Some(Operation::Update) => 65,
    }
}
