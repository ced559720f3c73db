//! Building twins, cases, texts and days again from all failures and successes: first user by user, then the
//! counts day by day.
//!
//! A step is a transaction of some seconds, and notes up to which user or day everything is built. Windows
//! bring those users and days up to date and leave the others to the next step.

mod division;

use std::time::{Duration, Instant};

use chrono::NaiveDate;
use uuid::Uuid;

use self::division::Division;
use super::event::Attempt;
use super::pass::{Known, Users};
use crate::store::bulk::Shared;
use crate::store::tx::Tx;
use crate::store::{Error, Store, failed, on_either};

/// Time after which a step ends: other runs of the account wait for it, and other programs for an SQLite file.
const STEP: Duration = Duration::from_millis(2_500);
/// Time that a step took if the next one has to be smaller: it should take less than 5 s.
const LONG_STEP: Duration = Duration::from_secs(4);
/// Events of the users that are read at once.
const EVENTS: i64 = 50_000;
/// Parts of that size in the first step. Postgres reads and sorts all of them at once.
const FIRST_PARTS: usize = 4;

const DOING: &str = "building cases and counts again";

/// The part of an account whose twins, cases, texts and days are complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Built {
    All,
    /// The records without a user, and those of users up to this one; no day.
    Users(i64),
    /// All users, and the days up to this one, if any.
    Days(Option<NaiveDate>),
    Nothing,
}

impl Built {
    pub(super) fn includes(self, user_id: Option<i64>) -> bool {
        match self {
            Self::All | Self::Days(_) => true,
            Self::Users(last) => user_id.is_none_or(|user_id| user_id <= last),
            Self::Nothing => false,
        }
    }

    /// Twins count for nothing, and the rebuild finds those that it has not come to.
    pub(super) fn counts(self, attempt: &Attempt) -> bool {
        attempt.twin_of.is_none() && self.includes(attempt.user_id)
    }

    pub(super) fn includes_day(self, day: NaiveDate) -> bool {
        match self {
            Self::All => true,
            Self::Days(last) => last.is_some_and(|last| day <= last),
            Self::Users(_) | Self::Nothing => false,
        }
    }
}

/// The next thing to build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The fingerprints of failures that an earlier version wrote.
    Fingerprints,
    /// Twins, cases and texts, user by user.
    Users,
    /// The counts of each day.
    Days,
}

impl Step {
    fn as_str(self) -> &'static str {
        match self {
            Self::Fingerprints => "fingerprints",
            Self::Users => "users",
            Self::Days => "days",
        }
    }
}

/// Progress of a rebuild within this process.
#[derive(Debug)]
struct Progress {
    /// The last failure whose fingerprint was filled.
    filled: Uuid,
    /// Read once, because it takes a scan of all records.
    division: Option<Division>,
    /// Parts of the next step.
    most_parts: usize,
    /// The last user of the last step, if no later user had a stored case: windows leave those alone.
    no_cases_after: Option<i64>,
}

impl Store {
    /// Checks whether an earlier version left failures without a fingerprint.
    pub(crate) async fn lacks_fingerprints(&self, account: &str) -> Result<bool, Error> {
        let (_, step) = self.read(DOING, async |tx| tx.built(account).await).await?;
        Ok(step == Some(Step::Fingerprints))
    }

    /// The names of all accounts.
    pub(crate) async fn accounts(&self) -> Result<Vec<String>, Error> {
        self.read("reading the accounts", async |tx| {
            on_either!(Tx, tx, tx =>
                sqlx::query_scalar(include_str!("sql/accounts.sql")).fetch_all(&mut **tx).await)
        })
        .await
    }

    /// Notes that an account must be built again.
    pub(crate) async fn begin_rebuild(&self, account: &str) -> Result<(), Error> {
        let mut tx = Tx::begin(self).await?;
        tx.lock_account(account).await?;
        let noted = async {
            tx.note_rebuild(account).await?;
            tx.move_rebuild(account, Some(Step::Fingerprints), None).await?;
            tx.commit().await
        };
        noted.await.map_err(failed("noting a rebuild"))
    }

