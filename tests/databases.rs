//! A database that goes away, is not there, is busy, or is not of this program's version.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use onelogin_simulator::{Entry, EventRecord, Record, RecordUser, Simulator};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use crate::schema::MIGRATIONS;
use crate::support::api::{Api, put_event};
use crate::support::block_on;
use crate::support::door::Door;
use crate::support::onelogin::{at, empty, put, record, shown, sync, sync_ok};
use crate::support::outcome::{
    SINCE, assert_complete, assert_holds_first_window, assert_recorded, expire_lease, history,
    outcome,
};
use crate::support::postgres::Server;
use crate::support::program::{Program, Running};
use crate::support::tables::{Db, assert_rows, on_both};
use crate::support::transaction::Transaction;

/// A run that has written a part of its second window, and the server it writes to.
fn half_way(onelogin: &Simulator, db: &Db) -> Running {
    onelogin.hold_after(1_000);
    // The first window is committed by then, since nothing is read ahead.
    let running = sync(onelogin, db, &["--since", SINCE, "--prefetch", "0"]).start();
    block_on(onelogin.wait_until_held());
    running
}

#[test]
fn a_server_that_goes_in_the_middle_costs_the_window_at_hand_only() {
    let mut server = Server::own();
    let db = Db::Postgres(server.database());
    let onelogin = history(3_000);
    let running = half_way(&onelogin, &db);

    server.stop();
    onelogin.release();
    // Takes the ten seconds for which a run tries to record its end.
    let failed = outcome(running.wait(), 74);

    assert_eq!((&failed["status"], &failed["windows"]), (&"failed".into(), &1.into()));
    server.restart();
    assert_holds_first_window(Api::Legacy, &onelogin, &db);
    expire_lease(&db);
    sync_ok(&onelogin, &db, &[]);
    assert_complete(Api::Legacy, &onelogin, &db);
    let statuses = "select status from sync_runs order by run_id";
    assert_rows(&db.rows(statuses), &[&["interrupted"], &["succeeded"]]);
}

#[test]
fn a_server_that_restarts_in_the_middle_costs_at_most_the_window_at_hand() {
    let mut server = Server::own();
    let db = Db::Postgres(server.database());
    let onelogin = history(3_000);
    let running = half_way(&onelogin, &db);

    server.stop();
    server.restart();
    onelogin.release();
    let finished = running.wait();

    // With its window open the run has lost it. Just before, it finds the new server.
    let code = finished.code.expect("an exit code");
    assert!([0, 74].contains(&code), "{finished}");
    assert_recorded(&db, &outcome(finished, code));
    sync_ok(&onelogin, &db, &[]);
    assert_complete(Api::Legacy, &onelogin, &db);
}

/// A run into whatever a URL names.
fn sync_into(onelogin: &Simulator, url: &str) -> Program {
    Program::new(&["sync", "--format", "json", "--database-url", url])
        .env("ONELOGIN_BASE_URL", onelogin.url())
        .env("ONELOGIN_API_KEY", onelogin.key())
}

#[test]
fn a_database_that_cannot_be_opened_is_named() {
    let onelogin = history(60);
    let directory = TempDir::new().expect("a temporary directory can be created");
    let letter = directory.path().join("letter.txt");
    fs::write(&letter, "Dear reader, this is no database. ".repeat(100)).expect("it is writable");
    let shown = |path: &str| directory.path().join(path).display().to_string();
    for file in [shown("missing/onelogin.db"), shown("letter.txt"), shown("letter.txt/below.db")] {
        let url = format!("sqlite:{file}");

        let outcome = outcome(sync_into(&onelogin, &url).run(), 78);

        let error = outcome["error"].as_str().expect("a text");
        assert!(error.contains("cannot open the database") && error.contains(&file), "{error}");
    }
    assert_eq!(onelogin.requests_served(), 0);
    assert_eq!(fs::read(&letter).expect("it is still there").len(), 34 * 100);
}

