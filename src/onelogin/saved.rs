//! Files that hold records of one of the APIs, or deliveries of the webhook.
//!
//! A file is read once, from its start to its end, so that a pipe will do. It holds arrays, pages and
//! records in any layout, or one value per line; then a broken line costs itself only.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use memchr::{memchr, memmem};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use tokio::task::spawn_blocking;

use super::Meter;
use super::body_kind::{self, UTF_16};
use super::envelope;
use super::malformed::Malformed;
use super::retry::Policy;
use super::splitter::{BOM, Element, MAX_ELEMENT, Shape, Splitter};
use crate::redact::Outside;
use crate::source::SourceKind;

/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;
/// Bytes from which the kind of the records is recognised: more than the largest record.
const HEAD: usize = 2 * MAX_ELEMENT;

/// The reason why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SavedError {
    #[error("cannot read the file {}", Outside(path.display()))]
    Io { path: PathBuf, source: io::Error },
    /// It begins well, and is broken from some place on.
    #[error("the file {} is incomplete or broken, so nothing of it was loaded", Outside(path.display()))]
    Broken { path: PathBuf, source: Malformed },
    #[error(
        "the file {} is UTF-16 text, and must be UTF-8; convert it, for example with \
         `iconv -f UTF-16 -t UTF-8`", Outside(path.display())
    )]
    Utf16 { path: PathBuf },
    /// Nothing in it has the keys of a record.
    #[error(
        "the file {} holds no records of OneLogin but {kind}; it should be an array of the legacy API, \
         pages of the events API, or deliveries to a webhook", Outside(path.display())
    )]
    NoRecords { path: PathBuf, kind: String },
}

/// A file that holds records.
#[derive(Debug)]
pub(crate) struct Saved {
    path: PathBuf,
    kind: SourceKind,
    /// True if the records may come as slowly as from a network.
    is_pipe: bool,
    policy: Policy,
    meter: Meter,
    /// The file; `None` once its records were requested, since a pipe cannot be read twice.
    input: RefCell<Option<Input>>,
}

/// An open file, of which the beginning was read.
#[derive(Debug)]
struct Input {
    head: Vec<u8>,
    file: File,
}

/// The records of a file, to be read once.
pub(crate) struct Records<'a> {
    path: &'a Path,
    input: Input,
    splitter: Splitter,
    has_lines: bool,
}

impl Saved {
    /// Opens a file, and recognises the kind of its records.
    ///
    /// # Errors
    /// [`SavedError`], when it cannot be read or holds something else.
    pub(crate) fn open(path: &Path) -> Result<Self, SavedError> {
        let io = |source| SavedError::Io { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(io)?;
        let is_pipe = !file.metadata().map_err(io)?.is_file();
        let mut head = Vec::new();
        (&mut file).take(HEAD as u64).read_to_end(&mut head).map_err(io)?;
        let kind = kind_of_records(path, &head)?;
        if is_wrapped(kind, &head) {
            let kind = "an object around them in a form that is not known".to_owned();
            return Err(SavedError::NoRecords { path: path.to_owned(), kind });
        }
        // A second attempt would read the same.
        let policy = Policy { max_attempts: 1, ..Policy::default() };
        let input = RefCell::new(Some(Input { head, file }));
        let (path, meter) = (path.to_owned(), Meter::default());
        Ok(Self { path, kind, is_pipe, policy, meter, input })
    }

    /// True if it is no file on a disk, which has all its records at once and can be read again.
    #[must_use]
    pub(crate) fn is_pipe(&self) -> bool {
        self.is_pipe
    }

    /// The interface that its records come from.
    #[must_use]
    pub(crate) fn kind(&self) -> SourceKind {
        self.kind
    }

    /// Limits on attempts: one.
    #[must_use]
    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Network traffic, which a file has none of.
    #[must_use]
    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The records, from the first one. They can be had once.
    ///
    /// # Errors
    /// [`SavedError::Io`] the second time.
    pub(crate) fn records(&self) -> Result<Records<'_>, SavedError> {
        let input = self.input.take().ok_or_else(|| SavedError::Io {
            path: self.path.clone(),
            source: io::Error::other("it was read before"),
        })?;
        let has_lines = has_lines(&input.head);
        Ok(Records { path: &self.path, input, splitter: Splitter::new(Shape::Values), has_lines })
    }
}

