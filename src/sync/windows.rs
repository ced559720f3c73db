//! One window after another, each again and perhaps narrower when it fails.

use std::time::{Duration, Instant};

use super::Error;
use crate::onelogin::retry::{self, Decision};
use crate::onelogin::{self, Source};
use crate::window::{Plan, Window};

/// Attempts at one window that failed.
struct Trouble {
    since: Instant,
    attempts: u32,
}

/// Has `one` do each window of the plan, in order. It moves the plan on itself, and leaves nothing
/// behind when it fails.
pub(super) async fn each(
    source: &Source,
    plan: &mut Plan,
    mut one: impl AsyncFnMut(Window, &mut Plan) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut trouble = None;
    while let Some(window) = plan.window() {
        let began = Instant::now();
        match one(window, plan).await {
            Ok(()) => trouble = None,
            Err(Error::Source(error)) => {
                let trouble = trouble.get_or_insert(Trouble { since: began, attempts: 0 });
                trouble.attempts += 1;
                wait_or_give_up(source, plan, error, trouble).await?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn wait_or_give_up(
    source: &Source,
    plan: &mut Plan,
    error: onelogin::Error,
    trouble: &Trouble,
) -> Result<(), Error> {
    let spent = trouble.since.elapsed();
    let decision = error.failure().map_or(Decision::GiveUp, |failure| {
        retry::decide(failure, trouble.attempts, spent, source.policy(), fastrand::f64())
    });
    let narrower = error.wants_smaller_window(trouble.attempts) && plan.narrow();
    let wait = match decision {
        Decision::Wait(wait) => wait,
        // "Too large" is the last word on this window, not on a smaller one.
        Decision::GiveUp if narrower && error.is_too_large() => Duration::ZERO,
        Decision::GiveUp => return Err(error.into()),
    };
    tracing::warn!(
        error = %crate::chain(&error), attempt = trouble.attempts,
        "trying again in {:.1} s", wait.as_secs_f64()
    );
    source.meter().count_retry();
    tokio::time::sleep(wait).await;
    Ok(())
}
