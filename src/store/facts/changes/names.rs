//! Names in errors that the record of the failure does not give, but another record of its user or the users
//! API does.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::sync::Arc;

use super::super::event::{Attempt, Event, EventRow};
use super::super::fingerprints::Fingerprints;
use super::super::rebuild::Built;
use super::Changes;
use crate::model::{Failure, TextArena};
use crate::normalize::error_text::{ErrorText, KnownNames};
use crate::store::bulk::{Columns, Row, Shared, Statement};
use crate::store::tx::Tx;
use crate::store::value::Id;
use crate::store::{Error, failed, on_either};

const NAMES: Statement = Statement::new(include_str!("../sql/names_of_users.sql"));
const TEXTS: Statement = Statement::new(include_str!("../sql/texts_of_errors.sql"));
const ERRORS: Statement = Statement::new(include_str!("../sql/errors_of_users.sql"));
const ATTEMPTS: Statement = Statement::new(include_str!("../sql/attempts_of_errors.sql"));

/// Errors that are checked at once: the names of as many users take a megabyte.
const AT_ONCE: usize = 5_000;

/// A user, and the fingerprint of an error of theirs.
pub(in crate::store::facts) type UserError = (i64, Arc<str>);

/// The names of a user.
pub(super) type Names = Vec<Box<str>>;

/// A user's id, name, e-mail address, login, first and last name.
type NamesRow =
    (i64, Option<String>, Option<String>, Option<String>, Option<String>, Option<String>);

struct OfUser<'a>(&'a Shared<()>, i64);

impl Row for OfUser<'_> {
    fn write(&self, columns: &mut impl Columns) {
        columns.shared_text(self.0);
        columns.number(Some(self.1));
    }
}

struct OfError<'a>(&'a Shared<()>, &'a str);

impl Row for OfError<'_> {
    fn write(&self, columns: &mut impl Columns) {
        columns.shared_text(self.0);
        columns.text(Some(self.1));
    }
}

struct OfUserError<'a>(&'a Shared<()>, &'a UserError);

impl Row for OfUserError<'_> {
    fn write(&self, columns: &mut impl Columns) {
        let Self(account, (user_id, fingerprint)) = self;
        columns.shared_text(account);
        columns.number(Some(*user_id));
        columns.text(Some(fingerprint));
    }
}

impl Changes {
    /// Notes the names that failures give of their users.
    pub(super) fn note_names(&mut self, failures: &[Failure], texts: &TextArena) {
        for person in failures.iter().filter_map(|failure| failure.person.as_ref()) {
            let known = self.names.entry(person.user_id).or_default();
            let profile = person.profile.as_ref();
            let of_profile = profile.into_iter().flat_map(|profile| {
                [profile.email, profile.username, profile.firstname, profile.lastname]
            });
            for name in [person.display_name].into_iter().chain(of_profile).flatten() {
                add(known, texts.get(name));
            }
        }
    }

    /// Notes the names that are stored of the users of a window, too. They must not be written yet.
    pub(in crate::store) async fn note_stored_names(
        &mut self,
        tx: &mut Tx,
        account: &Shared<()>,
    ) -> Result<(), Error> {
        let users: Vec<i64> = self.names.keys().copied().collect();
        let stored =
            tx.names_of(account, &users).await.map_err(failed("reading the names of users"))?;
        for (user_id, stored) in stored {
            let known = self.names.entry(user_id).or_default();
            if !known.iter().all(|name| stored.contains(name)) {
                self.renamed_users.push(user_id);
            }
            for name in &stored {
                add(known, name);
            }
        }
        Ok(())
    }

    /// Replaces the names of a window's users in the errors of their failures there, and in all of their errors if
    /// the window gives other names than those that are stored. The rows of the window must be written.
    pub(super) async fn replace_names(
        &mut self,
        tx: &mut Tx,
        account: &Shared<()>,
    ) -> Result<(), sqlx::Error> {
        let mut errors: HashSet<UserError> = self
            .attempts
            .after()
            .filter_map(|attempt| attempt.user_id.zip(attempt.fingerprint.clone()))
            .collect();
        errors.extend(tx.errors_of_users(account, &self.renamed_users).await?);
        let errors: Vec<UserError> = errors.into_iter().collect();
        let names = mem::take(&mut self.names);
        self.replace_names_in(tx, account, &errors, &names).await
    }

    /// Replaces names of users in these errors of theirs, and notes the failures that this changes.
    async fn replace_names_in(
        &mut self,
        tx: &mut Tx,
        account: &Shared<()>,
        errors: &[UserError],
        names: &HashMap<i64, Names>,
    ) -> Result<(), sqlx::Error> {
        let replaced = tx.without_names(account, errors, names, &self.fingerprints).await?;
        let keys: Vec<&UserError> = replaced.keys().copied().collect();
        let rows: Vec<EventRow> =
            tx.fetch_rows(ATTEMPTS, &keys, |&error| OfUserError(account, error)).await?;
        let mut filled: Vec<(Id, ErrorText)> = Vec::with_capacity(rows.len());
        for row in &rows {
            let Event::Attempt(before) = Event::read(row, &mut self.texts) else { continue };
            let of = before.user_id.zip(before.fingerprint.clone());
            let Some(error) = of.and_then(|of| replaced.get(&of)) else { continue };
            let fingerprint = self.texts.get(&error.fingerprint);
            self.fingerprints.note(&fingerprint, error, before.at);
            filled.push((Id(before.id), error.clone()));
            let after = Attempt { fingerprint: Some(fingerprint), ..before.clone() };
            self.attempts.change(before.id, Some(Box::new(before)), after);
        }
        tx.fill(account, &filled).await
    }
}

