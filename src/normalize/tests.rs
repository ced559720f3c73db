mod events;
mod readable;

use super::*;
use crate::model::Reason::{BadCreatedAt, BadField, BadId, NotAnObject, NotJson};
use crate::model::{Operation, OperationSource, Profile, Success};
use readable::{Failure, Person, Resolution};

/// One record after reading.
#[derive(Debug)]
enum Record {
    Failure(Box<Failure>),
    Success { operation: Operation, event_type_id: i64 },
    Ignored { event_type_id: i64 },
}

fn one(origin: &Origin, selected: &EventSelection, raw: &[u8]) -> Result<Record, Reject> {
    let mut batch = Batch::default();
    record(origin, selected, raw, &mut batch);
    assert_eq!(batch.records(), 1);
    let Batch { texts, failures, successes, rejects, ignored, .. } = batch;
    if let Some(reject) = rejects.into_iter().next() {
        assert!(texts.is_empty(), "nothing is left of what was read before the defect");
        return Err(reject);
    }
    Ok(match (failures.first(), successes.first(), ignored.first()) {
        (Some(failure), ..) => Record::Failure(Box::new(Failure::new(failure, &texts))),
        (_, Some(&Success { operation, event_type_id, .. }), _) => {
            Record::Success { operation, event_type_id }
        }
        (.., ignored) => Record::Ignored { event_type_id: *ignored.unwrap() },
    })
}

fn legacy(raw: &[u8]) -> Result<Record, Reject> {
    let origin = Origin { account: "acme".into(), source: SourceKind::Legacy };
    one(&origin, &EventSelection::default(), raw)
}

fn load(raw: &str) -> Failure {
    match legacy(raw.as_bytes()).expect("loads") {
        Record::Failure(failure) => *failure,
        other => panic!("no failure: {other:?}"),
    }
}

fn refuse(raw: &[u8]) -> Reason {
    legacy(raw).expect_err("is rejected").reason
}

/// The smallest record that loads, with more fields in front.
fn smallest(more: &str) -> String {
    format!(r#"{{{more}"id":1,"created_at":"2014/09/08 18:17:23 -0700"}}"#)
}

#[test]
fn the_documented_record_is_read_whole() {
    let raw = r#"{"login_id":234567,"id":765432,"created_at":"2014\/09\/09 15:25:23 -0700",
        "error_description":"The connection timed out while provisioning to https:\/\/lux.onelogin.com\/sales",
        "description":"Tanja Ono could not be reactivated in Sales App",
        "user":{"email":"tanja@ono.com","username":"tono","id":111111,"lastname":"Ono","firstname":"Tanja"}}"#;
    let failure = load(raw);
    assert_eq!(
        failure,
        Failure {
            // Fixed for ever: another id would load every failure a second time.
            failure_id: "01485c85-7438-81d9-997b-1266e521174b".parse().unwrap(),
            source_id: Some(765_432),
            login_id: Some("234567".into()),
            person: Some(Person {
                user_id: 111_111,
                display_name: Some("Tanja Ono".into()),
                profile: Some(Profile {
                    email: Some("tanja@ono.com".into()),
                    username: Some("tono".into()),
                    firstname: Some("Tanja".into()),
                    lastname: Some("Ono".into()),
                }),
            }),
            operation: Operation::Reactivate,
            operation_source: OperationSource::Description,
            app_id: None,
            app_name: Some("Sales App".into()),
            event_type_id: None,
            created_at: "2014-09-09T22:25:23Z".parse().unwrap(),
            created_at_raw: "2014/09/09 15:25:23 -0700".into(),
            description: Some("Tanja Ono could not be reactivated in Sales App".into()),
            error_description: Some(
                "The connection timed out while provisioning to https://lux.onelogin.com/sales"
                    .into()
            ),
            resolution: Resolution::default(),
            raw: raw.into(),
            content_hash: failure.content_hash,
        }
    );
}

