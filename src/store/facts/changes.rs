//! The failures and successes that a window changes, and what follows from them.

mod names;

use std::collections::HashMap;
use std::mem;

use uuid::Uuid;

use super::cases::Changed;
use super::days::Days;
use super::error_texts;
use super::event::{App, Attempt, Event, EventRow, Interned, Resolution, Success};
use super::fingerprints::Fingerprints;
use super::rebuild::Built;
use super::twins::group_of;
use crate::model::{self, Failure, Origin, Outcome, TextArena};
use crate::store::bulk::{Columns, Row, Shared, Statement};
use crate::store::tx::Tx;
use crate::store::{Error, failed, on_either};

use names::Names;
pub(super) use names::UserError;

const ATTEMPTS: Statement = Statement::new(include_str!("sql/attempts_by_id.sql"));
const SUCCESSES: Statement = Statement::new(include_str!("sql/successes_by_id.sql"));

/// New and changed rows that a window may have to bring facts up to date by itself; for more of them, building
/// all again was measured as cheaper. About 150 bytes each.
const MOST_CHANGES: usize = 20_000;

const DOING: &str = "bringing cases and counts up to date";

/// The changes of a window.
#[derive(Debug, Default)]
pub(in crate::store) struct Changes {
    texts: Interned,
    fingerprints: Fingerprints,
    attempts: Noted<Attempt>,
    successes: Noted<Success>,
    /// The names of the window's users, and of these what is stored.
    names: HashMap<i64, Names>,
    /// Stored users of whom the window gives other names.
    renamed_users: Vec<i64>,
    /// There are more than are remembered.
    are_many: bool,
}

/// Rows of a window. A new one has no value before, and needs no place in a map until the end: half of the memory.
#[derive(Debug)]
struct Noted<T> {
    /// Batch by batch: one list would be copied each time that it is full.
    new: Vec<Box<[T]>>,
    changed: HashMap<Uuid, Changed<T>>,
}

impl<T> Default for Noted<T> {
    fn default() -> Self {
        Self { new: Vec::new(), changed: HashMap::new() }
    }
}

impl<T> Noted<T> {
    fn len(&self) -> usize {
        self.new.iter().map(|batch| batch.len()).sum::<usize>() + self.changed.len()
    }

    /// The rows as they are now.
    fn after(&self) -> impl Iterator<Item = &T> {
        let changed = self.changed.values().filter_map(|(_, after)| after.as_deref());
        self.new.iter().flatten().chain(changed)
    }

    /// Notes a change. Only the value before the first of several changes counts.
    fn change(&mut self, id: Uuid, before: Option<Box<T>>, after: T) {
        self.changed.entry(id).or_insert((before, None)).1 = Some(Box::new(after));
    }

    /// Takes out all rows. One that was new and changed after that has no value before.
    fn take(&mut self, id: impl Fn(&T) -> Uuid) -> HashMap<Uuid, Changed<T>> {
        let Self { new, changed } = mem::take(self);
        let new = new.into_iter().flatten().map(|row| (id(&row), (None, Some(Box::new(row)))));
        let mut all: HashMap<_, Changed<T>> = new.collect();
        for (id, (before, after)) in changed {
            all.entry(id).or_insert((before, None)).1 = after;
        }
        all
    }
}

struct Key<'a>(&'a Shared<()>, Uuid);

impl Row for Key<'_> {
    fn write(&self, columns: &mut impl Columns) {
        columns.shared_text(self.0);
        columns.id(Some(self.1));
    }
}

impl Changes {
    /// Forgets the window. What is known of errors stays.
    pub(in crate::store) fn clear(&mut self) {
        self.fingerprints.clear();
        self.forget();
        self.are_many = false;
    }

    /// Checks that nothing can follow from the window.
    pub(in crate::store) fn is_empty(&self) -> bool {
        self.attempts.len() + self.successes.len() == 0 && !self.are_many
    }

    /// Gives new and changed failures the fingerprints of their errors.
    pub(in crate::store) fn fingerprint(&mut self, failures: &mut [Failure], texts: &TextArena) {
        self.fingerprints.fill(failures, texts);
    }

    /// Notes failures that are not stored yet.
    pub(in crate::store) fn add_failures(
        &mut self,
        origin: &Origin,
        failures: &[Failure],
        texts: &TextArena,
    ) {
        if self.makes_room(failures.len()) {
            let interned = &mut self.texts;
            let new = failures.iter().map(|failure| attempt(origin, failure, texts, interned));
            self.attempts.new.push(new.collect());
            self.note_names(failures, texts);
        }
    }

