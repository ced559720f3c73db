//! Ways in which a body is not the JSON that was expected.

/// The reason why a body cannot be split into its records.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The body begins with something else: a web page, an object, plain text.
    #[error("the body is not {expected} but {found}")]
    Unexpected {
        /// The kind that was expected.
        expected: &'static str,
        /// A description of what came, without any value of it.
        found: String,
    },
    /// The body ended before its JSON did. An empty body is the shortest case.
    #[error("the body ended after {bytes} bytes, before its JSON was closed")]
    Truncated {
        /// Length of the body, in bytes after decompression.
        bytes: u64,
    },
    /// The body began as JSON and went on as something else.
    #[error("the body stops being JSON at byte {offset}")]
    NotJson {
        /// The place where that begins, in bytes after decompression.
        offset: u64,
    },
    /// More bytes or records than one answer may have.
    #[error("the body has more than {limit}")]
    TooLarge {
        /// The limit that it passes.
        limit: &'static str,
    },
}
