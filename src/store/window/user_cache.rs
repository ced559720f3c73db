//! The users of a run, as the failures describe them. A user has a row before the failures that name
//! them. Details that turn out to be newer are written once, at the end of the window: writing them with
//! every batch was measured on Postgres as several times slower, since a transaction keeps all versions
//! of a row.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::model::{Failure, Person, Profile, TextArena, TextRef};

/// Users that are remembered at once, about 250 bytes each: a bound on memory, which few accounts
/// reach. As many as a table of 65,536 slots takes.
const MOST_USERS: usize = 57_344;
/// Bytes of texts that are remembered: one user may have many names over time.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// The newest details of a user. Every failure gives a name; only some give a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LatestDetails {
    pub(super) user_id: i64,
    pub(super) name: Versioned<Option<TextRef>>,
    pub(super) profile: Option<Versioned<Profile>>,
}

/// A value, and the failure it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Versioned<T> {
    pub(super) id: Uuid,
    pub(super) at: DateTime<Utc>,
    pub(super) value: T,
}

/// A user, and what is left to do about their row.
#[derive(Debug)]
struct CachedUser {
    details: LatestDetails,
    /// This window wrote the row, which counts once.
    is_counted: bool,
    /// The row may be older than the details.
    is_newer: bool,
}

/// The newest details of each user: those of the greatest `failure_id`.
#[derive(Debug, Default)]
pub(super) struct UserCache {
    texts: TextArena,
    users: HashMap<i64, CachedUser>,
    /// Users who may have no row yet.
    unseen: Vec<i64>,
    /// Most of the last unseen users had no row: then most of the next will have none either.
    expects_new: bool,
}

impl UserCache {
    /// Takes in the details that new and changed failures give. The rows of users know those of
    /// unchanged failures already.
    pub(super) fn observe(&mut self, failures: &[Failure], texts: &TextArena) {
        for failure in failures {
            let Some(person) = &failure.person else { continue };
            let user = self.users.entry(person.user_id).or_insert_with(|| {
                self.unseen.push(person.user_id);
                let name = Versioned { id: Uuid::nil(), at: failure.created_at, value: None };
                let details = LatestDetails { user_id: person.user_id, name, profile: None };
                CachedUser { details, is_counted: false, is_newer: true }
            });
            user.is_newer |= user.details.observe(&mut self.texts, failure, person, texts);
        }
    }

    /// Users who may have no row yet, in the order of the table's key.
    pub(super) fn unseen(&self) -> Vec<&LatestDetails> {
        sorted(self.unseen.iter().map(|user_id| &self.users[user_id]))
    }

    /// Predicts that most unseen users have no row, as in a first load.
    pub(super) fn expects_new(&self) -> bool {
        self.expects_new
    }

    /// Records that all unseen users have a row now, and that those of `inserted` hold these details.
    pub(super) fn note_inserted(&mut self, inserted: &[i64]) {
        for user_id in inserted {
            if let Some(user) = self.users.get_mut(user_id) {
                (user.is_counted, user.is_newer) = (true, false);
            }
        }
        self.expects_new = 2 * inserted.len() > self.unseen.len();
        self.unseen.clear();
    }

    /// Users whose rows may be older than their details, in the same order.
    pub(super) fn pending_updates(&self) -> Vec<&LatestDetails> {
        sorted(self.users.values().filter(|user| user.is_newer))
    }

    /// Records that no row is older than its details any more, and that those of `written` were written.
    /// Returns how many of them this window had not written before.
    pub(super) fn note_written(&mut self, written: &[i64]) -> u64 {
        let mut first_time = 0;
        for user_id in written {
            if let Some(user) = self.users.get_mut(user_id) {
                first_time += u64::from(!user.is_counted);
                user.is_counted = true;
            }
        }
        self.users.values_mut().for_each(|user| user.is_newer = false);
        first_time
    }

    pub(super) fn is_full(&self) -> bool {
        self.users.len() >= MOST_USERS || self.texts.len() >= MOST_BYTES
    }

    /// Starts the counts of the next window: the rows of this one are committed.
    pub(super) fn next_window(&mut self) {
        self.users.values_mut().for_each(|user| user.is_counted = false);
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The texts that the details refer to.
    pub(super) fn texts(&self) -> &TextArena {
        &self.texts
    }
}

fn sorted<'a>(users: impl Iterator<Item = &'a CachedUser>) -> Vec<&'a LatestDetails> {
    let mut details: Vec<&LatestDetails> = users.map(|user| &user.details).collect();
    details.sort_unstable_by_key(|details| details.user_id);
    details
}