    /// Notes failures that are stored with other content, which they still have.
    pub(in crate::store) async fn change_failures(
        &mut self,
        tx: &mut Tx,
        (account, origin): (&Shared<()>, &Origin),
        failures: &[Failure],
        texts: &TextArena,
    ) -> Result<(), Error> {
        if failures.is_empty() || !self.makes_room(failures.len()) {
            return Ok(());
        }
        self.note_names(failures, texts);
        let rows: Vec<EventRow> = tx
            .fetch_rows(ATTEMPTS, failures, |failure| Key(account, failure.failure_id))
            .await
            .map_err(failed(DOING))?;
        let mut stored = HashMap::new();
        for row in rows {
            if let Event::Attempt(attempt) = Event::read(&row, &mut self.texts) {
                stored.insert(attempt.id, attempt);
            }
        }
        for failure in failures {
            let before = stored.remove(&failure.failure_id).map(Box::new);
            let mut after = attempt(origin, failure, texts, &mut self.texts);
            after.twin_of = before.as_ref().and_then(|before| before.twin_of);
            self.attempts.change(failure.failure_id, before, after);
        }
        Ok(())
    }

    /// Notes successes that are not stored yet.
    pub(in crate::store) fn add_successes(
        &mut self,
        successes: &[model::Success],
        texts: &TextArena,
    ) {
        if self.makes_room(successes.len()) {
            let interned = &mut self.texts;
            let new = successes.iter().map(|success| success_of(success, texts, interned));
            self.successes.new.push(new.collect());
        }
    }

    /// Notes successes that are stored with other content, which they still have.
    pub(in crate::store) async fn change_successes(
        &mut self,
        tx: &mut Tx,
        account: &Shared<()>,
        successes: &[model::Success],
        texts: &TextArena,
    ) -> Result<(), Error> {
        if successes.is_empty() || !self.makes_room(successes.len()) {
            return Ok(());
        }
        let rows: Vec<EventRow> = tx
            .fetch_rows(SUCCESSES, successes, |success| Key(account, success.success_id))
            .await
            .map_err(failed(DOING))?;
        let mut stored = HashMap::new();
        for row in rows {
            if let Event::Success(success) = Event::read(&row, &mut self.texts) {
                stored.insert(success.id, success);
            }
        }
        for success in successes {
            let before = stored.remove(&success.success_id).map(Box::new);
            let after = success_of(success, texts, &mut self.texts);
            self.successes.change(success.success_id, before, after);
        }
        Ok(())
    }

    /// Counts further changes, and forgets all of them if there are too many.
    fn makes_room(&mut self, further: usize) -> bool {
        self.are_many |= self.attempts.len() + self.successes.len() + further > MOST_CHANGES;
        if self.are_many {
            self.forget();
        }
        !self.are_many
    }

    fn forget(&mut self) {
        (self.attempts, self.successes) = <_>::default();
        self.texts = Interned::default();
        (self.names, self.renamed_users) = <_>::default();
    }

    /// Brings twins, cases, texts and days up to date with the rows of the window, which are written. The
    /// account must be locked.
    pub(in crate::store) async fn keep(
        &mut self,
        tx: &mut Tx,
        account: &Shared<()>,
        origin: &Origin,
    ) -> Result<(), Error> {
        if self.are_many {
            tx.note_rebuild(&origin.account).await.map_err(failed("noting a rebuild"))?;
        }
        let (kept, _) = tx.built(&origin.account).await.map_err(failed(DOING))?;
        if kept != Built::Nothing {
            // A first load may have dropped them.
            tx.make_indexes_of_records().await.map_err(failed(DOING))?;
        }
        self.follow(tx, account, (origin, kept)).await.map_err(failed(DOING))
    }

    async fn follow(
        &mut self,
        tx: &mut Tx,
        account: &Shared<()>,
        (origin, built): (&Origin, Built),
    ) -> Result<(), sqlx::Error> {
        if built != Built::Nothing {
            self.replace_names(tx, account).await?;
        }
        if built != Built::All {
            tx.remember_texts(account, &self.fingerprints).await?;
        }
        if self.is_empty() || self.are_many {
            return Ok(());
        }
        if tx.has_other_source(origin).await? {
            self.pair(tx, account).await?;
        }
        self.apply(tx, (account, &origin.account), built).await
    }

