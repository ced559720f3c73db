//! A database that does not answer.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use tokio::time::timeout;

use super::connect::Server;
use super::{Error, Store};

/// Delay after which a statement without an answer gets a line in the log: it waits for a lock, or is slow.
const NOTED_AFTER: Duration = Duration::from_secs(5);

/// The time of the last answer of a server, on any connection of this process.
#[derive(Debug)]
pub(super) struct LastAnswer(Mutex<Instant>);

impl LastAnswer {
    pub(super) fn now() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn age(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}

fn note_long(doing: &str) {
    tracing::info!("{doing} takes long: it waits for a lock, or the database is slow");
}

impl Store {
    /// Waits for statements without a limit; the log shows that they take long.
    pub(super) async fn noted<T>(
        doing: &'static str,
        statements: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let mut statements = Box::pin(statements);
        if let Ok(answer) = timeout(NOTED_AFTER, &mut statements).await {
            return answer;
        }
        note_long(doing);
        statements.await
    }

    /// Waits for statements, for as long as the server answers anything at all: a statement may wait for a
    /// lock or be slow, which limits of its own end. SQLite has no server, and its file's lock has a limit.
    ///
    /// # Errors
    /// [`Error::Hangs`] if neither they nor a new connection got an answer for `--database-timeout`.
    pub(crate) fn answered<T>(
        &self,
        doing: &'static str,
        statements: impl Future<Output = Result<T, Error>>,
    ) -> impl Future<Output = Result<T, Error>> {
        // Statements are large futures, and this one is part of many others.
        let mut statements = Box::pin(statements);
        async move {
            let noted_after = match self {
                Self::Sqlite(_) => NOTED_AFTER,
                Self::Postgres(server) => NOTED_AFTER.min(server.timeout / 2),
            };
            let answer = if let Ok(answer) = timeout(noted_after, &mut statements).await {
                answer
            } else {
                note_long(doing);
                match self {
                    Self::Sqlite(_) => statements.await,
                    Self::Postgres(server) => server.answered(doing, statements).await,
                }
            };
            if let Self::Postgres(server) = self {
                server.last_answer.note();
            }
            answer
        }
    }
}

impl Server {
    async fn answered<T>(
        &self,
        doing: &'static str,
        mut statements: Pin<Box<impl Future<Output = Result<T, Error>>>>,
    ) -> Result<T, Error> {
        let half = self.timeout / 2;
        loop {
            if let Ok(answer) = timeout(half, &mut statements).await {
                return answer;
            }
            let is_alive = self.last_answer.age() < half
                || answers(&self.pool.connect_options(), half).await
                || self.last_answer.age() < half;
            if !is_alive {
                return Err(Error::Hangs { doing, timeout: self.timeout });
            }
        }
    }
}

/// Requests any answer of the server, on a connection of its own. A refusal is one.
async fn answers(options: &PgConnectOptions, within: Duration) -> bool {
    let request = async {
        let mut connection = PgConnection::connect_with(options).await?;
        connection.ping().await?;
        connection.close().await
    };
    match timeout(within, request).await {
        Ok(Ok(()) | Err(sqlx::Error::Database(_))) => true,
        Ok(Err(_)) | Err(_) => false,
    }
}
