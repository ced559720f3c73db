//! The body of an answer, made while it is sent: memory does not depend on its size.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use chrono::{DateTime, Utc};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream;

use super::connection::ResetSwitch;
use super::sequence::Sequence;
use super::state::Shared;

/// A piece of the body before compression: large enough to cost nothing, small enough to stay flat.
const CHUNK: usize = 64 * 1024;

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// With its closing bracket.
    Whole,
    /// After half of the records and half of the next one, in a complete message.
    Cut,
    /// There, with the message left incomplete.
    Close,
    /// There, with a reset.
    Reset,
    /// There, with nothing more until the client gives up.
    Stall,
}

/// What to send and how.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) sequence: Sequence,
    /// What is visible is decided once, when the request comes.
    pub(super) now: DateTime<Utc>,
    pub(super) ending: Ending,
    /// Bytes at a time and the pause between.
    pub(super) drip: Option<(usize, Duration)>,
    pub(super) gzip: bool,
    /// The request's place in the log.
    pub(super) request: usize,
    pub(super) reset: ResetSwitch,
}

/// The body that `plan` describes.
pub(super) fn body(shared: Arc<Shared>, plan: Plan) -> Body {
    Body::from_stream(stream::unfold(Some(Sender::new(shared, plan)), |sender| async {
        let mut sender = sender?;
        let shared = sender.shared.clone();
        let next = tokio::select! {
            // In this order a stopped simulator sends nothing more.
            biased;
            () = shared.stopped() => Err(io::ErrorKind::ConnectionAborted.into()),
            next = sender.next() => next,
        };
        match next {
            Ok(Some(bytes)) => Some((Ok(bytes), Some(sender))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    }))
}

struct Sender {
    shared: Arc<Shared>,
    plan: Plan,
    /// The next record of the sequence.
    position: u64,
    /// Records sent.
    records: u64,
    opened: bool,
    /// Whether the last record or the closing bracket is written.
    closed: bool,
    encoder: Option<GzEncoder<Vec<u8>>>,
    /// Bytes that drip.
    pending: Bytes,
}

impl Sender {
    fn new(shared: Arc<Shared>, plan: Plan) -> Self {
        let encoder = plan.gzip.then(|| GzEncoder::new(Vec::new(), Compression::fast()));
        Self {
            shared,
            plan,
            position: 0,
            records: 0,
            opened: false,
            closed: false,
            encoder,
            pending: Bytes::new(),
        }
    }

    /// The next bytes; none after the last.
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        if self.pending.is_empty() {
            if self.closed {
                return self.end().await;
            }
            let allowance = self.shared.gate.allowance().await;
            let chunk = self.fill(allowance);
            self.pending = Bytes::from(self.encode(chunk)?);
        }
        let bytes = match self.plan.drip {
            None => std::mem::take(&mut self.pending),
            Some((bytes, interval)) => {
                tokio::time::sleep(interval).await;
                self.pending.split_to(bytes.clamp(1, self.pending.len()))
            }
        };
        let (request, records) = (self.plan.request, self.records);
        self.shared.log.send_modify(|log| {
            log[request].records = records;
            log[request].bytes += bytes.len() as u64;
        });
        Ok(Some(bytes))
    }

    /// Writes up to `allowance` records, and what closes the array after the last.
    fn fill(&mut self, allowance: u64) -> Vec<u8> {
        // A record is far below 4 KiB, so the buffer does not grow.
        let mut out = Vec::with_capacity(CHUNK + 4096);
        if !self.opened {
            out.push(b'[');
            self.opened = true;
        }
        let length = self.plan.sequence.len();
        let cap = self.shared.config.cap.unwrap_or(u64::MAX);
        let last = self.records.saturating_add(allowance);
        let half = (self.plan.ending != Ending::Whole).then_some(length / 2);
        let mut records = self.records;
        while self.position < length && out.len() < CHUNK && records < last && records < cap {
            let before = out.len();
            if records > 0 {
                out.push(b',');
            }
            let start = out.len();
            let shared = &self.shared;
            let visible = shared.write(&self.plan.sequence, self.position, self.plan.now, &mut out);
            if !visible {
                out.truncate(before);
            } else if half.is_some_and(|half| self.position >= half) {
                out.truncate(usize::midpoint(start, out.len()));
                self.position = length;
                break;
            } else {
                records += 1;
            }
            self.position += 1;
        }
        self.shared.gate.pass(records - self.records);
        self.records = records;
        if self.position >= length || records >= cap {
            if half.is_none() {
                out.push(b']');
            }
            self.closed = true;
        }
        out
    }

    fn encode(&mut self, chunk: Vec<u8>) -> io::Result<Vec<u8>> {
        let Some(mut encoder) = self.encoder.take() else { return Ok(chunk) };
        encoder.write_all(&chunk)?;
        if self.closed && matches!(self.plan.ending, Ending::Whole | Ending::Cut) {
            return encoder.finish();
        }
        // Flushed, so that a client sees every record in front of a pause or a fault.
        encoder.flush()?;
        let bytes = std::mem::take(encoder.get_mut());
        self.encoder = Some(encoder);
        Ok(bytes)
    }

    async fn end(&mut self) -> io::Result<Option<Bytes>> {
        match self.plan.ending {
            Ending::Whole | Ending::Cut => Ok(None),
            Ending::Stall => std::future::pending().await,
            Ending::Close | Ending::Reset => {
                // The server flushes what it has while this is pending, so half of the answer arrives.
                tokio::task::yield_now().await;
                if self.plan.ending == Ending::Reset {
                    self.plan.reset.press();
                }
                Err(io::ErrorKind::ConnectionAborted.into())
            }
        }
    }
}
