//! A server that answers each request as a story wants, byte by byte.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

/// A running server. Its thread ends with the test binary.
pub(crate) struct Responder {
    address: SocketAddr,
}

impl Responder {
    /// Starts a server that gives `answer` the text of a request, its headers included.
    pub(crate) fn start(answer: impl Fn(&str) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                serve(connection, &answer);
            }
        });
        Self { address }
    }

    /// A server that takes connections and never answers.
    pub(crate) fn silent() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        thread::spawn(move || listener.incoming().collect::<Vec<_>>());
        Self { address }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }
}

/// An answer with a body.
pub(crate) fn response(status: u16, content_type: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    )
}

fn serve(mut connection: TcpStream, answer: &impl Fn(&str) -> String) {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match connection.read(&mut part) {
            Ok(length) if length > 0 => request.extend_from_slice(&part[..length]),
            _ => return,
        }
    }
    let answer = answer(&String::from_utf8_lossy(&request));
    // A client that has gone away is its own business.
    let _ = connection.write_all(answer.as_bytes());
}
