//! What happened: every made-up failure, as a pure function of seed and index.
//!
//! Both APIs tell of the same failures. This module knows what they have to tell;
//! [`legacy_text`](super::legacy_text) and [`event_text`](super::event_text) know how they say it.

use super::history::{Choice, History, dice};
use super::people::{APPS, App, FIRST_APP_ID, Person, person};
use super::{Config, Ids};

/// One failure in this many says that its user is null.
const NULL_USER: u32 = 500;
/// One failure in this many has no user at all.
const ABSENT_USER: u32 = 2_000;
/// One legacy record in this many carries a field nobody knows.
const UNKNOWN_FIELD: u32 = 400;
/// One legacy record in this many writes its ids as strings.
const TEXT_IDS: u32 = 400;

/// The failures of one simulator.
#[derive(Clone, Debug)]
pub(super) struct Failures {
    pub(super) history: History,
    pub(super) ids: Ids,
    seed: u64,
    pub(super) people: u64,
    bad_records: u32,
}

/// One failure.
pub(super) struct Failure {
    pub(super) person: Person,
    /// Its number among [`APPS`].
    pub(super) app: usize,
    /// What could not be done; none = an internal error.
    pub(super) operation: Option<Operation>,
    pub(super) cause: Option<Cause>,
    pub(super) user: UserForm,
    /// Whether its legacy record writes ids as strings.
    pub(super) has_text_ids: bool,
    /// Whether its legacy record carries a field nobody knows.
    pub(super) has_unknown_field: bool,
}

/// What provisioning does in an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
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
    pub(super) fn participle(self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Update => "updated",
            Self::Suspend => "suspended",
            Self::Reactivate => "reactivated",
            Self::Delete => "deleted",
        }
    }
}

/// Why it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    TimedOut,
    NoLicences,
    Refused,
    Exists,
    TokenExpired,
    RateLimited,
}

/// How a failure names its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UserForm {
    Named,
    Null,
    Absent,
}

impl Failures {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            history: History::new(config),
            ids: config.ids,
            seed: config.seed,
            people: u64::from(config.people()),
            bad_records: config.bad_records,
        }
    }

    /// Which of five kinds of unreadable text failure `index` is told in, if it is.
    pub(super) fn bad(&self, index: u64) -> Option<u32> {
        if self.bad_records == 0 {
            return None;
        }
        let mut dice = dice(self.seed, Choice::Bad, index);
        (dice.u32(..self.bad_records) == 0).then(|| dice.u32(..5))
    }

    /// Failure `index`. The throws of the dice stand in this order for ever: a seed is a promise.
    pub(super) fn failure(&self, index: u64) -> Failure {
        let mut dice = dice(self.seed, Choice::Content, index);
        let person = person(self.seed, self.person(index, &mut dice));
        // The lesser of two throws: the first apps of the list fail most often.
        let app = dice.usize(..APPS.len()).min(dice.usize(..APPS.len()));
        let has_text_ids = dice.u32(..TEXT_IDS) == 0;
        let is_internal = dice.u32(..10) == 0;
        let cause = match dice.u32(..10) {
            _ if is_internal => None,
            0..3 => Some(Cause::TimedOut),
            3..5 => Some(Cause::NoLicences),
            5 => Some(Cause::Refused),
            6 => Some(Cause::Exists),
            7 => Some(Cause::TokenExpired),
            8 => Some(Cause::RateLimited),
            _ => None,
        };
        let operation = (!is_internal).then(|| OPERATIONS[dice.usize(..OPERATIONS.len())]);
        let has_unknown_field = dice.u32(..UNKNOWN_FIELD) == 0;
        let user = if dice.u32(..ABSENT_USER) == 0 {
            UserForm::Absent
        } else if dice.u32(..NULL_USER) == 0 {
            UserForm::Null
        } else {
            UserForm::Named
        };
        Failure { person, app, operation, cause, user, has_text_ids, has_unknown_field }
    }

    /// Whose failure `index` is. A burst hits different people in the same second.
    fn person(&self, index: u64, dice: &mut fastrand::Rng) -> u64 {
        let Some(group) = self.history.burst(index) else { return dice.u64(..self.people) };
        let first = self::dice(self.seed, Choice::Burst, group).u64(..u64::MAX >> 1);
        (first + index) % self.people
    }
}

impl Failure {
    pub(super) fn app(&self) -> &'static App {
        &APPS[self.app]
    }

    pub(super) fn app_id(&self) -> u64 {
        FIRST_APP_ID + self.app as u64
    }

    /// Appends why it failed as JSON: a string, or `null`.
    pub(super) fn write_cause(&self, out: &mut Vec<u8>) {
        let (first, last) = (self.person.first.0, self.person.last.0);
        let app = self.app();
        match self.cause {
            None => out.extend_from_slice(b"null"),
            Some(Cause::TimedOut) => print(
                out,
                format_args!(
                    "\"The connection timed out while provisioning to https:\\/\\/lux.onelogin.com\\/{}\"",
                    app.path
                ),
            ),
            Some(Cause::NoLicences) => {
                print(
                    out,
                    format_args!("\"No licences left in {}: team_license_limit\"", app.name),
                );
            }
            Some(Cause::Refused) => {
                out.extend_from_slice(b"\"Remote host refused the connection\"");
            }
            Some(Cause::Exists) => {
                print(
                    out,
                    format_args!("\"{first} {last} already exists\\nTake over the account?\""),
                );
            }
            Some(Cause::TokenExpired) => {
                out.extend_from_slice(b"\"401 Unauthorized: the app's token has expired\"");
            }
            Some(Cause::RateLimited) => out.extend_from_slice(b"\"Rate limit exceeded\""),
        }
    }
}

pub(super) fn print(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // A `Vec` takes every write, so there is no error to hand on.
    let _ = std::io::Write::write_fmt(out, text);
}