impl Tx {
    /// Replaces the stored names of users in these errors of theirs, and brings cases and counts up to date.
    pub(in crate::store::facts) async fn replace_names(
        &mut self,
        (account, name): (&Shared<()>, &str),
        errors: HashSet<UserError>,
        built: Built,
    ) -> Result<(), sqlx::Error> {
        // Those of one user are neighbours, so that a few names are read at once.
        let mut errors: Vec<UserError> = errors.into_iter().collect();
        errors.sort_unstable_by_key(|(user_id, _)| *user_id);
        self.continue_by_key().await?;
        let mut changes = Changes::default();
        for some in errors.chunks(AT_ONCE) {
            let names = self.names_between(name, some[0].0, some[some.len() - 1].0).await?;
            changes.replace_names_in(self, account, some, &names).await?;
        }
        changes.apply(self, (account, name), built).await
    }

    /// Replaces the stored names of users in all of their errors, unless a rebuild is about to do it. The account
    /// must be locked.
    pub(in crate::store) async fn replace_names_of(
        &mut self,
        account: &str,
        users: &[i64],
    ) -> Result<(), sqlx::Error> {
        let (built, _) = self.built(account).await?;
        if built == Built::Nothing || users.is_empty() {
            return Ok(());
        }
        let stamp = &Shared::text(account);
        let errors = self.errors_of_users(stamp, users).await?;
        let names = self.names_of(stamp, users).await?;
        let mut changes = Changes::default();
        changes.replace_names_in(self, stamp, &errors, &names).await?;
        changes.apply(self, (stamp, account), built).await
    }

    async fn names_of(
        &mut self,
        account: &Shared<()>,
        users: &[i64],
    ) -> Result<HashMap<i64, Names>, sqlx::Error> {
        let rows: Vec<NamesRow> =
            self.fetch_rows(NAMES, users, |&user_id| OfUser(account, user_id)).await?;
        Ok(rows.into_iter().map(names).collect())
    }

    async fn names_between(
        &mut self,
        account: &str,
        first_user: i64,
        last_user: i64,
    ) -> Result<HashMap<i64, Names>, sqlx::Error> {
        let rows: Vec<NamesRow> = on_either!(Tx, self, tx => sqlx::query_as(include_str!("../sql/names_between.sql"))
                .bind(account)
                .bind(first_user)
                .bind(last_user)
                .persistent(false)
                .fetch_all(&mut **tx)
                .await)?;
        Ok(rows.into_iter().map(names).collect())
    }

    async fn errors_of_users(
        &mut self,
        account: &Shared<()>,
        users: &[i64],
    ) -> Result<Vec<UserError>, sqlx::Error> {
        let errors: Vec<(i64, String)> =
            self.fetch_rows(ERRORS, users, |&user_id| OfUser(account, user_id)).await?;
        Ok(errors.into_iter().map(|(user_id, error)| (user_id, error.into())).collect())
    }

    /// Finds those errors of users whose text has a name of the user, and what they are without it.
    async fn without_names<'e>(
        &mut self,
        account: &Shared<()>,
        errors: &'e [UserError],
        names: &HashMap<i64, Names>,
        known: &Fingerprints,
    ) -> Result<HashMap<&'e UserError, ErrorText>, sqlx::Error> {
        let fingerprints: HashSet<&str> = errors.iter().map(|(_, error)| &**error).collect();
        let unknown: Vec<&str> =
            fingerprints.into_iter().filter(|&error| known.text(error).is_none()).collect();
        let stored: Vec<(String, String)> =
            self.fetch_rows(TEXTS, &unknown, |&error| OfError(account, error)).await?;
        let stored: HashMap<&str, &str> =
            stored.iter().map(|(error, text)| (&**error, &**text)).collect();
        let names: HashMap<i64, KnownNames<'_>> = names
            .iter()
            .map(|(&user_id, names)| {
                (user_id, KnownNames::new(names.iter().map(|name| &**name).collect()))
            })
            .collect();
        let replaced = errors.iter().filter_map(|error| {
            let (user_id, fingerprint) = error;
            let text = known.text(fingerprint).or_else(|| stored.get(&**fingerprint).copied())?;
            let replaced = ErrorText::without(text, names.get(user_id)?)?;
            (replaced.fingerprint != **fingerprint).then_some((error, replaced))
        });
        Ok(replaced.collect())
    }
}

fn names((user_id, display_name, email, username, firstname, lastname): NamesRow) -> (i64, Names) {
    let names = [display_name, email, username, firstname, lastname];
    (user_id, names.into_iter().flatten().map(String::into_boxed_str).collect())
}

fn add(known: &mut Names, name: &str) {
    if !known.iter().any(|known| **known == *name) {
        known.push(name.into());
    }
}
