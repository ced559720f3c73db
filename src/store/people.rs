//! The people of a run. Whom a failure names is there before it, as a row of their own; what is newer
//! in the rest of a window is written at its end, once: to write it with every batch was measured on
//! Postgres as several times slower, since a transaction drags all versions of a row along.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::model::{Failure, Person, Profile, TextArena, TextRef};

/// People that are remembered at once, about 250 bytes each: a bound on memory, which few accounts
/// reach. As many as a table of 65,536 places takes.
const MOST: usize = 57_344;
/// Bytes of texts that are remembered: people may have many names in turn.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// The newest words on a person. Every failure names them; what else is known of them only some say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) user_id: i64,
    pub(super) named: Said<Option<TextRef>>,
    pub(super) profile: Option<Said<Profile>>,
}

/// What was said, and the failure that said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said<W> {
    pub(super) id: Uuid,
    pub(super) at: DateTime<Utc>,
    pub(super) what: W,
}

/// A person, and what is to be done about their row.
#[derive(Debug)]
struct Known {
    word: Word,
    /// Whether this window wrote it, which is counted once.
    is_counted: bool,
    /// Whether the row may not say yet what the word says.
    is_newer: bool,
}

/// The newest words on each person: those of the greatest `failure_id`.
#[derive(Debug, Default)]
pub(super) struct People {
    texts: TextArena,
    known: HashMap<i64, Known>,
    /// Those whose rows may not be there.
    strangers: Vec<i64>,
    /// Whether most of the last ones had no row: then most of the next will not either.
    are_new: bool,
}

impl People {
    /// Takes in what new and changed failures say. Unchanged ones have nothing to say: the rows of
    /// their people know it already.
    pub(super) fn hear(&mut self, failures: &[Failure], texts: &TextArena) {
        for failure in failures {
            let Some(person) = &failure.person else { continue };
            let known = self.known.entry(person.user_id).or_insert_with(|| {
                self.strangers.push(person.user_id);
                let named = Said { id: Uuid::nil(), at: failure.created_at, what: None };
                let word = Word { user_id: person.user_id, named, profile: None };
                Known { word, is_counted: false, is_newer: true }
            });
            known.is_newer |= known.word.hear(&mut self.texts, failure, person, texts);
        }
    }

    /// People whose rows may not be there, in the order of the table's key.
    pub(super) fn strangers(&self) -> Vec<&Word> {
        sorted(self.strangers.iter().map(|user_id| &self.known[user_id]))
    }

    /// Whether most strangers can be expected to have no row, as in a first load.
    pub(super) fn are_new(&self) -> bool {
        self.are_new
    }

    /// The rows of all strangers are there now; of these they were written, just so.
    pub(super) fn met(&mut self, written: &[i64]) {
        for user_id in written {
            if let Some(known) = self.known.get_mut(user_id) {
                (known.is_counted, known.is_newer) = (true, false);
            }
        }
        self.are_new = 2 * written.len() > self.strangers.len();
        self.strangers.clear();
    }

    /// People of whom something newer may be known than their rows say, in the same order.
    pub(super) fn news(&self) -> Vec<&Word> {
        sorted(self.known.values().filter(|known| known.is_newer))
    }

    /// All rows say what is known, of these people because they were written now. Returns how many of
    /// them this window had not written before.
    pub(super) fn told(&mut self, written: &[i64]) -> u64 {
        let mut first_time = 0;
        for user_id in written {
            if let Some(known) = self.known.get_mut(user_id) {
                first_time += u64::from(!known.is_counted);
                known.is_counted = true;
            }
        }
        self.known.values_mut().for_each(|known| known.is_newer = false);
        first_time
    }

    pub(super) fn are_many(&self) -> bool {
        self.known.len() >= MOST || self.texts.len() >= MOST_BYTES
    }

    /// Their rows are there to stay. In the next window they count anew.
    pub(super) fn next_window(&mut self) {
        self.known.values_mut().for_each(|known| known.is_counted = false);
    }

    /// Forgets everyone.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// What their texts stand for.
    pub(super) fn texts(&self) -> &TextArena {
        &self.texts
    }
}

fn sorted<'a>(known: impl Iterator<Item = &'a Known>) -> Vec<&'a Word> {
    let mut words: Vec<&Word> = known.map(|known| &known.word).collect();
    words.sort_unstable_by_key(|word| word.user_id);
    words
}

impl Word {
    /// Takes in what a failure says of the person. Returns whether anything changed by that. The same
    /// failure again is a collision, of which the last record counts.
    fn hear(
        &mut self,
        own: &mut TextArena,
        failure: &Failure,
        person: &Person,
        texts: &TextArena,
    ) -> bool {
        let (id, at) = (failure.failure_id, failure.created_at);
        let mut changed = false;
        if self.named.id <= id {
            let what = kept(self.named.what, person.display_name, own, texts);
            changed |= self.named != Said { id, at, what };
            self.named = Said { id, at, what };
        }
        if let Some(profile) = &person.profile
            && self.profile.as_ref().is_none_or(|there| there.id <= id)
        {
            let there = self.profile.as_ref().map(|there| &there.what);
            let what = kept_profile(there, profile, own, texts);
            let said = Some(Said { id, at, what });
            changed |= self.profile != said;
            self.profile = said;
        }
        changed
    }
}

