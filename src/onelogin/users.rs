//! The users API: current details of the people that events name.

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
    /// Time of the answer, by the server's clock.
    pub answered_at: DateTime<Utc>,
    /// The text of each user, which may be no JSON. Deleted users are missing.
    pub users: Vec<Vec<u8>>,
}

/// Users per request at first: documented as a page, and no more than a URL can hold.
pub(super) const USERS_PER_REQUEST: usize = 50;

/// One page of users.
struct UsersPage {
    users: Vec<Vec<u8>>,
    answered_at: Option<DateTime<Utc>>,
    has_more: bool,
    /// Number of users found on all pages, if the server gives it.
    total: Option<u64>,
}

impl UsersPage {
    /// Returns whether users are missing that the server has. A total above the number requested is not
    /// the total of this request.
    fn is_cut(&self, requested: usize) -> bool {
        let came = self.users.len();
        let is_short = |total| (came as u64 + 1..=requested as u64).contains(&total);
        came < requested && (self.has_more || self.total.is_some_and(is_short))
    }
}

impl Events {
    /// Number of users to request at once: fewer after the server took fewer.
    #[must_use]
    pub(crate) fn users_per_request(&self) -> usize {
        self.users_per_request.get()
    }

    /// Requests details of users, in parts if the server does not take them all at once.
    ///
    /// # Errors
    ///
    /// [`Error`], when no usable answer came.
    pub(crate) async fn users(&self, user_ids: &[i64]) -> Result<UsersAnswer, Error> {
        let mut answered_at = None;
        let mut users = Vec::new();
        let mut left = user_ids;
        while !left.is_empty() {
            let (some, rest) = left.split_at(left.len().min(self.users_per_request()));
            let can_halve = some.len() > 1;
            match self.users_page(some).await {
                // Smaller requests find the missing users without a cursor, which goes with none of the
                // other parameters.
                Ok(page) if can_halve && page.is_cut(some.len()) => self.request_half(some),
                Err(error) if can_halve && error.is_bad_request() => self.request_half(some),
                Err(error) => return Err(error),
                Ok(page) => {
                    users.extend(page.users);
                    // The first answer dates them all: later details must not pass for newer than they
                    // are.
                    answered_at = answered_at.or(page.answered_at);
                    left = rest;
                }
            }
        }
        Ok(UsersAnswer { answered_at: answered_at.unwrap_or_else(Utc::now), users })
    }

    fn request_half(&self, too_many: &[i64]) {
        self.users_per_request.set(too_many.len() / 2);
        tracing::debug!(
            users = too_many.len() / 2,
            "the users API took fewer users than requested; requesting fewer at once"
        );
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
            total: page.total(),
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
