//! From a database URL to an open [`Store`].

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};

use super::{Error, Store, failed};

/// Long enough for a server that is just starting, short enough for a scheduler.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// Covers a run on another account, which may hold the write lock of the file for a complete window.
const BUSY_TIMEOUT: Duration = Duration::from_mins(1);
/// KiB of page cache; negative by SQLite's convention.
const CACHE_SIZE: &str = "-4096";

/// Bytes per page of a new file. Rows here are long: a first load was measured as 0.85 times the time of
/// 4 KiB pages at 300,000 rows, and 0.97 times at a million.
const PAGE_SIZE: u32 = 16_384;

/// The treatment of a file that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Create it: the first `sync`.
    Create,
    /// Refuse: a command that only reads must not create an empty database.
    Existing,
}

impl Store {
    /// Opens the database that a URL names: `sqlite:FILE`, or `postgres://user@host/name`.
    ///
    /// # Errors
    /// [`Error::Url`] when it names none, [`Error::Connect`] when there is no connection to it.
    pub(crate) async fn open(url: &str, access: Access) -> Result<Self, Error> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => open_sqlite(url, access).await,
            Some("postgres" | "postgresql") => open_postgres(url).await,
            Some(_) => Err(Error::Url("it must begin with sqlite: or postgres:".to_owned())),
            None => Err(Error::Url(
                "it has no scheme; write sqlite:FILE or postgres://user@host/name".to_owned(),
            )),
        }
    }
}

impl Store {
    /// Closes all connections and opens the same database again.
    ///
    /// # Errors
    /// [`Error::Failed`] when there is no connection to it any more.
    pub(crate) async fn reopen(&self) -> Result<Self, Error> {
        self.close().await;
        match self {
            Self::Postgres(pool) => {
                let options = (*pool.connect_options()).clone();
                postgres_pool().connect_with(options).await.map(Self::Postgres)
            }
            Self::Sqlite(pool) => {
                let options = (*pool.connect_options()).clone();
                sqlite_pool().connect_with(options).await.map(Self::Sqlite)
            }
        }
        .map_err(failed("connecting again"))
    }
}

fn postgres_pool() -> PgPoolOptions {
    // One for the window, one for the lease meanwhile.
    PgPoolOptions::new().max_connections(2).acquire_timeout(CONNECT_TIMEOUT)
}

fn sqlite_pool() -> SqlitePoolOptions {
    // One: a second connection of ours could only wait for the first one's transaction.
    SqlitePoolOptions::new().max_connections(1).acquire_timeout(BUSY_TIMEOUT)
}

async fn open_postgres(url: &str) -> Result<Store, Error> {
    // The driver's error quotes parts of the URL, and so perhaps of the password.
    let options = PgConnectOptions::from_str(url).map_err(|_| {
        Error::Url("write postgres://user:password@host:5432/name, with % escapes".to_owned())
    })?;
    let options = options.application_name("onelogin-sync").disable_statement_logging();
    let target = format!(
        "{} at {}:{}",
        options.get_database().unwrap_or("(default)"),
        options.get_host(),
        options.get_port()
    );
    let pool = postgres_pool().connect_with(options).await;
    pool.map(Store::Postgres).map_err(|source| Error::Connect { target, source })
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
    let target = options.get_filename().display().to_string();
    let open = async {
        let pool = sqlite_pool().connect_with(options).await?;
        use_wal(&mut *pool.acquire().await?).await?;
        Ok(pool)
    };
    open.await.map(Store::Sqlite).map_err(|source| Error::Connect { target, source })
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
