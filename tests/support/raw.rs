//! A server of whatever bytes a story wants, for bodies that the stand-in cannot give.

use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::SystemTime;

use onelogin_simulator::LEGACY_PATH;

/// Writes a body.
type Body = Arc<dyn Fn(&mut dyn Write) -> io::Result<()> + Send + Sync>;

/// The answer to each request for failures or events; the token and the lists beside them are there.
#[derive(Clone)]
pub(crate) struct Raw {
    status: &'static str,
    headers: &'static str,
    body: Body,
    users: Option<Vec<u8>>,
}

impl Raw {
    /// A successful answer with this body.
    pub(crate) fn new(body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self::written(move |out| out.write_all(&body))
    }

    /// A successful answer whose body is made while it is sent.
    pub(crate) fn written(
        body: impl Fn(&mut dyn Write) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self { status: "200 OK", headers: "", body: Arc::new(body), users: None }
    }

    /// Another status.
    pub(crate) fn status(self, status: &'static str) -> Self {
        Self { status, ..self }
    }

    /// More headers, each with its line end.
    pub(crate) fn headers(self, headers: &'static str) -> Self {
        Self { headers, ..self }
    }

    /// The answer of the users API.
    pub(crate) fn users(self, body: impl Into<Vec<u8>>) -> Self {
        Self { users: Some(body.into()), ..self }
    }

    /// Serves until the test process ends; gives the base URL.
    pub(crate) fn serve(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port can be bound");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        thread::spawn(move || {
            for stream in listener.incoming() {
                // A client that goes early breaks the connection, which is its own business.
                let _ = self.answer(&stream.expect("a client comes"));
            }
        });
        url
    }

    fn answer(&self, stream: &TcpStream) -> io::Result<()> {
        let mut request = BufReader::new(stream);
        let mut first = String::new();
        request.read_line(&mut first)?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            request.read_line(&mut line)?;
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a number");
            }
            if line.trim().is_empty() {
                break;
            }
        }
        // What is unread would reset the connection at its end.
        io::copy(&mut io::Read::take(&mut request, length), &mut io::sink())?;
        let path = first.split([' ', '?']).nth(1).unwrap_or_default();
        let mut out = BufWriter::with_capacity(1 << 16, stream);
        match path {
            "/auth/oauth2/v2/token" => {
                head(&mut out, "200 OK", "")?;
                out.write_all(br#"{"access_token":"t0ken-for-stories","expires_in":36000}"#)?;
            }
            "/api/1/events/types" => {
                head(&mut out, "200 OK", "")?;
                out.write_all(br#"{"status":{"error":false},"data":[]}"#)?;
            }
            "/api/2/users" => {
                head(&mut out, "200 OK", "")?;
                out.write_all(self.users.as_deref().unwrap_or(b"[]"))?;
            }
            path => {
                assert!(["/api/1/events", LEGACY_PATH].contains(&path), "{first}");
                head(&mut out, self.status, self.headers)?;
                (self.body)(&mut out)?;
            }
        }
        out.flush()
    }
}

fn head(out: &mut impl Write, status: &str, headers: &str) -> io::Result<()> {
    let date = httpdate::fmt_http_date(SystemTime::now());
    write!(out, "HTTP/1.1 {status}\r\nDate: {date}\r\nConnection: close\r\n{headers}\r\n")
}
