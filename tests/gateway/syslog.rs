//! The trail at a collector: Debian's rsyslog, over TCP and TLS, away for a while.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use schoolgate::audit::{self, Act, Actor, Closes, Entry, Filter, Order};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;

use crate::harness::{Gateway, address_of, within};

/// What keeps the collector's own words out of the way, and long lines whole.
const USUAL: &str = r#"
global(workDirectory="DIR" maxMessageSize="1m" parser.permitSlashInProgramName="on" TLS)
module(load="imtcp" MODE)
template(name="whole" type="string" string="%pri% %hostname% %app-name% %msgid% %structured-data%\t%msg%\n")
input(type="imtcp" address="127.0.0.1" port="PORT" ruleset="keep")
ruleset(name="keep") { action(type="omfile" file="DIR/got" template="whole") }
"#;
const SECURE: &str = r#"defaultNetstreamDriverCAFile="DIR/ca.pem" defaultNetstreamDriverCertFile="DIR/leaf.pem" defaultNetstreamDriverKeyFile="DIR/leaf.key""#;
const SECURE_MODE: &str = r#"StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="anon""#;

/// A collector that can be stopped and started again.
struct Collector {
    folder: TempDir,
    port: u16,
    running: Option<Child>,
}

/// What it was sent, one message a line.
struct Got {
    head: String,
    sequence: u64,
    event: serde_json::Value,
    line: String,
}

impl Collector {
    /// One that is not yet there; nothing, where there is no rsyslog and need be none.
    fn new(tls: bool) -> Option<Collector> {
        if !has_rsyslog() {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        certify(&put);
        let (secure, mode) = if tls { (SECURE, SECURE_MODE) } else { ("", "") };
        let text = USUAL.replace("TLS", secure).replace("MODE", mode);
        let dir = folder.path().display().to_string();
        put("conf", &text.replace("DIR", &dir).replace("PORT", &port.to_string()));
        Some(Collector { folder, port, running: None })
    }

    fn start(&mut self) {
        let at = |name: &str| self.folder.path().join(name);
        let child = Command::new("rsyslogd")
            .env("PATH", path())
            .arg("-n")
            .arg("-i")
            .arg(at("pid"))
            .arg("-f")
            .arg(at("conf"))
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(at("stderr")).unwrap())
            .spawn();
        self.running = Some(child.unwrap());
    }

