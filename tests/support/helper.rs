//! The test binary run again as a small program of its own, for the few things that take a second
//! process: measuring a program's memory, and being killed.
//!
//! A helper is a `#[test]` that does nothing in a usual run. [`command`] starts the binary with that
//! one test selected; its job goes into the environment as [`JOB`], where [`job`] finds it.

use std::env;
use std::process::Command;

/// The environment variable that makes a test a helper, with its task.
pub(crate) const JOB: &str = "ONELOGIN_SYNC_TEST_JOB";

/// Printed by a helper where its own output begins, after what the test harness prints.
pub(crate) const BEGIN: &str = "-- helper begins --\n";

/// The test binary as the helper `test` (its full path, such as `kit::hold_a_server`), but for its
/// job.
pub(crate) fn command(test: &str) -> Command {
    let mut command = Command::new(env::current_exe().expect("the test binary has a path"));
    command.args([test, "--exact", "--nocapture"]);
    command
}

/// The job of this process, if it was started as a helper.
pub(crate) fn job() -> Option<String> {
    env::var(JOB).ok()
}
