//! The different errors, with their first and last failure and their number.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use uuid::Uuid;

use super::event::Attempt;
use super::fingerprints::{Named, normalised};
use super::rebuild::Built;
use crate::error_rules::{Class, Retryable};
use crate::normalize::error_text::ErrorText;
use crate::store::bulk::{Columns, Row, Shared, Statement};
use crate::store::on_either;
use crate::store::tx::Tx;
use crate::store::value::{Id, Time};

const STORED: Statement = Statement::new(include_str!("sql/texts_stored.sql"));
const INSERT: Statement = Statement::new(include_str!("sql/texts_insert.sql"));
const UPDATE: Statement = Statement::new(include_str!("sql/texts_update.sql"));
const DELETE: Statement = Statement::new(include_str!("sql/texts_delete.sql"));
const RANGES: Statement = Statement::new(include_str!("sql/texts_ranges.sql"));
const SAMPLES: Statement = Statement::new(include_str!("sql/texts_samples.sql"));

/// TextChanges to the failures of each error.
#[derive(Debug, Default)]
pub(super) struct TextChanges(HashMap<Arc<str>, Change>);

#[derive(Debug)]
struct Change {
    number: i64,
    added: Option<Range>,
    removed: Option<Range>,
    /// One of these failures.
    sample: Uuid,
}

/// The first and the last of some times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    first: DateTime<Utc>,
    last: DateTime<Utc>,
}

impl Range {
    fn with(this: Option<Self>, at: DateTime<Utc>) -> Self {
        let Self { first, last } = this.unwrap_or(Self { first: at, last: at });
        Self { first: first.min(at), last: last.max(at) }
    }
}

/// The first and the last failure of an error after a change.
enum Ends {
    Nothing,
    Known(Range),
    /// One of them counts no more. These were they.
    Lost(Range),
}

impl Change {
    fn ends(&self, before: Option<&(i64, Range)>) -> Ends {
        let (failures, range) = match before {
            // Without failures, its times are those of failures that were counted no more.
            Some((failures, range)) if *failures > 0 => (*failures, Some(*range)),
            _ => (0, None),
        };
        if failures + self.number <= 0 {
            return Ends::Nothing;
        }
        let lost = range
            .zip(self.removed)
            .filter(|(range, removed)| removed.first <= range.first || removed.last >= range.last);
        if let Some((range, _)) = lost {
            return Ends::Lost(range);
        }
        let ends = [range, self.added].into_iter().flatten();
        let range =
            ends.reduce(|a, b| Range { first: a.first.min(b.first), last: a.last.max(b.last) });
        range.map_or(Ends::Nothing, Ends::Known)
    }
}

impl TextChanges {
    pub(super) fn add(&mut self, attempt: &Attempt) {
        if let Some(change) = self.change(attempt) {
            change.number += 1;
            change.added = Some(Range::with(change.added, attempt.at));
            change.sample = attempt.id;
        }
    }

    pub(super) fn remove(&mut self, attempt: &Attempt) {
        if let Some(change) = self.change(attempt) {
            change.number -= 1;
            change.removed = Some(Range::with(change.removed, attempt.at));
        }
    }

    fn change(&mut self, attempt: &Attempt) -> Option<&mut Change> {
        let fingerprint = attempt.fingerprint.as_ref().filter(|_| !attempt.is_skipped)?;
        let new = || Change { number: 0, added: None, removed: None, sample: attempt.id };
        Some(self.0.entry(Arc::clone(fingerprint)).or_insert_with(new))
    }
}

/// A row as it is to be.
struct Counted<'a> {
    account: &'a Shared<()>,
    fingerprint: &'a str,
    range: Range,
    failures: i64,
}

impl Row for Counted<'_> {
    fn write(&self, columns: &mut impl Columns) {
        columns.shared_text(self.account);
        columns.text(Some(self.fingerprint));
        columns.time(Some(self.range.first));
        columns.time(Some(self.range.last));
        columns.number(Some(self.failures));
    }
}

