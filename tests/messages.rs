//! The table of what can go wrong: situation, exit code, texts that the message must have and must not.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use crate::support::onelogin::sync_ok;
use crate::support::outcome::{SINCE, history};
use crate::support::postgres::Server;
use crate::support::program::{Finished, Program};
use crate::support::responder::Responder;
use crate::support::tables::Db;

/// Credentials of every case: two that look like secrets, and two that are ordinary terms, which must spoil
/// no message.
const KEYS: [&str; 4] = ["kEy-4711-MARKED-0815", "s3cr3t/With+Signs&more", "onelogin", "postgres"];

/// A situation, and what the program has to make of it.
struct Case {
    situation: &'static str,
    arguments: &'static [&'static str],
    environment: Vec<(&'static str, String)>,
    exit: i32,
    must_have: &'static [&'static str],
    must_not_have: &'static [&'static str],
}

impl Case {
    /// `sync` with the database of a URL.
    fn url(
        situation: &'static str,
        url: String,
        exit: i32,
        must_have: &'static [&'static str],
    ) -> Self {
        let environment = vec![("DATABASE_URL", url)];
        Self { situation, arguments: &["sync"], environment, exit, must_have, must_not_have: &[] }
    }

    fn by(self, arguments: &'static [&'static str]) -> Self {
        Self { arguments, ..self }
    }

    fn never(self, must_not_have: &'static [&'static str]) -> Self {
        Self { must_not_have, ..self }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    fn check(&self, key: &str, directory: &Path) {
        let program = Program::new(self.arguments).in_directory(directory);
        // Nothing is fetched in any case: the address is one that nobody has.
        let program = program.env("ONELOGIN_BASE_URL", "http://127.0.0.1:1");
        let program = program.env("ONELOGIN_API_KEY", key).env("ONELOGIN_MAX_ATTEMPTS", "1");
        let environment = self.environment.iter();
        let finished = environment.fold(program, |p, (name, value)| p.env(name, value)).run();
        self.assert_message(&finished, key);
    }

    #[track_caller]
    fn assert_message(&self, finished: &Finished, key: &str) {
        let shown = format!("{}, with the key {key:?}: {finished}", self.situation);
        assert_eq!(finished.code, Some(self.exit), "{shown}");
        for part in self.must_have {
            assert!(finished.stderr.contains(part), "{part:?} is missing: {shown}");
        }
        let never = ["at line", ".c:", "pool timed out", "password right"];
        for part in never.iter().chain(self.must_not_have) {
            assert!(!finished.stderr.contains(part), "{part:?} is shown: {shown}");
        }
        // A cause is shown once.
        for part in finished.stderr.split([';', ':']).map(str::trim).filter(|p| p.len() > 20) {
            assert_eq!(finished.stderr.matches(part).count(), 1, "{part:?} is repeated: {shown}");
        }
    }
}

fn check_all(cases: &[Case]) {
    let directory = TempDir::new().expect("a temporary directory can be created");
    for case in cases {
        for key in KEYS {
            case.check(key, directory.path());
        }
    }
}

#[test]
fn files() {
    let directory = TempDir::new().expect("a temporary directory can be created");
    let path = |name: &str| format!("sqlite:{}", directory.path().join(name).display());
    fs::create_dir(directory.path().join("folder")).expect("a new folder");
    fs::write(directory.path().join("letter"), "Dear reader, ".repeat(100)).expect("a new file");
    let no_file: &[&str] =
        &["there is no onelogin.db here: run `sync`, or name it with --database-url"];
    let of_servers: &[&str] = &["password", "host", "port"];
    let missing = |situation, arguments| {
        let environment = vec![];
        Case {
            situation,
            arguments,
            environment,
            exit: 78,
            must_have: no_file,
            must_not_have: of_servers,
        }
    };
    check_all(&[
        missing("status without a file", &["status"]),
        missing("migrate --check without a file", &["migrate", "--check"]),
        missing("sync --no-migrate without a file", &["sync", "--no-migrate"]),
        Case::url("a folder", path("folder"), 78, &["it is a folder"]).never(of_servers),
        Case::url("a folder", path("folder"), 78, &["it is a folder"]).by(&["status"]),
        Case::url("another file", path("letter"), 78, &["is not an SQLite file"]).never(of_servers),
        Case::url("no folder", path("no/a.db"), 78, &["its folder does not exist"])
            .never(of_servers),
        Case::url("no file name", "sqlite:".into(), 78, &["names no file", "variable empty"]),
        Case::url("no file name", "sqlite://".into(), 78, &["names no file"]),
        Case::url("memory", "sqlite::memory:".into(), 78, &["in memory"]),
        Case::url("memory", "sqlite://file:x?mode=memory".into(), 78, &["in memory"]),
        Case::url("another scheme", "mysql://h/x".into(), 78, &["sqlite: or postgres:"]),
        Case::url("no scheme", "hunter2hunter2".into(), 78, &["no scheme"]).never(&["hunter2"]),
    ]);
}

