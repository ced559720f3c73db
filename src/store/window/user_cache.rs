//! The users of a window, as its failures describe them. Each is written once, at the end of the window:
//! writing them with every batch was measured on Postgres as several times slower, since a transaction keeps
//! all versions of a row.

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

/// The newest details of each user: those of the greatest `failure_id`.
#[derive(Debug, Default)]
pub(super) struct UserCache {
    texts: TextArena,
    users: HashMap<i64, LatestDetails>,
}

impl UserCache {
    /// Takes in the details that new and changed failures give. The rows of users know those of
    /// unchanged failures already.
    pub(super) fn observe(&mut self, failures: &[Failure], texts: &TextArena) {
        for failure in failures {
            let Some(person) = &failure.person else { continue };
            let details = self.users.entry(person.user_id).or_insert_with(|| {
                let name = Versioned { id: Uuid::nil(), at: failure.created_at, value: None };
                LatestDetails { user_id: person.user_id, name, profile: None }
            });
            details.observe(&mut self.texts, failure, person, texts);
        }
    }

    /// All users, in the order of the table's key.
    pub(super) fn sorted(&self) -> Vec<&LatestDetails> {
        let mut details: Vec<&LatestDetails> = self.users.values().collect();
        details.sort_unstable_by_key(|details| details.user_id);
        details
    }

    pub(super) fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.users.len() >= MOST_USERS || self.texts.len() >= MOST_BYTES
    }

    /// Forgets all users. Their memory is kept for the next window, because growing again would need half as much
    /// on top.
    pub(super) fn clear(&mut self) {
        self.texts.clear();
        self.users.clear();
    }

    /// The texts that the details refer to.
    pub(super) fn texts(&self) -> &TextArena {
        &self.texts
    }
}

impl LatestDetails {
    /// Takes in the details of one failure. A second record of the same failure is a collision, of which
    /// the last record counts.
    fn observe(
        &mut self,
        own: &mut TextArena,
        failure: &Failure,
        person: &Person,
        texts: &TextArena,
    ) {
        let (id, at) = (failure.failure_id, failure.created_at);
        if self.name.id <= id {
            let value = kept(self.name.value, person.display_name, own, texts);
            self.name = Versioned { id, at, value };
        }
        if let Some(profile) = &person.profile
            && self.profile.as_ref().is_none_or(|stored| stored.id <= id)
        {
            let stored = self.profile.as_ref().map(|stored| &stored.value);
            let value = kept_profile(stored, profile, own, texts);
            self.profile = Some(Versioned { id, at, value });
        }
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
        let details = users.sorted()[0];
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
    fn users_come_in_the_order_of_their_key_each_once() {
        let mut users = UserCache::default();
        for (n, user_id) in [(1, 9), (2, -1), (3, 5), (4, 9)] {
            let mut texts = TextArena::default();
            let mut failure = failure(&mut texts, n, "name", None);
            failure.person.as_mut().expect("it names one").user_id = user_id;
            users.observe(&[failure], &texts);
        }
        let ids: Vec<i64> = users.sorted().iter().map(|details| details.user_id).collect();
        assert_eq!(ids, [-1, 5, 9]);
        users.clear();
        assert!(users.is_empty());
    }
}
