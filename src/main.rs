//! Runs the command and exits as it says.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use onelogin_sync::cli::Cli;
use onelogin_sync::exit::Exit;

fn main() -> ExitCode {
    // A panic has printed where it happened; schedulers tell it by its exit code.
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(Exit::Bug).into()
}

fn run() -> Exit {
    let cli = match Cli::from_args() {
        Ok(cli) => cli,
        Err(exit) => return exit,
    };
    // The server works on what was written while this thread reads on; a file has a thread of its own.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(cli.run()),
        Err(error) => {
            eprintln!("onelogin-sync: cannot start a thread: {error}");
            Exit::Bug
        }
    }
}
