//! Transactions: the only way in which a statement reaches a database.

use chrono::{DateTime, SubsecRound, Utc};
use sqlx::{AssertSqlSafe, Postgres, Sqlite, Transaction};

use super::connect::{self, Server};
use super::postgres_tx::PostgresTx;
use super::{Error, Store, failed, on_either};

/// The time itself; `now()` is that of the transaction's begin.
const NOW: &str = "select clock_timestamp()";

/// The limits of a transaction in Postgres.
macro_rules! limits {
    () => {
        "; set local lock_timeout = '60s'; \
        set local idle_in_transaction_session_timeout = '60s'; \
        set local statement_timeout = '10min'; \
        set local tcp_keepalives_idle = 20; \
        set local tcp_keepalives_interval = 10; \
        set local tcp_keepalives_count = 4"
    };
}

/// The plans of statements that look up rows by their keys in Postgres.
macro_rules! by_key {
    () => {
        "set local enable_indexscan = on; set local enable_hashjoin = off; set local enable_mergejoin = off"
    };
}

/// Begins a transaction in Postgres that ends by itself if this process freezes or its host is lost, so
/// that the next run can go on. The limits are about a lease long, and local to the transaction: a pooler
/// lends the connection to others. A `copy` that waits for this process is ended by the next
/// run (`abandoned.rs`); the limit of a statement has room for the longest one.
/// A database may have another isolation as its default, under which a run that waited for another would fail.
const BEGIN_POSTGRES: &str = concat!("begin isolation level read committed", limits!());

/// Begins a transaction in Postgres whose statements all see the same rows.
/// What they read is bounded, and the compilation of such statements (JIT) takes longer than it saves.
pub(super) const BEGIN_SNAPSHOT_POSTGRES: &str =
    concat!("begin isolation level repeatable read, read only", limits!(), "; set local jit = off");

/// Begins a transaction in SQLite that may write. The write lock comes first: a transaction that has read
/// before could be refused it.
///
/// What SQLite keeps to roll back one statement is two megabytes at most; in files it had written 1.7 GB of
/// that for the users of a first load of 250 MB. Not for the whole connection: what a migration sorts would
/// be in memory, too.
const BEGIN_SQLITE: &str = "pragma temp_store = memory; begin immediate";

/// The same for a transaction that takes rows from an index, some at a time: without statistics, Postgres would
/// read and sort all that are left each time.
const BEGIN_IN_ORDER_POSTGRES: &str =
    concat!("begin isolation level read committed", limits!(), "; set local enable_sort = off");

/// The same for a transaction whose statements look up rows by their keys, up to a thousand at a time: Postgres would
/// read and hash all of a table of 50,000 users, which takes ten times as long.
const BEGIN_BY_KEY_POSTGRES: &str =
    concat!("begin isolation level read committed", limits!(), "; ", by_key!());
const BY_KEY_POSTGRES: &str = by_key!();

/// The same for a transaction that reads and sorts many rows: Postgres plans to read all of them, in the order
/// of the table's pages rather than in that of an index, and SQLite sorts in files.
const BEGIN_SORTING_POSTGRES: &str = concat!(
    "begin isolation level read committed",
    limits!(),
    "; set local cursor_tuple_fraction = 1; set local enable_indexscan = off; set local jit = off"
);
const BEGIN_SORTING_SQLITE: &str = "pragma temp_store = file; begin immediate";
const BEGIN_READING_SORTED_SQLITE: &str = "pragma temp_store = file; begin";

/// The same for migrations, which wait and work for as long as it takes: a large table takes long, and other programs
/// may hold its lock for long.
const BEGIN_MIGRATING_POSTGRES: &str = concat!(
    "begin isolation level read committed",
    limits!(),
    "; set local lock_timeout = 0; set local statement_timeout = 0"
);

const BEGINNING: &str = "beginning a transaction";

/// An open transaction.
pub(super) enum Tx {
    Postgres(Box<PostgresTx>),
    Sqlite(Transaction<'static, Sqlite>),
}

impl Store {
    /// Runs statements that only read, in a transaction of their own.
    pub(super) fn read<T>(
        &self,
        doing: &'static str,
        work: impl AsyncFnOnce(&mut Tx) -> Result<T, sqlx::Error>,
    ) -> impl Future<Output = Result<T, Error>> {
        self.in_tx(doing, BEGIN_POSTGRES, "begin", work)
    }

    /// The same for statements that read and sort many rows.
    pub(super) fn read_sorted<T>(
        &self,
        doing: &'static str,
        work: impl AsyncFnOnce(&mut Tx) -> Result<T, sqlx::Error>,
    ) -> impl Future<Output = Result<T, Error>> {
        self.in_tx(doing, BEGIN_SORTING_POSTGRES, BEGIN_READING_SORTED_SQLITE, work)
    }

    /// Runs statements in a transaction of their own, and commits them.
    pub(super) fn write<T>(
        &self,
        doing: &'static str,
        work: impl AsyncFnOnce(&mut Tx) -> Result<T, sqlx::Error>,
    ) -> impl Future<Output = Result<T, Error>> {
        self.in_tx(doing, BEGIN_POSTGRES, BEGIN_SQLITE, work)
    }

