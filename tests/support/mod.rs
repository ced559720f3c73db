//! The kit of the stories: databases, the program, and assertions on complete tables.

pub(crate) mod api;
pub(crate) mod door;
pub(crate) mod helper;
pub(crate) mod loaded;
pub(crate) mod onelogin;
pub(crate) mod outcome;
pub(crate) mod pooler;
pub(crate) mod postgres;
pub(crate) mod program;
pub(crate) mod raw;
pub(crate) mod responder;
pub(crate) mod tables;
pub(crate) mod transaction;
pub(crate) mod valve;

use std::future::Future;
use std::sync::OnceLock;

use tokio::runtime::Runtime;

/// Runs a future to its end on the one runtime that all tests share.
///
/// Stories are plain functions, so that they may block on the program while what they spawned here
/// (such as a stand-in API) goes on. Not to be called from inside a future.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a tokio runtime starts")).block_on(future)
}
