//! Memory is flat in the size of the response.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::SystemTime;

use chrono::{TimeDelta, Utc};
use onelogin_simulator::{LEGACY_PATH, Record};

use crate::support::program::Program;
use crate::support::tables::{Db, on_both};

const MB: u64 = 1_000_000;
/// The promised limit for a response of 300 MB.
const LIMIT: u64 = 64 * MB;
/// Bytes of an unknown field: records of this size fill a statement by their bytes, not
/// by their number.
const BALLAST: usize = 10_000;

on_both!(a_response_of_300_mb_takes_no_more_memory_than_one_of_30_mb, |db| {
    let small = peak_of_a_sync(db, "small", 3_001);
    let large = peak_of_a_sync(db, "large", 30_001);

    println!("peak memory: {} kB for 30 MB, {} kB for 300 MB", small / 1_000, large / 1_000);
    assert!(large < LIMIT, "{large} bytes");
    assert!(large * 10 < small * 13, "{large} bytes, and {small} for a tenth of the response");
});

/// Loads a response of a number of records into an empty account, and returns the most memory held.
fn peak_of_a_sync(db: &Db, account: &str, records: i64) -> u64 {
    let url = serve(records);
    let since = (Utc::now() - TimeDelta::days(1)).to_rfc3339();
    let job = Program::new(&["sync", "--format", "json", "--account", account, "--since", &since])
        .env("DATABASE_URL", db.url())
        .env("ONELOGIN_BASE_URL", url)
        .env("ONELOGIN_API_KEY", "any-key")
        .env("ONELOGIN_LOG_LEVEL", "warn");
    let (finished, peak) = job.run_measured();
    let outcome = finished.expect_code(0).json();
    assert_eq!(outcome["inserted"], records);
    assert!(outcome["bytes"].as_u64() > Some(records.unsigned_abs() * BALLAST as u64));
    peak
}

/// Serves one response of a number of records, made while it is sent, and then empty ones: the second in
/// which the run began may be over by then. Returns the base URL. The stand-in keeps what is put into it,
/// which would be 300 MB here.
fn serve(records: i64) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port can be bound");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let stream = stream.expect("a client comes");
            let records = if number == 0 { records } else { 0 };
            answer(&stream, records).expect("the client reads to the end");
        }
    });
    url
}

fn answer(stream: &TcpStream, records: i64) -> io::Result<()> {
    let mut request = BufReader::new(stream).lines();
    let first = request.next().expect("a request")?;
    assert!(first.starts_with(&format!("GET {LEGACY_PATH}?")), "{first}");
    // To the empty line, or what is unread would reset the connection at its end.
    for line in request {
        if line?.is_empty() {
            break;
        }
    }
    let mut out = io::BufWriter::with_capacity(1 << 16, stream);
    let date = httpdate::fmt_http_date(SystemTime::now());
    write!(out, "HTTP/1.1 200 OK\r\nDate: {date}\r\nConnection: close\r\n\r\n")?;
    let ballast = format!(r#"{{"ballast":"{}","#, "x".repeat(BALLAST));
    let hour_ago = Utc::now() - TimeDelta::hours(1);
    out.write_all(b"[")?;
    for id in 0..records {
        let record = Record::new(id, hour_ago, id % 100).to_json();
        out.write_all(if id == 0 { b"" } else { b"," })?;
        out.write_all(ballast.as_bytes())?;
        out.write_all(&record.as_bytes()[1..])?;
    }
    out.write_all(b"]")?;
    out.flush()
}

/// Counting a day groups its rows, which SQLite did in memory: 109 MB for three million failures of six days.
#[test]
fn a_day_of_many_failures_is_counted_in_no_more_memory_than_many_days() {
    let many_days = peak_of_a_rebuild(30);
    let one_day = peak_of_a_rebuild(1);

    println!("peak memory: {} kB for 30 days, {} kB for one", many_days / 1_000, one_day / 1_000);
    assert!(one_day * 10 < many_days * 12, "{one_day} bytes, and {many_days} for many days");
}

/// Builds the counts of as many failures, spread evenly over some days, and returns the most memory held.
fn peak_of_a_rebuild(days: u32) -> u64 {
    let db = Db::sqlite();
    let migrate = |arguments: &[&str]| {
        Program::new(&[&["migrate"], arguments].concat()).env("DATABASE_URL", db.url())
    };
    migrate(&[]).run().expect_code(0);
    db.execute(&format!(
        "insert into accounts (account) values ('default');
        insert into provisioning_failures (account, failure_id, source, user_id, operation, app_name, created_at,
            created_at_raw, content_hash, first_seen_at, synced_at, run_id, operation_source)
        with recursive n (n) as (select 0 union all select n + 1 from n where n < 399999),
        failed (n, at) as (
            select n, strftime('%Y-%m-%d %H:%M:%f+00:00', 1749945600 + n * {days} * 0.215, 'unixepoch') from n)
        select 'default', printf('%08d-0000-8000-8000-000000000000', n), 'legacy', n % 5000, 'create', 'App ' || n % 9,
            at, '', n, at, at, '00000000-0000-8000-8000-000000000000', 'description'
        from failed"
    ));
    let (finished, peak) = migrate(&["--rebuild"]).run_measured();
    finished.expect_code(0);
    assert!(db.count("provisioning_cases") > 0);
    peak
}
