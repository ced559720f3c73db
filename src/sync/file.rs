//! A saved file, loaded like a window, except that it moves no mark.

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc;

use super::fetch::{Records, Step, read, send};
use super::load::{Advance, Load};
use super::{Error, Progress, Report, Work};
use crate::onelogin::saved::Saved;
use crate::window::Window;

pub(super) async fn load(work: Work<'_>, saved: Saved, report: &mut Report) -> Result<(), Error> {
    let (sender, steps) = mpsc::channel(1);
    let fetch = async {
        let all_times = DateTime::<Utc>::MAX_UTC;
        let now = Utc::now();
        let zero = TimeDelta::zero();
        let window = Window { from: now, to: now };
        let progress = Progress { window, done: zero, span: zero, fetched: 0 };
        let mut records = Records::Saved(saved);
        let seen = read(work.job, &mut records, all_times, &sender, progress).await?;
        // The ledger says which span the file holds.
        let span = Window { from: seen.oldest.unwrap_or(now), to: seen.newest.unwrap_or(now) };
        send(&sender, Step::Commit(seen.whole(span, None))).await;
        drop(sender);
        Ok(())
    };
    let mut load = Load::new(work, None, report);
    let (fetched, ()) =
        tokio::try_join!(async { Ok(fetch.await) }, load.all(steps, Advance::Nothing))?;
    fetched
}
