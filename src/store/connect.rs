//! From a database URL to an open [`Store`].

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, PgPool, SqliteConnection, SqlitePool};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::answer::LastAnswer;
use super::cause::{self, cause_of};
use super::file::File;
use super::file_url;
use super::server_url::{self, Tls};
use super::{Error, Store, failed};

/// Covers a run on another account, which may hold the write lock of the file for a complete window.
const BUSY_TIMEOUT: Duration = Duration::from_mins(1);
/// Time for which a server may refuse connections, and limit of a first connection that detects a wrong
/// name or port.
const KNOCK_FOR: Duration = Duration::from_millis(1_500);
const BETWEEN_KNOCKS: Duration = Duration::from_millis(250);
/// Delay after which the log names the reason for the wait for a connection.
const NOTED_AFTER: Duration = Duration::from_secs(1);
/// Time for which a first connection is held while a second one is waited for; twice as long per attempt,
/// because a server far away may only be slow.
pub(super) const SECOND_WITHIN: Duration = Duration::from_secs(2);
/// Limit of a last attempt, which finds the reason why there is no connection.
const REASON_WITHIN: Duration = Duration::from_secs(2);

/// The database to open, and what is allowed on the way to it.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    /// `sqlite:FILE`, or `postgres://user@host/name`.
    pub url: String,
    /// A server on another machine may be used without TLS.
    pub is_insecure: bool,
    /// Time for which a server may answer nothing, or have no connection to spare.
    pub timeout: Duration,
}

#[cfg(feature = "demo")]
impl Database {
    /// An SQLite file.
    pub(crate) fn file(url: &str) -> Self {
        Self { url: url.to_owned(), is_insecure: false, timeout: Duration::from_secs(30) }
    }
}

/// The treatment of a file that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Create it: the first `sync`.
    Create,
    /// Refuse: `sync --no-migrate` writes, but not the first row.
    Existing,
    /// Refuse, and write nothing: the file or its folder may be read-only.
    Read,
}

/// An open Postgres server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(super) pool: PgPool,
    pub(super) names_statements: bool,
    pub(super) timeout: Duration,
    pub(super) last_answer: LastAnswer,
}

impl Store {
    /// Opens the database that a URL names.
    ///
    /// # Errors
    /// [`Error::Url`] and [`Error::Unencrypted`] if it must not be used, [`Error::Connect`] if there is no
    /// connection to it.
    pub(crate) async fn open(database: &Database, access: Access) -> Result<Self, Error> {
        match database.url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => open_sqlite(&database.url, access).await,
            Some("postgres" | "postgresql") => open_postgres(database, access).await,
            Some(_) => Err(Error::Url("it must begin with sqlite: or postgres:".to_owned())),
            None => Err(Error::Url(
                "it has no scheme; write sqlite:FILE or postgres://user@host/name".to_owned(),
            )),
        }
    }

    /// Closes all connections and opens the same database again.
    ///
    /// # Errors
    /// [`Error::Failed`] when there is no connection to it any more.
    pub(crate) async fn reopen(&self) -> Result<Self, Error> {
        self.close().await;
        let again = failed("connecting again");
        match self {
            Self::Postgres(server) => {
                let options = (*server.pool.connect_options()).clone();
                let pool = connect_all(&options, server.timeout).await.map_err(again)?;
                Ok(Self::Postgres(Server { pool, last_answer: LastAnswer::now(), ..*server }))
            }
            Self::Sqlite(file) => {
                file.check()?;
                let options = (*file.pool.connect_options()).clone().create_if_missing(false);
                let pool =
                    sqlite_pool(Access::Existing).connect_with(options).await.map_err(again)?;
                Ok(Self::Sqlite(file.with(pool)))
            }
        }
    }
}

fn postgres_pool(timeout: Duration) -> PgPoolOptions {
    // One for the window, one for the lease and the counts of calls meanwhile. While a server refuses
    // because it is starting or has no connection to spare, the pool tries again.
    PgPoolOptions::new().max_connections(2).acquire_timeout(timeout)
}