impl Records<'_> {
    /// Hands the next records to `sink`. Gives `false` at the end.
    ///
    /// # Errors
    /// [`SavedError`]; what was handed out must then be dropped.
    pub(crate) async fn next(
        &mut self,
        sink: &mut impl FnMut(Element<'_>),
    ) -> Result<bool, SavedError> {
        let path = self.path;
        let broken = |source| SavedError::Broken { path: path.to_owned(), source };
        let mut sink = |element: Element<'_>| unwrap(element, sink);
        let Some(chunk) = self.chunk().await? else {
            if self.has_lines {
                self.splitter.end_line(&mut sink);
            } else {
                self.splitter.finish(true, &mut sink).map_err(broken)?;
            }
            return Ok(false);
        };
        if !self.has_lines {
            return self.splitter.feed(&chunk, &mut sink).map(|()| true).map_err(broken);
        }
        let mut rest = &chunk[..];
        while let Some(end) = memchr(b'\n', rest) {
            self.splitter.feed(&rest[..end], &mut sink).map_err(broken)?;
            self.splitter.end_line(&mut sink);
            rest = &rest[end + 1..];
        }
        self.splitter.feed(rest, &mut sink).map(|()| true).map_err(broken)
    }

    /// Reads on, on a thread of its own: a pipe may pause, and the run has more to do meanwhile.
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, SavedError> {
        let Input { head, file } = &mut self.input;
        if !head.is_empty() {
            let rest = head.split_off(head.len().min(CHUNK));
            return Ok(Some(std::mem::replace(head, rest)));
        }
        let read = |file: File| {
            let mut chunk = Vec::with_capacity(CHUNK);
            file.take(CHUNK as u64).read_to_end(&mut chunk).map(|_| chunk)
        };
        let chunk = match file.try_clone() {
            Ok(file) => spawn_blocking(move || read(file)).await.unwrap_or_else(|e| Err(e.into())),
            Err(error) => Err(error),
        };
        let chunk =
            chunk.map_err(|source| SavedError::Io { path: self.path.to_owned(), source })?;
        Ok((!chunk.is_empty()).then_some(chunk))
    }
}

/// The interface whose keys the beginning of a file has. It need not be valid JSON, since a broken
/// record must not hide what the others are.
fn kind_of_records(path: &Path, head: &[u8]) -> Result<SourceKind, SavedError> {
    let path = || path.to_owned();
    let kind = body_kind::of(head);
    if kind == UTF_16 {
        return Err(SavedError::Utf16 { path: path() });
    }
    let text = head.strip_prefix(BOM).unwrap_or(head).trim_ascii_start();
    let is_json = matches!(text.first(), Some(b'{' | b'['));
    let has = |key: &str| is_json && has_key(text, key);
    if has("event_timestamp") {
        Ok(SourceKind::Webhook)
    } else if has("event_type_id") {
        Ok(SourceKind::Events)
    } else if has("id")
        && ["created_at", "login_id", "error_description", "user"].map(has).contains(&true)
    {
        Ok(SourceKind::Legacy)
    } else if is_json && envelope::shows_error(text) {
        Err(SavedError::NoRecords { path: path(), kind: "an error of the API".to_owned() })
    } else if is_json && is_empty(text) {
        // The legacy API's empty answer is an empty array.
        Ok(if text[0] == b'[' { SourceKind::Legacy } else { SourceKind::Events })
    } else {
        Err(SavedError::NoRecords { path: path(), kind })
    }
}

