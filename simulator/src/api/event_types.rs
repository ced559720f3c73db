//! `GET /api/1/events/types`.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::body::{Content, Page};
use super::connection::ResetSwitch;
use super::exchange::{Data, Exchange};
use super::refusals::status;
use crate::endpoint::Endpoint;
use crate::state::Shared;

pub(super) async fn event_types(
    State(shared): State<Arc<Shared>>,
    Extension(reset): Extension<ResetSwitch>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let exchange = Exchange::begin(shared, reset, Endpoint::Types, &query, &headers, None);
    // No token is checked, because the documented sample sends none.
    exchange.answer(|exchange| Ok(list(&exchange.shared))).await
}

fn list(shared: &Shared) -> Data {
    let state = shared.state();
    // Numbers and texts are always JSON.
    let items = state.event_types.values().map(|kind| serde_json::to_vec(kind).unwrap_or_default());
    let status = status(StatusCode::OK, &"Success".into());
    Data::new(Content::Page(Page {
        open: format!("{{\"status\":{status},\"data\":["),
        items: items.collect(),
        close: "]}",
    }))
}
