//! The listeners: TLS where it must be, slow and greedy clients.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::fixture::Office;
use crate::model::Timestamp;
use crate::settings::Settings;
use crate::web::{CertificateError, Tls, admin, serve};

fn settings(state: &Path, more: &str) -> Settings {
    let text = format!("[state]\ndir = \"{}\"\n{more}", state.display());
    Settings::parse(Path::new("schoolgate.toml"), text, std::iter::empty())
        .unwrap_or_else(|faults| panic!("{faults}"))
}

async fn listen(office: &Office, tls: Option<Tls>) -> (SocketAddr, CancellationToken) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    tokio::spawn(serve(vec![listener], admin(&office.shared), tls, stop.clone()));
    (address, stop)
}

async fn exchange(address: SocketAddr, sent: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(sent).await.unwrap();
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text).await;
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn a_certificate_is_made_once_where_others_can_reach() {
    let folder = tempfile::TempDir::new().unwrap();
    let now: Timestamp = "2026-11-24T09:00:00Z".parse().unwrap();
    let local = settings(folder.path(), "[listen]\nadmin = [\"127.0.0.1:8080\"]\n");
    assert!(Tls::for_admin(&local, now).unwrap().is_none());
    let open = settings(folder.path(), "[listen]\nadmin = [\"0.0.0.0:8443\", \"[::1]:8443\"]\n");
    let tls = Tls::for_admin(&open, now).unwrap().unwrap();
    assert!(!tls.is_everywhere());
    let (key, certificate) = (folder.path().join("admin.key"), folder.path().join("admin.crt"));
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let made = std::fs::read(&certificate).unwrap();
    Tls::for_admin(&open, now).unwrap();
    assert_eq!(std::fs::read(&certificate).unwrap(), made, "staff trust the one they know");

    let given = format!(
        "[listen]\nadmin = [\"127.0.0.1:8080\"]\n[admin]\ncertificate = \"{}\"\nkey = \"{}\"\n",
        certificate.display(),
        key.display()
    );
    assert!(Tls::for_admin(&settings(folder.path(), &given), now).unwrap().unwrap().is_everywhere());
    std::fs::write(&key, "nothing").unwrap();
    let fault = Tls::for_admin(&open, now).unwrap_err();
    assert!(matches!(fault, CertificateError::NotPem { .. }), "{fault}");
    std::fs::remove_file(&key).unwrap();
    Tls::for_admin(&open, now).unwrap();
    assert_ne!(std::fs::read(&certificate).unwrap(), made, "a certificate without its key is made anew");
}

#[tokio::test]
async fn loopback_is_plain_and_the_rest_is_tls() {
    let office = Office::open().await;
    let open = settings(office.folder.path(), "[listen]\nadmin = [\"0.0.0.0:8443\"]\n");
    let tls = Tls::for_admin(&open, office.clock.now()).unwrap().unwrap();
    let get = b"GET /api/v1/me HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let (address, stop) = listen(&office, Some(tls.clone())).await;
    assert!(exchange(address, get).await.starts_with("HTTP/1.1 401"));
    stop.cancel();

    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let stop = CancellationToken::new();
    let served = tokio::spawn(serve(vec![listener], admin(&office.shared), Some(tls), stop.clone()));
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    assert!(!exchange(address, get).await.contains("HTTP/1.1"), "no plain HTTP here");
    let certificate = office.folder.path().join("admin.crt");
    let asked = tokio::process::Command::new("curl")
        .args(["-s", "--noproxy", "*", "-w", "%{http_code} %{http_version}", "-o", "/dev/null", "--cacert"])
        .arg(&certificate)
        .arg(format!("https://localhost:{port}/api/v1/me"))
        .output()
        .await;
    if let Ok(asked) = asked {
        assert_eq!(String::from_utf8_lossy(&asked.stdout), "401 1.1");
    }
    stop.cancel();
    served.await.unwrap();
}

#[tokio::test]
async fn no_client_holds_the_listener() {
    let office = Office::open().await;
    let (address, stop) = listen(&office, None).await;
    let mut idle = Vec::new();
    for _ in 0..80 {
        idle.push(TcpStream::connect(address).await.unwrap());
    }
    // One client's places are all taken: what it opens beyond them is closed at once.
    let mut last = idle.pop().unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(30), last.read(&mut [0; 1])).await;
    assert!(matches!(ended, Ok(Ok(0) | Err(_))), "{ended:?}");
    drop((idle, last));
    let slow = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
        let started = std::time::Instant::now();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        started.elapsed()
    };
    let took = tokio::time::timeout(Duration::from_secs(60), slow).await.expect("a slow head is cut off");
    assert!(took > Duration::from_secs(8), "it was given its time: {took:?}");
    let long = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(100_000));
    let answer = exchange(address, long.as_bytes()).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    let (answer, rest) =
        (exchange(address, b"\x16\x03\x01\x02\x00\x01\xfc\x03\x03\r\n\r\n").await, "HTTP/1.1 400");
    assert!(answer.is_empty() || answer.starts_with(rest), "{answer}");
    stop.cancel();
}
