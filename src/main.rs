//! Runs the command and exits with its code.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use onelogin_sync::cli::{Cli, print_error};
use onelogin_sync::exit::Exit;

fn main() -> ExitCode {
    // The panic has printed where it happened; schedulers recognise it by its exit code.
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(Exit::Bug).into()
}

fn run() -> Exit {
    let cli = match Cli::from_args() {
        Ok(cli) => cli,
        Err(exit) => return exit,
    };
    // One thread: a server works on its own, and an SQLite file has a thread of its driver.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => {
            let exit = runtime.block_on(cli.run());
            // A look-up of a name that hangs holds up no exit.
            runtime.shutdown_background();
            exit
        }
        Err(error) => {
            print_error(&format!("cannot start: {error}"));
            Exit::Bug
        }
    }
}
