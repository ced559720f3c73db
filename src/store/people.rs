//! The people of a window. Each is written once, at its end: to write them again with every batch
//! was measured on Postgres as several times slower, since a transaction drags all versions of a row
//! along.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::model::{Failure, Person};

/// People that wait to be written, about 300 bytes each: a bound on memory, which few accounts
/// reach in a window.
const MOST: usize = 60_000;

/// The newest word on a person, and the failure it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) failure_id: Uuid,
    pub(super) failed_at: DateTime<Utc>,
    pub(super) person: Person,
}

/// The newest word on each person of a window: that of the greatest `failure_id`.
#[derive(Debug, Default)]
pub(super) struct People(HashMap<i64, Word>);

impl People {
    /// Takes in what new and changed failures say. Unchanged ones have nothing to say: the rows of
    /// their people know it already.
    pub(super) fn hear(&mut self, failures: Vec<Failure>) {
        for Failure { failure_id, created_at, person, .. } in failures {
            let Some(person) = person else { continue };
            let entry = self.0.entry(person.user_id);
            let word = Word { failure_id, failed_at: created_at, person };
            match entry {
                Entry::Vacant(vacant) => {
                    vacant.insert(word);
                }
                // The same failure again is a collision, of which the last record counts.
                Entry::Occupied(mut there) if there.get().failure_id <= failure_id => {
                    there.insert(word);
                }
                Entry::Occupied(_) => {}
            }
        }
    }

    pub(super) fn are_many(&self) -> bool {
        self.0.len() >= MOST
    }

    /// Takes everyone out, in one order for all runs: two that write the same people then cannot
    /// block each other.
    pub(super) fn take(&mut self) -> Vec<Word> {
        let mut words: Vec<Word> = std::mem::take(&mut self.0).into_values().collect();
        words.sort_unstable_by_key(|word| word.person.user_id);
        words
    }
}

impl Word {
    /// Whether it says something newer than what is stored.
    pub(super) fn is_news(&self, stored: Option<&Word>) -> bool {
        stored.is_none_or(|there| {
            there.failure_id < self.failure_id
                || (there.failure_id == self.failure_id && there.person != self.person)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Operation;

    fn failure(n: u128, email: &str) -> Failure {
        Failure {
            failure_id: Uuid::from_u128(n),
            source_id: 1,
            login_id: None,
            person: Some(Person {
                user_id: 7,
                email: Some(email.to_owned()),
                username: None,
                firstname: None,
                lastname: None,
            }),
            operation: Operation::Unknown,
            app_name: None,
            created_at: DateTime::UNIX_EPOCH,
            created_at_raw: String::new(),
            description: None,
            error_description: None,
            raw: String::new(),
            content_hash: 0,
        }
    }

    fn emails(people: &mut People) -> Vec<Option<String>> {
        people.take().into_iter().map(|word| word.person.email).collect()
    }

    #[test]
    fn the_newest_failure_of_a_person_speaks_for_them_in_any_order() {
        for batch in
            [[failure(1, "old"), failure(2, "new")], [failure(2, "new"), failure(1, "old")]]
        {
            let mut people = People::default();
            people.hear(batch.to_vec());
            people.hear(vec![failure(1, "old")]);
            assert_eq!(emails(&mut people), [Some("new".to_owned())]);
        }
    }

    #[test]
    fn of_two_records_of_one_failure_the_last_counts() {
        let mut people = People::default();
        people.hear(vec![failure(1, "first"), failure(1, "last")]);
        assert_eq!(emails(&mut people), [Some("last".to_owned())]);
    }

    #[test]
    fn an_older_word_is_no_news_and_neither_is_the_same() {
        let word = |n, email| {
            let mut people = People::default();
            people.hear(vec![failure(n, email)]);
            people.take().remove(0)
        };
        let stored = word(2, "stored");
        assert!(word(1, "older").is_news(None));
        assert!(!word(1, "older").is_news(Some(&stored)));
        assert!(!word(2, "stored").is_news(Some(&stored)));
        assert!(word(2, "changed").is_news(Some(&stored)));
        assert!(word(3, "newer").is_news(Some(&stored)));
    }
}
