//! From a database URL to an open [`Store`].

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, PgPool, SqliteConnection, SqlitePool};

use super::answer::LastAnswer;
use super::file::File;
use super::server_url::{self, Tls};
use super::{Error, Store, failed};

/// Covers a run on another account, which may hold the write lock of the file for a complete window.
const BUSY_TIMEOUT: Duration = Duration::from_mins(1);
/// KiB of page cache; negative by SQLite's convention.
const CACHE_SIZE: &str = "-4096";
/// Limit of a last attempt, which finds the reason why there is no connection.
const REASON_WITHIN: Duration = Duration::from_secs(2);

/// Bytes per page of a new file. Rows here are long: a first load was measured as 0.85 times the time of
/// 4 KiB pages at 300,000 rows, and 0.97 times at a million.
const PAGE_SIZE: u32 = 16_384;

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
    /// Refuse: a command that only reads must not create an empty database.
    Existing,
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
            Some("postgres" | "postgresql") => open_postgres(database).await,
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
                let pool =
                    postgres_pool(server.timeout).connect_with(options).await.map_err(again)?;
                Ok(Self::Postgres(Server { pool, last_answer: LastAnswer::now(), ..*server }))
            }
            Self::Sqlite(file) => {
                file.check()?;
                let options = (*file.pool.connect_options()).clone().create_if_missing(false);
                let pool = sqlite_pool().connect_with(options).await.map_err(again)?;
                Ok(Self::Sqlite(file.with(pool)))
            }
        }
    }
}

fn postgres_pool(timeout: Duration) -> PgPoolOptions {
    // One for the window, one for the lease meanwhile. While a server refuses because it is starting or
    // has no connection to spare, the pool tries again.
    PgPoolOptions::new().max_connections(2).acquire_timeout(timeout)
}

fn sqlite_pool() -> SqlitePoolOptions {
    // One: a second connection of ours could only wait for the first one's transaction.
    SqlitePoolOptions::new().max_connections(1).acquire_timeout(BUSY_TIMEOUT)
}

async fn open_postgres(database: &Database) -> Result<Store, Error> {
    let url = server_url::read(&database.url, database.is_insecure)?;
    // Numbers come in binary form. A pooler would refuse the setting of their text form.
    let options = url.options.extra_float_digits(None).application_name("onelogin-sync");
    let options = options.disable_statement_logging();
    let target = format!(
        "{} at {}:{}",
        options.get_database().unwrap_or("(default)"),
        options.get_host(),
        options.get_port()
    );
    let timeout = database.timeout;
    let pool = match postgres_pool(timeout).connect_with(options.clone()).await {
        Err(sqlx::Error::PoolTimedOut) => Err(reason(&options).await),
        other => other,
    };
    let pool = pool.map_err(|source| connect_error(target, url.tls, source))?;
    let names_statements = url.names_statements;
    let last_answer = LastAnswer::now();
    Ok(Store::Postgres(Server { pool, names_statements, timeout, last_answer }))
}

/// The cause that the pool's own error, a time-out, does not name.
pub(super) async fn reason(options: &PgConnectOptions) -> sqlx::Error {
    match tokio::time::timeout(REASON_WITHIN, PgConnection::connect_with(options)).await {
        Ok(Err(error)) => error,
        Ok(Ok(_)) | Err(_) => sqlx::Error::PoolTimedOut,
    }
}

fn connect_error(target: String, tls: Tls, source: sqlx::Error) -> Error {
    if tls.is_required_for_remote && server_url::is_without_tls(&source) {
        return Error::Unencrypted { target, source };
    }
    if server_url::is_about_certificate(&source) {
        return Error::Certificate { target, mode: tls.mode, source };
    }
    Error::Connect { target, source }
}

async fn open_sqlite(url: &str, access: Access) -> Result<Store, Error> {
    let options = SqliteConnectOptions::from_str(url)
        .map_err(|_| Error::Url("write sqlite:FILE, with % escapes".to_owned()))?
        .create_if_missing(access == Access::Create)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("cache_size", CACHE_SIZE)
        .page_size(PAGE_SIZE)
        .disable_statement_logging();
    let path = options.get_filename().to_owned();
    let open = async {
        let pool = sqlite_pool().connect_with(options).await?;
        use_wal(&mut *pool.acquire().await?).await?;
        Ok(pool)
    };
    let target = path.display().to_string();
    let pool: SqlitePool = open.await.map_err(|source| Error::Connect { target, source })?;
    Ok(Store::Sqlite(File::new(pool, path)))
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
