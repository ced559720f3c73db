//! A report reads on two connections, and shows one moment.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use nix::unistd::geteuid;
use tempfile::TempDir;

use super::fixture::fill;
use super::{migrated, report, written};
use crate::support::pooler::{Mode, Pooler};
use crate::support::postgres::Server;
use crate::support::program::Program;
use crate::support::tables::{Db, on_both};

/// A user who owns nothing.
const NOBODY: u32 = 65_534;

/// Statements that add open cases of leavers, each in a transaction of its own.
fn more_cases(db: &Db, numbers: std::ops::Range<u32>) -> String {
    let quick = if matches!(db, Db::Sqlite(_)) { "pragma synchronous = off;" } else { "" };
    let cases = numbers.map(|n| {
        let id = format!("019d0000-0000-7000-8000-{n:012x}");
        let at = "2026-03-20 09:00:00.000+00:00";
        format!(
            "begin; insert into provisioning_cases (account, case_id, user_id, app_name, operation, opened_at,
                last_failure_at, last_failure_id, attempts)
             values ('default', '{id}', 14, 'Box', 'suspend', '{at}', '{at}', '{id}', 1); commit;"
        )
    });
    format!("{quick}{}", cases.collect::<String>())
}

on_both!(a_report_shows_one_moment_while_others_write, |db| {
    migrated(db);
    fill(db);
    let is_done = AtomicBool::new(false);

    let shown: Vec<(u32, u32)> = thread::scope(|scope| {
        scope.spawn(|| {
            let mut numbers = (0..).step_by(50);
            while !is_done.load(Ordering::Relaxed) {
                let from = numbers.next().expect("there is no last one");
                db.execute(&more_cases(db, from..from + 50));
            }
        });
        let reports = (0..40).map(|_| {
            let [leavers, _, open, ..] = written(db, &[]).figures();
            let number =
                |[_, value]: [String; 2]| value.replace(',', "").parse().expect("a number");
            (number(leavers), number(open))
        });
        let shown = reports.collect();
        is_done.store(true, Ordering::Relaxed);
        shown
    });

    // Each is read on another connection. One open case is of no leaver.
    let different: Vec<_> = shown.iter().filter(|(leavers, open)| leavers + 1 != *open).collect();
    assert!(different.is_empty(), "{different:?}");
    let (first, last) = (shown[0], shown[39]);
    assert!(last.0 > first.0 + 100, "nobody wrote meanwhile: {first:?}, {last:?}");
});

/// The side files of its first reader cannot be written by the next, whose connections are opened again all the time.
#[test]
fn a_report_of_a_file_that_nobody_may_write_ends() {
    let directory = TempDir::new().expect("a temporary directory can be created");
    let inside = |name: &str| directory.path().join(name);
    let (file, program) = (inside("sync.db"), inside("onelogin-sync"));
    let url = format!("sqlite:{}", file.display());
    Program::new(&["migrate", "--database-url", &url]).run().expect_code(0);
    fs::copy(env!("CARGO_BIN_EXE_onelogin-sync"), &program).expect("it can be copied");
    for (path, mode) in [(directory.path(), 0o777), (&file, 0o444)] {
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is ours");
    }

    for _ in 0..2 {
        let mut report = Command::new(&program);
        report.args(["report", "--database-url", &url, "--out"]).arg(inside("report.html"));
        report.current_dir(directory.path()).env_clear();
        if geteuid().is_root() {
            report.uid(NOBODY).gid(NOBODY);
        }
        let output = report.output().expect("it can be run");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_pooler_with_one_connection_to_lend_gives_a_report() {
    let database = Server::shared().database();
    let pooler = Pooler::with_connections(&database, Mode::Transaction, 1);
    let url = pooler.url(&database);
    let db = Db::Postgres(database);
    migrated(&db);
    fill(&db);

    let finished = report(&db, &["--format", "json"]).env("DATABASE_URL", url).run();

    assert_eq!(finished.expect_code(0).json()["failures"], 14);
}
