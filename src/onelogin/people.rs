//! The users API: what OneLogin knows of people now.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::error::Error;
use super::events::Events;
use super::headers;
use super::resource::Resource;

const PATH: [&str; 3] = ["api", "2", "users"];
/// No more than is kept.
const FIELDS: &str = "id,email,username,firstname,lastname";

/// What the users API said of some people.
#[derive(Debug)]
pub(crate) struct Directory {
    /// When it said so, by the server's clock.
    pub said_at: DateTime<Utc>,
    /// The raw text of each person. Those that were deleted are missing.
    pub people: Vec<Box<RawValue>>,
}

/// People an answer; this many is documented as a page, and not more than a URL can hold.
pub(crate) const AT_ONCE: usize = 50;

impl Events {
    /// Asks about people, at most [`AT_ONCE`].
    ///
    /// # Errors
    ///
    /// [`Error`], when no usable answer came.
    pub(crate) async fn people(&self, user_ids: &[i64]) -> Result<Directory, Error> {
        let mut said_at = None;
        let mut people = Vec::new();
        let mut to_ask = VecDeque::from([user_ids]);
        while let Some(some) = to_ask.pop_front() {
            let (answer, at, more) = self.ask(some).await?;
            // Who is missing may be on the next page. Smaller questions find that out without a
            // cursor, which goes with none of the other parameters.
            if more && answer.len() < some.len() && some.len() > 1 {
                let (one, other) = some.split_at(some.len() / 2);
                to_ask.extend([one, other]);
            } else {
                people.extend(answer);
            }
            // Of several answers the first: what is said later is not taken for newer than it is.
            said_at = said_at.or(at);
        }
        Ok(Directory { said_at: said_at.unwrap_or_else(Utc::now), people })
    }

    async fn ask(
        &self,
        user_ids: &[i64],
    ) -> Result<(Vec<Box<RawValue>>, Option<DateTime<Utc>>, bool), Error> {
        let ids: Vec<String> = user_ids.iter().map(ToString::to_string).collect();
        let mut url = self.session.client.url(&PATH);
        url.query_pairs_mut()
            .append_pair("user_ids", &ids.join(","))
            .append_pair("fields", FIELDS)
            .append_pair("limit", &AT_ONCE.to_string());
        self.session
            .get(&url, Resource::Users, |body| {
                let more = headers::has_next_page(&body.headers);
                let people: Vec<Box<RawValue>> = body.json()?;
                Ok((people, headers::date(&body.headers).map(DateTime::from), more))
            })
            .await
    }
}
