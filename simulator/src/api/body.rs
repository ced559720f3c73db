//! The body of an answer, written while it is sent, so that memory does not depend on its size.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream;

use super::connection::ResetSwitch;
use crate::state::Shared;
use crate::view::RecordView;

/// Bytes per piece of the body before compression: few enough for flat memory, enough for speed.
const CHUNK: usize = 64 * 1024;

/// Ends of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyEnd {
    /// With its closing brackets.
    Complete,
    /// After half of the records and half of the next one, in a complete message.
    Cut,
    /// At the same place, with the message left incomplete.
    Close,
    /// At the same place, with a reset.
    Reset,
    /// At the same place, with silence until the client gives up.
    Stall,
}

/// Items of an answer, with the brackets around them.
#[derive(Debug)]
pub(super) enum Content {
    /// Legacy records, written while they are sent.
    Records(RecordView),
    /// Items written before.
    Page(Page),
}

/// Written items, and the text before and after them.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) open: String,
    pub(super) items: Vec<Vec<u8>>,
    pub(super) close: &'static str,
}

impl Page {
    /// An answer in one piece. A fault breaks it in its middle.
    pub(super) fn one_piece(text: String) -> Self {
        Self { items: vec![text.into_bytes()], ..Self::default() }
    }
}

impl Content {
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
            Self::Records(view) => view.len(),
            Self::Page(page) => page.items.len() as u64,
        }
    }

    /// Appends the item at `position`. Returns `false` if it is not visible yet.
    fn write(&self, shared: &Shared, position: u64, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Records(view) => view.write(shared, position, out),
            Self::Page(page) => {
                let item = usize::try_from(position).ok().and_then(|place| page.items.get(place));
                out.extend_from_slice(item.map_or(&[], Vec::as_slice));
                true
            }
        }
    }
}

/// A body to send.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) content: Content,
    /// Records to send at most.
    pub(super) cap: Option<u64>,
    /// True if the gate counts the records and holds them.
    pub(super) is_gated: bool,
    pub(super) ending: BodyEnd,
    /// Bytes per piece, and the pause between two.
    pub(super) drip: Option<(usize, Duration)>,
    pub(super) gzip: bool,
    /// The number of the call.
    pub(super) call: usize,
    /// The number among legacy requests, for one of those.
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
    /// The position of the next record.
    position: u64,
    /// Records sent.
    records: u64,
    opened: bool,
    /// True if the last record or the closing bracket is written.
    closed: bool,
    encoder: Option<GzEncoder<Vec<u8>>>,
    /// Encoded bytes that are not sent yet.
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

    /// The next bytes; `None` after the last.
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

    /// Logs bytes that are handed to the connection.
    fn log(&self, bytes: u64) {
        if let Some(request) = self.plan.request {
            self.shared.requests.update(request, |request| {
                request.records = self.records;
                request.bytes += bytes;
            });
        }
        self.shared.calls.update(self.plan.call, |call| {
            call.records = self.records;
            call.bytes += bytes;
        });
    }

    /// Writes up to `allowance` records, and after the last one the end of the answer.
    fn fill(&mut self, allowance: u64) -> Vec<u8> {
        // A record is far smaller than 4 KiB, so the buffer does not grow.
        let mut out = Vec::with_capacity(CHUNK + 4096);
        if !self.opened {
            out.extend_from_slice(self.plan.content.open());
            self.opened = true;
        }
        let length = self.plan.content.len();
        let cap = self.plan.cap.unwrap_or(u64::MAX);
        let last = self.records.saturating_add(allowance);
        let half = (self.plan.ending != BodyEnd::Complete).then_some(length / 2);
        let mut records = self.records;
        while self.position < length && out.len() < CHUNK && records < last && records < cap {
            let before = out.len();
            if records > 0 {
                out.push(b',');
            }
            let start = out.len();
            let visible = self.plan.content.write(&self.shared, self.position, &mut out);
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
                out.extend_from_slice(self.plan.content.close());
            }
            self.closed = true;
        }
        out
    }

    fn encode(&mut self, chunk: Vec<u8>) -> io::Result<Vec<u8>> {
        let Some(mut encoder) = self.encoder.take() else { return Ok(chunk) };
        encoder.write_all(&chunk)?;
        if self.closed && matches!(self.plan.ending, BodyEnd::Complete | BodyEnd::Cut) {
            return encoder.finish();
        }
        // Flushed, so that a client gets every record before a pause or a fault.
        encoder.flush()?;
        let bytes = std::mem::take(encoder.get_mut());
        self.encoder = Some(encoder);
        Ok(bytes)
    }

    async fn end(&mut self) -> io::Result<Option<Bytes>> {
        match self.plan.ending {
            BodyEnd::Complete | BodyEnd::Cut => Ok(None),
            BodyEnd::Stall => std::future::pending().await,
            BodyEnd::Close | BodyEnd::Reset => {
                // The server flushes what it has while this is pending, so half of the answer arrives.
                tokio::task::yield_now().await;
                if self.plan.ending == BodyEnd::Reset {
                    self.plan.reset.press();
                }
                Err(io::ErrorKind::ConnectionAborted.into())
            }
        }
    }
}
