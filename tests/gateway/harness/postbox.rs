//! Whoever is told of alerts: a mail server and a program, which answer as a test wants.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
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

/// When a server speaks TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tls {
    /// Never.
    Never,
    /// Once it is asked to: a mail server alone.
    Starttls,
    /// From the first byte on.
    Always,
}

/// A server's certificate, which it signed itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// It holds.
    Good,
    /// It did, years ago.
    Lapsed,
    /// It is another server's.
    OfAnother,
}

/// Who may sign in at a mail server: user, password, and how (`PLAIN`, `LOGIN`).
pub(crate) type Login = (&'static str, &'static str, &'static str);

/// A mail server that remembers what it took.
pub(crate) struct Postbox {
    pub(crate) address: SocketAddr,
    /// Its certificate, as PEM.
    pub(crate) certificate: String,
    desk: Arc<Desk>,
}

/// A program that remembers what it was told: heads and bodies.
pub(crate) struct Hook {
    pub(crate) address: SocketAddr,
    /// Its certificate, as PEM.
    pub(crate) certificate: String,
    told: Arc<Mutex<Vec<(String, String)>>>,
}

/// What all connections of a mail server share.
struct Desk {
    mood: Mutex<Mood>,
    login: Option<Login>,
    starttls: Option<TlsAcceptor>,
    taken: Mutex<Vec<(String, String)>>,
    /// What it was told in clear.
    overheard: Mutex<Vec<String>>,
}

/// Both ways at once.
trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

type Stream = BufReader<Box<dyn Duplex>>;

impl Postbox {
    /// One without TLS or login.
    pub(crate) async fn open(mood: Mood) -> Postbox {
        let postbox = Postbox::with(Tls::Never, Shown::Good, None).await;
        postbox.is_now(mood);
        postbox
    }

    /// One that takes everything from whoever may sign in.
    pub(crate) async fn with(tls: Tls, shown: Shown, login: Option<Login>) -> Postbox {
        let (certificate, acceptor) = certified(shown);
        let (always, starttls) = match tls {
            Tls::Never => (None, None),
            Tls::Starttls => (None, Some(acceptor)),
            Tls::Always => (Some(acceptor), None),
        };
        let desk = Arc::new(Desk {
            mood: Mutex::new(Mood::Takes),
            login,
            starttls,
            taken: Mutex::default(),
            overheard: Mutex::default(),
        });
        let shared = Arc::clone(&desk);
        let is_secret = always.is_some();
        let address = listen(always, move |stream| take(stream, Arc::clone(&shared), is_secret)).await;
        Postbox { address, certificate, desk }
    }

    pub(crate) fn is_now(&self, mood: Mood) {
        *self.desk.mood.lock().unwrap() = mood;
    }

    /// Recipient and message of all that was taken.
    pub(crate) fn taken(&self) -> Vec<(String, String)> {
        self.desk.taken.lock().unwrap().clone()
    }

    /// What anybody on the way could read of what it was told.
    pub(crate) fn overheard(&self) -> Vec<String> {
        self.desk.overheard.lock().unwrap().clone()
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
    /// One without TLS.
    pub(crate) async fn open() -> Hook {
        Hook::with(Tls::Never, Shown::Good).await
    }

    pub(crate) async fn with(tls: Tls, shown: Shown) -> Hook {
        let (certificate, acceptor) = certified(shown);
        let told = Arc::default();
        let shared = Arc::clone(&told);
        let acceptor = (tls != Tls::Never).then_some(acceptor);
        let address = listen(acceptor, move |stream| hear(stream, Arc::clone(&shared))).await;
        Hook { address, certificate, told }
    }

    pub(crate) fn told(&self) -> Vec<(String, String)> {
        self.told.lock().unwrap().clone()
    }
}

/// A certificate and what speaks TLS with it.
fn certified(shown: Shown) -> (String, TlsAcceptor) {
    let name = if shown == Shown::OfAnother { "other.example" } else { "127.0.0.1" };
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    if shown == Shown::Lapsed {
        (params.not_before, params.not_after) = (date_time_ymd(2019, 1, 1), date_time_ymd(2020, 1, 1));
    }
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .unwrap();
    (certificate.pem(), TlsAcceptor::from(Arc::new(config)))
}

/// Has every connection served, in TLS where there is something that speaks it.
async fn listen<F>(
    tls: Option<TlsAcceptor>,
    serve: impl Fn(Stream) -> F + Send + Sync + 'static,
) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (tls, serve) = (tls.clone(), Arc::clone(&serve));
            tokio::spawn(async move {
                match tls {
                    None => serve(BufReader::new(Box::new(stream))).await,
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            serve(BufReader::new(Box::new(stream))).await;
                        }
                    }
                }
            });
        }
    });
    address
}

