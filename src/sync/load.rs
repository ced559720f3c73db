//! The writing side: each window in a transaction of its own, in the order in which they were read,
//! with the watermark.

use std::time::Duration;

use chrono::Utc;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

use super::Error;
use super::read::{Step, WindowEnd};
use super::reread::Reread;
use super::session::Session;
use crate::model::Batch;
use crate::store::{Learned, RereadWindow, Writer};
use crate::window::Window;

/// Time within which the next batch must be ready for a statement that waits for it.
const READY_WITHIN: Duration = Duration::from_secs(1);

/// The watermark that moves with each window.
#[derive(Debug, Clone, Copy)]
pub(super) enum Advance {
    /// The watermark.
    Watermark,
    /// The watermark, through windows that begin in a span that is re-read with what is new.
    Both(Reread),
    /// The watermark, should it lie before the window's end; the windows re-read a span.
    Reread(Reread),
    /// Nothing: a file is no scan.
    Nothing,
}

/// The steps that the reading side sends.
struct Steps<'a> {
    receiver: Receiver<Step<'a>>,
    /// A step that came while a batch was waited for.
    taken: Option<Step<'a>>,
}

impl<'a> Steps<'a> {
    async fn next(&mut self) -> Option<Step<'a>> {
        match self.taken.take() {
            Some(step) => Some(step),
            None => self.receiver.recv().await,
        }
    }

    /// The next step, if it is a batch and comes soon.
    async fn next_batch(&mut self) -> Option<Batch> {
        match timeout(READY_WITHIN, self.receiver.recv()).await {
            Ok(Some(Step::Write(batch))) => Some(batch),
            Ok(other) => {
                self.taken = other;
                None
            }
            Err(_) => None,
        }
    }
}

/// The writing side of a run.
pub(super) struct Loader<'a> {
    run: &'a Session<'a>,
    writer: Writer<'a>,
    /// The span that earlier runs have read. What was never read between its ends, as a `--since` after the last scan
    /// leaves it, is not known here.
    scanned_before: Option<Window>,
}

impl<'a> Loader<'a> {
    pub(super) fn new(run: &'a Session<'a>) -> Self {
        let scanned = run.tally().watermark.scanned_through;
        let scanned_before = run.first_from.zip(scanned).map(|(from, to)| Window { from, to });
        Self { run, writer: run.store.writer(&run.run), scanned_before }
    }

    /// Takes step after step until there are no more. A window that is incomplete by then is rolled
    /// back.
    pub(super) async fn all(
        &mut self,
        steps: Receiver<Step<'_>>,
        advance: Advance,
    ) -> Result<(), Error> {
        let mut steps = Steps { receiver: steps, taken: None };
        while let Some(step) = steps.next().await {
            match step {
                Step::Write(batch) => {
                    let next = async || steps.next_batch().await;
                    self.writer.write(self.scanned_before, batch, next).await?;
                }
                Step::Commit(end) => self.commit(&end, advance).await?,
                Step::RollBack => self.writer.roll_back().await?,
            }
        }
        Ok(self.writer.roll_back().await?)
    }

    /// Commits a window whose records are all accounted for.
    async fn commit(&mut self, end: &WindowEnd<'_>, advance: Advance) -> Result<(), Error> {
        let &WindowEnd { window, ref stats, .. } = end;
        let records = stats.records;
        let store = self.run.store;
        store.answered("writing users", self.writer.flush()).await?;
        let counts = self.writer.counts();
        if !counts.balance(records) {
            return Err(Error::Unbalanced { window, records, counts });
        }
        let run = self.run;
        let watermark = run.tally().watermark;
        let (window, watermark) = match advance {
            Advance::Watermark | Advance::Both(_) | Advance::Reread(_) => {
                (window, watermark.after(window, stats.newest))
            }
            // The ledger shows the span that the file holds.
            Advance::Nothing => {
                let now = Utc::now();
                let (from, to) = (stats.oldest.unwrap_or(now), stats.newest.unwrap_or(now));
                (Window { from, to }, watermark)
            }
        };
        let (mut place, learned) = (run.place(), self.learned(end, advance));
        place.has_all_successes &= !end.failures_only;
        let also = (run.traffic(), learned);
        let committed = self.writer.commit(window, watermark, &run.lease, &place, also);
        store.answered("committing a window", committed).await?;
        run.count(|tally| {
            tally.watermark = watermark;
            // What is read again does not show how far the run has come.
            if learned.reread.is_none() || watermark.scanned_through == Some(window.to) {
                tally.read_through = Some(window.to);
            }
            tally.counts += counts;
            tally.windows += 1;
        });
        tracing::info!(
            %window, records, inserted = counts.inserted, updated = counts.updated,
            rejected = counts.rejected, "window copied"
        );
        if let Some(RereadWindow { span, pages, .. }) = learned.reread {
            #[expect(clippy::cast_precision_loss, reason = "pages of a window")]
            run.rereading.spend(span, pages as f64);
        }
        Ok(())
    }

    /// The part of a window that serves to plan later ones.
    fn learned(&self, end: &WindowEnd<'_>, advance: Advance) -> Learned {
        let scanned = self.run.tally().watermark.scanned_through;
        let is_again = scanned.is_some_and(|scanned| end.window.from < scanned);
        let (reread, is_new) = match advance {
            Advance::Watermark => (None, true),
            Advance::Both(reread) => (Some(reread).filter(|_| is_again), true),
            Advance::Reread(reread) => (Some(reread), false),
            Advance::Nothing => (None, false),
        };
        let reread = reread.map(|Reread { span, .. }| RereadWindow {
            span,
            failures_only: end.failures_only,
            pages: end.pages,
        });
        Learned { density: is_new.then_some(end.density), reread }
    }
}