fn sqlite_pool(access: Access) -> SqlitePoolOptions {
    // A second connection could only wait for the first one's transaction, unless both only read.
    let connections = if access == Access::Read { 2 } else { 1 };
    SqlitePoolOptions::new().max_connections(connections).acquire_timeout(BUSY_TIMEOUT)
}

async fn open_postgres(database: &Database, access: Access) -> Result<Store, Error> {
    let url = server_url::read(&database.url, database.is_insecure)?;
    // Numbers come in binary form. A pooler would refuse the setting of their text form.
    let options = url.options.extra_float_digits(None).application_name("onelogin-sync");
    let options = options.disable_statement_logging();
    let target = target(&options);
    cause::remember(options.get_username(), access);
    let timeout = database.timeout;
    let connected = match reachable(&options).await {
        Ok(()) => connect(&options, timeout).await,
        Err(error) => Err(error),
    };
    let pool = connected.map_err(|source| connect_error(target, url.tls, source))?;
    let names_statements = url.names_statements;
    let last_answer = LastAnswer::now();
    Ok(Store::Postgres(Server { pool, names_statements, timeout, last_answer }))
}

/// The database for messages: its name, and where it is.
fn target(options: &PgConnectOptions) -> String {
    let name = options.get_database().unwrap_or(options.get_username());
    match socket(options) {
        Some(path) => format!("{name} at {}", path.display()),
        None => format!("{name} at {}:{}", options.get_host(), options.get_port()),
    }
}

/// Looks the host up and knocks, so that a wrong name or port is reported at once: the pool would try
/// again until its time-out. A host that is silent is left to the pool.
async fn reachable(options: &PgConnectOptions) -> Result<(), sqlx::Error> {
    let knock = async || match socket(options) {
        Some(path) => UnixStream::connect(path).await.map(drop),
        None => TcpStream::connect((options.get_host(), options.get_port())).await.map(drop),
    };
    let until = Instant::now() + KNOCK_FOR;
    loop {
        match timeout(KNOCK_FOR, knock()).await {
            // A server that restarts listens again in a moment.
            Ok(Err(error))
                if error.kind() == ErrorKind::ConnectionRefused && Instant::now() < until =>
            {
                tokio::time::sleep(BETWEEN_KNOCKS).await;
            }
            Ok(Err(error)) => return Err(error.into()),
            Ok(Ok(())) | Err(_) => return Ok(()),
        }
    }
}

/// The path of the server's socket, if it is not reached by TCP.
fn socket(options: &PgConnectOptions) -> Option<PathBuf> {
    let folder = options.get_socket().cloned();
    let folder = folder
        .or_else(|| options.get_host().starts_with('/').then(|| options.get_host().into()))?;
    Some(folder.join(format!(".s.PGSQL.{}", options.get_port())))
}

/// Opens the pool, which tries again while the server is starting or has no connection to spare.
async fn connect(options: &PgConnectOptions, limit: Duration) -> Result<PgPool, sqlx::Error> {
    let mut connecting = pin!(connect_all(options, limit));
    let connected = if let Ok(connected) = timeout(NOTED_AFTER, &mut connecting).await {
        connected
    } else {
        note_reason(options, limit).await;
        connecting.await
    };
    match connected {
        Err(sqlx::Error::PoolTimedOut) => Err(reason(options).await),
        other => other,
    }
}

