//! PgBouncer in front of the shared server. It goes when this process does, however it ends.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::unistd::geteuid;
use tempfile::TempDir;
use url::Url;

use super::postgres::{Database, free_port, unprivileged_user};

/// Debian installs it where only root's PATH leads.
const PLACES: [&str; 4] =
    ["/usr/sbin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/opt/pgbouncer/bin"];

/// Prints a line once the pooler runs, and stops it at the end of its own input.
const KEEPER: &str = r#""$1" "$2" & pid=$!; echo started; read -r _; kill -INT $pid; wait $pid"#;

/// The moment at which a server's connection goes back to the pool.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mode {
    Session,
    Transaction,
}

/// A running PgBouncer.
pub(crate) struct Pooler {
    keeper: Child,
    mode: Mode,
    port: u16,
    _directory: TempDir,
}

impl Pooler {
    /// Starts one in front of a database's server. It hands out its connections in turn, so that two
    /// transactions of one client meet different ones.
    pub(crate) fn start(database: &Database, mode: Mode) -> Self {
        Self::with_connections(database, mode, 4)
    }

    /// The same with a number of connections.
    pub(crate) fn with_connections(database: &Database, mode: Mode, connections: u16) -> Self {
        let directory = TempDir::new().expect("a temporary directory can be created");
        let port = free_port();
        let file = directory.path().join("pgbouncer.ini");
        fs::write(&file, configuration(database, mode, port, connections))
            .expect("the file can be written");
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "keeper"]).arg(executable()).arg(&file);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        command.process_group(0); // Ctrl-C in the terminal reaches the tests only
        if geteuid().is_root() {
            let user = unprivileged_user();
            for path in [directory.path(), &file] {
                chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
                    .expect("root may give a file away");
            }
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        let mut keeper = command.spawn().expect("sh can be run");
        let mut line = String::new();
        let mut output = BufReader::new(keeper.stdout.take().expect("standard output is piped"));
        output.read_line(&mut line).expect("the keeper prints text");
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(30), "PgBouncer does not listen");
        }
        Self { keeper, mode, port, _directory: directory }
    }

    /// The URL of a database through the pooler.
    pub(crate) fn url(&self, database: &Database) -> String {
        let mut url: Url = database.url().parse().expect("a URL");
        url.set_host(Some("127.0.0.1")).expect("a URL with a host");
        url.set_port(Some(self.port)).expect("a URL with a host");
        if let Mode::Transaction = self.mode {
            url.set_query(Some("statement-cache-capacity=0"));
        }
        url.into()
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        // The end of its input has the keeper stop the pooler.
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

fn executable() -> PathBuf {
    let paths = env::var_os("PATH").unwrap_or_default();
    let places = env::split_paths(&paths).chain(PLACES.map(PathBuf::from));
    let found = places.map(|folder| folder.join("pgbouncer")).find(|file| file.exists());
    found.expect("PgBouncer is missing; run tests/run.sh, which installs it")
}

fn configuration(database: &Database, mode: Mode, port: u16, connections: u16) -> String {
    let url: Url = database.url().parse().expect("a URL");
    let host = url.host_str().expect("a URL with a host");
    let server_port = url.port().unwrap_or(5432);
    let user = url.username();
    let password = url.password().map(|password| format!(" password={password}"));
    let password = password.unwrap_or_default();
    let mode = match mode {
        Mode::Session => "session",
        Mode::Transaction => "transaction",
    };
    format!(
        "[databases]\n* = host={host} port={server_port} user={user}{password}\n\
         [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
         auth_type = any\npool_mode = {mode}\ndefault_pool_size = {connections}\nmin_pool_size = {connections}\n\
         server_round_robin = 1\n"
    )
}
