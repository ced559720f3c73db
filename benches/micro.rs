//! The work per record: finding its end, reading it into a batch, hashing.
//!
//! `cargo bench` gives times and allocations. `benches/instructions.sh` counts instructions, which are
//! the same on a noisy machine.

use chrono::{DateTime, TimeDelta, Utc};
use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher, black_box};
use onelogin_simulator::{EventRecord, Record};
use onelogin_sync::internals::{
    self, Batch, Element, ErrorText, ErrorTexts, EventSelection, FAILURES, Origin, Shape,
    SourceKind, Splitter,
};

/// Counts allocations, beside the times.
#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

/// The records of a full batch.
const RECORDS: i64 = 1_000;

fn main() {
    divan::main();
}

fn at(n: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(n)
}

fn legacy() -> Vec<String> {
    (0..RECORDS).map(|n| Record::new(n, at(n), 1_000 + n % 300).to_json()).collect()
}

fn events() -> Vec<String> {
    (0..RECORDS).map(|n| EventRecord::new(n, at(n), 64, 1_000 + n % 300).to_json()).collect()
}

fn origin(source: SourceKind) -> Origin {
    Origin { account: "default".into(), source }
}

/// Finds the end of each record of an answer.
#[divan::bench]
fn split(bencher: Bencher) {
    let body = format!("[{}]", legacy().join(","));
    bencher.counter(ItemsCount::new(RECORDS as u64)).bench(|| split_all(black_box(&body)));
}

#[inline(never)]
fn split_all(body: &str) -> usize {
    let mut bytes = 0;
    let mut splitter = Splitter::new(Shape::Array);
    let mut count = |element: Element<'_>| match element {
        Element::Text(text) => bytes += text.len(),
        Element::TooLarge { .. } => unreachable!("records are small"),
    };
    splitter.feed(body.as_bytes(), &mut count).expect("it is an array");
    splitter.finish(true, &mut count).expect("it is complete");
    bytes
}

/// From its text to a row of a batch, hashes included.
#[divan::bench]
fn normalise_legacy(bencher: Bencher) {
    let (records, origin) = (legacy(), origin(SourceKind::Legacy));
    bencher
        .counter(ItemsCount::new(RECORDS as u64))
        .bench(|| normalise_all(&origin, &EventSelection::default(), black_box(&records)));
}

/// The same for the events API.
#[divan::bench]
fn normalise_events(bencher: Bencher) {
    let (records, origin) = (events(), origin(SourceKind::Events));
    let selected = EventSelection { failures: FAILURES.to_vec(), successes: true };
    bencher
        .counter(ItemsCount::new(RECORDS as u64))
        .bench(|| normalise_all(&origin, &selected, black_box(&records)));
}

#[inline(never)]
fn normalise_all(origin: &Origin, selected: &EventSelection, records: &[String]) -> Batch {
    let mut batch = Batch::default();
    for raw in records {
        internals::record(origin, selected, raw.as_bytes(), &mut batch);
    }
    assert_eq!(batch.failures.len(), records.len());
    batch
}

const ERRORS: [&str; 4] = [
    "The connection timed out while provisioning to https://lux.onelogin.com/api",
    "Another object with the same value for property userPrincipalName already exists.",
    r#"{"status":"404","detail":"Resource 2819c223-7f76-453a-919d-413861904646 not found"}"#,
    "User jane.roe@example.com could not be created: org.apache.http.conn.ConnectTimeoutException",
];
const NAMES: [&str; 4] = ["Jane Roe", "jane.roe@example.com", "Jane", "Roe"];

/// The text of an error without what differs from person to person.
#[divan::bench]
fn normalise_error(bencher: Bencher) {
    bencher
        .counter(ItemsCount::new(ERRORS.len()))
        .bench(|| ERRORS.map(|raw| ErrorText::of(black_box(Some(raw)), &NAMES)));
}

/// The same for a text that was seen before.
#[divan::bench]
fn normalise_error_cached(bencher: Bencher) {
    let mut texts = ErrorTexts::default();
    bencher
        .counter(ItemsCount::new(ERRORS.len()))
        .bench_local(|| ERRORS.map(|raw| texts.of(black_box(Some(raw)), &NAMES).fingerprint.len()));
}

/// The hash that distinguishes a changed record from a repeated one.
#[divan::bench]
fn hash(bencher: Bencher) {
    let records = legacy();
    bencher.counter(ItemsCount::new(RECORDS as u64)).bench(|| hash_all(black_box(&records)));
}

#[inline(never)]
fn hash_all(records: &[String]) -> i64 {
    records.iter().fold(0, |sum, raw| sum ^ internals::content_hash(1, raw))
}
