//! Generated failures, as a pure function of seed and index. Both APIs serve the same ones.

use super::flat::Flat;
use super::people::{APPS, App, FIRST_APP_ID, Person, person};
use super::random::{Choice, rng_for};
use super::story::{self, Happening};
use super::timeline::{self, Timeline};
use crate::config::{Config, History, Ids};

/// One failure in this many has a null user.
const NULL_USER: u32 = 500;
/// One failure in this many has no user at all.
const ABSENT_USER: u32 = 2_000;
/// One legacy record in this many has an undocumented field.
const UNKNOWN_FIELD: u32 = 400;
/// One legacy record in this many writes its ids as strings.
const TEXT_IDS: u32 = 400;

/// The failures of one simulator.
#[derive(Clone, Debug)]
pub(crate) struct Failures {
    pub(crate) timeline: Timeline,
    pub(crate) ids: Ids,
    seed: u64,
    pub(crate) people: u64,
    bad_records: u32,
    late_records: u32,
}

pub(crate) struct Failure {
    pub(crate) person: Person,
    /// The index of its app in [`APPS`].
    pub(crate) app: usize,
    /// The operation that failed; `None` for an internal error.
    pub(crate) operation: Option<Operation>,
    pub(crate) cause: Option<Cause>,
    pub(crate) user: UserForm,
    /// True if its legacy record writes ids as strings.
    pub(crate) has_text_ids: bool,
    /// True if its legacy record has an undocumented field.
    pub(crate) has_unknown_field: bool,
}

/// Operations of provisioning in an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    Update,
    Suspend,
    Reactivate,
    Delete,
}

const OPERATIONS: [Operation; 5] = [
    Operation::Create,
    Operation::Update,
    Operation::Suspend,
    Operation::Reactivate,
    Operation::Delete,
];

impl Operation {
    /// `created`, as in `could not be created`.
    pub(crate) fn participle(self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Update => "updated",
            Self::Suspend => "suspended",
            Self::Reactivate => "reactivated",
            Self::Delete => "deleted",
        }
    }
}

/// Causes of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    TimedOut,
    NoLicences,
    Refused,
    Exists,
    TokenExpired,
    RateLimited,
    /// The text of an app, with the placeholders `%user%`, `%login%` and `%id%`.
    OfTheApp(&'static str),
}

/// Forms in which a failure names its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UserForm {
    Named,
    Null,
    Absent,
}

impl Failures {
    pub(crate) fn new(config: &Config) -> Self {
        let timeline = match config.history {
            History::Flat => Timeline::Flat(Flat::new(config)),
            History::Story => Timeline::Story(story::failures(config)),
        };
        Self {
            timeline,
            ids: config.ids,
            seed: config.seed,
            people: u64::from(config.people()),
            bad_records: config.bad_records,
            late_records: config.late_records,
        }
    }

    /// The moment from which failure `index` is served: its creation, or later if it is late.
    pub(crate) fn visible_from(&self, index: u64) -> i64 {
        let delay = timeline::delay(self.seed, self.late_records, index);
        self.timeline.created_at(index).saturating_add_unsigned(delay)
    }

    /// The kind, 0 to 4, of unreadable text that failure `index` has, if it has one.
    pub(crate) fn bad(&self, index: u64) -> Option<u32> {
        if self.bad_records == 0 {
            return None;
        }
        let mut rng = rng_for(self.seed, Choice::Bad, index);
        (rng.u32(..self.bad_records) == 0).then(|| rng.u32(..5))
    }

    /// Failure `index`.
    pub(crate) fn failure(&self, index: u64) -> Failure {
        match &self.timeline {
            Timeline::Flat(flat) => self.flat_failure(flat, index),
            Timeline::Story(line) => self.story_failure(index, line.get(index)),
        }
    }

    /// Never reorder the random draws: a seed must always give the same bytes.
    fn flat_failure(&self, flat: &Flat, index: u64) -> Failure {
        let mut rng = rng_for(self.seed, Choice::Content, index);
        let person = person(self.seed, self.person(flat, index, &mut rng));
        // The lesser of two draws: the first apps of the list fail most often.
        let app = rng.usize(..APPS.len()).min(rng.usize(..APPS.len()));
        let has_text_ids = rng.u32(..TEXT_IDS) == 0;
        let is_internal = rng.u32(..10) == 0;
        let cause = match rng.u32(..10) {
            _ if is_internal => None,
            0..3 => Some(Cause::TimedOut),
            3..5 => Some(Cause::NoLicences),
            5 => Some(Cause::Refused),
            6 => Some(Cause::Exists),
            7 => Some(Cause::TokenExpired),
            8 => Some(Cause::RateLimited),
            _ => None,
        };
        let operation = (!is_internal).then(|| OPERATIONS[rng.usize(..OPERATIONS.len())]);
        let has_unknown_field = rng.u32(..UNKNOWN_FIELD) == 0;
        let user = UserForm::any(&mut rng);
        Failure { person, app, operation, cause, user, has_text_ids, has_unknown_field }
    }

    fn story_failure(&self, index: u64, happening: Happening) -> Failure {
        let mut rng = rng_for(self.seed, Choice::StoryText, index);
        let has_text_ids = rng.u32(..TEXT_IDS) == 0;
        let has_unknown_field = rng.u32(..UNKNOWN_FIELD) == 0;
        let user = UserForm::any(&mut rng);
        Failure { user, has_text_ids, has_unknown_field, ..Failure::of(self.seed, happening) }
    }

    /// The number of the person of failure `index`. A burst names different people.
    fn person(&self, flat: &Flat, index: u64, rng: &mut fastrand::Rng) -> u64 {
        let Some(group) = flat.burst(index) else { return rng.u64(..self.people) };
        let first = rng_for(self.seed, Choice::Burst, group).u64(..u64::MAX >> 1);
        (first + index) % self.people
    }
}

impl UserForm {
    fn any(rng: &mut fastrand::Rng) -> Self {
        if rng.u32(..ABSENT_USER) == 0 {
            Self::Absent
        } else if rng.u32(..NULL_USER) == 0 {
            Self::Null
        } else {
            Self::Named
        }
    }
}

impl Failure {
    /// An event of the story, in its usual form.
    pub(super) fn of(seed: u64, happening: Happening) -> Self {
        let Happening { person: number, app, operation, error, .. } = happening;
        Self {
            person: person(seed, number),
            app,
            operation,
            cause: error.map(Cause::OfTheApp),
            user: UserForm::Named,
            has_text_ids: false,
            has_unknown_field: false,
        }
    }

    pub(crate) fn app(&self) -> &'static App {
        &APPS[self.app]
    }

    pub(crate) fn app_id(&self) -> u64 {
        FIRST_APP_ID + self.app as u64
    }
}
