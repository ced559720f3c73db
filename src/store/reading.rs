//! The state from which a run plans: the density of earlier windows, whether the last run ended, the progress
//! of re-reading, and the windows of the ledger.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::run::{Run, count};
use super::tx::Tx;
use super::value::{Id, Time};
use super::{Error, KnownServer, Lease, Store, failed, on_either};
use crate::model::Origin;
use crate::window::density::Density;
use crate::window::held::HeldWindow;
use crate::window::reread::{PerSpan, Span, Sweep, Unfinished};
use crate::window::{Memory, Window};

/// The calls of runs that began within this time count against the share of re-reading: a minute less than
/// an hour, so that an hourly run is not held back by the one before it.
const COUNTED: TimeDelta = TimeDelta::minutes(59);
/// Time for which a failed run is remembered.
const FAILED_WITHIN: TimeDelta = TimeDelta::weeks(1);
/// Windows of a span were committed after its beginning, but perhaps under another clock.
const OTHER_CLOCKS: TimeDelta = TimeDelta::days(1);

/// The state that earlier runs leave for the planning of this one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Remembered {
    pub memory: Memory,
    pub server: KnownServer,
    /// A run of the last week did not read all that was new.
    pub has_failed: bool,
    /// The beginning of the first span that was ever read; `None` before that.
    pub first_from: Option<DateTime<Utc>>,
    /// Hours since the last run that made a request began; `None` if there was none.
    pub hours: Option<f64>,
    /// Re-reading of each span; `None` before everything was read for the first time.
    pub sweeps: PerSpan<Option<Sweep>>,
    /// Pages that re-reading took in the last hour.
    pub spent: PerSpan<f64>,
}

/// The state of re-reading a span, for people.
#[derive(Debug, Clone)]
pub(crate) struct RereadState {
    pub account: String,
    pub source: String,
    /// `hour`, `day` or `week`.
    pub span: String,
    /// As of when it was last read to its end.
    pub read_at: DateTime<Utc>,
    /// The part of it that was read then.
    pub part_read: f64,
    /// True if late successes cannot be found.
    pub is_failures_only: bool,
    /// The part that an unfinished re-reading has left.
    pub left: Option<Window>,
}

/// The columns of `rereads_all.sql`, in its order.
type StateRow = (
    String,
    String,
    String,
    DateTime<Utc>,
    f64,
    bool,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
);

/// A window that re-read a span.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RereadWindow {
    pub span: Span,
    pub failures_only: bool,
    pub pages: u64,
}

/// The part of a window that serves to plan later ones.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Learned {
    /// The density of windows, if this one was read for the first time.
    pub density: Option<Density>,
    /// The span, if it was re-read.
    pub reread: Option<RereadWindow>,
}

/// The columns of `plan_of.sql`, in its order.
type PlanRow = (Option<f64>, Option<f64>, Option<f64>, Option<i64>, Option<DateTime<Utc>>);

/// The columns of `rereads_of.sql`, in its order.
type SweepRow = (
    String,
    DateTime<Utc>,
    f64,
    bool,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
    i64,
    Option<i64>,
);

/// The columns of `windows_since.sql`, in its order.
type HeldRow = (DateTime<Utc>, DateTime<Utc>, i64, i64, bool);