    /// Waits until it takes connections.
    async fn listens(&self) {
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
        while tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            assert!(tokio::time::Instant::now() < deadline, "it does not listen");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// As a power cut would: what it has not kept is gone.
    fn kill(&mut self) {
        let mut child = self.running.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn got(&self) -> Vec<Got> {
        let text = std::fs::read_to_string(self.file("got")).unwrap_or_default();
        let whole = text.rsplit_once('\n').map(|(whole, _)| whole.to_owned()).unwrap_or_default();
        whole.lines().map(Got::read).collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if let Some(mut child) = self.running.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Got {
    fn read(line: &str) -> Got {
        let (head, said) = line.split_once('\t').unwrap_or_else(|| panic!("torn: {line:?}"));
        let (_, sequence) = head.split_once("sequence=\"").unwrap_or_else(|| panic!("torn: {line:?}"));
        let sequence = sequence.split('"').next().unwrap().parse().unwrap();
        let line = said.trim_start().trim_start_matches('\u{feff}').to_owned();
        let event = serde_json::from_str(&line).unwrap_or_else(|fault| panic!("{fault}: {line:?}"));
        Got { head: head.to_owned(), sequence, event, line }
    }
}

/// Whether there is an rsyslog here; as root in CI there must be.
fn has_rsyslog() -> bool {
    let found = Command::new("rsyslogd").env("PATH", path()).arg("-v").output().is_ok();
    let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(found || !in_ci, "no rsyslogd: apt-get install rsyslog rsyslog-gnutls");
    if !found {
        eprintln!("SKIPPED: there is no rsyslogd here");
    }
    found
}

fn path() -> String {
    format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default())
}

fn certify(put: &dyn Fn(&str, &str)) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let leaf_key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&leaf_key, &issuer).unwrap();
    put("ca.pem", &authority.pem());
    put("leaf.pem", &leaf.pem());
    put("leaf.key", &leaf_key.serialize_pem());
}

async fn gateway(collector: &Collector, transport: &str) -> Gateway {
    let ca = match transport {
        "tls" => format!(", ca = \"{}\"", collector.file("ca.pem").display()),
        _ => String::new(),
    };
    let address = format!("127.0.0.1:{}", collector.port);
    let table =
        format!("[{{ name = \"county\", address = \"{address}\", transport = \"{transport}\"{ca} }}]");
    Gateway::new().setting("AUDIT__SYSLOG", &table).start().await
}

/// Records what could break a frame, a line or a terminal, and an access.
async fn nasty(gateway: &Gateway, number: usize) {
    let words = "a\r\n<0>1 forged\0\t\u{1b}[31m é \u{2028}\u{202e}\"]\\ 12 <34>1";
    let act = Act { reason: Some(words.to_owned()), ..Act::new(Actor::System, "test.nasty") };
    gateway.running.recorder.record(Entry::System(act)).await.unwrap();
    let url = format!("http://maths.example/page-{number}?%0d%0a%3C0%3E1%20forged%1b[31m");
    assert_eq!(gateway.browser("ks2").get(&url).await.status, 200);
}

async fn all_arrive(transport: &str) {
    let Some(mut collector) = Collector::new(transport == "tls") else { return };
    let gateway = gateway(&collector, transport).await;
    // Not there yet.
    nasty(&gateway, 0).await;
    until(&gateway, "it is missed", |gateway| !system(gateway, "syslog.lost").is_empty()).await;
    collector.start();
    until(&gateway, "it catches up", |_| has(&collector, "page-0")).await;
    for number in 1..=20 {
        nasty(&gateway, number).await;
    }
    until(&gateway, "it keeps up", |_| has(&collector, "page-20?")).await;
    // Dead in the middle of things, and back.
    collector.kill();
    for number in 21..=60 {
        nasty(&gateway, number).await;
    }
    let browser = gateway.browser("ks2");
    assert_eq!(browser.get("http://games.example/refused").await.status, 403, "filtering goes on");
    collector.start();
    until(&gateway, "it catches up again", |_| has(&collector, "/refused")).await;
    until(&gateway, "that is recorded", |gateway| !system(gateway, "syslog.resumed").is_empty()).await;
    let state = gateway.file("var");
    let folder = gateway.stop_within(std::time::Duration::from_secs(5)).await;
    check(&collector, &state);
    drop(folder);
}

/// Waits until `seen` says so: a collector is tried again after a second, then two, then four.
async fn until(gateway: &Gateway, what: &str, seen: impl Fn(&Gateway) -> bool) {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    while !seen(gateway) {
        let lost = || system(gateway, "syslog.lost");
        assert!(tokio::time::Instant::now() < deadline, "never came: {what}: {:#?}", lost());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

fn has(collector: &Collector, words: &str) -> bool {
    std::fs::read_to_string(collector.file("got")).is_ok_and(|text| text.contains(words))
}

fn system(gateway: &Gateway, action: &str) -> Vec<serde_json::Value> {
    let events = gateway.events("schoolgate.system").into_iter().map(|record| record.event);
    events.filter(|event| event["event"]["action"] == action).collect()
}

/// Every line of the trail is there, whole; without doubles they are in their order.
fn check(collector: &Collector, state: &Path) {
    let filter =
        Filter { order: Order::OldestFirst, closes: Closes::Apart, limit: 100_000, ..Filter::default() };
    let trail = audit::query(&state.join("audit"), &filter).unwrap().records;
    let got = collector.got();
    let mut seen = 0;
    for message in &got {
        if message.sequence > seen {
            assert_eq!(message.sequence, seen + 1, "a gap");
            assert_eq!(message.line, trail[usize::try_from(seen).unwrap()].line, "as it stands in the trail");
            seen = message.sequence;
        }
        let dataset = message.event["event"]["dataset"].as_str().unwrap();
        assert!(
            message.head.contains(&format!(" test schoolgate {dataset} [schoolgate@32473 ")),
            "{}",
            message.head
        );
    }
    assert_eq!(usize::try_from(seen).unwrap(), trail.len(), "all of it, the stop included");
    let blocked = got.iter().find(|message| message.event["event"]["action"] == "block").unwrap();
    assert!(blocked.head.starts_with("132 "), "local0, warning: {}", blocked.head);
}

/// Invariant: what is recorded arrives at a collector, in clear, once it is back.
#[tokio::test(flavor = "multi_thread")]
async fn everything_arrives_over_tcp() {
    all_arrive("tcp").await;
}

/// The same in TLS, verified by the collector's authority.
#[tokio::test(flavor = "multi_thread")]
async fn everything_arrives_over_tls() {
    all_arrive("tls").await;
}

/// A collector that the authority did not sign for is sent nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_nobody_vouches_for_is_sent_nothing() {
    let (Some(mut collector), Some(other)) = (Collector::new(true), Collector::new(true)) else { return };
    std::fs::copy(other.file("ca.pem"), collector.file("other.pem")).unwrap();
    collector.start();
    collector.listens().await;
    let address = format!("127.0.0.1:{}", collector.port);
    let ca = collector.file("other.pem");
    let table = format!(
        "[{{ name = \"county\", address = \"{address}\", transport = \"tls\", ca = \"{}\" }}]",
        ca.display()
    );
    let gateway = Gateway::new().setting("AUDIT__SYSLOG", &table).start().await;
    let refused = |gateway: &Gateway| {
        system(gateway, "syslog.lost").iter().any(|event| event.to_string().contains("certificate"))
    };
    until(&gateway, "its certificate is refused", |gateway| refused(gateway)).await;
    assert!(gateway.metric("syslog_lag_events") > 0);
    gateway.stop().await;
    assert!(collector.got().is_empty());
}

/// A collector that technicians run is told what technicians are: by pseudonym, and nothing of alerts.
#[tokio::test(flavor = "multi_thread")]
async fn a_collector_of_technicians_is_told_nobody_s_name() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let table = format!(
        r#"[{{ name = "technicians", address = "{address}", transport = "tcp", names = "pseudonyms" }}]"#
    );
    let gateway = Gateway::new().setting("AUDIT__SYSLOG", &table).start().await;
    let (mut stream, _) = listener.accept().await.unwrap();
    let browser = gateway.browser("ks2");
    assert_eq!(browser.get("http://statutory.example/").await.status, 403);
    gateway.eventually("there is an alert", |gateway| !gateway.events("schoolgate.alert").is_empty()).await;
    assert_eq!(browser.get("http://maths.example/last").await.status, 200);
    let mut bytes = Vec::new();
    while !String::from_utf8_lossy(&bytes).contains("/last") {
        assert!(within(stream.read_buf(&mut bytes)).await.unwrap() > 0);
    }
    let text = String::from_utf8(bytes).unwrap();
    let client = address_of("ks2").to_string();
    let pseudonym = gateway.running.control.pseudonyms().await.unwrap().of("client", &client);
    assert!(text.contains(&pseudonym), "{text}");
    for unsaid in [client.as_str(), "schoolgate.alert", "statutory.example", "\"hash\"", "hash=", "\"prev\""]
    {
        assert!(!text.contains(unsaid), "{unsaid}: {text}");
    }
    gateway.stop().await;
}
