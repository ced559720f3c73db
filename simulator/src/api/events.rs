//! `GET /api/1/events`: one page of events in its envelope.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde_json::json;
use url::form_urlencoded;

use super::body::{Content, Page};
use super::connection::ResetSwitch;
use super::cursor::Position;
use super::exchange::{Data, Exchange};
use super::refusals::{Refusal, Shape, envelope, status};
use super::token::check_token;
use crate::config::{Config, Cursor, LastPage, Order};
use crate::endpoint::{EVENTS_PATH, Endpoint};
use crate::history::{Key, Window};
use crate::state::Shared;
use crate::view::{Direction, EventFilter, EventView, FoundEvent, floor};

/// The host of foreign links. The name is reserved, so nobody answers there.
const ELSEWHERE: &str = "https://elsewhere.example";
/// A key before all events.
const FIRST: Key = Key { at: i64::MIN, id: i64::MIN, put: 0 };
/// A key after all events.
const LAST: Key = Key { at: i64::MAX, id: i64::MAX, put: u64::MAX };

pub(super) async fn events(
    State(shared): State<Arc<Shared>>,
    Extension(reset): Extension<ResetSwitch>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let exchange = Exchange::begin(shared, reset, Endpoint::Events, &query, &headers, None);
    exchange.answer(|exchange| page(exchange, &headers, &query)).await
}

fn page(exchange: &Exchange, headers: &HeaderMap, query: &str) -> Result<Data, Refusal> {
    let Exchange { shared, now, .. } = exchange;
    check_token(shared, headers, Shape::Envelope, *now)?;
    let parameters = EventQuery::read(&shared.config, query).map_err(|wrong| {
        Refusal::new(envelope(StatusCode::BAD_REQUEST, &format!("{wrong} is invalid")))
    })?;
    let view = EventView::new(shared, parameters.filter.clone(), *now);
    let (found, is_last) = parameters.find(shared, &view);
    let cursor = parameters.next_cursor(shared.config.last_page, &found, is_last, *now);
    let has_link = match shared.config.last_page {
        LastPage::NullCursor => !is_last,
        LastPage::EmptyWithCursor => !found.is_empty(),
        LastPage::RepeatedCursor => true,
        LastPage::NullCursorWithoutLinks => false,
    };
    let cursor = cursor.map(|position| position.encode(shared.config.account_id()));
    let link = cursor.as_ref().filter(|_| has_link).map(|cursor| {
        let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
        let origin = if shared.config.foreign_links {
            ELSEWHERE.to_owned()
        } else {
            format!("http://{}", host.unwrap_or(&shared.addr))
        };
        format!("{origin}{EVENTS_PATH}?{}", with_cursor(query, cursor))
    });
    let pagination = json!({
        "before_cursor": null, "after_cursor": cursor, "previous_link": null, "next_link": link,
    });
    let status = status(StatusCode::OK, &"Success".into());
    let write = |found: &FoundEvent| {
        // An event of the odd form takes less than 1,500 bytes.
        let mut text = Vec::with_capacity(1_500);
        view.write(shared, found, &mut text);
        text
    };
    Ok(Data::new(Content::Page(Page {
        open: format!("{{\"status\":{status},\"pagination\":{pagination},\"data\":["),
        items: found.iter().map(write).collect(),
        close: "]}",
    })))
}

/// The parameters of a request.
struct EventQuery {
    filter: EventFilter,
    direction: Direction,
    limit: u32,
    kind: Cursor,
    /// From the cursor of the request.
    position: Option<Position>,
}