impl Tx {
    /// Reads what earlier runs left. The plan is halved after one that did not end, and the calls that it
    /// had reserved are returned: the caller holds the lease, so it is not alive.
    pub(super) async fn remember(
        &mut self,
        run: &Run,
        now: DateTime<Utc>,
    ) -> Result<Remembered, sqlx::Error> {
        let Origin { account, source } = &run.origin;
        let (row, before, has_failed, first_from, sweeps, spent) = on_either!(Tx, self, tx => {
            let row: Option<PlanRow> = sqlx::query_as(include_str!("sql/plan_of.sql"))
                .bind(account)
                .bind(source.as_str())
                .fetch_optional(&mut **tx)
                .await?;
            let before: Option<(String, DateTime<Utc>)> =
                sqlx::query_as(include_str!("sql/run_before.sql"))
                    .bind(account)
                    .bind(source.as_str())
                    .bind(Id(run.run_id))
                    .fetch_optional(&mut **tx)
                    .await?;
            let has_failed: bool = sqlx::query_scalar(include_str!("sql/runs_failed.sql"))
                .bind(account)
                .bind(source.as_str())
                .bind(Time(now - FAILED_WITHIN))
                .fetch_one(&mut **tx)
                .await?;
            let first_from: Option<DateTime<Utc>> =
                sqlx::query_scalar(include_str!("sql/read_since.sql"))
                    .bind(account)
                    .bind(source.as_str())
                    .fetch_optional(&mut **tx)
                    .await?;
            let sweeps: Vec<SweepRow> = sqlx::query_as(include_str!("sql/rereads_of.sql"))
                .bind(account)
                .bind(source.as_str())
                .fetch_all(&mut **tx)
                .await?;
            let spent: Vec<(String, i64)> = sqlx::query_as(include_str!("sql/rereads_spent.sql"))
                .bind(account)
                .bind(source.as_str())
                .bind(Time(now - COUNTED))
                .fetch_all(&mut **tx)
                .await?;
            (row, before, has_failed, first_from, sweeps, spent)
        });
        let server = self.known_server(&run.origin).await?;
        let (last, densest, part, reserved, minute) = row.unwrap_or_default();
        let has_ended = before.as_ref().is_none_or(|(status, _)| status != "interrupted");
        let new_part = Memory::part_after(part.unwrap_or(1.0), has_ended);
        let reserved = reserved.unwrap_or_default();
        if part != Some(new_part) || reserved != 0 {
            self.begin_plan(&run.origin, new_part, minute.zip(Some(reserved))).await?;
        }
        let density = last.map(|last| Density { last, densest: densest.unwrap_or_default() });
        let mut remembered = Remembered {
            memory: Memory { density, part: new_part },
            server,
            has_failed,
            first_from,
            hours: before.map(|(_, began)| (now - began).as_seconds_f64() / 3_600.0),
            ..Remembered::default()
        };
        for row in sweeps {
            if let Some(span) = Span::of(&row.0) {
                *remembered.sweeps.get_mut(span) = Some(sweep(&row));
            }
        }
        for (span, pages) in spent {
            if let Some(span) = Span::of(&span) {
                #[expect(clippy::cast_precision_loss, reason = "pages of an hour")]
                let pages = pages as f64;
                *remembered.spent.get_mut(span) = pages;
            }
        }
        Ok(remembered)
    }

    /// Records the part of the usual size for which windows are planned now, and returns calls that were reserved in
    /// a minute.
    async fn begin_plan(
        &mut self,
        Origin { account, source }: &Origin,
        part: f64,
        reserved: Option<(DateTime<Utc>, i64)>,
    ) -> Result<(), sqlx::Error> {
        on_either!(Tx, self, tx => {
            if let Some((minute, calls)) = reserved {
                sqlx::query(include_str!("sql/calls_return.sql"))
                    .bind(account)
                    .bind(Time(minute))
                    .bind(count(calls.unsigned_abs()))
                    .execute(&mut **tx)
                    .await?;
            }
            sqlx::query(include_str!("sql/plan_begin.sql"))
                .bind(account)
                .bind(source.as_str())
                .bind(part)
                .execute(&mut **tx)
                .await
                .map(drop)
        })
    }

    /// Records how dense windows are.
    pub(super) async fn learn(&mut self, lease: &Lease, density: Density) -> Result<(), Error> {
        let Origin { account, source } = &lease.origin;
        on_either!(Tx, self, tx => sqlx::query(include_str!("sql/plan_learn.sql"))
            .bind(account)
            .bind(source.as_str())
            .bind(density.densest)
            .execute(&mut **tx)
            .await
            .map(drop))
        .map_err(failed("recording the density of a window"))?;
        on_either!(Tx, self, tx => sqlx::query(include_str!("sql/watermark_density.sql"))
            .bind(account)
            .bind(source.as_str())
            .bind(lease.token)
            .bind(density.last)
            .execute(&mut **tx)
            .await
            .map(drop))
        .map_err(failed("recording the density of a window"))
    }

    /// Records that a window of the ledger re-read a span.
    pub(super) async fn record_reread(
        &mut self,
        account: &str,
        window_id: Uuid,
        reread: RereadWindow,
    ) -> Result<(), Error> {
        on_either!(Tx, self, tx => sqlx::query(include_str!("sql/reread_window.sql"))
            .bind(account)
            .bind(Id(window_id))
            .bind(reread.span.as_str())
            .bind(reread.failures_only)
            .bind(count(reread.pages))
            .execute(&mut **tx)
            .await
            .map(drop))
        .map_err(failed("recording what was re-read"))
    }
}

