//! `simulate`: the simulator as a server of its own.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use crate::support::program::{Program, Running};
use crate::support::tables::{Db, on_both};

/// `page_number:::2` in base64.
const SECOND_PAGE: &str = "cGFnZV9udW1iZXI6Ojoy";

/// Starts a simulator whose clock stands still at noon, and waits for its address.
fn simulate(arguments: &[&str]) -> (Running, SocketAddr) {
    let common = [
        "simulate",
        "--port",
        "0",
        "--frozen",
        "--now",
        "2026-03-20T12:00:00Z",
        "--history",
        "flat",
        "--failures",
        "40",
    ];
    started(Program::new(&[&common, arguments].concat()))
}

fn started(program: Program) -> (Running, SocketAddr) {
    let running = program.start();
    running.wait_for_output("unless you set them\n");
    let printed = running.stdout();
    let (_, rest) = printed.split_once("http://").expect("a URL");
    let (addr, _) = rest.split_once(',').expect("a comma after it");
    (running, addr.parse().expect("an address with a port"))
}

fn sync(addr: SocketAddr, db: &Db) -> Program {
    Program::new(&["sync", "--format", "json", "--since", "2026-02-01"])
        .env("DATABASE_URL", db.url())
        .env("ONELOGIN_BASE_URL", format!("http://{addr}"))
        .env("ONELOGIN_API_KEY", "demo-key")
}

fn post(addr: SocketAddr, path: &str) -> String {
    ask(addr, &format!("POST {path}"), "", "")
}

/// An answer with its head, for a request of one line, some headers and a body.
fn ask(addr: SocketAddr, line: &str, headers: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(addr).expect("it listens");
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nHost: {addr}\r\nContent-Length: {length}\r\n{headers}Connection: \
         close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers in text");
    answer
}

on_both!(a_simulator_serves_the_job_and_advances_its_clock, |db| {
    let (running, addr) = simulate(&[]);
    let first = sync(addr, db).run().expect_code(0).json();
    assert_eq!(first["scanned_through"], "2026-03-20T12:00:00Z");
    assert_eq!(first["inserted"], 40);

    let answer = post(addr, "/simulator/advance?seconds=3600");

    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("13:00:00"), "{answer}");
    let second = sync(addr, db).run().expect_code(0).json();
    assert_eq!(second["scanned_through"], "2026-03-20T13:00:00Z");
    running.terminate();
    running.wait().expect_code(0);
});

#[test]
fn faults_and_the_key_follow_the_flags() {
    let db = Db::sqlite();
    let (_running, addr) = simulate(&["--faults", "401,html"]);
    sync(addr, &db).run().expect_code(77);
    sync(addr, &db).run().expect_code(76);
    sync(addr, &db).run().expect_code(0);
    sync(addr, &db).env("ONELOGIN_API_KEY", "another").run().expect_code(77);
}

#[test]
fn a_wrong_date_is_one_of_the_flags() {
    for (date, shown) in [("ahead:1h", Some("13:00:00")), ("absent", None)] {
        let (_running, addr) = simulate(&["--date", date]);
        let answer = ask(addr, "GET /", "", "");
        let header = answer.lines().find(|line| line.to_lowercase().starts_with("date: "));
        assert_eq!(header.is_some(), shown.is_some(), "{answer}");
        assert!(header.unwrap_or_default().contains(shown.unwrap_or_default()), "{answer}");
    }
    let refused = Program::new(&["simulate", "--date", "tomorrow"]).run().expect_code(64);
    assert!(refused.stderr.contains("behind:1h"), "{refused}");
}

/// Buys a token with a credential, and gives the whole answer.
fn buy(addr: SocketAddr, id: &str, secret: &str) -> String {
    let headers = format!(
        "Authorization: client_id:{id}, client_secret:{secret}\r\nContent-Type: application/json\r\n"
    );
    let body = "{\"grant_type\":\"client_credentials\"}";
    ask(addr, "POST /auth/oauth2/v2/token", &headers, body)
}

