//! The expected content of the tables after certain texts were loaded.

use std::collections::BTreeMap;

use onelogin_sync::internals::{
    self, Batch, EventSelection, Failure, Origin, Profile, Success, TextArena, TextRef,
};

use super::api::Api;
use super::onelogin::{FAILURES, USERS, assert_same, shown};
use super::tables::{Db, NULL};

/// All columns of a success that come from the source, in the order of time.
const SUCCESSES: &str = "select success_id, account, source, source_id, user_id, user_name, operation, \
    app_id, app_name, event_type_id, created_at, created_at_raw, raw from provisioning_successes \
    order by success_id";

impl Api {
    /// Asserts that failures, successes and users are what one load of these texts, in this order,
    /// would give, without requests to the users API. Texts that cannot be loaded are passed
    /// over.
    #[track_caller]
    pub(crate) fn assert_loaded<T: AsRef<str>>(self, db: &Db, texts: &[T]) {
        let origin = Origin { account: "default".into(), source: self.source() };
        let selected = EventSelection::default();
        let mut batch = Batch::default();
        for text in texts {
            internals::record(&origin, &selected, text.as_ref().as_bytes(), &mut batch);
        }
        // The last record of an identity is kept.
        let failures: BTreeMap<_, _> = batch.failures.iter().map(|f| (f.failure_id, f)).collect();
        let successes: BTreeMap<_, _> = batch.successes.iter().map(|s| (s.success_id, s)).collect();
        let (rows_of, failures) = (
            Rows { source: self.name(), texts: &batch.texts },
            failures.into_values().collect::<Vec<_>>(),
        );
        let rows: Vec<_> = failures.iter().map(|failure| rows_of.failure(failure)).collect();
        assert_same(&db.rows(FAILURES), &rows);
        let rows: Vec<_> = successes.values().map(|success| rows_of.success(success)).collect();
        assert_same(&db.rows(SUCCESSES), &rows);
        assert_same(&db.rows(USERS), &rows_of.users(&failures));
    }
}

/// Rows as the tables show them.
struct Rows<'a> {
    source: &'a str,
    texts: &'a TextArena,
}

impl Rows<'_> {
    /// The rows of users, from failures in the order of their ids.
    fn users(&self, failures: &[&Failure]) -> Vec<Vec<String>> {
        let mut newest: BTreeMap<i64, (&Failure, Option<&Failure>)> = BTreeMap::new();
        for failure in failures {
            let Some(person) = &failure.person else { continue };
            let (named, known) = newest.entry(person.user_id).or_insert((failure, None));
            *named = failure;
            if person.profile.is_some() {
                *known = Some(failure);
            }
        }
        newest.values().map(|(named, known)| self.user(named, *known)).collect()
    }

    /// As [`FAILURES`] shows it.
    fn failure(&self, failure: &Failure) -> Vec<String> {
        vec![
            failure.failure_id.to_string(),
            "default".into(),
            self.source.into(),
            text(failure.source_id.as_ref()),
            self.text(failure.login_id),
            text(failure.person.as_ref().map(|person| &person.user_id)),
            failure.operation.as_str().into(),
            failure.operation_source.as_str().into(),
            text(failure.app_id.as_ref()),
            self.text(failure.app_name),
            text(failure.event_type_id.as_ref()),
            shown(failure.created_at),
            self.text(Some(failure.created_at_raw)),
            self.text(failure.description),
            self.text(failure.error_description),
            text(failure.resolution.solved.map(u8::from).as_ref()),
            text(failure.resolution.resolved_at.map(shown).as_ref()),
            self.text(failure.resolution.text),
            self.text(Some(failure.raw)),
        ]
    }

    /// As [`SUCCESSES`] shows it.
    fn success(&self, success: &Success) -> Vec<String> {
        vec![
            success.success_id.to_string(),
            "default".into(),
            self.source.into(),
            text(success.source_id.as_ref()),
            text(success.user_id.as_ref()),
            self.text(success.user_name),
            success.operation.as_str().into(),
            text(success.app_id.as_ref()),
            self.text(success.app_name),
            success.event_type_id.to_string(),
            shown(success.created_at),
            self.text(Some(success.created_at_raw)),
            self.text(Some(success.raw)),
        ]
    }

    /// As [`USERS`] shows it: the failure that names a person last, and the last that knows more.
    fn user(&self, named: &Failure, known: Option<&Failure>) -> Vec<String> {
        let person = named.person.as_ref().expect("a failure with a person");
        let profile = known.and_then(|known| known.person.as_ref()?.profile.as_ref());
        let of_profile =
            |field: fn(&Profile) -> Option<TextRef>| self.text(profile.and_then(field));
        vec![
            "default".into(),
            person.user_id.to_string(),
            of_profile(|profile| profile.email),
            of_profile(|profile| profile.username),
            of_profile(|profile| profile.firstname),
            of_profile(|profile| profile.lastname),
            named.failure_id.to_string(),
            shown(named.created_at),
            self.text(person.display_name),
            text(known.map(|known| &known.failure_id)),
            text(known.map(|known| shown(known.created_at)).as_ref()),
            known.map_or(NULL.into(), |_| self.source.into()),
        ]
    }

    fn text(&self, text: Option<TextRef>) -> String {
        text.map_or(NULL.into(), |text| self.texts.get(text).to_owned())
    }
}

fn text(value: Option<&impl ToString>) -> String {
    value.map_or(NULL.into(), ToString::to_string)
}
