//! The successes of a window: like failures, but nobody's row depends on them.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::rows::{Stamp, Tx, among, around_rows};
use super::value::{Id, Json};
use super::{Error, failed, on_either};
use crate::model::Success;

/// The last of each id, without those that are stored just so.
pub(super) fn news(batch: Vec<Success>, stored: &HashMap<Uuid, i64>) -> Vec<Success> {
    let mut seen = HashSet::with_capacity(batch.len());
    let mut news: Vec<Success> = batch
        .into_iter()
        .rev()
        .filter(|success| seen.insert(success.success_id))
        .filter(|success| stored.get(&success.success_id) != Some(&success.content_hash))
        .collect();
    news.reverse();
    news
}

impl Tx {
    pub(super) async fn stored_successes(
        &mut self,
        ids: impl Iterator<Item = Uuid>,
    ) -> Result<HashMap<Uuid, i64>, Error> {
        let sql = include_str!("sql/successes_stored.sql");
        let rows: Vec<(Id, i64)> = on_either!(Tx, self, tx =>
            among(sql, None::<&str>, ids.map(Id))
                .build_query_as()
                .persistent(false)
                .fetch_all(&mut **tx)
                .await)
        .map_err(failed("looking up successes"))?;
        Ok(rows.into_iter().map(|(Id(id), content_hash)| (id, content_hash)).collect())
    }

    pub(super) async fn upsert_successes(
        &mut self,
        stamp: &Stamp,
        successes: &[Success],
    ) -> Result<(), Error> {
        let (before, after) = around_rows(include_str!("sql/successes_upsert.sql"));
        on_either!(Tx, self, tx => {
            let mut query = sqlx::QueryBuilder::new(before);
            query.push_values(successes, |mut row, s| {
                row.push_bind(Id(s.success_id))
                    .push_bind(&stamp.origin.account)
                    .push_bind(stamp.origin.source)
                    .push_bind(s.source_id)
                    .push_bind(s.user_id)
                    .push_bind(s.user_name.as_deref())
                    .push_bind(s.operation.as_str())
                    .push_bind(s.app_id)
                    .push_bind(s.app_name.as_deref())
                    .push_bind(s.event_type_id)
                    .push_bind(s.created_at)
                    .push_bind(&s.created_at_raw)
                    .push_bind(Json(&s.raw))
                    .push_bind(s.content_hash)
                    .push_bind(stamp.at)
                    .push_bind(stamp.at)
                    .push_bind(stamp.run_id);
            });
            query.push(after).build().persistent(false).execute(&mut **tx).await.map(drop)
        })
        .map_err(failed("writing successes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Operation;

    fn success(n: u128, content_hash: i64) -> Success {
        Success {
            success_id: Uuid::from_u128(n),
            source_id: None,
            user_id: None,
            user_name: None,
            operation: Operation::Create,
            app_id: None,
            app_name: None,
            event_type_id: 51,
            created_at: chrono::DateTime::UNIX_EPOCH,
            created_at_raw: String::new(),
            raw: String::new(),
            content_hash,
        }
    }

    #[test]
    fn the_last_of_each_is_news_unless_it_is_stored_just_so() {
        let stored = HashMap::from([(Uuid::from_u128(2), 20), (Uuid::from_u128(3), 30)]);
        let batch = vec![success(1, 10), success(2, 20), success(3, 31), success(1, 11)];
        assert_eq!(news(batch, &stored), [success(3, 31), success(1, 11)]);
    }
}