    fn in_tx<T>(
        &self,
        doing: &'static str,
        begin_postgres: &'static str,
        begin_sqlite: &'static str,
        work: impl AsyncFnOnce(&mut Tx) -> Result<T, sqlx::Error>,
    ) -> impl Future<Output = Result<T, Error>> {
        let statements = async move {
            let mut tx = Tx::begin_with(self, begin_postgres, begin_sqlite).await?;
            match work(&mut tx).await {
                Ok(result) => {
                    tx.commit().await.map_err(failed(doing))?;
                    Ok(result)
                }
                Err(error) => {
                    // The first error counts. Without this, the connection is not free at once.
                    let _ = tx.rollback().await;
                    Err(failed(doing)(error))
                }
            }
        };
        self.answered(doing, statements)
    }
}

impl Server {
    async fn begin(&self, sql: &'static str) -> Result<Transaction<'static, Postgres>, Error> {
        match self.pool.begin_with(AssertSqlSafe(sql)).await {
            Err(sqlx::Error::PoolTimedOut) => {
                match connect::reason(&self.pool.connect_options()).await {
                    sqlx::Error::PoolTimedOut => {
                        Err(Error::Hangs { doing: BEGINNING, timeout: self.timeout })
                    }
                    refusal => Err(failed(BEGINNING)(refusal)),
                }
            }
            begun => begun.map_err(failed(BEGINNING)),
        }
    }
}

impl Tx {
    pub(super) async fn begin(store: &Store) -> Result<Self, Error> {
        Self::begin_with(store, BEGIN_POSTGRES, BEGIN_SQLITE).await
    }

    /// Begins a transaction that looks up rows by their keys.
    pub(super) async fn begin_by_key(store: &Store) -> Result<Self, Error> {
        Self::begin_with(store, BEGIN_BY_KEY_POSTGRES, BEGIN_SQLITE).await
    }

    /// Begins a transaction that reads and sorts many rows.
    pub(super) async fn begin_sorting(store: &Store) -> Result<Self, Error> {
        Self::begin_with(store, BEGIN_SORTING_POSTGRES, BEGIN_SORTING_SQLITE).await
    }

    /// Begins a transaction that reads and groups the rows of a day, of which there may be many.
    pub(super) async fn begin_grouping(store: &Store) -> Result<Self, Error> {
        Self::begin_with(store, BEGIN_POSTGRES, BEGIN_SORTING_SQLITE).await
    }

    /// Begins a transaction that takes rows in the order of an index.
    pub(super) async fn begin_in_order(store: &Store) -> Result<Self, Error> {
        Self::begin_with(store, BEGIN_IN_ORDER_POSTGRES, BEGIN_SQLITE).await
    }

    /// Begins a transaction for migrations.
    pub(super) async fn begin_migrating(store: &Store) -> Result<Self, Error> {
        Self::begin_with(store, BEGIN_MIGRATING_POSTGRES, "begin immediate").await
    }

    pub(super) async fn begin_with(
        store: &Store,
        postgres: &'static str,
        sqlite: &'static str,
    ) -> Result<Self, Error> {
        match store {
            Store::Postgres(server) => {
                let names_statements = server.names_statements;
                let tx = server.begin(postgres).await?;
                Ok(Self::Postgres(Box::new(PostgresTx { tx, names_statements })))
            }
            Store::Sqlite(file) => {
                file.check()?;
                let begun = file.pool.begin_with(AssertSqlSafe(sqlite)).await;
                begun.map(Self::Sqlite).map_err(failed(BEGINNING))
            }
        }
    }

    /// Prepares a transaction that has sorted many rows to look up some by their keys.
    pub(super) async fn continue_by_key(&mut self) -> Result<(), sqlx::Error> {
        match self {
            Self::Postgres(session) => {
                sqlx::raw_sql(BY_KEY_POSTGRES).execute(&mut **session).await.map(drop)
            }
            Self::Sqlite(_) => Ok(()),
        }
    }

    /// Reads the time, to the millisecond, from the clock that all runs on this database share: the
    /// server's for Postgres, the machine's for a file. Leases depend on it.
    pub(super) async fn now(&mut self) -> Result<DateTime<Utc>, sqlx::Error> {
        let now = match self {
            Self::Postgres(tx) => sqlx::query_scalar(NOW).fetch_one(&mut **tx).await?,
            Self::Sqlite(_) => Utc::now(),
        };
        Ok(now.trunc_subsecs(3))
    }

    /// Locks the account's row until the commit, or makes it. Whoever writes what belongs to the account and
    /// not to one source of it takes this lock first. Never a row of `watermarks`: the
    /// renewal of a lease must not wait for it.
    pub(super) async fn lock_account(&mut self, account: &str) -> Result<(), Error> {
        on_either!(Tx, self, tx => sqlx::query(include_str!("sql/account_lock.sql"))
            .bind(account)
            .execute(&mut **tx)
            .await
            .map(drop))
        .map_err(|error| Error::of_account_lock(account, error))
    }

    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Postgres(session) => session.tx.commit().await,
            Self::Sqlite(tx) => tx.commit().await,
        }
    }

    pub(super) async fn rollback(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Postgres(session) => session.tx.rollback().await,
            Self::Sqlite(tx) => tx.rollback().await,
        }
    }
}
