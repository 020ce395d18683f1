//! A client: of the explicit proxy, through CONNECT, or straight at a transparent door.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::harness::talk::Talk;

/// How long anything may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Invariant 12 says a second. The rest is for a machine that is busy: what does not end by policy
/// would go on for minutes.
pub(crate) const AT_ONCE: Duration = Duration::from_secs(6);

/// A client at an address.
#[derive(Clone)]
pub(crate) struct Browser {
    address: IpAddr,
    proxy: SocketAddr,
    authorities: Vec<CertificateDer<'static>>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Browser {
    /// `authorities` are those that it trusts: the origin's, and on a managed device the school's.
    pub(crate) fn new(
        address: IpAddr,
        proxy: SocketAddr,
        authorities: Vec<CertificateDer<'static>>,
    ) -> Browser {
        Browser { address, proxy, authorities }
    }

    /// The same client at another door.
    pub(crate) fn at(&self, door: SocketAddr) -> Browser {
        Browser { proxy: door, ..self.clone() }
    }

    /// A bare connection to the proxy from this client's address.
    pub(crate) async fn connection(&self) -> TcpStream {
        self.connect_from(TcpSocket::new_v4().unwrap()).await
    }

    /// As `connection`, taking in little at a time.
    pub(crate) async fn narrow(&self) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(8 * 1024).unwrap();
        self.connect_from(socket).await
    }

    async fn connect_from(&self, socket: TcpSocket) -> TcpStream {
        socket.bind(SocketAddr::new(self.address, 0)).unwrap();
        let stream = socket.connect(self.proxy).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// A connection on which several things are said.
    pub(crate) async fn talk(&self) -> Talk {
        Talk::new(self.connection().await)
    }

    /// GET through the proxy: absolute-form for http, CONNECT and TLS for https.
    pub(crate) async fn get(&self, url: &str) -> Answer {
        let (scheme, rest) = url.split_once("://").unwrap();
        let (authority, path) =
            rest.split_once('/').map_or((rest, "/".to_owned()), |(a, p)| (a, format!("/{p}")));
        if scheme == "http" {
            let host = authority.rsplit('@').next().unwrap();
            return self
                .send(&format!("GET {url} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"))
                .await;
        }
        let target = if authority.contains(':') { authority.to_owned() } else { format!("{authority}:443") };
        match self.tls(&target, authority).await {
            Ok(mut stream) => {
                let head = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
                stream.write_all(head.as_bytes()).await.unwrap();
                let mut bytes = Vec::new();
                let _ = within(stream.read_to_end(&mut bytes)).await;
                parse(&bytes)
            }
            Err(answer) => answer,
        }
    }

    /// Sends bytes as they are and reads until the proxy closes.
    pub(crate) async fn send(&self, bytes: &str) -> Answer {
        self.send_bytes(bytes.as_bytes()).await
    }

    /// As `send`, for what is no text.
    pub(crate) async fn send_bytes(&self, bytes: &[u8]) -> Answer {
        let mut stream = self.connection().await;
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        // A reset after the answer is an end too.
        let _ = within(stream.read_to_end(&mut answer)).await;
        parse(&answer)
    }

    /// CONNECT; the open tunnel, or what the proxy answered instead.
    pub(crate) async fn connect(&self, target: &str) -> Result<TcpStream, Answer> {
        let mut stream = self.connection().await;
        stream
            .write_all(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n").as_bytes())
            .await
            .unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if within(stream.read(&mut byte)).await.unwrap_or(0) == 0 {
                return Err(parse(&head));
            }
            head.extend_from_slice(&byte);
        }
        let answer = parse(&head);
        if answer.status == 200 {
            return Ok(stream);
        }
        let mut rest = Vec::new();
        let _ = within(stream.read_to_end(&mut rest)).await;
        head.extend_from_slice(&rest);
        Err(parse(&head))
    }

    /// CONNECT to a target, then TLS for a name inside. A TLS failure is status 0 with the
    /// fault as its body.
    pub(crate) async fn tls(&self, target: &str, name: &str) -> Result<TlsStream<TcpStream>, Answer> {
        let stream = self.connect(target).await?;
        self.handshake(stream, name).await
    }

    /// TLS straight at the door, as a redirected client does it.
    pub(crate) async fn tls_direct(&self, name: &str) -> Result<TlsStream<TcpStream>, Answer> {
        let stream = self.connection().await;
        self.handshake(stream, name).await
    }

    /// The authorities that it trusts.
    pub(crate) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        for authority in &self.authorities {
            roots.add(authority.clone()).unwrap();
        }
        roots
    }

    /// TLS as this client does it, offering these protocols.
    pub(crate) fn trusting(&self, alpn: &[&str]) -> ClientConfig {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.roots())
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        config
    }

    /// TLS for a name over a connection that is open already.
    pub(crate) async fn handshake<S>(&self, stream: S, name: &str) -> Result<TlsStream<S>, Answer>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let config = self.trusting(&[]);
        let host = name.split(':').next().unwrap().to_owned();
        let server = ServerName::try_from(host).unwrap();
        let shaken = within(TlsConnector::from(Arc::new(config)).connect(server, stream)).await;
        shaken.map_err(|fault| Answer { status: 0, head: String::new(), body: fault.to_string() })
    }
}

impl Answer {
    /// A header field's value.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// Waits for something, but not for ever.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("took too long")
}

pub(super) fn parse(bytes: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}
