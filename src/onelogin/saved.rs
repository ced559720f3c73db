//! Files that hold what one of the APIs, or the webhook, once said.
//!
//! A file is an array of records, or JSON objects one after another: pages of the events API, or
//! deliveries to a webhook line by line. Whose records they are is told by the first of them.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::redact::Outside;
use crate::source::SourceKind;
use serde::Deserialize;
use serde_json::StreamDeserializer;
use serde_json::de::IoRead;
use serde_json::value::RawValue;

use super::Meter;
use super::body_kind;
use super::json_array::{BOM, Malformed, Splitter};
use super::retry::Policy;

/// Read at once.
const CHUNK: usize = 64 * 1024;
/// The longest line. Pages are shorter.
const LONGEST_LINE: u64 = super::envelope::MAX_PAGE as u64;

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SavedError {
    /// The system's word.
    #[error("cannot read the file {}", Outside(path.display()))]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It begins well, and is broken from some place on.
    #[error("the file {} is broken, so nothing of it was loaded", Outside(path.display()))]
    Broken {
        /// The file.
        path: PathBuf,
        /// Where.
        #[source]
        source: Malformed,
    },
    /// It holds something else.
    #[error(
        "the file {} holds no records of OneLogin but {kind}; it should be an array of the legacy API, \
         pages of the events API, or deliveries to a webhook", Outside(path.display())
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// A description without any value of the file.
        kind: String,
    },
}

/// A file that holds records.
#[derive(Debug)]
pub(crate) struct Saved {
    path: PathBuf,
    kind: SourceKind,
    policy: Policy,
    meter: Meter,
}

/// The records of a file, to be read once.
pub(crate) struct Records<'a> {
    path: &'a Path,
    form: Form,
}

/// How the records stand in the file.
enum Form {
    /// In one array, of any size.
    Array { file: File, splitter: Splitter },
    /// An object a line, of which one may be broken.
    Lines(BufReader<File>),
    /// Objects in any layout, as people save pages.
    Objects(StreamDeserializer<'static, IoRead<BufReader<File>>, Box<RawValue>>),
}

/// What an object may be beside a record.
#[derive(Deserialize)]
struct Wrapped<'a> {
    /// A page of the events API has its records here.
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    /// Some receivers of webhooks wrap each delivery.
    event: Option<&'a RawValue>,
}

/// What tells whose a record is.
#[derive(Deserialize)]
struct Marks<'a> {
    #[serde(borrow)]
    event_timestamp: Option<&'a RawValue>,
    event_type_id: Option<&'a RawValue>,
    id: Option<&'a RawValue>,
}

impl Saved {
    /// Opens a file, and looks whose records it holds.
    ///
    /// # Errors
    /// [`SavedError`], when it cannot be read or holds something else.
    pub(crate) fn open(path: &Path) -> Result<Self, SavedError> {
        let mut records = Records::open(path)?;
        let mut found = None;
        while found.is_none() && records.next(&mut |raw| found = found.or_else(|| kind_of(raw)))? {}
        // What holds no record at all is an empty answer: the legacy API's is an empty array.
        let of_empty = match records.form {
            Form::Array { .. } => SourceKind::Legacy,
            Form::Lines(_) | Form::Objects(_) => SourceKind::Events,
        };
        let (kind, path) = (found.unwrap_or(of_empty), path.to_owned());
        // A second attempt would read the same.
        let policy = Policy { max_attempts: 1, ..Policy::default() };
        Ok(Self { path, kind, policy, meter: Meter::default() })
    }

    /// Who wrote its records.
    #[must_use]
    pub(crate) fn kind(&self) -> SourceKind {
        self.kind
    }

    /// How often to read it: once.
    #[must_use]
    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Network traffic, which a file has none of.
    #[must_use]
    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The records, from the first one.
    ///
    /// # Errors
    /// [`SavedError`], when the file cannot be read or holds something else.
    pub(crate) fn records(&self) -> Result<Records<'_>, SavedError> {
        Records::open(&self.path)
    }
}

impl<'a> Records<'a> {
    /// Hands the raw text of the next records to `sink`. Gives `false` at the end.
    ///
    /// # Errors
    /// [`SavedError`]; what was handed out must then be dropped.
    pub(crate) fn next(&mut self, sink: &mut impl FnMut(&[u8])) -> Result<bool, SavedError> {
        let path = self.path;
        let io = |source| SavedError::Io { path: path.to_owned(), source };
        let broken = |source| SavedError::Broken { path: path.to_owned(), source };
        let mut unwrapped = |raw: &[u8]| unwrap(raw, sink);
        match &mut self.form {
            Form::Array { file, splitter } => {
                let mut chunk = vec![0; CHUNK];
                let read = file.read(&mut chunk).map_err(io)?;
                if read == 0 {
                    return splitter.finish().map(|()| false).map_err(broken);
                }
                splitter.feed(&chunk[..read], &mut unwrapped).map(|()| true).map_err(broken)
            }
            Form::Lines(file) => {
                let mut line = Vec::new();
                let read = file.take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(io)?;
                if read as u64 == LONGEST_LINE {
                    return Err(broken(Malformed::ElementTooLarge { offset: LONGEST_LINE }));
                }
                match line.strip_prefix(BOM).unwrap_or(&line).trim_ascii() {
                    [] => {}
                    text => unwrapped(text),
                }
                Ok(read > 0)
            }
            Form::Objects(objects) => match objects.next() {
                None => Ok(false),
                Some(Ok(object)) => {
                    unwrapped(object.get().as_bytes());
                    Ok(true)
                }
                Some(Err(error)) if error.is_io() => Err(io(error.into())),
                Some(Err(error)) if error.is_eof() => {
                    Err(broken(Malformed::Truncated { bytes: objects.byte_offset() as u64 }))
                }
                Some(Err(_)) => Err(broken(Malformed::NotJson)),
            },
        }
    }