impl LatestDetails {
    /// Takes in the details of one failure. Returns whether they changed anything. A second record of
    /// the same failure is a collision, of which the last record counts.
    fn observe(
        &mut self,
        own: &mut TextArena,
        failure: &Failure,
        person: &Person,
        texts: &TextArena,
    ) -> bool {
        let (id, at) = (failure.failure_id, failure.created_at);
        let mut changed = false;
        if self.name.id <= id {
            let value = kept(self.name.value, person.display_name, own, texts);
            let name = Versioned { id, at, value };
            changed |= self.name != name;
            self.name = name;
        }
        if let Some(profile) = &person.profile
            && self.profile.as_ref().is_none_or(|stored| stored.id <= id)
        {
            let stored = self.profile.as_ref().map(|stored| &stored.value);
            let value = kept_profile(stored, profile, own, texts);
            let profile = Some(Versioned { id, at, value });
            changed |= self.profile != profile;
            self.profile = profile;
        }
        changed
    }
}

/// The same text in the cache's own arena. Most texts are equal to the one there, which is then kept.
fn kept(
    stored: Option<TextRef>,
    given: Option<TextRef>,
    own: &mut TextArena,
    texts: &TextArena,
) -> Option<TextRef> {
    let given = texts.get(given?);
    Some(stored.filter(|stored| own.get(*stored) == given).unwrap_or_else(|| own.write(given)))
}

fn kept_profile(
    stored: Option<&Profile>,
    given: &Profile,
    own: &mut TextArena,
    texts: &TextArena,
) -> Profile {
    let mut one =
        |of: fn(&Profile) -> Option<TextRef>| kept(stored.and_then(of), of(given), own, texts);
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
    use crate::store::window::diff::tests::failure as any_failure;

    type Details = (Option<String>, Option<String>);

    /// A failure of user 7; without an e-mail address, one that gives only a name.
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

    /// The cache after these failures, each in a batch of its own.
    fn observed(failures: &[(u128, &str, Option<&str>)]) -> UserCache {
        let mut users = UserCache::default();
        for (n, name, email) in failures {
            let mut texts = TextArena::default();
            let failure = failure(&mut texts, *n, name, *email);
            users.observe(&[failure], &texts);
        }
        users
    }

    /// Name and e-mail address.
    fn details(failures: &[(u128, &str, Option<&str>)]) -> Details {
        let users = observed(failures);
        let get = |text: TextRef| users.texts.get(text).to_owned();
        let details = users.unseen()[0];
        let email = details.profile.as_ref().and_then(|profile| profile.value.email);
        (details.name.value.map(get), email.map(get))
    }

    fn expected(name: &str, email: &str) -> Details {
        (Some(name.to_owned()), Some(email.to_owned()))
    }

    #[test]
    fn the_newest_failure_gives_the_details_in_any_order() {
        let (old, new) = ((1, "old", Some("old@x")), (2, "new", Some("new@x")));
        assert_eq!(details(&[old, new]), expected("new", "new@x"));
        assert_eq!(details(&[new, old]), expected("new", "new@x"));
    }

    #[test]
    fn a_failure_that_gives_only_a_name_leaves_the_profile_as_it_is() {
        let (both, name_only) = ((1, "old", Some("old@x")), (2, "new", None));
        assert_eq!(details(&[both, name_only]), expected("new", "old@x"));
        assert_eq!(details(&[name_only, both]), expected("new", "old@x"));
    }

    #[test]
    fn of_two_records_of_one_failure_the_last_counts() {
        let records = [(1, "first", Some("first@x")), (1, "last", Some("last@x"))];
        assert_eq!(details(&records), expected("last", "last@x"));
    }

    #[test]
    fn repeated_details_take_no_more_memory() {
        let records = [1, 2, 3].map(|n| (n, "same", Some("same@x")));
        assert_eq!(observed(&records).texts.len(), observed(&records[..1]).texts.len());
    }

    #[test]
    fn a_row_that_was_just_written_is_written_again_only_with_newer_details() {
        let mut users = observed(&[(2, "first", None)]);
        assert_eq!(users.unseen().len(), 1);
        users.note_inserted(&[7]);
        assert_eq!((users.unseen().len(), users.pending_updates().len()), (0, 0));
        for (n, name, pending) in [(1, "older", 0), (2, "first", 0), (3, "first", 1)] {
            let mut texts = TextArena::default();
            let failure = failure(&mut texts, n, name, None);
            users.observe(&[failure], &texts);
            assert_eq!((users.unseen().len(), users.pending_updates().len()), (0, pending), "{n}");
        }
        let counted = users.note_written(&[7]);
        assert_eq!((counted, users.pending_updates().len()), (0, 0), "it was counted before");
    }

    #[test]
    fn the_next_unseen_users_are_expected_to_be_like_the_last() {
        let mut users = observed(&[(2, "first", None)]);
        assert!(!users.expects_new(), "on most days they have rows");
        users.note_inserted(&[7]);
        assert!(users.expects_new());
        let mut users = observed(&[(2, "first", None)]);
        users.note_inserted(&[]);
        assert!(!users.expects_new());
    }

    #[test]
    fn a_user_whose_row_was_stored_counts_once_it_is_written() {
        let mut users = observed(&[(2, "first", None)]);
        users.note_inserted(&[]);
        assert_eq!((users.unseen().len(), users.pending_updates().len()), (0, 1));
        assert_eq!((users.note_written(&[7]), users.note_written(&[7])), (1, 0));
    }
}
