//! Cases that were built again in the place of those that are stored.

use std::collections::HashMap;
use std::future::poll_fn;

use uuid::Uuid;

use super::rows::{CaseKey, CaseRow, StampedCase, case};
use super::{DELETE, UPSERT};
use crate::store::bulk::Shared;
use crate::store::facts::case::Case;
use crate::store::facts::event::Interned;
use crate::store::on_either;
use crate::store::tx::Tx;

/// The stored cases that differ from those that were built.
#[derive(Debug, Default)]
struct Difference<'b> {
    /// Built, and not stored like that.
    left: HashMap<Uuid, &'b Case>,
    /// Stored, and not built.
    stale: Vec<Uuid>,
}

impl Difference<'_> {
    fn compare(&mut self, stored: &Case) {
        match self.left.get(&stored.case_id) {
            None => self.stale.push(stored.case_id),
            Some(&built) if built == stored => {
                self.left.remove(&stored.case_id);
            }
            Some(_) => {}
        }
    }
}

impl Tx {
    /// Checks whether a user after this one has a stored case.
    pub(in crate::store::facts) async fn has_cases_after(
        &mut self,
        account: &str,
        user_id: i64,
    ) -> Result<bool, sqlx::Error> {
        on_either!(Tx, self, tx => sqlx::query_scalar(include_str!("../sql/has_cases_after.sql"))
            .bind(account)
            .bind(user_id)
            .fetch_one(&mut **tx)
            .await)
    }

    /// Stores all cases of the users after one and up to another. Those that are stored already are not written:
    /// mostly few have changed.
    pub(in crate::store::facts) async fn replace_cases(
        &mut self,
        (stamp, account): (&Shared<()>, &str),
        (after_user, last_user): (i64, i64),
        built: &[Case],
        texts: &mut Interned,
    ) -> Result<(), sqlx::Error> {
        let left = built.iter().map(|case| (case.case_id, case)).collect();
        let mut difference = Difference { left, stale: Vec::new() };
        on_either!(Tx, self, tx => {
            let query = sqlx::query_as(include_str!("../sql/cases_of_users.sql"));
            let query = query.bind(account).bind(after_user).bind(last_user).persistent(false);
            let mut rows = query.fetch(&mut **tx);
            while let Some(row) = poll_fn(|context| rows.as_mut().poll_next(context)).await {
                let row: CaseRow = row?;
                difference.compare(&case(&row, texts));
            }
        });
        let Difference { left, stale } = difference;
        self.execute_rows(DELETE, &stale, |&id| CaseKey(stamp, id)).await?;
        // In the order of time, so that each page of an index takes many of them at once.
        let mut written: Vec<&Case> = left.into_values().collect();
        written.sort_unstable_by_key(|case| case.case_id);
        self.execute_rows(UPSERT, &written, |case| StampedCase(stamp, case)).await.map(drop)
    }
}