/// A row that is new.
pub(super) struct NewText<'a> {
    pub(super) account: &'a Shared<()>,
    pub(super) fingerprint: &'a str,
    pub(super) text: &'a str,
    pub(super) first: DateTime<Utc>,
    pub(super) last: DateTime<Utc>,
    pub(super) failures: i64,
}

impl Row for &NewText<'_> {
    fn write(&self, columns: &mut impl Columns) {
        columns.shared_text(self.account);
        columns.text(Some(self.fingerprint));
        columns.text(Some(self.text));
        columns.text(Some(self.text));
        // Until the rules decide, before the commit.
        columns.text(Some(Class::Unknown.as_str()));
        columns.text(Some(Retryable::No.as_str()));
        columns.text(Some(Class::Unknown.action()));
        columns.time(Some(self.first));
        columns.time(Some(self.last));
        columns.number(Some(self.failures));
    }
}

struct Key<'a>(&'a Shared<()>, &'a str);

impl Row for Key<'_> {
    fn write(&self, columns: &mut impl Columns) {
        columns.shared_text(self.0);
        columns.text(Some(self.1));
    }
}

/// An error, and the last user whose failures count.
struct UserKey<'a>(Key<'a>, i64);

impl Row for UserKey<'_> {
    fn write(&self, columns: &mut impl Columns) {
        self.0.write(columns);
        columns.number(Some(self.1));
    }
}

struct IdKey<'a>(&'a Shared<()>, Uuid);

impl Row for IdKey<'_> {
    fn write(&self, columns: &mut impl Columns) {
        columns.shared_text(self.0);
        columns.id(Some(self.1));
    }
}

/// Fingerprint, failures, first and last.
type Stored = (String, i64, Time, Time);

impl Tx {
    /// Brings the rows of errors up to date. `known` has texts of new errors.
    pub(super) async fn change_texts(
        &mut self,
        (account, name): (&Shared<()>, &str),
        changes: TextChanges,
        known: &HashMap<Arc<str>, ErrorText>,
        built: Built,
    ) -> Result<(), sqlx::Error> {
        let stored = self.stored_texts(account, &changes).await?;
        let ends = changes.0.iter().map(|(fingerprint, change)| {
            let before = stored.get(fingerprint.as_ref());
            let failures = before.map_or(0, |(failures, _)| *failures) + change.number;
            (fingerprint.as_ref(), failures, change, change.ends(before))
        });
        let ends: Vec<(&str, i64, &Change, Ends)> = ends.collect();
        let lost: Vec<&str> = ends
            .iter()
            .filter(|(.., ends)| matches!(ends, Ends::Lost(_)))
            .map(|(fingerprint, ..)| *fingerprint)
            .collect();
        let found = self.ranges((account, name), &lost, built).await?;
        let (mut updated, mut new, mut empty) = (Vec::new(), Vec::new(), Vec::new());
        for (fingerprint, failures, change, ends) in ends {
            let range = match ends {
                Ends::Nothing => {
                    empty.push(fingerprint);
                    continue;
                }
                Ends::Known(range) => range,
                Ends::Lost(before) => found.get(fingerprint).copied().unwrap_or(before),
            };
            let row = Counted { account, fingerprint, range, failures };
            if stored.contains_key(fingerprint) {
                updated.push(row);
            } else {
                new.push((row, change.sample));
            }
        }
        self.execute_rows(UPDATE, &updated, |row| Counted { ..*row }).await?;
        self.execute_rows(DELETE, &empty, |&fingerprint| Key(account, fingerprint)).await?;
        self.insert_counted(account, &new, known).await
    }

    /// The failures of each changed error that is stored, and the first and the last of them.
    async fn stored_texts(
        &mut self,
        account: &Shared<()>,
        changes: &TextChanges,
    ) -> Result<HashMap<String, (i64, Range)>, sqlx::Error> {
        let fingerprints: Vec<&str> = changes.0.keys().map(AsRef::as_ref).collect();
        let stored: Vec<Stored> = self
            .fetch_rows(STORED, &fingerprints, |&fingerprint| Key(account, fingerprint))
            .await?;
        let stored = stored.into_iter().map(|(fingerprint, failures, first, last)| {
            (fingerprint, (failures, Range { first: first.0, last: last.0 }))
        });
        Ok(stored.collect())
    }

