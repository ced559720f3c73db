//! What the current API wraps its answers in, its errors among them. Several shapes of errors have
//! been seen, and some came under a status of success.

use std::time::Duration;

use reqwest::{Response, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::body_kind;
use super::client::Incoming;
use super::error::{Cause, Error, UnexpectedResponse};
use super::headers;
use super::json_array::Malformed;
use super::resource::Resource;

/// The largest page accepted, in bytes after decompression. A thousand events are about one million.
pub(super) const MAX_PAGE: usize = 64 * 1024 * 1024;
/// Of an error's body, so much is read: its message is at the beginning.
const LONGEST_ERROR: usize = 16 * 1024;

/// An answer of `/api/1`.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope {
    status: Option<Value>,
    pagination: Option<Map<String, Value>>,
    data: Option<Vec<Box<RawValue>>>,
}

/// One page of a list.
#[derive(Debug)]
pub(super) struct Page {
    /// The raw text of each element.
    pub(super) data: Vec<Box<RawValue>>,
    /// The cursor of the page behind it, if there is one.
    pub(super) next: Option<String>,
}

impl Envelope {
    /// The page, unless the envelope holds an error.
    pub(super) fn page(self, body: &Body) -> Result<Page, Error> {
        let next = self.pagination.as_ref().and_then(next_cursor);
        match (self.data, self.status) {
            (_, Some(status)) if status["error"] == Value::Bool(true) => {
                Err(body.error_in(&Value::from_iter([("status".to_owned(), status)])))
            }
            (Some(data), _) => {
                // An empty page is the last, whatever its cursor says.
                Ok(Page { next: next.filter(|_| !data.is_empty()), data })
            }
            (None, _) => Err(body.unexpected()),
        }
    }
}

/// The cursor of the next page. A link that is null means that there is none; one that is absent
/// says nothing. The link itself is not followed: the token is for the configured host only.
fn next_cursor(pagination: &Map<String, Value>) -> Option<String> {
    if pagination.get("next_link") == Some(&Value::Null) {
        return None;
    }
    match pagination.get("after_cursor")? {
        Value::String(cursor) if !cursor.is_empty() => Some(cursor.clone()),
        Value::Number(cursor) => Some(cursor.to_string()),
        _ => None,
    }
}

/// A body of an answer with a status of success, and where it came from.
pub(super) struct Body {
    pub(super) endpoint: String,
    pub(super) of: Resource,
    pub(super) status: StatusCode,
    pub(super) headers: reqwest::header::HeaderMap,
    pub(super) after: Duration,
    pub(super) text: Vec<u8>,
}

impl Body {
    /// Reads the whole body of an answer.
    pub(super) async fn read(mut incoming: Incoming<'_>, of: Resource) -> Result<Self, Error> {
        let mut text = Vec::new();
        while let Some(chunk) = incoming.chunk().await? {
            text.extend_from_slice(&chunk);
            if text.len() > MAX_PAGE {
                let offset = incoming.bytes();
                let source = UnexpectedResponse::Body(Malformed::ElementTooLarge { offset });
                let endpoint = incoming.endpoint().to_owned();
                return Err(Cause::NotThisApi { endpoint, of, source }.into());
            }
        }
        Ok(Self {
            endpoint: incoming.endpoint().to_owned(),
            of,
            status: incoming.status(),
            headers: incoming.headers().clone(),
            after: incoming.after,
            text,
        })
    }

    /// Reads it as JSON.
    pub(super) fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        serde_json::from_slice(&self.text).map_err(|error| {
            let endpoint = self.endpoint.clone();
            let bytes = self.text.len() as u64;
            let began = self.text.iter().find(|byte| !byte.is_ascii_whitespace());
            if error.is_eof() {
                Cause::Truncated { endpoint, bytes, source: Malformed::Truncated { bytes } }.into()
            } else if error.is_syntax() && matches!(began, Some(b'{' | b'[')) {
                // A server that fails half-way appends its error page.
                Cause::Garbled { endpoint, source: Malformed::NotJson }.into()
            } else {
                self.unexpected()
            }
        })
    }

    /// The error that this body is, not being what the resource has.
    pub(super) fn unexpected(&self) -> Error {
        // The error that a body holds, if it holds one, says more.
        if let Ok(value) = serde_json::from_slice::<Value>(&self.text)
            && message(&value).is_some()
        {
            return self.error_in(&value);
        }
        let source = UnexpectedResponse::Shape { kind: body_kind::of(&self.text) };
        Cause::NotThisApi { endpoint: self.endpoint.clone(), of: self.of, source }.into()
    }

    /// The error that a body stands for; its own status, if it has one, counts for more than that of
    /// the answer.
    pub(super) fn error_in(&self, value: &Value) -> Error {
        let code = [&value["status"]["code"], &value["statusCode"], &value["code"]]
            .into_iter()
            .find_map(|code| u16::try_from(code.as_u64()?).ok());
        let status = code.and_then(|code| StatusCode::from_u16(code).ok());
        let message = message(value).unwrap_or_default();
        self.error(status.unwrap_or(self.status), &message)
    }

    fn error(&self, status: StatusCode, message: &str) -> Error {
        let (endpoint, of) = (self.endpoint.clone(), self.of);
        let retry = |status| headers::retry(status, &self.headers);
        let says = |words: &str| message.to_lowercase().contains(words);
        let cause = match status.as_u16() {
            status if status == 429 || says("rate_limit") || says("rate limit") => {
                Cause::RateLimited { endpoint, status, retry: retry(429) }
            }
            status @ (401 | 403) => Cause::Refused { endpoint, status, of },
            status @ 400 if says("authorization") || says("authentication") => {
                Cause::Refused { endpoint, status, of }
            }
            status @ (408 | 500..=599) => Cause::ServerFailed {
                endpoint,
                status,
                of,
                after: self.after,
                retry: retry(status),
            },
            status if message.is_empty() => {
                Cause::NotThisApi { endpoint, of, source: UnexpectedResponse::Status { status } }
            }
            status => {
                let source =
                    UnexpectedResponse::Message { status, kind: body_kind::of(&self.text) };
                Cause::NotThisApi { endpoint, of, source }
            }
        };
        cause.into()
    }
}

