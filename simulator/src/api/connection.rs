//! Accepted connections that can be reset, which HTTP servers never do by themselves.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::state::Shared;

/// Pause after a connection that could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Makes a connection end with a reset instead of an orderly close.
#[derive(Clone, Debug)]
pub(super) struct ResetSwitch(Arc<AtomicBool>);

impl ResetSwitch {
    /// Stops all writing, and resets the connection when the server drops it.
    pub(super) fn press(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_pressed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Listens on `address` without an await, so that a simulator starts in synchronous code too.
pub(crate) fn listen(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let bound = listener.local_addr()?;
    Ok((TcpListener::from_std(listener)?, bound))
}

/// Accepts connections and answers their requests until the simulator stops.
pub(super) async fn serve(listener: &TcpListener, routes: Router, shared: &Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = shared.stopped() => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(answer(stream, routes.clone(), shared.clone()));
            }
            // The client is gone already, or the process is out of file descriptors, which others
            // give back.
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
    connections.join_all().await;
}

/// Answers the requests of one connection, and ends it after the current one when all stops.
async fn answer(stream: TcpStream, routes: Router, shared: Arc<Shared>) {
    // Otherwise small chunks wait for the client's acknowledgements. A failure costs speed only.
    let _ = stream.set_nodelay(true);
    let switch = ResetSwitch(Arc::new(AtomicBool::new(false)));
    let routes = TowerToHyperService::new(routes.layer(Extension(switch.clone())));
    let connection = TokioIo::new(Connection { stream, switch });
    // The routes write `Date`, or leave it out.
    let serving =
        http1::Builder::new().auto_date_header(false).serve_connection(connection, routes);
    let mut serving = pin!(serving);
    // An error concerns the client, which sees it too.
    tokio::select! {
        _ = serving.as_mut() => return,
        () = shared.stopped() => serving.as_mut().graceful_shutdown(),
    }
    let _ = serving.await;
}

struct Connection {
    stream: TcpStream,
    switch: ResetSwitch,
}

impl Connection {
    fn check(&self) -> io::Result<()> {
        if self.switch.is_pressed() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.switch.is_pressed() {
            // Closing with zero linger sends RST. If it fails the client sees a plain close.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
