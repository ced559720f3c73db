//! Cases: failures of one user, app and operation until something closes them. Pure.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::event::{App, Attempt, Resolution, Success};
use crate::model::Operation;

/// A case, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Case {
    /// Its first failure.
    pub(super) case_id: Uuid,
    pub(super) user_id: i64,
    /// The app as its first failure names it.
    pub(super) app: App,
    pub(super) operation: Operation,
    pub(super) is_skipped: bool,
    pub(super) opened_at: DateTime<Utc>,
    pub(super) last_failure_at: DateTime<Utc>,
    pub(super) last_failure_id: Uuid,
    pub(super) attempts: i64,
    pub(super) fingerprint: Option<Arc<str>>,
    pub(super) closing: Option<Closing>,
}

/// The event that closed a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Closing {
    pub(super) at: DateTime<Utc>,
    pub(super) by: ClosedBy,
    pub(super) is_timed: bool,
}

/// The kind of event that closes a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClosedBy {
    /// A success of the same operation.
    Success,
    /// The deletion of what was to be suspended.
    Deletion,
    /// OneLogin regards the failure as solved.
    Resolution,
    /// Access was given again, after a suspension or deletion that failed.
    Superseded,
}

impl ClosedBy {
    /// The text stored in `resolved_by`.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Deletion => "deletion",
            Self::Resolution => "resolution",
            Self::Superseded => "superseded",
        }
    }

    /// The kind that a stored text stands for.
    pub(super) fn from_stored(text: &str) -> Self {
        match text {
            "deletion" => Self::Deletion,
            "resolution" => Self::Resolution,
            "superseded" => Self::Superseded,
            _ => Self::Success,
        }
    }

    /// The operations of the cases that a success of this operation may close.
    pub(super) fn operations(succeeded: Operation) -> impl Iterator<Item = Operation> {
        let all = Operation::ALL.into_iter();
        all.filter(move |&failed| Self::of(succeeded, failed).is_some())
    }

    /// The way in which a success closes a case of this operation, if it does.
    fn of(succeeded: Operation, failed: Operation) -> Option<Self> {
        use Operation::{Create, Delete, Reactivate, Suspend, Unknown};
        match (succeeded, failed) {
            _ if succeeded == failed || failed == Unknown => Some(Self::Success),
            (Delete, Suspend) => Some(Self::Deletion),
            (Create | Reactivate, Suspend | Delete) => Some(Self::Superseded),
            _ => None,
        }
    }
}

impl Case {
    /// Checks that two states of a case differ only in what later events change.
    pub(super) fn begins_as(&self, other: &Self) -> bool {
        let Self { case_id, user_id, app, operation, is_skipped, opened_at, .. } = self;
        let of_other = (other.case_id, other.user_id, other.operation, other.is_skipped);
        (*case_id, *user_id, *operation, *is_skipped) == of_other
            && (app, opened_at) == (&other.app, &other.opened_at)
    }

    /// The way in which a success closes this case, should it come after the last failure.
    pub(super) fn closed_by(&self, success: &Success) -> Option<ClosedBy> {
        ClosedBy::of(success.operation, self.operation)
            .filter(|_| Some(self.user_id) == success.user_id && self.is_of(&success.app))
    }

    /// Compares apps by id where both have one, and else by name.
    fn is_of(&self, app: &App) -> bool {
        match (self.app.id, app.id) {
            (Some(own), Some(other)) => own == other,
            (None, None) => self.app.name == app.name,
            _ => app.name.is_some() && self.app.name == app.name,
        }
    }
}

/// Builds cases from events in the order of time, at one time successes first.
#[derive(Debug, Default)]
pub(super) struct Cases {
    open: Vec<Open>,
    closed: Vec<Case>,
}

/// A case that nothing has closed yet, and the resolution of its last failure, whose time may come.
#[derive(Debug)]
struct Open {
    case: Case,
    resolution: Option<Resolution>,
}

impl Cases {
    /// Continues from cases that nothing has closed.
    pub(super) fn resume(open: impl IntoIterator<Item = Case>) -> Self {
        let open = open.into_iter().map(|case| Open { case, resolution: None }).collect();
        Self { open, closed: Vec::new() }
    }

    /// Takes in a failure that is nobody's twin.
    pub(super) fn attempt(&mut self, user_id: i64, attempt: &Attempt) {
        self.resolve(Some(attempt.at));
        let Some(open) = self.case_of(user_id, attempt) else {
            let case = Case {
                case_id: attempt.id,
                user_id,
                app: attempt.app.clone(),
                operation: attempt.operation,
                is_skipped: attempt.is_skipped,
                opened_at: attempt.at,
                last_failure_at: attempt.at,
                last_failure_id: attempt.id,
                attempts: i64::from(!attempt.is_skipped),
                fingerprint: attempt.fingerprint.clone(),
                closing: None,
            };
            return self.open.push(Open { case, resolution: attempt.resolution });
        };
        open.resolution = attempt.resolution;
        let case = &mut open.case;
        case.last_failure_at = attempt.at;
        case.last_failure_id = attempt.id;
        case.attempts += i64::from(!attempt.is_skipped);
        case.fingerprint.clone_from(&attempt.fingerprint);
    }

    /// Takes in a success.
    pub(super) fn success(&mut self, success: &Success) {
        self.resolve(Some(success.at));
        let close = |open: &mut Open| {
            let by = open.case.closed_by(success)?;
            let is_later = open.case.last_failure_at < success.at;
            is_later.then_some(Closing { at: success.at, by, is_timed: true })
        };
        self.close(close);
    }

    /// The cases, those that are closed first.
    pub(super) fn end(mut self) -> Vec<Case> {
        self.end_user();
        self.closed
    }

    /// Ends the events of a user.
    pub(super) fn end_user(&mut self) {
        self.resolve(None);
        self.closed.extend(self.open.drain(..).map(|open| open.case));
    }

    /// Cases of users that have ended, so far.
    pub(super) fn ended(&mut self) -> &mut Vec<Case> {
        &mut self.closed
    }

    /// The open case that a failure continues. One with an app id continues a case without, too.
    fn case_of(&mut self, user_id: i64, attempt: &Attempt) -> Option<&mut Open> {
        let is_candidate = |case: &Case| {
            (case.user_id, case.operation, case.is_skipped)
                == (user_id, attempt.operation, attempt.is_skipped)
        };
        let App { id, name } = &attempt.app;
        let same = |case: &Case| match id {
            Some(_) => case.app.id == *id,
            None => case.app.id.is_none() && case.app.name == *name,
        };
        let by_name =
            |case: &Case| case.app.id.is_none() && name.is_some() && case.app.name == *name;
        let place = |fits: &dyn Fn(&Case) -> bool| {
            self.open.iter().position(|open| is_candidate(&open.case) && fits(&open.case))
        };
        let place = place(&same).or_else(|| place(&by_name))?;
        self.open.get_mut(place)
    }

    /// Closes the cases whose last failure is resolved by a time, or at all.
    fn resolve(&mut self, by: Option<DateTime<Utc>>) {
        self.close(|open| {
            let resolution = open.resolution?;
            let has_come = by.is_none_or(|by| resolution.at <= by);
            let Resolution { at, is_timed } = resolution;
            has_come.then_some(Closing { at, by: ClosedBy::Resolution, is_timed })
        });
    }

    fn close(&mut self, closing: impl Fn(&mut Open) -> Option<Closing>) {
        let closed = self.open.extract_if(.., |open| {
            open.case.closing = closing(open);
            open.case.closing.is_some()
        });
        self.closed.extend(closed.map(|open| open.case));
    }
}
