//! A connection that falls silent: bytes pass in both directions until the valve is closed, and are then
//! swallowed, as by a host that was lost.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// An open valve.
pub(crate) struct Valve {
    port: u16,
    connections: Receiver<()>,
    is_closed: Arc<AtomicBool>,
}

impl Valve {
    /// An open valve in front of `server`.
    pub(crate) fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port can be bound");
        let port = listener.local_addr().expect("it is bound").port();
        let is_closed = Arc::new(AtomicBool::new(false));
        let closed = Arc::clone(&is_closed);
        let (connected, connections) = mpsc::channel();
        thread::spawn(move || {
            for client in listener.incoming() {
                // An error means that nobody counts.
                let _ = connected.send(());
                let joined = client.and_then(|client| Ok((client, TcpStream::connect(server)?)));
                let Ok((client, server)) = joined else { return };
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let [from, to] = [from, to].map(|stream| stream.try_clone().expect("a handle"));
                    let closed = Arc::clone(&closed);
                    thread::spawn(move || pass(from, to, &closed));
                }
            }
        });
        Self { port, connections, is_closed }
    }

    /// Waits for the next connection.
    pub(crate) fn wait_for_connection(&self) {
        self.connections.recv_timeout(Duration::from_mins(1)).expect("a connection comes");
    }

    /// The port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Swallows everything from now on. New connections are accepted, and get no answer either.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, is_closed: &AtomicBool) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if !is_closed.load(Ordering::SeqCst) && to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    if !is_closed.load(Ordering::SeqCst) {
        let _ = to.shutdown(std::net::Shutdown::Both);
    }
}
