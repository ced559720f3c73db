//! Accepted connections that can be reset, which HTTP servers never do by themselves.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// Accepts connections and gives each a [`ResetSwitch`].
pub(crate) struct Acceptor(pub(crate) TcpListener);

/// Makes a connection end with a reset instead of an orderly close.
#[derive(Clone, Debug)]
pub(crate) struct ResetSwitch(Arc<AtomicBool>);

impl ResetSwitch {
    /// Stops all writing, and resets the connection when the server drops it.
    pub(crate) fn press(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_pressed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Listener for Acceptor {
    type Io = Connection;
    type Addr = ResetSwitch;

    async fn accept(&mut self) -> (Connection, ResetSwitch) {
        // axum's own loop waits when the process is out of file descriptors.
        let (stream, _) = Listener::accept(&mut self.0).await;
        // Otherwise small chunks wait for the client's acknowledgements. A failure costs speed only.
        let _ = stream.set_nodelay(true);
        let switch = ResetSwitch(Arc::new(AtomicBool::new(false)));
        (Connection { stream, switch: switch.clone() }, switch)
    }

    fn local_addr(&self) -> io::Result<ResetSwitch> {
        Ok(ResetSwitch(Arc::new(AtomicBool::new(false))))
    }
}

impl Connected<IncomingStream<'_, Acceptor>> for ResetSwitch {
    fn connect_info(stream: IncomingStream<'_, Acceptor>) -> Self {
        stream.remote_addr().clone()
    }
}

/// Listens on `address` without an await, so that a simulator starts in synchronous code too.
pub(crate) fn listen(address: SocketAddr) -> io::Result<(Acceptor, SocketAddr)> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let bound = listener.local_addr()?;
    Ok((Acceptor(TcpListener::from_std(listener)?), bound))
}

pub(crate) struct Connection {
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
