//! `GET /api/2/users`: the people of the directory as they are now.

use std::sync::Arc;

use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::body::{Page, Source};
use super::calls::Endpoint;
use super::config::Config;
use super::connection::ResetSwitch;
use super::event_record::event_time_text;
use super::exchange::{Data, Exchange};
use super::history::{Choice, dice};
use super::people::{FIRST_USER_ID, Person, person};
use super::refusals::{Refusal, Shape, modern, unprocessable};
use super::state::Shared;
use super::token;

/// When the first people came.
const LONG_AGO: DateTime<Utc> = DateTime::from_timestamp(1_300_000_000, 0).unwrap();
/// What stands before the number of the page in a cursor.
const CURSOR: &str = "page_number:::";

pub(super) async fn users(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(reset): ConnectInfo<ResetSwitch>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let exchange = Exchange::begin(shared, reset, Endpoint::Users, &query, &headers, None);
    exchange.answer(|exchange| page(exchange, &headers, &query)).await
}

fn page(exchange: &Exchange, headers: &HeaderMap, query: &str) -> Result<Data, Refusal> {
    let Exchange { shared, now, .. } = exchange;
    token::check_token(shared, headers, Shape::Modern, *now)?;
    let asked = Asked::read(&shared.config, query)?;
    let ids = asked.ids.clone().unwrap_or_else(|| shared.everybody());
    let found: Vec<(i64, Known)> =
        ids.into_iter().filter_map(|id| Some((id, shared.find_person(id)?))).collect();
    let (total, size) = (found.len(), asked.limit);
    let pages = total.div_ceil(size).max(1);
    let shown = found.into_iter().skip((asked.page - 1).saturating_mul(size)).take(size);
    let write = |(id, known): (i64, Known)| match known {
        Known::Put(text) => text.as_bytes().to_vec(),
        Known::MadeUp => {
            shared.describe(id, asked.fields.as_deref(), *now).to_string().into_bytes()
        }
    };
    let items: Vec<Vec<u8>> = shown.map(write).collect();
    let number = |count: usize| HeaderValue::from(count as u64);
    let counts = [
        ("total-count", number(total)),
        ("total-pages", number(pages)),
        ("current-page", number(asked.page)),
        ("page-items", number(items.len())),
    ];
    let mut data = Data::new(Source::Page(Page { open: "[".to_owned(), items, close: "]" }));
    for (name, value) in counts {
        data = data.header(name, value);
    }
    if asked.page > 1 {
        data = data.header("before-cursor", cursor(asked.page - 1));
    }
    if asked.page < pages {
        data = data.header("after-cursor", cursor(asked.page + 1));
    }
    Ok(data)
}

fn cursor(page: usize) -> HeaderValue {
    let text = BASE64_STANDARD.encode(format!("{CURSOR}{page}"));
    // Base64 is made of what a header may hold.
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

fn page_of(cursor: &str) -> Option<usize> {
    let bytes = BASE64_STANDARD.decode(cursor).ok()?;
    let number = str::from_utf8(&bytes).ok()?.strip_prefix(CURSOR)?.parse().ok()?;
    (number > 0).then_some(number)
}

/// What a client asks for.
struct Asked {
    /// In the order of the ids, each once; none = everybody.
    ids: Option<Vec<i64>>,
    fields: Option<Vec<String>>,
    limit: usize,
    /// From 1.
    page: usize,
}

impl Asked {
    fn read(config: &Config, query: &str) -> Result<Self, Refusal> {
        let most = config.users_page.max(1) as usize;
        let (mut ids, mut fields, mut limit, mut cursor) = (None, None, None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "user_ids" => {
                    let read: Result<Vec<i64>, _> = value.split(',').map(str::parse).collect();
                    let wrong =
                        |_| Refusal::new(unprocessable("user_ids", "user_ids must be numbers"));
                    let mut read = read.map_err(wrong)?;
                    read.sort_unstable();
                    read.dedup();
                    ids = Some(read);
                }
                "fields" => fields = Some(value.split(',').map(str::to_owned).collect()),
                "limit" => {
                    let read = value.parse().ok().filter(|&limit| limit > 0);
                    let wrong = || Refusal::new(unprocessable("limit", "limit is invalid"));
                    limit = Some(read.ok_or_else(wrong)?);
                }
                "cursor" => cursor = Some(value.into_owned()),
                _ => {}
            }
        }
        let bad = |message| Refusal::new(modern(StatusCode::BAD_REQUEST, message));
        let page = match &cursor {
            None => 1,
            Some(_) if limit.is_some() => {
                return Err(bad("Requests can only have cursor xor pagination arguments"));
            }
            Some(text) => page_of(text).ok_or_else(|| bad("Invalid pagination cursor"))?,
        };
        Ok(Self { ids, fields, limit: limit.unwrap_or(most).min(most), page })
    }
}

/// Somebody whom the directory knows.
enum Known {
    MadeUp,
    /// With the JSON that was put.
    Put(Arc<str>),
}

impl Shared {
    /// The ids that anybody has or had, in their order.
    fn everybody(&self) -> Vec<i64> {
        let made_up = 0..i64::from(self.config.people());
        let mut ids: Vec<i64> =
            made_up.map(|number| FIRST_USER_ID.cast_signed() + number).collect();
        ids.extend(self.state().people.keys());
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The person of the directory with this id, if there is one.
    fn find_person(&self, id: i64) -> Option<Known> {
        if let Some(put) = self.state().people.get(&id) {
            return put.clone().map(Known::Put);
        }
        let number = number_of(id).filter(|&number| number < u64::from(self.config.people()))?;
        let one_in = self.config.deleted_people;
        let is_deleted =
            one_in > 0 && dice(self.config.seed, Choice::Deleted, number).u32(..one_in) == 0;
        (!is_deleted).then_some(Known::MadeUp)
    }

    /// The JSON of a made-up person at `now`: the fields that are asked for, and always the id.
    fn describe(&self, id: i64, fields: Option<&[String]>, now: DateTime<Utc>) -> Value {
        let person = person(self.config.seed, number_of(id).unwrap_or_default());
        let mut described = json(&person, now);
        if let (Value::Object(object), Some(fields)) = (&mut described, fields) {
            object.retain(|name, _| name == "id" || fields.contains(name));
        }
        described
    }
}

fn number_of(id: i64) -> Option<u64> {
    u64::try_from(id).ok()?.checked_sub(FIRST_USER_ID)
}

fn json(person: &Person, now: DateTime<Utc>) -> Value {
    let parse = |text: &[u8]| serde_json::from_slice::<Value>(text).unwrap_or_default();
    let text = |text: &str| parse(format!("\"{text}\"").as_bytes());
    let (mut email, mut username) = (Vec::new(), Vec::new());
    person.write_email(now.timestamp(), &mut email);
    person.write_username(&mut username);
    // Some day of the year that followed: before any usual history began.
    let number = i64::try_from(person.number % 365).unwrap_or_default();
    let created_at = LONG_AGO + TimeDelta::days(number);
    let fields = [
        ("id", json!(person.id())),
        ("email", parse(&email)),
        ("username", parse(&username)),
        ("firstname", text(person.first.0)),
        ("lastname", text(person.last.0)),
        ("status", json!(1)),
        ("state", json!(1)),
        ("title", Value::Null),
        ("department", Value::Null),
        ("external_id", Value::Null),
        ("group_id", Value::Null),
        ("created_at", event_time_text(created_at).into()),
        ("invalid_login_attempts", json!(0)),
    ];
    Value::Object(
        fields.map(|(name, value)| (name.to_owned(), value)).into_iter().collect::<Map<_, _>>(),
    )
}