    /// Builds what is to be built again, in steps; a later call continues where one was cut. Returns whether
    /// there was anything to do.
    ///
    /// # Errors
    /// [`Error::Failed`], [`Error::AccountLocked`]: the steps before it are complete.
    pub(crate) async fn rebuild(&self, account: &str) -> Result<bool, Error> {
        let (began, mut steps) = (Instant::now(), 0);
        let mut progress = Progress {
            filled: Uuid::nil(),
            division: None,
            most_parts: FIRST_PARTS,
            no_cases_after: None,
        };
        while self.answered(DOING, self.step(account, &mut progress)).await? {
            steps += 1;
        }
        if steps > 0 {
            let seconds = began.elapsed().as_secs_f64();
            tracing::info!(steps, seconds, "cases and counts built again");
        }
        Ok(steps > 0)
    }

    /// One step, in a transaction. Returns whether there was one.
    async fn step(&self, account: &str, progress: &mut Progress) -> Result<bool, Error> {
        let state = self.read(DOING, async |tx| tx.built(account).await).await?;
        if state.1.is_none() {
            return Ok(false);
        }
        if state.1 == Some(Step::Days) {
            // Where the first cases were built without them.
            self.make_indexes().await?;
        }
        if state.1 == Some(Step::Users) && progress.division.is_none() {
            // Not in the step, because nobody has to wait for it.
            self.begin_cases().await?;
            let divide = async |tx: &mut Tx| tx.division(account).await;
            progress.division = Some(self.read_sorted(DOING, divide).await?);
        }
        let began = Instant::now();
        let mut tx = match state.1 {
            Some(Step::Users) => Tx::begin_sorting(self).await?,
            Some(Step::Fingerprints) => Tx::begin_in_order(self).await?,
            Some(Step::Days) | None => Tx::begin_grouping(self).await?,
        };
        tx.lock_account(account).await?;
        let worked = async {
            let more = tx.build(account, progress, began).await?;
            tx.commit().await?;
            Ok(more)
        };
        let more = worked.await.map_err(failed(DOING))?;
        tracing::debug!(ms = began.elapsed().as_millis(), "step of a rebuild");
        Ok(more)
    }
}

impl Tx {
    /// Reads what is built of an account, and what is to be built next.
    pub(super) async fn built(
        &mut self,
        account: &str,
    ) -> Result<(Built, Option<Step>), sqlx::Error> {
        let state = include_str!("sql/rebuild_state.sql");
        let state: Option<(Option<String>, Option<i64>)> = on_either!(Tx, self, tx =>
            sqlx::query_as(state)
                .bind(account)
                .fetch_optional(&mut **tx)
                .await)?;
        Ok(match state.as_ref().map(|(step, through)| (step.as_deref(), through)) {
            None | Some((None, _)) => (Built::All, None),
            Some((Some("fingerprints"), _)) => (Built::Nothing, Some(Step::Fingerprints)),
            Some((Some("days"), last)) => {
                let last = last.and_then(|last| NaiveDate::from_epoch_days(last.try_into().ok()?));
                (Built::Days(last), Some(Step::Days))
            }
            Some((Some(_), None)) => (Built::Nothing, Some(Step::Users)),
            Some((Some(_), Some(through))) => (Built::Users(*through), Some(Step::Users)),
        })
    }

    /// Notes that an account must be built again.
    pub(in crate::store) async fn note_rebuild(
        &mut self,
        account: &str,
    ) -> Result<(), sqlx::Error> {
        on_either!(Tx, self, tx => sqlx::query(include_str!("sql/rebuild_note.sql"))
            .bind(account)
            .execute(&mut **tx)
            .await
            .map(drop))?;
        self.show_rebuild(account, true).await
    }

    async fn show_rebuild(&mut self, account: &str, is_due: bool) -> Result<(), sqlx::Error> {
        on_either!(Tx, self, tx => sqlx::query(include_str!("sql/rebuild_show.sql"))
            .bind(account)
            .bind(is_due)
            .execute(&mut **tx)
            .await
            .map(drop))
    }

    async fn move_rebuild(
        &mut self,
        account: &str,
        step: Option<Step>,
        through: Option<i64>,
    ) -> Result<(), sqlx::Error> {
        on_either!(Tx, self, tx => sqlx::query(include_str!("sql/rebuild_move.sql"))
            .bind(account)
            .bind(step.map(Step::as_str))
            .bind(through)
            .execute(&mut **tx)
            .await
            .map(drop))
    }

