//! The JSON text of every made-up event, written straight into a buffer.

use chrono::Datelike as _;

use super::Config;
use super::config::EventForm;
use super::event_record::ACCOUNT_ID;
use super::events::{Key, SignIn};
use super::failures::{Failure, UserForm, print};
use super::history::{Choice, dice, moment};
use super::legacy_text::two_digits;
use super::people::{APPS, FIRST_APP_ID, Person};

/// Who solves failures: nobody of the directory.
const ADMIN_ID: u32 = 29_999_999;
/// The ways to solve one.
const RESOLUTIONS: [&str; 3] = ["Provisioned by hand", "Licences bought", "Ignored"];
/// One sign-in's address, from the block for documentation.
const ADDRESS: &str = "\"198.51.100.7\"";

/// How the events of one simulator are written.
#[derive(Clone, Debug)]
pub(super) struct EventText {
    form: EventForm,
    seed: u64,
}

/// What an event says.
struct Said<'a> {
    key: Key,
    event_type_id: i64,
    user: UserForm,
    person: &'a Person,
    app: usize,
    /// Of a failure, for what went wrong.
    failure: Option<&'a Failure>,
    solved_at: Option<i64>,
    /// As JSON.
    address: &'static str,
    actor: Option<&'a Person>,
}

impl<'a> Said<'a> {
    /// What is alike in all events.
    fn new(key: Key, person: &'a Person, app: usize) -> Self {
        let user = UserForm::Named;
        let (failure, solved_at, address, actor) = (None, None, "null", None);
        Self { key, event_type_id: 0, user, person, app, failure, solved_at, address, actor }
    }
}

impl EventText {
    pub(super) fn new(config: &Config) -> Self {
        Self { form: config.event_form, seed: config.seed }
    }

    pub(super) fn write_failure(
        &self,
        key: Key,
        failure: &Failure,
        event_type_id: i64,
        solved_at: Option<i64>,
        out: &mut Vec<u8>,
    ) {
        let said = Said {
            event_type_id,
            user: failure.user,
            failure: Some(failure),
            solved_at,
            ..Said::new(key, &failure.person, failure.app)
        };
        self.write(&said, out);
    }

    /// The success after `failure`.
    pub(super) fn write_success(
        &self,
        key: Key,
        failure: &Failure,
        event_type_id: i64,
        out: &mut Vec<u8>,
    ) {
        let said = Said { event_type_id, ..Said::new(key, &failure.person, failure.app) };
        self.write(&said, out);
    }

    pub(super) fn write_sign_in(&self, key: Key, sign_in: &SignIn, out: &mut Vec<u8>) {
        let SignIn { person, app } = sign_in;
        let (address, actor) = (ADDRESS, Some(person));
        let said = Said { event_type_id: 8, address, actor, ..Said::new(key, person, *app) };
        self.write(&said, out);
    }

    fn write(&self, said: &Said, out: &mut Vec<u8>) {
        let odd = Oddities::of(self, said.key);
        let Key { at, id, .. } = said.key;
        let quote = |is_text: bool| if is_text { "\"" } else { "" };
        let id_quote = quote(odd.text_id);
        print(out, format_args!("{{\"id\":{id_quote}{id}{id_quote},\"created_at\":"));
        write_time(at, out);
        print(out, format_args!(",\"account_id\":{ACCOUNT_ID}"));
        match said.user {
            UserForm::Absent => {}
            UserForm::Null => out.extend_from_slice(b",\"user_id\":null,\"user_name\":null"),
            UserForm::Named => print(
                out,
                format_args!(
                    ",\"user_id\":{},\"user_name\":\"{} {}\"",
                    said.person.id(),
                    said.person.first.0,
                    said.person.last.0
                ),
            ),
        }
        let (kind, kind_quote) = (said.event_type_id, quote(odd.text_type));
        print(
            out,
            format_args!(",\"event_type_id\":{kind_quote}{kind}{kind_quote},\"notes\":null"),
        );
        write_actor(said, &odd, out);
        write_app(said.app, &odd, out);
        write_solution(said, &odd, out);
        write_failure_texts(said, &odd, out);
        if odd.unknown_fields {
            // Brackets and escaped quotes, to catch a reader that counts brackets in strings.
            out.extend_from_slice(
                br#","entity":{"tags":["a]","b\"}",{}],"lag":1.5e3},"user_agent":"Made-up/1 [}\\"#,
            );
            out.push(b'"');
        }
        out.push(b'}');
    }

    /// An event that cannot be loaded. Each has its own text, so that each is one reject.
    pub(super) fn write_bad(kind: u32, key: Key, index: u64, out: &mut Vec<u8>) {
        let Key { at, id, .. } = key;
        let time = |out: &mut Vec<u8>| write_time(at, out);
        match kind {
            0 => {
                out.extend_from_slice(b"{\"id\":null,\"created_at\":");
                time(out);
                print(out, format_args!(",\"event_type_id\":25,\"notes\":\"{index}\"}}"));
            }
            1 => print(
                out,
                format_args!("{{\"id\":{id},\"created_at\":\"yesterday\",\"event_type_id\":25}}"),
            ),
            2 => print(
                out,
                format_args!(
                    "{{\"id\":{{\"value\":{id}}},\"created_at\":[{at}],\"event_type_id\":25}}"
                ),
            ),
            3 => print(out, format_args!("{id}")),
            _ => {
                print(out, format_args!("{{\"id\":{id},\"created_at\":"));
                time(out);
                out.extend_from_slice(b",\"user_id\":null}");
            }
        }
    }
}

