//! The TLS half of the tests' internet: what a site does depends on the name that it is asked for.

use std::sync::Arc;

use rustls::server::Acceptor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;

use super::certificates::{internet, kind_of};
use super::origin::{self, Seen};
use super::{over_http2, raw_http2};

/// A ServerHello of TLS 1.1 (RFC 4346 section 7.4.1.3), for TLS_RSA_WITH_AES_128_CBC_SHA.
const OLD_HELLO: [u8; 47] = {
    let mut hello = [7; 47];
    let (head, tail) = ([22, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2], [0, 0, 0x2f, 0]);
    let mut at = 0;
    while at < head.len() {
        hello[at] = head[at];
        at += 1;
    }
    at = 0;
    while at < tail.len() {
        hello[43 + at] = tail[at];
        at += 1;
    }
    hello
};
/// The alert `protocol_version`, as servers of TLS 1.1 send it who know what comes after.
const PROTOCOL_VERSION: [u8; 7] = [21, 3, 2, 0, 2, 2, 70];

/// Serves a connection to port 443.
pub(super) async fn serve(stream: TcpStream, seen: Arc<Seen>) {
    let mut waiting = LazyConfigAcceptor::new(Acceptor::default(), stream);
    let Ok(hello) = (&mut waiting).await else { return };
    let name = hello.client_hello().server_name().unwrap_or_default().to_owned();
    seen.named(&name);
    let bytes: &[u8] = match kind_of(&name) {
        "old-tls" => &OLD_HELLO,
        "older-tls" => &PROTOCOL_VERSION,
        "not-tls" => b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        "closes" => b"",
        _ => {
            let secure = match hello.into_stream(internet().site(&name)).into_fallible().await {
                Ok(secure) => secure,
                Err((_, stream)) => return listen_on(stream).await,
            };
            match secure.get_ref().1.alpn_protocol() {
                Some(b"h2") if kind_of(&name) == "raw-h2" => raw_http2::serve(secure, &name).await,
                Some(b"h2") => over_http2::serve(secure, seen).await,
                Some(_) | None => origin::answer(secure, &seen).await,
            }
            return;
        }
    };
    let mut stream = hello.io;
    let _ = stream.write_all(bytes).await;
    listen_on(stream).await;
}

/// Hears what the client still has to say, lest a reset overtakes what it was told.
async fn listen_on(mut stream: TcpStream) {
    let _ = stream.shutdown().await;
    let _ = stream.read_to_end(&mut Vec::new()).await;
}
