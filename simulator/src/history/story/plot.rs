//! The plot of each chapter. Sizes are parts of the failures of a chapter, so that the story of
//! few failures and of a million has the same shape.

use super::calendar::{DAY, HOUR, MINUTE};
use super::chapter::{Draft, Sizes, Task};
use super::errors::{
    CONTRACTORS_APP, DO_NOTHING_APP, LEAVERS, LICENCES, MAPPED_APP, MAPPINGS, OUTAGES, SILENT_APP,
    everyday,
};
use crate::history::failures::Operation;
use crate::history::people::APPS;

/// Days of the chapter on which things begin. The clock of a simulator starts on day 25.
const LIMIT_DAY: i64 = 15;
const SILENT_FROM: i64 = 16;
const CONTRACTORS_DAY: i64 = 20;
const OUTAGE_DAY: i64 = 22;
const CHANGE_DAY: i64 = 23;
/// The day on which the changed mapping is corrected, and most leavers have been dealt with.
const MENDED_DAY: i64 = 27;
const OPERATIONS: [Operation; 10] = [
    Operation::Create,
    Operation::Create,
    Operation::Update,
    Operation::Update,
    Operation::Update,
    Operation::Update,
    Operation::Suspend,
    Operation::Suspend,
    Operation::Reactivate,
    Operation::Delete,
];
/// Attempts that fail at most before one succeeds.
const MOST_ATTEMPTS: u32 = 5;

pub(super) fn write(draft: &mut Draft, sizes: &Sizes) {
    outage(draft, sizes.failures / 10);
    limit_of_licences(draft, sizes.failures / 12);
    changed_mapping(draft, sizes.failures / 16);
    leavers(draft, sizes.failures / 20);
    do_nothing(draft, (sizes.failures / 150).max(1));
    contractors(draft, (sizes.others / 40).min(30));
    while draft.failures.len() < sizes.failures {
        everyday_task(draft);
    }
    while draft.others.len() < sizes.others {
        let (task, at) = (task(draft), draft.calendar.moment(&mut draft.rng));
        draft.done(on(&*draft, task, at), at);
    }
}

/// An app is down for an hour: what is tried meanwhile fails, is tried again, and succeeds later.
fn outage(draft: &mut Draft, failures: usize) {
    let (app, error) = draft.in_turn(&OUTAGES);
    let day = draft.calendar.working_day(OUTAGE_DAY);
    let begins =
        draft.calendar.at(day, draft.rng.i64(9..14) * HOUR + draft.rng.i64(0..50) * MINUTE);
    let (end, first) = (draft.failures.len() + failures, draft.person());
    for count in 0.. {
        if draft.failures.len() >= end {
            break;
        }
        let operation = Some(draft.rng.choice(OPERATIONS).unwrap_or(Operation::Update));
        let task = Task { person: draft.person_after(first, count), app, operation };
        let at = begins + draft.rng.i64(0..HOUR);
        draft.failed(task, at, Some(error));
        let again = at + draft.rng.i64(5 * MINUTE..30 * MINUTE);
        if again < begins + HOUR {
            draft.failed(task, again, Some(error));
        }
        let done = begins + HOUR + draft.rng.i64(0..3 * HOUR);
        draft.done(task, done);
    }
}

/// For two days nobody can be added to an app, until licences are bought.
fn limit_of_licences(draft: &mut Draft, failures: usize) {
    let (app, error) = draft.in_turn(&LICENCES);
    let begins = draft.calendar.at(draft.calendar.working_day(LIMIT_DAY), 8 * HOUR);
    let ends = begins + 2 * DAY;
    let (end, first) = (draft.failures.len() + failures, draft.person());
    for count in 0.. {
        if draft.failures.len() >= end {
            break;
        }
        let person = draft.person_after(first, count);
        let task = Task { person, app, operation: Some(Operation::Create) };
        let mut at = begins + draft.rng.i64(0..36 * HOUR);
        // At most twelve attempts: one in four hours of two days.
        while at < ends {
            draft.failed(task, at, Some(error));
            at += draft.rng.i64(4 * HOUR..12 * HOUR);
        }
        let done = ends + draft.rng.i64(0..4 * HOUR);
        draft.done(task, done);
    }
}

/// A mapping was changed: from then on an app refuses every update and creation, with an error that
/// is new, until the mapping is corrected.
fn changed_mapping(draft: &mut Draft, failures: usize) {
    let error = draft.in_turn(&MAPPINGS);
    let begins = draft.calendar.at(draft.calendar.working_day(CHANGE_DAY), 13 * HOUR);
    let ends = draft.calendar.at(MENDED_DAY, 14 * HOUR);
    let first = draft.person();
    for count in 0..failures as u64 {
        let operation = if draft.rng.u8(..4) == 0 { Operation::Create } else { Operation::Update };
        let person = draft.person_after(first, count);
        let task = Task { person, app: MAPPED_APP, operation: Some(operation) };
        let at = begins + draft.rng.i64(0..ends - begins);
        draft.failed(task, at, Some(error));
        let done = ends + draft.rng.i64(0..6 * HOUR);
        draft.done(task, done);
    }
}