    /// Reads the first and the last failure of errors: by their days, or where days are not counted yet from all
    /// failures of the users that are built.
    async fn ranges(
        &mut self,
        (account, name): (&Shared<()>, &str),
        fingerprints: &[&str],
        built: Built,
    ) -> Result<HashMap<String, Range>, sqlx::Error> {
        let mut ranges = HashMap::new();
        if built == Built::All {
            for &fingerprint in fingerprints {
                let range = self.stored_range(name, fingerprint).await?;
                ranges.extend(range.map(|range| (fingerprint.to_owned(), range)));
            }
            return Ok(ranges);
        }
        let last_user = match built {
            Built::Users(last) => last,
            Built::All | Built::Days(_) | Built::Nothing => i64::MAX,
        };
        let found: Vec<(String, Time, Time)> = self
            .fetch_rows(RANGES, fingerprints, |&fingerprint| {
                UserKey(Key(account, fingerprint), last_user)
            })
            .await?;
        ranges.extend(found.into_iter().map(|(fingerprint, first, last)| {
            (fingerprint, Range { first: first.0, last: last.0 })
        }));
        Ok(ranges)
    }

    /// Reads the first and last failure with an error: those of its first and of its last day.
    async fn stored_range(
        &mut self,
        account: &str,
        fingerprint: &str,
    ) -> Result<Option<Range>, sqlx::Error> {
        let mut ends = Vec::new();
        for sql in [include_str!("sql/text_first_day.sql"), include_str!("sql/text_last_day.sql")] {
            let day: Option<NaiveDate> = on_either!(Tx, self, tx => sqlx::query_scalar(sql)
                .bind(account)
                .bind(fingerprint)
                .fetch_optional(&mut **tx)
                .await)?;
            let Some(day) = day else { return Ok(None) };
            let begin = day.and_time(NaiveTime::MIN).and_utc();
            let end = begin + Days::new(1) - TimeDelta::milliseconds(1);
            let range = include_str!("sql/text_range_of_day.sql");
            let (first, last): (Option<Time>, Option<Time>) = on_either!(Tx, self, tx => sqlx::query_as(range)
                    .bind(account)
                    .bind(fingerprint)
                    .bind(Time(begin))
                    .bind(Time(end))
                    .fetch_one(&mut **tx)
                    .await)?;
            ends.extend(
                first.zip(last).map(|(first, last)| Range { first: first.0, last: last.0 }),
            );
        }
        Ok(ends
            .into_iter()
            .reduce(|a, b| Range { first: a.first.min(b.first), last: a.last.max(b.last) }))
    }

    /// Inserts the rows of new errors, with the text of one of their failures where it is not known.
    async fn insert_counted(
        &mut self,
        account: &Shared<()>,
        new: &[(Counted<'_>, Uuid)],
        known: &HashMap<Arc<str>, ErrorText>,
    ) -> Result<(), sqlx::Error> {
        let unknown: Vec<Uuid> = new
            .iter()
            .filter(|(row, _)| !known.contains_key(row.fingerprint))
            .map(|(_, sample)| *sample)
            .collect();
        let samples: Vec<Named> =
            self.fetch_rows(SAMPLES, &unknown, |&id| IdKey(account, id)).await?;
        let samples: HashMap<Id, ErrorText> =
            samples.iter().map(|sample| (sample.0, normalised(sample))).collect();
        let rows: Vec<NewText> = new
            .iter()
            .filter_map(|(row, sample)| {
                let Counted { account, fingerprint, range, failures } = *row;
                let text = known.get(fingerprint).or_else(|| samples.get(&Id(*sample)))?;
                let Range { first, last } = range;
                Some(NewText { account, fingerprint, text: &text.text, first, last, failures })
            })
            .collect();
        self.insert_texts(&rows).await
    }

    /// Inserts rows of errors, but for those that are stored.
    pub(super) async fn insert_texts(&mut self, rows: &[NewText<'_>]) -> Result<(), sqlx::Error> {
        self.execute_rows(INSERT, rows, |row| row).await.map(drop)
    }
}
