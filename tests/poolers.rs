//! Postgres through PgBouncer, in both of its common modes.

use onelogin_simulator::{Entry, EventRecord, Record, Simulator};

use crate::support::api::put_event;
use crate::support::outcome::{SINCE, assert_recorded, history, outcome};
use crate::support::pooler::{Mode, Pooler};
use crate::support::postgres::Server;
use crate::support::program::Program;
use crate::support::tables::{Db, assert_rows};

/// A command with the credentials of both APIs, its database behind a pooler.
fn command(arguments: &[&str], onelogin: &Simulator, url: &str) -> Program {
    Program::new(arguments)
        .env("DATABASE_URL", url)
        .env("ONELOGIN_BASE_URL", onelogin.url())
        .env("ONELOGIN_API_KEY", onelogin.key())
        .env("ONELOGIN_CLIENT_ID", onelogin.client_id())
        .env("ONELOGIN_CLIENT_SECRET", onelogin.client_secret())
}

mod every_command_works_through_a_pooler {
    use super::*;

    #[test]
    fn in_session_mode() {
        story(Mode::Session);
    }

    #[test]
    fn in_transaction_mode() {
        story(Mode::Transaction);
    }

    fn story(mode: Mode) {
        let database = Server::shared().database();
        let pooler = Pooler::start(&database, mode);
        let url = pooler.url(&database);
        let (db, onelogin) = (Db::Postgres(database), history(3_000));
        command(&["migrate", "--check"], &onelogin, &url).run().expect_code(78);
        command(&["migrate"], &onelogin, &url).run().expect_code(0);
        command(&["migrate", "--check"], &onelogin, &url).run().expect_code(0);

        for source in ["legacy", "events"] {
            let first = ["sync", "--format", "json", "--source", source, "--since", SINCE];
            outcome(command(&first, &onelogin, &url).run(), 0);
            let now = onelogin.now();
            if source == "legacy" {
                onelogin.put(Entry::new(now, Record::new(7_777, now, 42).to_json()));
            } else {
                put_event(&onelogin, EventRecord::new(7_778, now, 61, 42));
            }
            let second = ["sync", "--format", "json", "--source", source];
            outcome(command(&second, &onelogin, &url).run(), 0);
        }
        let failures = "select source, count(*), count(user_id) > 0 from provisioning_failures
            group by source order by source";
        assert_rows(&db.rows(failures), &[&["events", "3001", "1"], &["legacy", "3001", "1"]]);

        let status = command(&["status", "--format", "json"], &onelogin, &url).run();
        assert!(status.expect_code(0).stdout.contains("\"legacy\""));
        let compare = ["compare", "--since", SINCE, "--until", "2026-03-20"];
        command(&compare, &onelogin, &url).run().expect_code(0);
    }
}

#[test]
fn a_parameter_that_a_pooler_refuses_is_an_error_for_good() {
    let database = Server::shared().database();
    let pooler = Pooler::with_connections(&database, Mode::Transaction, 1);
    let url = format!("{}&options=-csearch_path%3Dpublic", pooler.url(&database));

    let refused = command(&["status"], &history(60), &url).run().expect_code(78);

    assert!(refused.stderr.contains("ignore_startup_parameters"), "{refused}");
}

#[test]
fn the_error_of_a_pooler_in_transaction_mode_names_the_parameter() {
    let database = Server::shared().database();
    let pooler = Pooler::with_connections(&database, Mode::Transaction, 1);
    let url = pooler.url(&database).replace("statement-cache-capacity=0", "");
    let onelogin = history(60);
    let advice = "add ?statement-cache-capacity=0";

    let failed = (0..3).find_map(|_| {
        let run = command(&["migrate"], &onelogin, &url).run();
        (run.code != Some(0)).then_some(run)
    });

    let failed = failed.expect("a statement of that name is there");
    assert!(failed.stderr.contains(advice), "{failed}");
}

/// Two processes share the server's connections, and each statement of theirs its names.
#[test]
fn two_runs_at_once_do_not_meet_each_others_statements() {
    let database = Server::shared().database();
    let pooler = Pooler::start(&database, Mode::Transaction);
    let url = pooler.url(&database);
    let (db, onelogin) = (Db::Postgres(database), history(3_000));

    let runs = ["first", "second"].map(|account| {
        let arguments = ["sync", "--format", "json", "--since", SINCE, "--account", account];
        command(&arguments, &onelogin, &url).env("ONELOGIN_SOURCE", "legacy").start()
    });
    for run in runs {
        assert_recorded(&db, &outcome(run.wait(), 0));
    }

    let failures = "select account, count(*) from provisioning_failures group by 1 order by 1";
    assert_rows(&db.rows(failures), &[&["first", "3000"], &["second", "3000"]]);
}
