//! Copies failed provisioning from OneLogin into Postgres or SQLite.
//!
//! [`sync`] is the job. [`window`] decides which intervals to ask for, [`onelogin`] asks,
//! [`normalize`] turns records into rows of [`model`], [`store`] writes them. [`cli`] is the face,
//! [`simulator`] a stand-in for the API, [`identity`] has what makes two records the same, and [`exit`] says
//! how the process ends.

pub mod cli;
pub mod exit;
pub mod identity;
pub mod model;
pub mod normalize;
pub mod onelogin;
pub mod simulator;
pub mod store;
pub mod sync;
pub mod window;

/// An error and its causes on one line, as people and tables are told.
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
