//! ClientHellos as bytes, and connections that send them in odd pieces.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A real ClientHello; without a name when `name` is empty, larger by `padding` names of protocols.
pub(crate) fn hello(name: &str, padding: usize) -> Vec<u8> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    config.enable_sni = !name.is_empty();
    config.alpn_protocols = (0..padding).map(|number| format!("{number:0>200}").into_bytes()).collect();
    let named = if name.is_empty() { "unnamed.example" } else { name };
    let name = ServerName::try_from(named.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut bytes = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut bytes).unwrap();
    }
    bytes
}

/// The same handshake message in TLS records of `size` bytes each.
pub(crate) fn in_records(hello: &[u8], size: usize) -> Vec<u8> {
    let mut message = Vec::new();
    let mut rest = hello;
    while let [kind, major, minor, high, low, body @ ..] = rest {
        assert_eq!((*kind, *major, *minor <= 4), (22, 3, true));
        let length = usize::from(*high) << 8 | usize::from(*low);
        message.extend_from_slice(&body[..length]);
        rest = &body[length..];
    }
    let records = message.chunks(size).flat_map(|piece| {
        let [high, low] = u16::try_from(piece.len()).unwrap().to_be_bytes();
        [&[22, 3, 1, high, low], piece].concat()
    });
    records.collect()
}

/// A connection that sends one byte a write; with `records`, its first flight in records of a
/// byte too.
#[derive(Debug)]
pub(crate) struct Dripped {
    stream: TcpStream,
    records: bool,
    waiting: Vec<u8>,
}

impl Dripped {
    pub(crate) fn new(stream: TcpStream, records: bool) -> Dripped {
        Dripped { stream, records, waiting: Vec::new() }
    }

    fn drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.waiting.is_empty() {
            std::task::ready!(Pin::new(&mut self.stream).poll_write(cx, &self.waiting[..1]))?;
            self.waiting.remove(0);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Dripped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl AsyncWrite for Dripped {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        std::task::ready!(self.drain(cx))?;
        self.waiting = if self.records { in_records(bytes, 1) } else { bytes.to_vec() };
        self.records = false;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        std::task::ready!(self.drain(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        std::task::ready!(self.drain(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
