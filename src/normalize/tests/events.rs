//! Events, as the API and the webhook write them.

use super::super::*;
use super::readable::{Failure, Person, Resolution};
use super::{Record, one};
use crate::model::Reason::{BadCreatedAt, BadEventType, BadId, NotAnObject};
use crate::model::{Operation, OperationSource};

fn read(raw: &str) -> Result<Record, Reject> {
    let origin = Origin { account: "acme".into(), source: SourceKind::Events };
    one(&origin, &EventSelection::default(), raw.as_bytes())
}

fn delivered(raw: &str) -> Failure {
    let origin = Origin { account: "acme".into(), source: SourceKind::Webhook };
    failure(one(&origin, &EventSelection::default(), raw.as_bytes()))
}

fn failure(record: Result<Record, Reject>) -> Failure {
    match record.expect("loads") {
        Record::Failure(failure) => *failure,
        other => panic!("no failure: {other:?}"),
    }
}

fn load(raw: &str) -> Failure {
    failure(read(raw))
}

/// A failed creation, with more fields in front.
fn event(more: &str) -> String {
    format!(
        r#"{{{more}"id":81000000001,"created_at":"2026-01-05T10:11:12.345Z","event_type_id":64}}"#
    )
}

#[test]
fn the_documented_event_is_read_whole() {
    let raw = r#"{"id":81000000001,"created_at":"2026-01-05T10:11:12.345Z","account_id":7,"user_id":4242,
        "user_name":"Ada Byte","event_type_id":64,"app_id":99,"app_name":"Wiki",
        "actor_system":"OneLogin::Provisioning","error_description":"license_limit",
        "notes":null,"custom_message":null,"resolution":null,"solved":null,"resolved_at":null}"#;
    let failure = load(raw);
    assert_eq!(
        failure,
        Failure {
            // Fixed for ever: another id would load every failure a second time.
            failure_id: "019b8da3-ab59-8cca-a68d-c7c5f25707d4".parse().unwrap(),
            source_id: Some(81_000_000_001),
            login_id: None,
            person: Some(Person {
                user_id: 4_242,
                display_name: Some("Ada Byte".into()),
                profile: None
            }),
            operation: Operation::Create,
            operation_source: OperationSource::EventType,
            app_id: Some(99),
            app_name: Some("Wiki".into()),
            event_type_id: Some(64),
            created_at: "2026-01-05T10:11:12.345Z".parse().unwrap(),
            created_at_raw: "2026-01-05T10:11:12.345Z".into(),
            description: Some("Ada Byte could not be created in Wiki".into()),
            error_description: Some("license_limit".into()),
            resolution: Resolution::default(),
            raw: raw.into(),
            content_hash: failure.content_hash,
        }
    );
}

#[test]
fn each_type_is_an_operation() {
    use Operation::{Create, Delete, Reactivate, Suspend, Unknown, Update};
    let of = |id| event("").replace(":64}", &format!(":{id}}}"));
    for (id, operation) in
        [(25, Unknown), (61, Suspend), (62, Reactivate), (63, Delete), (64, Create), (65, Update)]
    {
        assert_eq!(load(&of(id)).operation, operation, "{id}");
    }
    for (id, operation) in
        [(51, Create), (52, Update), (53, Suspend), (54, Reactivate), (55, Delete), (59, Create)]
    {
        let Ok(Record::Success { operation: seen, event_type_id }) = read(&of(id)) else {
            panic!("{id} is a success")
        };
        assert_eq!((seen, event_type_id), (operation, id));
    }
}

