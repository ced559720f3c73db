//! The one name of a source.

use std::fmt;

/// Which of OneLogin's interfaces a record comes from. Every row, watermark and lease names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourceKind {
    /// The deprecated endpoint of failed provisioning.
    Legacy,
    /// The events API.
    Events,
    /// A saved delivery of the event broadcaster: the same events with other field names.
    Webhook,
}

impl SourceKind {
    /// The text stored in every column `source`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Events => "events",
            Self::Webhook => "webhook",
        }
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
