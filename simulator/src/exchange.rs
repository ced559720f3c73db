//! One call from its arrival to its answer: what all endpoints have in common.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};

use super::body::{Ending, Plan, Source, body};
use super::calls::{Call, Endpoint};
use super::config::OverLimit;
use super::connection::ResetSwitch;
use super::faults::Fault;
use super::refusals::{Refusal, envelope, http_date, immediate, refusal};
use super::state::Shared;
use super::token;

/// When the legacy API is to be switched off, if it says so: so long after the clock's start.
const SUNSET: TimeDelta = TimeDelta::days(180);

/// One call while it is answered.
pub(super) struct Exchange {
    pub(super) shared: Arc<Shared>,
    /// When it came: an answer is of this moment, however long it takes.
    pub(super) now: DateTime<Utc>,
    endpoint: Endpoint,
    reset: ResetSwitch,
    call: usize,
    request: Option<usize>,
    gzip: bool,
}

/// What a good call gets.
pub(super) struct Data {
    source: Source,
    cap: Option<u64>,
    headers: HeaderMap,
    wide: Option<Fault>,
}

impl Data {
    pub(super) fn new(source: Source) -> Self {
        Self { source, cap: None, headers: HeaderMap::new(), wide: None }
    }

    /// The same with a header more.
    pub(super) fn header(mut self, name: &'static str, value: impl Into<HeaderValue>) -> Self {
        self.headers.insert(HeaderName::from_static(name), value.into());
        self
    }

    /// The same with at most so many records, and with a fault if no other is waiting.
    pub(super) fn legacy(self, cap: Option<u64>, wide: Option<Fault>) -> Self {
        Self { cap, wide, ..self }
    }
}

impl Exchange {
    /// Notes a call that has just come. Of a legacy one, `request` is its number among those.
    pub(super) fn begin(
        shared: Arc<Shared>,
        reset: ResetSwitch,
        endpoint: Endpoint,
        query: &str,
        headers: &HeaderMap,
        request: Option<usize>,
    ) -> Self {
        let authorization =
            headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let now = shared.now();
        let number = authorization
            .and_then(token::bearer)
            .and_then(|text| shared.state().tokens.number(text));
        let call = shared.calls.note(Call {
            endpoint,
            at: now,
            query: query.to_owned(),
            authorization: authorization.map(|value| token::scheme(value).to_owned()),
            token: number,
            status: None,
            records: 0,
            bytes: 0,
        });
        let gzip = shared.config.gzip && accepts_gzip(headers);
        Self { shared, now, endpoint, reset, call, request, gzip }
    }

    /// Notes which token the call was given.
    pub(super) fn note_token(&self, number: usize) {
        self.shared.calls.update(self.call, |call| call.token = Some(number));
    }

    /// The whole answer: `prepare` looks at the call and says what a good one gets. The allowance
    /// is asked before, faults come after.
    pub(super) async fn answer(
        self,
        prepare: impl FnOnce(&Self) -> Result<Data, Refusal>,
    ) -> Response {
        let shared = self.shared.clone();
        let (endpoint, call, request, now) = (self.endpoint, self.call, self.request, self.now);
        let refused = self.spend();
        let response = match refused.map_or_else(|| prepare(&self), Err) {
            Ok(data) => self.send(data).await,
            Err(refusal) => Some(*refusal),
        };
        // A reset leaves the status empty: the client never sees one.
        let Some(mut response) = response else { return Response::default() };
        let status = Some(response.status().as_u16());
        shared.calls.update(call, |call| call.status = status);
        if let Some(request) = request {
            shared.log.send_modify(|log| log[request].status = status);
        }
        let headers = response.headers_mut();
        if endpoint.is_limited() {
            let left = shared.state().allowance.left(shared.config.calls_per_hour, now);
            for (name, value) in left.headers() {
                // A fault may say otherwise.
                headers.entry(name).or_insert(value.into());
            }
        }
        if endpoint == Endpoint::Legacy && shared.config.deprecation {
            headers.insert("deprecation", HeaderValue::from_static("true"));
            headers.insert("sunset", http_date(shared.config.now + SUNSET));
        }
        response
    }

    /// Takes the call off the hour's allowance, and refuses it if nothing was left.
    fn spend(&self) -> Option<Refusal> {
        if !self.endpoint.is_limited() {
            return None;
        }
        let mut state = self.shared.state();
        state.allowance.spend(1, self.now);
        if !state.allowance.is_exceeded(self.shared.config.calls_per_hour) {
            return None;
        }
        let answer = match self.shared.config.over_limit {
            OverLimit::Status429 => refusal(self.endpoint.shape(), StatusCode::TOO_MANY_REQUESTS),
            OverLimit::BadRequest => envelope(StatusCode::BAD_REQUEST, "rate_limit_exceeded"),
        };
        Some(answer.into())
    }

    /// The data, or what a fault makes of it; none when the connection is reset instead.
    async fn send(self, data: Data) -> Option<Response> {
        let fault = self.shared.state().faults.next(self.endpoint).or(data.wide);
        let shape = self.endpoint.shape();
        if let Some(answer) = fault.and_then(|fault| immediate(shape, fault, self.now)) {
            return Some(answer);
        }
        let (ending, drip) = match fault {
            Some(Fault::Reset) => {
                self.reset.press();
                return None;
            }
            Some(Fault::StallBeforeHeaders) => std::future::pending().await,
            Some(Fault::Stall) => (Ending::Stall, None),
            Some(Fault::TruncatedWellFormed) => (Ending::Cut, None),
            Some(Fault::TruncatedConnection) => (Ending::Close, None),
            Some(Fault::ResetMidBody) => (Ending::Reset, None),
            Some(Fault::SlowDrip { bytes, interval }) => (Ending::Whole, Some((bytes, interval))),
            _ => (Ending::Whole, None),
        };
        let Self { shared, now, endpoint, reset, call, request, gzip } = self;
        let Data { source, cap, headers, .. } = data;
        let is_gated = endpoint.is_data();
        let plan = Plan { source, cap, is_gated, now, ending, drip, gzip, call, request, reset };
        let mut response = (headers, body(shared, plan)).into_response();
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        if gzip {
            let gzip = HeaderValue::from_static("gzip");
            response.headers_mut().insert(header::CONTENT_ENCODING, gzip);
        }
        Some(response)
    }
}

impl Endpoint {
    /// Whether its records are what a client is after: the gate counts them, and faults for data
    /// in general are for them.
    pub(super) fn is_data(self) -> bool {
        matches!(self, Self::Legacy | Self::Events)
    }

    /// Whether its calls count. To ask for what is left, and to give back a token, is free.
    fn is_limited(self) -> bool {
        matches!(self, Self::Token | Self::Events | Self::Users | Self::Types)
    }
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    accepted.unwrap_or_default().split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim() == "gzip" && weight.trim() != "q=0"
    })
}