/// People leave. Most apps suspend them at once, but one refuses until a person acts, which takes
/// days; some are forgotten.
fn leavers(draft: &mut Draft, failures: usize) {
    let end = draft.failures.len() + failures.max(1);
    while draft.failures.len() < end {
        let person = draft.person();
        let (app, error) = LEAVERS[draft.rng.usize(..LEAVERS.len())];
        let leaves = draft.calendar.working_day(draft.rng.i64(3..25));
        let mut at = draft.calendar.at(leaves, 16 * HOUR + draft.rng.i64(0..2 * HOUR));
        let suspend = |app| Task { person, app, operation: Some(Operation::Suspend) };
        for other in (0..APPS.len()).filter(|&other| other != app && other != DO_NOTHING_APP) {
            let (is_member, minutes) = (draft.rng.u8(..3) == 0, draft.rng.i64(0..20));
            if is_member && other != SILENT_APP {
                draft.done(suspend(other), at + minutes * MINUTE);
            }
        }
        for _ in 0..draft.rng.u32(2..6) {
            draft.failed(suspend(app), at, Some(error));
            at += DAY + draft.rng.i64(0..30 * MINUTE);
        }
        let fate = draft.rng.u8(..6);
        let soon = at + draft.rng.i64(0..3 * DAY);
        let later = draft.calendar.at(MENDED_DAY, draft.rng.i64(8 * HOUR..16 * HOUR));
        match fate {
            0 => {} // Forgotten.
            1 => draft.done(suspend(app), soon),
            2 => {
                let delete = Task { operation: Some(Operation::Delete), ..suspend(app) };
                draft.done(delete, soon);
            }
            _ => draft.done(suspend(app), later.max(at)),
        }
    }
}

/// People leave an app that is set to do nothing: they keep their accounts.
fn do_nothing(draft: &mut Draft, people: usize) {
    for _ in 0..people {
        let (person, operation) = (draft.person(), Some(Operation::Suspend));
        let at = draft.calendar.moment(&mut draft.rng);
        draft.skipped(Task { person, app: DO_NOTHING_APP, operation }, at);
    }
}

/// The contracts of many people end on one day, and nearly all lose an app within an hour.
fn contractors(draft: &mut Draft, people: usize) {
    let day = draft.calendar.working_day(CONTRACTORS_DAY);
    let first = draft.person();
    for count in 0..people as u64 {
        let person = draft.person_after(first, count);
        let task = Task { person, app: CONTRACTORS_APP, operation: Some(Operation::Suspend) };
        let at = draft.calendar.at(day, 15 * HOUR + draft.rng.i64(0..50 * MINUTE));
        draft.done(task, at);
    }
}

/// An operation that fails, is tried again, and succeeds in the end, or nearly always.
fn everyday_task(draft: &mut Draft) {
    let mut at = draft.calendar.moment(&mut draft.rng);
    let mut drawn = task(draft);
    if draft.rng.u8(..30) == 0 {
        drawn.operation = None;
    }
    let task = on(draft, drawn, at);
    let mut attempts = 1;
    while attempts < MOST_ATTEMPTS && draft.rng.u8(..5) < 2 {
        attempts += 1;
    }
    let error = if task.operation.is_some() { everyday(task.app, &mut draft.rng) } else { None };
    for _ in 0..attempts {
        draft.failed(task, at, error);
        at += draft.rng.i64(20 * MINUTE..9 * HOUR);
    }
    let is_given_up = draft.rng.u8(..12) == 0;
    let is_leaver = matches!(task.operation, Some(Operation::Suspend | Operation::Delete));
    if !is_given_up || is_leaver {
        draft.done(task, at);
    }
}

/// Any operation of any person: the apps that stand first in the list have most.
fn task(draft: &mut Draft) -> Task {
    let app = draft.rng.usize(..APPS.len()).min(draft.rng.usize(..APPS.len()));
    let operation = OPERATIONS[draft.rng.usize(..OPERATIONS.len())];
    Task { person: draft.person(), app, operation: Some(operation) }
}

/// A task as it is at a moment: an app whose connector is switched off has none, and nobody is
/// suspended in one that is set to do nothing.
fn on(draft: &Draft, task: Task, at: i64) -> Task {
    let is_silent = task.app == SILENT_APP && at >= draft.calendar.at(SILENT_FROM, 0);
    let is_leaver = matches!(task.operation, Some(Operation::Suspend | Operation::Delete));
    let is_nothing = task.app == DO_NOTHING_APP && is_leaver;
    if is_silent || is_nothing { Task { app: 0, ..task } } else { task }
}