impl EventQuery {
    /// Reads the parameters, and ignores unknown ones. If a parameter comes twice, the last one
    /// counts. The error is the name of an unreadable one.
    fn read(config: &Config, query: &str) -> Result<Self, &'static str> {
        let most = config.page.max(1);
        let mut window = Window { bounds: config.bounds, ..Window::default() };
        let (mut types, mut limit, mut position, mut sorted) =
            (None, most, None, Direction::Descending);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "since" => window.start = Some(instant(&value).ok_or("since")?),
                "until" => window.stop = Some(instant(&value).ok_or("until")?),
                "event_type_id" => {
                    let read: Result<Vec<i64>, _> = value.split(',').map(str::parse).collect();
                    let mut read = read.map_err(|_| "event_type_id")?;
                    if config.reads_first_type_only {
                        read.truncate(1);
                    }
                    if config.reads_last_type_only {
                        read.drain(..read.len() - 1);
                    }
                    types = Some(read);
                }
                "limit" => {
                    let wanted: u32 = value.parse().map_err(|_| "limit")?;
                    limit = Some(wanted).filter(|&limit| limit > 0).ok_or("limit")?;
                }
                "sort" => {
                    sorted = match &*value {
                        "+id" | "+created_at" => Direction::Ascending,
                        "-id" | "-created_at" => Direction::Descending,
                        // A plus sign that is not percent-encoded has become a space.
                        _ => return Err("sort"),
                    };
                }
                "after_cursor" if value.is_empty() => position = None,
                "after_cursor" => {
                    let read = Position::decode(config.cursor, config.account_id(), &value);
                    position = Some(read.ok_or("after_cursor")?);
                }
                _ => {}
            }
        }
        let types = types.filter(|_| !config.ignores_type_filter);
        let direction = match config.order {
            Order::Ascending => sorted,
            Order::Descending => Direction::Descending,
            Order::Shuffled => Direction::Shuffled,
        };
        let (filter, limit, kind) = (EventFilter { window, types }, limit.min(most), config.cursor);
        Ok(Self { filter, direction, limit, kind, position })
    }

    /// The events of the page, and whether it is the last.
    fn find(&self, shared: &Shared, view: &EventView) -> (Vec<FoundEvent>, bool) {
        let after = match self.position {
            Some(Position::After(key)) => Some(key),
            _ => None,
        };
        let limit = self.limit as usize;
        let pages_before = usize::try_from(self.number() - 1).unwrap_or(usize::MAX);
        let before = pages_before.saturating_mul(limit);
        let walk = view.walk(shared, self.direction, after);
        let mut found: Vec<FoundEvent> = walk.skip(before).take(limit + 1).collect();
        let is_last = found.len() <= limit;
        found.truncate(limit);
        (found, is_last)
    }

    /// The number of the page, from 1; always 1 for keyset cursors.
    fn number(&self) -> u64 {
        match self.position {
            Some(Position::Page(number)) => number,
            _ => 1,
        }
    }

    fn next_cursor(
        &self,
        last_page: LastPage,
        found: &[FoundEvent],
        is_last: bool,
        now: DateTime<Utc>,
    ) -> Option<Position> {
        match last_page {
            LastPage::NullCursor | LastPage::NullCursorWithoutLinks if is_last => None,
            // Without a cursor in the request, one that leads to the same page.
            LastPage::RepeatedCursor if is_last => {
                Some(self.position.unwrap_or(match (self.kind, self.direction) {
                    (Cursor::PageNumber, _) => Position::Page(1),
                    (Cursor::Keyset, Direction::Descending) => Position::After(LAST),
                    (Cursor::Keyset, _) => Position::After(FIRST),
                }))
            }
            _ => Some(match (self.kind, found.last()) {
                (Cursor::PageNumber, _) => Position::Page(self.number().saturating_add(1)),
                (Cursor::Keyset, Some(last)) => Position::After(last.key),
                // After an empty page: the same position, or one with no event yet.
                (Cursor::Keyset, None) => {
                    self.position.unwrap_or(Position::After(match self.direction {
                        Direction::Ascending => Key { at: now.timestamp_millis(), ..LAST },
                        Direction::Descending => FIRST,
                        Direction::Shuffled => LAST,
                    }))
                }
            }),
        }
    }
}

/// Reads a time with a zone, to the millisecond: `2018-11-01T19:44:55.000Z`, with any number of
/// digits after the point, or none.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|at| floor(at.to_utc()))
}

/// The parameters of the request with another cursor.
fn with_cursor(query: &str, cursor: &str) -> String {
    let name = |pair: &str| pair.split('=').next().unwrap_or_default().to_owned();
    let kept = query.split('&').filter(|pair| !pair.is_empty() && name(pair) != "after_cursor");
    let mut pairs: Vec<String> = kept.map(str::to_owned).collect();
    let mut cursor_pair = form_urlencoded::Serializer::new(String::new());
    pairs.push(cursor_pair.append_pair("after_cursor", cursor).finish());
    pairs.join("&")
}
