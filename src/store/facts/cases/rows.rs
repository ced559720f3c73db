//! The rows of cases, and the keys by which they and their events are found.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::model::Operation;
use crate::store::bulk::{Columns, Row, Shared};
use crate::store::facts::case::{Case, ClosedBy, Closing};
use crate::store::facts::event::{App, Interned};
use crate::store::value::{Id, Time};

/// The columns of a case.
pub(super) type CaseRow = (
    Id,
    i64,
    Option<i64>,
    Option<String>,
    String,
    bool,
    Time,
    Time,
    Id,
    i64,
    Option<String>,
    Option<Time>,
    Option<String>,
    bool,
);

pub(super) fn case(row: &CaseRow, texts: &mut Interned) -> Case {
    let (case_id, user_id, app_id, app_name, operation, is_skipped, opened_at, last_failure_at, ..) =
        row;
    let (.., last_failure_id, attempts, fingerprint, resolved_at, resolved_by, is_timed) = row;
    let closing = resolved_at.zip(resolved_by.as_deref()).map(|(at, by)| Closing {
        at: at.0,
        by: ClosedBy::from_stored(by),
        is_timed: *is_timed,
    });
    Case {
        case_id: case_id.0,
        user_id: *user_id,
        app: App { id: *app_id, name: app_name.as_deref().map(|name| texts.get(name)) },
        operation: Operation::from_stored(operation),
        is_skipped: *is_skipped,
        opened_at: opened_at.0,
        last_failure_at: last_failure_at.0,
        last_failure_id: last_failure_id.0,
        attempts: *attempts,
        fingerprint: fingerprint.as_deref().map(|text| texts.get(text)),
        closing,
    }
}

pub(super) struct StampedCase<'a>(pub(super) &'a Shared<()>, pub(super) &'a Case);

impl Row for StampedCase<'_> {
    fn write(&self, columns: &mut impl Columns) {
        let Self(account, case) = self;
        columns.shared_text(account);
        columns.id(Some(case.case_id));
        columns.number(Some(case.user_id));
        columns.number(case.app.id);
        columns.text(case.app.name.as_deref());
        columns.text(Some(case.operation.as_str()));
        columns.flag(Some(case.is_skipped));
        columns.time(Some(case.opened_at));
        write_end(case, columns);
    }
}

/// The columns of a case that later events change.
fn write_end(case: &Case, columns: &mut impl Columns) {
    columns.time(Some(case.last_failure_at));
    columns.id(Some(case.last_failure_id));
    columns.number(Some(case.attempts));
    columns.text(case.fingerprint.as_deref());
    columns.time(case.closing.map(|closing| closing.at));
    columns.text(case.closing.map(|closing| closing.by.as_str()));
    columns.flag(Some(case.closing.is_none_or(|closing| closing.is_timed)));
}

pub(super) struct AdvancedCase<'a>(pub(super) &'a Shared<()>, pub(super) &'a Case);

impl Row for AdvancedCase<'_> {
    fn write(&self, columns: &mut impl Columns) {
        let Self(account, case) = self;
        columns.shared_text(account);
        columns.id(Some(case.case_id));
        write_end(case, columns);
    }
}

pub(super) struct CaseKey<'a>(pub(super) &'a Shared<()>, pub(super) Uuid);

impl Row for CaseKey<'_> {
    fn write(&self, columns: &mut impl Columns) {
        columns.shared_text(self.0);
        columns.id(Some(self.1));
    }
}

pub(super) struct Since<'a>(pub(super) &'a Shared<()>, pub(super) &'a (i64, DateTime<Utc>));

impl Row for Since<'_> {
    fn write(&self, columns: &mut impl Columns) {
        columns.shared_text(self.0);
        columns.number(Some(self.1.0));
        columns.time(Some(self.1.1));
    }
}

pub(super) struct UnitKey<'a>(pub(super) &'a Shared<()>, pub(super) &'a (i64, Operation));

impl Row for UnitKey<'_> {
    fn write(&self, columns: &mut impl Columns) {
        columns.shared_text(self.0);
        columns.number(Some(self.1.0));
        columns.text(Some(self.1.1.as_str()));
    }
}

pub(super) struct UnitSince<'a>(
    pub(super) &'a Shared<()>,
    pub(super) &'a ((i64, Operation), DateTime<Utc>),
);

impl Row for UnitSince<'_> {
    fn write(&self, columns: &mut impl Columns) {
        UnitKey(self.0, &self.1.0).write(columns);
        columns.time(Some(self.1.1));
    }
}

/// A user, an operation and an app.
pub(super) type OfApp<'a> = (i64, Operation, &'a App);

pub(super) struct AppSince<'a>(
    pub(super) &'a Shared<()>,
    pub(super) &'a (OfApp<'a>, DateTime<Utc>),
);

impl Row for AppSince<'_> {
    fn write(&self, columns: &mut impl Columns) {
        let Self(account, ((user_id, operation, app), at)) = self;
        UnitKey(account, &(*user_id, *operation)).write(columns);
        columns.number(app.id);
        columns.text(app.name.as_deref());
        columns.time(Some(*at));
    }
}
