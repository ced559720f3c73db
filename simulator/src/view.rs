//! Elements that a request can see at one moment: generated and put ones, merged and in order.

mod directory;
mod events;
mod records;

pub(crate) use directory::{DirectoryEntry, all_user_ids, find_user, generated_user};
pub(crate) use events::{Direction, EventFilter, EventView, FoundEvent, floor};
pub(crate) use records::RecordView;