#[test]
fn ids_may_be_numbers_or_strings() {
    let failure = load(
        r#"{"id":"81004691744","login_id":"tanja@app","created_at":"2014-09-08T18:17:23.5Z",
            "user":{"id":"7"}}"#,
    );
    assert_eq!(failure.source_id, Some(81_004_691_744));
    assert_eq!(failure.login_id.as_deref(), Some("tanja@app"));
    assert_eq!(failure.person.unwrap().user_id, 7);
    assert_eq!(failure.created_at.timestamp_subsec_millis(), 500);
}

#[test]
fn a_record_without_a_person_loads() {
    for user in ["", r#""user":null,"#, r#""user":{"email":"a@b.c"},"#, r#""user":{"id":null},"#] {
        assert_eq!(load(&smallest(user)).person, None, "{user}");
    }
}

#[test]
fn what_cannot_be_read_is_rejected_with_its_reason() {
    let time = r#""created_at":"2014/09/08 18:17:23 -0700""#;
    let cases: &[(&str, Reason)] = &[
        ("{", NotJson),
        ("7", NotAnObject),
        ("null", NotAnObject),
        (r#"[1,2,"2014/09/08 18:17:23 -0700","d","e",null]"#, NotAnObject),
        (&format!("{{{time}}}"), BadId),
        (&format!(r#"{{"id":null,{time}}}"#), BadId),
        (&format!(r#"{{"id":1.5,{time}}}"#), BadId),
        (&format!(r#"{{"id":"x",{time}}}"#), BadId),
        (&format!(r#"{{"id":99999999999999999999,{time}}}"#), BadId),
        (&format!(r#"{{"id":{{}},{time}}}"#), BadId),
        (r#"{"id":1}"#, BadCreatedAt),
        (r#"{"id":1,"created_at":null}"#, BadCreatedAt),
        (r#"{"id":1,"created_at":1410225443}"#, BadCreatedAt),
        (r#"{"id":1,"created_at":"2014/13/08 18:17:23 -0700"}"#, BadCreatedAt),
        (r#"{"id":1,"created_at":"1969/12/31 23:59:59 +0000"}"#, BadCreatedAt),
        (r#"{"id":1,"created_at":["x"]}"#, BadCreatedAt),
        (&smallest(r#""user":"tanja","#), BadField),
        (&smallest(r#""user":[1,"e","u","f","l"],"#), BadField),
        (&smallest(r#""user":{"id":"x"},"#), BadField),
        (&smallest(r#""description":[],"#), BadField),
    ];
    for (raw, reason) in cases {
        assert_eq!(refuse(raw.as_bytes()), *reason, "{raw}");
    }
    assert_eq!(refuse(b"{\"id\":1,\"x\":\"\xff\"}"), NotJson);
}

#[test]
fn a_record_may_be_wide_but_not_too_deep() {
    let nested = |levels| format!(r#""x":{}{},"#, "[".repeat(levels), "]".repeat(levels));
    load(&smallest(&nested(DEEPEST - 1)));
    assert_eq!(refuse(smallest(&nested(DEEPEST)).as_bytes()), BadField);
    load(&smallest(&format!(
        r#""x":[{}1],"y":"\"{}","#,
        "[],{},".repeat(5_000),
        "[".repeat(5_000)
    )));
}

#[test]
fn text_that_a_database_would_refuse_is_replaced_in_columns_and_in_raw() {
    let raw = smallest(
        r#""description":"a\u0000b","user":{"id":1,"firstname":"\ud83d!","lastname":"\ud83d\ude00\udc00"},"#,
    );
    let failure = load(&raw);
    assert_eq!(failure.description.as_deref(), Some("a\u{FFFD}b"));
    let person = failure.person.unwrap().profile.unwrap();
    assert_eq!(person.firstname.as_deref(), Some("\u{FFFD}!"));
    assert_eq!(person.lastname.as_deref(), Some("😀\u{FFFD}"));
    let replaced = raw
        .replace(r"\u0000", "\u{FFFD}")
        .replace(r"\ud83d!", "\u{FFFD}!")
        .replace(r"\udc00", "\u{FFFD}");
    assert_eq!(failure.raw, replaced);
}

#[test]
fn what_does_not_identify_a_failure_cannot_reject_it() {
    let error = |value: &str| {
        load(&smallest(&format!(r#""error_description":{value},"#))).error_description
    };
    assert_eq!(error(r#"{"code": [1]}"#).as_deref(), Some(r#"{"code": [1]}"#));
    assert_eq!(error("[1]").as_deref(), Some("[1]"));
    assert_eq!(error("7").as_deref(), Some("7"));
    assert_eq!(error("null"), None);
    let person =
        load(&smallest(r#""user":{"id":1.0,"email":{},"username":[],"firstname":5},"#)).person;
    let profile = person.unwrap().profile.unwrap();
    assert_eq!(profile.email.as_deref(), Some("{}"));
    assert_eq!(profile.firstname.as_deref(), Some("5"));
}

#[test]
fn the_last_of_two_equal_keys_counts() {
    let failure = load(
        r#"{"id":1,"created_at":"x","id":2,"created_at":"2014-09-08T18:17:23Z","user":{"id":1,"id":7}}"#,
    );
    assert_eq!((failure.source_id, failure.person.unwrap().user_id), (Some(2), 7));
    assert_eq!(refuse(br#"{"id":1,"created_at":"2014-09-08T18:17:23Z","id":null}"#), BadId);
}

#[test]
fn the_detail_of_a_reject_quotes_100_characters_at_most() {
    for (value, quoted) in [("é".repeat(100), 100), ("é".repeat(5_000), 100), ("é".repeat(99), 99)]
    {
        let reject = legacy(format!(r#"{{"id":"{value}"}}"#).as_bytes()).unwrap_err();
        assert_eq!(reject.detail.matches('é').count(), quoted, "{}", reject.detail);
    }
    let reject = legacy(format!("[{}]", "7,".repeat(5_000)).as_bytes()).unwrap_err();
    assert!(reject.detail.len() < 200, "{}", reject.detail);
}

#[test]
fn the_same_failure_has_the_same_id_whatever_else_changes() {
    let of = |created_at: &str, more: &str| {
        load(&format!(
            r#"{{"id":1,"login_id":2,"created_at":"{created_at}","description":"d"{more}}}"#
        ))
        .failure_id
    };
    let id = of("2014/09/08 18:17:23 -0700", r#","user":{"id":3,"email":"a"}"#);
    // The same instant in another zone; another e-mail; another error.
    assert_eq!(id, of("2014/09/09 01:17:23 +0000", r#","user":{"id":3,"email":"b"}"#));
    assert_eq!(id, of("2014-09-09T01:17:23Z", r#","user":{"id":3},"error_description":"e""#));
    assert_ne!(id, of("2014/09/08 18:17:24 -0700", r#","user":{"id":3}"#));
    assert_ne!(id, of("2014/09/08 18:17:23 -0700", r#","user":{"id":4}"#));
    assert_ne!(id, of("2014/09/08 18:17:23 -0700", ""));
}

#[test]
fn ids_order_by_time() {
    let at = |t: &str| load(&format!(r#"{{"id":1,"created_at":"{t}"}}"#)).failure_id;
    assert!(at("1970-01-01T00:00:00Z") < at("2014-09-08T18:17:23Z"));
    assert!(at("2014-09-08T18:17:23.001Z") > at("2014-09-08T18:17:23Z"));
    assert!(at("9999-12-31T23:59:59Z") > at("2099-01-01T00:00:00Z"));
}

#[test]
fn a_person_is_called_by_their_names_or_else_by_their_address() {
    let name = |user: &str| {
        load(&smallest(&format!(r#""user":{{"id":1,{user}}},"#))).person.unwrap().display_name
    };
    assert_eq!(
        name(r#""firstname":"Ada","lastname":"Byte","email":"a@b""#).as_deref(),
        Some("Ada Byte")
    );
    assert_eq!(name(r#""firstname":null,"lastname":"Byte""#).as_deref(), Some("Byte"));
    assert_eq!(name(r#""firstname":"","lastname":" ","email":"a@b""#).as_deref(), Some("a@b"));
    assert_eq!(name(r#""username":"ada""#), None);
}
