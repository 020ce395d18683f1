//! A connection as HTTP is spoken on it: bare, or inside TLS that this gateway ends.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::{client, server};

use crate::ca::OriginFault;
use crate::proxy::sniff::Prefixed;

/// A connection of a client or to an origin.
pub(super) enum Line {
    /// Bare bytes.
    Plain(TcpStream),
    /// A client's TLS, ended here under a leaf of the school's authority.
    Client(Box<server::TlsStream<Prefixed>>),
    /// TLS to an origin, verified, and what the origin still objected to.
    Origin(Box<client::TlsStream<TcpStream>>, Objection),
}

/// What an origin objected to in TLS after the handshake: in TLS 1.3 it is only then that one
/// learns of a missing client certificate. Clones share it; it is there before any reader of the
/// connection sees the end of it.
#[derive(Clone, Default)]
pub(super) struct Objection(Arc<OnceLock<OriginFault>>);

impl Objection {
    /// What it was, if there was one.
    pub(super) fn get(&self) -> Option<OriginFault> {
        self.0.get().copied()
    }

    fn note(&self, fault: &io::Error) {
        if let Some(fault) = OriginFault::of_stream(fault) {
            let _ = self.0.set(fault);
        }
    }
}

impl Line {
    /// The socket below.
    pub(super) fn socket(&self) -> &TcpStream {
        match self {
            Line::Plain(stream) => stream,
            Line::Client(stream) => &stream.get_ref().0.stream,
            Line::Origin(stream, _) => stream.get_ref().0,
        }
    }

    /// What an origin objects to, once it does.
    pub(super) fn objection(&self) -> Objection {
        match self {
            Line::Plain(_) | Line::Client(_) => Objection::default(),
            Line::Origin(_, objection) => objection.clone(),
        }
    }
}

macro_rules! each {
    ($line:expr, $stream:ident => $does:expr) => {
        match $line {
            Line::Plain($stream) => $does,
            Line::Client($stream) => $does,
            Line::Origin($stream, _) => $does,
        }
    };
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = each!(&mut *self, stream => Pin::new(stream).poll_read(cx, into));
        if let (Line::Origin(_, objection), Poll::Ready(Err(fault))) = (&*self, &polled) {
            objection.note(fault);
        }
        polled
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
