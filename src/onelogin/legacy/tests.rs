use super::super::Kind;
use super::super::error::{Cause, Class, UnexpectedResponse};
use super::super::retry::{Narrow, Retry};
use super::*;
use std::error::Error as _;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const KEY: &str = "s3cret-key";

const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);

/// `[{"id":1}, {"id":2}]`, gzipped.
const GZIPPED: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x01\x14\0\xeb\xff[{\"id\":1}, {\"id\":2}]\
    \x18H\xbf\xaf\x14\0\0\0";

/// Action of a server on its one connection.
#[derive(Clone, Copy)]
enum Then {
    Close,
    /// Sends nothing more until the client goes.
    Stall,
}

/// A server for one request: reads its head, writes `answer`. Joined, it gives the head.
fn serve(answer: &[u8], then: Then) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let answer = answer.to_vec();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let head = read_head(&mut stream);
        stream.write_all(&answer).unwrap();
        if matches!(then, Then::Stall) {
            // Ends when the client closes or resets; either will do.
            let _ = stream.read(&mut [0]);
        }
        head
    });
    (base_url, server)
}

fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

fn legacy(base_url: &str) -> Legacy {
    let options = Options {
        read_timeout: Duration::from_millis(300),
        request_timeout: REQUEST_TIMEOUT,
        ..Options::new(base_url)
    };
    Legacy::new(&options, KEY.into()).unwrap()
}

/// Reads a whole answer: its records, its length, and the server's clock.
async fn read(base_url: &str) -> Result<(Vec<String>, u64, Option<DateTime<Utc>>), Error> {
    let from = "2026-01-02T03:04:05.999Z".parse().unwrap();
    let to = "2026-01-09T05:04:05+02:00".parse().unwrap();
    let legacy = legacy(base_url);
    let mut answer = legacy.open(from, to).await?;
    let mut records = Vec::new();
    let mut sink = |element: Element<'_>| match element {
        Element::Text(text) => records.push(String::from_utf8_lossy(text).into_owned()),
        Element::TooLarge { .. } => panic!("records are small here"),
    };
    while answer.next(&mut sink).await? {}
    assert!(!answer.next(&mut sink).await?, "the end stays the end");
    let bytes = legacy.meter().bytes();
    Ok((records, bytes, answer.server_now))
}

async fn error_of(answer: &str, then: Then) -> Error {
    let (base_url, _server) = serve(answer.as_bytes(), then);
    let error = read(&base_url).await.unwrap_err();
    let shown =
        format!("{error} {error:?} {}", error.source().map_or(String::new(), ToString::to_string));
    assert!(!shown.contains(KEY) && !shown.contains("start_date"), "{shown}");
    assert!(error.to_string().contains(&base_url), "{error}");
    assert!(error.to_string().contains("/api/v1/logins/failed_provisioning.json"), "{error}");
    error
}

#[tokio::test]
async fn the_request_is_the_documented_one_and_the_records_come_as_they_are() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
        transfer-encoding: chunked\r\n\r\n8\r\n[{\"id\" :\r\nc\r\n1}, {\"id\":2}\r\n2\r\n]\n\r\n0\r\n\r\n";
    let (base_url, server) = serve(answer.as_bytes(), Then::Close);
    let (records, bytes, server_now) = read(&format!("{base_url}/one/")).await.unwrap();
    assert_eq!(records, ["{\"id\" :1}", "{\"id\":2}"]);
    assert_eq!(bytes, 22);
    assert_eq!(server_now, Some("1994-11-06T08:49:37Z".parse().unwrap()));

    let head = server.join().unwrap();
    let (line, headers) = head.split_once("\r\n").unwrap();
    assert_eq!(
        line,
        "GET /one/api/v1/logins/failed_provisioning.json?start_date=2026-01-02T03%3A04%3A05Z\
         &stop_date=2026-01-09T03%3A04%3A05Z HTTP/1.1"
    );
    let headers = headers.to_lowercase();
    assert!(head.contains("Basic czNjcmV0LWtleTp4\r\n"), "{KEY}:x in base 64");
    assert!(headers.contains("accept-encoding: gzip"), "{headers}");
    assert!(headers.contains(concat!("user-agent: onelogin-sync/", env!("CARGO_PKG_VERSION"))));
}

#[tokio::test]
async fn a_gzipped_body_is_read_and_a_cut_one_is_not_a_success() {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        GZIPPED.len()
    );
    let (base_url, _server) = serve(&[head.as_bytes(), GZIPPED].concat(), Then::Close);
    let (records, bytes, server_now) = read(&base_url).await.unwrap();
    assert_eq!((records.len(), bytes, server_now), (2, 20, None));

    // The array is closed, but the checksum that vouches for it is missing.
    let cut = &GZIPPED[..GZIPPED.len() - 8];
    let head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n";
    let (base_url, _server) = serve(&[head.as_bytes(), cut].concat(), Then::Close);
    let error = read(&base_url).await.unwrap_err();
    assert_eq!(error.class().narrow, Narrow::AtOnce);
    assert!(matches!(error.into_cause(), Cause::Undecodable { .. }));
}

