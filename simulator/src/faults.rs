//! Faults on request: their kinds, their short names, their queue, and the gate that holds answers.

mod fault;
mod gate;
mod parse;
mod queue;

pub use fault::{Fault, RetryAfter};
pub(crate) use gate::Gate;
pub use parse::{UnknownFault, UnknownFaultAt, parse_faults, parse_faults_at};
pub(crate) use queue::Faults;
