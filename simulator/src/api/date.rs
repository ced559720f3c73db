//! The `Date` and `Age` of an answer, right or wrong as configured.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};

use super::refusals::http_date;
use crate::config::DateHeader;
use crate::faults::Fault;
use crate::state::Shared;

/// Headers that a fault changes, kept with the response until `Date` is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dated {
    date: DateHeader,
    age: Option<Duration>,
}

impl Dated {
    pub(super) fn by_fault(fault: Fault) -> Option<Self> {
        let (date, age) = match fault {
            Fault::DateAhead(by) => (DateHeader::Ahead(by), None),
            Fault::DateBehind(by) => (DateHeader::Behind(by), None),
            Fault::NoDate => (DateHeader::Absent, None),
            Fault::Age(age) => (DateHeader::Right, Some(age)),
            Fault::Cached(age) => (DateHeader::Behind(age), Some(age)),
            _ => return None,
        };
        Some(Self { date, age })
    }
}

/// Writes `Date` and `Age`, and breaks off an answer that hangs at the stop.
pub(super) async fn with_date(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = tokio::select! {
        () = shared.stopped() => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        response = next.run(request) => response,
    };
    let dated = response.extensions().get::<Dated>().copied();
    let Dated { date, age } = dated.unwrap_or(Dated { date: shared.config.date, age: None });
    let headers = response.headers_mut();
    if let Some(at) = shown(date, shared.now()) {
        headers.insert(header::DATE, http_date(at));
    }
    if let Some(age) = age {
        headers.insert(header::AGE, age.as_secs().into());
    }
    response
}

fn shown(date: DateHeader, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let span = |by: Duration| TimeDelta::from_std(by).unwrap_or(TimeDelta::MAX);
    match date {
        DateHeader::Right => Some(now),
        DateHeader::Ahead(by) => {
            Some(now.checked_add_signed(span(by)).unwrap_or(DateTime::<Utc>::MAX_UTC))
        }
        DateHeader::Behind(by) => {
            Some(now.checked_sub_signed(span(by)).unwrap_or(DateTime::<Utc>::MIN_UTC))
        }
        DateHeader::Absent => None,
    }
}
