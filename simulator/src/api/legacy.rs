//! The legacy endpoint: all records between two dates in one answer.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};

use super::body::Content;
use super::connection::ResetSwitch;
use super::exchange::{Data, Exchange};
use super::refusals::{Refusal, Shape, refusal};
use crate::config::WideAnswer;
use crate::endpoint::Endpoint;
use crate::faults::Fault;
use crate::history::Window;
use crate::state::{Request, Shared};
use crate::view::RecordView;

const BAD_DATE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<errors>\n  <error>start_date or \
                        stop_date is not a date</error>\n</errors>\n";

pub(super) async fn failed_provisioning(
    State(shared): State<Arc<Shared>>,
    Extension(reset): Extension<ResetSwitch>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let (start_date, stop_date) = dates(&query);
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let request = shared.requests.append(Request {
        at: shared.now(),
        start_date: start_date.clone(),
        stop_date: stop_date.clone(),
        status: None,
        records: 0,
        bytes: 0,
        user_agent: user_agent.map(str::to_owned),
    });
    let exchange =
        Exchange::begin(shared, reset, Endpoint::Legacy, &query, &headers, Some(request));
    let answer = exchange.answer(|exchange| {
        records(exchange, &headers, start_date.as_deref(), stop_date.as_deref())
    });
    answer.await
}

fn records(
    exchange: &Exchange,
    headers: &HeaderMap,
    start_date: Option<&str>,
    stop_date: Option<&str>,
) -> Result<Data, Refusal> {
    let Exchange { shared, now, .. } = exchange;
    if !is_authorized(headers, &shared.config.key) {
        return Err(refusal(Shape::Legacy, StatusCode::UNAUTHORIZED).into());
    }
    let (Ok(start), Ok(stop)) = (instant(start_date), instant(stop_date)) else {
        let xml = [(header::CONTENT_TYPE, "application/xml; charset=utf-8")];
        return Err((StatusCode::UNPROCESSABLE_ENTITY, xml, BAD_DATE).into_response().into());
    };
    let window = Window { start, stop, bounds: shared.config.bounds };
    let content = Content::Records(RecordView::new(shared, &window, *now));
    Ok(Data::new(content).legacy(shared.config.cap, wide_fault(shared, &window, *now)))
}

/// The fault of a request for too long a span.
fn wide_fault(shared: &Shared, window: &Window, now: DateTime<Utc>) -> Option<Fault> {
    let limit = shared.config.too_wide?;
    // A request without a start selects everything.
    let is_too_wide = window.start.is_none_or(|start| {
        let span = window.stop.unwrap_or(now) - start;
        span.to_std().is_ok_and(|span| span > limit)
    });
    is_too_wide.then_some(match shared.config.wide_answer {
        WideAnswer::Stall => Fault::Stall,
        WideAnswer::Error => Fault::InternalError,
        WideAnswer::Truncate => Fault::TruncatedConnection,
    })
}

/// `start_date` and `stop_date`, decoded.
fn dates(query: &str) -> (Option<String>, Option<String>) {
    let find = |name: &str| {
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    (find("start_date"), find("stop_date"))
}

/// Reads `YYYY-MM-DDThh:mm:ss` and a zone: `Z`, the documented `-Z`, or an offset.
fn instant(text: Option<&str>) -> Result<Option<DateTime<Utc>>, chrono::ParseError> {
    let Some(text) = text else { return Ok(None) };
    let text = match text.strip_suffix("-Z") {
        Some(time) => format!("{time}Z"),
        None => text.to_owned(),
    };
    DateTime::parse_from_rfc3339(&text).map(|at| Some(at.to_utc()))
}

fn is_authorized(headers: &HeaderMap, key: &str) -> bool {
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
        .and_then(|(_, encoded)| BASE64_STANDARD.decode(encoded.trim()).ok())
        .is_some_and(|pair| pair == format!("{key}:x").as_bytes())
}
