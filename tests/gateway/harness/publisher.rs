//! Whoever publishes lists: an HTTP and an HTTPS server that answer as a test wants.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What a path answers.
#[derive(Clone)]
pub(crate) enum Reply {
    /// A file; asked with the right `If-None-Match` it is not modified.
    File(Vec<u8>, &'static str),
    /// These very bytes, and then the connection ends.
    Raw(Vec<u8>),
    /// A file that comes a byte at a time, and never ends.
    Drip,
    /// Elsewhere.
    Redirect(String),
}

/// A publisher that remembers what it was asked.
pub(crate) struct Publisher {
    pub(crate) http: SocketAddr,
    pub(crate) https: SocketAddr,
    certificate: String,
    replies: Arc<Mutex<HashMap<String, Reply>>>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Publisher {
    pub(crate) async fn start() -> Publisher {
        let (replies, heads) = (Arc::default(), Arc::default());
        let (certificate, tls) = certificate();
        let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let secure = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (http, https) = (plain.local_addr().unwrap(), secure.local_addr().unwrap());
        tokio::spawn(accept(plain, None, Arc::clone(&replies), Arc::clone(&heads)));
        tokio::spawn(accept(secure, Some(tls), Arc::clone(&replies), Arc::clone(&heads)));
        Publisher { http, https, certificate, replies, heads }
    }

    /// The address of a path over http.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http)
    }

    /// The address of a path over https.
    pub(crate) fn secure_url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.https.port())
    }

    /// From now on a path answers so.
    pub(crate) fn put(&self, path: &str, reply: Reply) {
        self.replies.lock().unwrap().insert(path.to_owned(), reply);
    }

    /// From now on a path has this file.
    pub(crate) fn file(&self, path: &str, body: impl AsRef<[u8]>) {
        self.put(path, Reply::File(body.as_ref().to_vec(), ""));
    }

    /// From now on a path is not there.
    pub(crate) fn remove(&self, path: &str) {
        self.replies.lock().unwrap().remove(path);
    }

    /// The requests for a path so far.
    pub(crate) fn asked(&self, path: &str) -> Vec<String> {
        let start = format!("GET {path} ");
        self.heads.lock().unwrap().iter().filter(|head| head.starts_with(&start)).cloned().collect()
    }

    /// Writes the certificate, for `upstream.extra_roots`.
    pub(crate) fn write_certificate(&self, path: &Path) {
        std::fs::write(path, &self.certificate).unwrap();
    }
}

/// Asks one of the gateway's own listeners; the whole answer, head and body.
pub(crate) async fn fetch(at: SocketAddr, path: &str, token: Option<&str>) -> String {
    let mut stream = tokio::net::TcpStream::connect(at).await.unwrap();
    let bearer = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{bearer}Connection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    super::within(stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8(answer).unwrap()
}

fn certificate() -> (String, TlsAcceptor) {
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.der().clone()], private)
        .unwrap();
    (own.pem(), TlsAcceptor::from(Arc::new(config)))
}

async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    replies: Arc<Mutex<HashMap<String, Reply>>>,
    heads: Arc<Mutex<Vec<String>>>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, replies, heads) = (tls.clone(), Arc::clone(&replies), Arc::clone(&heads));
        tokio::spawn(async move {
            match tls {
                None => answer(stream, &replies, &heads).await,
                Some(acceptor) => {
                    if let Ok(secure) = acceptor.accept(stream).await {
                        answer(secure, &replies, &heads).await;
                    }
                }
            }
        });
    }
}

async fn answer(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    replies: &Mutex<HashMap<String, Reply>>,
    heads: &Mutex<Vec<String>>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or("/").to_owned();
    heads.lock().unwrap().push(head.clone());
    let reply = replies.lock().unwrap().get(&path).cloned();
    let bytes = match reply {
        None => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec(),
        Some(Reply::Raw(bytes)) => bytes,
        Some(Reply::File(_, etag)) if !etag.is_empty() && head.contains(&format!("\"{etag}\"")) => {
            b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n".to_vec()
        }
        Some(Reply::File(body, etag)) => {
            let tag = if etag.is_empty() { String::new() } else { format!("ETag: \"{etag}\"\r\n") };
            let length = body.len();
            let mut reply =
                format!("HTTP/1.1 200 OK\r\n{tag}Content-Length: {length}\r\nConnection: close\r\n\r\n")
                    .into_bytes();
            reply.extend(body);
            reply
        }
        Some(Reply::Redirect(to)) => {
            format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                .into_bytes()
        }
        Some(Reply::Drip) => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n").await;
            while stream.write_all(b"#").await.is_ok() && stream.flush().await.is_ok() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            return;
        }
    };
    let _ = stream.write_all(&bytes).await;
    let _ = stream.shutdown().await;
}