#[tokio::test]
async fn a_status_becomes_the_error_a_caller_can_act_on() {
    let cases = [
        (400, Kind::NotThisApi, false, false),
        (401, Kind::Refused, false, false),
        (403, Kind::Refused, false, false),
        (404, Kind::NotThisApi, false, false),
        (408, Kind::Unavailable, true, false),
        (410, Kind::NotThisApi, false, false),
        (413, Kind::NotThisApi, false, true),
        (414, Kind::NotThisApi, false, true),
        (422, Kind::NotThisApi, false, false),
        (206, Kind::NotThisApi, false, false),
        (429, Kind::Unavailable, true, false),
        (500, Kind::Unavailable, true, false),
        (503, Kind::Unavailable, true, false),
        (504, Kind::Unavailable, true, true),
    ];
    for (status, kind, retried, smaller) in cases {
        let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 2\r\n\r\n[]");
        let error = error_of(&answer, Then::Close).await;
        let &Class { kind: seen, retry, narrow, .. } = error.class();
        let seen = (seen, retry == Retry::Backoff, narrow == Narrow::AtOnce);
        assert_eq!(seen, (kind, retried, smaller), "{status}: {error:?}");
        let status = status.to_string();
        let shown =
            format!("{error} {}", error.source().map_or(String::new(), ToString::to_string));
        assert!(shown.contains(&status), "{shown}");
    }
}

#[tokio::test]
async fn a_slow_failure_asks_for_less() {
    let class = |after| {
        let cause = Cause::ServerFailed {
            endpoint: String::new(),
            status: 500,
            of: Resource::Legacy,
            after: Duration::from_secs(after),
            retry: Retry::Backoff,
        };
        let error = Error::from(cause);
        (error.class().narrow, error.class().of_window)
    };
    assert_eq!(class(19), (Narrow::FromSecondAttempt, false));
    assert_eq!(class(20), (Narrow::AtOnce, true));
}

#[tokio::test]
async fn the_headers_about_waiting_reach_the_error() {
    let answer = "HTTP/1.1 429 X\r\nretry-after: 7\r\nx-ratelimit-reset: 30\r\n\
        date: Sun, 06 Nov 1994 08:49:37 GMT\r\ncontent-length: 0\r\n\r\n";
    let error = error_of(answer, Then::Close).await;
    assert_eq!(error.class().retry, Retry::AfterLimit(Duration::from_secs(7)));
}

#[tokio::test]
async fn a_redirect_is_named_and_not_followed() {
    let answer = "HTTP/1.1 302 X\r\nlocation: https://login.example/a?session=hush\r\n\
        content-length: 0\r\n\r\n";
    let error = error_of(answer, Then::Close).await;
    let Cause::NotThisApi { source, .. } = error.into_cause() else { panic!("not that") };
    assert_eq!(
        source,
        UnexpectedResponse::Redirect { status: 302, to: "login.example".to_owned() }
    );
}

#[tokio::test]
async fn a_body_that_is_no_whole_array_is_never_a_success() {
    let close = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
    let truncated: fn(&Cause) -> bool = |cause| matches!(cause, Cause::Truncated { .. });
    let reset = |cause: &Cause| matches!(cause, Cause::Interrupted { .. });
    let garbled = |cause: &Cause| matches!(cause, Cause::Garbled { .. });
    let cases = [
        // A clean end without the closing bracket.
        (format!("{close}[{{\"id\":1}},"), Kind::Unavailable, truncated, true),
        (close.to_owned(), Kind::Unavailable, truncated, false),
        // An end that breaks the framing, even after the closing bracket.
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n[1]".to_owned(),
            Kind::Unavailable,
            reset,
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\n[1]\r\n".to_owned(),
            Kind::Unavailable,
            reset,
            true,
        ),
        // No answer at all.
        (String::new(), Kind::Unavailable, reset, false),
        // An error page after half an answer.
        (format!("{close}[{{\"id\":1}}<html>"), Kind::NotThisApi, garbled, false),
    ];
    for (answer, kind, is_cause, smaller) in cases {
        let error = error_of(&answer, Then::Close).await;
        let &Class { kind: seen, retry, narrow, of_window } = error.class();
        let seen = (seen, retry, narrow == Narrow::AtOnce, of_window);
        assert_eq!(seen, (kind, Retry::Backoff, smaller, false), "{answer}: {error:?}");
        assert!(is_cause(&error.into_cause()), "{answer}");
    }
    for (body, kind) in [
        ("<html>", "a web page (html)"),
        ("{\"data\":[]}", "a JSON object with the key data"),
        ("null", "JSON without a record"),
    ] {
        let error = error_of(&format!("{close}{body}"), Then::Close).await;
        assert_eq!((error.kind(), error.class().retry), (Kind::NotThisApi, Retry::Never), "{body}");
        assert!(error.source().unwrap().to_string().contains(kind), "{error:?}");
    }
}

