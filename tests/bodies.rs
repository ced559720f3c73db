//! Answers with broken, strange and hostile bodies: one bad record costs one record, and memory is flat.

use std::io::{self, Write};

use crate::support::api::Api;
use crate::support::program::{Finished, Program};
use crate::support::raw::Raw;
use crate::support::tables::{Db, assert_rows, on_both};

const MB: u64 = 1_000_000;
/// The promised limit for every body.
const MEMORY: u64 = 64 * MB;
/// The largest record that loads.
const RECORD: usize = 1024 * 1024;

/// Reads one day from a server of raw bytes.
fn sync(api: Api, db: &Db, url: &str) -> Program {
    let day = ["--since", "2026-06-02", "--until", "2026-06-03"];
    let program = Program::new(&[&["sync", "--format", "json"], &day[..]].concat())
        .env("DATABASE_URL", db.url())
        .env("ONELOGIN_BASE_URL", url);
    match api {
        Api::Legacy => program.env("ONELOGIN_API_KEY", "key-for-stories"),
        Api::Events => program
            .env("ONELOGIN_CLIENT_ID", "client-for-stories")
            .env("ONELOGIN_CLIENT_SECRET", "secret-for-stories"),
    }
}

/// A record of either API, with a text somewhere in it.
fn record(api: Api, id: u64, text: &str) -> String {
    match api {
        Api::Legacy => format!(
            r#"{{"id":{id},"login_id":7,"created_at":"2026/06/02 10:40:1{} +0000","error_description":"{text}","user":{{"id":{id}}}}}"#,
            id % 10
        ),
        Api::Events => format!(
            r#"{{"id":{id},"event_type_id":64,"created_at":"2026-06-02T10:40:1{}.000Z","user_id":{id},"app_name":"Wiki","error_description":"{text}"}}"#,
            id % 10
        ),
    }
}

/// The text before and after the records of an answer.
fn around(api: Api) -> (&'static str, &'static str) {
    match api {
        Api::Legacy => ("[", "]"),
        Api::Events => (
            r#"{"status":{"error":false,"code":200},"pagination":{"after_cursor":null},"data":["#,
            "]}",
        ),
    }
}

fn body(api: Api, records: &[Vec<u8>]) -> Vec<u8> {
    let (before, after) = around(api);
    [before.as_bytes(), &records.join(&b','), after.as_bytes()].concat()
}

fn ids(db: &Db) -> Vec<Vec<String>> {
    db.rows("select source_id from provisioning_failures order by source_id")
}

