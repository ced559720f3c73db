//! The class of each stored error, by the rules of the program that runs.

use super::bulk::{Columns, Row, Statement};
use super::tx::Tx;
use super::{Error, Store, failed, on_either};
use crate::error_rules::{ErrorRules, Verdict};

const UPDATE: Statement = Statement::new(include_str!("sql/error_classes_update.sql"));

const DOING: &str = "giving errors their classes";

/// A stored error: its fingerprint and its normalised text.
type ErrorText = (String, String);

/// The class of an error as it is stored.
struct Classified<'a> {
    account: &'a str,
    fingerprint: &'a str,
    verdict: Verdict<'a>,
    version: &'a str,
}

impl Row for Classified<'_> {
    fn write(&self, columns: &mut impl Columns) {
        let Self { account, fingerprint, verdict, version } = self;
        columns.text(Some(account));
        columns.text(Some(fingerprint));
        columns.text(Some(verdict.class.as_str()));
        columns.text(Some(verdict.retryable.as_str()));
        columns.text(Some(verdict.action));
        columns.text(Some(version));
    }
}

impl Store {
    /// Classifies the errors of an account that no rule, or another version of the rules, has classified.
    /// Returns their number.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn classify_errors(
        &self,
        account: &str,
        rules: &ErrorRules,
    ) -> Result<u64, Error> {
        let due = self.read(DOING, async |tx| tx.errors_due(account, rules).await).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let written = async {
            let mut tx = Tx::begin(self).await?;
            let classified = tx.classify_errors(account, rules).await?;
            tx.commit().await.map_err(failed(DOING))?;
            Ok(classified)
        };
        self.answered(DOING, written).await
    }
}

impl Tx {
    /// The same as [`Store::classify_errors`], within a transaction.
    pub(super) async fn classify_errors(
        &mut self,
        account: &str,
        rules: &ErrorRules,
    ) -> Result<u64, Error> {
        let mut classified = 0;
        loop {
            let due = self.errors_due(account, rules).await.map_err(failed(DOING))?;
            if due.is_empty() {
                return Ok(classified);
            }
            self.lock_account(account).await?;
            let texts: Vec<&str> = due.iter().map(|(_, text)| text.as_str()).collect();
            let due: Vec<_> = due.iter().zip(rules.classify(&texts)).collect();
            let written = self.execute_rows(UPDATE, &due, |((fingerprint, _), verdict)| {
                Classified { account, fingerprint, verdict: *verdict, version: rules.version() }
            });
            classified += written.await.map_err(failed(DOING))?;
        }
    }

    async fn errors_due(
        &mut self,
        account: &str,
        rules: &ErrorRules,
    ) -> Result<Vec<ErrorText>, sqlx::Error> {
        let version = rules.version();
        on_either!(Tx, self, tx => sqlx::query_as(include_str!("sql/error_classes_due.sql"))
            .bind(account)
            .bind(version)
            .fetch_all(&mut **tx)
            .await)
    }
}
