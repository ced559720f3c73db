//! Twins, cases, error texts and counts per day, which follow from failures and successes. A window that is
//! small brings them up to date in its own transaction; after a large one they are built again.

mod case;
mod cases;
mod changes;
mod days;
mod error_texts;
mod event;
mod fingerprints;
mod pass;
mod rebuild;
mod twins;

pub(super) use changes::Changes;
