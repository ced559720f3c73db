//! A throwaway Postgres for the tests, and a fresh database in it for each.
//!
//! `TEST_DATABASE_URL` names a server where databases may be created. Without it, one is started
//! from the binaries found on the machine, once per test process. `postgres.sh` does the finding
//! and the keeping: it holds a pipe from this process, so that the server and its directory go
//! when this process does, however it ends.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

#[cfg(target_os = "linux")]
use nix::sys::statvfs::statvfs;
use nix::unistd::{User, geteuid};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use url::Url;

use super::block_on;

const SCRIPT: &str = include_str!("postgres.sh");

const WAY_OUT: &str = "run tests/run.sh, which installs Postgres where it is missing, \
    or set TEST_DATABASE_URL to a server where databases may be created";

const NOT_GIVEN: &str = "the stories that stop their server need the binaries in any case";

/// A free port can be taken before Postgres binds it. Losing that race this often in a row means
/// that something else is wrong.
const PORT_ATTEMPTS: u32 = 5;

/// A Postgres server.
pub(crate) struct Server {
    /// The database from which others are created.
    admin: Url,
    /// None for a server that was given.
    keeper: Option<Keeper>,
}

impl Server {
    /// The server that all tests of this process share.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(|| match env::var("TEST_DATABASE_URL") {
            Ok(url) => Self {
                admin: url
                    .parse()
                    .expect("TEST_DATABASE_URL is a URL such as postgres://me@host/db"),
                keeper: None,
            },
            Err(_) => Self::own(),
        })
    }

    /// A server of the test's own, to stop and restart. It goes when the value is dropped.
    pub(crate) fn own() -> Self {
        let mut keeper = Keeper::new();
        keeper.order("create");
        let port = (1..=PORT_ATTEMPTS)
            .map(|_| free_port())
            .find(|port| keeper.try_order(&format!("start {port}")))
            .unwrap_or_else(|| keeper.give_up("start"));
        let admin = format!("postgres://postgres@127.0.0.1:{port}/postgres");
        Self { admin: admin.parse().expect("the URL is well formed"), keeper: Some(keeper) }
    }

    /// Creates an empty database.
    pub(crate) fn database(&self) -> Database {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        // A server that was given may hold the databases of other test processes, here or elsewhere.
        let unique = fastrand::u32(..);
        let name = format!("onelogin_sync_test_{unique:08x}_{number}");
        administer(&self.admin, &format!("create database {name}")).unwrap_or_else(|error| {
            panic!("could not create a database on the test server: {error}; {WAY_OUT}")
        });
        let mut url = self.admin.clone();
        url.set_path(&name);
        Database { name, url: url.into(), admin: self.admin.clone() }
    }

    /// Stops the server at once, as a crash would: connections break, nothing is flushed.
    pub(crate) fn stop(&mut self) {
        self.own_keeper().order("stop");
    }

    /// Starts the stopped server again, on the same port and with what was committed.
    pub(crate) fn restart(&mut self) {
        let port = self.port();
        self.own_keeper().order(&format!("start {port}"));
    }

    /// The directory that holds all of the server's files.
    pub(crate) fn directory(&self) -> &Path {
        &self.keeper.as_ref().expect("a server that was given has no directory here").directory
    }

    /// The port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.admin.port().unwrap_or(5432)
    }

    fn own_keeper(&mut self) -> &mut Keeper {
        self.keeper.as_mut().expect("only a server of the test's own can be stopped")
    }
}

/// An empty database of the test's own. It is dropped with the value, so that a long run takes no
/// more room than the tests that run at once.
pub(crate) struct Database {
    name: String,
    url: String,
    admin: Url,
}

impl Database {
    /// The URL, for `--database-url`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let sql = format!("drop database {} with (force)", self.name);
        if let Err(error) = administer(&self.admin, &sql) {
            eprintln!("the test database {} remains: {error}", self.name);
        }
    }
}

/// The shell script that runs the server for as long as its standard input stays open.
struct Keeper {
    directory: PathBuf,
    process: Child,
    answers: BufReader<ChildStdout>,
}

impl Keeper {
    fn new() -> Self {
        let directory = tempfile::Builder::new()
            .prefix("onelogin-sync-pg-")
            .tempdir_in(parent_directory())
            .expect("a temporary directory can be created")
            .keep();
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "postgres.sh", "keep"]).arg(&directory);
        // `PGPORT` and its like would change what the binaries do.
        command.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default());
        // Standard error stays ours: whoever reads it to its end knows that the server is gone.
        command.current_dir(&directory).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.process_group(0); // Ctrl-C in the terminal reaches the tests only
        if geteuid().is_root() {
            let user = unprivileged_user();
            chown(&directory, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
                .expect("root may give a directory away");
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        let mut process = command.spawn().unwrap_or_else(|error| {
            panic!(
                "could not run sh in {}: {error}; as root it runs as another user, who must be able \
                 to reach TMPDIR",
                directory.display()
            );
        });
        let answers = BufReader::new(process.stdout.take().expect("standard output is piped"));
        Self { directory, process, answers }
    }

    /// Has the script do something that must succeed.
    fn order(&mut self, command: &str) {
        if !self.try_order(command) {
            self.give_up(command);
        }
    }

    /// Has the script do something. False if it failed. The script limits the wait.
    fn try_order(&mut self, command: &str) -> bool {
        let stdin = self.process.stdin.as_mut().expect("standard input is piped");
        // A script that has ended takes no command; its last answer has the reason.
        let _ = writeln!(stdin, "{command}");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("the script answers in text");
        match answer.trim_end() {
            "done" => true,
            "failed" => false,
            "missing" => panic!("no Postgres server binaries were found: {WAY_OUT}; {NOT_GIVEN}"),
            _ => self.give_up(command),
        }
    }

    fn give_up(&self, command: &str) -> ! {
        let log = self.directory.join("log");
        let log = fs::read_to_string(log).unwrap_or_else(|error| format!("(no log: {error})"));
        panic!(
            "the test server failed to {command} in {}; its log:\n{log}\n{WAY_OUT}",
            self.directory.display()
        );
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // The end of its input has the script stop the server and remove the directory.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

fn administer(admin: &Url, sql: &str) -> Result<(), sqlx::Error> {
    block_on(async {
        let mut connection = PgConnection::connect(admin.as_str()).await?;
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
        connection.close().await
    })
}

/// The folder of the server's files: in memory if there is plenty. A new database is a copy of 300
/// files, which was measured as 200 ms on a disk and 20 ms in memory. A TMPDIR is respected.
fn parent_directory() -> PathBuf {
    #[cfg(target_os = "linux")]
    {
        /// A few times what all tests together write.
        const ROOM: u64 = 4 << 30;
        let memory = Path::new("/dev/shm");
        let free = statvfs(memory).map_or(0, |fs| fs.blocks_available() * fs.fragment_size());
        if env::var_os("TMPDIR").is_none() && free >= ROOM {
            return memory.into();
        }
    }
    env::temp_dir()
}

/// Postgres refuses to run as root.
pub(super) fn unprivileged_user() -> User {
    ["postgres", "nobody"]
        .iter()
        .find_map(|name| User::from_name(name).ok().flatten())
        .unwrap_or_else(|| panic!("Postgres refuses root, and no other user exists: {WAY_OUT}"))
}

/// A port that was free a moment ago.
pub(super) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port can be bound");
    listener.local_addr().expect("a bound listener has an address").port()
}
