#![doc = include_str!("../README.md")]

// Each room knows only those above it in the table of README.md, which `tests/rooms.rs` checks.
mod api;
mod config;
mod endpoint;
mod faults;
mod handle;
mod history;
mod state;
mod text;
mod view;

#[cfg(test)]
mod tests;

pub use config::{
    Bounds, Config, Cursor, DateHeader, EventForm, History, Ids, LastPage, Order, OverLimit,
    TooManyIds, WideAnswer,
};
pub use endpoint::{
    EVENT_TYPES_PATH, EVENTS_PATH, Endpoint, LEGACY_PATH, TOKEN_PATH, USERS_PATH, UnknownEndpoint,
};
pub use faults::{Fault, RetryAfter, UnknownFault, UnknownFaultAt, parse_faults, parse_faults_at};
pub use handle::Simulator;
pub use state::{Call, Entry, Request};
pub use text::{EventRecord, Record, RecordUser, created_at_text, event_time_text};
