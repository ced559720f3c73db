//! Failures per day and app, by which the last failure of an app is found.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;

use crate::store::bulk::{Columns, Row, Shared, Statement};
use crate::store::facts::event::{App, Attempt};
use crate::store::tx::Tx;

const ADD: Statement = Statement::new(include_str!("../sql/apps_add.sql"));
const DELETE_EMPTY: Statement = Statement::new(include_str!("../sql/apps_delete_empty.sql"));

/// A day of an app: of its id, or of its name if it has none. An empty text is no id, or no name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Key {
    day: NaiveDate,
    app_id: Option<i64>,
    app_name: Option<Arc<str>>,
}

impl Key {
    fn new(day: NaiveDate, app: &App) -> Self {
        let named = || app.name.clone().filter(|name| !name.is_empty());
        Self { day, app_id: app.id, app_name: if app.id.is_none() { named() } else { None } }
    }
}

/// Numbers to add to the failures of apps; negative where failures count no more.
#[derive(Debug, Default)]
pub(super) struct Apps(HashMap<Key, i64>);

impl Apps {
    pub(super) fn attempt(&mut self, attempt: &Attempt, number: i64) {
        if !attempt.is_skipped {
            *self.0.entry(Key::new(attempt.at.date_naive(), &attempt.app)).or_default() += number;
        }
    }

    pub(super) fn retain(&mut self, is_counted: impl Fn(NaiveDate) -> bool) {
        self.0.retain(|key, _| is_counted(key.day));
    }
}

struct StampedKey<'a>(&'a Shared<()>, &'a Key);

impl Row for StampedKey<'_> {
    fn write(&self, columns: &mut impl Columns) {
        let Self(account, Key { day, app_id, app_name }) = self;
        columns.shared_text(account);
        columns.day(*day);
        columns.text(Some(&app_id.map(|id| id.to_string()).unwrap_or_default()));
        columns.text(Some(app_name.as_deref().unwrap_or_default()));
    }
}

struct Counted<'a>(&'a Shared<()>, &'a (Key, i64));

impl Row for Counted<'_> {
    fn write(&self, columns: &mut impl Columns) {
        let Self(account, (key, failures)) = self;
        StampedKey(account, key).write(columns);
        columns.number(Some(*failures));
    }
}

impl Tx {
    /// Adds to the failures of apps. A day without any is deleted.
    pub(super) async fn add_to_apps(
        &mut self,
        account: &Shared<()>,
        apps: Apps,
    ) -> Result<(), sqlx::Error> {
        let mut apps: Vec<(Key, i64)> =
            apps.0.into_iter().filter(|&(_, failures)| failures != 0).collect();
        apps.sort_unstable();
        self.execute_rows(ADD, &apps, |app| Counted(account, app)).await?;
        let reduced: Vec<Key> =
            apps.into_iter().filter(|&(_, failures)| failures < 0).map(|(key, _)| key).collect();
        self.execute_rows(DELETE_EMPTY, &reduced, |key| StampedKey(account, key)).await.map(drop)
    }
}
