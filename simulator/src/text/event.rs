//! The JSON text of generated events.

use super::write::{print, write_cause, write_time};
use crate::config::{Config, EventForm};
use crate::history::{
    APPS, Choice, Events, FIRST_APP_ID, Failure, Key, Kind, Person, SignIn, Success, UserForm,
    failed_type, rng_for,
};

/// The person who solves failures. The directory does not have them.
const ADMIN_ID: u32 = 29_999_999;
const RESOLUTIONS: [&str; 3] = ["Provisioned by hand", "Licences bought", "Ignored"];
/// The address of sign-ins, from the block for documentation.
const ADDRESS: &str = "\"198.51.100.7\"";

/// Writes the events of one simulator.
#[derive(Clone, Debug)]
pub(crate) struct EventText {
    form: EventForm,
    account_id: u64,
    seed: u64,
}

/// Values of one event.
struct Values<'a> {
    key: Key,
    event_type_id: i64,
    user: UserForm,
    person: &'a Person,
    app: usize,
    failure: Option<&'a Failure>,
    solved_at: Option<i64>,
    /// JSON.
    address: &'static str,
    actor: Option<&'a Person>,
}

impl<'a> Values<'a> {
    /// Values that are equal in all events.
    fn new(key: Key, person: &'a Person, app: usize) -> Self {
        let user = UserForm::Named;
        let (failure, solved_at, address, actor) = (None, None, "null", None);
        Self { key, event_type_id: 0, user, person, app, failure, solved_at, address, actor }
    }
}

impl EventText {
    pub(crate) fn new(config: &Config) -> Self {
        Self { form: config.event_form, account_id: config.account_id(), seed: config.seed }
    }

    /// Appends an event as it is at `now`, in Unix milliseconds.
    pub(crate) fn write(
        &self,
        events: &Events,
        kind: Kind,
        index: u64,
        now: i64,
        out: &mut Vec<u8>,
    ) {
        let key = events.key(kind, index);
        match kind {
            Kind::Failure => {
                if let Some(bad) = events.failures.bad(index) {
                    return write_bad(bad, key, index, out);
                }
                let failure = events.failures.failure(index);
                let event_type_id = failed_type(failure.operation);
                let solved_at = events.solved_at(index, key.at).filter(|&at| at <= now);
                self.write_failure(key, &failure, event_type_id, solved_at, out);
            }
            Kind::Success => {
                // A success that does not happen is not visible either, so nobody requests its text.
                if let Some(Success { failure, event_type_id }) = events.success(index) {
                    self.write_success(key, &failure, event_type_id, out);
                }
            }
            Kind::SignIn => self.write_sign_in(key, &events.sign_in(index), out),
        }
    }

    fn write_failure(
        &self,
        key: Key,
        failure: &Failure,
        event_type_id: i64,
        solved_at: Option<i64>,
        out: &mut Vec<u8>,
    ) {
        let values = Values {
            event_type_id,
            user: failure.user,
            failure: Some(failure),
            solved_at,
            ..Values::new(key, &failure.person, failure.app)
        };
        self.write_values(&values, out);
    }

    fn write_success(&self, key: Key, failure: &Failure, event_type_id: i64, out: &mut Vec<u8>) {
        let values = Values { event_type_id, ..Values::new(key, &failure.person, failure.app) };
        self.write_values(&values, out);
    }

    fn write_sign_in(&self, key: Key, sign_in: &SignIn, out: &mut Vec<u8>) {
        let SignIn { person, app } = sign_in;
        let (address, actor) = (ADDRESS, Some(person));
        let values = Values { event_type_id: 8, address, actor, ..Values::new(key, person, *app) };
        self.write_values(&values, out);
    }

    fn write_values(&self, values: &Values, out: &mut Vec<u8>) {
        let odd = Oddities::of(self, values.key);
        let Key { at, id, .. } = values.key;
        let quote = |is_text: bool| if is_text { "\"" } else { "" };
        let id_quote = quote(odd.text_id);
        print(out, format_args!("{{\"id\":{id_quote}{id}{id_quote},\"created_at\":"));
        write_time(at, out);
        print(out, format_args!(",\"account_id\":{}", self.account_id));
        match values.user {
            UserForm::Absent => {}
            UserForm::Null => out.extend_from_slice(b",\"user_id\":null,\"user_name\":null"),
            UserForm::Named => print(
                out,
                format_args!(
                    ",\"user_id\":{},\"user_name\":\"{} {}\"",
                    values.person.id(),
                    values.person.first.0,
                    values.person.last.0
                ),
            ),
        }
        let (kind, kind_quote) = (values.event_type_id, quote(odd.text_type));
        print(
            out,
            format_args!(",\"event_type_id\":{kind_quote}{kind}{kind_quote},\"notes\":null"),
        );
        write_actor(values, &odd, out);
        write_app(values.app, &odd, out);
        write_solution(values, &odd, out);
        write_failure_texts(values, &odd, out);
        if odd.unknown_fields {
            // Catches a reader that counts brackets inside strings.
            out.extend_from_slice(
                br#","entity":{"tags":["a]","b\"}",{}],"lag":1.5e3},"user_agent":"Made-up/1 [}\\"#,
            );
            out.push(b'"');
        }
        out.push(b'}');
    }
}

/// Appends an event that cannot be loaded. All texts differ, so that each is one reject.
fn write_bad(kind: u32, key: Key, index: u64, out: &mut Vec<u8>) {
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

/// Oddities of one event.
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
        let bits = rng_for(text.seed, Choice::Odd, key.id.unsigned_abs()).u8(1..128);
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

fn write_actor(values: &Values, odd: &Oddities, out: &mut Vec<u8>) {
    if !(odd.absent_fields && values.address == "null") {
        print(out, format_args!(",\"ipaddr\":{}", values.address));
    }
    match values.actor {
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

fn write_failure_texts(values: &Values, odd: &Oddities, out: &mut Vec<u8>) {
    let has_cause = values.failure.is_some_and(|failure| failure.cause.is_some());
    if odd.absent_fields && !has_cause {
        return;
    }
    out.extend_from_slice(b",\"error_description\":");
    match values.failure {
        Some(failure) => write_cause(failure, out),
        None => out.extend_from_slice(b"null"),
    }
}

fn write_solution(values: &Values, odd: &Oddities, out: &mut Vec<u8>) {
    let Some(solved_at) = values.solved_at else {
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
