//! The people of a window. Each is written once, at its end: to write them again with every batch
//! was measured on Postgres as several times slower, since a transaction drags all versions of a row
//! along.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::model::{Failure, Profile};

/// People that wait to be written, about 300 bytes each: a bound on memory, which few accounts
/// reach in a window.
const MOST: usize = 60_000;

/// The newest words on a person. Every failure names them; what else is known of them only some say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) user_id: i64,
    pub(super) named: Said<Option<String>>,
    pub(super) profile: Option<Said<Profile>>,
}

/// What was said, and the failure that said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said<T> {
    pub(super) id: Uuid,
    pub(super) at: DateTime<Utc>,
    pub(super) what: T,
}

impl<T: PartialEq> Said<T> {
    /// Whether it says something newer than what is stored.
    fn is_news(&self, stored: &Self) -> bool {
        stored.id < self.id || (stored.id == self.id && stored.what != self.what)
    }
}

/// The newest words on each person of a window: those of the greatest `failure_id`.
#[derive(Debug, Default)]
pub(super) struct People(HashMap<i64, Word>);

impl People {
    /// Takes in what new and changed failures say. Unchanged ones have nothing to say: the rows of
    /// their people know it already.
    pub(super) fn hear(&mut self, failures: Vec<Failure>) {
        for Failure { failure_id: id, created_at: at, person, .. } in failures {
            let Some(person) = person else { continue };
            let user_id = person.user_id;
            let named = Said { id, at, what: person.display_name };
            let profile = person.profile.map(|what| Said { id, at, what });
            match self.0.entry(user_id) {
                Entry::Vacant(vacant) => {
                    vacant.insert(Word { user_id, named, profile });
                }
                Entry::Occupied(mut there) => there.get_mut().hear(named, profile),
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
        words.sort_unstable_by_key(|word| word.user_id);
        words
    }
}

impl Word {
    /// The same failure again is a collision, of which the last record counts.
    fn hear(&mut self, named: Said<Option<String>>, profile: Option<Said<Profile>>) {
        if self.named.id <= named.id {
            self.named = named;
        }
        if let Some(profile) = profile
            && self.profile.as_ref().is_none_or(|there| there.id <= profile.id)
        {
            self.profile = Some(profile);
        }
    }

    /// Whether it says anything newer than what is stored.
    pub(super) fn is_news(&self, stored: Option<&Word>) -> bool {
        stored.is_none_or(|there| {
            let profile_is_news = self.profile.as_ref().is_some_and(|profile| {
                there.profile.as_ref().is_none_or(|stored| profile.is_news(stored))
            });
            profile_is_news || self.named.is_news(&there.named)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Person;
    use crate::store::settle::tests::failure as any_failure;

    /// A failure of person 7; without an e-mail address, one that knows no more than a name.
    fn failure(n: u128, name: &str, email: Option<&str>) -> Failure {
        let profile = email.map(|e| Profile { email: Some(e.to_owned()), ..Profile::default() });
        let person = Person { user_id: 7, display_name: Some(name.to_owned()), profile };
        Failure { person: Some(person), ..any_failure(n, "") }
    }

    fn word(failures: Vec<Failure>) -> (Option<String>, Option<String>) {
        let mut people = People::default();
        for failure in failures {
            people.hear(vec![failure]);
        }
        let word = people.take().remove(0);
        (word.named.what, word.profile.and_then(|profile| profile.what.email))
    }

    fn said(name: &str, email: &str) -> (Option<String>, Option<String>) {
        (Some(name.to_owned()), Some(email.to_owned()))
    }

    #[test]
    fn the_newest_failure_speaks_for_a_person_in_any_order() {
        let (old, new) = (failure(1, "old", Some("old@x")), failure(2, "new", Some("new@x")));
        assert_eq!(word(vec![old.clone(), new.clone()]), said("new", "new@x"));
        assert_eq!(word(vec![new, old]), said("new", "new@x"));
    }

    #[test]
    fn one_that_knows_only_a_name_leaves_the_rest_to_those_that_know_it() {
        let (knows, names) = (failure(1, "old", Some("old@x")), failure(2, "new", None));
        assert_eq!(word(vec![knows.clone(), names.clone()]), said("new", "old@x"));
        assert_eq!(word(vec![names, knows]), said("new", "old@x"));
    }

    #[test]
    fn of_two_records_of_one_failure_the_last_counts() {
        let words = vec![failure(1, "first", Some("first@x")), failure(1, "last", Some("last@x"))];
        assert_eq!(word(words), said("last", "last@x"));
    }

    #[test]
    fn an_older_word_is_no_news_and_neither_is_the_same() {
        let word = |n, name, email| {
            let mut people = People::default();
            people.hear(vec![failure(n, name, email)]);
            people.take().remove(0)
        };
        let stored = word(2, "stored", Some("stored@x"));
        assert!(word(1, "older", Some("older@x")).is_news(None));
        assert!(!word(1, "older", Some("older@x")).is_news(Some(&stored)));
        assert!(!word(2, "stored", Some("stored@x")).is_news(Some(&stored)));
        assert!(!word(2, "stored", None).is_news(Some(&stored)));
        assert!(word(2, "changed", None).is_news(Some(&stored)));
        assert!(word(2, "stored", Some("changed@x")).is_news(Some(&stored)));
        assert!(word(3, "newer", None).is_news(Some(&stored)));
        let unknown = word(2, "stored", None);
        assert!(word(1, "older", Some("older@x")).is_news(Some(&unknown)), "nothing is known yet");
    }
}