    /// Brings cases, texts and days up to date with what is noted.
    pub(super) async fn apply(
        &mut self,
        tx: &mut Tx,
        (account, name): (&Shared<()>, &str),
        built: Built,
    ) -> Result<(), sqlx::Error> {
        let attempts: Vec<Changed<Attempt>> = self
            .attempts
            .take(|attempt| attempt.id)
            .into_values()
            .map(|change| counted(change, |attempt| built.counts(attempt)))
            .collect();
        let successes: Vec<Changed<Success>> = self
            .successes
            .take(|success| success.id)
            .into_values()
            .map(|change| counted(change, |success| built.includes(success.user_id)))
            .collect();
        let (mut days, mut errors) = (Days::default(), error_texts::TextChanges::default());
        for (before, after) in attempts.iter().filter(|(before, after)| before != after) {
            if let Some(attempt) = before {
                days.attempt(attempt, -1);
                errors.remove(attempt);
            }
            if let Some(attempt) = after {
                days.attempt(attempt, 1);
                errors.add(attempt);
            }
        }
        for (before, after) in successes.iter().filter(|(before, after)| before != after) {
            if let Some(success) = before {
                days.success(success, -1);
            }
            if let Some(success) = after {
                days.success(success, 1);
            }
        }
        tx.change_cases(account, &attempts, &successes, &mut self.texts, &mut days).await?;
        days.retain(|day| built.includes_day(day));
        tx.add_to_days(account, days).await?;
        tx.change_texts((account, name), errors, self.fingerprints.texts(), built).await
    }

    /// Pairs the failures around those that changed, and notes whose twins they are now.
    async fn pair(&mut self, tx: &mut Tx, account: &Shared<()>) -> Result<(), sqlx::Error> {
        let before = self.attempts.changed.values().filter_map(|(before, _)| before.as_deref());
        let changed = self.attempts.after().chain(before);
        let changed: Vec<_> = changed.map(|attempt| (group_of(attempt), attempt.at)).collect();
        let links = tx.pair_around(account, changed, &mut self.texts).await?;
        let stored: Vec<_> =
            links.iter().map(|(attempt, twin_of)| (attempt.id, *twin_of)).collect();
        tx.link_twins(account, &stored).await?;
        for (before, twin_of) in links {
            let after = Attempt { twin_of, ..before.clone() };
            self.attempts.change(before.id, Some(Box::new(before)), after);
        }
        Ok(())
    }
}

/// The values of a change that count.
fn counted<T>((before, after): Changed<T>, counts: impl Fn(&T) -> bool) -> Changed<T> {
    (before.filter(|row| counts(row)), after.filter(|row| counts(row)))
}

fn attempt(origin: &Origin, failure: &Failure, arena: &TextArena, texts: &mut Interned) -> Attempt {
    let app_name = failure.app_name.map(|name| texts.get(arena.get(name)));
    let model::Resolution { solved, resolved_at, .. } = failure.resolution;
    Attempt {
        id: failure.failure_id,
        source: texts.get(origin.source.as_str()),
        user_id: failure.person.as_ref().map(|person| person.user_id),
        operation: failure.operation,
        is_skipped: failure.outcome == Outcome::Skipped,
        app: App { id: failure.app_id, name: app_name },
        at: failure.created_at,
        fingerprint: failure.error_fingerprint.clone(),
        resolution: Resolution::of(solved, resolved_at, failure.created_at),
        twin_of: None,
    }
}

fn success_of(success: &model::Success, arena: &TextArena, texts: &mut Interned) -> Success {
    let app_name = success.app_name.map(|name| texts.get(arena.get(name)));
    Success {
        id: success.success_id,
        user_id: success.user_id,
        operation: success.operation,
        app: App { id: success.app_id, name: app_name },
        at: success.created_at,
    }
}

impl Tx {
    /// Checks whether another source of this account was read.
    async fn has_other_source(&mut self, origin: &Origin) -> Result<bool, sqlx::Error> {
        let (first, last) = self.sources_read(&origin.account).await?;
        Ok([first, last].iter().flatten().any(|source| source != origin.source.as_str()))
    }

    /// The first and the last name of the sources that were read.
    pub(super) async fn sources_read(
        &mut self,
        account: &str,
    ) -> Result<(Option<String>, Option<String>), sqlx::Error> {
        on_either!(Tx, self, tx => sqlx::query_as(include_str!("sql/sources.sql"))
            .bind(account)
            .fetch_one(&mut **tx)
            .await)
    }
}
