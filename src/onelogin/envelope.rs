//! The text around the records of the current API, and its errors. Several forms of errors have been
//! seen, and some came under a status of success.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::body_kind;
use super::client::Incoming;
use super::error::{Cause, Error, UnexpectedResponse};
use super::headers;
use super::malformed::Malformed;
use super::next_page::{Following, is_set};
use super::quote;
use super::resource::Resource;
use super::splitter::BOM;

/// Bytes of a body that is read as a whole: a token has a few hundred.
const LONGEST_BODY: usize = 1024 * 1024;
/// Bytes of the body of an error: its message is at the beginning.
const LONGEST_ERROR: usize = 16 * 1024;
/// Time for the body of an error: its status is known already.
const ERROR_WITHIN: Duration = Duration::from_secs(5);

/// The text of a page of `/api/1` around its records.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope {
    status: Option<Value>,
    pagination: Option<Map<String, Value>>,
    data: Option<Vec<IgnoredAny>>,
    /// These are in errors only, of this API and of others.
    error: Option<Value>,
    errors: Option<Value>,
    code: Option<Value>,
    #[serde(rename = "statusCode")]
    status_code: Option<Value>,
    message: Option<Value>,
    success: Option<Value>,
}

impl Envelope {
    /// Reads the text of a page, its records left out, unless it is an error.
    pub(super) fn read(
        incoming: &Incoming<'_>,
        text: &[u8],
        has_records: bool,
    ) -> Result<Self, Error> {
        Body::new(incoming, text.to_vec()).page(has_records)
    }

    /// Checks for the keys of an error beside `data`, unless a status shows a success. A message is one only if there is
    /// nothing else: neither a record nor anything of a page.
    fn is_error(&self, has_records: bool) -> bool {
        if self.status.is_some() {
            return false;
        }
        let codes = [&self.code, &self.status_code].into_iter().flatten();
        let codes: Vec<u16> = codes.filter_map(code_of).collect();
        let has_error = [&self.error, &self.errors].into_iter().flatten().any(is_set);
        let is_success = codes.iter().any(|code| (200..300).contains(code))
            || self.success.as_ref().is_some_and(is_set)
            || self.pagination.is_some();
        let has_message = self.message.as_ref().is_some_and(|message| {
            is_set(message) && message.as_str().is_none_or(|text| !is_success_text(text))
        });
        codes.iter().any(|code| (400..600).contains(code))
            || has_error
            || (has_message && !has_records && !is_success)
    }

    /// Checks whether it has neither a status nor anything about pages.
    pub(super) fn is_bare(&self) -> bool {
        self.status.is_none() && self.pagination.is_none()
    }

    /// The page after this one.
    pub(super) fn following(&self) -> Following {
        Following::read(self.pagination.as_ref())
    }
}

/// Checks whether a text is an answer that shows an error.
pub(super) fn shows_error(text: &[u8]) -> bool {
    let envelope: Result<Envelope, _> = serde_json::from_slice(text);
    envelope.is_ok_and(|envelope| {
        envelope.status.as_ref().is_some_and(|status| !is_success(status))
            || envelope.is_error(false)
    })
}

/// The body of an answer, and where it came from.
pub(super) struct Body {
    endpoint: String,
    of: Resource,
    status: StatusCode,
    pub(super) headers: HeaderMap,
    after: Duration,
    text: Vec<u8>,
}

impl Body {
    fn new(incoming: &Incoming<'_>, text: Vec<u8>) -> Self {
        Self {
            endpoint: incoming.endpoint().to_owned(),
            of: incoming.of(),
            status: incoming.status(),
            headers: incoming.headers().clone(),
            after: incoming.after,
            text,
        }
    }

    /// Reads the body of a short answer.
    pub(super) async fn read(mut incoming: Incoming<'_>) -> Result<Self, Error> {
        let mut text = Vec::new();
        while let Some(chunk) = incoming.chunk().await? {
            text.extend_from_slice(&chunk);
            if text.len() > LONGEST_BODY {
                return Err(Error::body(&incoming, Malformed::TooLarge { limit: "1 MiB" }));
            }
        }
        Ok(Self::new(&incoming, text))
    }

    /// Reads it as the text of a page, unless it is an error.
    fn page(&self, has_records: bool) -> Result<Envelope, Error> {
        let envelope: Envelope = self.json()?;
        match (&envelope.data, &envelope.status) {
            (_, Some(status)) if !is_success(status) => {
                Err(self.error_in(&Value::from_iter([("status".to_owned(), status.clone())])))
            }
            (Some(_), _) if !envelope.is_error(has_records) => Ok(envelope),
            (Some(_), _) => Err(self.error_in(&self.json().unwrap_or_default())),
            (None, _) => Err(self.unexpected()),
        }
    }