/// The error that a status other than success stands for.
pub(super) async fn refusal(
    mut response: Response,
    endpoint: &str,
    of: Resource,
    after: Duration,
) -> Error {
    let status = response.status();
    if status.is_redirection() {
        let to = headers::redirect_host(&response).unwrap_or_else(|| "nowhere".to_owned());
        let source = UnexpectedResponse::Redirect { status: status.as_u16(), to };
        return Cause::NotThisApi { endpoint: endpoint.to_owned(), of, source }.into();
    }
    let mut text = Vec::new();
    // An error whose body cannot be read is told by its status alone.
    while let Ok(Some(chunk)) = response.chunk().await {
        text.extend_from_slice(&chunk);
        if text.len() > LONGEST_ERROR {
            break;
        }
    }
    let value: Value = serde_json::from_slice(&text).unwrap_or_default();
    let headers = response.headers().clone();
    let body = Body { endpoint: endpoint.to_owned(), of, status, headers, after, text };
    body.error(status, &message(&value).unwrap_or_default())
}

/// What an error says, in whichever of the known shapes.
fn message(value: &Value) -> Option<String> {
    [&value["status"]["message"], &value["message"], &value["error_description"]]
        .into_iter()
        .find_map(|message| match message {
            Value::String(text) => Some(text.clone()),
            Value::Object(parts) => Some(parts.get("description")?.as_str()?.to_owned()),
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(status: u16, text: &str) -> Body {
        Body {
            endpoint: "https://api.us.onelogin.com/api/1/events".to_owned(),
            of: Resource::Events,
            status: StatusCode::from_u16(status).unwrap(),
            headers: reqwest::header::HeaderMap::new(),
            after: Duration::ZERO,
            text: text.into(),
        }
    }

    fn page(text: &str) -> Result<Page, Error> {
        let body = body(200, text);
        body.json::<Envelope>()?.page(&body)
    }

    fn next(pagination: &str) -> Option<String> {
        page(&format!(r#"{{"pagination":{pagination},"data":[{{"id":1}}]}}"#)).unwrap().next
    }

    #[test]
    fn the_next_page_is_told_by_a_cursor_beside_a_link() {
        let link = r#""next_link":"https://elsewhere.example/api/1/events?after_cursor=b""#;
        assert_eq!(next(&format!(r#"{{"after_cursor":"b",{link}}}"#)).as_deref(), Some("b"));
        assert_eq!(next(r#"{"after_cursor":"b"}"#).as_deref(), Some("b"), "no link is no word");
        for last in [
            "null",
            "{}",
            r#"{"after_cursor":"b","next_link":null}"#,
            r#"{"after_cursor":null,"next_link":"https://x"}"#,
            r#"{"after_cursor":"","next_link":"https://x"}"#,
        ] {
            assert_eq!(next(last), None, "{last}");
        }
        let empty = r#"{"pagination":{"after_cursor":"b","next_link":"https://x"},"data":[]}"#;
        assert_eq!(page(empty).unwrap().next, None);
    }

    #[test]
    fn an_error_is_one_under_any_status_and_in_any_shape() {
        for (text, expected) in [
            (
                r#"{"status":{"error":true,"code":400,"message":"rate_limit_exceeded"}}"#,
                "limits the rate",
            ),
            (
                r#"{"status":{"error":true,"code":401,"type":"Unauthorized","message":"Authentication Failure"}}"#,
                "Read All",
            ),
            (r#"{"message":"x","name":"UnauthorizedError","statusCode":401}"#, "status 401"),
            (
                r#"{"status":{"error":true,"code":400,"message":{"description":"since is no date","attribute":"since"}}}"#,
                "400 and a JSON object with the key status",
            ),
            (r#"{"status":{"error":false},"data":null}"#, "the keys status, data"),
            ("[]", "but a JSON array"),
            ("<html>", "but a web page"),
            ("null", "but JSON without a record"),
            ("7", "but a JSON number"),
        ] {
            let told = crate::chain(&page(text).unwrap_err());
            assert!(told.contains(expected), "{text}: {told}");
        }
    }

    #[test]
    fn a_body_cut_short_is_told_from_one_of_another_kind() {
        let cause = |text| page(text).unwrap_err().into_cause();
        assert!(matches!(cause(""), Cause::Truncated { bytes: 0, .. }));
        assert!(matches!(cause(r#"{"data":[{"id":1},"#), Cause::Truncated { .. }));
        assert!(matches!(cause(r#"{"data":[{"id":1}<html>"#), Cause::Garbled { .. }));
    }

    #[test]
    fn no_value_of_an_error_is_shown() {
        let named = r#"{"status":{"error":true,"code":400,"message":"no Ada with s3cret here"}}"#;
        let shown = crate::chain(&page(named).unwrap_err());
        assert!(!shown.contains("Ada") && !shown.contains("s3cret"), "{shown}");
    }
}
