//! One call from its arrival to its answer, as all endpoints have it.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};

use super::body::{BodyEnd, Content, Plan, body};
use super::connection::ResetSwitch;
use super::date::Dated;
use super::refusals::{Refusal, envelope, http_date, immediate, refusal, shape};
use super::token::{bearer, scheme};
use crate::config::OverLimit;
use crate::endpoint::Endpoint;
use crate::faults::Fault;
use crate::state::{Call, Shared};

/// The time from the start of the clock to the announced end of the legacy API.
const SUNSET: TimeDelta = TimeDelta::days(180);

/// One call in progress.
pub(super) struct Exchange {
    pub(super) shared: Arc<Shared>,
    /// The time of arrival. An answer is as of this moment, however long it takes.
    pub(super) now: DateTime<Utc>,
    endpoint: Endpoint,
    reset: ResetSwitch,
    call: usize,
    request: Option<usize>,
    gzip: bool,
}

/// The answer to a good call, before faults.
pub(super) struct Data {
    content: Content,
    cap: Option<u64>,
    headers: HeaderMap,
    wide: Option<Fault>,
}

impl Data {
    pub(super) fn new(content: Content) -> Self {
        Self { content, cap: None, headers: HeaderMap::new(), wide: None }
    }

    /// Adds a header.
    pub(super) fn header(mut self, name: &'static str, value: impl Into<HeaderValue>) -> Self {
        self.headers.insert(HeaderName::from_static(name), value.into());
        self
    }

    /// Limits the records, and adds a fault that applies if no other is waiting.
    pub(super) fn legacy(self, cap: Option<u64>, wide: Option<Fault>) -> Self {
        Self { cap, wide, ..self }
    }
}

impl Exchange {
    /// Logs a call on arrival. `request` is its number among legacy requests, for one of those.
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
        let number =
            authorization.and_then(bearer).and_then(|text| shared.state().tokens.number(text));
        let call = shared.calls.append(Call {
            endpoint,
            at: now,
            query: query.to_owned(),
            authorization: authorization.map(|value| scheme(value).to_owned()),
            token: number,
            status: None,
            records: 0,
            bytes: 0,
        });
        let gzip = shared.config.gzip && accepts_gzip(headers);
        Self { shared, now, endpoint, reset, call, request, gzip }
    }

    /// Logs the token that was issued.
    pub(super) fn log_token(&self, number: usize) {
        self.shared.calls.update(self.call, |call| call.token = Some(number));
    }

    /// Answers the call. `prepare` checks it and returns the data. The hourly limit is checked
    /// before that, and faults apply after it.
    pub(super) async fn answer(self, prepare: impl Fn(&Self) -> Result<Data, Refusal>) -> Response {
        let shared = self.shared.clone();
        let (endpoint, call, request, now) = (self.endpoint, self.call, self.request, self.now);
        let refused = self.count_call();
        let response = match refused.map_or_else(|| prepare(&self), Err) {
            Ok(data) => self.answer_with(data, prepare).await,
            Err(refusal) => Some(*refusal),
        };
        // A reset leaves the status empty, because the client never gets one.
        let Some(mut response) = response else { return Response::default() };
        let status = Some(response.status().as_u16());
        shared.calls.update(call, |call| call.status = status);
        if let Some(request) = request {
            shared.requests.update(request, |request| request.status = status);
        }
        let headers = response.headers_mut();
        if endpoint.is_limited() {
            let left = shared.state().hourly_calls.left(shared.config.calls_per_hour, now);
            for (name, value) in left.headers() {
                // A fault may have set its own.
                headers.entry(name).or_insert(value.into());
            }
        }
        if endpoint == Endpoint::Legacy && shared.config.deprecation {
            headers.insert("deprecation", HeaderValue::from_static("true"));
            headers.insert("sunset", http_date(shared.config.now + SUNSET));
        }
        response
    }

    /// Counts the call against the hourly limit, and refuses it if that is used up.
    fn count_call(&self) -> Option<Refusal> {
        if !self.endpoint.is_limited() {
            return None;
        }
        let mut state = self.shared.state();
        state.hourly_calls.spend(1, self.now);
        if !state.hourly_calls.is_exceeded(self.shared.config.calls_per_hour) {
            return None;
        }
        let answer = match self.shared.config.over_limit {
            OverLimit::Status429 => refusal(shape(self.endpoint), StatusCode::TOO_MANY_REQUESTS),
            OverLimit::BadRequest => envelope(StatusCode::BAD_REQUEST, "rate_limit_exceeded"),
        };
        Some(answer.into())
    }

    /// Answers with the data, or with the waiting fault if there is one.
    async fn answer_with(
        mut self,
        mut data: Data,
        prepare: impl Fn(&Self) -> Result<Data, Refusal>,
    ) -> Option<Response> {
        let fault = self.shared.state().faults.next(self.endpoint).or(data.wide);
        if let Some(answer) = fault.and_then(|f| immediate(shape(self.endpoint), f, self.now)) {
            return Some(answer);
        }
        if let Some(Fault::Cached(age)) = fault {
            let age = TimeDelta::from_std(age).unwrap_or(TimeDelta::MAX);
            self.now = self.now.checked_sub_signed(age).unwrap_or(DateTime::<Utc>::MIN_UTC);
            data = match prepare(&self) {
                Ok(data) => data,
                Err(refusal) => return Some(*refusal),
            };
        }
        let mut response = self.send(data, fault).await?;
        if let Some(dated) = fault.and_then(Dated::by_fault) {
            response.extensions_mut().insert(dated);
        }
        Some(response)
    }

    /// Sends the data, spoilt by the fault. `None` means that the connection is reset instead.
    async fn send(self, data: Data, fault: Option<Fault>) -> Option<Response> {
        let (ending, drip) = match fault {
            Some(Fault::Reset) => {
                self.reset.press();
                return None;
            }
            Some(Fault::StallBeforeHeaders) => std::future::pending().await,
            Some(Fault::Stall) => (BodyEnd::Stall, None),
            Some(Fault::TruncatedWellFormed) => (BodyEnd::Cut, None),
            Some(Fault::TruncatedConnection) => (BodyEnd::Close, None),
            Some(Fault::ResetMidBody) => (BodyEnd::Reset, None),
            Some(Fault::SlowDrip { bytes, interval }) => {
                (BodyEnd::Complete, Some((bytes, interval)))
            }
            _ => (BodyEnd::Complete, None),
        };
        let Self { shared, endpoint, reset, call, request, gzip, .. } = self;
        let Data { content, cap, headers, .. } = data;
        let is_gated = endpoint.is_data();
        let coding = if fault == Some(Fault::GzipInCapitals) {
            Some("GZIP")
        } else {
            gzip.then_some("gzip")
        };
        let gzip = coding.is_some();
        let plan = Plan { content, cap, is_gated, ending, drip, gzip, call, request, reset };
        let mut response = (headers, body(shared, plan)).into_response();
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        if let Some(coding) = coding {
            let coding = HeaderValue::from_static(coding);
            response.headers_mut().insert(header::CONTENT_ENCODING, coding);
        }
        Some(response)
    }
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    accepted.unwrap_or_default().split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim() == "gzip" && weight.trim() != "q=0"
    })
}
