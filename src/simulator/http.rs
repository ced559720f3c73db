//! The HTTP side: routes, credentials, parameters, and the answer to each fault.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Query, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};

use super::body::{Ending, Plan, body};
use super::calls::Endpoint;
use super::connection::{Acceptor, ResetSwitch};
use super::faults::Fault;
use super::history::Window;
use super::refusals::{Shape, http_date, immediate, refusal};
use super::state::Shared;
use super::{PATH, Request as Logged, WideAnswer};

const BAD_DATE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<errors>\n  <error>start_date or \
                        stop_date is not a date</error>\n</errors>\n";
const WELCOME: &str = "A stand-in for OneLogin: made-up people and failures, for trying and testing.\n\
    GET  /api/v1/logins/failed_provisioning.json?start_date=…&stop_date=…   HTTP Basic `key:x`\n\
    POST /simulator/advance?seconds=3600   lets time pass\n";

/// Serves until the simulator stops. Answers that are under way then are broken off.
pub(super) async fn serve(acceptor: Acceptor, shared: Arc<Shared>) {
    let routes = Router::new()
        .route("/", get(|| async { WELCOME }))
        .route(PATH, get(failed_provisioning))
        .route("/simulator/advance", post(advance))
        .fallback(|| async { refusal(Shape::Legacy, StatusCode::NOT_FOUND) })
        .layer(from_fn_with_state(shared.clone(), with_simulated_date))
        .with_state(shared.clone())
        .into_make_service_with_connect_info::<ResetSwitch>();
    let stop = async move { shared.stopped().await };
    // axum retries when accepting fails and reports errors of connections to their clients only.
    let _ = axum::serve(acceptor, routes).with_graceful_shutdown(stop).await;
}

/// Puts the simulated time into `Date`, and breaks off an answer that hangs when all stops.
async fn with_simulated_date(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = tokio::select! {
        () = shared.stopped() => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        response = next.run(request) => response,
    };
    response.headers_mut().insert(header::DATE, http_date(shared.now()));
    response
}

#[derive(serde::Deserialize)]
struct Advance {
    seconds: u64,
}

async fn advance(State(shared): State<Arc<Shared>>, Query(by): Query<Advance>) -> String {
    let mut state = shared.state();
    state.clock.advance(Duration::from_secs(by.seconds));
    format!("{}\n", state.clock.now().to_rfc3339())
}

async fn failed_provisioning(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(reset): ConnectInfo<ResetSwitch>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let (start_date, stop_date) = dates(query.as_deref().unwrap_or_default());
    let now = shared.now();
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let mut request = 0;
    shared.log.send_modify(|log| {
        request = log.len();
        log.push(Logged {
            at: now,
            start_date: start_date.clone(),
            stop_date: stop_date.clone(),
            status: None,
            records: 0,
            bytes: 0,
            user_agent: user_agent.map(str::to_owned),
        });
    });
    let call = Call { shared: shared.clone(), reset, request, now };
    let response = call.answer(&headers, start_date.as_deref(), stop_date.as_deref()).await;
    // A reset leaves the status empty: the client never sees one.
    if let Some(response) = &response {
        let status = response.status().as_u16();
        shared.log.send_modify(|log| log[request].status = Some(status));
    }
    response.unwrap_or_default()
}

/// One request while it is answered.
struct Call {
    shared: Arc<Shared>,
    reset: ResetSwitch,
    request: usize,
    now: DateTime<Utc>,
}

impl Call {
    /// The answer; none when the connection is reset instead.
    async fn answer(
        self,
        headers: &HeaderMap,
        start_date: Option<&str>,
        stop_date: Option<&str>,
    ) -> Option<Response> {
        if !is_authorized(headers, &self.shared.config.key) {
            return Some(refusal(Shape::Legacy, StatusCode::UNAUTHORIZED));
        }
        let (Ok(start), Ok(stop)) = (instant(start_date), instant(stop_date)) else {
            let xml = [(header::CONTENT_TYPE, "application/xml; charset=utf-8")];
            return Some((StatusCode::UNPROCESSABLE_ENTITY, xml, BAD_DATE).into_response());
        };
        let window = Window { start, stop, bounds: self.shared.config.bounds };
        let fault = self.shared.state().faults.next(Endpoint::Legacy);
        let fault = fault.or_else(|| self.is_too_wide(&window).then(|| self.wide_fault()));
        let gzip = self.shared.config.gzip && accepts_gzip(headers);
        if let Some(answer) = fault.and_then(|fault| immediate(Shape::Legacy, fault, self.now)) {
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
        let sequence = self.shared.sequence(&window, self.now);
        let Self { shared, reset, request, now } = self;
        let body = body(shared, Plan { sequence, now, ending, drip, gzip, request, reset });
        let mut response =
            ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response();
        if gzip {
            let gzip = HeaderValue::from_static("gzip");
            response.headers_mut().insert(header::CONTENT_ENCODING, gzip);
        }
        Some(response)
    }

    fn is_too_wide(&self, window: &Window) -> bool {
        let Some(limit) = self.shared.config.too_wide else { return false };
        // Without a start a request asks for all there is.
        let Some(start) = window.start else { return true };
        let span = window.stop.unwrap_or(self.now) - start;
        span.to_std().is_ok_and(|span| span > limit)
    }

    fn wide_fault(&self) -> Fault {
        match self.shared.config.wide_answer {
            WideAnswer::Stall => Fault::Stall,
            WideAnswer::Error => Fault::InternalError,
            WideAnswer::Truncate => Fault::TruncatedConnection,
        }
    }
}

/// `start_date` and `stop_date` as they came, decoded.
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

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    accepted.unwrap_or_default().split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim() == "gzip" && weight.trim() != "q=0"
    })
}
