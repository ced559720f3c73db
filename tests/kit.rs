//! The test kit itself: if this fails, look here before anywhere else.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::panic::catch_unwind;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;

use crate::support::helper;
use crate::support::postgres::Server;
use crate::support::program::Program;
use crate::support::tables::{Db, NULL, assert_rows, on_both};

on_both!(a_database_is_fresh_and_holds_what_is_put_in, |db| {
    db.execute("create table people (name text); insert into people values ('Ada'), (null);");
    assert_eq!(db.count("people"), 2);
    assert_rows(&db.rows("select name from people order by name is null"), &[&["Ada"], &[NULL]]);
    assert_rows(&db.rows("select name from people where name = 'Grace'"), &[]);
});

#[test]
fn both_databases_print_the_same_text() {
    let (sqlite, postgres) = (Db::sqlite(), Db::postgres());
    sqlite.execute(
        r#"create table things (at text, id blob, raw text, n integer, x real, yes boolean, b blob);
        insert into things values
            ('2026-03-29 01:00:00.250+00:00', x'0190a1b2c3d4800080000123456789ab',
             '{"a":  "\/é"}', -7, 0.5, true, x'00ff'),
            ('2026-03-29 01:00:00.000+00:00', null, '', 9007199254740993, 2, false, null);"#,
    );
    postgres.execute(
        r#"create table things
            (at timestamptz, id uuid, raw json, n bigint, x double precision, yes boolean, b bytea);
        insert into things values
            ('2026-03-29 03:00:00.25+02', '0190a1b2-c3d4-8000-8000-0123456789ab',
             '{"a":  "\/é"}', -7, 0.5, true, '\x00ff'),
            ('2026-03-29 01:00:00+00', null, '""', 9007199254740993, 2, false, null);
        alter table things alter raw type text using nullif(raw::text, '""');
        update things set raw = '' where raw is null;"#,
    );
    let sql = "select at, id, raw, n, x, yes, b from things order by n";
    let id = "0190a1b2-c3d4-8000-8000-0123456789ab";
    let expected: &[&[&str]] = &[
        &["2026-03-29 01:00:00.250+00:00", id, r#"{"a":  "\/é"}"#, "-7", "0.5", "1", r"\x00ff"],
        &["2026-03-29 01:00:00.000+00:00", NULL, "", "9007199254740993", "2", "0", NULL],
    ];
    assert_rows(&sqlite.rows(sql), expected);
    assert_rows(&postgres.rows(sql), expected);
    let sums = "select count(*), sum(n), max(at), min(yes::int) from things where n < 0";
    assert_rows(&postgres.rows(sums), &[&["1", "-7", "2026-03-29 01:00:00.250+00:00", "1"]]);
}

#[test]
fn rows_that_differ_are_marked() {
    let actual = [vec!["1".into(), "a".into()], vec!["2".into(), "x".into()], vec!["3".into()]];
    let panic = catch_unwind(|| assert_rows(&actual, &[&["1", "a"], &["2", "b"], &["3"]]));
    let message = panic.expect_err("they differ").downcast::<String>().expect("with a message");
    assert_eq!(*message, "the rows differ:\n  1 | a\n- 2 | b\n+ 2 | x\n  3");
}

#[test]
fn a_server_of_ones_own_stops_and_comes_back_with_its_data() {
    let mut server = Server::own();
    let db = Db::Postgres(server.database());
    db.execute("create table t (n int); insert into t values (1);");
    server.stop();
    TcpStream::connect(("127.0.0.1", server.port())).expect_err("nobody listens");
    server.restart();
    assert_eq!(db.count("t"), 1);
}

/// Needs no program of ours: a shell that prints and exits is enough.
fn shell(script: &str) -> Program {
    Program::of("/bin/sh", &["-c", script])
}

#[test]
fn the_program_runs() {
    Program::new(&["--version"]).run().expect_code(0);
}

#[test]
fn exit_code_output_and_json_come_through() {
    let finished = shell(r#"echo '{"inserted": 2}'; echo careful >&2; exit 65"#).run();
    let finished = finished.expect_code(65);
    assert_eq!(finished.json()["inserted"], 2);
    assert_eq!(finished.stderr, "careful\n");
}

#[test]
fn the_environment_is_clean_and_the_directory_empty() {
    let finished = shell("ls -A; env; pwd").env("ONELOGIN_ACCOUNT", "acme").run().expect_code(0);
    let (lines, pwd) = finished.stdout.trim_end().rsplit_once('\n').expect("several lines");
    let variables: Vec<_> = lines.lines().map(|line| line.split('=').next().unwrap()).collect();
    // The shell adds the last three.
    let known = ["PATH", "HOME", "ONELOGIN_ACCOUNT", "PWD", "SHLVL", "_"];
    assert!(variables.iter().all(|name| known.contains(name)), "{variables:?}");
    assert!(lines.contains("ONELOGIN_ACCOUNT=acme"));
    assert_eq!(PathBuf::from(pwd), finished.directory.canonicalize().expect("it is still there"));
}

#[test]
fn a_directory_is_shared_by_two_runs() {
    let directory = TempDir::new().expect("a temporary directory can be created");
    let run = |script| shell(script).in_directory(directory.path()).run().expect_code(0).stdout;
    run("echo kept >file");
    assert_eq!(run("cat file"), "kept\n");
}

#[test]
fn signals_arrive() {
    // A shell looks at its traps between two commands, so it must not hang in one: a signal that came
    // just before it would wait for ever.
    let script =
        r#"trap "exit 130" INT; trap "exit 143" TERM; echo ready; while :; do sleep 0.05; done"#;
    let start = || {
        let running = Program::of("/bin/sh", &["-c", script]).start();
        running.wait_for_output("ready\n");
        running
    };
    let running = start();
    running.interrupt();
    running.wait().expect_code(130);
    let running = start();
    running.terminate();
    running.wait().expect_code(143);
    let running = start();
    running.kill9();
    assert_eq!(running.wait().code, None);
}

/// Regression: a shell starts `tests/run.sh &` with SIGINT ignored, and programs inherit that.
#[test]
fn signals_arrive_where_the_tests_run_in_the_background() {
    let tests = std::env::current_exe().expect("the test binary has a path");
    let finished = Program::of("/bin/sh", &["-c", r#"trap "" INT; exec "$@""#, "sh"])
        .argument(tests)
        .argument("kit::signals_arrive")
        .argument("--exact")
        .run();
    assert!(finished.expect_code(0).stdout.contains("1 passed"));
}

#[test]
fn a_wait_without_end_is_cut_short_with_the_output_so_far() {
    let hang = || shell("echo so far; mkfifo p; cat <p").timeout(Duration::from_millis(300)).run();
    let message = catch_unwind(|| drop(hang())).expect_err("it panics").downcast::<String>();
    assert!(message.expect("with a message").contains("so far"));
}

#[test]
fn peak_memory_is_that_of_the_program_alone() {
    const MIB: u64 = 1 << 20;
    // Makes this process far larger than what it runs.
    let ballast = vec![1_u8; 200 << 20];
    let (finished, small) = shell("echo $((1 + 1)); exit 3").run_measured();
    assert_eq!(ballast.iter().map(|&byte| u64::from(byte)).sum::<u64>(), 200 * MIB);
    assert_eq!(finished.expect_code(3).stdout, "2\n");
    assert!(small < 50 * MIB, "{small}");
    // dd holds one block.
    let script = "dd if=/dev/zero of=/dev/null bs=104857600 count=1";
    let (_, large) = shell(script).run_measured();
    assert!((100 * MIB..150 * MIB).contains(&large), "{large}");
}

#[test]
fn a_killed_test_process_leaves_no_server() {
    let mut helper = helper::command("kit::hold_a_server");
    helper.env(helper::JOB, "hold").stdin(Stdio::piped());
    helper.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut helper = helper.spawn().expect("the test binary runs");
    let stdout = BufReader::new(helper.stdout.take().expect("it is piped"));
    let mut lines = stdout.lines().map(|line| line.expect("text"));
    assert!(lines.by_ref().any(|line| line == helper::BEGIN.trim_end()), "the helper begins");
    let directory = PathBuf::from(lines.next().expect("the directory"));
    let port: u16 = lines.next().expect("the port").parse().expect("a port");
    TcpStream::connect(("127.0.0.1", port)).expect("the server listens");
    assert!(directory.join("data").is_dir());

    helper.kill().expect("SIGKILL can be sent");
    helper.wait().expect("a child can be waited for");

    // The keeper shares standard error, which ends when the last of them is gone.
    let mut stderr = helper.stderr.take().expect("it is piped");
    stderr.read_to_string(&mut String::new()).expect("standard error is text");
    TcpStream::connect(("127.0.0.1", port)).expect_err("nobody listens");
    assert!(!directory.exists());
}

/// Helper: starts a server, prints its place, and waits to be killed.
#[test]
fn hold_a_server() {
    if helper::job().is_none() {
        return;
    }
    let server = Server::own();
    println!("{}{}\n{}", helper::BEGIN, server.directory().display(), server.port());
    io::stdout().flush().expect("standard output is open");
    // Ends if the process that started this one is gone.
    let _ = io::stdin().read(&mut [0]);
}
