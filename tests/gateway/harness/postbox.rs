//! Whoever is told of alerts: a mail server and a program, which answer as a test wants.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rcgen::CertifiedKey;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// What the mail server says to a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// It takes everything.
    Takes,
    /// It answers so: 451, 550.
    Refuses(u16),
    /// It answers nothing at all.
    Silent,
}

/// A mail server that remembers what it took.
pub(crate) struct Postbox {
    pub(crate) address: SocketAddr,
    mood: Arc<Mutex<Mood>>,
    taken: Arc<Mutex<Vec<(String, String)>>>,
}

/// A program that remembers what it was told: heads and bodies.
pub(crate) struct Hook {
    pub(crate) address: SocketAddr,
    told: Arc<Mutex<Vec<(String, String)>>>,
}

impl Postbox {
    pub(crate) async fn open(mood: Mood) -> Postbox {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mood, taken) = (Arc::new(Mutex::new(mood)), Arc::default());
        let postbox = Postbox { address, mood: Arc::clone(&mood), taken: Arc::clone(&taken) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(take(stream, Arc::clone(&mood), Arc::clone(&taken)));
            }
        });
        postbox
    }

    /// One that speaks TLS from the first byte on, and its certificate.
    pub(crate) async fn secure() -> (Postbox, String) {
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
        let tls = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mood, taken) = (Arc::new(Mutex::new(Mood::Takes)), Arc::default());
        let postbox = Postbox { address, mood: Arc::clone(&mood), taken: Arc::clone(&taken) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, mood, taken) = (tls.clone(), Arc::clone(&mood), Arc::clone(&taken));
                tokio::spawn(async move {
                    if let Ok(stream) = tls.accept(stream).await {
                        take(stream, mood, taken).await;
                    }
                });
            }
        });
        (postbox, cert.pem())
    }

    pub(crate) fn is_now(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// Recipient and message of all that was taken.
    pub(crate) fn taken(&self) -> Vec<(String, String)> {
        self.taken.lock().unwrap().clone()
    }

    /// Waits until so much was taken; how long that took.
    pub(crate) async fn takes(&self, count: usize, at_most: Duration) -> Duration {
        let began = Instant::now();
        while self.taken().len() < count {
            assert!(began.elapsed() < at_most, "only {:#?}", self.taken());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        began.elapsed()
    }
}

impl Hook {
    pub(crate) async fn open() -> Hook {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, told) = (listener.local_addr().unwrap(), Arc::default());
        let hook = Hook { address, told: Arc::clone(&told) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(hear(stream, Arc::clone(&told)));
            }
        });
        hook
    }

    pub(crate) fn told(&self) -> Vec<(String, String)> {
        self.told.lock().unwrap().clone()
    }
}

/// As much of SMTP (RFC 5321) as a client without extensions needs.
async fn take<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    mood: Arc<Mutex<Mood>>,
    taken: Arc<Mutex<Vec<(String, String)>>>,
) {
    let mut stream = BufReader::new(stream);
    let (mut recipient, mut line) = (String::new(), String::new());
    let mut answer = "220 postbox\r\n".to_owned();
    loop {
        let now = *mood.lock().unwrap();
        if now == Mood::Silent {
            return std::future::pending().await;
        }
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
        line.clear();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        answer = match (line.split([' ', ':', '\r']).next().unwrap_or_default(), now) {
            ("RCPT", Mood::Refuses(code)) => format!("{code} no to {}\r\n", line.trim_end()),
            ("RCPT", _) => {
                recipient = line.trim_end().to_owned();
                "250 yes\r\n".to_owned()
            }
            ("DATA", _) => {
                stream.write_all(b"354 go on\r\n").await.unwrap();
                let message = message(&mut stream).await;
                taken.lock().unwrap().push((recipient.clone(), message));
                "250 taken\r\n".to_owned()
            }
            ("QUIT", _) => "221 bye\r\n".to_owned(),
            _ => "250 yes\r\n".to_owned(),
        };
    }
}

async fn message<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> String {
    let mut message = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 || line == ".\r\n" {
            return message;
        }
        message.push_str(&line);
    }
}

async fn hear(stream: TcpStream, told: Arc<Mutex<Vec<(String, String)>>>) {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.unwrap();
    told.lock().unwrap().push((head, String::from_utf8(body).unwrap()));
    let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await;
}
