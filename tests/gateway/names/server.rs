//! Name servers for tests: a real dnsmasq on a port of loopback, and one that never answers.

use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::sync::watch;

use crate::harness::{follow, within};

/// A dnsmasq that answers from a hosts file, and says what it was asked.
pub(super) struct NameServer {
    pub(super) address: SocketAddr,
    options: Vec<String>,
    folder: TempDir,
    process: Child,
    log: watch::Receiver<String>,
}

/// A name server that takes questions and never answers.
pub(super) struct Silence {
    pub(super) address: SocketAddr,
    socket: tokio::net::UdpSocket,
}

impl NameServer {
    /// Starts it with these records (`ADDRESS NAME` lines); it knows no other name.
    pub(super) async fn start(records: &str, options: &[&str]) -> NameServer {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("hosts"), records).unwrap();
        let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        // The port is free until somebody else takes it; then another is tried.
        for _ in 0..5 {
            let address = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let (process, mut log) = spawn(address, folder.path().join("hosts"), &options);
            if within(log.wait_for(|said| said.contains("read "))).await.is_ok() {
                return NameServer { address, options, folder, process, log };
            }
            eprintln!("dnsmasq did not start: {}", *log.borrow());
        }
        panic!("dnsmasq (Debian package dnsmasq-base) does not start");
    }

    /// Other records from now on.
    pub(super) async fn change(&mut self, records: &str) {
        std::fs::write(self.folder.path().join("hosts"), records).unwrap();
        let before = self.log.borrow().matches("read ").count();
        let mut kill = Command::new("sh");
        kill.arg("-c").arg(format!("kill -HUP {}", self.process.id().unwrap()));
        assert!(kill.status().await.unwrap().success());
        within(self.log.wait_for(|said| said.matches("read ").count() > before)).await.unwrap();
    }

    /// The types of the questions for a name so far, sorted within each access.
    pub(super) async fn asked(&mut self, name: &str) -> Vec<String> {
        // A question is logged before it is answered, but the log is read by a task of its own.
        let last = format!("probe-{}.names.test", self.log.borrow().len());
        let probe = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        probe.send_to(&question(&last), self.address).await.unwrap();
        within(self.log.wait_for(|said| said.contains(&format!("query[A] {last} ")))).await.unwrap();
        let said = self.log.borrow().clone();
        let mut types: Vec<String> = said
            .lines()
            .filter_map(|line| line.split_once("query[")?.1.split_once("] "))
            .filter(|(_, rest)| rest.split(' ').next() == Some(name))
            .map(|(kind, _)| kind.to_owned())
            .collect();
        types.chunks_mut(2).for_each(<[String]>::sort);
        types
    }

    /// Ends it; its port is then closed.
    pub(super) async fn stop(&mut self) {
        self.process.kill().await.unwrap();
    }

    /// Starts it once more at the same port.
    pub(super) async fn start_again(&mut self) {
        let (process, log) = spawn(self.address, self.folder.path().join("hosts"), &self.options);
        (self.process, self.log) = (process, log);
        within(self.log.wait_for(|said| said.contains("read "))).await.unwrap();
    }
}

impl Silence {
    pub(super) async fn start() -> Silence {
        let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        Silence { address: socket.local_addr().unwrap(), socket }
    }

    /// Waits for a question.
    pub(super) async fn was_asked(&self) {
        within(self.socket.recv_from(&mut [0; 512])).await.unwrap();
    }
}

fn spawn(address: SocketAddr, hosts: PathBuf, options: &[String]) -> (Child, watch::Receiver<String>) {
    let mut command = Command::new("dnsmasq");
    command.args([
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--no-resolv",
        "--no-hosts",
        "--pid-file=",
    ]);
    command.args(["--log-facility=-", "--log-queries", "--bind-interfaces", "--listen-address=127.0.0.1"]);
    command.args(["--local=/names.test/", "--user=root", "--group=root"]);
    command.arg(format!("--port={}", address.port())).arg(format!("--addn-hosts={}", hosts.display()));
    command.args(options).stdin(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut process = command.spawn().expect("dnsmasq (Debian package dnsmasq-base)");
    let log = follow(process.stderr.take().unwrap());
    (process, log)
}

/// A question for the address of a name (RFC 1035 section 4.1).
fn question(name: &str) -> Vec<u8> {
    let mut message = vec![0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(u8::try_from(label.len()).unwrap());
        message.extend_from_slice(label.as_bytes());
    }
    message.extend_from_slice(&[0, 0, 1, 0, 1]);
    message
}
