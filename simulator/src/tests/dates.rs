//! Right and wrong clocks of the server, caches, and other answers that differ in their headers.

use super::*;

const NOON: &str = "Fri, 20 Mar 2026 12:00:00 GMT";
const DAY: Duration = Duration::from_hours(24);

/// `Date` and `Age` of an answer, and the number of its records.
async fn dated(onelogin: &Simulator) -> (Option<String>, Option<String>, usize) {
    let answer = request_records(onelogin, "").await.expect("an answer");
    let header = |name: &str| {
        let value = answer.headers().get(name);
        value.map(|value| value.to_str().expect("text").to_owned())
    };
    let (date, age) = (header("date"), header("age"));
    (date, age, json_of(answer).await.as_array().expect("an array").len())
}

#[tokio::test]
async fn a_wrong_date_is_in_one_answer_and_the_records_are_right() {
    let onelogin = start(Config { failures: 720, late_records: 0, ..Config::default() });
    let all = dated(&onelogin).await.2;
    let text = |text: &str| Some(text.to_owned());
    for (fault, date, age) in [
        (Fault::DateAhead(365 * DAY), text("Sat, 20 Mar 2027 12:00:00 GMT"), None),
        (Fault::DateBehind(2 * DAY), text("Wed, 18 Mar 2026 12:00:00 GMT"), None),
        (Fault::NoDate, None, None),
        (Fault::Age(DAY), text(NOON), text("86400")),
    ] {
        onelogin.fail_next([fault]);
        assert_eq!(dated(&onelogin).await, (date, age, all), "{fault:?}");
        assert_eq!(dated(&onelogin).await, (text(NOON), None, all), "{fault:?}");
    }
}

#[tokio::test]
async fn a_cached_answer_is_as_of_then_with_its_date_and_age() {
    let onelogin = start(Config { failures: 720, late_records: 0, ..Config::default() });
    let before = dated(&onelogin).await.2;
    onelogin.advance(DAY);
    onelogin.fail_next([Fault::Cached(DAY)]);

    let (date, age, records) = dated(&onelogin).await;

    assert_eq!((date.as_deref(), age.as_deref(), records), (Some(NOON), Some("86400"), before));
    assert!(dated(&onelogin).await.2 > before, "a day without a failure");
}

#[tokio::test]
async fn a_configured_date_is_in_every_answer_the_refused_ones_too() {
    for (date, shown) in [
        (DateHeader::Ahead(DAY), Some("Sat, 21 Mar 2026 12:00:00 GMT")),
        (DateHeader::Behind(DAY), Some("Thu, 19 Mar 2026 12:00:00 GMT")),
        (DateHeader::Absent, None),
    ] {
        let onelogin = start(Config { date, ..Config::default() });
        assert_eq!(dated(&onelogin).await.0.as_deref(), shown, "{date:?}");
        for path in [TOKEN_PATH, EVENTS_PATH, "/nowhere"] {
            let answer = client().get(format!("{}{path}", onelogin.url())).send().await;
            let answer = answer.expect("an answer");
            let date = answer.headers().get("date").map(|date| date.to_str().expect("text"));
            assert_eq!(date, shown, "{path}");
        }
    }
}

#[tokio::test]
async fn gzip_in_capitals_is_gzip_and_a_204_has_no_body() {
    let onelogin = start(Config::default());
    onelogin.fail_next([Fault::GzipInCapitals, Fault::NoContent]);
    let url = format!("{}{LEGACY_PATH}", onelogin.url());
    let plain = Client::builder().no_proxy().no_gzip().build().expect("a client");
    let request = plain.get(url).basic_auth(onelogin.key(), Some("x"));
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.headers()["content-encoding"], "GZIP");
    let body = answer.bytes().await.expect("a body");
    let mut text = String::new();
    let mut decoder = flate2::read::GzDecoder::new(&body[..]);
    std::io::Read::read_to_string(&mut decoder, &mut text).expect("gzip");
    assert!(serde_json::from_str::<Vec<Value>>(&text).is_ok_and(|records| !records.is_empty()));
    let empty = request_records(&onelogin, "").await.expect("an answer");
    assert_eq!(empty.status(), 204);
    assert_eq!(empty.text().await.expect("no body"), "");
}
