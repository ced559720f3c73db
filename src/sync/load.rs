//! The writing side: each window in a transaction of its own, in the order in which they were read, and
//! the marks behind it.

use chrono::Utc;
use tokio::sync::mpsc::Receiver;

use super::fetch::{Step, Whole};
use super::{Error, Report, Work, traffic};
use crate::onelogin::Source;
use crate::store::Writer;
use crate::window::{Rescan, Window};

/// The writing side of a run.
pub(super) struct Load<'a> {
    pub(super) work: Work<'a>,
    pub(super) source: &'a Source,
    pub(super) report: &'a mut Report,
    writer: Writer<'a>,
}

/// What moves with each window.
#[derive(Debug, Clone, Copy)]
pub(super) enum Advance {
    /// The mark.
    Watermark,
    /// The mark, should it be behind, and the place at which a rescan goes on.
    Rescan(Rescan),
    /// Nothing: a file is no scan.
    Nothing,
}

impl<'a> Load<'a> {
    pub(super) fn new(work: Work<'a>, source: &'a Source, report: &'a mut Report) -> Self {
        Self { work, source, report, writer: work.store.writer(work.run) }
    }

    /// Takes step after step until there are no more. A window that is not whole by then is taken back.
    pub(super) async fn all(
        &mut self,
        mut steps: Receiver<Step<'_>>,
        advance: Advance,
    ) -> Result<(), Error> {
        while let Some(step) = steps.recv().await {
            match step {
                Step::Write(batch, progress) => {
                    self.writer.write(batch).await?;
                    (self.work.on_progress)(progress);
                }
                Step::Commit(whole) => self.commit(&whole, advance).await?,
                Step::TakeBack => self.writer.roll_back().await?,
            }
        }
        Ok(self.writer.roll_back().await?)
    }

    /// Commits a window whose records are all accounted for.
    async fn commit(&mut self, whole: &Whole<'_>, advance: Advance) -> Result<(), Error> {
        let &Whole { window, records, oldest, newest, .. } = whole;
        self.writer.flush().await?;
        let counts = self.writer.counts();
        if !counts.balance(records) {
            return Err(Error::Unbalanced { window, records, counts });
        }
        let Work { store, lease, .. } = self.work;
        let (window, mark) = match advance {
            Advance::Watermark | Advance::Rescan(_) => {
                (window, self.report.mark.after(window, newest))
            }
            // The ledger says which span the file holds.
            Advance::Nothing => {
                let now = Utc::now();
                let (from, to) = (oldest.unwrap_or(now), newest.unwrap_or(now));
                (Window { from, to }, self.report.mark)
            }
        };
        let traffic = traffic(self.source);
        self.writer.commit(window, mark, lease, traffic).await?;
        self.report.mark = mark;
        self.report.counts += counts;
        self.report.windows += 1;
        tracing::info!(
            %window, records, inserted = counts.inserted, updated = counts.updated,
            rejected = counts.rejected, "window committed"
        );
        if let Advance::Rescan(rescan) = advance {
            store.note_rescan(lease, Rescan { next: Some(window.to), ..rescan }).await?;
        }
        Ok(())
    }
}
