//! The users API: current details of the people that events name.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::client::Purpose;
use super::error::{Cause, Error};
use super::events::Events;
use super::page::Page;
use super::resource::Resource;
use super::splitter::{Element, Shape};

const PATH: [&str; 3] = ["api", "2", "users"];
/// No more than is kept.
const FIELDS: &str = "id,email,username,firstname,lastname";

/// An answer to a request for some users.
#[derive(Debug)]
pub(crate) enum UsersAnswer {
    /// All details that the server has of them.
    Complete(UserDetails),
    /// The server has more than it gave: fewer users have to be requested at once.
    Cut,
    /// The server does not take these ids, or not as many.
    Refused(Error),
}

/// Details of some users.
#[derive(Debug)]
pub(crate) struct UserDetails {
    /// Time of the answer, by the server's clock.
    pub answered_at: DateTime<Utc>,
    /// The text of each user, which may be no JSON. Deleted users are missing.
    pub users: Vec<Vec<u8>>,
}

/// Users per request at first: documented as a page, and no more than a URL can hold.
pub(crate) const USERS_PER_REQUEST: usize = 50;

/// One page of users.
struct UsersPage {
    endpoint: String,
    users: Vec<Vec<u8>>,
    answered_at: Option<DateTime<Utc>>,
    has_more: bool,
    /// Number of users found on all pages, if the server gives it.
    total: Option<u64>,
    /// Number of pages with users found, if the server gives it.
    pages: Option<u64>,
}

/// The id of a user in an answer.
#[derive(Deserialize)]
struct OwnId {
    id: Value,
}

impl UsersPage {
    /// Returns whether it has more users who were not requested than who were, and lacks some of these. A few may be
    /// others: accounts that were merged.
    fn is_unfiltered(&self, requested: &[i64]) -> bool {
        let ids = self.users.iter().filter_map(|user| {
            let OwnId { id } = serde_json::from_slice(user).ok()?;
            id.as_i64().or_else(|| id.as_str()?.trim().parse().ok())
        });
        let (came, others): (Vec<i64>, Vec<i64>) = ids.partition(|id| requested.contains(id));
        others.len() > came.len() && !requested.iter().all(|id| came.contains(id))
    }

    /// Returns whether users are missing that the server has. A total above the number requested is not
    /// the total of this request.
    fn is_cut(&self, requested: usize) -> bool {
        let (came, requested) = (self.users.len() as u64, requested as u64);
        let is_short = |total| total > came && total <= requested;
        // All pages but the last are as long as this one.
        let least = self
            .pages
            .filter(|_| came > 0)
            .map(|pages| pages.saturating_sub(1).saturating_mul(came).saturating_add(1));
        came < requested
            && (self.has_more || [self.total, least].into_iter().flatten().any(is_short))
    }
}

impl Events {
    /// Requests details of users, all at once.
    ///
    /// # Errors
    ///
    /// [`Error`], when no usable answer came.
    pub(crate) async fn users(&self, user_ids: &[i64]) -> Result<UsersAnswer, Error> {
        match self.users_page(user_ids).await {
            Ok(page) if page.is_unfiltered(user_ids) => {
                Err(Cause::NotFiltered { endpoint: page.endpoint }.into())
            }
            // Smaller requests find the missing users without a cursor, which goes with none of the
            // other parameters.
            Ok(page) if user_ids.len() > 1 && page.is_cut(user_ids.len()) => Ok(UsersAnswer::Cut),
            Ok(UsersPage { users, answered_at, .. }) => {
                let answered_at = answered_at.unwrap_or_else(Utc::now);
                Ok(UsersAnswer::Complete(UserDetails { answered_at, users }))
            }
            Err(error) if error.is_refusal_of(user_ids.len()) => Ok(UsersAnswer::Refused(error)),
            Err(error) => Err(error),
        }
    }

    async fn users_page(&self, user_ids: &[i64]) -> Result<UsersPage, Error> {
        let ids: Vec<String> = user_ids.iter().map(ToString::to_string).collect();
        let mut url = self.api.client.url(&PATH);
        url.query_pairs_mut()
            .append_pair("user_ids", &ids.join(","))
            .append_pair("fields", FIELDS)
            .append_pair("limit", &USERS_PER_REQUEST.to_string());
        let read = async |incoming| Page::read_all(incoming, Shape::Array).await;
        let mut page = self.api.get(&url, Purpose::new(Resource::Users), read).await?;
        Ok(UsersPage {
            endpoint: page.endpoint().to_owned(),
            users: texts(&mut page),
            answered_at: page.server_now(),
            has_more: page.has_next(),
            total: page.total(),
            pages: page.pages(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_others_mostly_is_not_filtered() {
        for (users, is_unfiltered) in [
            (&[r#"{"id":1}"#, r#"{"id":"2"}"#][..], false),
            (&[r#"{"id":1}"#], false),
            (&[], false),
            (&[r#"{"id":1}"#, r#"{"id":2}"#, r#"{"id":3}"#], false),
            (&[r#"{"id":1}"#, r#"{"id":3}"#], false),
            (&[r#"{"id":1}"#, r#"{"id":3}"#, r#"{"id":4}"#], true),
            (&[r#"{"id":3}"#], true),
            (&["no user"], false),
        ] {
            let page = UsersPage {
                endpoint: String::new(),
                users: users.iter().map(|user| user.as_bytes().to_vec()).collect(),
                answered_at: None,
                has_more: false,
                total: None,
                pages: None,
            };
            assert_eq!(page.is_unfiltered(&[1, 2]), is_unfiltered, "{users:?}");
        }
    }

    #[test]
    fn an_answer_is_cut_if_its_headers_count_more_users_or_pages() {
        for (came, has_more, total, pages, is_cut) in [
            (50, false, Some(50), Some(1), false),
            (10, true, None, None, true),
            (10, false, Some(50), None, true),
            (10, false, None, Some(5), true),
            (10, false, Some(10), Some(5), true),
            (10, false, None, Some(1), false),
            (10, false, None, None, false),
            (0, false, Some(0), Some(0), false),
            // Those of the whole directory.
            (10, false, Some(4_000), Some(400), false),
            (50, true, Some(4_000), Some(80), false),
        ] {
            let users = vec![Vec::new(); came];
            let endpoint = String::new();
            let page = UsersPage { endpoint, users, answered_at: None, has_more, total, pages };
            assert_eq!(page.is_cut(50), is_cut, "{came} {has_more} {total:?} {pages:?}");
        }
    }
}
