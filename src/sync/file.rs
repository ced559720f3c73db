//! A saved file, loaded like a window, except that it moves no mark.

use chrono::{DateTime, Utc};

use super::copy::{self, Copied, Records};
use super::{Error, Report, Work};
use crate::onelogin::saved::Saved;
use crate::store::Traffic;
use crate::window::Window;

pub(super) async fn load(work: Work<'_>, saved: Saved, report: &mut Report) -> Result<(), Error> {
    let mut writer = work.store.window(work.run, None);
    let mut records = Records::Saved(saved);
    let all_times = DateTime::<Utc>::MAX_UTC;
    let Copied { count, oldest, newest } =
        copy::records(work.job, &mut records, &mut writer, all_times, &|_| {}).await?;
    // The ledger says which span the file holds.
    let now = Utc::now();
    let span = Window { from: oldest.unwrap_or(now), to: newest.unwrap_or(now) };
    copy::commit(work, writer, span, count, report.mark, Traffic::default(), report).await?;
    Ok(())
}