/// What is odd about an event.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each may be odd without the others")]
struct Oddities {
    text_id: bool,
    text_type: bool,
    hyphen: bool,
    zero_resolution: bool,
    numbers_for_texts: bool,
    absent_fields: bool,
    unknown_fields: bool,
}

impl Oddities {
    fn of(text: &EventText, key: Key) -> Self {
        if text.form == EventForm::Modern {
            return Self::default();
        }
        // At least one of the seven.
        let bits = dice(text.seed, Choice::Odd, key.id.unsigned_abs()).u8(1..128);
        let has = |bit: u8| bits & (1 << bit) != 0;
        Self {
            text_id: has(0),
            text_type: has(1),
            hyphen: has(2),
            zero_resolution: has(3),
            numbers_for_texts: has(4),
            absent_fields: has(5),
            unknown_fields: has(6),
        }
    }
}

fn write_actor(said: &Said, odd: &Oddities, out: &mut Vec<u8>) {
    if !(odd.absent_fields && said.address == "null") {
        print(out, format_args!(",\"ipaddr\":{}", said.address));
    }
    match said.actor {
        Some(person) => print(
            out,
            format_args!(
                ",\"actor_user_id\":{},\"actor_user_name\":\"{} {}\",\"actor_system\":null",
                person.id(),
                person.first.0,
                person.last.0
            ),
        ),
        None => out.extend_from_slice(
            b",\"actor_user_id\":null,\"actor_user_name\":null,\
              \"actor_system\":\"OneLogin::Provisioning\"",
        ),
    }
    if !odd.absent_fields {
        out.extend_from_slice(
            b",\"assuming_acting_user_id\":null,\"role_id\":null,\"role_name\":null,\
              \"group_id\":null,\"group_name\":null,\"otp_device_id\":null,\
              \"otp_device_name\":null,\"policy_id\":null,\"policy_name\":null,\
              \"directory_id\":null,\"directory_sync_run_id\":null,\"operation_name\":null,\
              \"resource_type_id\":null,\"custom_message\":null,\"proxy_ip\":null,\
              \"risk_score\":null,\"risk_reasons\":null,\"browser_fingerprint\":null",
        );
    }
    if odd.numbers_for_texts {
        out.extend_from_slice(b",\"client_id\":0,\"risk_cookie_id\":0");
    } else {
        out.extend_from_slice(b",\"client_id\":null,\"risk_cookie_id\":null");
    }
}

fn write_app(app: usize, odd: &Oddities, out: &mut Vec<u8>) {
    let hyphen = if odd.hyphen { '-' } else { '_' };
    let (id, name) = (FIRST_APP_ID + app as u64, APPS[app].name);
    print(out, format_args!(",\"app_id\":{id},\"app{hyphen}name\":\"{name}\""));
}

fn write_failure_texts(said: &Said, odd: &Oddities, out: &mut Vec<u8>) {
    let has_cause = said.failure.is_some_and(|failure| failure.cause.is_some());
    if odd.absent_fields && !has_cause {
        return;
    }
    out.extend_from_slice(b",\"error_description\":");
    match said.failure {
        Some(failure) => failure.write_cause(out),
        None => out.extend_from_slice(b"null"),
    }
}

fn write_solution(said: &Said, odd: &Oddities, out: &mut Vec<u8>) {
    let Some(solved_at) = said.solved_at else {
        let resolution = if odd.zero_resolution { "0" } else { "null" };
        print(out, format_args!(",\"resolution\":{resolution}"));
        if !odd.absent_fields {
            out.extend_from_slice(
                b",\"resolved_at\":null,\"resolved_by_user_id\":null,\"solved\":null",
            );
        }
        return;
    };
    let way = usize::try_from(solved_at.unsigned_abs()).unwrap_or(0) / 1000 % RESOLUTIONS.len();
    print(out, format_args!(",\"resolution\":\"{}\",\"resolved_at\":", RESOLUTIONS[way]));
    write_time(solved_at, out);
    print(out, format_args!(",\"resolved_by_user_id\":{ADMIN_ID},\"solved\":true"));
}

/// Appends `"2026-03-01T10:11:12.345Z"`, of Unix milliseconds.
fn write_time(at: i64, out: &mut Vec<u8>) {
    let seconds = at.div_euclid(1000);
    let millis = u32::try_from(at.rem_euclid(1000)).unwrap_or(0);
    let second = u32::try_from(seconds.rem_euclid(86_400)).unwrap_or(0);
    let date = moment(seconds).date_naive();
    let year = u32::try_from(date.year()).unwrap_or(0);
    out.push(b'"');
    two_digits(year / 100, out);
    two_digits(year % 100, out);
    out.push(b'-');
    two_digits(date.month(), out);
    out.push(b'-');
    two_digits(date.day(), out);
    out.push(b'T');
    two_digits(second / 3600, out);
    out.push(b':');
    two_digits(second / 60 % 60, out);
    out.push(b':');
    two_digits(second % 60, out);
    out.push(b'.');
    out.push(b'0' + u8::try_from(millis / 100).unwrap_or(0));
    two_digits(millis % 100, out);
    out.extend_from_slice(b"Z\"");
}
