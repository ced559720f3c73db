//! `GET /api/2/users`: people of the directory as of now.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use url::form_urlencoded;

use super::body::{Content, Page};
use super::connection::ResetSwitch;
use super::exchange::{Data, Exchange};
use super::refusals::{Refusal, Shape, modern, unprocessable};
use super::token::check_token;
use crate::config::{Config, TooManyIds};
use crate::endpoint::Endpoint;
use crate::state::Shared;
use crate::view::{DirectoryEntry, all_user_ids, find_user, generated_user};

/// The text before the page number in a cursor.
const CURSOR: &str = "page_number:::";
const TOO_LARGE: &str = "Integer value must be <= 2147483647";

pub(super) async fn users(
    State(shared): State<Arc<Shared>>,
    Extension(reset): Extension<ResetSwitch>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let exchange = Exchange::begin(shared, reset, Endpoint::Users, &query, &headers, None);
    exchange.answer(|exchange| page(exchange, &headers, &query)).await
}

fn page(exchange: &Exchange, headers: &HeaderMap, query: &str) -> Result<Data, Refusal> {
    let Exchange { shared, now, .. } = exchange;
    check_token(shared, headers, Shape::Modern, *now)?;
    let parameters = UserQuery::read(&shared.config, query)?;
    refuse_ids(shared, parameters.ids.as_deref().unwrap_or_default())?;
    let ids = parameters.ids.clone().unwrap_or_else(|| all_user_ids(shared));
    let found: Vec<(i64, DirectoryEntry)> =
        ids.into_iter().filter_map(|id| Some((id, find_user(shared, id)?))).collect();
    let (total, size) = (found.len(), parameters.limit);
    let most = match shared.config.users_ids {
        Some((most, TooManyIds::Cut)) => most as usize,
        _ => usize::MAX,
    };
    let found: Vec<_> = found.into_iter().take(most).collect();
    let pages = found.len().div_ceil(size).max(1);
    let shown = found.into_iter().skip((parameters.page - 1).saturating_mul(size)).take(size);
    let write = |(id, entry): (i64, DirectoryEntry)| match entry {
        DirectoryEntry::Put(text) => text.as_bytes().to_vec(),
        DirectoryEntry::Generated => {
            generated_user(shared, id, parameters.fields.as_deref(), *now).to_string().into_bytes()
        }
    };
    let items: Vec<Vec<u8>> = shown.map(write).collect();
    let number = |count: usize| HeaderValue::from(count as u64);
    let counts = [
        ("total-count", number(total)),
        ("total-pages", number(pages)),
        ("current-page", number(parameters.page)),
        ("page-items", number(items.len())),
    ];
    let mut data = Data::new(Content::Page(Page { open: "[".to_owned(), items, close: "]" }));
    for (name, value) in counts {
        data = data.header(name, value);
    }
    if parameters.page > 1 {
        data = data.header("before-cursor", cursor(parameters.page - 1));
    }
    if parameters.page < pages {
        data = data.header("after-cursor", cursor(parameters.page + 1));
    }
    Ok(data)
}

/// The refusal of too many ids, unless the answer is cut instead.
fn refuse(answer: TooManyIds) -> Result<(), Refusal> {
    match answer {
        TooManyIds::BadRequest => {
            Err(Refusal::new(modern(StatusCode::BAD_REQUEST, "too many user_ids")))
        }
        TooManyIds::Unprocessable => {
            Err(Refusal::new(unprocessable("user_ids", "too many user_ids")))
        }
        TooManyIds::Cut => Ok(()),
    }
}

/// The refusal of ids that the directory does not take, worded as for one that is too large.
fn refuse_ids(shared: &Shared, ids: &[i64]) -> Result<(), Refusal> {
    let is_refused = ids.iter().any(|id| shared.state().refused_people.contains(id));
    match shared.config.users_ids {
        _ if !is_refused => Ok(()),
        Some((_, TooManyIds::Unprocessable)) => {
            Err(Refusal::new(unprocessable("user_ids", TOO_LARGE)))
        }
        _ => Err(Refusal::new(modern(StatusCode::BAD_REQUEST, TOO_LARGE))),
    }
}

fn cursor(page: usize) -> HeaderValue {
    let text = BASE64_STANDARD.encode(format!("{CURSOR}{page}"));
    // A header may hold all characters of Base64.
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

fn page_of(cursor: &str) -> Option<usize> {
    let bytes = BASE64_STANDARD.decode(cursor).ok()?;
    let number = str::from_utf8(&bytes).ok()?.strip_prefix(CURSOR)?.parse().ok()?;
    (number > 0).then_some(number)
}

/// The parameters of a request.
struct UserQuery {
    /// Ascending, each once; `None` for everybody.
    ids: Option<Vec<i64>>,
    fields: Option<Vec<String>>,
    limit: usize,
    /// From 1.
    page: usize,
}

impl UserQuery {
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
                    match config.users_ids {
                        Some((most, answer)) if read.len() > most as usize => refuse(answer)?,
                        _ => {}
                    }
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
