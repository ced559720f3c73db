//! JSON texts of the history, as each API writes them.
//!
//! Texts are written straight into a buffer, without a tree of values.

mod event;
mod event_record;
mod legacy;
mod record;
mod user;
mod write;

pub(crate) use event::EventText;
pub use event_record::{EventRecord, event_time_text};
pub(crate) use legacy::write_record;
pub use record::{Record, RecordUser, created_at_text};
pub(crate) use user::user_json;
