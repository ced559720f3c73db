//! Files and pipes as real senders and shells make them.

use std::fs;
use std::path::Path;
use std::thread;

use tempfile::TempDir;

use crate::support::program::Program;
use crate::support::tables::{Db, assert_rows, on_both};

/// The expected result of each file of `tests/fixtures/cases`: exit code, rows, rejects.
const CASES: [(&str, i32, usize, usize); 9] = [
    ("array_odd_quote.json", 65, 3, 1),
    ("deliveries_one_array_a_line.ndjson", 0, 2, 0),
    ("first_line_broken.ndjson", 65, 3, 1),
    ("page_pretty_bom.json", 0, 1, 0),
    ("webhook_user_attributes.json", 0, 1, 0),
    ("webhook_create_id_only.json", 0, 2, 0),
    ("raw_nul_and_lone_surrogate.json", 0, 3, 0),
    ("wrapped_records.json", 0, 1, 0),
    ("wrapped_events.json", 0, 2, 0),
];

fn case(name: &str) -> String {
    format!("{}/tests/fixtures/cases/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn load(db: &Db, file: impl AsRef<Path>) -> Program {
    Program::new(&["sync", "--format", "json", "--database-url", &db.url(), "--from-file"])
        .argument(file.as_ref())
}

/// Loads a file through a pipe, as a shell does for `<(…)`.
fn load_piped(db: &Db, file: impl AsRef<Path>) -> Program {
    let directory = TempDir::new().expect("a temporary directory can be created");
    let pipe = directory.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe can be made");
    let (file, end) = (file.as_ref().to_owned(), pipe.clone());
    thread::spawn(move || {
        let bytes = fs::read(file).expect("the file is there");
        // Blocks until the program opens the other end.
        fs::write(end, bytes).expect("the program reads to the end");
    });
    load(db, pipe).at_home_in(directory)
}

#[test]
fn files_of_real_senders_load_from_a_file_and_from_a_pipe() {
    for (name, code, rows, rejects) in CASES {
        for piped in [false, true] {
            let db = Db::sqlite();
            let job = if piped { load_piped(&db, case(name)) } else { load(&db, case(name)) };
            let finished = job.run().expect_code(code);
            let seen = (db.count("provisioning_failures"), db.count("rejected_records"));
            assert_eq!(seen, (rows, rejects), "{name}, piped {piped}: {finished}");
        }
    }
}

on_both!(the_attributes_of_a_delivery_are_the_profile_of_its_person, |db| {
    load(db, case("webhook_user_attributes.json")).run().expect_code(0);
    let user = "select email, username, firstname, lastname, profile_source from users";
    let expected: &[&str] = &["Ada.Byte+test@Example.COM", "abyte", "Ada", "Byte", "webhook"];
    assert_rows(&db.rows(user), &[expected]);
});

#[test]
fn every_record_of_a_pipe_loads() {
    let directory = TempDir::new().expect("a temporary directory can be created");
    let records: Vec<String> = (0..3_000)
        .map(|id| {
            format!(
                r#"{{"id":{},"event_type_id":64,"created_at":"2026-06-02T10:40:17.{:03}Z","user_id":{}}}"#,
                81_000_000_000_u64 + id,
                id % 1_000,
                id % 100
            )
        })
        .collect();
    for text in [format!("[{}]", records.join(",")), records.join("\n")] {
        let file = directory.path().join("large.json");
        fs::write(&file, text).expect("a new file can be written");
        let db = Db::sqlite();
        load_piped(&db, &file).run().expect_code(0);
        assert_eq!(db.count("provisioning_failures"), 3_000);
    }
}

#[test]
fn a_file_without_records_leaves_nothing_and_an_empty_answer_is_one() {
    let utf_16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    for (text, code) in [
        (b"".to_vec(), 76),
        (b"  \n\n".to_vec(), 76),
        (b"id,x\n1,2\n".to_vec(), 76),
        (b"<html>".to_vec(), 76),
        (b"7".to_vec(), 76),
        (b"[1,2]".to_vec(), 76),
        (br#"[{"a":1},{"b":2}]"#.to_vec(), 76),
        (b"{\"a\":1}\n{\"b\":2}\n".to_vec(), 76),
        (utf_16("\u{FEFF}[{\"id\":1,\"created_at\":\"x\"}]"), 76),
        (b"[]".to_vec(), 0),
        (b"\xEF\xBB\xBF[]".to_vec(), 0),
        (br#"{"data":[]}"#.to_vec(), 0),
        (br#"[{"id":"x","event_type_id":64,"created_at":"no"}]"#.to_vec(), 65),
    ] {
        let directory = TempDir::new().expect("a temporary directory can be created");
        let file = directory.path().join("saved.json");
        fs::write(&file, &text).expect("a new file can be written");
        let url = format!("sqlite:{}", directory.path().join("new.db").display());
        let job = Program::new(&["sync", "--database-url", &url, "--from-file"]).argument(&file);

        let finished = job.run().expect_code(code);

        let is_there = directory.path().join("new.db").exists();
        assert_eq!(is_there, code != 76, "{}: {finished}", text.escape_ascii());
        if text.starts_with(b"\xFF\xFE") {
            let error = finished.stderr.to_lowercase();
            assert!(error.contains("utf-16") && error.contains("iconv"), "{finished}");
        }
    }
}

#[test]
fn the_limits_of_a_file_are_those_of_its_records() {
    let directory = TempDir::new().expect("a temporary directory can be created");
    let file = directory.path().join("saved.json");
    let large = format!(
        r#"{{"data":[{{"id":1,"event_type_id":64,"created_at":"2026-06-02T10:40:17Z","notes":"{}"}}]}}"#,
        "y".repeat(300_000_000)
    );
    fs::write(&file, large).expect("a new file can be written");
    let db = Db::sqlite();
    let (finished, peak) = load(&db, &file).run_measured();
    println!("peak memory of a saved page with one record of 300 MB: {} MB", peak / 1_000_000);
    assert!(peak < 64_000_000, "{peak} bytes");
    finished.expect_code(65);
    let rejects = db.rows("select reason, length(raw) from rejected_records");
    assert_rows(&rejects, &[&["too_large", "4096"]]);

    let strange = |n: usize| format!("[{}{{\"event_type_id\":64}}]", "{\"a\":1},".repeat(n - 1));
    for (rejects, code) in [(1_001, 76), (1_000, 65)] {
        fs::write(&file, strange(rejects)).expect("a file can be written");
        let db = Db::sqlite();
        load(&db, &file).run().expect_code(code);
    }
}

#[test]
fn raw_can_be_read_on_postgres_whatever_escapes_a_record_had() {
    let db = Db::postgres();
    load(&db, case("raw_nul_and_lone_surrogate.json")).run().expect_code(0);
    let names = "select raw->>'user_name' from provisioning_failures order by source_id";
    assert_rows(&db.rows(names), &[&["A\u{FFFD}B"], &["x\u{FFFD}y"], &["P 3"]]);
}
