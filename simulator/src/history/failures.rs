//! Generated failures, as a pure function of seed and index. Both APIs serve the same ones.

use super::people::{APPS, App, FIRST_APP_ID, Person, person};
use super::random::{Choice, rng_for};
use super::timeline::Timeline;
use crate::config::{Config, Ids};

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
        Self {
            timeline: Timeline::new(config),
            ids: config.ids,
            seed: config.seed,
            people: u64::from(config.people()),
            bad_records: config.bad_records,
        }
    }

    /// The kind, 0 to 4, of unreadable text that failure `index` has, if it has one.
    pub(crate) fn bad(&self, index: u64) -> Option<u32> {
        if self.bad_records == 0 {
            return None;
        }
        let mut rng = rng_for(self.seed, Choice::Bad, index);
        (rng.u32(..self.bad_records) == 0).then(|| rng.u32(..5))
    }

    /// Failure `index`. Never reorder the random draws: a seed must always give the same bytes.
    pub(crate) fn failure(&self, index: u64) -> Failure {
        let mut rng = rng_for(self.seed, Choice::Content, index);
        let person = person(self.seed, self.person(index, &mut rng));
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
        let user = if rng.u32(..ABSENT_USER) == 0 {
            UserForm::Absent
        } else if rng.u32(..NULL_USER) == 0 {
            UserForm::Null
        } else {
            UserForm::Named
        };
        Failure { person, app, operation, cause, user, has_text_ids, has_unknown_field }
    }

    /// The number of the person of failure `index`. A burst names different people.
    fn person(&self, index: u64, rng: &mut fastrand::Rng) -> u64 {
        let Some(group) = self.timeline.burst(index) else { return rng.u64(..self.people) };
        let first = rng_for(self.seed, Choice::Burst, group).u64(..u64::MAX >> 1);
        (first + index) % self.people
    }
}

impl Failure {
    pub(crate) fn app(&self) -> &'static App {
        &APPS[self.app]
    }

    pub(crate) fn app_id(&self) -> u64 {
        FIRST_APP_ID + self.app as u64
    }
}