#[test]
fn servers() {
    let server = Responder::silent();
    let unescaped: &[&str] = &["%-escape", "%2F"];
    let pieces: &[&str] = &["unter2", "secret", "db.internal"];
    let url = |url: &str| url.to_owned();
    check_all(&[
        Case::url(
            "nothing listens",
            url("postgres://me@127.0.0.1:1/x"),
            74,
            &["127.0.0.1:1", "refused"],
        ),
        Case::url("nothing listens", url("postgres://me@[::1]:1/x"), 74, &["refused"]),
        Case::url(
            "no such name",
            url("postgres://me@nowhere.invalid/x"),
            74,
            &["nowhere.invalid", "check the host's name"],
        ),
        Case::url(
            "no socket",
            url("postgres://me@/x?host=/nowhere"),
            74,
            &["/nowhere/.s.PGSQL.5432", "does not exist"],
        ),
        Case::url(
            "a silent server",
            format!("postgres://me@127.0.0.1:{}/x", server.port()),
            74,
            &["did not answer"],
        )
        .by(&["sync", "--database-timeout", "1s"]),
        Case::url(
            "an unescaped /",
            url("postgres://me:Hunter2/secret@db.internal/x"),
            78,
            unescaped,
        )
        .never(pieces),
        Case::url(
            "an unescaped #",
            url("postgres://me:Hunter2#secret@db.internal/x"),
            78,
            unescaped,
        )
        .never(pieces),
        Case::url(
            "an unescaped ?",
            url("postgres://me:Hunter2?secret@db.internal/x"),
            78,
            unescaped,
        )
        .never(pieces),
        Case::url(
            "a bad port",
            url("postgres://me:Hunter2@db.internal:port/x"),
            78,
            &["%-escapes"],
        )
        .never(pieces),
        Case::url(
            "a short password",
            url("postgres://me:abc@127.0.0.1:1/x"),
            78,
            &["fewer than 4"],
        ),
    ]);
}

/// A server that asks for passwords, but of its own user.
fn server_with_passwords() -> Server {
    let mut server = Server::own();
    let rules = server.directory().join("data/pg_hba.conf");
    let text = "host all postgres 127.0.0.1/32 trust\nhost all visitor all reject\nhost all all 127.0.0.1/32 scram-sha-256\nlocal all all trust\n";
    fs::write(&rules, text).expect("the file can be written");
    server.stop();
    server.restart();
    server
}

#[test]
fn what_a_server_refuses_for_good() {
    let server = server_with_passwords();
    let (rights, unrelated) = (Db::Postgres(server.database()), Db::Postgres(server.database()));
    rights.execute("create role reader login password 'right-PASSWORD-1'");
    unrelated.execute("create table users (id int)");
    let name = rights.url().rsplit_once('/').expect("a name").1.to_owned();
    let as_reader = |password: &str, name: &str| {
        format!("postgres://reader:{password}@127.0.0.1:{}/{name}", server.port())
    };
    check_all(&[
        Case::url(
            "a wrong password",
            as_reader("wrong-PASSWORD", &name),
            78,
            &["reader", "check user and password"],
        )
        .never(&["wrong-PASSWORD"]),
        Case::url(
            "no such database",
            as_reader("right-PASSWORD-1", "nosuch"),
            78,
            &["nosuch", "createdb"],
        )
        .never(&["right-PASSWORD"]),
        Case::url(
            "no rights",
            as_reader("right-PASSWORD-1", &name),
            78,
            &["permission denied", "grant ", "to reader"],
        )
        .never(&["right-PASSWORD"]),
        Case::url(
            "a foreign table users",
            unrelated.url(),
            78,
            &["users", "already exists", "search_path"],
        ),
    ]);
    let onelogin = history(60);
    let own = Db::Postgres(server.database());
    sync_ok(&onelogin, &own, &["--since", SINCE]);
    own.execute("grant usage on schema public to reader");
    let own_name = own.url().rsplit_once('/').expect("a name").1.to_owned();
    check_all(&[Case::url(
        "no right to a table",
        as_reader("right-PASSWORD-1", &own_name),
        78,
        &["permission denied for table", "grant select, insert, update on table", "to reader"],
    )]);
    // The ways in which libpq's programs are given a password.
    let directory = TempDir::new().expect("a temporary directory can be created");
    own.execute("grant all on all tables in schema public to reader");
    let passwords = directory.path().join("passwords");
    fs::write(&passwords, "*:*:*:*:right-PASSWORD-1\n").expect("a new file");
    fs::set_permissions(&passwords, fs::Permissions::from_mode(0o600)).expect("it is ours");
    let without = format!("postgres://reader@127.0.0.1:{}/{own_name}", server.port());
    let status = |url: &str| Program::new(&["status"]).env("DATABASE_URL", url);
    status(&without).env("PGPASSWORD", "right-PASSWORD-1").run().expect_code(0);
    status(&without).env("PGPASSFILE", &passwords).run().expect_code(0);
    let program = status(&format!("postgres:///{own_name}")).env("PGHOST", "127.0.0.1");
    let program = program.env("PGPORT", server.port().to_string()).env("PGUSER", "reader");
    program.env("PGPASSWORD", "right-PASSWORD-1").run().expect_code(0);
    let by_file = directory.path().join("url");
    fs::write(&by_file, as_reader("right-PASSWORD-1", &own_name) + "\n").expect("a new file");
    Program::new(&["status"]).env("DATABASE_URL_FILE", &by_file).run().expect_code(0);
    let flag = as_reader("right-PASSWORD-1", &own_name);
    let warned = Program::new(&["status", "--database-url", &flag]).run().expect_code(0);
    assert!(warned.stderr.contains("list of processes"), "{warned}");
    assert!(!warned.stderr.contains("right-PASSWORD"), "{warned}");
}

