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
    /// With its closing brackets.
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

/// What an answer holds.
#[derive(Debug)]
pub(super) enum Source {
    /// Legacy records, made while they are sent.
    Records(Sequence),
    /// A page of whatever it is, made before.
    Page(Page),
}

/// Items between two brackets, and what stands around them.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) open: String,
    pub(super) items: Vec<Vec<u8>>,
    pub(super) close: &'static str,
}

impl Page {
    /// An answer of one piece, which breaks in its middle if it is to break.
    pub(super) fn whole(text: String) -> Self {
        Self { items: vec![text.into_bytes()], ..Self::default() }
    }
}

impl Source {
    fn open(&self) -> &[u8] {
        match self {
            Self::Records(_) => b"[",
            Self::Page(page) => page.open.as_bytes(),
        }
    }

    fn close(&self) -> &[u8] {
        match self {
            Self::Records(_) => b"]",
            Self::Page(page) => page.close.as_bytes(),
        }
    }

    fn len(&self) -> u64 {
        match self {
            Self::Records(sequence) => sequence.len(),
            Self::Page(page) => page.items.len() as u64,
        }
    }

    /// Appends the item at `position` if it is visible at `now`.
    fn write(&self, shared: &Shared, position: u64, now: DateTime<Utc>, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Records(sequence) => shared.write(sequence, position, now, out),
            Self::Page(page) => {
                let item = usize::try_from(position).ok().and_then(|place| page.items.get(place));
                out.extend_from_slice(item.map_or(&[], Vec::as_slice));
                true
            }
        }
    }
}

/// What to send and how.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) source: Source,
    /// The most records to send.
    pub(super) cap: Option<u64>,
    /// Whether the gate counts the records and holds them.
    pub(super) is_gated: bool,
    /// What is visible is decided once, when the request comes.
    pub(super) now: DateTime<Utc>,
    pub(super) ending: Ending,
    /// Bytes at a time and the pause between.
    pub(super) drip: Option<(usize, Duration)>,
    pub(super) gzip: bool,
    /// The call's number.
    pub(super) call: usize,
    /// The number among legacy requests, if it is one.
    pub(super) request: Option<usize>,
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
            let gated = self.plan.is_gated;
            let allowance = if gated { self.shared.gate.allowance().await } else { u64::MAX };
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
        self.log(bytes.len() as u64);
        Ok(Some(bytes))
    }

    /// Notes that so many bytes more are handed to the connection.
    fn log(&self, bytes: u64) {
        if let Some(request) = self.plan.request {
            self.shared.log.send_modify(|log| {
                log[request].records = self.records;
                log[request].bytes += bytes;
            });
        }
        self.shared.calls.update(self.plan.call, |call| {
            call.records = self.records;
            call.bytes += bytes;
        });
    }

    /// Writes up to `allowance` records, and what closes the answer after the last.
    fn fill(&mut self, allowance: u64) -> Vec<u8> {
        // A record is far below 4 KiB, so the buffer does not grow.
        let mut out = Vec::with_capacity(CHUNK + 4096);
        if !self.opened {
            out.extend_from_slice(self.plan.source.open());
            self.opened = true;
        }
        let length = self.plan.source.len();
        let cap = self.plan.cap.unwrap_or(u64::MAX);
        let last = self.records.saturating_add(allowance);
        let half = (self.plan.ending != Ending::Whole).then_some(length / 2);
        let mut records = self.records;
        while self.position < length && out.len() < CHUNK && records < last && records < cap {
            let before = out.len();
            if records > 0 {
                out.push(b',');
            }
            let start = out.len();
            let (source, now) = (&self.plan.source, self.plan.now);
            let visible = source.write(&self.shared, self.position, now, &mut out);
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
        if self.plan.is_gated {
            self.shared.gate.pass(records - self.records);
        }
        self.records = records;
        if self.position >= length || records >= cap {
            if half.is_none() {
                out.extend_from_slice(self.plan.source.close());
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