#[test]
fn events_of_other_types_are_ignored_whatever_they_hold() {
    let ignored = |raw: &str| matches!(read(raw), Ok(Record::Ignored { event_type_id: 8 }));
    assert!(ignored(r#"{"event_type_id":8}"#));
    assert!(ignored(r#"{"event_type_id":"8","id":null,"user_id":{}}"#));

    let origin = Origin { account: "acme".into(), source: SourceKind::Events };
    let failures_only = EventSelection { failures: vec![64, 999], successes: false };
    let read = |id: i64| {
        let raw = event("").replace(":64}", &format!(":{id}}}"));
        one(&origin, &failures_only, raw.as_bytes())
    };
    assert!(matches!(read(51), Ok(Record::Ignored { event_type_id: 51 })));
    assert!(matches!(read(61), Ok(Record::Ignored { event_type_id: 61 })));
    // A selected type without a known meaning is a failure all the same.
    let unknown = failure(read(999));
    assert_eq!((unknown.operation, unknown.event_type_id), (Operation::Unknown, Some(999)));
    assert_eq!(unknown.description, None);
}

#[test]
fn scalars_may_be_of_another_kind_and_names_hyphenated() {
    let raw = r#"{"id":"81004691744","created_at":"2026-01-05T10:11:12Z","event_type_id":"61","user_id":"7",
        "user-name":"Ada Byte","app_id":"","app-name":"Wiki","error_description":0,"client_id":5,
        "risk_cookie_id":9,"resolution":0,"solved":"1","resolved_at":"2026-01-06T00:00:00.000Z"}"#;
    let failure = load(raw);
    assert_eq!(failure.source_id, Some(81_004_691_744));
    let person = failure.person.unwrap();
    assert_eq!((person.user_id, person.display_name.as_deref()), (7, Some("Ada Byte")));
    assert_eq!((failure.app_id, failure.app_name.as_deref()), (None, Some("Wiki")));
    assert_eq!(failure.error_description.as_deref(), Some("0"));
    assert_eq!(
        failure.resolution,
        Resolution {
            solved: Some(true),
            resolved_at: Some("2026-01-06T00:00:00Z".parse().unwrap()),
            text: None
        }
    );
}

#[test]
fn every_field_may_be_absent_but_id_time_and_type() {
    let failure = load(&event(""));
    assert_eq!((failure.person, failure.app_id, failure.app_name), (None, None, None));
    assert_eq!((failure.description, failure.error_description), (None, None));
    assert_eq!(failure.resolution, Resolution::default());
    assert_eq!(load(&event(r#""user_id":0,"app_id":"0","user_name":" ","#)).person, None);
}

#[test]
fn the_error_is_in_one_of_three_fields() {
    let error = |more: &str| load(&event(more)).error_description;
    assert_eq!(error(r#""notes":"n","custom_message":"c","#).as_deref(), Some("n"));
    assert_eq!(error(r#""error_description":"","custom_message":"c","#).as_deref(), Some("c"));
    assert_eq!(error(r#""error_description":"e","notes":"n","#).as_deref(), Some("e"));
}

#[test]
fn what_became_of_a_failure_is_read_as_far_as_it_can_be() {
    let of = |more: &str| load(&event(more)).resolution;
    assert_eq!(of(r#""solved":false,"#).solved, Some(false));
    assert_eq!(of(r#""solved":"maybe","#).solved, None);
    assert_eq!(of(r#""resolved_at":"soon","resolution":"by hand","#).resolved_at, None);
    assert_eq!(of(r#""resolution":"by hand","#).text.as_deref(), Some("by hand"));
}

#[test]
fn what_cannot_be_read_is_rejected_with_its_reason() {
    for (raw, reason) in [
        ("7", NotAnObject),
        (r#"{"id":1,"created_at":"2026-01-05T10:11:12Z"}"#, BadEventType),
        (r#"{"id":1,"event_type_id":null}"#, BadEventType),
        (r#"{"id":1,"event_type_id":"login"}"#, BadEventType),
        (r#"{"created_at":"2026-01-05T10:11:12Z","event_type_id":64}"#, BadId),
        (r#"{"id":1,"event_type_id":51}"#, BadCreatedAt),
        (r#"{"id":1,"event_type_id":64,"created_at":"soon"}"#, BadCreatedAt),
    ] {
        assert_eq!(read(raw).expect_err(raw).reason, reason, "{raw}");
    }
}

#[test]
fn a_delivery_is_known_by_its_uuid_and_its_time_by_other_forms() {
    let raw = |time: &str, more: &str| {
        format!(
            r#"{{"event_timestamp":"{time}","event_type_id":64,"user_id":7,"login_id":109322310,
            "login_name":"109322310","app_id":367304,"app_name":"Dropbox"{more}}}"#
        )
    };
    let uuid = r#","uuid":"6fe5","create":{"_id":"6fe5"}"#;
    let failure = delivered(&raw("2017-12-05 19:13:06 UTC", uuid));
    assert_eq!(
        failure.created_at,
        "2017-12-05T19:13:06Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap()
    );
    assert_eq!(failure.source_id, None);
    assert_eq!(failure.login_id.as_deref(), Some("109322310"));
    // The same delivery in another zone, with one more field.
    let again = delivered(&raw("2017-12-06 00:43:06+0530", &format!(r#"{uuid},"solved":true"#)));
    assert_eq!(again.failure_id, failure.failure_id);
    assert_ne!(again.content_hash, failure.content_hash);
    let other = delivered(&raw("2017-12-05 19:13:06 UTC", r#","uuid":"6fe6""#));
    assert_ne!(other.failure_id, failure.failure_id);
    // Without a uuid, by its content.
    let bare = delivered(&raw("2017-12-05 19:13:06 UTC", ""));
    assert_eq!(bare.failure_id, delivered(&raw("2017-12-05 19:13:06 UTC", r#","x":1"#)).failure_id);
    let error = r#","error_description":"e""#;
    assert_ne!(bare.failure_id, delivered(&raw("2017-12-05 19:13:06 UTC", error)).failure_id);
}

#[test]
fn what_does_not_identify_an_event_cannot_reject_it() {
    for more in [
        r#""user_id":"ada","#,
        r#""user_id":{},"#,
        r#""user_id":1.5,"#,
        r#""app_id":{"a":1},"#,
        r#""app_name":{},"#,
        r#""resolved_at":{"x":1},"#,
        r#""resolution":{"x":1},"#,
        r#""solved":[],"#,
        r#""custom_message":{"a":2},"#,
        r#""login_id":[1],"#,
        r#""user_attributes":7,"create":"x","#,
    ] {
        let failure = load(&event(more));
        assert_eq!(failure.source_id, Some(81_000_000_001), "{more}");
        assert_eq!(failure.resolution.resolved_at, None, "{more}");
    }
    let error = |more: &str| load(&event(more)).error_description;
    assert_eq!(error(r#""notes":{"a": [1]},"#).as_deref(), Some(r#"{"a": [1]}"#));
    assert_eq!(load(&event(r#""user_id":"ada","#)).person, None);
    let whole =
        r#"{"id":8.1e10,"created_at":"2026-01-05T10:11:12Z","event_type_id":64.0,"user_id":"7.0"}"#;
    let whole = load(whole);
    assert_eq!((whole.source_id, whole.event_type_id), (Some(81_000_000_000), Some(64)));
    assert_eq!(whole.person.unwrap().user_id, 7);
}

#[test]
fn a_delivery_knows_more_of_its_person() {
    let raw = |user_id: &str, attributes: &str| {
        format!(
            r#"{{"uuid":"a","event_timestamp":"2017-12-05 19:13:06 UTC","event_type_id":64,
            "user_id":{user_id},"user_attributes":{attributes}}}"#
        )
    };
    let ada = r#"{"id":7,"email":"ada@example.com","username":"ada","firstname":"Ada","lastname":"Byte"}"#;
    let person = delivered(&raw("7", ada)).person.unwrap();
    assert_eq!(person.display_name.as_deref(), Some("Ada Byte"));
    let profile = person.profile.unwrap();
    assert_eq!(profile.email.as_deref(), Some("ada@example.com"));
    assert_eq!(profile.username.as_deref(), Some("ada"));
    // Somebody else's, and none.
    assert_eq!(delivered(&raw("8", ada)).person.unwrap().profile, None);
    assert_eq!(delivered(&raw("7", "null")).person.unwrap().profile, None);
    assert_eq!(delivered(&raw("7", "[]")).person.unwrap().profile, None);
}

#[test]
fn the_id_of_the_creation_stands_in_for_a_uuid() {
    let id = |more: &str| {
        let raw = format!(
            r#"{{{more}"event_timestamp":"2017-12-05 19:13:06 UTC","event_type_id":64,"user_id":7}}"#
        );
        delivered(&raw).failure_id
    };
    assert_eq!(id(r#""create":{"_id":"a"},"#), id(r#""uuid":"a","#));
    assert_eq!(id(r#""create":{"_id":"a"},"uuid":null,"#), id(r#""uuid":"a","#));
    assert_eq!(id(r#""create":{"_id":"a"},"uuid":"b","#), id(r#""uuid":"b","#));
    assert_ne!(id(r#""create":{"_id":"a"},"#), id(r#""create":{"_id":"b"},"#));
    assert_eq!(id(r#""create":{"_id":""},"#), id(""));
}