/// Asks for events with a token out of [`buy`]'s answer.
fn events(addr: SocketAddr, bought: &str, query: &str) -> String {
    let (_, rest) = bought.split_once("\"access_token\":\"").expect("a token");
    let (token, _) = rest.split_once('"').expect("its end");
    let headers = format!("Authorization: bearer:{token}\r\n");
    ask(addr, &format!("GET /api/1/events?{query}"), &headers, "")
}

#[test]
fn a_simulator_serves_events_as_configured() {
    let (running, addr) = simulate(&[
        "--page=30",
        "--cursor=page-number",
        "--last-page=repeated",
        "--successes=0",
        "--late-records=0",
        "--resolved-events=1",
        "--events-form=odd",
        "--foreign-links",
        "--calls-per-hour=4",
        "--over-limit=400",
        "--token-lifetime=2h",
        "--deprecation",
        "--faults-at=token:error-200,events:410,legacy:503",
    ]);
    for default in ["demo-client", "demo-secret", "demo-key"] {
        assert!(running.stdout().contains(default), "{}", running.stdout());
    }
    assert!(buy(addr, "demo-client", "demo-secret").contains("\"error\":true"));
    let bought = buy(addr, "demo-client", "demo-secret");
    assert!(bought.contains("\"expires_in\":7200"), "{bought}");

    let gone = events(addr, &bought, "");
    assert!(gone.starts_with("HTTP/1.1 410"), "{gone}");
    let unreadable = events(addr, &bought, "after_cursor=nonsense");
    assert!(unreadable.starts_with("HTTP/1.1 400"), "{unreadable}");
    let beyond = events(addr, &bought, "");
    assert!(beyond.contains("rate_limit_exceeded"), "{beyond}");

    post(addr, "/simulator/advance?seconds=3600");
    let second = events(addr, &bought, &format!("after_cursor={SECOND_PAGE}"));
    assert_eq!(second.matches("\"created_at\"").count(), 10, "{second}");
    assert!(second.contains(&format!("\"after_cursor\":\"{SECOND_PAGE}\"")), "{second}");
    assert!(second.contains("https://elsewhere.example") && second.contains("\"solved\":true"));

    let refused = ask(addr, "GET /api/v1/logins/failed_provisioning.json", "", "");
    assert!(refused.contains("401") && refused.contains("deprecation: true"), "{refused}");
}

#[test]
fn the_credential_comes_from_the_environment() {
    let own = Program::new(&["simulate", "--port", "0", "--frozen"])
        .env("ONELOGIN_CLIENT_ID", "my-id")
        .env("ONELOGIN_CLIENT_SECRET", "my-secret");
    let (_running, addr) = started(own);

    assert!(buy(addr, "my-id", "my-secret").starts_with("HTTP/1.1 200"));
    assert!(buy(addr, "demo-client", "demo-secret").starts_with("HTTP/1.1 401"));
}

#[test]
fn a_fault_at_no_endpoint_is_wrong_usage() {
    for (list, part) in [("door:500", "door"), ("500", "ENDPOINT"), ("users:teapot", "teapot")] {
        let refused = Program::new(&["simulate", "--faults-at", list]).run().expect_code(64);
        assert!(refused.stderr.contains(part), "{refused}");
    }
}

/// To stop a server is how it is meant to end.
#[test]
fn a_signal_ends_a_simulator_with_success() {
    for stop in [Running::terminate, Running::interrupt] {
        let (running, addr) = simulate(&[]);
        stop(&running);
        running.wait().expect_code(0);
        TcpStream::connect(addr).expect_err("nobody listens any more");
    }
}

#[test]
fn a_port_in_use_is_reported() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a loopback port can be bound");
    let port = taken.local_addr().expect("a bound listener has an address").port().to_string();

    let refused = Program::new(&["simulate", "--port", &port]).run().expect_code(78);

    assert!(refused.stderr.contains(&port) && refused.stderr.contains("--port 0"), "{refused}");
    assert_eq!(refused.stdout, "");
}
