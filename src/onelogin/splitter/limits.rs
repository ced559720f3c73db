//! Limits on what one answer may hold.

/// Limits on one answer, beyond which a smaller window is requested.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Bytes after decompression.
    pub bytes: u64,
    /// Records, readable or not.
    pub records: u64,
}

impl Limits {
    /// An answer of a window or page that takes a minute is a few hundred megabytes; what is larger by
    /// far is no use of time, and never ends perhaps.
    pub(crate) const ANSWER: Self = Self { bytes: 2 * 1024 * 1024 * 1024, records: 5_000_000 };
    /// A file has an end.
    pub(crate) const NONE: Self = Self { bytes: u64::MAX, records: u64::MAX };
}