/// Five records, of which the fourth, or the last, is changed; the others load.
fn one_bad_record_costs_one_record(api: Api, db: &Db) {
    let good = |id| record(api, id, "x").into_bytes();
    let changed = |text: &str| record(api, 4, text).into_bytes();
    let bytes = |text: &[u8]| {
        let record = record(api, 4, "@");
        let (before, after) = record.split_once('@').expect("it has one");
        [before.as_bytes(), text, after.as_bytes()].concat()
    };
    let bad = [
        bytes(b"Jos\xE9"),
        bytes(b"a\0b"),
        changed(r#"P "Q" 3"#),
        changed(r#"17" screen"#),
        changed(r"a\x41b"),
        changed("a\nb"),
        changed("a\tb"),
        changed(r#"a"}{"b"#),
        changed(r"C:\dir\"),
        record(api, 4, "x").replace(r#":"x""#, r#":"x"#).into_bytes(),
        record(api, 4, "x").replace(r#""x""#, "NaN").into_bytes(),
        b"7".to_vec(),
        b"null".to_vec(),
    ];
    for bad in bad {
        for at in [3, 4] {
            let mut records = vec![good(1), good(2), good(3), good(5)];
            records.insert(at, bad.clone());
            let body = body(api, &records);
            let shown = String::from_utf8_lossy(&body).into_owned();
            let length = format!("Content-Length: {}\r\n", body.len()).leak();

            let url = Raw::new(body).headers(length).serve();
            let outcome = sync(api, db, &url).run().expect_code(65).json();

            assert_eq!(outcome["rejected"], 1, "{shown}: {outcome}");
            assert_rows(&ids(db), &[&["1"], &["2"], &["3"], &["5"]]);
            for table in ["provisioning_failures", "rejected_records", "users", "watermarks"] {
                db.execute(&format!("delete from {table}"));
            }
        }
    }
}

#[test]
fn one_bad_event_costs_one_event() {
    one_bad_record_costs_one_record(Api::Events, &Db::sqlite());
}

#[test]
fn one_bad_legacy_record_costs_one_record() {
    one_bad_record_costs_one_record(Api::Legacy, &Db::sqlite());
}

on_both!(one_bad_record_is_rejected_with_its_text, |db| {
    let bad = record(Api::Events, 2, r#"17" screen"#);
    let records = [record(Api::Events, 1, "x"), bad.clone(), record(Api::Events, 3, "x")];
    let url = Raw::new(body(Api::Events, &records.map(String::into_bytes))).serve();

    sync(Api::Events, db, &url).run().expect_code(65);

    assert_rows(&ids(db), &[&["1"], &["3"]]);
    assert_rows(&db.rows("select reason, raw from rejected_records"), &[&["not_json", &bad]]);
    // The next run reads the same again: the reject is known.
    sync(Api::Events, db, &url).run().expect_code(0);
});

on_both!(a_byte_order_mark_is_skipped_at_every_entrance, |db| {
    let event = record(Api::Events, 1, "x").into_bytes();
    let with_bom = |body: Vec<u8>| [b"\xEF\xBB\xBF", &body[..]].concat();
    let users = with_bom(br#"[{"id":1,"email":"ada@example.com"}]"#.to_vec());
    let url = Raw::new(with_bom(body(Api::Events, &[event]))).users(users).serve();

    sync(Api::Events, db, &url).run().expect_code(0);

    assert_rows(&db.rows("select email from users"), &[&["ada@example.com"]]);
    let legacy = record(Api::Legacy, 1, "x").into_bytes();
    let url = Raw::new(with_bom(body(Api::Legacy, &[legacy]))).serve();
    sync(Api::Legacy, db, &url).run().expect_code(0);
    assert_eq!(db.count("provisioning_failures"), 2);
});

#[test]
fn one_bad_user_costs_one_user() {
    let db = Db::sqlite();
    let events = [record(Api::Events, 1, "x"), record(Api::Events, 2, "x")];
    let users = br#"[{"id":1,"email":"a"da@example.com"},{"id":2,"email":"bob@example.com"}]"#;
    let url = Raw::new(body(Api::Events, &events.map(String::into_bytes))).users(*users).serve();

    sync(Api::Events, &db, &url).run().expect_code(0);

    let emails = db.rows("select email from users order by user_id");
    assert_rows(&emails, &[&[crate::support::tables::NULL], &["bob@example.com"]]);
}

/// Records of which one has this length.
fn records_of(api: Api, length: usize) -> Vec<Vec<u8>> {
    let padding = length - record(api, 2, "").len();
    let large = record(api, 2, &"y".repeat(padding));
    assert_eq!(large.len(), length);
    vec![record(api, 1, "x").into_bytes(), large.into_bytes(), record(api, 3, "x").into_bytes()]
}

#[test]
fn a_record_above_1_mib_is_rejected_with_its_beginning_and_one_of_1_mib_loads() {
    for api in [Api::Legacy, Api::Events] {
        let db = Db::sqlite();
        let url = Raw::new(body(api, &records_of(api, RECORD))).serve();
        sync(api, &db, &url).run().expect_code(0);
        assert_rows(&ids(&db), &[&["1"], &["2"], &["3"]]);

        let db = Db::sqlite();
        let url = Raw::new(body(api, &records_of(api, RECORD + 1))).serve();
        sync(api, &db, &url).run().expect_code(65);
        assert_rows(&ids(&db), &[&["1"], &["3"]]);
        let rejects =
            db.rows("select reason, length(raw), substr(raw, 1, 8) from rejected_records");
        assert_rows(&rejects, &[&["too_large", "4096", "{\"id\":2,"]]);
        // The same text is the same reject, another text of the same beginning is another.
        sync(api, &db, &url).run().expect_code(0);
        let url = Raw::new(body(api, &records_of(api, RECORD + 2))).serve();
        sync(api, &db, &url).argument("--moved").run().expect_code(65);
        assert_eq!(db.count("rejected_records"), 2);
    }
}

#[test]
fn more_than_1000_rejects_without_a_good_record_are_another_api() {
    let strange = |count: usize| vec![br#"{"foo":1}"#.to_vec(); count];
    for api in [Api::Legacy, Api::Events] {
        let db = Db::sqlite();
        let url = Raw::new(body(api, &strange(1_001))).serve();
        let outcome = sync(api, &db, &url).run().expect_code(76).json();
        assert!(outcome["error"].as_str().expect("a text").contains("1001 records"), "{outcome}");
        assert_eq!((db.count("rejected_records"), db.count("sync_windows")), (0, 0));

        // A round number would be taken for a limit of the server.
        let url = Raw::new(body(api, &strange(999))).serve();
        sync(api, &db, &url).run().expect_code(65);

        let db = Db::sqlite();
        let one_good = [vec![record(api, 1, "x").into_bytes()], strange(1_500)].concat();
        sync(api, &db, &Raw::new(body(api, &one_good)).serve()).run().expect_code(65);
        assert_rows(&ids(&db), &[&["1"]]);
    }
}

#[test]
fn an_answer_without_content_is_an_empty_one() {
    for api in [Api::Legacy, Api::Events] {
        let db = Db::sqlite();
        let url = Raw::new("").status("204 No Content").serve();
        let outcome = sync(api, &db, &url).run().expect_code(0).json();
        assert_eq!(outcome["fetched"], 0);
    }
}

#[test]
fn a_refusal_by_a_web_page_is_distinguished_from_one_by_the_api() {
    let page = "<html><body>Proxy refuses ada@example.com</body></html>";
    for api in [Api::Legacy, Api::Events] {
        for status in ["401 Unauthorized", "403 Forbidden"] {
            let html = "Content-Type: text/html\r\n";
            let url = Raw::new(page).status(status).headers(html).serve();
            let db = Db::sqlite();
            let finished = sync(api, &db, &url).run().expect_code(76);
            let shown = format!("{finished}");
            assert!(shown.contains("html") && !shown.contains("Read All"), "{finished}");
            assert!(!shown.contains("ada@"), "{finished}");
            let refusal = r#"{"status":{"error":true,"message":"Authentication Failure"}}"#;
            let url = Raw::new(refusal).status(status).serve();
            sync(api, &db, &url).run().expect_code(77);
        }
    }
}

/// Runs against a hostile body, and asserts that memory stays flat.
#[track_caller]
fn assert_flat(what: &str, api: Api, raw: Raw, code: i32) -> Finished {
    let url = raw.serve();
    let db = Db::sqlite();
    let job = sync(api, &db, &url).env("ONELOGIN_MAX_ATTEMPTS", "1");
    let (finished, peak) = job.run_measured();
    println!("peak memory of {what} ({}): {} MB", api.name(), peak / MB);
    assert!(peak < MEMORY, "{what}: {peak} bytes");
    finished.expect_code(code)
}

/// Writes the same byte many times.
fn fill(out: &mut dyn Write, byte: u8, count: usize) -> io::Result<()> {
    let block = vec![byte; 1 << 16];
    for _ in 0..count / block.len() {
        out.write_all(&block)?;
    }
    out.write_all(&block[..count % block.len()])
}

/// Writes an answer with some records whose text is long.
fn large(api: Api, records: u64, bytes: usize) -> Raw {
    Raw::written(move |out| {
        let (before, after) = around(api);
        out.write_all(before.as_bytes())?;
        out.write_all(record(api, 100, "x").as_bytes())?;
        for id in 0..records {
            let record = record(api, id, "@");
            let (head, tail) = record.split_once('@').expect("it has one");
            out.write_all(b",")?;
            out.write_all(head.as_bytes())?;
            fill(out, b'y', bytes)?;
            out.write_all(tail.as_bytes())?;
        }
        out.write_all(after.as_bytes())
    })
}

#[test]
fn memory_is_flat_in_hostile_bodies() {
    for api in [Api::Legacy, Api::Events] {
        assert_flat("20 records of 15 MB", api, large(api, 20, 15_000_000), 65);
        assert_flat("one record of 50 MB", api, large(api, 1, 50_000_000), 65);
        assert_flat("30 records of 1 MB", api, large(api, 30, 1_000_000), 0);
        let (before, _) = around(api);
        let endless = |byte: u8| {
            Raw::written(move |out| {
                out.write_all(before.as_bytes())?;
                out.write_all(b"{\"id\":1,\"a\":\"")?;
                fill(out, byte, 20_000_000)
            })
        };
        assert_flat("a string that does not end", api, endless(b'y'), 69);
        assert_flat("backslashes", api, endless(b'\\'), 69);
        let brackets = Raw::written(|out| fill(out, b'[', 5_000_000));
        let code = if matches!(api, Api::Legacy) { 69 } else { 76 };
        assert_flat("brackets", api, brackets, code);
        let blanks = Raw::written(|out| fill(out, b' ', 10_000_000));
        assert_flat("blanks", api, blanks, 69);
        let broken = Raw::written(move |out| {
            out.write_all(before.as_bytes())?;
            out.write_all(record(api, 1, "17\" x").as_bytes())?;
            fill(out, b'}', 5_000_000)
        });
        assert_flat("a broken record that does not end", api, broken, 69);
    }
    let around_records = Raw::written(|out| {
        out.write_all(b"{\"status\":\"")?;
        fill(out, b'y', 20_000_000)
    });
    assert_flat("a status of 20 MB", Api::Events, around_records, 76);
}

#[test]
fn a_body_that_gzip_made_small_is_read_in_small_parts() {
    use flate2::Compression;
    use flate2::write::GzEncoder;
    for name in ["Content-Encoding: gzip\r\n", "Content-Encoding: GZIP\r\n"] {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let event = record(Api::Legacy, 1, "x");
        write!(encoder, "[{event}").expect("memory takes it");
        fill(&mut encoder, b' ', 100_000_000).expect("memory takes it");
        write!(encoder, "]").expect("memory takes it");
        let raw = Raw::new(encoder.finish().expect("memory takes it")).headers(name);
        let finished = assert_flat("100 MB in 100 kB", Api::Legacy, raw, 0);
        assert_eq!(finished.json()["inserted"], 1);
    }
}