    /// Reads it as JSON.
    pub(super) fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        let text = self.text.strip_prefix(BOM).unwrap_or(&self.text);
        serde_json::from_slice(text).map_err(|error| {
            let endpoint = self.endpoint.clone();
            let bytes = self.text.len() as u64;
            let began = text.iter().find(|byte| !byte.is_ascii_whitespace());
            if error.is_eof() {
                let source = Malformed::Truncated { bytes };
                Cause::Truncated { endpoint, bytes, source }.into()
            } else if error.is_syntax() && matches!(began, Some(b'{' | b'[')) {
                // A server that fails half-way appends its error page.
                let source = Malformed::NotJson { offset: error.column() as u64 };
                Cause::Garbled { endpoint, source }.into()
            } else {
                self.unexpected()
            }
        })
    }

    /// The error that this body is, not being what the resource has.
    pub(super) fn unexpected(&self) -> Error {
        // The error that a body holds, if it holds one, explains more.
        if let Ok(value) = serde_json::from_slice::<Value>(&self.text)
            && message(&value).is_some()
        {
            return self.error_in(&value);
        }
        let source = UnexpectedResponse::Keys { kind: body_kind::of(&self.text) };
        Cause::NotThisApi { endpoint: self.endpoint.clone(), of: self.of, source }.into()
    }

    /// The error in a body; its own status, if it has one, counts for more than that of the answer.
    fn error_in(&self, value: &Value) -> Error {
        let code = [&value["status"]["code"], &value["statusCode"], &value["code"]]
            .into_iter()
            .find_map(code_of);
        let status = code.and_then(|code| StatusCode::from_u16(code).ok());
        let message = message(value).unwrap_or_default();
        self.error(status.unwrap_or(self.status), &message)
    }

    fn error(&self, status: StatusCode, message: &str) -> Error {
        let (endpoint, of) = (self.endpoint.clone(), self.of);
        let retry = |status| headers::retry(status, &self.headers);
        let has = |text: &str| message.to_lowercase().contains(text);
        let cause = match status.as_u16() {
            status if status == 429 || has("rate_limit") || has("rate limit") => {
                Cause::RateLimited { endpoint, status, retry: retry(429) }
            }
            status @ (401 | 403) if self.is_web_page() => {
                let kind = "a web page (html)".to_owned();
                let source = UnexpectedResponse::Message { status, kind };
                Cause::NotThisApi { endpoint, of, source }
            }
            status @ (401 | 403) => Cause::Refused { endpoint, status, of },
            status @ 400 if has("authorization") || has("authentication") => {
                Cause::Refused { endpoint, status, of }
            }
            status @ (408 | 500..=599) => Cause::ServerFailed {
                endpoint,
                status,
                of,
                after: self.after,
                retry: retry(status),
            },
            status @ (400 | 404 | 410 | 422) if of == Resource::Events && has("cursor") => {
                Cause::CursorRefused { endpoint, status }
            }
            status @ (400 | 413 | 414 | 422)
                if of == Resource::Events
                    && !self.is_web_page()
                    && quote::of(message).is_some() =>
            {
                let message = quote::of(message).unwrap_or_default();
                Cause::NotAccepted { endpoint, status, message }
            }
            status @ (400 | 422) if of == Resource::Users && !self.is_web_page() => {
                let message = quote::of(message).unwrap_or_else(|| body_kind::of(&self.text));
                Cause::NotAccepted { endpoint, status, message }
            }
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

    /// Checks whether a proxy answered instead, or a login page.
    fn is_web_page(&self) -> bool {
        let began = self.text.trim_ascii_start().first();
        match began {
            Some(b'<') => true,
            Some(b'{' | b'[') | None => false,
            Some(_) => headers::is_html(&self.headers),
        }
    }
}

/// The error of a status other than success.
pub(super) async fn refusal(mut incoming: Incoming<'_>) -> Error {
    let status = incoming.status();
    if status.is_redirection() {
        let to = incoming.redirect_host().unwrap_or_else(|| "nowhere".to_owned());
        let source = UnexpectedResponse::Redirect { status: status.as_u16(), to };
        let endpoint = incoming.endpoint().to_owned();
        return Cause::NotThisApi { endpoint, of: incoming.of(), source }.into();
    }
    let mut text = Vec::new();
    let read = async {
        // If the body cannot be read, the status alone makes the error.
        while let Ok(Some(chunk)) = incoming.chunk().await {
            text.extend_from_slice(&chunk);
            if text.len() > LONGEST_ERROR {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(ERROR_WITHIN, read).await;
    text.truncate(LONGEST_ERROR);
    let value: Value =
        serde_json::from_slice(text.strip_prefix(BOM).unwrap_or(&text)).unwrap_or_default();
    Body::new(&incoming, text).error(status, &message(&value).unwrap_or_default())
}

/// Checks whether the `status` of a page shows no error: in an answer that somebody changed, or of a server that
/// fails, an error may come with a status of 200 and no records, and would be taken for an empty page.
fn is_success(status: &Value) -> bool {
    let status = match status {
        Value::Null => return true,
        Value::String(text) => return is_success_text(text),
        Value::Object(status) => status,
        status => return is_success_code(status),
    };
    let has_error = status.get("error").is_some_and(is_set);
    let code = status.get("code").filter(|code| !code.is_null());
    // Where nothing else shows it.
    let kind = status.get("type").and_then(Value::as_str).filter(|kind| !kind.is_empty());
    let is_kind_of_success = || status.contains_key("error") || kind.is_none_or(is_success_text);
    !has_error && code.map_or_else(is_kind_of_success, is_success_code)
}

fn is_success_code(code: &Value) -> bool {
    code_of(code).is_some_and(|code| (200..300).contains(&code))
        || code.as_str().is_some_and(is_success_text)
}

fn is_success_text(text: &str) -> bool {
    let text = text.to_lowercase();
    text == "ok" || text.starts_with("succe")
}

/// A status as a number, or as its text.
fn code_of(code: &Value) -> Option<u16> {
    match code {
        Value::String(text) => text.trim().parse().ok(),
        code => u16::try_from(code.as_u64()?).ok(),
    }
}

/// The message of an error, in whichever of the known forms.
fn message(value: &Value) -> Option<String> {
    let status = &value["status"];
    let message = &value["message"];
    [&status["message"], message, &value["error_description"], &status["error"], status]
        .into_iter()
        .find_map(|message| match message {
            Value::String(text) => Some(text.clone()),
            Value::Object(parts) => Some(parts.get("description")?.as_str()?.to_owned()),
            _ => None,
        })
}

#[cfg(test)]
mod tests;
