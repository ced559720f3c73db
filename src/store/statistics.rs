//! Statistics for the planner of Postgres, which makes them by itself a minute after a load, or not at all.

use super::{Error, Store};

/// Only the owner may make them; the loader of `docs/roles.sql` may not, and gets none.
const IS_OWNER: &str = "select pg_has_role(c.relowner, 'usage')
    from pg_class c where c.oid = to_regclass('provisioning_failures')";

const DOING: &str = "making statistics";

impl Store {
    /// Makes statistics of tables of which many rows are new: without them a rebuild of a million failures took
    /// eight times as long.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(super) async fn analyze(&self, analyze: &'static str) -> Result<(), Error> {
        if matches!(self, Self::Sqlite(_)) {
            return Ok(());
        }
        self.write(DOING, async |tx| {
            let super::tx::Tx::Postgres(session) = tx else { return Ok(()) };
            let is_owner: Option<bool> =
                sqlx::query_scalar(IS_OWNER).fetch_optional(&mut **session).await?;
            if is_owner == Some(true) {
                sqlx::raw_sql(analyze).execute(&mut **session).await?;
            }
            Ok(())
        })
        .await
    }
}
