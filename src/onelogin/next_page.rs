//! The way from a page of the current API to the next.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value};
use url::Url;

use super::splitter::Element;

/// The path of events, below which a link is taken for one to their next page.
const EVENTS_PATH: &str = "/api/1/events";
/// An address of that path, to which links without a host are relative.
const RELATIVE_TO: &str = "https://localhost/api/1/events";
/// The parameters of a link that lead to a page, the best one first.
const PARAMETERS: [&str; 3] = ["after_cursor", "cursor", "page"];

/// Keys of `pagination` that stand for what follows.
const MORE: [&str; 13] = [
    "aftercursor",
    "hasmore",
    "hasnext",
    "hasnextpage",
    "more",
    "next",
    "nextcursor",
    "nextlink",
    "nextpage",
    "nextpagetoken",
    "nexttoken",
    "nexturl",
    "cursor",
];
/// The parameters of a request for the first page.
const OURS: [&str; 5] = ["since", "until", "event_type_id", "sort", "limit"];

/// The parameter that requests a page.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct NextPage {
    pub(super) name: &'static str,
    pub(super) value: String,
}

/// The page after another, as that one's answer names it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Following {
    /// This page.
    Page {
        at: NextPage,
        /// True if there is a link beside its cursor, or instead of it.
        has_link: bool,
    },
    /// The answer has the keys for it, without values.
    End,
    /// The answer names a page, but in a form that is not known here.
    Unreadable,
    /// The answer does not show whether another page follows.
    #[default]
    Unknown,
}

impl Following {
    /// Reads it from the object `pagination`. No link is followed, because the token is for the configured
    /// host only: where there is no cursor, the value of the link's parameter is taken. Nor is a null link the
    /// end: servers leave it null before the last page.
    pub(super) fn read(pagination: Option<&Map<String, Value>>) -> Self {
        let Some(pagination) = pagination else { return Self::Unknown };
        let cursor = match pagination.get("after_cursor") {
            Some(Value::String(cursor)) if !cursor.is_empty() => Some(cursor.clone()),
            Some(Value::Number(cursor)) => Some(cursor.to_string()),
            _ => None,
        };
        let link = pagination.get("next_link").and_then(Value::as_str);
        let link = link.filter(|link| !link.is_empty());
        let cursor = cursor.map(|value| NextPage { name: PARAMETERS[0], value });
        match cursor.or_else(|| link.and_then(in_link)) {
            Some(at) => Self::Page { at, has_link: link.is_some() },
            None if pagination.iter().any(|(key, value)| names_more(key, value)) => {
                Self::Unreadable
            }
            None if pagination.keys().any(|key| MORE.contains(&plain(key).as_str())) => Self::End,
            None => Self::Unknown,
        }
    }
}

/// A key as servers write it, with underscores, hyphens or capitals.
fn plain(key: &str) -> String {
    key.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase()).collect()
}

/// Checks whether a key of `pagination` stands for what follows, and its value for something.
fn names_more(key: &str, value: &Value) -> bool {
    match (plain(key).as_str(), value) {
        ("hasmore" | "hasnext" | "hasnextpage" | "more", value) => {
            value == &Value::Bool(true) || value.as_u64() == Some(1) || value == "true"
        }
        ("nextlink" | "next" | "nextpage" | "nexturl", Value::String(link))
            if link.contains(['/', '?']) =>
        {
            leads_on(link)
        }
        (key, value) => MORE.contains(&key) && is_set(value),
    }
}

/// Checks for a parameter beside those of every request: a link without one leads to the page that it is on.
fn leads_on(link: &str) -> bool {
    let is_more = |key: &str, value: &str| !OURS.contains(&key) && !value.is_empty();
    resolved(link).is_some_and(|link| link.query_pairs().any(|(key, value)| is_more(&key, &value)))
}

fn resolved(link: &str) -> Option<Url> {
    Url::parse(RELATIVE_TO).ok()?.join(link).ok()
}

/// Checks whether a value is none of those that stand for nothing.
pub(super) fn is_set(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) => true,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => {
            !["", "0", "false", "none", "null"].contains(&text.to_lowercase().as_str())
        }
        Value::Array(values) => values.iter().any(is_set),
        Value::Object(values) => values.values().any(is_set),
    }
}

/// The parameter of a link to another page of events, on whatever host.
fn in_link(link: &str) -> Option<NextPage> {
    let link = resolved(link)?;
    if !link.path().trim_end_matches('/').ends_with(EVENTS_PATH) {
        return None;
    }
    PARAMETERS.iter().find_map(|name| {
        let (_, value) =
            link.query_pairs().find(|(key, value)| key == name && !value.is_empty())?;
        Some(NextPage { name, value: value.into_owned() })
    })
}

/// Records of a page that are compared with those of another: memory must not grow with a page.
const MOST_COMPARED: u64 = 10_000;

/// The records of a page and of the one before it, by their hashes.
#[derive(Debug, Default)]
pub(super) struct Progress {
    records: u64,
    page: Vec<u64>,
    before: HashSet<u64>,
    /// All pages so far, each as one hash.
    pages: HashSet<u64>,
    /// Empty pages in a row.
    empty: u32,
}

/// The difference between a page and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageEnd {
    pub(super) records: u64,
    /// True if it has records, and all of them were on the page before it. Pages of very many are not
    /// compared.
    pub(super) is_repeated: bool,
    /// True if it has records, and the same page came before, whenever that was.
    pub(super) is_known: bool,
    /// Different pages so far.
    pub(super) pages: usize,
    /// Empty pages in a row, this one included.
    pub(super) empty: u32,
}