    /// Builds some of what is left. Returns whether there was anything.
    async fn build(
        &mut self,
        account: &str,
        progress: &mut Progress,
        began: Instant,
    ) -> Result<bool, sqlx::Error> {
        let stamp = &Shared::text(account);
        // Another process may have built meanwhile.
        match self.built(account).await? {
            (_, None) => return Ok(false),
            (_, Some(Step::Fingerprints)) => {
                while let Some(last) =
                    self.fill_fingerprints((stamp, account), progress.filled).await?
                {
                    progress.filled = last;
                    if began.elapsed() > STEP {
                        return Ok(true);
                    }
                }
                self.move_rebuild(account, Some(Step::Users), None).await?;
            }
            (Built::Days(through), _) => self.build_some_days(account, through, began).await?,
            // The next step divides it.
            (_, Some(Step::Users)) if progress.division.is_none() => {}
            (Built::Users(through), _) => {
                self.build_some_users((stamp, account), through, progress, began).await?;
            }
            (Built::Nothing | Built::All, _) => {
                self.forget_texts(account).await?;
                let has_several_sources = self.has_several_sources(account, progress).await?;
                let known = Known { has_several_sources, has_cases: false };
                self.build_users((stamp, account), Users::Nobody, known).await?;
                self.move_rebuild(account, Some(Step::Users), Some(i64::MIN)).await?;
            }
        }
        Ok(true)
    }

    /// Builds the cases and texts of some users, until the step is over.
    async fn build_some_users(
        &mut self,
        (stamp, account): (&Shared<()>, &str),
        through: i64,
        progress: &mut Progress,
        began: Instant,
    ) -> Result<(), sqlx::Error> {
        let parts = progress.division.as_ref().map(|division| division.parts.as_slice());
        let parts = parts.unwrap_or_default().iter().copied();
        let ends: Vec<i64> = parts.filter(|&end| end > through).collect();
        let has_several_sources = self.has_several_sources(account, progress).await?;
        // If another process has gone on with the rebuild, or has begun another one, it moved that end.
        let is_known = progress.no_cases_after == Some(through);
        let has_cases = !is_known && self.has_cases_after(account, through).await?;
        let known = Known { has_several_sources, has_cases };
        let mut built = through;
        match self {
            // One scan and one sort for all of them.
            Self::Postgres(_) => {
                let end = ends.get(progress.most_parts - 1).copied().unwrap_or(i64::MAX);
                self.build_users((stamp, account), Users::Between(built, end), known).await?;
                built = end;
            }
            Self::Sqlite(_) => {
                for end in ends.into_iter().chain([i64::MAX]) {
                    self.build_users((stamp, account), Users::Between(built, end), known).await?;
                    built = end;
                    if began.elapsed() > STEP {
                        break;
                    }
                }
            }
        }
        progress.no_cases_after = (!has_cases).then_some(built);
        if began.elapsed() > LONG_STEP {
            progress.most_parts = (progress.most_parts / 2).max(1);
        }
        if built == i64::MAX {
            self.move_rebuild(account, Some(Step::Days), None).await
        } else {
            self.move_rebuild(account, Some(Step::Users), Some(built)).await
        }
    }

    /// Checks whether failures of several sources may be stored. Another one may have been read since the rebuild
    /// began.
    async fn has_several_sources(
        &mut self,
        account: &str,
        progress: &Progress,
    ) -> Result<bool, sqlx::Error> {
        let (first, last) = self.sources_read(account).await?;
        let had = progress.division.as_ref().is_some_and(|division| division.had_several_sources);
        Ok(had || first != last)
    }

    /// Counts some days again, until the step is over.
    async fn build_some_days(
        &mut self,
        account: &str,
        mut through: Option<NaiveDate>,
        began: Instant,
    ) -> Result<(), sqlx::Error> {
        while began.elapsed() < STEP {
            through = self.build_next_day(account, through).await?;
            if through.is_none() {
                return self.end_rebuild(account).await;
            }
        }
        let through = through.map(|day| day.to_epoch_days().into());
        self.move_rebuild(account, Some(Step::Days), through).await
    }

    /// Notes that no failure of an error is counted yet.
    async fn forget_texts(&mut self, account: &str) -> Result<(), sqlx::Error> {
        on_either!(Tx, self, tx => sqlx::query(include_str!("sql/texts_reset.sql"))
            .bind(account)
            .execute(&mut **tx)
            .await
            .map(drop))
    }

    async fn end_rebuild(&mut self, account: &str) -> Result<(), sqlx::Error> {
        on_either!(Tx, self, tx => sqlx::query(include_str!("sql/texts_delete_empty.sql"))
            .bind(account)
            .execute(&mut **tx)
            .await
            .map(drop))?;
        self.move_rebuild(account, None, None).await?;
        self.show_rebuild(account, false).await
    }
}