/// To open a pipe waits for its other end, and no signal ends that.
#[test]
fn a_link_to_a_file_that_does_not_exist_yet_makes_that_file() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("volume")).expect("a folder");
    std::os::unix::fs::symlink("volume/new.db", folder.path().join("link.db")).expect("a link");
    let url = format!("sqlite:{}", folder.path().join("link.db").display());

    Program::new(&["migrate", "--database-url", &url]).run().expect_code(0);

    let file = std::fs::metadata(folder.path().join("volume/new.db")).expect("it is made");
    let mode = std::os::unix::fs::PermissionsExt::mode(&file.permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn an_address_of_a_file_in_another_form_is_refused_and_makes_no_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let migrate = ["migrate", "--database-url", "sqlite:file:new.db"];

    let refused = Program::new(&migrate).in_directory(folder.path()).run().expect_code(78);

    assert!(refused.stderr.contains("without file:"), "{refused}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 0);
}

#[test]
fn a_pipe_in_the_place_of_a_file_is_refused() {
    let (onelogin, directory) = (history(60), TempDir::new().expect("a directory"));
    let pipe = directory.path().join("onelogin.db");
    mkfifo(&pipe, Mode::S_IRWXU).expect("it is ours");

    let refused = outcome(sync_into(&onelogin, &format!("sqlite:{}", pipe.display())).run(), 78);

    assert!(refused["error"].as_str().is_some_and(|text| text.contains("a pipe")), "{refused}");
    assert_eq!(onelogin.requests_served(), 0);
}

#[test]
fn a_file_that_is_opened_for_reading_is_refused_by_what_writes() {
    let (onelogin, directory) = (history(60), TempDir::new().expect("a directory"));
    let file = directory.path().join("onelogin.db");
    for parameter in ["mode=ro", "immutable=1"] {
        let url = format!("sqlite:{}?{parameter}", file.display());

        let refused = outcome(sync_into(&onelogin, &url).run(), 78);

        let error = refused["error"].as_str().expect("a text");
        assert!(error.contains("for reading only"), "{error}");
        Program::new(&["migrate", "--database-url", &url]).run().expect_code(78);
    }
    let url = format!("sqlite:{}?mode=rw", file.display());
    let refused = outcome(sync_into(&onelogin, &url).run(), 78);
    assert!(
        refused["error"].as_str().is_some_and(|text| text.contains("there is no")),
        "{refused}"
    );
    assert!(!file.exists());
    Program::new(&["migrate", "--database-url", &url.replace("rw", "rwc")]).run().expect_code(0);
    outcome(sync_into(&onelogin, &url).run(), 0);
}

/// A run that waited for another one would fail at a row that the other has written.
#[test]
fn the_isolation_that_a_database_has_as_its_default_is_not_used() {
    let (onelogin, db) = (history(60), Db::postgres());
    let name = "select current_database()";
    let name = db.rows(name).concat().concat();
    db.execute(&format!(
        "alter database \"{name}\" set default_transaction_isolation = 'serializable'"
    ));
    let held = "create function held() returns trigger language plpgsql as
        'begin if current_setting(''transaction_isolation'') <> ''read committed'' then
            raise exception ''%'', current_setting(''transaction_isolation'');
        end if; return new; end';";
    Program::new(&["migrate"]).env("DATABASE_URL", db.url()).run().expect_code(0);
    db.execute(held);
    for table in ["provisioning_failures", "watermarks", "sync_runs", "provisioning_cases"] {
        db.execute(&format!(
            "create trigger held before insert or update on {table} for each row execute function held()"
        ));
    }

    outcome(sync_into(&onelogin, &db.url()).run(), 0);
}

#[test]
fn a_postgres_database_that_does_not_exist_is_named_without_its_password() {
    let (onelogin, db) = (history(60), Db::postgres());
    let mut url: url::Url = db.url().parse().expect("a URL");
    url.set_path("/nowhere");
    url.set_password(Some("hunter2")).expect("a URL with a host");

    let finished = sync_into(&onelogin, url.as_str()).run();

    assert!(!finished.stderr.contains("hunter2"), "{finished}");
    let outcome = outcome(finished, 78);
    let error = outcome["error"].as_str().expect("a text");
    assert!(error.contains("nowhere at 127.0.0.1") && !error.contains("hunter2"), "{error}");
}

on_both!(a_lock_of_another_program_only_delays_a_run, |db| {
    let onelogin = history(60);
    let door = Door::before(onelogin.addr());
    let running = sync(&onelogin, db, &["--since", SINCE]).env("ONELOGIN_BASE_URL", door.url());
    let running = running.start();
    door.wait_for_knock();
    let lock = Transaction::lock(db);

    door.open();
    block_on(onelogin.wait_for_requests(1));
    // Meanwhile readers are served, which also gives the run the time to meet the lock.
    for _ in 0..5 {
        Program::new(&["status", "--database-url", &db.url()]).run().expect_code(0);
    }
    assert_eq!(db.count("sync_windows"), 0);
    drop(lock);

    assert_recorded(db, &outcome(running.wait(), 0));
    assert_complete(Api::Legacy, &onelogin, db);
});

on_both!(a_lock_that_another_program_keeps_is_not_taken_for_a_run, |db| {
    let onelogin = history(60);
    sync_ok(&onelogin, db, &["--since", SINCE]);
    let _lock = Transaction::open(
        db,
        match db {
            Db::Sqlite(_) => "begin immediate",
            Db::Postgres(_) => "begin; lock table watermarks in access exclusive mode",
        },
    );

    // After a minute.
    let refused = sync(&onelogin, db, &[]).run().expect_code(74);

    assert!(refused.stderr.contains("another program"), "{refused}");
    assert!(!refused.stderr.contains("another run"), "{refused}");
});

on_both!(a_reader_with_an_open_transaction_delays_nobody, |db| {
    let onelogin = history(60);
    sync_ok(&onelogin, db, &["--since", SINCE]);
    let isolation = match db {
        Db::Sqlite(_) => "select 1 from users",
        Db::Postgres(_) => "set transaction isolation level repeatable read",
    };
    let mut reader = Transaction::begin(db, isolation);
    assert_eq!(reader.failures(), 60);

    let now = onelogin.now();
    onelogin.put(Entry::new(now, Record::new(7_777, now, 42).to_json()));
    sync_ok(&onelogin, db, &[]);

    assert_eq!(reader.failures(), 60);
    assert_complete(Api::Legacy, &onelogin, db);
});

mod two_first_runs_at_once_on_an_empty_database_both_end_well {
    use super::*;

    #[test]
    fn sqlite() {
        (0..4).for_each(|_| story(&Db::sqlite()));
    }

    #[test]
    fn postgres() {
        (0..4).for_each(|_| story(&Db::postgres()));
    }

    fn story(db: &Db) {
        let onelogin = history(60);
        let runs = ["first", "second"]
            .map(|account| sync(&onelogin, db, &["--since", SINCE, "--account", account]).start());

        for run in runs {
            assert_recorded(db, &outcome(run.wait(), 0));
        }

        let accounts = "select account, count(*) from provisioning_failures group by 1 order by 1";
        assert_rows(&db.rows(accounts), &[&["first", "60"], &["second", "60"]]);
        let applied = MIGRATIONS.len().to_string();
        assert_rows(&db.rows("select count(*) from refinery_schema_history"), &[&[&applied]]);
    }
}

on_both!(a_database_newer_than_the_program_is_left_alone, |db| {
    let onelogin = history(60);
    sync_ok(&onelogin, db, &["--since", SINCE]);
    db.execute(
        "insert into refinery_schema_history (version, name, applied_on, checksum)
         values (999, 'of_tomorrow', '2026-01-01T00:00:00Z', '1')",
    );

    let refused = outcome(sync(&onelogin, db, &[]).run(), 78);

    assert!(refused["error"].as_str().expect("a text").contains("V999__of_tomorrow"), "{refused}");
    for command in [&["status"][..], &["migrate"], &["migrate", "--check"]] {
        let url = db.url();
        Program::new(&[command, &["--database-url", &url]].concat()).run().expect_code(78);
    }
    assert_eq!((db.count("sync_runs"), onelogin.requests_served()), (1, 2));
});

on_both!(without_migrating_an_old_schema_is_refused, |db| {
    let onelogin = history(60);
    db.execute("select 1"); // which creates the file
    let run = || outcome(sync(&onelogin, db, &["--since", SINCE, "--no-migrate"]).run(), 78);

    let empty = run();
    Program::new(&["migrate", "--database-url", &db.url()]).run().expect_code(0);
    db.execute(&format!(
        "delete from refinery_schema_history where version = {}",
        MIGRATIONS.len()
    ));
    let old = run();

    assert!(empty["error"].as_str().expect("a text").contains("V1__"), "{empty}");
    assert!(
        old["error"].as_str().expect("a text").contains(MIGRATIONS[MIGRATIONS.len() - 1]),
        "{old}"
    );
    assert_eq!((db.count("sync_runs"), onelogin.requests_served()), (0, 0));
});

#[test]
fn a_database_that_is_not_utf8_is_refused_before_anything_is_made() {
    let db = Db::postgres();
    let (server, name) =
        db.url().rsplit_once('/').map(|(s, n)| (s.to_owned(), n.to_owned())).unwrap();
    let latin = format!("{name}_latin");
    db.execute(&format!(
        "create database {latin} encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0"
    ));

    let url = format!("{server}/{latin}");
    let refused = Program::new(&["migrate", "--database-url", &url]).run().expect_code(78);

    assert!(refused.stderr.contains("encoding is LATIN1"), "{refused}");
    db.execute(&format!("drop database {latin} with (force)"));
}

#[test]
fn a_window_at_hand_does_not_block_another_source_of_the_same_people() {
    let db = Db::postgres();
    let (legacy, events) = (empty("2026-03-20T12:00:00Z"), empty("2026-03-20T12:00:00Z"));
    let time = "2026-03-20T11:00:00Z";
    // More than a batch of person 2, and then person 1; the other source has both at once.
    for (id, user_id) in (1..=1_150).map(|id| (id, 2)).chain((1_151..=1_300).map(|id| (id, 1))) {
        put(&legacy, time, with_long_name(record(id, time, user_id)).to_json());
    }
    for user_id in [1, 2] {
        put_event(&events, EventRecord::new(user_id, at(time), 61, user_id));
    }
    let since = ["--since", "2026-03-20", "--refresh-people", "never"];
    legacy.hold_after(1_100);
    Program::new(&["migrate", "--database-url", &db.url()]).run().expect_code(0);

    let first = Api::Legacy.sync(&legacy, &db, &since).start();
    wait_for(&db, LOCKED_FAILURES);
    outcome(Api::Events.sync(&events, &db, &since).run(), 0);
    legacy.release();

    outcome(first.wait(), 0);
    assert_rows(&db.rows(FAILURES_BY_PERSON), &[&["1", "151"], &["2", "1151"]]);
}

/// Postgres neither cancels a `copy` that waits for its client nor counts its transaction as idle.
#[test]
fn the_copy_of_a_frozen_run_is_ended_by_the_next_run() {
    let db = Db::postgres();
    let onelogin = empty("2026-03-20T12:00:00Z");
    let time = "2026-03-20T11:00:00Z";
    // Not a round number, which would look like a limit of the server.
    for id in 1..=5_003 {
        put(&onelogin, time, with_long_name(record(id, time, id % 7)).to_json());
    }
    let since = ["--since", "2026-03-20"];
    let frozen = Api::Legacy.sync(&onelogin, &db, &since).start();
    freeze_in_a_copy(&frozen, &db);
    wait_for(&db, &format!("{COPIES} and query_start < clock_timestamp() - interval '36 s'"));
    expire_lease(&db);

    let next = outcome(Api::Legacy.sync(&onelogin, &db, &since).run(), 0);

    assert_eq!(next["inserted"], 5_003);
    assert_rows(&db.rows(COPIES), &[&["0"]]);
    frozen.thaw();
    outcome(frozen.wait(), 74);
    assert_complete(Api::Legacy, &onelogin, &db);
}

/// A run that was frozen itself finds its own copy, which began after it had taken its lease.
#[test]
fn a_copy_that_began_after_the_lease_is_not_ended() {
    let (db, onelogin) = (Db::postgres(), history(3_000));
    onelogin.hold_after(1_000);
    let arguments = ["--since", SINCE, "--prefetch", "0", "--lease", "3s"];
    let running = sync(&onelogin, &db, &arguments).start();
    block_on(onelogin.wait_until_held());
    let mut of_run = block_on(PgConnection::connect(&db.url())).expect("a connection");
    let named = sqlx::query("set application_name = 'onelogin-sync'").execute(&mut of_run);
    block_on(named).expect("a setting");
    let copy = block_on(of_run.copy_in_raw("copy event_types from stdin")).expect("a copy");

    // The run, which renews its lease each second, sees it for some seconds as one that is old enough.
    wait_for(&db, &format!("{COPIES} and query_start < clock_timestamp() - interval '38 s'"));

    block_on(copy.abort("it has served")).expect("it was not ended");
    onelogin.release();
    running.wait();
}

/// Regression: with a lease of some seconds the next run waited for a minute, and ended with 74.
#[test]
fn the_copy_of_a_run_that_has_just_frozen_is_ended_while_the_next_run_waits() {
    let db = Db::postgres();
    let onelogin = empty("2026-03-20T12:00:00Z");
    let time = "2026-03-20T11:00:00Z";
    for id in 1..=5_003 {
        put(&onelogin, time, with_long_name(record(id, time, id % 7)).to_json());
    }
    let since = ["--since", "2026-03-20", "--lease", "3s"];
    let frozen = Api::Legacy.sync(&onelogin, &db, &since).start();
    freeze_in_a_copy(&frozen, &db);
    expire_lease(&db);

    let next = outcome(Api::Legacy.sync(&onelogin, &db, &since).run(), 0);

    assert_eq!(next["inserted"], 5_003);
    frozen.thaw();
    // It meets its ended copy first, or that it has lost the lease.
    let ended = frozen.wait();
    assert!(matches!(ended.code, Some(74 | 75)), "{ended}");
    assert_complete(Api::Legacy, &onelogin, &db);
}

#[test]
fn a_migration_that_is_frozen_is_ended_so_that_the_next_one_goes_on() {
    let db = Db::postgres();
    let migrate = || Program::new(&["migrate", "--database-url", &db.url()]);
    // The lock that one migration holds against another, so that the first one begins and waits.
    let lock = Transaction::begin(&db, "select pg_advisory_xact_lock(31365104304875369)");
    let frozen = migrate().start();
    let waiting = "select count(*) from pg_stat_activity where datname = current_database() \
        and query like '%pg_advisory_xact_lock%' and wait_event = 'advisory'";
    wait_for(&db, waiting);
    frozen.freeze();
    drop(lock);

    // An idle transaction is ended after a minute.
    let next = migrate().timeout(Duration::from_secs(150)).run().expect_code(0);

    assert!(next.stderr.contains("migrating takes long: it waits for a lock"), "{next}");
    assert!(next.stdout.contains("applied V1__"), "{next}");
    frozen.thaw();
    frozen.wait().expect_code(74);
}

/// Copies that wait for their client.
const COPIES: &str = "select count(*) from pg_stat_activity where datname = current_database() \
    and query like 'copy %' and state = 'active' and wait_event = 'ClientRead'";

/// Stops a run until one of its copies waits for it: what it had sent may end the copy.
fn freeze_in_a_copy(running: &Running, db: &Db) {
    let of_run = "select count(*) from pg_stat_activity where datname = current_database() \
        and application_name = 'onelogin-sync' and wait_event = 'ClientRead'";
    let waits = format!(
        "{of_run} and (state = 'idle in transaction' or (state = 'active' \
         and query_start < clock_timestamp() - interval '1 s'))"
    );
    loop {
        wait_for(db, COPIES);
        running.freeze();
        wait_for(db, &waits);
        if db.rows(COPIES)[0][0] != "0" {
            return;
        }
        running.thaw();
    }
}

/// A record of four kilobytes: a thousand are more than memory holds, so that they are written while they come.
fn with_long_name(record: Record) -> Record {
    let lastname = Some("x".repeat(4_000));
    let user = record.user.clone().map(|user| RecordUser { lastname, ..user });
    Record { user, ..record }
}

/// Users are written in parts where they do not fit into memory, from the first part on under a lock.
#[test]
fn a_window_that_has_written_users_holds_the_lock_on_its_account() {
    let db = Db::postgres();
    let (legacy, events) = (empty("2026-03-20T12:00:00Z"), empty("2026-03-20T12:00:00Z"));
    let (time, later) = ("2026-03-20T11:00:00Z", "2026-03-20T11:30:00Z");
    let many = 3_000;
    // More texts than a run keeps in memory; the people of the first part come again at the end.
    for (id, user_id) in (1..=many).map(|id| (id, many - id)).chain([(many + 1, 1), (many + 2, 2)])
    {
        put(&legacy, time, with_long_name(record(id, time, user_id)).to_json());
    }
    for user_id in [1, 2] {
        put_event(&events, EventRecord::new(user_id, at(later), 61, user_id));
    }
    let since = ["--since", "2026-03-20", "--refresh-people", "never"];
    legacy.hold_after(many.unsigned_abs());
    Program::new(&["migrate", "--database-url", &db.url()]).run().expect_code(0);

    let first = Api::Legacy.sync(&legacy, &db, &since).start();
    wait_for(&db, &LOCKED_FAILURES.replace("provisioning_failures", "users"));
    let is_free = "select account from accounts for update skip locked";
    assert_rows(&db.rows(is_free), &[]);
    let second = Api::Events.sync(&events, &db, &since).start();
    legacy.release();

    for run in [first, second] {
        outcome(run.wait(), 0);
    }
    let newest = "select user_id, length(lastname), last_failure_at from users
        where user_id in (1, 2) order by user_id";
    let last = shown(at(later));
    assert_rows(&db.rows(newest), &[&["1", "4000", &last], &["2", "4000", &last]]);
    assert_eq!(db.count("users"), 3_000);
}

const LOCKED_FAILURES: &str =
    "select count(*) from pg_locks l join pg_database d on d.oid = l.database
    where d.datname = current_database() and mode = 'RowExclusiveLock'
      and relation = 'provisioning_failures'::regclass";

const FAILURES_BY_PERSON: &str = "select u.user_id, count(*) from users u
    join provisioning_failures f on f.user_id = u.user_id group by 1 order by 1";

/// Asks until the answer is not 0.
fn wait_for(db: &Db, question: &str) {
    let began = Instant::now();
    while db.rows(question)[0][0] == "0" {
        assert!(began.elapsed() < Duration::from_mins(1), "still 0: {question}");
    }
}
