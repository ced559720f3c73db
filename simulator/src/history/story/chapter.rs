//! The events of one chapter, in the order of time.

use super::calendar::{Calendar, MINUTE};
use super::plot;
use crate::history::failures::Operation;
use crate::history::random::{Choice, rng_for};

/// A success in this many creations is a link to an account that exists.
const LINKED: u32 = 8;
/// Types of events.
const CREATED: i64 = 51;
const UPDATED: i64 = 52;
const SUSPENDED: i64 = 53;
const REACTIVATED: i64 = 54;
const DELETED: i64 = 55;
const LINKED_ACCOUNT: i64 = 59;
const DO_NOTHING: i64 = 60;

/// Numbers that all chapters of a story have in common.
#[derive(Debug)]
pub(super) struct Sizes {
    pub(super) people: u64,
    /// Failures per chapter.
    pub(super) failures: usize,
    /// Other events per chapter.
    pub(super) others: usize,
}

/// An event of a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Happening {
    /// Unix milliseconds.
    pub(crate) at: i64,
    /// The number of the person.
    pub(crate) person: u64,
    pub(crate) app: usize,
    /// `None` for an internal error.
    pub(crate) operation: Option<Operation>,
    /// A failure's error, with placeholders.
    pub(crate) error: Option<&'static str>,
    /// The type of an event that is no failure; 0 for a failure.
    pub(crate) event_type_id: i64,
}

impl Happening {
    /// An event after all times.
    pub(crate) const BEYOND: Self =
        Self { at: i64::MAX, person: 0, app: 0, operation: None, error: None, event_type_id: 0 };
}

/// An operation for one person in one app, which may take several attempts.
#[derive(Clone, Copy)]
pub(super) struct Task {
    pub(super) person: u64,
    pub(super) app: usize,
    pub(super) operation: Option<Operation>,
}

#[derive(Debug)]
pub(super) struct Chapter {
    pub(super) failures: Vec<Happening>,
    pub(super) others: Vec<Happening>,
}

impl Chapter {
    /// Chapter `number`, which begins at midnight of Unix millisecond `begins`.
    pub(super) fn new(seed: u64, number: i64, begins: i64, sizes: &Sizes) -> Self {
        let rng = rng_for(seed, Choice::Chapter, number.cast_unsigned());
        let mut draft = Draft {
            number,
            rng,
            calendar: Calendar::new(begins),
            people: sizes.people,
            failures: Vec::with_capacity(sizes.failures),
            others: Vec::with_capacity(sizes.others),
        };
        if sizes.failures > 0 {
            plot::write(&mut draft, sizes);
        }
        let Draft { mut failures, mut others, .. } = draft;
        failures.truncate(sizes.failures);
        others.truncate(sizes.others);
        failures.sort_by_key(|event| event.at);
        others.sort_by_key(|event| event.at);
        Self { failures, others }
    }
}

/// A chapter that is being written, not yet in the order of time.
pub(super) struct Draft {
    pub(super) number: i64,
    pub(super) rng: fastrand::Rng,
    pub(super) calendar: Calendar,
    people: u64,
    pub(super) failures: Vec<Happening>,
    pub(super) others: Vec<Happening>,
}

impl Draft {
    pub(super) fn person(&mut self) -> u64 {
        self.rng.u64(..self.people)
    }

    /// Persons one after another, so that few come twice.
    pub(super) fn person_after(&self, first: u64, count: u64) -> u64 {
        (first + count) % self.people
    }

    /// One of a list, another one in each chapter.
    pub(super) fn in_turn<T: Copy, const N: usize>(&self, list: &[T; N]) -> T {
        let length = i64::try_from(N).unwrap_or(1);
        list[usize::try_from(self.number.rem_euclid(length)).unwrap_or(0)]
    }

    pub(super) fn failed(&mut self, task: Task, at: i64, error: Option<&'static str>) {
        let Task { person, app, operation } = task;
        let at = self.in_chapter(at);
        self.failures.push(Happening { at, person, app, operation, error, event_type_id: 0 });
    }

    /// The operation is done at last, or at once. An internal error is followed by nothing.
    pub(super) fn done(&mut self, task: Task, at: i64) {
        let is_linked = self.rng.u32(..LINKED) == 0;
        let event_type_id = match task.operation {
            None => return,
            Some(Operation::Create) if is_linked => LINKED_ACCOUNT,
            Some(Operation::Create) => CREATED,
            Some(Operation::Update) => UPDATED,
            Some(Operation::Suspend) => SUSPENDED,
            Some(Operation::Reactivate) => REACTIVATED,
            Some(Operation::Delete) => DELETED,
        };
        self.other(task, at, event_type_id);
    }

    /// The app is set to do nothing, so the suspension is skipped.
    pub(super) fn skipped(&mut self, task: Task, at: i64) {
        self.other(task, at, DO_NOTHING);
    }

    fn other(&mut self, Task { person, app, operation }: Task, at: i64, event_type_id: i64) {
        let at = self.in_chapter(at);
        self.others.push(Happening { at, person, app, operation, error: None, event_type_id });
    }

    /// A moment of the chapter: one after its end becomes one of its last minutes, so that the events of
    /// chapters do not mix.
    fn in_chapter(&mut self, at: i64) -> i64 {
        let last = self.calendar.ends() - 1 - self.rng.i64(0..30 * MINUTE);
        at.min(last)
    }
}