/// A text among one's own. Mostly it is said again just as before, and then it is not written again.
fn kept(
    there: Option<TextRef>,
    said: Option<TextRef>,
    own: &mut TextArena,
    texts: &TextArena,
) -> Option<TextRef> {
    let said = texts.get(said?);
    Some(there.filter(|there| own.get(*there) == said).unwrap_or_else(|| own.write(said)))
}

fn kept_profile(
    there: Option<&Profile>,
    said: &Profile,
    own: &mut TextArena,
    texts: &TextArena,
) -> Profile {
    let mut one =
        |of: fn(&Profile) -> Option<TextRef>| kept(there.and_then(of), of(said), own, texts);
    Profile {
        email: one(|profile| profile.email),
        username: one(|profile| profile.username),
        firstname: one(|profile| profile.firstname),
        lastname: one(|profile| profile.lastname),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::settle::tests::failure as any_failure;

    type Told = (Option<String>, Option<String>);

    /// A failure of person 7; without an e-mail address, one that knows no more than a name.
    fn failure(texts: &mut TextArena, n: u128, name: &str, email: Option<&str>) -> Failure {
        let mut keep = |text: &str| Some(texts.write(text));
        let profile = email.map(|email| Profile {
            email: keep(email),
            username: None,
            firstname: None,
            lastname: None,
        });
        let person = Person { user_id: 7, display_name: keep(name), profile };
        Failure { person: Some(person), ..any_failure(texts, n, "") }
    }

    /// Everyone after these were heard, each in a batch of its own.
    fn heard(failures: &[(u128, &str, Option<&str>)]) -> People {
        let mut people = People::default();
        for (n, name, email) in failures {
            let mut texts = TextArena::default();
            let failure = failure(&mut texts, *n, name, *email);
            people.hear(&[failure], &texts);
        }
        people
    }

    /// Name and e-mail address.
    fn word(failures: &[(u128, &str, Option<&str>)]) -> Told {
        let people = heard(failures);
        let get = |text: TextRef| people.texts.get(text).to_owned();
        let word = people.strangers()[0];
        let email = word.profile.as_ref().and_then(|profile| profile.what.email);
        (word.named.what.map(get), email.map(get))
    }

    fn said(name: &str, email: &str) -> Told {
        (Some(name.to_owned()), Some(email.to_owned()))
    }

    #[test]
    fn the_newest_failure_speaks_for_a_person_in_any_order() {
        let (old, new) = ((1, "old", Some("old@x")), (2, "new", Some("new@x")));
        assert_eq!(word(&[old, new]), said("new", "new@x"));
        assert_eq!(word(&[new, old]), said("new", "new@x"));
    }

    #[test]
    fn one_that_knows_only_a_name_leaves_the_rest_to_those_that_know_it() {
        let (knows, names) = ((1, "old", Some("old@x")), (2, "new", None));
        assert_eq!(word(&[knows, names]), said("new", "old@x"));
        assert_eq!(word(&[names, knows]), said("new", "old@x"));
    }

    #[test]
    fn of_two_records_of_one_failure_the_last_counts() {
        let words = [(1, "first", Some("first@x")), (1, "last", Some("last@x"))];
        assert_eq!(word(&words), said("last", "last@x"));
    }

    #[test]
    fn what_is_said_again_takes_no_more_memory() {
        let words = [1, 2, 3].map(|n| (n, "same", Some("same@x")));
        assert_eq!(heard(&words).texts.len(), heard(&words[..1]).texts.len());
    }

    #[test]
    fn a_row_that_was_just_written_is_written_again_only_for_something_newer() {
        let mut people = heard(&[(2, "first", None)]);
        assert_eq!(people.strangers().len(), 1);
        people.met(&[7]);
        assert_eq!((people.strangers().len(), people.news().len()), (0, 0));
        for (n, name, news) in [(1, "older", 0), (2, "first", 0), (3, "first", 1)] {
            let mut texts = TextArena::default();
            let failure = failure(&mut texts, n, name, None);
            people.hear(&[failure], &texts);
            assert_eq!((people.strangers().len(), people.news().len()), (0, news), "{n}");
        }
        assert_eq!((people.told(&[7]), people.news().len()), (0, 0), "it was counted before");
    }

    #[test]
    fn the_next_strangers_are_expected_to_be_like_the_last() {
        let mut people = heard(&[(2, "first", None)]);
        assert!(!people.are_new(), "on most days they are not");
        people.met(&[7]);
        assert!(people.are_new());
        let mut people = heard(&[(2, "first", None)]);
        people.met(&[]);
        assert!(!people.are_new());
    }

    #[test]
    fn one_whose_row_was_there_is_counted_once_it_is_written() {
        let mut people = heard(&[(2, "first", None)]);
        people.met(&[]);
        assert_eq!((people.strangers().len(), people.news().len()), (0, 1));
        assert_eq!((people.told(&[7]), people.told(&[7])), (1, 0));
    }
}
