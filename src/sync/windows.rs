//! One window after another, each again and perhaps narrower when it fails.

use std::time::Duration;

use super::Error;
use crate::onelogin::retry::{Attempts, Decision};
use crate::onelogin::{self, Source};
use crate::window::{Plan, Window};

/// Has `one` do each window of the plan, in order. It moves the plan on itself, and leaves nothing
/// behind when it fails.
pub(super) async fn each(
    source: &Source,
    plan: &mut Plan,
    mut one: impl AsyncFnMut(Window, &mut Plan) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut attempts = Attempts::begin(source.policy());
    while let Some(window) = plan.window() {
        match one(window, plan).await {
            Ok(()) => attempts = Attempts::begin(source.policy()),
            Err(Error::Source(error)) => {
                wait_or_give_up(source, plan, error, &mut attempts).await?;
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
    attempts: &mut Attempts<'_>,
) -> Result<(), Error> {
    let wait = match attempts.failed(&error) {
        Decision::Wait { wait, narrow } => {
            if narrow {
                plan.narrow();
            }
            wait
        }
        Decision::Narrow if plan.narrow() => Duration::ZERO,
        Decision::Narrow | Decision::GiveUp => return Err(error.into()),
    };
    attempts.log_retry(&error, wait);
    source.meter().count_retry();
    tokio::time::sleep(wait).await;
    Ok(())
}
