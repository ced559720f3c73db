//! Tokens of the current API: bought with a credential, good for a while.

use chrono::{DateTime, Utc};

/// All tokens ever issued, in the order of their issue.
#[derive(Debug, Default)]
pub(super) struct Tokens(Vec<Token>);

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) issued_at: DateTime<Utc>,
    ended: bool,
}

impl Tokens {
    /// Ends all that were issued.
    pub(super) fn expire_all(&mut self) {
        for token in &mut self.0 {
            token.ended = true;
        }
    }
}
