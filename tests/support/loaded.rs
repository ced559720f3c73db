//! What the tables must hold after certain texts were loaded.

use std::collections::BTreeMap;

use onelogin_sync::internals::{self, Asked, Batch, Origin, Profile};

use super::api::Api;
use super::onelogin::{FAILURES, USERS, assert_same, shown};
use super::tables::{Db, NULL};

/// All columns of a success that come from the source, in the order of time.
const SUCCESSES: &str = "select success_id, account, source, source_id, user_id, user_name, operation, \
    app_id, app_name, event_type_id, created_at, created_at_raw, raw from provisioning_successes \
    order by success_id";

type Failure = internals::Failure<String>;
type Success = internals::Success<String>;

impl Api {
    /// Asserts that failures, successes and users are what one load of these texts, in this order,
    /// would give, as far as nobody was asked about the users. Texts that cannot be loaded are passed
    /// over.
    #[track_caller]
    pub(crate) fn assert_loaded<T: AsRef<str>>(self, db: &Db, texts: &[T]) {
        let origin = Origin { account: "default".into(), source: self.source() };
        let selected = Asked::default();
        let mut batch = Batch::default();
        for text in texts {
            internals::record(&origin, &selected, text.as_ref().as_bytes(), &mut batch);
        }
        let text = |text: &_| batch.texts.get(*text).to_owned();
        // Of one identity the last is kept.
        let failures: BTreeMap<_, _> =
            batch.failures.iter().map(|f| (f.failure_id, f.map(text))).collect();
        let successes: BTreeMap<_, _> =
            batch.successes.iter().map(|s| (s.success_id, s.map(text))).collect();
        let (name, failures) = (self.name(), failures.into_values().collect::<Vec<_>>());
        let rows: Vec<_> = failures.iter().map(|failure| failure_row(name, failure)).collect();
        assert_same(&db.rows(FAILURES), &rows);
        let rows: Vec<_> = successes.values().map(|success| success_row(name, success)).collect();
        assert_same(&db.rows(SUCCESSES), &rows);
        assert_same(&db.rows(USERS), &user_rows(name, &failures));
    }
}

/// The rows of users, from failures in the order of their ids.
fn user_rows(source: &str, failures: &[Failure]) -> Vec<Vec<String>> {
    let mut newest: BTreeMap<i64, (&Failure, Option<&Failure>)> = BTreeMap::new();
    for failure in failures {
        let Some(person) = &failure.person else { continue };
        let (named, known) = newest.entry(person.user_id).or_insert((failure, None));
        *named = failure;
        if person.profile.is_some() {
            *known = Some(failure);
        }
    }
    newest.values().map(|(named, known)| user_row(source, named, *known)).collect()
}

/// As [`FAILURES`] shows it.
fn failure_row(source: &str, failure: &Failure) -> Vec<String> {
    vec![
        failure.failure_id.to_string(),
        "default".into(),
        source.into(),
        text(failure.source_id.as_ref()),
        text(failure.login_id.as_ref()),
        text(failure.person.as_ref().map(|person| &person.user_id)),
        failure.operation.as_str().into(),
        failure.operation_source.as_str().into(),
        text(failure.app_id.as_ref()),
        text(failure.app_name.as_ref()),
        text(failure.event_type_id.as_ref()),
        shown(failure.created_at),
        failure.created_at_raw.clone(),
        text(failure.description.as_ref()),
        text(failure.error_description.as_ref()),
        text(failure.resolution.solved.map(u8::from).as_ref()),
        text(failure.resolution.resolved_at.map(shown).as_ref()),
        text(failure.resolution.text.as_ref()),
        failure.raw.clone(),
    ]
}

/// As [`SUCCESSES`] shows it.
fn success_row(source: &str, success: &Success) -> Vec<String> {
    vec![
        success.success_id.to_string(),
        "default".into(),
        source.into(),
        text(success.source_id.as_ref()),
        text(success.user_id.as_ref()),
        text(success.user_name.as_ref()),
        success.operation.as_str().into(),
        text(success.app_id.as_ref()),
        text(success.app_name.as_ref()),
        success.event_type_id.to_string(),
        shown(success.created_at),
        success.created_at_raw.clone(),
        success.raw.clone(),
    ]
}

/// As [`USERS`] shows it: the failure that names a person last, and the last that knows more.
fn user_row(source: &str, named: &Failure, known: Option<&Failure>) -> Vec<String> {
    let person = named.person.as_ref().expect("a failure with a person");
    let profile = known.and_then(|known| known.person.as_ref()?.profile.as_ref());
    let of_profile = |field: fn(&Profile<String>) -> &Option<String>| {
        text(profile.and_then(|p| field(p).as_ref()))
    };
    vec![
        "default".into(),
        person.user_id.to_string(),
        of_profile(|profile| &profile.email),
        of_profile(|profile| &profile.username),
        of_profile(|profile| &profile.firstname),
        of_profile(|profile| &profile.lastname),
        named.failure_id.to_string(),
        shown(named.created_at),
        text(person.display_name.as_ref()),
        text(known.map(|known| &known.failure_id)),
        text(known.map(|known| shown(known.created_at)).as_ref()),
        known.map_or(NULL.into(), |_| source.into()),
    ]
}

fn text(value: Option<&impl ToString>) -> String {
    value.map_or(NULL.into(), ToString::to_string)
}
