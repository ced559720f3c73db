//! The users API: current details of the people that events name.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};

use super::client::Purpose;
use super::error::Error;
use super::events::Events;
use super::page::Page;
use super::resource::Resource;
use super::splitter::{Element, Shape};

const PATH: [&str; 3] = ["api", "2", "users"];
/// No more than is kept.
const FIELDS: &str = "id,email,username,firstname,lastname";

/// Details of some users.
#[derive(Debug)]
pub(crate) struct UsersAnswer {
    /// When they were true, by the server's clock.
    pub answered_at: DateTime<Utc>,
    /// The text of each user, which may be no JSON. Deleted users are missing.
    pub users: Vec<Vec<u8>>,
}

/// Users per request: documented as a page, and no more than a URL can hold.
pub(crate) const USERS_PER_REQUEST: usize = 50;

/// One page of users.
struct UsersPage {
    users: Vec<Vec<u8>>,
    answered_at: Option<DateTime<Utc>>,
    has_more: bool,
}

impl Events {
    /// Requests details of users, at most [`USERS_PER_REQUEST`].
    ///
    /// # Errors
    ///
    /// [`Error`], when no usable answer came.
    pub(crate) async fn users(&self, user_ids: &[i64]) -> Result<UsersAnswer, Error> {
        let mut answered_at = None;
        let mut users = Vec::new();
        let mut pending = VecDeque::from([user_ids]);
        while let Some(some) = pending.pop_front() {
            let page = self.users_page(some).await?;
            // Missing users may be on the next page. Smaller requests find that out without a cursor,
            // which goes with none of the other parameters.
            if page.has_more && page.users.len() < some.len() && some.len() > 1 {
                let (one, other) = some.split_at(some.len() / 2);
                pending.extend([one, other]);
            } else {
                users.extend(page.users);
            }
            // The first answer dates them all: later details must not pass for newer than they are.
            answered_at = answered_at.or(page.answered_at);
        }
        Ok(UsersAnswer { answered_at: answered_at.unwrap_or_else(Utc::now), users })
    }

    async fn users_page(&self, user_ids: &[i64]) -> Result<UsersPage, Error> {
        let ids: Vec<String> = user_ids.iter().map(ToString::to_string).collect();
        let mut url = self.session.client.url(&PATH);
        url.query_pairs_mut()
            .append_pair("user_ids", &ids.join(","))
            .append_pair("fields", FIELDS)
            .append_pair("limit", &USERS_PER_REQUEST.to_string());
        let read = async |incoming| Page::read_all(incoming, Shape::Array).await;
        let mut page = self.session.get(&url, Purpose::new(Resource::Users), read).await?;
        Ok(UsersPage {
            users: texts(&mut page),
            answered_at: page.server_now(),
            has_more: page.has_next(),
        })
    }
}

/// The texts of the records of a page. One above the limit of a record is cut, and so unreadable.
pub(super) fn texts(page: &mut Page<'_>) -> Vec<Vec<u8>> {
    let mut texts = Vec::new();
    let mut own = |element: Element<'_>| {
        let (Element::Text(text) | Element::TooLarge { head: text, .. }) = element;
        texts.push(text.to_vec());
    };
    while page.hand_out(&mut own) {}
    texts
}
