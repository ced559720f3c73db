//! Postgres servers as they are run: with TLS or without, silent, or with no connection to spare.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::time::{Duration, Instant};

use onelogin_simulator::Simulator;
use sqlx::{Connection, PgConnection};
use url::Url;

use crate::support::api::Api;
use crate::support::block_on;
use crate::support::outcome::{SINCE, assert_complete, assert_recorded, history, outcome};
use crate::support::postgres::Server;
use crate::support::program::Program;
use crate::support::tables::{Db, assert_rows};
use crate::support::transaction::Transaction;
use crate::support::valve::Valve;

/// A first run into whatever a URL names.
fn sync_into(onelogin: &Simulator, url: &str, arguments: &[&str]) -> Program {
    let common = ["sync", "--format", "json", "--since", SINCE, "--database-url", url];
    Program::new(&[&common, arguments].concat())
        .env("ONELOGIN_BASE_URL", onelogin.url())
        .env("ONELOGIN_API_KEY", onelogin.key())
}

/// The error of a run that the database ends with this code.
fn error(program: Program, code: i32) -> String {
    outcome(program.run(), code)["error"].as_str().expect("a text").to_owned()
}

/// A URL with another host and these parameters.
fn url_with(db: &Db, host: &str, query: &str) -> String {
    let mut url: Url = db.url().parse().expect("a URL");
    url.set_host(Some(host)).expect("a URL with a host");
    url.set_query((!query.is_empty()).then_some(query));
    url.into()
}

/// `127.1` is this machine, but not by any name that the program knows for it.
const ANOTHER_MACHINE: &str = "127.1";

#[test]
fn another_machine_without_tls_is_refused_unless_that_is_waived() {
    let (db, onelogin) = (Db::postgres(), history(60));
    for query in ["", "sslmode=prefer", "sslmode=disable"] {
        let url = url_with(&db, ANOTHER_MACHINE, query);

        let refused = error(sync_into(&onelogin, &url, &[]), 78);

        assert!(refused.contains("--insecure-database"), "{query}: {refused}");
    }
    assert_eq!(onelogin.requests_served(), 0);
    let url = url_with(&db, ANOTHER_MACHINE, "");
    outcome(sync_into(&onelogin, &url, &["--insecure-database"]).run(), 0);
    assert_complete(Api::Legacy, &onelogin, &db);
    for command in [&["status"][..], &["migrate"]] {
        let without = Program::new(command).env("DATABASE_URL", &url).run().expect_code(78);
        assert!(without.stderr.contains("--insecure-database"), "{without}");
        let with = [command, &["--insecure-database"]].concat();
        Program::new(&with).env("DATABASE_URL", &url).run().expect_code(0);
    }
}

#[test]
fn a_server_without_the_tls_that_the_url_requires_is_refused() {
    let (db, onelogin) = (Db::postgres(), history(60));
    for mode in ["require", "verify-full"] {
        let url = url_with(&db, "127.0.0.1", &format!("sslmode={mode}"));

        let refused = error(sync_into(&onelogin, &url, &[]), 78);

        let expected = format!("does not offer TLS, which sslmode={mode} requires");
        assert!(refused.contains(&expected), "{refused}");
    }
}

#[test]
fn a_parameter_that_no_driver_knows_is_refused() {
    let (db, onelogin) = (Db::postgres(), history(60));

    let refused =
        error(sync_into(&onelogin, &url_with(&db, "127.0.0.1", "sslmod=verify-full"), &[]), 78);

    assert!(refused.contains("`sslmod`") && refused.contains("`sslmode`"), "{refused}");
    assert_eq!(onelogin.requests_served(), 0);
}

/// A server with a certificate for `localhost` that an authority of its own has signed.
fn server_with_tls() -> Server {
    let mut server = Server::own();
    let data = server.directory().join("data");
    let owner = fs::metadata(&data).expect("the server has its files");
    for file in ["server.pem", "server.key"] {
        let copy = data.join(file);
        fs::copy(fixture(file), &copy).expect("the file can be copied");
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o600)).expect("it is ours");
        chown(&copy, Some(owner.uid()), Some(owner.gid())).expect("it can be given away");
    }
    let configuration = data.join("postgresql.conf");
    let mut text = fs::read_to_string(&configuration).expect("the server has a configuration");
    text.push_str("ssl = on\nssl_cert_file = 'server.pem'\nssl_key_file = 'server.key'\n");
    fs::write(&configuration, text).expect("the file can be written");
    server.stop();
    server.restart();
    server
}

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name)
}

#[test]
fn a_certificate_counts_by_the_systems_roots_and_a_named_one() {
    let server = server_with_tls();
    let (db, onelogin) = (Db::Postgres(server.database()), history(60));
    let full = url_with(&db, "localhost", "sslmode=verify-full");
    let authority = fixture("ca.pem");

    let unknown = error(sync_into(&onelogin, &full, &[]), 78);
    assert!(
        unknown.contains("sslmode=verify-full") && unknown.contains("UnknownIssuer"),
        "{unknown}"
    );

    // As an administrator adds an authority to the system's.
    let known = sync_into(&onelogin, &full, &[]).env("SSL_CERT_FILE", &authority);
    outcome(known.run(), 0);
    let named = format!("sslmode=verify-full&sslrootcert={}", authority.display());
    outcome(sync_into(&onelogin, &url_with(&db, "localhost", &named), &[]).run(), 0);

    // The certificate is for another name.
    let wrong = url_with(&db, "127.0.0.1", &named);
    let wrong = error(sync_into(&onelogin, &wrong, &[]), 78);
    assert!(wrong.contains("not valid for name"), "{wrong}");
    let ca_only = named.replace("verify-full", "verify-ca");
    outcome(sync_into(&onelogin, &url_with(&db, "127.0.0.1", &ca_only), &[]).run(), 0);
}