/// Opens the pool with both of its connections. Otherwise many processes could each hold one while they wait
/// for another, and none would go on. So a process that gets only one gives it back and tries again.
async fn connect_all(options: &PgConnectOptions, limit: Duration) -> Result<PgPool, sqlx::Error> {
    let until = Instant::now() + limit;
    let mut patience = SECOND_WITHIN;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let pool = timeout(left, postgres_pool(limit).connect_with(options.clone()))
            .await
            .unwrap_or(Err(sqlx::Error::PoolTimedOut))?;
        let first = pool.acquire().await?;
        let left = until.saturating_duration_since(Instant::now());
        if let Ok(second) = timeout(patience.min(left), pool.acquire()).await {
            return second.map(|_| pool);
        }
        if left <= patience {
            // While the first one is held, a further attempt is refused for the same reason.
            return Err(reason(options).await);
        }
        drop(first);
        pool.close().await;
        tokio::time::sleep(patience.min(left.saturating_sub(patience)).mul_f64(fastrand::f64()))
            .await;
        patience *= 2;
    }
}

/// Logs why the server, which answers, has no connection yet.
async fn note_reason(options: &PgConnectOptions, limit: Duration) {
    let reason = reason(options).await;
    if matches!(reason, sqlx::Error::Database(_)) {
        let (reason, seconds) = (cause_of(&reason), limit.as_secs());
        tracing::info!(reason, "the database accepts no connection; waiting for up to {seconds} s");
    }
}

/// The cause that the pool's own error, a time-out, does not name.
pub(super) async fn reason(options: &PgConnectOptions) -> sqlx::Error {
    match timeout(REASON_WITHIN, PgConnection::connect_with(options)).await {
        Ok(Err(error)) => error,
        Ok(Ok(_)) | Err(_) => sqlx::Error::PoolTimedOut,
    }
}

fn connect_error(target: String, tls: Tls, source: sqlx::Error) -> Error {
    if server_url::is_without_tls(&source) {
        return if tls.is_required_for_remote {
            Error::Unencrypted { target, source }
        } else {
            Error::WithoutTls { target, mode: tls.mode, source }
        };
    }
    if server_url::is_about_certificate(&source) {
        return Error::Certificate { target, mode: tls.mode, source };
    }
    Error::Connect { target, source }
}

async fn open_sqlite(url: &str, access: Access) -> Result<Store, Error> {
    let options = file_url::read(url, access)?
        .create_if_missing(false)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    let path = options.get_filename().to_owned();
    match access {
        Access::Create if !path.exists() => file_url::create_private(&path)?,
        _ => file_url::warn_if_others_may_read(&path),
    }
    let opened = match open_file(options.clone(), access).await {
        // A write-ahead log needs a side file even to be read, and here none can be written.
        Err(error) if access == Access::Read && cause::is_read_only(&error) && !has_log(&path) => {
            open_file(options.immutable(true).read_only(true), access).await
        }
        other => other,
    };
    let target = path.display().to_string();
    let pool = opened.map_err(|error| Error::Connect { target, source: cause::of_file(error) })?;
    Ok(Store::Sqlite(File::new(pool, path)))
}

async fn open_file(
    options: SqliteConnectOptions,
    access: Access,
) -> Result<SqlitePool, sqlx::Error> {
    let pool = sqlite_pool(access).connect_with(options).await?;
    let mut connection = pool.acquire().await?;
    if access == Access::Read {
        sqlx::query("select count(*) from sqlite_schema").execute(&mut *connection).await?;
    } else {
        use_wal(&mut connection).await?;
    }
    drop(connection);
    Ok(pool)
}

/// Checks for a write-ahead log with rows that are not yet in the file itself.
fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).is_ok_and(|log| log.len() > 0)
}

/// With a write-ahead log, readers such as BI tools do not block the writer, nor it them. The mode
/// stays with the file. The switch needs the file alone and does not wait for it: if another
/// program is there, the next run switches, and until then only the concurrency is less.
async fn use_wal(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mode: String =
        sqlx::query_scalar("pragma journal_mode").fetch_one(&mut *connection).await?;
    if mode == "wal" {
        return Ok(());
    }
    match sqlx::query("pragma journal_mode = wal").execute(connection).await {
        Err(sqlx::Error::Database(e)) if e.message().contains("locked") => Ok(()),
        other => other.map(drop),
    }
}