#[tokio::test]
async fn a_silent_server_is_a_time_out_before_and_within_the_body() {
    for answer in ["", "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n[1,"] {
        let started = Instant::now();
        let error = error_of(answer, Then::Stall).await;
        assert!(started.elapsed() < REQUEST_TIMEOUT / 2, "the read limit is the one that ran out");
        assert_eq!((error.class().narrow, error.class().of_window), (Narrow::AtOnce, true));
        assert!(matches!(error.into_cause(), Cause::TimedOut { .. }));
    }
}

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = read(&base_url).await.unwrap_err();
    assert_eq!((error.class().retry, error.class().narrow), (Retry::Backoff, Narrow::Never));
    assert!(matches!(error.into_cause(), Cause::Unreachable { .. }));
}

#[test]
fn a_key_that_cannot_be_one_is_refused_and_none_is_shown() {
    let options = Options::new("https://api.onelogin.com");
    for key in ["", " ", "key\n", "a b", "key:x"] {
        let error = Legacy::new(&options, key.into()).unwrap_err();
        assert!(matches!(error, ConfigError::ApiKey), "{key:?}");
    }
    let legacy = Legacy::new(&options, KEY.into()).unwrap();
    assert!(!format!("{legacy:?}").contains(KEY));
}

#[tokio::test]
async fn an_answer_without_content_is_an_empty_one() {
    let (base_url, _server) = serve(b"HTTP/1.1 204 X\r\n\r\n", Then::Close);
    let (records, bytes, _) = read(&base_url).await.unwrap();
    assert_eq!((records.len(), bytes), (0, 0));
}

#[tokio::test]
async fn gzip_may_be_written_in_capitals() {
    for name in ["GZIP", "Gzip", "x-gzip", " gzip "] {
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-encoding: {name}\r\nconnection: close\r\n\r\n");
        let (base_url, _server) = serve(&[head.as_bytes(), GZIPPED].concat(), Then::Close);
        assert_eq!(read(&base_url).await.unwrap().0.len(), 2, "{name}");
    }
}

#[tokio::test]
async fn a_refusal_by_a_web_page_is_no_refusal_by_the_api() {
    for status in [401, 403] {
        for (head, body) in [
            ("", "<html><body>Proxy: no, ada@example.com</body></html>"),
            ("content-type: text/html\r\n", "denied"),
        ] {
            let length = body.len();
            let answer =
                format!("HTTP/1.1 {status} X\r\n{head}content-length: {length}\r\n\r\n{body}");
            let error = error_of(&answer, Then::Close).await;
            assert_eq!(error.kind(), Kind::NotThisApi, "{answer}: {error:?}");
            let shown = crate::chain(&error);
            assert!(shown.contains("html") && !shown.contains("ada"), "{shown}");
        }
    }
}

#[tokio::test]
async fn the_body_of_an_error_is_not_waited_for_beyond_5_seconds_and_16_kib() {
    let started = Instant::now();
    let message = r#"{"message":"rate limit exceeded"}"#;
    let stalled = format!("HTTP/1.1 400 X\r\ncontent-length: 99\r\n\r\n{message}");
    let options = Options {
        read_timeout: Duration::from_mins(1),
        ..Options::new(serve(stalled.as_bytes(), Then::Stall).0)
    };
    let legacy = Legacy::new(&options, KEY.into()).unwrap();
    let error = legacy.open(DateTime::UNIX_EPOCH, Utc::now()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable, "what came of it counts: {error:?}");
    let elapsed = started.elapsed();
    assert!(elapsed >= Duration::from_secs(5) && elapsed < Duration::from_secs(15), "{elapsed:?}");

    for (padding, kind) in
        [(16 * 1024 - message.len(), Kind::Unavailable), (16 * 1024, Kind::NotThisApi)]
    {
        let body = format!("{}{message}", " ".repeat(padding));
        let length = body.len();
        let answer = format!("HTTP/1.1 400 X\r\ncontent-length: {length}\r\n\r\n{body}");
        assert_eq!(error_of(&answer, Then::Close).await.kind(), kind, "{padding}");
    }
}
