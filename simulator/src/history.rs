//! The generated history: a pure function of the seed, the start of the clock and an index.
//!
//! It knows when each failure, success and sign-in happened, to whom and in which app. It knows
//! nothing of JSON, of the APIs or of the clock.

mod event_types;
mod events;
mod failures;
mod flat;
mod people;
mod random;
mod story;
mod timeline;
mod window;

pub(crate) use event_types::{EventType, all_event_types};
pub(crate) use events::{Events, KINDS, Key, Kind, SignIn, Success, failed_type};
pub(crate) use failures::{Cause, Failure, Failures, UserForm};
pub(crate) use people::{APPS, FIRST_APP_ID, FIRST_USER_ID, Person, Zone, person};
pub(crate) use random::{Choice, rng_for};
pub(crate) use timeline::moment;
pub(crate) use window::Window;
