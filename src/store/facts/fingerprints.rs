//! The fingerprints of errors: of failures that are written, and of those that an earlier version wrote.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::error_texts::NewText;
use crate::model::{Failure, Outcome, TextArena};
use crate::normalize::error_text::{ErrorText, ErrorTexts, in_sentence};
use crate::store::bulk::{Columns, Row, Shared, Statement};
use crate::store::on_either;
use crate::store::tx::Tx;
use crate::store::value::Id;

const FILL: Statement = Statement::new(include_str!("sql/fingerprints_fill.sql"));

/// Errors that are remembered at once, about 600 bytes each: an account has some hundreds.
const MOST_TEXTS: usize = 10_000;

/// A failure's id, error and sentence, and its user's names.
pub(super) type Named = (
    Id,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
);

/// The error of a stored failure, without the names that are known of its user.
pub(super) fn normalised(failure: &Named) -> ErrorText {
    let (_, error, sentence, display_name, email, username, firstname, lastname) = failure;
    let name = sentence.as_deref().and_then(in_sentence);
    let names = [display_name, email, username, firstname, lastname].map(Option::as_deref);
    let names: Vec<&str> = names.into_iter().chain([name]).flatten().collect();
    ErrorText::of(error.as_deref(), &names)
}

/// Gives failures their fingerprints, and remembers the texts of those of a window.
#[derive(Debug, Default)]
pub(in crate::store) struct Fingerprints {
    cache: ErrorTexts,
    texts: HashMap<Arc<str>, ErrorText>,
    /// The failure that each text was seen in first.
    seen_at: HashMap<Arc<str>, DateTime<Utc>>,
}

impl Fingerprints {
    /// Sets the fingerprints of failures that are about to be written.
    pub(in crate::store) fn fill(&mut self, failures: &mut [Failure], arena: &TextArena) {
        // A skipped attempt has no error.
        let failed = failures.iter_mut().filter(|failure| failure.outcome == Outcome::Failed);
        for failure in failed {
            let error = failure.error_description.map(|text| arena.get(text));
            let person = failure.person.as_ref();
            let profile = person.and_then(|person| person.profile.as_ref());
            let sentence = failure.description.map(|text| arena.get(text));
            let names = [
                person.and_then(|person| person.display_name),
                profile.and_then(|profile| profile.email),
                profile.and_then(|profile| profile.username),
                profile.and_then(|profile| profile.firstname),
                profile.and_then(|profile| profile.lastname),
            ];
            let names = names.into_iter().flatten().map(|name| arena.get(name));
            let (mut known, mut count) = ([""; 6], 0);
            for name in names.chain(sentence.and_then(in_sentence)) {
                // Each takes time, and the sentence mostly has the name that the record has.
                if !known[..count].contains(&name) {
                    known[count] = name;
                    count += 1;
                }
            }
            let error = self.cache.of(error, &known[..count]);
            if let Some((fingerprint, _)) = self.texts.get_key_value(error.fingerprint.as_str()) {
                failure.error_fingerprint = Some(Arc::clone(fingerprint));
                continue;
            }
            if self.texts.len() >= MOST_TEXTS {
                // A text that is not there is made again from a stored failure.
                (self.texts, self.seen_at) = <_>::default();
            }
            let fingerprint: Arc<str> = error.fingerprint.as_str().into();
            self.texts.insert(Arc::clone(&fingerprint), error.clone());
            self.seen_at.insert(Arc::clone(&fingerprint), failure.created_at);
            failure.error_fingerprint = Some(fingerprint);
        }
    }

    /// Remembers the text of a failure.
    pub(super) fn note(&mut self, fingerprint: &Arc<str>, error: &ErrorText, at: DateTime<Utc>) {
        self.texts.entry(Arc::clone(fingerprint)).or_insert_with(|| error.clone());
        self.seen_at.entry(Arc::clone(fingerprint)).or_insert(at);
    }

    /// The text of a fingerprint, if this window has it.
    pub(super) fn text(&self, fingerprint: &str) -> Option<&str> {
        self.texts.get(fingerprint).map(|error| error.text.as_str())
    }

    /// The texts of this window.
    pub(super) fn texts(&self) -> &HashMap<Arc<str>, ErrorText> {
        &self.texts
    }

    pub(super) fn clear(&mut self) {
        self.texts.clear();
        self.seen_at.clear();
    }
}

struct Filled<'a>(&'a Shared<()>, &'a (Id, ErrorText));

impl Row for Filled<'_> {
    fn write(&self, columns: &mut impl Columns) {
        let Self(account, (id, error)) = self;
        columns.shared_text(account);
        columns.id(Some(id.0));
        columns.text(Some(&error.fingerprint));
    }
}

impl Tx {
    /// Inserts the texts of a window whose failures are counted later.
    pub(super) async fn remember_texts(
        &mut self,
        account: &Shared<()>,
        fingerprints: &Fingerprints,
    ) -> Result<(), sqlx::Error> {
        let rows: Vec<NewText> = fingerprints
            .seen_at
            .iter()
            .map(|(fingerprint, &at)| NewText {
                account,
                fingerprint,
                text: &fingerprints.texts[fingerprint].text,
                first: at,
                last: at,
                failures: 0,
            })
            .collect();
        self.insert_texts(&rows).await
    }

    /// Sets the fingerprints of stored failures.
    pub(super) async fn fill(
        &mut self,
        account: &Shared<()>,
        filled: &[(Id, ErrorText)],
    ) -> Result<(), sqlx::Error> {
        self.execute_rows(FILL, filled, |row| Filled(account, row)).await.map(drop)
    }

    /// Sets the fingerprints of some failures that have none, after one of them. Returns the last, or `None`
    /// if no more are left.
    pub(super) async fn fill_fingerprints(
        &mut self,
        (account, name): (&Shared<()>, &str),
        after: Uuid,
    ) -> Result<Option<Uuid>, sqlx::Error> {
        let missing: Vec<Named> = on_either!(Tx, self, tx => sqlx::query_as(include_str!("sql/fingerprints_missing.sql"))
                .bind(name)
                .bind(Id(after))
                .persistent(false)
                .fetch_all(&mut **tx)
                .await)?;
        let filled: Vec<(Id, ErrorText)> =
            missing.iter().map(|failure| (failure.0, normalised(failure))).collect();
        self.fill(account, &filled).await?;
        let texts: HashMap<&str, (&Id, &ErrorText)> =
            filled.iter().map(|(id, error)| (error.fingerprint.as_str(), (id, error))).collect();
        let rows: Vec<NewText> = texts
            .into_iter()
            .map(|(fingerprint, (id, error))| {
                let at = time_of(id.0);
                NewText {
                    account,
                    fingerprint,
                    text: &error.text,
                    first: at,
                    last: at,
                    failures: 0,
                }
            })
            .collect();
        self.insert_texts(&rows).await?;
        Ok(missing.last().map(|failure| failure.0.0))
    }
}

/// The time in the id of a failure.
fn time_of(id: Uuid) -> DateTime<Utc> {
    let millis = id.as_u128() >> 80;
    i64::try_from(millis).ok().and_then(DateTime::from_timestamp_millis).unwrap_or_default()
}
