//! Handshakes with clients: old and new TLS, resumed, cut in pieces, with nothing to say.

use std::sync::Arc;

use super::*;
use crate::harness::{Browser, Dripped, Talk, hello, in_records, within};
use rustls::{ClientConfig, HandshakeKind, ProtocolVersion, SupportedProtocolVersion, version};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

type Shaken = Result<TlsStream<TcpStream>, std::io::Error>;

async fn shaken(browser: &Browser, config: &Arc<ClientConfig>, site: &str) -> Shaken {
    let tunnel = browser.connect(&format!("{site}:443")).await.unwrap();
    let name = site.to_owned().try_into().unwrap();
    within(TlsConnector::from(Arc::clone(config)).connect(name, tunnel)).await
}

/// GET over HTTP/1.1, so that tickets sent behind the handshake are read too.
async fn get(stream: TlsStream<TcpStream>, site: &str, path: &str) -> u16 {
    let mut talk = Talk::new(stream);
    talk.say(format!("GET {path} HTTP/1.1\r\nHost: {site}\r\nConnection: close\r\n\r\n")).await;
    talk.answer().await.unwrap().status
}

/// What a browser that knows only this version of TLS offers.
fn only(browser: &Browser, version: &'static SupportedProtocolVersion) -> Arc<ClientConfig> {
    let usual = browser.trusting(&["http/1.1"]);
    let provider = Arc::clone(usual.crypto_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
    let mut config = builder.with_root_certificates(browser.roots()).with_no_client_auth();
    config.alpn_protocols.clone_from(&usual.alpn_protocols);
    Arc::new(config)
}

/// TLS 1.2 and 1.3 are both spoken, and judged alike.
#[tokio::test(flavor = "multi_thread")]
async fn both_versions_of_tls_are_judged_alike() {
    let gateway = inspected().start().await;
    let browser = gateway.managed("ks2");
    for (version, agreed) in
        [(&version::TLS12, ProtocolVersion::TLSv1_2), (&version::TLS13, ProtocolVersion::TLSv1_3)]
    {
        let config = only(&browser, version);
        for (path, status) in [("/other", 200), ("/listed/page", 403)] {
            let stream = shaken(&browser, &config, "shared.example").await.unwrap();
            assert_eq!(stream.get_ref().1.protocol_version(), Some(agreed));
            assert_eq!(get(stream, "shared.example", path).await, status, "{agreed:?} {path}");
        }
    }
    gateway.stop().await;
}

/// A session is resumed for its own site alone, and what it asks for is judged as ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_resumed_session_is_judged_as_any_other() {
    let gateway = always().start().await;
    let browser = gateway.managed("ks2");
    for version in [&version::TLS12, &version::TLS13] {
        gateway.rewrite("blocklists/school/block.txt", "# nothing\n").await.unwrap();
        let config = only(&browser, version);
        let first = shaken(&browser, &config, "maths.example").await.unwrap();
        assert_eq!(first.get_ref().1.handshake_kind(), Some(HandshakeKind::Full));
        assert_eq!(get(first, "maths.example", "/").await, 200);
        let again = shaken(&browser, &config, "maths.example").await.unwrap();
        assert_eq!(again.get_ref().1.handshake_kind(), Some(HandshakeKind::Resumed), "{version:?}");
        assert_eq!(get(again, "maths.example", "/").await, 200);
        gateway.rewrite("blocklists/school/block.txt", "maths.example/no\n").await.unwrap();
        let again = shaken(&browser, &config, "maths.example").await.unwrap();
        assert_eq!(get(again, "maths.example", "/no").await, 403, "{version:?}");
        let mut talk = Talk::new(shaken(&browser, &config, "maths.example").await.unwrap());
        talk.say("GET / HTTP/1.1\r\nHost: phonics.example\r\n\r\n").await;
        assert_eq!(talk.answer().await.unwrap().status, 421, "{version:?}");
        let other = shaken(&browser, &config, "phonics.example").await.unwrap();
        assert_eq!(other.get_ref().1.handshake_kind(), Some(HandshakeKind::Full), "{version:?}");
    }
    gateway.stop().await;
}

