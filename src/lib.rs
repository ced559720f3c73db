//! Copies failed provisioning from OneLogin into Postgres or SQLite.
//!
//! [`sync`] is the job. [`window`] decides which intervals to ask for, [`onelogin`] asks,
//! [`normalize`] turns records into rows of [`model`], [`store`] writes them. [`cli`] is the face,
//! [`identity`] has what makes two records the same, and [`exit`] has
//! the exit codes.

pub mod cli;
pub mod exit;
mod identity;
mod model;
mod normalize;
mod onelogin;
mod redact;
mod source;
mod store;
mod sync;
mod window;

/// A door for the benchmarks and the tests' kit only: it changes without notice.
#[doc(hidden)]
pub mod internals {
    pub use crate::identity::content_hash;
    pub use crate::model::{Batch, Failure, Origin, Profile, Success, TextArena, TextRef};
    pub use crate::normalize::event_type::{EventSelection, FAILURES};
    pub use crate::normalize::record;
    pub use crate::onelogin::json_array::Splitter;
    pub use crate::source::SourceKind;
}

/// Joins an error and its causes on one line.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