/// As much of SMTP (RFC 5321, 3207, 4954) as a client of ours needs.
async fn take(mut stream: Stream, desk: Arc<Desk>, mut is_secret: bool) {
    let (mut recipient, mut is_known) = (String::new(), desk.login.is_none());
    let mut answer = "220 postbox\r\n".to_owned();
    loop {
        let now = *desk.mood.lock().unwrap();
        if now == Mood::Silent {
            return std::future::pending().await;
        }
        let Some(line) = ask(&mut stream, &answer).await else { return };
        if !is_secret {
            desk.overheard.lock().unwrap().push(line.clone());
        }
        answer = match (line.split([' ', ':']).next().unwrap_or_default(), now) {
            ("EHLO", _) => greeting(&desk, is_secret),
            ("STARTTLS", _) if desk.starttls.is_some() && !is_secret => {
                stream.write_all(b"220 go on\r\n").await.unwrap();
                assert!(stream.buffer().is_empty(), "it spoke before TLS stood");
                let Ok(secret) = desk.starttls.as_ref().unwrap().accept(stream.into_inner()).await else {
                    return;
                };
                stream = BufReader::new(Box::new(secret));
                is_secret = true;
                // What follows is a greeting anew, to which nothing was said yet.
                let Some(line) = heard(&mut stream).await else { return };
                assert!(line.starts_with("EHLO"), "{line}");
                greeting(&desk, is_secret)
            }
            ("AUTH", _) => {
                is_known = signs_in(&mut stream, &line, desk.login).await;
                if is_known { "235 welcome\r\n".to_owned() } else { "535 who?\r\n".to_owned() }
            }
            ("MAIL", _) if !is_known => "530 sign in\r\n".to_owned(),
            ("RCPT", Mood::Refuses(code)) => format!("{code} no to {line}\r\n"),
            ("RCPT", _) => {
                recipient = line;
                "250 yes\r\n".to_owned()
            }
            ("DATA", _) => {
                stream.write_all(b"354 go on\r\n").await.unwrap();
                let message = message(&mut stream).await;
                desk.taken.lock().unwrap().push((recipient.clone(), message));
                "250 taken\r\n".to_owned()
            }
            ("QUIT", _) => "221 bye\r\n".to_owned(),
            _ => "250 yes\r\n".to_owned(),
        };
    }
}

/// What it can do, as far as it is to be known by now.
fn greeting(desk: &Desk, is_secret: bool) -> String {
    let mut lines = vec!["250-postbox".to_owned()];
    if desk.starttls.is_some() && !is_secret {
        lines.push("250-STARTTLS".to_owned());
    }
    if let Some((_, _, mechanism)) = desk.login {
        lines.push(format!("250-AUTH {mechanism}"));
    }
    lines.push("250 8BITMIME\r\n".to_owned());
    lines.join("\r\n")
}

/// Whether somebody says who they are, in the way that is offered, and is let in.
async fn signs_in(stream: &mut Stream, line: &str, login: Option<Login>) -> bool {
    let Some((user, password, mechanism)) = login else { return false };
    let words: Vec<&str> = line.split(' ').collect();
    assert_eq!(words[1], mechanism);
    let decoded = |text: String| String::from_utf8(STANDARD.decode(text).unwrap()).unwrap();
    if mechanism == "PLAIN" {
        return decoded(words[2].to_owned()) == format!("\0{user}\0{password}");
    }
    let Some(name) = ask(stream, "334 VXNlcm5hbWU6\r\n").await else { return false };
    let Some(word) = ask(stream, "334 UGFzc3dvcmQ6\r\n").await else { return false };
    (decoded(name), decoded(word)) == (user.to_owned(), password.to_owned())
}

async fn ask(stream: &mut Stream, answer: &str) -> Option<String> {
    stream.write_all(answer.as_bytes()).await.ok()?;
    stream.flush().await.ok()?;
    heard(stream).await
}

async fn heard(stream: &mut Stream) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).await.unwrap_or(0);
    (read > 0).then(|| line.trim_end().to_owned())
}

async fn message(stream: &mut Stream) -> String {
    let mut message = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 || line == ".\r\n" {
            return message;
        }
        message.push_str(&line);
    }
}

async fn hear(mut stream: Stream, told: Arc<Mutex<Vec<(String, String)>>>) {
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
    let _ = stream.shutdown().await;
}
