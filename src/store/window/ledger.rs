//! The watermark, the window's row in the ledger, and the run's counters.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::stamp::WindowStamp;
use crate::model::{Counts, Origin};
use crate::store::run::{Traffic, count};
use crate::store::tx::Tx;
use crate::store::value::{Id, Time};
use crate::store::{Error, Lease, failed, on_either};
use crate::window::{Watermark, Window};

impl Tx {
    /// Moves the watermark and renews the lease.
    pub(super) async fn move_watermark(
        &mut self,
        watermark: Watermark,
        lease: &Lease,
        read_from: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let moved = on_either!(Tx, self, tx => sqlx::query(include_str!("sql/watermark_move.sql"))
            .bind(&lease.origin.account)
            .bind(lease.origin.source.as_str())
            .bind(lease.token)
            .bind(watermark.high_water_mark.map(Time))
            .bind(watermark.scanned_through.map(Time))
            .bind(Time(now + lease.ttl))
            .bind(Time(now))
            .bind(read_from)
            .execute(&mut **tx)
            .await
            .map(|done| done.rows_affected()))
        .map_err(failed("moving the watermark"))?;
        if moved == 1 { Ok(()) } else { Err(lease.lost()) }
    }

    /// Records that every success of a window was read.
    pub(super) async fn extend_successes(
        &mut self,
        origin: &Origin,
        window: Window,
    ) -> Result<(), Error> {
        on_either!(Tx, self, tx => sqlx::query(include_str!("sql/successes_span.sql"))
            .bind(&origin.account)
            .bind(origin.source.as_str())
            .bind(Time(window.from))
            .bind(Time(window.to))
            .execute(&mut **tx)
            .await
            .map(drop))
        .map_err(failed("recording the span of successes"))
    }

    /// Records OneLogin's own id of the account, unless it is known. This locks the account, so it comes before anything
    /// is written to a watermark: a run of another source has both locks in this order.
    pub(super) async fn identify_account(
        &mut self,
        account: &str,
        onelogin_account_id: i64,
    ) -> Result<(), Error> {
        let known: Option<Option<i64>> =
            on_either!(Tx, self, tx => sqlx::query_scalar(include_str!("../sql/accounts_id.sql"))
                .bind(account)
                .fetch_optional(&mut **tx)
                .await)
            .map_err(failed("reading the account's own id"))?;
        if known.flatten() == Some(onelogin_account_id) {
            return Ok(());
        }
        let identified =
            on_either!(Tx, self, tx => sqlx::query(include_str!("sql/account_identify.sql"))
                .bind(account)
                .bind(onelogin_account_id)
                .execute(&mut **tx)
                .await
                .map(|done| done.rows_affected()))
            .map_err(failed("recording the account's own id"))?;
        if identified == 1 {
            return Ok(());
        }
        Err(Error::OtherAccount { account: account.to_owned(), found: onelogin_account_id })
    }

    /// Records the window in the ledger, and returns its id.
    pub(super) async fn record_window(
        &mut self,
        stamp: &WindowStamp,
        (window, is_from_file): (Window, bool),
        counts: &Counts,
        now: DateTime<Utc>,
    ) -> Result<Uuid, Error> {
        let window_id = Uuid::now_v7();
        on_either!(Tx, self, tx => sqlx::query(include_str!("sql/window_insert.sql"))
            .bind(Id(window_id))
            .bind(Id(stamp.run_id.value))
            .bind(&stamp.origin.account)
            .bind(stamp.origin.source.as_str())
            .bind(Time(window.from))
            .bind(Time(window.to))
            .bind(count(counts.fetched))
            .bind(count(counts.inserted))
            .bind(count(counts.updated))
            .bind(count(counts.unchanged))
            .bind(count(counts.rejected))
            .bind(count(counts.successes))
            .bind(count(counts.ignored))
            .bind(Time(now))
            .bind(is_from_file)
            .execute(&mut **tx)
            .await
            .map(|_| window_id))
        .map_err(failed("recording a window in the ledger"))
    }

    /// Adds the window's counts to those of the run.
    pub(super) async fn add_to_run(
        &mut self,
        stamp: &WindowStamp,
        counts: &Counts,
        traffic: Traffic,
    ) -> Result<(), Error> {
        on_either!(Tx, self, tx => sqlx::query(include_str!("sql/run_count.sql"))
            .bind(Id(stamp.run_id.value))
            .bind(count(counts.fetched))
            .bind(count(counts.inserted))
            .bind(count(counts.updated))
            .bind(count(counts.unchanged))
            .bind(count(counts.rejected))
            .bind(count(counts.users_written))
            .bind(count(counts.successes))
            .bind(count(counts.ignored))
            .bind(count(traffic.requests))
            .bind(count(traffic.retries))
            .bind(count(traffic.bytes))
            .bind(&stamp.origin.account)
            .execute(&mut **tx)
            .await
            .map(drop))
        .map_err(failed("updating the run's counters"))
    }
}