#[test]
fn what_a_server_refuses_to_others_than_the_owner() {
    let server = server_with_passwords();
    let db = Db::Postgres(server.database());
    db.execute("create role reader login password 'right-PASSWORD-1'");
    Program::new(&["migrate"]).env("DATABASE_URL", db.url()).run().expect_code(0);
    db.execute("grant usage on schema public to reader; create schema \"Odd one\"");
    let name = db.url().rsplit_once('/').expect("a name").1.to_owned();
    let by = |user: &str| format!("postgres://{user}@127.0.0.1:{}/{name}", server.port());
    check_all(&[
        Case::url(
            "no right to read a table",
            by("reader:right-PASSWORD-1"),
            78,
            &["permission denied for table", "grant select on table", "to reader"],
        )
        .by(&["status"]),
        Case::url(
            "a schema whose name needs quotes",
            format!("{}?options=-csearch_path%3D%22Odd%5C%20one%22", db.url()),
            78,
            &["Odd one", "has a capital", "search_path"],
        ),
        Case::url(
            "a rule against the user",
            by("visitor"),
            78,
            &["pg_hba.conf rejects", "allow this host"],
        )
        .never(&["password in"]),
    ]);
    db.execute(
        "delete from refinery_schema_history where version >= 15;
        grant usage, create on schema public to reader;
        grant all on all tables in schema public to reader",
    );
    check_all(&[Case::url(
        "a migration by another than the owner",
        by("reader:right-PASSWORD-1"),
        78,
        &["must be owner", "migrate` as the owner"],
    )
    .by(&["migrate"])
    .never(&["grant"])]);
}

#[test]
fn the_environment() {
    let file = || "sqlite:a.db".to_owned();
    let none: &[&str] = &[];
    let mut cases = vec![
        Case::url("a bad value", file(), 64, &["ONELOGIN_OVERLAP", "'soon'"])
            .with("ONELOGIN_OVERLAP", "soon"),
        Case::url("a bad value", file(), 64, &["ONELOGIN_SOURCE", "legacy"])
            .with("ONELOGIN_SOURCE", "smoke"),
        Case::url("a bad flag", file(), 64, &["--overlap", "'soon'"])
            .by(&["sync", "--overlap", "soon"])
            .with("ONELOGIN_OVERLAP", "24h"),
        Case::url(
            "a misspelled name",
            file(),
            69,
            &["ONELOGIN_OVERLAPP is no variable", "is ONELOGIN_OVERLAP meant?"],
        )
        .with("ONELOGIN_OVERLAPP", "1h"),
        Case::url("a secret in the wrong place", file(), 64, none)
            .with("ONELOGIN_OVERLAP", "client-SECRET-value")
            .with("PGPASSWORD", "client-SECRET-value")
            .never(&["client-SECRET"]),
        Case::url("a secret file that is too long", file(), 78, &["64 KiB"])
            .with("ONELOGIN_API_KEY_FILE", "/dev/zero")
            .with("ONELOGIN_API_KEY", ""),
        Case::url("a key of three characters", file(), 78, &["ONELOGIN_API_KEY", "fewer than 4"])
            .with("ONELOGIN_API_KEY", "abc"),
    ];
    for name in [
        "ONELOGIN_OVERLAP",
        "ONELOGIN_SOURCE",
        "ONELOGIN_ALLOW_HTTP",
        "ONELOGIN_ACCOUNT",
        "ONELOGIN_RAW",
        "ONELOGIN_LOG_LEVEL",
        "ONELOGIN_EVENT_TYPES",
        "ONELOGIN_WITH_SUCCESSES",
        "ONELOGIN_CLIENT_ID",
        "DATABASE_URL_FILE",
    ] {
        cases.push(Case::url("an empty variable", file(), 69, &["127.0.0.1:1"]).with(name, ""));
    }
    check_all(&cases);
}
