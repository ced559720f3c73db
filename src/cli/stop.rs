//! Ctrl-C and SIGTERM.

use tokio::signal::unix::{SignalKind, signal};

use super::Failed;
use crate::exit::Exit;
use crate::sync::{self, Signal};

/// SIGXFSZ on Linux and macOS: a file has reached the limit of `ulimit -f`.
const FILE_TOO_LARGE: i32 = 25;

/// Listens from now on, and resolves at the first signal to stop. A second signal ends the process at
/// once: whoever sends two does not want to wait for a rollback.
pub(super) fn listen() -> Result<impl Future<Output = Signal>, Failed> {
    let bug = |error| Failed::new(Exit::Bug, error);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(bug)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(bug)?;
    // Writing fails then as on a full disk, and with its message, where the signal would end the process.
    let _stays = signal(SignalKind::from_raw(FILE_TOO_LARGE)).map_err(bug)?;
    Ok(async move {
        let first = tokio::select! {
            _ = interrupt.recv() => Signal::Interrupt,
            _ = terminate.recv() => Signal::Terminate,
        };
        tokio::spawn(async move {
            let exit = tokio::select! {
                _ = interrupt.recv() => Exit::Interrupted,
                _ = terminate.recv() => Exit::Terminated,
            };
            std::process::exit(exit.code().into());
        });
        first
    })
}

/// Drops a command's work at the first signal to stop: a transaction is then rolled back. Without this a
/// container's first process would ignore the signal.
pub(super) async fn at_once(work: impl Future<Output = Result<(), Failed>>) -> Result<(), Failed> {
    let stop = listen()?;
    tokio::select! {
        done = work => done,
        signal = stop => Err(stopped(signal)),
    }
}

/// The failure of a command that was stopped.
pub(super) fn stopped(signal: Signal) -> Failed {
    let error = sync::Error::Stopped(signal);
    Failed::new(error.exit(), error)
}
