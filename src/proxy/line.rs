//! A connection as HTTP is spoken on it: bare, or inside TLS that this gateway ends.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::{client, server};

use crate::proxy::sniff::Prefixed;

/// A connection of a client or to an origin.
pub(super) enum Line {
    /// Bare bytes.
    Plain(TcpStream),
    /// A client's TLS, ended here under a leaf of the school's authority.
    Client(Box<server::TlsStream<Prefixed>>),
    /// TLS to an origin, verified.
    Origin(Box<client::TlsStream<TcpStream>>),
}

impl Line {
    /// The socket below.
    pub(super) fn socket(&self) -> &TcpStream {
        match self {
            Line::Plain(stream) => stream,
            Line::Client(stream) => &stream.get_ref().0.stream,
            Line::Origin(stream) => stream.get_ref().0,
        }
    }
}

macro_rules! each {
    ($line:expr, $stream:ident => $does:expr) => {
        match $line {
            Line::Plain($stream) => $does,
            Line::Client($stream) => $does,
            Line::Origin($stream) => $does,
        }
    };
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        each!(&mut *self, stream => Pin::new(stream).poll_read(cx, into))
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        each!(&mut *self, stream => Pin::new(stream).poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(&mut *self, stream => Pin::new(stream).poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        each!(self, stream => stream.is_write_vectored())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(&mut *self, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(&mut *self, stream => Pin::new(stream).poll_shutdown(cx))
    }
}