/// Checks whether objects of a file are no records but have some in them: each would be rejected, and all of them
/// with it.
fn is_wrapped(kind: SourceKind, head: &[u8]) -> bool {
    let key = match kind {
        SourceKind::Legacy => "created_at",
        SourceKind::Events => "event_type_id",
        SourceKind::Webhook => "event_timestamp",
    };
    let (mut wrapped, mut others) = (0, 0);
    let mut note = |element: Element<'_>| match element {
        Element::Text(text) if has_records_within(text, key) => wrapped += 1,
        // Only its beginning is known.
        Element::TooLarge { head, .. } if has_many(head, key) => wrapped += 1,
        _ => others += 1,
    };
    let mut sink = |element: Element<'_>| unwrap(element, &mut note);
    let head = head.strip_prefix(BOM).unwrap_or(head);
    let mut splitter = Splitter::new(Shape::Values);
    // What is broken shows when it is read.
    let split = splitter.feed(head, &mut sink).and_then(|()| splitter.finish(true, &mut sink));
    let is_cut = split.is_err() && !has_lines(head) && has_many(head, key);
    others == 0 && (wrapped > 0 || is_cut)
}

/// A record has a key once, or a few times within values that are copied.
fn has_many(text: &[u8], key: &str) -> bool {
    places(text, &quoted(key)).nth(20).is_some()
}

/// Checks for an object that has a key further within it only.
fn has_records_within(text: &[u8], key: &str) -> bool {
    let object: Result<BTreeMap<&str, &RawValue>, _> = serde_json::from_slice(text);
    object.is_ok_and(|object| !object.contains_key(key)) && has_key(text, key)
}

/// Checks whether a key stands anywhere in a text. Within a JSON string its quotes would be escaped.
fn has_key(text: &[u8], key: &str) -> bool {
    places(text, &quoted(key)).next().is_some()
}

fn quoted(key: &str) -> String {
    format!("\"{key}\"")
}

fn places<'t>(text: &'t [u8], quoted: &'t str) -> impl Iterator<Item = usize> + 't {
    let is_key = |at: &usize| text[at + quoted.len()..].trim_ascii_start().first() == Some(&b':');
    memmem::find_iter(text, quoted).filter(is_key)
}

/// Checks whether a text is complete and has arrays and pages only, without any record.
fn is_empty(text: &[u8]) -> bool {
    let mut splitter = Splitter::new(Shape::Values);
    let mut records = 0;
    let mut count = |_: Element<'_>| records += 1;
    let split = splitter.feed(text, &mut count).and_then(|()| splitter.finish(true, &mut count));
    text.len() < HEAD && split.is_ok() && records == 0
}

/// Checks whether each line is a value of its own: the first one looks complete, and there is another. It may
/// be broken all the same.
fn has_lines(head: &[u8]) -> bool {
    let text = head.strip_prefix(BOM).unwrap_or(head).trim_ascii_start();
    let Some(end) = memchr(b'\n', text) else { return false };
    let (line, more) = (text[..end].trim_ascii(), text[end..].trim_ascii());
    // Before a comma, an object may end within the first value.
    let is_whole = |line: &[u8]| serde_json::from_slice::<IgnoredAny>(line).is_ok();
    let is_value = matches!(line, [b'{', .., b'}'] | [b'[', .., b']'])
        || line.strip_suffix(b",").is_some_and(is_whole);
    is_value && !more.is_empty()
}

/// A delivery as some receivers of webhooks wrap it.
#[derive(Deserialize)]
struct Wrapped<'a> {
    #[serde(borrow)]
    event: Option<&'a RawValue>,
}

/// Hands out the record itself where it is wrapped.
fn unwrap(element: Element<'_>, sink: &mut impl FnMut(Element<'_>)) {
    if let Element::Text(text @ [b'{', ..]) = element
        && memmem::find(text, b"\"event\"").is_some()
        && let Ok(Wrapped { event: Some(event) }) = serde_json::from_slice(text)
        && event.get().starts_with('{')
    {
        return sink(Element::Text(event.get().as_bytes()));
    }
    sink(element);
}

#[cfg(test)]
mod tests;
