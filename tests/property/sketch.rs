//! The content of a record of the property test, and its text for either API.

use chrono::{DateTime, TimeDelta, Utc};
use onelogin_simulator::{EventRecord, Record, created_at_text};
use proptest::prelude::*;

use crate::support::api::Api;

/// The content that distinguishes a record from others.
#[derive(Clone, Debug)]
pub(super) struct Sketch {
    /// The API that serves it.
    pub(super) api: Api,
    pub(super) id: i64,
    user: Option<i64>,
    login: i64,
    app: u8,
    /// E-mail and error: not part of the identity.
    pub(super) content: u8,
    zone_minutes: i32,
    pub(super) form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Good,
    /// Dated 2099.
    InTheFuture,
    /// Texts that a column cannot hold as they are.
    WithOddTexts,
    /// One of the texts that are no record.
    Bad(usize),
}

/// Events that are no failure. `%` is a number of its own.
const BAD_EVENTS: [&str; 5] = [
    "4%",
    r#"{"id":%}"#,
    r#"{"id":null,"created_at":"2026-03-20T10:00:00.%Z","event_type_id":61}"#,
    r#"{"id":%,"created_at":"soon","event_type_id":61}"#,
    r#"{"id":"%a","created_at":"2026-03-20T10:00:00Z","event_type_id":61}"#,
];

/// JSON that is no failure, and text that is no JSON but leaves the array whole. `%` is a number of
/// its own.
const BAD: [&str; 8] = [
    "4%",
    r#""%""#,
    "[%]",
    r#"{"id":%,}"#,
    r#"{"id":"%a","created_at":"2026\/03\/20 10:00:00 +0000"}"#,
    r#"{"id":%,"created_at":null}"#,
    r#"{"id":%,"created_at":"yesterday"}"#,
    r#"{"id":%,"created_at":"2026\/03\/20 10:00:00 +0000","user":7}"#,
];

pub(super) fn sketch() -> impl Strategy<Value = Sketch> {
    let form = prop_oneof![
        30 => Just(Form::Good),
        1 => Just(Form::InTheFuture),
        1 => Just(Form::WithOddTexts),
        4 => (0..BAD.len()).prop_map(Form::Bad),
    ];
    let api = prop::sample::select(vec![Api::Legacy, Api::Events]);
    let zone = prop::sample::select(vec![0, 60, -420, 345]);
    let user = prop::option::weighted(0.9, 1..4_i64);
    (api, 1..4_i64, user, 1..4_i64, 0..2_u8, 0..4_u8, zone, form).prop_map(
        |(api, id, user, login, app, content, zone_minutes, form)| Sketch {
            api,
            id,
            user,
            login,
            app,
            content,
            zone_minutes,
            form,
        },
    )
}

/// Every text of an API that is no failure, each with a number of its own.
pub(super) fn bad_texts(api: Api) -> Vec<String> {
    let texts: &[&str] = match api {
        Api::Legacy => &BAD,
        Api::Events => &BAD_EVENTS,
    };
    let numbered = |(place, text): (usize, &&str)| text.replace('%', &place.to_string());
    texts.iter().enumerate().map(numbered).collect()
}

impl Sketch {
    pub(super) fn text(&self, at: DateTime<Utc>, place: usize) -> String {
        match self.api {
            Api::Legacy => self.record(at, place),
            Api::Events => self.event(at, place),
        }
    }

    fn event(&self, at: DateTime<Utc>, place: usize) -> String {
        let happened = match self.form {
            Form::Bad(which) => {
                return BAD_EVENTS[which % BAD_EVENTS.len()].replace('%', &place.to_string());
            }
            Form::InTheFuture => at + TimeDelta::days(365 * 73),
            _ => at,
        };
        // Failures of two types, and a success.
        let event_type_id = match self.login {
            1 => 61,
            2 => 25,
            _ => 53,
        };
        let event = EventRecord {
            user_id: self.user,
            user_name: Some(format!("Name {}", self.content)),
            app_name: Some(format!("App {}", self.app)),
            error_description: (self.content > 0).then(|| format!("Error {}", self.content)),
            solved: (self.content == 3).then_some(true),
            ..EventRecord::new(self.id, happened, event_type_id, 0)
        };
        let text = event.to_json();
        if self.form == Form::WithOddTexts {
            return text.replace("Name", r#"\u0000 \ud800 \ud83d\ude00 \" Name"#);
        }
        text
    }

    fn record(&self, at: DateTime<Utc>, place: usize) -> String {
        let happened = match self.form {
            Form::Bad(which) => return BAD[which].replace('%', &place.to_string()),
            Form::InTheFuture => at + TimeDelta::days(365 * 73),
            _ => at,
        };
        let mut record = Record::new(self.id, happened, self.user.unwrap_or_default());
        record.created_at = created_at_text(happened, self.zone_minutes);
        record.login_id = self.login;
        record.description = format!("This user could not be suspended in App {}", self.app);
        record.error_description = (self.content > 0).then(|| format!("Error {}", self.content));
        match &mut record.user {
            Some(user) if self.user.is_some() => {
                user.email = Some(format!("mail{}@example.com", self.content));
            }
            user => *user = None,
        }
        let text = record.to_json();
        if self.form == Form::WithOddTexts {
            // A NUL, a lone surrogate, an emoji and a quote, as JSON writes them.
            return text.replace("This user", r#"\u0000 \ud800 \ud83d\ude00 \" user"#);
        }
        text
    }
}
