//! The records of a window on their way to the writing side. They are gathered until the window is complete, so
//! that no transaction waits for the source.

use std::time::{Duration, Instant};

use chrono::TimeDelta;

use super::spool::Spool;
use super::{Progress, Reader, Step, WindowStats, normalise};
use crate::model::Batch;
use crate::onelogin::{Answer, Element, Source};
use crate::sync::{Error, Job};
use crate::window::Window;

/// Bytes of records that are held in memory.
const MOST_HELD: usize = 4 * 1024 * 1024;

/// Time that a transaction waits for the next batch of a window that is written while it is read.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The records of a window while they are read.
struct Records<'r, 'a> {
    reader: &'r Reader<'a>,
    window: Window,
    before: Progress,
    is_paged: bool,
    stats: WindowStats,
    batch: Batch,
}

impl Reader<'_> {
    /// Reads the records of an answer to their end, and hands them on batch by batch once all have come. What
    /// is too large for memory waits in a temporary file or, where it can be requested again and costs no
    /// call, is handed on while it comes. Gives `None` when the first page is such that the window `narrows`.
    pub(super) async fn records(
        &self,
        answer: &mut Answer<'_>,
        (requested, window): (Window, Window),
        before: Progress,
        narrows: &mut dyn FnMut((u64, TimeDelta)) -> bool,
    ) -> Result<Option<WindowStats>, Error> {
        let (is_paged, stats, batch) =
            (answer.is_paged(), WindowStats::default(), Batch::default());
        let mut records = Records { reader: self, window, before, is_paged, stats, batch };
        let (mut held, mut bytes) = (Vec::new(), 0);
        let mut spool: Option<Spool> = None;
        let mut last_sent: Option<Instant> = None;
        let mut more = true;
        while more {
            let mut sink = |element: Element<'_>| match &mut spool {
                Some(spool) => spool.push(element),
                None => records.take(element),
            };
            more = match last_sent {
                Some(since) => answer.next_until(since + LONGEST_PAUSE, &mut sink).await?,
                None => answer.next(&mut sink).await?,
            };
            if let Some(full) = answer.full_first_page()
                && let Some(spanned) = records.stats.spanned_with(&records.batch, window.to)
                && narrows((full, spanned))
            {
                return Ok(None);
            }
            // Both sides share a thread: this lets the writing side continue.
            tokio::task::yield_now().await;
            if is_paged {
                self.run.calls.record().await?;
            }
            if let Some(spool) = &mut spool {
                spool.end_part()?;
                continue;
            }
            let Some(batch) = records.end_part(!more)? else { continue };
            bytes += batch.bytes();
            held.push(batch);
            if !more || (last_sent.is_none() && bytes <= MOST_HELD) {
                continue;
            }
            if last_sent.is_some() || self.can_stream(requested) {
                self.send_all(&mut held).await;
                last_sent = Some(Instant::now());
            } else {
                tracing::debug!(%window, "too large for memory, continued in a temporary file");
                spool = Some(Spool::create()?);
            }
        }
        self.send_all(&mut held).await;
        if let Some(spool) = spool {
            self.replay(spool, &mut records).await?;
        }
        Ok(Some(records.end()))
    }

    /// Hands on the records that wait in a file.
    async fn replay(&self, spool: Spool, records: &mut Records<'_, '_>) -> Result<(), Error> {
        let mut replay = spool.replay()?;
        let mut more = true;
        while more {
            more = replay.next(&mut |element| records.take(element))?;
            if let Some(batch) = records.end_part(!more)? {
                self.send(Step::Write(batch)).await;
            }
        }
        Ok(())
    }

    async fn send_all(&self, held: &mut Vec<Batch>) {
        for batch in held.drain(..) {
            self.send(Step::Write(batch)).await;
        }
    }

    /// Checks whether the records of a window may be written while they are read: a file does not pause, and the
    /// legacy API can be requested for less.
    fn can_stream(&self, requested: Window) -> bool {
        match self.run.source {
            Source::Legacy(_) => requested.can_narrow(),
            Source::Events(_) => false,
            Source::Saved(saved) => !saved.is_pipe(),
        }
    }
}

impl Records<'_, '_> {
    fn take(&mut self, element: Element<'_>) {
        let Job { origin, selected, .. } = self.reader.run.job;
        normalise(origin, selected, element, &mut self.batch);
    }

    /// Ends what the source handed out at once. Returns the batch if it is full, or the last one.
    fn end_part(&mut self, is_last: bool) -> Result<Option<Batch>, Error> {
        if self.is_paged {
            self.batch.end_page();
        }
        if !self.batch.is_full() && !is_last {
            return Ok(None);
        }
        let batch = std::mem::take(&mut self.batch);
        let Self { reader, window, before, stats, .. } = self;
        batch.account_ids.iter().try_for_each(|id| reader.run.check_account(*id))?;
        stats.add(&batch, window.to);
        reader.run.see_types(&batch);
        let kind = reader.run.job.origin.source;
        stats.check_readable(kind, (before.fetched, reader.rejects))?;
        tracing::debug!(%window, records = batch.records(), "batch read");
        reader.run.show(Progress { fetched: before.fetched + stats.records, ..*before });
        Ok(Some(batch))
    }

    fn end(self) -> WindowStats {
        if !self.stats.ignored.is_empty() {
            tracing::info!(types = ?self.stats.ignored, "events of types that were not selected");
        }
        self.stats
    }
}
