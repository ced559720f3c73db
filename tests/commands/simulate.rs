//! `simulate`: the stand-in as a server of its own.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use crate::support::program::{Program, Running};
use crate::support::tables::{Db, on_both};

/// Starts a stand-in whose clock stands still at noon, and waits for its address.
fn simulate(arguments: &[&str]) -> (Running, SocketAddr) {
    let common = [
        "simulate",
        "--port",
        "0",
        "--frozen",
        "--now",
        "2026-03-20T12:00:00Z",
        "--failures",
        "40",
    ];
    let running = Program::new(&[&common, arguments].concat()).start();
    running.wait_for_output("unless you set it\n");
    let printed = running.stdout();
    let (_, rest) = printed.split_once("http://").expect("a URL");
    let (addr, _) = rest.split_once(',').expect("a comma behind it");
    (running, addr.parse().expect("an address with a port"))
}

fn sync(addr: SocketAddr, db: &Db) -> Program {
    Program::new(&["sync", "--format", "json", "--since", "2026-02-01"])
        .env("DATABASE_URL", db.url())
        .env("ONELOGIN_BASE_URL", format!("http://{addr}"))
        .env("ONELOGIN_API_KEY", "demo-key")
}

fn post(addr: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(addr).expect("it listens");
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {addr}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers in text");
    answer
}

on_both!(a_stand_in_serves_the_job_and_lets_time_pass, |db| {
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
fn faults_and_the_key_are_as_asked_for() {
    let db = Db::sqlite();
    let (_running, addr) = simulate(&["--faults", "401,html"]);
    sync(addr, &db).run().expect_code(77);
    sync(addr, &db).run().expect_code(76);
    sync(addr, &db).run().expect_code(0);
    sync(addr, &db).env("ONELOGIN_API_KEY", "another").run().expect_code(77);
}

/// To stop a server is how it is meant to end.
#[test]
fn a_stand_in_that_is_told_to_stop_ends_well() {
    for stop in [Running::terminate, Running::interrupt] {
        let (running, addr) = simulate(&[]);
        stop(&running);
        running.wait().expect_code(0);
        TcpStream::connect(addr).expect_err("nobody listens any more");
    }
}

#[test]
fn a_port_in_use_is_said() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a loopback port can be bound");
    let port = taken.local_addr().expect("a bound listener has an address").port().to_string();

    let refused = Program::new(&["simulate", "--port", &port]).run().expect_code(78);

    assert!(refused.stderr.contains(&port) && refused.stderr.contains("--port 0"), "{refused}");
    assert_eq!(refused.stdout, "");
}
