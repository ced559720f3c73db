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
