//! A door in front of a stand-in: requests wait outside until it is opened, before any answer.
//!
//! The simulator's gate holds an answer in its body, where a run has its window open, and with it
//! SQLite's write lock. Here the run holds its lease and nothing else.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

/// Limit on the wait for a request. A run sends one within a fraction of a second.
const KNOCK: std::time::Duration = std::time::Duration::from_mins(1);

/// A closed door. Dropping it opens it too.
pub(crate) struct Door {
    url: String,
    knocks: Receiver<()>,
    opener: Sender<()>,
}

impl Door {
    /// A closed door in front of `server`.
    pub(crate) fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port can be bound");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let ((knock, knocks), (opener, until_open)) = (mpsc::channel(), mpsc::channel());
        thread::spawn(move || {
            for client in listener.incoming() {
                // Errors mean that the door or the opener is gone, and so open.
                let _ = knock.send(());
                let _: Result<(), _> = until_open.recv();
                let joined = client.and_then(|client| Ok((client, TcpStream::connect(server)?)));
                let Ok((client, server)) = joined else { return };
                join(&client, &server);
            }
        });
        Self { url, knocks, opener }
    }

    /// The address of the door.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Waits for a request.
    pub(crate) fn wait_for_knock(&self) {
        self.knocks.recv_timeout(KNOCK).expect("a request comes");
    }

    /// Opens the door for good.
    pub(crate) fn open(self) {
        drop(self.opener);
    }
}

/// Passes on the bytes of either side until it ends.
fn join(client: &TcpStream, server: &TcpStream) {
    let pass = |from: &TcpStream, to: &TcpStream| {
        let [mut from, mut to] = [from, to].map(|stream| stream.try_clone().expect("a handle"));
        thread::spawn(move || {
            // A broken connection ends both ways, as it would without a door.
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
    };
    pass(client, server);
    pass(server, client);
}