impl Store {
    /// Records how dense windows are, after one that was read in vain.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn learn(&self, lease: &Lease, density: Density) -> Result<(), Error> {
        let mut tx = Tx::begin(self).await?;
        tx.learn(lease, density).await?;
        tx.commit().await.map_err(failed("recording the density of a window"))
    }

    /// Reads the state of re-reading of every account and source, or of those of one account.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn rereads(&self, account: Option<&str>) -> Result<Vec<RereadState>, Error> {
        let rows: Vec<StateRow> = self
            .read("reading the state of re-reading", async |tx| {
                on_either!(Tx, tx, tx => sqlx::query_as(include_str!("sql/rereads_all.sql"))
                    .bind(account)
                    .fetch_all(&mut **tx)
                    .await)
            })
            .await?;
        let state = |row: StateRow| {
            let (account, source, span, read_at, part_read, is_failures_only, from, to) = row;
            let left = from.zip(to).map(|(from, to)| Window { from, to });
            RereadState { account, source, span, read_at, part_read, is_failures_only, left }
        };
        Ok(rows.into_iter().map(state).collect())
    }

    /// Records how far a span was re-read.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] if another run holds the lease.
    pub(crate) async fn note_sweep(
        &self,
        lease: &Lease,
        span: Span,
        sweep: &Sweep,
    ) -> Result<(), Error> {
        let open = sweep.open;
        let noted = self
            .write("recording the progress of re-reading", async |tx| {
                on_either!(Tx, tx, tx => {
                    if span == Span::Week {
                        sqlx::query(include_str!("sql/watermark_rescanned.sql"))
                            .bind(&lease.origin.account)
                            .bind(lease.origin.source.as_str())
                            .bind(lease.token)
                            .bind(Time(sweep.read_at))
                            .bind(open.map(|open| open.left.from).map(Time))
                            .execute(&mut **tx)
                            .await?;
                    }
                    sqlx::query(include_str!("sql/reread_note.sql"))
                        .bind(&lease.origin.account)
                        .bind(lease.origin.source.as_str())
                        .bind(lease.token)
                        .bind(span.as_str())
                        .bind(Time(sweep.read_at))
                        .bind(sweep.part_read)
                        .bind(sweep.is_failures_only)
                        .bind(open.map(|open| open.begun_at).map(Time))
                        .bind(open.map(|open| open.left.from).map(Time))
                        .bind(open.map(|open| open.left.to).map(Time))
                        .bind(count(open.map_or(0, |open| open.skipped.num_seconds().unsigned_abs())))
                        .bind(open.and_then(|open| open.longest).map(|longest| longest.num_seconds()))
                        .execute(&mut **tx)
                        .await
                        .map(|done| done.rows_affected())
                })
            })
            .await?;
        if noted == 1 { Ok(()) } else { Err(lease.lost()) }
    }

    /// Reads the windows of the ledger that may hold records from `since` on, in the order of their commits.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(crate) async fn windows_since(
        &self,
        origin: &Origin,
        since: DateTime<Utc>,
    ) -> Result<Vec<HeldWindow>, Error> {
        let first = (since - OTHER_CLOCKS).timestamp_millis().max(0).unsigned_abs();
        let first = uuid::Builder::from_unix_timestamp_millis(first, &[0; 10]).into_uuid();
        let rows: Vec<HeldRow> = self
            .read("reading the ledger", async |tx| {
                on_either!(Tx, tx, tx => sqlx::query_as(include_str!("sql/windows_since.sql"))
                    .bind(&origin.account)
                    .bind(origin.source.as_str())
                    .bind(Id(first))
                    .fetch_all(&mut **tx)
                    .await)
            })
            .await?;
        #[expect(clippy::cast_precision_loss, reason = "no window has 2^52 records")]
        let held = |(from, to, failures, others, failures_only): HeldRow| HeldWindow {
            window: Window { from, to },
            failures: failures as f64,
            others: others as f64,
            failures_only,
        };
        Ok(rows.into_iter().map(held).collect())
    }
}

fn sweep(row: &SweepRow) -> Sweep {
    let &(_, read_at, part_read, is_failures_only, begun_at, from, to, skipped, longest) = row;
    let open = begun_at.zip(from).zip(to).map(|((begun_at, from), to)| Unfinished {
        begun_at,
        left: Window { from, to },
        skipped: TimeDelta::try_seconds(skipped).unwrap_or_default(),
        longest: longest.and_then(TimeDelta::try_seconds),
    });
    Sweep { read_at, part_read, is_failures_only, open }
}
