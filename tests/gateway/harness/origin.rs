//! The internet of the tests: an HTTP origin and a TLS origin on loopback, for every name.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::harness::files;
use crate::harness::talk::dechunk;

/// The names that the TLS origin is certified for.
const NAMES: [&str; 10] = [
    "maths.example",
    "phonics.example",
    "games.example",
    "chess.games.example",
    "times-tables.games.example",
    "adult.example",
    "shared.example",
    "new.example",
    "school-blocked.example",
    "blocked.schoolgate.test",
];

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
    heads: Arc<Mutex<Vec<String>>>,
}

impl Origin {
    pub(crate) async fn start() -> Origin {
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (authority, acceptor) = certificates();
        let authority_pem = authority.pem();
        let authority = authority.der().clone();
        let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let secure = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (http, tls) = (plain.local_addr().unwrap(), secure.local_addr().unwrap());
        tokio::spawn(accept(plain, None, Arc::clone(&heads)));
        tokio::spawn(accept(secure, Some(acceptor), Arc::clone(&heads)));
        Origin { http, tls, authority, authority_pem, heads }
    }

    /// Every request head that reached it, as it came.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn certificates() -> (rcgen::Certificate, TlsAcceptor) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let leaf_key = KeyPair::generate().unwrap();
    let names: Vec<String> = NAMES.map(str::to_owned).into();
    let leaf = CertificateParams::new(names).unwrap().signed_by(&leaf_key, &issuer).unwrap();
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], private)
        .unwrap();
    (authority, TlsAcceptor::from(Arc::new(config)))
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, heads: Arc<Mutex<Vec<String>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, heads) = (tls.clone(), Arc::clone(&heads));
        tokio::spawn(async move {
            stream.set_nodelay(true).unwrap();
            match tls {
                None => answer(stream, &heads).await,
                Some(acceptor) => {
                    if let Ok(secure) = acceptor.accept(stream).await {
                        answer(secure, &heads).await;
                    }
                }
            }
        });
    }
}

/// Answers requests until the client is done. What a path makes it do stands here.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, heads: &Mutex<Vec<String>>) {
    let mut buffer = Vec::new();
    while let Some(head) = read_head(&mut stream, &mut buffer).await {
        heads.lock().unwrap().push(head.clone());
        let body = read_body(&mut stream, &mut buffer, &head).await;
        let path = head.split(' ').nth(1).unwrap_or("/").to_owned();
        let reply = match path.split('?').next().unwrap_or("/") {
            "/body" => reply("text/plain", &body),
            "/head" => reply("text/plain", head.as_bytes()),
            "/path" => reply("text/plain", path.as_bytes()),
            "/hop" => {
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n\
                  Proxy-Authenticate: Basic\r\nX-End: 1\r\n\r\nok"
                    .to_vec()
            }
            "/huge" => reply("application/octet-stream", &vec![b'x'; 16 << 20]),
            "/large" => reply("application/octet-stream", &vec![b'x'; 1 << 20]),
            "/chunked" => {
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n".to_vec()
            }
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
            "/unasked-101" => {
                b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n".to_vec()
            }
            "/silent" => std::future::pending().await,
            file if file.starts_with("/file/") => files::reply(&file["/file/".len()..]),
            _ => reply("text/plain", b"hello from the origin"),
        };
        let reply = if head.starts_with("HEAD ") { only_head(reply) } else { reply };
        let sent = stream.write_all(&reply).await.is_ok() && stream.flush().await.is_ok();
        if !sent || head.to_ascii_lowercase().contains("\r\nconnection: close") {
            let _ = stream.shutdown().await;
            return;
        }
    }
}

fn reply(kind: &str, body: &[u8]) -> Vec<u8> {
    let mut reply =
        format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len())
            .into_bytes();
    reply.extend_from_slice(body);
    reply
}

fn only_head(mut reply: Vec<u8>) -> Vec<u8> {
    let end = reply.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    reply.truncate(end + 4);
    reply
}

async fn echo(mut stream: impl AsyncRead + AsyncWrite + Unpin, first: Vec<u8>) {
    let _ = stream.write_all(&first).await;
    let mut buffer = vec![0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        if stream.write_all(&buffer[..count]).await.is_err() {
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
