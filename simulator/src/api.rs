//! The HTTP side: routes, requests and answers.

mod body;
mod connection;
mod cursor;
mod date;
mod event_types;
mod events;
mod exchange;
mod legacy;
mod refusals;
mod token;
mod users;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, Uri};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post};
use tokio::net::TcpListener;

use crate::endpoint::{EVENT_TYPES_PATH, EVENTS_PATH, LEGACY_PATH, TOKEN_PATH, USERS_PATH};
use crate::state::Shared;

pub(crate) use connection::listen;
use date::with_date;
use refusals::{Shape, refusal};

const WELCOME: &str = "A stand-in for OneLogin: generated people and failures, to try programs and to test them.\n\n\
    The current API, with a token\n\
    POST /auth/oauth2/v2/token         HTTP Basic `client id:client secret`, grant_type=client_credentials\n\
    GET  /api/1/events                 ?since=…&until=…&event_type_id=61,62&sort=%2Bid&limit=50&after_cursor=…\n\
    GET  /api/1/events/types           without a token\n\
    GET  /api/2/users                  ?user_ids=30000000,30000001&fields=email\n\
    GET  /auth/rate_limit\n\
    POST /auth/oauth2/revoke           ends a token for all its users\n\n\
    The legacy API, with the same failures\n\
    GET  /api/v1/logins/failed_provisioning.json   ?start_date=…&stop_date=…   HTTP Basic `key:x`\n\n\
    The stand-in itself\n\
    POST /simulator/advance?seconds=3600           advances the clock\n";

/// Serves until the simulator stops. That breaks off answers in progress.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let routes = Router::new()
        .route("/", get(|| async { WELCOME }))
        .route(LEGACY_PATH, get(legacy::failed_provisioning))
        .route(TOKEN_PATH, post(token::token))
        .route("/auth/oauth2/revoke", post(token::revoke))
        .route("/auth/rate_limit", get(token::rate_limit))
        .route(EVENTS_PATH, get(events::events))
        .route(EVENT_TYPES_PATH, get(event_types::event_types))
        .route(USERS_PATH, get(users::users))
        .route("/simulator/advance", post(advance))
        .fallback(|uri: Uri| async move { not_found(uri.path()) })
        .layer(from_fn_with_state(shared.clone(), with_date))
        .with_state(shared.clone());
    connection::serve(&listener, routes, &shared).await;
}

/// The answer for an unknown path, in the form of the API that it begins like.
fn not_found(path: &str) -> Response {
    let is_under = |prefixes: &[&str]| prefixes.iter().any(|prefix| path.starts_with(prefix));
    let shape = if is_under(&["/api/1/", "/auth/"]) {
        Shape::Envelope
    } else if is_under(&["/api/2/"]) {
        Shape::Modern
    } else {
        Shape::Legacy
    };
    refusal(shape, StatusCode::NOT_FOUND)
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
