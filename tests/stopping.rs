//! The end of a run: by a signal whatever hangs, and with streams that nobody reads.

use std::fs::OpenOptions;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tempfile::TempDir;

use crate::support::api::Api;
use crate::support::block_on;
use crate::support::onelogin::empty;
use crate::support::outcome::{SINCE, assert_complete, history};
use crate::support::program::{Program, Running};
use crate::support::responder::Responder;
use crate::support::tables::{Db, NULL, on_both};
use crate::support::valve::Valve;

/// An engine kills a container ten seconds after its signal; half of that is left for slow machines.
const WITHIN: Duration = Duration::from_secs(5);

/// Sends SIGTERM and asserts that the program ends in time, with 143.
#[track_caller]
fn assert_stops(what: &str, running: Running) -> Duration {
    let began = Instant::now();
    running.terminate();
    let finished = running.wait().expect_code(143);
    let took = began.elapsed();
    println!("{what}: stopped after {:.2} s", took.as_secs_f64());
    assert!(took < WITHIN, "{what}: {took:?}; {finished}");
    took
}

on_both!(a_source_that_hangs_does_not_hold_up_the_end, |db| {
    let onelogin = history(3_000);
    onelogin.hold_after(1_000);
    let running = Api::Legacy.sync(&onelogin, db, &["--since", SINCE]).start();
    block_on(onelogin.wait_until_held());

    assert_stops("a source that hangs", running);

    assert_eq!(db.rows("select lease_owner from watermarks"), [[NULL]]);
    assert_eq!(db.rows("select status, exit_code from sync_runs"), [["interrupted", "143"]]);
});

on_both!(a_pipe_that_pauses_does_not_hold_up_the_end, |db| {
    let directory = TempDir::new().expect("a temporary directory can be created");
    let pipe = directory.path().join("pipe");
    mkfifo(&pipe, Mode::S_IRWXU).expect("a pipe can be made");
    let program = Program::new(&["sync", "-v", "--from-file"]).argument(&pipe);
    let running = program.env("DATABASE_URL", db.url()).start();
    let mut writer = OpenOptions::new().write(true).open(&pipe).expect("it is read");
    // More than the two mebibytes that are read before the run.
    for text in history(5_000).records(None, None) {
        writeln!(writer, "{text}{:600}", "").expect("it is read");
    }
    running.wait_for_output("batch read");

    assert_stops("a pipe that pauses", running);

    assert_eq!(db.rows("select lease_owner from watermarks"), [[NULL]]);
    assert_eq!(db.rows("select status, exit_code from sync_runs"), [["interrupted", "143"]]);
});

#[test]
fn a_database_that_hangs_does_not_hold_up_the_end() {
    let (db, onelogin) = (Db::postgres(), history(3_000));
    let mut url: url::Url = db.url().parse().expect("a URL");
    let valve = Valve::before(([127, 0, 0, 1], url.port().unwrap_or(5432)).into());
    url.set_port(Some(valve.port())).expect("a URL with a host");
    onelogin.hold_after(1_000);
    let program = Program::new(&["sync", "--since", SINCE]).env("DATABASE_URL", url.as_str());
    let program = program.env("ONELOGIN_BASE_URL", onelogin.url());
    let program = program.env("ONELOGIN_API_KEY", onelogin.key());
    let running = program.start();
    block_on(onelogin.wait_until_held());
    valve.close();
    onelogin.release();

    assert_stops("a database that hangs", running);
}

#[test]
fn a_database_that_never_answered_does_not_hold_up_the_end() {
    let (silent, onelogin) = (Responder::silent(), empty("2026-03-20T12:00:00Z"));
    let url = format!("postgres://me@127.0.0.1:{}/x", silent.port());
    for command in ["sync", "status", "migrate"] {
        let program = Program::new(&[command, "-v", "--database-url", &url]);
        let program =
            program.env("ONELOGIN_BASE_URL", onelogin.url()).env("ONELOGIN_OVERLAPP", "1h");
        let running = program.env("ONELOGIN_API_KEY", onelogin.key()).start();
        // The first line of the log comes when signals are about to be listened to.
        running.wait_for_output("ONELOGIN_OVERLAPP");

        let began = Instant::now();
        running.terminate();
        let code = running.wait().code;

        // A command that does not listen yet is ended by the signal itself.
        assert!(code == Some(143) || code.is_none(), "{command}: {code:?}");
        assert!(began.elapsed() < WITHIN, "{command}");
    }
}

#[test]
fn streams_that_nobody_reads_change_no_exit_code() {
    let (onelogin, db) = (history(60), Db::sqlite());
    let cases: [(&[&str], i32); 7] = [
        (&["sync", "--since", SINCE, "-v"], 0),
        (&["sync", "--since", SINCE, "--format", "json"], 0),
        (&["sync", "--nonsense"], 64),
        (&["status"], 0),
        (&["status", "--account", "nobody"], 78),
        (&["sync", "--help"], 0),
        (&["completions", "bash"], 0),
    ];
    for (arguments, code) in cases {
        for (out, err) in [(true, false), (false, true), (true, true)] {
            let stream = |is_full| {
                let full =
                    || OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
                if is_full { Stdio::from(full()) } else { Stdio::null() }
            };
            let status = Command::new(env!("CARGO_BIN_EXE_onelogin-sync"))
                .args(arguments)
                .env("DATABASE_URL", db.url())
                .env("ONELOGIN_BASE_URL", onelogin.url())
                .env("ONELOGIN_API_KEY", onelogin.key())
                .stdout(stream(out))
                .stderr(stream(err))
                .status()
                .expect("the program runs");
            assert_eq!(status.code(), Some(code), "{arguments:?}, full: {out} {err}");
        }
    }
}

/// Regression: the signal of `ulimit -f` ended a run without a message.
#[test]
fn a_file_that_reaches_the_limit_of_a_process_fails_as_on_a_full_disk() {
    let (onelogin, db) = (history(3_000), Db::sqlite());
    Program::new(&["migrate"]).env("DATABASE_URL", db.url()).run().expect_code(0);
    let arguments = ["--since", SINCE];

    let finished = Api::Legacy.sync(&onelogin, &db, &arguments).with_file_limit(1_500).run();

    let finished = finished.expect_code(74);
    assert!(finished.stderr.contains("is its disk full"), "{finished}");
    Api::Legacy.sync_ok(&onelogin, &db, &arguments);
    assert_complete(Api::Legacy, &onelogin, &db);
}