/// Invariant 8: the pieces that a hello comes in change nothing of what is inside.
#[tokio::test(flavor = "multi_thread")]
async fn the_cut_of_a_hello_changes_nothing_inside() {
    let gateway = inspected().start().await;
    let browser = gateway.managed("ks2");
    for records in [false, true] {
        for (path, status) in [("/other", 200), ("/listed/page", 403)] {
            let tunnel = Dripped::new(browser.connect("shared.example:443").await.unwrap(), records);
            let mut talk = Talk::new(browser.handshake(tunnel, "shared.example").await.unwrap());
            talk.say(format!("GET {path} HTTP/1.1\r\nHost: shared.example\r\n\r\n")).await;
            assert_eq!(talk.answer().await.unwrap().status, status, "{records} {path}");
        }
    }
    gateway.stop().await;
}

/// Invariants 20 and 21 inside TLS: heads have a deadline and a bound, and silence ends.
#[tokio::test(flavor = "multi_thread")]
async fn heads_inside_tls_have_a_deadline_and_a_bound() {
    let limits = always().setting("LIMITS__HEAD_SECONDS", "1").setting("LIMITS__IDLE_SECONDS", "1");
    let gateway = limits.setting("LIMITS__HEADER_BYTES", "8192").start().await;
    let browser = gateway.managed("ks2");
    let config = Arc::new(browser.trusting(&["http/1.1"]));
    let long = format!("GET / HTTP/1.1\r\nHost: maths.example\r\nX-Long: {}\r\n\r\n", "x".repeat(9_000));
    let many = format!("GET / HTTP/1.1\r\nHost: maths.example\r\n{}\r\n", "X: y\r\n".repeat(200));
    let far = format!("GET /{} HTTP/1.1\r\nHost: maths.example\r\n\r\n", "x".repeat(8_000));
    // Of half a body either reader may be the first to have waited long enough.
    for (said, statuses) in [
        ("GET / HTTP/1.1\r\nHost: maths", &[408][..]),
        ("", &[]),
        (&long, &[431]),
        (&many, &[431]),
        (&far, &[414, 431, 200]),
        ("POST /body HTTP/1.1\r\nHost: maths.example\r\nContent-Length: 10\r\n\r\nhalf", &[408, 400]),
    ] {
        let mut talk = Talk::new(shaken(&browser, &config, "maths.example").await.unwrap());
        talk.say(said).await;
        let since = std::time::Instant::now();
        let status = talk.answer().await.map(|answer| answer.status);
        let expected = status.map_or(statuses.is_empty(), |status| statuses.contains(&status));
        assert!(expected, "{:.60}: {status:?}", said);
        assert!(talk.answer().await.is_none(), "{:.60}", said);
        assert!(since.elapsed() < std::time::Duration::from_secs(20), "{:.60}: {:?}", said, since.elapsed());
    }
    gateway.eventually("no open connection", |gateway| gateway.metric("connections_open") == 0).await;
    gateway.stop().await;
}

/// Who offers none of the protocols of the web is refused where it would be decrypted: what it
/// speaks could not be judged.
#[tokio::test(flavor = "multi_thread")]
async fn an_offer_of_other_protocols_gets_no_further_than_the_handshake() {
    let gateway = inspected().start().await;
    let browser = gateway.managed("ks2");
    for offer in [&["spdy/3.1"][..], &["acme-tls/1"], &["dot"], &["h2c", "http/1.0"]] {
        let config = Arc::new(browser.trusting(offer));
        let fault = shaken(&browser, &config, "shared.example").await.err().unwrap();
        assert!(fault.to_string().contains("NoApplicationProtocol"), "{offer:?}: {fault}");
    }
    let bytes = in_records(&hello("shared.example", 80), 700);
    let mut talk = Talk::new(browser.connect("shared.example:443").await.unwrap());
    talk.say(&bytes).await;
    let (heard, _) = talk.rest().await;
    assert!(heard.len() < 1_000, "a fault of the handshake and nothing else: {} bytes", heard.len());
    for at in 0..5 {
        assert_eq!(gateway.closed(at).await["schoolgate"]["closed_by"], "error");
    }
    assert_eq!(gateway.origin.heads(), Vec::<String>::new());
    gateway.stop().await;
}