    fn open(path: &'a Path) -> Result<Self, SavedError> {
        let io = |source| SavedError::Io { path: path.to_owned(), source };
        let open = || File::open(path).map_err(io);
        let mut head = Vec::new();
        open()?.take(CHUNK as u64).read_to_end(&mut head).map_err(io)?;
        let text = head.strip_prefix(BOM).unwrap_or(&head).trim_ascii_start();
        let form = match text.first() {
            Some(b'[') => Form::Array { file: open()?, splitter: Splitter::new() },
            Some(b'{') if is_whole(first_line(text)) => Form::Lines(BufReader::new(open()?)),
            Some(b'{') => {
                let file = BufReader::new(open()?);
                Form::Objects(serde_json::Deserializer::from_reader(file).into_iter())
            }
            _ => {
                return Err(SavedError::Foreign {
                    kind: body_kind::of(text),
                    path: path.to_owned(),
                });
            }
        };
        Ok(Self { path, form })
    }
}

fn first_line(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == b'\n').next().unwrap_or(text)
}

fn is_whole(json: &[u8]) -> bool {
    serde_json::from_slice::<&RawValue>(json).is_ok()
}

/// Hands out the records that a value holds: a page has many, a wrapped delivery one.
fn unwrap(raw: &[u8], sink: &mut impl FnMut(&[u8])) {
    let is_object = raw.first() == Some(&b'{');
    let wrapped = is_object.then(|| serde_json::from_slice::<Wrapped>(raw).ok()).flatten();
    match wrapped {
        Some(Wrapped { data: Some(data), .. }) => {
            let mut splitter = Splitter::new();
            // It is valid JSON, so an error means that it is no array: then it is no page either.
            if splitter.feed(data.get().as_bytes(), sink).is_err() {
                sink(raw);
            }
        }
        Some(Wrapped { event: Some(event), .. }) if event.get().starts_with('{') => {
            sink(event.get().as_bytes());
        }
        _ => sink(raw),
    }
}

fn kind_of(raw: &[u8]) -> Option<SourceKind> {
    let marks: Marks = serde_json::from_slice(raw).ok()?;
    match (marks.event_timestamp, marks.event_type_id, marks.id) {
        (Some(_), _, _) => Some(SourceKind::Webhook),
        (None, Some(_), _) => Some(SourceKind::Events),
        (None, None, Some(_)) => Some(SourceKind::Legacy),
        (None, None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(SourceKind, Vec<String>), SavedError> {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("saved.json");
        std::fs::write(&path, text).unwrap();
        let saved = Saved::open(&path)?;
        let mut records = Vec::new();
        let mut sink = |raw: &[u8]| records.push(String::from_utf8_lossy(raw).into_owned());
        let mut read = saved.records()?;
        while read.next(&mut sink)? {}
        Ok((saved.kind(), records))
    }

    #[test]
    fn whose_records_a_file_holds_is_told_by_the_first() {
        for (text, writer, records) in [
            (r#"[{"id":1,"user":{"id":7}}, {"id":2}]"#, SourceKind::Legacy, 2),
            ("[]", SourceKind::Legacy, 0),
            (r#"[{}, {"id":1}]"#, SourceKind::Legacy, 2),
            (
                r#"{"status":{},"pagination":{},"data":[{"id":1,"event_type_id":64}]}"#,
                SourceKind::Events,
                1,
            ),
            (
                "{\n  \"data\": [\n {\"id\":1,\"event_type_id\":64},{\"id\":2}\n]\n}\n",
                SourceKind::Events,
                2,
            ),
            (
                "{\"data\":[]}\n{\"data\":[{\"id\":1,\"event_type_id\":64}]}\n",
                SourceKind::Events,
                1,
            ),
            (r#"[{"data":[{"id":1,"event_type_id":64}]}]"#, SourceKind::Events, 1),
            (r#"{"data":[]}"#, SourceKind::Events, 0),
            (r#"[{"uuid":"a","event_timestamp":"x","event_type_id":64}]"#, SourceKind::Webhook, 1),
            (
                "{\"event_timestamp\":\"x\"}\n\n{\"event\":{\"event_timestamp\":\"y\"}}\r\n{broken\n",
                SourceKind::Webhook,
                3,
            ),
            ("\u{FEFF}[{\"id\":1}]", SourceKind::Legacy, 1),
        ] {
            let (seen, found) = read(text).unwrap();
            assert_eq!((seen, found.len()), (writer, records), "{text}: {found:?}");
        }
    }

    #[test]
    fn a_file_of_something_else_is_told_from_a_broken_one() {
        for text in ["", "id,created_at\n1,2", "<html>", "7"] {
            assert!(matches!(read(text), Err(SavedError::Foreign { .. })), "{text}");
        }
        for text in ["[{\"id\":1}", "[{\"id\":1}] [", "{\n\"data\":[{\"id\":1}", "{\n\"data\":,}"] {
            assert!(matches!(read(text), Err(SavedError::Broken { .. })), "{text}");
        }
        let missing = Saved::open(Path::new("nowhere/saved.json")).err().unwrap();
        assert!(
            matches!(missing, SavedError::Io { .. }) && missing.to_string().contains("nowhere")
        );
    }
}