impl Progress {
    pub(super) fn see(&mut self, element: &Element<'_>) {
        self.records += 1;
        if self.records > MOST_COMPARED {
            return;
        }
        let mut hasher = DefaultHasher::new();
        match element {
            Element::Text(text) => text.hash(&mut hasher),
            Element::TooLarge { digest, .. } => digest.hash(&mut hasher),
        }
        self.page.push(hasher.finish());
    }

    /// Records on the page so far.
    pub(super) fn records(&self) -> u64 {
        self.records
    }

    /// Ends a page.
    pub(super) fn end_page(&mut self) -> PageEnd {
        let records = std::mem::take(&mut self.records);
        let is_repeated = (1..=MOST_COMPARED).contains(&records)
            && self.page.iter().all(|hash| self.before.contains(hash));
        let mut hasher = DefaultHasher::new();
        (records, &self.page).hash(&mut hasher);
        let is_known = records > 0 && !self.pages.insert(hasher.finish());
        self.empty = if records == 0 { self.empty + 1 } else { 0 };
        self.before = self.page.drain(..).collect();
        PageEnd { records, is_repeated, is_known, pages: self.pages.len(), empty: self.empty }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn following(pagination: &str) -> Following {
        let pagination: Map<String, Value> = serde_json::from_str(pagination).unwrap();
        Following::read(Some(&pagination))
    }

    fn page(name: &'static str, value: &str, has_link: bool) -> Following {
        Following::Page { at: NextPage { name, value: value.to_owned() }, has_link }
    }

    #[test]
    fn a_cursor_leads_to_the_next_page_whatever_the_link_is() {
        let link = r#""next_link":"https://elsewhere.example/api/1/events?after_cursor=c""#;
        let expected = page("after_cursor", "b", true);
        assert_eq!(following(&format!(r#"{{"after_cursor":"b",{link}}}"#)), expected);
        let expected = page("after_cursor", "b", false);
        assert_eq!(following(r#"{"after_cursor":"b"}"#), expected);
        assert_eq!(following(r#"{"after_cursor":"b","next_link":null}"#), expected);
        assert_eq!(following(r#"{"after_cursor":7}"#), page("after_cursor", "7", false));
    }

    #[test]
    fn a_cursor_that_only_the_link_has_is_taken_from_its_query() {
        for (link, name, value) in [
            ("https://x.example/api/1/events?after_cursor=b%3D", "after_cursor", "b="),
            ("https://x.example/api/1/events?page=1&cursor=c", "cursor", "c"),
            ("https://x.example/proxy/api/1/events/?limit=5&page=2", "page", "2"),
            ("/api/1/events?page=2", "page", "2"),
            ("?page=2", "page", "2"),
        ] {
            for cursor in ["", r#""after_cursor":null,"#, r#""after_cursor":"","#] {
                let pagination = format!(r#"{{{cursor}"next_link":"{link}"}}"#);
                assert_eq!(following(&pagination), page(name, value, true), "{pagination}");
            }
        }
    }

    #[test]
    fn only_keys_without_values_are_the_end() {
        for end in [
            r#"{"after_cursor":null}"#,
            r#"{"next_link":null}"#,
            r#"{"after_cursor":"","next_link":""}"#,
            r#"{"has_more":false}"#,
            r#"{"has_more":"no","next":null}"#,
            r#"{"after_cursor":null,"next_link":"none"}"#,
            r#"{"after_cursor":null,"next_link":{"href":null}}"#,
            r#"{"after_cursor":null,"next_link":"https://x.example/api/1/events"}"#,
            // The page itself.
            r#"{"next_link":"https://x.example/api/1/events?since=a&until=b&event_type_id=61&limit=5"}"#,
            r#"{"next_link":"https://x.example/api/1/events?after_cursor="}"#,
        ] {
            assert_eq!(following(end), Following::End, "{end}");
        }
        for unknown in ["{}", r#"{"before_cursor":null}"#, r#"{"created_after":"2026"}"#] {
            assert_eq!(following(unknown), Following::Unknown, "{unknown}");
        }
        for unreadable in [
            r#"{"after_cursor":null,"next_link":"https://x.example?starting_after=7"}"#,
            r#"{"next_link":"https://x.example/api/1/events?offset=50"}"#,
            r#"{"after_cursor":null,"next_link":{"href":"/api/1/events?page=2"}}"#,
            r#"{"after_cursor":null,"hasMore":true}"#,
            r#"{"after_cursor":null,"next":"eyJpZCI6NX0"}"#,
            r#"{"next_link":"https://x.example/api/1/users?after_cursor=b"}"#,
            r#"{"after_cursor":["b"],"next_link":null}"#,
            r#"{"after_cursor":true,"next_link":null}"#,
            r#"{"after_cursor":null,"has_more":true}"#,
            r#"{"after_cursor":null,"next_cursor":"b"}"#,
        ] {
            assert_eq!(following(unreadable), Following::Unreadable, "{unreadable}");
        }
        assert_eq!(Following::read(None), Following::Unknown);
    }

    #[test]
    fn a_page_is_compared_with_the_one_before_it() {
        let mut progress = Progress::default();
        let mut ends = Vec::new();
        for records in [&["1", "2"][..], &["2", "3"], &["3", "2"], &[], &[], &["2"], &["1", "2"]] {
            for text in records {
                progress.see(&Element::Text(text.as_bytes()));
            }
            let PageEnd { records, is_repeated, is_known, empty, .. } = progress.end_page();
            ends.push((records, is_repeated, is_known, empty));
        }
        let expected = [
            (2, false, false, 0),
            (2, false, false, 0),
            (2, true, false, 0),
            (0, false, false, 1),
            (0, false, false, 2),
            (1, false, false, 0),
            (2, false, true, 0),
        ];
        assert_eq!(ends, expected);
    }
}
