//! Looks at what a connection opens with, without using it up.
//!
//! **Invariant:** the look is bounded in bytes and in time, whatever the segmentation; what was
//! read stays, byte for byte, for whoever acts on it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::wire::Scan;
use crate::wire::client_hello::{HelloFault, MAX_HELLO};
use crate::wire::opening::{self, Opening};

/// A connection with the bytes that were read from it and not yet used; read again, it gives
/// them first.
pub(super) struct Prefixed<S = TcpStream> {
    pub(super) stream: S,
    pub(super) read: Vec<u8>,
}

/// What a connection opened with.
pub(super) enum Seen {
    /// It can be told.
    Opening(Opening),
    /// A ClientHello that no browser would send.
    Malformed(HelloFault),
    /// It ended, or stayed silent, before enough was said.
    Unfinished(Unfinished),
}

/// How it stayed unfinished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfinished {
    /// The client closed.
    Closed,
    /// The deadline passed.
    TimedOut,
}

/// Reads until the opening is clear, within `deadline` in all.
///
/// # Errors
/// What the socket says.
pub(super) async fn opening(connection: &mut Prefixed, deadline: Duration) -> io::Result<Seen> {
    let look = async {
        loop {
            match opening::scan(&connection.read) {
                Scan::Done(opening) => return Ok(Seen::Opening(opening)),
                Scan::Refused(fault) => return Ok(Seen::Malformed(fault)),
                Scan::Incomplete if connection.read.len() >= MAX_HELLO => {
                    return Ok(Seen::Malformed(HelloFault::TooLong));
                }
                Scan::Incomplete => {}
            }
            if connection.stream.read_buf(&mut connection.read).await? == 0 {
                return Ok(Seen::Unfinished(Unfinished::Closed));
            }
        }
    };
    match tokio::time::timeout(deadline, look).await {
        Ok(seen) => seen,
        Err(_) => Ok(Seen::Unfinished(Unfinished::TimedOut)),
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Prefixed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, into);
        }
        let count = self.read.len().min(into.remaining());
        into.put_slice(&self.read[..count]);
        self.read.drain(..count);
        if self.read.is_empty() {
            self.read = Vec::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Prefixed<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