#[test]
fn a_database_that_falls_silent_ends_the_run() {
    let (db, onelogin) = (Db::postgres(), history(3_000));
    let server: Url = db.url().parse().expect("a URL");
    let port = server.port().unwrap_or(5432);
    let valve = Valve::before(([127, 0, 0, 1], port).into());
    let mut url = server;
    url.set_port(Some(valve.port())).expect("a URL with a host");
    onelogin.hold_after(1_000);
    let arguments = ["--prefetch", "0", "--database-timeout", "2s"];
    let running = sync_into(&onelogin, url.as_str(), &arguments).start();
    block_on(onelogin.wait_until_held());

    valve.close();
    onelogin.release();

    let failed = outcome(running.wait(), 74);
    let error = failed["error"].as_str().expect("a text");
    assert!(error.contains("has not answered for 2 s"), "{error}");
    assert_eq!(failed["windows"], 1);
}

/// Waits until a connection to the database has been in a state for two seconds.
fn wait_for_activity(db: &Db, state: &str) {
    let question = format!(
        "select count(*) from pg_stat_activity where datname = current_database() and {state}
         and state_change < clock_timestamp() - interval '2 s'"
    );
    let began = Instant::now();
    while db.rows(&question)[0][0] == "0" {
        assert!(began.elapsed() < Duration::from_mins(1), "for no connection {state}");
    }
}

#[test]
fn a_wait_for_a_lock_is_logged_and_is_no_hang() {
    let (db, onelogin) = (Db::postgres(), history(60));
    Program::new(&["migrate", "--database-url", &db.url()]).run().expect_code(0);
    let lock = Transaction::lock(&db);

    let running = sync_into(&onelogin, &db.url(), &["--database-timeout", "1s"]).start();
    running.wait_for_output("recording the run takes long");
    wait_for_activity(&db, "wait_event_type = 'Lock'");
    drop(lock);

    assert_recorded(&db, &outcome(running.wait(), 0));
    assert_complete(Api::Legacy, &onelogin, &db);
}

#[test]
fn a_server_with_no_connection_to_spare_is_waited_for() {
    let (db, onelogin) = (Db::postgres(), history(60));
    let (server, name) =
        db.url().rsplit_once('/').map(|(s, n)| (s.to_owned(), n.to_owned())).unwrap();
    // Limits do not apply to the tests' own user.
    db.execute(&format!(
        "create role {name} login connection limit 2; alter database {name} owner to {name};
         alter schema public owner to {name}"
    ));
    let mut url: Url = format!("{server}/{name}").parse().expect("a URL");
    url.set_username(&name).expect("a URL with a host");
    let connect = || block_on(PgConnection::connect(url.as_str())).expect("a connection is free");
    let holders = [connect(), connect()];

    let refused = error(sync_into(&onelogin, url.as_str(), &["--database-timeout", "1s"]), 74);
    assert!(refused.contains("too many connections"), "{refused}");

    let valve = Valve::before(([127, 0, 0, 1], url.port().unwrap_or(5432)).into());
    let mut through = url.clone();
    through.set_port(Some(valve.port())).expect("a URL with a host");
    let waiting = sync_into(&onelogin, through.as_str(), &["--database-timeout", "60s"]).start();
    for _ in 0..3 {
        valve.wait_for_connection();
    }
    for holder in holders {
        block_on(holder.close()).expect("it is open");
    }
    assert_recorded(&db, &outcome(waiting.wait(), 0));
    assert_complete(Api::Legacy, &onelogin, &db);
    db.execute(&format!("reassign owned by {name} to current_user; drop role {name}"));
}

/// Regression: with one of the two connections, the run named a firewall as the cause.
#[test]
fn a_server_with_one_connection_to_spare_names_the_limit() {
    let (db, onelogin) = (Db::postgres(), history(60));
    let mut url: Url = db.url().parse().expect("a URL");
    let name = url.path().trim_start_matches('/').to_owned();
    db.execute(&format!("create role {name} login connection limit 1"));
    url.set_username(&name).expect("a URL with a host");

    let refused = error(sync_into(&onelogin, url.as_str(), &["--database-timeout", "3s"]), 74);

    assert!(refused.contains("too many connections for role"), "{refused}");
    assert!(refused.contains("a run needs two"), "{refused}");
    db.execute(&format!("drop role {name}"));
}

/// Regression: each run held a connection while it waited for its second one, and none went on.
#[test]
fn more_runs_at_once_than_connections_all_succeed() {
    const RUNS: usize = 12;
    let (db, onelogin) = (Db::postgres(), history(300));
    Program::new(&["migrate", "--database-url", &db.url()]).run().expect_code(0);
    let mut url: Url = db.url().parse().expect("a URL");
    let name = url.path().trim_start_matches('/').to_owned();
    db.execute(&format!(
        "create role {name} login connection limit {}; grant all on all tables in schema public to {name}",
        RUNS / 2
    ));
    url.set_username(&name).expect("a URL with a host");

    let runs: Vec<_> = (0..RUNS)
        .map(|run| {
            let account = format!("account-{run}");
            let arguments = ["--no-migrate", "--source", "events", "--account", &account];
            sync_into(&onelogin, url.as_str(), &arguments)
                .env("ONELOGIN_CLIENT_ID", onelogin.client_id())
                .env("ONELOGIN_CLIENT_SECRET", onelogin.client_secret())
                .start()
        })
        .collect();

    for run in runs {
        assert_recorded(&db, &outcome(run.wait(), 0));
    }
    let failures = "select count(*), count(distinct account) from provisioning_failures";
    assert_rows(&db.rows(failures), &[&["3600", "12"]]);
    db.execute(&format!("drop owned by {name}; drop role {name}"));
}
