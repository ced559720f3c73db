//! Texts of records in a temporary file: the part of a window that is too large for memory.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};

use crate::onelogin::Element;
use crate::sync::Error;

/// In front of a record's text.
const TEXT: u8 = 0;
/// In front of the beginning of a record above the limit, after its hash and length.
const TOO_LARGE: u8 = 1;
/// At the end of a part.
const END: u8 = 2;

/// Texts that are being written. The file has no name, so that nobody else can open it and it is gone when this
/// process ends, however it ends.
#[derive(Debug)]
pub(super) struct Spool {
    file: File,
    /// The current part.
    part: Vec<u8>,
}

impl Spool {
    /// Makes an empty file in the folder for temporary files.
    ///
    /// # Errors
    /// [`Error::NoSpool`] if there is no such folder, or no right to write there.
    pub(super) fn create() -> Result<Self, Error> {
        let file = tempfile::tempfile().map_err(Error::NoSpool)?;
        // A file without a name is made with the rights that the umask leaves.
        #[cfg(unix)]
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .map_err(Error::NoSpool)?;
        Ok(Self { file, part: Vec::new() })
    }

    /// Takes a record into the current part.
    pub(super) fn push(&mut self, element: Element<'_>) {
        let text = match element {
            Element::Text(text) => {
                self.part.push(TEXT);
                text
            }
            Element::TooLarge { head, digest, bytes } => {
                self.part.push(TOO_LARGE);
                self.part.extend_from_slice(&digest);
                self.part.extend_from_slice(&bytes.to_le_bytes());
                head
            }
        };
        self.part.extend_from_slice(&(text.len() as u64).to_le_bytes());
        self.part.extend_from_slice(text);
    }

    /// Ends a part: what the source handed out at once.
    ///
    /// # Errors
    /// [`Error::Spool`] if the disk is full or fails.
    pub(super) fn end_part(&mut self) -> Result<(), Error> {
        self.part.push(END);
        self.file.write_all(&self.part).map_err(Error::Spool)?;
        self.part.clear();
        Ok(())
    }

    /// Reads the parts again, from the first one.
    ///
    /// # Errors
    /// [`Error::Spool`] if the disk fails.
    pub(super) fn replay(mut self) -> Result<Replay, Error> {
        self.file.rewind().map_err(Error::Spool)?;
        Ok(Replay { file: BufReader::new(self.file), text: self.part })
    }
}

/// Texts that are read again.
#[derive(Debug)]
pub(super) struct Replay {
    file: BufReader<File>,
    text: Vec<u8>,
}

impl Replay {
    /// Hands the records of the next part to `sink`. Returns `false` if there was no part left.
    ///
    /// # Errors
    /// [`Error::Spool`] if the disk fails.
    pub(super) fn next(&mut self, sink: &mut impl FnMut(Element<'_>)) -> Result<bool, Error> {
        self.part(sink).map_err(Error::Spool)
    }

    fn part(&mut self, sink: &mut impl FnMut(Element<'_>)) -> io::Result<bool> {
        let mut tag = [0];
        if self.file.read(&mut tag)? == 0 {
            return Ok(false);
        }
        while tag != [END] {
            let large = match tag {
                [TOO_LARGE] => Some((self.bytes::<32>()?, u64::from_le_bytes(self.bytes()?))),
                _ => None,
            };
            let length = u64::from_le_bytes(self.bytes()?);
            self.text.clear();
            (&mut self.file).take(length).read_to_end(&mut self.text)?;
            let text = &self.text;
            sink(match large {
                None => Element::Text(text),
                Some((digest, bytes)) => Element::TooLarge { head: text, digest, bytes },
            });
            tag = self.bytes()?;
        }
        Ok(true)
    }

    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    #[test]
    fn parts_come_again_as_they_were() {
        let elements = [
            Element::Text(b"{\"id\":1}"),
            Element::Text(b""),
            Element::TooLarge { head: b"{\"id\":2", digest: [7; 32], bytes: 1 << 40 },
        ];
        let mut spool = Spool::create().expect("a temporary file");
        for part in [&elements[..], &[], &elements[1..]] {
            for element in part {
                spool.push(*element);
            }
            spool.end_part().expect("there is space");
        }
        let mut replay = spool.replay().expect("it can be read");
        let mut next = || {
            let mut shown = Vec::new();
            let more = replay.next(&mut |element| shown.push(format!("{element:?}")));
            more.expect("it can be read").then_some(shown)
        };
        let shown = |part: &[Element<'_>]| Some(part.iter().map(|e| format!("{e:?}")).collect());
        assert_eq!(next(), shown(&elements));
        assert_eq!(next(), shown(&[]));
        assert_eq!(next(), shown(&elements[1..]));
        assert_eq!(next(), None);
    }

    #[test]
    fn nobody_else_can_read_the_file_and_it_has_no_name() {
        let spool = Spool::create().expect("a temporary file");
        let metadata = spool.file.metadata().expect("it is open");
        assert_eq!((metadata.permissions().mode() & 0o777, metadata.nlink()), (0o600, 0));
    }
}
