//! The internet of the tests: an HTTP origin and a TLS origin on loopback, for every name.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::certificates::internet;
use super::talk::dechunk;
use super::told::{Told, told};
use super::{files, secure, websocket};

/// An origin that remembers what reached it.
pub(crate) struct Origin {
    /// Where plain HTTP is.
    pub(crate) http: SocketAddr,
    /// Where TLS is.
    pub(crate) tls: SocketAddr,
    /// The authority that signed the TLS origin.
    pub(crate) authority: CertificateDer<'static>,
    /// The same as PEM.
    pub(crate) authority_pem: String,
    seen: Arc<Seen>,
}

/// What reached an origin.
#[derive(Default)]
pub(super) struct Seen {
    heads: Mutex<Vec<String>>,
    names: Mutex<Vec<String>>,
}

impl Origin {
    pub(crate) async fn start() -> Origin {
        let seen = Arc::new(Seen::default());
        let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let secure = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (http, tls) = (plain.local_addr().unwrap(), secure.local_addr().unwrap());
        tokio::spawn(accept(plain, Arc::clone(&seen), async |stream, seen| answer(stream, &seen).await));
        tokio::spawn(accept(secure, Arc::clone(&seen), secure::serve));
        let internet = internet();
        let authority = internet.authority.clone();
        Origin { http, tls, authority, authority_pem: internet.authority_pem.clone(), seen }
    }

    /// Every request head that reached it, as it came; over HTTP/2 written out as HTTP/1 would.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.seen.heads()
    }

    /// The name of every TLS connection that reached it.
    pub(crate) fn names(&self) -> Vec<String> {
        self.seen.names.lock().unwrap().clone()
    }
}

impl Seen {
    pub(super) fn head(&self, head: &str) {
        self.heads.lock().unwrap().push(head.to_owned());
    }

    pub(super) fn named(&self, name: &str) {
        self.names.lock().unwrap().push(name.to_owned());
    }

    pub(super) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn accept<F: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    seen: Arc<Seen>,
    serve: impl Fn(TcpStream, Arc<Seen>) -> F,
) {
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).unwrap();
        tokio::spawn(serve(stream, Arc::clone(&seen)));
    }
}

/// Answers requests until the client is done. What a path makes it do stands here and in `told`.
pub(super) async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, seen: &Seen) {
    let mut buffer = Vec::new();
    while let Some(head) = read_head(&mut stream, &mut buffer).await {
        seen.head(&head);
        let body = read_body(&mut stream, &mut buffer, &head).await;
        let path = head.split(' ').nth(1).unwrap_or("/").to_owned();
        let reply = match path.split('?').next().unwrap_or("/") {
            "/truncated" => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this").await;
                return;
            }
            "/truncated-chunked" => {
                let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n";
                let _ = stream.write_all(head).await;
                return;
            }
            "/stream" => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n").await;
                while stream.write_all(b"drop by drop ").await.is_ok() {
                    let _ = stream.flush().await;
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
                return;
            }
            "/websocket" if head.to_ascii_lowercase().contains("\r\nupgrade: websocket") => {
                let switch =
                    b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
                let _ = stream.write_all(switch).await;
                echo(stream, buffer).await;
                return;
            }
            "/chat" if head.to_ascii_lowercase().contains("\r\nupgrade: websocket") => {
                return websocket::serve(stream, &head, buffer).await;
            }
            "/raw" => {
                let _ = stream.write_all(&from_hex(&path)).await;
                let _ = stream.shutdown().await;
                return;
            }
            "/silent" => std::future::pending().await,
            "/held" => {
                held(seen).await;
                reply(&told("/held", &head, &body))
            }
            plain => fixed(plain, &path).unwrap_or_else(|| reply(&told(&path, &head, &body))),
        };
        let reply = if head.starts_with("HEAD ") { only_head(reply) } else { reply };
        let sent = stream.write_all(&reply).await.is_ok() && stream.flush().await.is_ok();
        if !sent || head.to_ascii_lowercase().contains("\r\nconnection: close") {
            let _ = stream.shutdown().await;
            return;
        }
    }
}

