//! Tokens of the current API.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::history::{Choice, rng_for};

/// All tokens ever issued, in the order of issue. Their numbers count from 1.
#[derive(Debug, Default)]
pub(crate) struct Tokens(Vec<Token>);

#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) issued_at: DateTime<Utc>,
    ended: bool,
}

impl Token {
    fn is_valid(&self, lifetime: Duration, now: DateTime<Utc>) -> bool {
        // Setting the clock back ends no token.
        let age = (now - self.issued_at).to_std().unwrap_or_default();
        !self.ended && age < lifetime
    }
}

impl Tokens {
    /// Ends all tokens issued so far.
    pub(crate) fn expire_all(&mut self) {
        for token in &mut self.0 {
            token.ended = true;
        }
    }

    /// The number of a token, ended or not.
    pub(crate) fn number(&self, text: &str) -> Option<usize> {
        self.0.iter().position(|token| token.text == text).map(|place| place + 1)
    }

    pub(crate) fn is_valid(&self, text: &str, lifetime: Duration, now: DateTime<Utc>) -> bool {
        self.0.iter().any(|token| token.text == text && token.is_valid(lifetime, now))
    }

    /// The token that is valid at `now`, or a new one, with its number.
    pub(crate) fn current(
        &mut self,
        seed: u64,
        lifetime: Duration,
        now: DateTime<Utc>,
    ) -> (usize, &Token) {
        if !self.0.last().is_some_and(|token| token.is_valid(lifetime, now)) {
            let text = token_text(seed, 2 * self.0.len() as u64);
            self.0.push(Token { text, issued_at: now, ended: false });
        }
        let number = self.0.len();
        (number, &self.0[number - 1])
    }

    pub(crate) fn end(&mut self, text: &str) {
        for token in self.0.iter_mut().filter(|token| token.text == text) {
            token.ended = true;
        }
    }
}

/// 64 hexadecimal digits, as real tokens have.
pub(crate) fn token_text(seed: u64, number: u64) -> String {
    let mut rng = rng_for(seed, Choice::Token, number);
    let [a, b, c, d] = [rng.u64(..), rng.u64(..), rng.u64(..), rng.u64(..)];
    format!("{a:016x}{b:016x}{c:016x}{d:016x}")
}
