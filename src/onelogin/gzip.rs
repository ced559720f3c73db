//! Decompression of a body while it arrives.
//!
//! The HTTP client's own decompression knows `gzip` in lower case only, and passes `GZIP` on as it came.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::write::MultiGzDecoder;

/// A decoder of one compressed body.
#[derive(Debug)]
pub(super) struct Gzip {
    decoder: MultiGzDecoder<Vec<u8>>,
    /// Compressed bytes that are still to be decoded.
    rest: Bytes,
}

impl Gzip {
    pub(super) fn new() -> Self {
        Self { decoder: MultiGzDecoder::new(Vec::new()), rest: Bytes::new() }
    }

    /// Takes the next compressed bytes; those before must have been decoded.
    pub(super) fn feed(&mut self, compressed: Bytes) {
        self.rest = compressed;
    }

    /// Decodes a part of what was fed, of 32 KiB about; `None` if nothing is left.
    pub(super) fn decode(&mut self) -> io::Result<Option<Bytes>> {
        while !self.rest.is_empty() {
            // One write fills the decoder's buffer once, so a body that expands to gigabytes does not
            // arrive at once.
            let written = self.decoder.write(&self.rest)?;
            let _ = self.rest.split_to(written);
            if !self.decoder.get_ref().is_empty() {
                return Ok(Some(std::mem::take(self.decoder.get_mut()).into()));
            }
        }
        Ok(None)
    }

    /// Decodes what is left at the end, and checks the checksum there.
    pub(super) fn finish(&mut self) -> io::Result<Bytes> {
        self.decoder.try_finish()?;
        Ok(std::mem::take(self.decoder.get_mut()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    fn compressed(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    /// The decoded text, and the largest part of it.
    fn decoded(body: &[u8], chunk: usize) -> io::Result<(Vec<u8>, usize)> {
        let mut gzip = Gzip::new();
        let (mut text, mut largest) = (Vec::new(), 0);
        for chunk in body.chunks(chunk) {
            gzip.feed(Bytes::copy_from_slice(chunk));
            while let Some(part) = gzip.decode()? {
                largest = largest.max(part.len());
                text.extend_from_slice(&part);
            }
        }
        text.extend_from_slice(&gzip.finish()?);
        Ok((text, largest))
    }

    #[test]
    fn a_body_is_decoded_however_it_is_cut() {
        let text: Vec<u8> = (0..100_000_u32).flat_map(u32::to_be_bytes).collect();
        let body = [compressed(&text), compressed(b"and another member")].concat();
        let expected = [&text[..], b"and another member"].concat();
        for chunk in [1, 7, 4_096, usize::MAX] {
            assert!(decoded(&body, chunk).unwrap().0 == expected, "{chunk}");
        }
    }

    #[test]
    fn a_body_that_is_cut_short_or_damaged_is_an_error() {
        let body = compressed(b"[{\"id\":1}, {\"id\":2}]");
        for end in 1..body.len() {
            assert!(decoded(&body[..end], 7).is_err(), "{end}");
        }
        let mut damaged = body;
        let end = damaged.len() - 6;
        damaged[end] ^= 1;
        assert!(decoded(&damaged, 7).is_err());
    }

    #[test]
    fn a_body_that_expands_a_thousandfold_comes_in_small_parts() {
        let (text, largest) = decoded(&compressed(&vec![b' '; 50_000_000]), usize::MAX).unwrap();
        assert_eq!(text.len(), 50_000_000);
        assert!(largest <= 64 * 1024, "{largest}");
    }
}