/// What some paths are answered with, whatever else was asked, as it goes over the line.
fn fixed(path: &str, whole: &str) -> Option<Vec<u8>> {
    Some(match path {
        "/hop" => {
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n\
              Proxy-Authenticate: Basic\r\nX-End: 1\r\n\r\nok"
                .to_vec()
        }
        "/chunked" => {
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n".to_vec()
        }
        "/trailers" => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n5\r\nhello\r\n0\r\n\
              X-Sum: 5\r\n\r\n"
            .to_vec(),
        "/unasked-101" => {
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n".to_vec()
        }
        "/raw-and-kept" => from_hex(whole),
        "/fields" => {
            let length: usize = whole.split('?').nth(1).unwrap().parse().unwrap();
            let fields = "X-Y: z\r\n".repeat(length / 8);
            format!("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n{fields}\r\nevil").into_bytes()
        }
        file if file.starts_with("/file/") => files::reply(&file["/file/".len()..]),
        _ => return None,
    })
}

/// Waits until a page has told its findings; the page's `load` waits for what this holds.
pub(super) async fn held(seen: &Seen) {
    for _ in 0..500 {
        if seen.heads().iter().any(|head| head.starts_with("POST /findings")) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// The bytes that a path's query spells.
fn from_hex(path: &str) -> Vec<u8> {
    let hex = path.split('?').nth(1).unwrap().as_bytes();
    let digit = |digit: u8| u8::try_from(char::from(digit).to_digit(16).unwrap()).unwrap();
    hex.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

fn reply(told: &Told) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} Told\r\n", told.status);
    for (name, value) in &told.fields {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    // A 204 has no length (RFC 9110 section 8.6), a 304 that of another answer.
    if ![204, 304].contains(&told.status) {
        head.push_str(&format!("Content-Length: {}\r\n", told.body.len()));
    }
    [format!("{head}\r\n").into_bytes(), told.body.clone()].concat()
}

fn only_head(mut reply: Vec<u8>) -> Vec<u8> {
    let end = reply.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    reply.truncate(end + 4);
    reply
}

async fn echo(mut stream: impl AsyncRead + AsyncWrite + Unpin, first: Vec<u8>) {
    let _ = stream.write_all(&first).await;
    let _ = stream.flush().await;
    let mut buffer = vec![0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        if stream.write_all(&buffer[..count]).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}

async fn read_head(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let head = buffer.drain(..end + 4).collect::<Vec<u8>>();
            return Some(String::from_utf8_lossy(&head).into_owned());
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

async fn read_body(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>, head: &str) -> Vec<u8> {
    let field = |name: &str| {
        head.lines().find_map(|line| {
            line.to_ascii_lowercase().strip_prefix(name).map(|value| value.trim().to_owned())
        })
    };
    if field("transfer-encoding:").is_some() {
        loop {
            if let Some((body, end)) = dechunk(buffer) {
                buffer.drain(..end);
                return body;
            }
            if stream.read_buf(buffer).await.unwrap_or(0) == 0 {
                return Vec::new();
            }
        }
    }
    let length = field("content-length:").and_then(|length| length.parse().ok()).unwrap_or(0);
    while buffer.len() < length {
        if stream.read_buf(buffer).await.unwrap_or(0) == 0 {
            break;
        }
    }
    buffer.drain(..length.min(buffer.len())).collect()
}

/// A listener that remembers whether anybody came; for what must not be reached.
pub(crate) async fn never_reached(ip: &str) -> (SocketAddr, tokio::sync::oneshot::Receiver<TcpStream>) {
    let listener = TcpListener::bind((ip, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        if let Ok((stream, _)) = listener.accept().await {
            let _ = tell.send(stream);
        }
    });
    (address, told)
}
