//! Copies failed provisioning from OneLogin into Postgres or SQLite.
//!
//! [`sync`] is the job. [`window`] decides which intervals to request, [`onelogin`] requests them,
//! [`normalize`] turns records into rows of [`model`], [`store`] writes them. [`cli`] is the command
//! line, [`identity`] has what makes two records the same, and [`exit`] has the exit codes.

pub mod cli;
mod error_rules;
pub mod exit;
mod identity;
mod model;
mod normalize;
mod onelogin;
mod redact;
mod report;
mod source;
mod store;
mod sync;
mod window;

use std::error::Error;

/// For the benchmarks and the tests only: it changes without notice.
#[doc(hidden)]
pub mod internals {
    pub use crate::identity::content_hash;
    pub use crate::model::{Batch, Failure, Origin, Profile, Success, TextArena, TextRef};
    pub use crate::normalize::error_text::{ErrorText, ErrorTexts};
    pub use crate::normalize::event_type::{EventSelection, FAILURES};
    pub use crate::normalize::record;
    pub use crate::onelogin::malformed::Malformed;
    pub use crate::onelogin::splitter::{Element, Shape, Splitter};
    pub use crate::source::SourceKind;
}

/// Joins an error and its causes on one line, each once. Texts of libraries are values from outside.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = shown(error);
    let mut cause = error.source();
    while let Some(error) = cause {
        if store::cause_within(error).is_some() && !is_own(error) {
            // A library's message around the database's own error, which it repeats.
            cause = error.source();
            continue;
        }
        let shown = shown(error);
        // Some libraries repeat their cause in their own text.
        if !text.ends_with(&shown) {
            text.push_str(": ");
            text.push_str(&shown);
        }
        cause = if error.is::<sqlx::Error>() { None } else { error.source() };
    }
    text
}

fn shown(error: &(dyn Error + 'static)) -> String {
    if let Some(error) = error.downcast_ref() {
        return store::cause_of(error);
    }
    if is_own(error) { error.to_string() } else { redact::clean(&error.to_string()) }
}

/// Checks that this program wrote the text of an error. It has put values from outside into it cleaned.
fn is_own(error: &(dyn Error + 'static)) -> bool {
    error.is::<sync::Error>() || onelogin::is_own(error) || error.is::<store::Error>()
}
