//! The parts of an account that are built at once.

use super::EVENTS;
use crate::store::on_either;
use crate::store::tx::Tx;

/// An account when its rebuild began.
#[derive(Debug)]
pub(super) struct Division {
    /// The last users of parts of about [`EVENTS`], ascending.
    pub(super) parts: Vec<i64>,
    /// Failures of several sources were stored.
    pub(super) had_several_sources: bool,
}

impl Tx {
    /// Divides the users of an account, and finds whether failures of several sources are stored.
    pub(super) async fn division(&mut self, account: &str) -> Result<Division, sqlx::Error> {
        let users: Vec<(i64, i64)> = on_either!(Tx, self, tx => sqlx::query_as(include_str!("../sql/users_events.sql"))
                .bind(account)
                .persistent(false)
                .fetch_all(&mut **tx)
                .await)?;
        let (mut parts, mut events) = (Vec::new(), 0);
        for (user_id, number) in users {
            events += number;
            if events >= EVENTS {
                parts.push(user_id);
                events = 0;
            }
        }
        let sources = include_str!("../sql/failures_sources.sql");
        let (first, last): (Option<String>, Option<String>) = on_either!(Tx, self, tx =>
            sqlx::query_as(sources)
                .bind(account)
                .persistent(false)
                .fetch_one(&mut **tx)
                .await)?;
        Ok(Division { parts, had_several_sources: first != last })
    }
}
