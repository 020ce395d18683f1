//! Three machines made of network namespaces: `pupil`, `gw` (the gateway's box), `net` (the
//! internet). They live in a user namespace of their own, so that no privileges are needed and
//! nothing is left behind.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::harness::{Gateway, Program, Site, skipped, within};

/// A site of the rig's internet; its certificate is good.
pub(super) const MATHS4: &str = "93.184.215.14";
pub(super) const MATHS6: &str = "2606:2800:21f::14";
/// Another machine of that internet.
pub(super) const ELSEWHERE4: &str = "93.184.215.66";
pub(super) const ELSEWHERE6: &str = "2606:2800:21f::66";
/// A pupil (Key Stage 2), and the gateway as the pupil's router.
pub(super) const PUPIL4: &str = "10.1.2.33";
pub(super) const PUPIL6: &str = "fd00:2::33";
pub(super) const ROUTER4: &str = "10.1.2.1";
pub(super) const ROUTER6: &str = "fd00:2::1";
/// The same device in the staff's network.
pub(super) const STAFF4: &str = "10.1.8.44";
pub(super) const STAFF6: &str = "fd00:8::44";

const MAKE: &str = r#"
set -eu
mount -t tmpfs tmpfs /run
for machine in pupil gw net; do ip netns add $machine; ip -n $machine link set lo up; done
ip link add eth0 netns pupil type veth peer name lan0 netns gw
ip link add wan0 netns gw type veth peer name eth0 netns net
address() { case $3 in *:*) ip -n $1 address add $3 dev $2 nodad ;; *) ip -n $1 address add $3 dev $2 ;; esac; }
for it in 10.1.2.33/24 10.1.8.44/24 fd00:2::33/64 fd00:8::44/64; do address pupil eth0 $it; done
for it in 10.1.2.1/24 10.1.8.1/24 fd00:2::1/64 fd00:8::1/64; do address gw lan0 $it; done
for it in 93.184.215.1/24 2606:2800:21f::1/64; do address gw wan0 $it; done
for it in 93.184.215.14/24 93.184.215.66/24 2606:2800:21f::14/64 2606:2800:21f::66/64; do
    address net eth0 $it
done
ip -n pupil link set eth0 up
ip -n gw link set lan0 up
ip -n gw link set wan0 up
ip -n net link set eth0 up
ip -n pupil route add default via 10.1.2.1
ip -n pupil -6 route add default via fd00:2::1
ip -n net route add default via 93.184.215.1
ip -n net -6 route add default via 2606:2800:21f::1
ip netns exec gw sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
ip netns exec gw nft list ruleset >/dev/null
echo made
exec cat
"#;

const SETTINGS: &str = r#"
[site]
name = "Test School"
[state]
dir = "var"
[listen]
explicit = []
transparent_http = ["[::]:3129"]
transparent_tls = ["[::]:3130"]
admin = ["127.0.0.1:8080"]
metrics = ["127.0.0.1:9090"]
[lists]
dir = "blocklists"
[statutory]
unlicensed = true
[resolver.hosts]
"maths.example" = ["93.184.215.14", "2606:2800:21f::14"]
"six.example" = "2606:2800:21f::14"
"games.example" = ["93.184.215.66", "2606:2800:21f::66"]
"inside.example" = "10.1.2.33"
[limits]
drain_seconds = 1
"#;

const POLICY: &str = r#"
[groups.ks2]
name = "Key Stage 2"
default = "allow"
uncategorised = "allow"
unclassified = "block"
subnets = ["10.1.2.0/24", "fd00:2::/64"]
[groups.ks2.categories]
games = "block"
[groups.staff]
name = "Staff"
default = "allow"
uncategorised = "allow"
unclassified = "block"
subnets = ["10.1.8.0/24", "fd00:8::/64"]
[groups.staff.categories]
games = "allow"
[categories.games]
name = "Games"
unblockable = true
sources = ["seed/games"]
"#;

const CERTIFICATES: &str = r#"
set -eu
curve="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
openssl req -x509 $curve -days 2 -subj /CN=authority -keyout authority.key -out authority.pem
openssl req $curve -subj /CN=site -keyout site.key -out site.csr \
    -addext subjectAltName=DNS:maths.example,DNS:six.example,DNS:games.example,DNS:inside.example
openssl x509 -req -in site.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 2 \
    -copy_extensions copy -out site.pem
"#;

/// The machines, with the internet running.
pub(super) struct Rig {
    holder: Child,
    origin: Child,
    pub(super) site: Site,
    certificates: TempDir,
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
}

impl Rig {
    /// Makes the machines. `None` where this system does not let namespaces be made, after
    /// saying so loudly; as root in CI that is a failure.
    pub(super) async fn make() -> Option<Rig> {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--net", "--mount", "sh", "-c", MAKE]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut holder = command.spawn().expect("unshare (Debian package util-linux)");
        let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines();
        if within(lines.next_line()).await.unwrap().as_deref() != Some("made") {
            let said = within(holder.wait_with_output()).await.unwrap();
            skipped("REDIRECT and TPROXY were", &String::from_utf8_lossy(&said.stderr));
            return None;
        }
        let certificates = certificates().await;
        let site = Gateway::new().policy(POLICY).file("schoolgate.toml", SETTINGS).site().await;
        let mut origin = on_machine(&holder, "net");
        let at = |name: &str| certificates.path().join(name);
        origin
            .arg("python3")
            .arg(helper("origin.py"))
            .arg(at("site.pem"))
            .arg(at("site.key"))
            .args([MATHS4, MATHS6]);
        let mut origin = origin.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(origin.stdout.take().unwrap()).lines();
        assert_eq!(within(lines.next_line()).await.unwrap().as_deref(), Some("ready"), "the origin");
        Some(Rig { holder, origin, site, certificates })
    }

    /// Runs a command on one of the machines.
    pub(super) async fn run(&self, machine: &str, command: &[&str]) -> Said {
        let said = within(on_machine(&self.holder, machine).args(command).output()).await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said { code: said.status.code(), out: text(&said.stdout), err: text(&said.stderr) }
    }

    /// The authority of the rig's sites.
    pub(super) fn authority(&self) -> PathBuf {
        self.certificates.path().join("authority.pem")
    }

    /// Asks for a page as a device at `from` would, with curl, dialling the address `at`.
    pub(super) async fn curl(&self, from: &str, url: &str, at: &str) -> Said {
        let at = if at.contains(':') { format!("[{at}]") } else { at.to_owned() };
        // HOST1:PORT1:HOST2:PORT2; no HOST1, PORT1 is any, no PORT2 the same.
        let elsewhere = format!("::{at}:");
        let authority = self.authority();
        let mut command = vec!["curl", "-sS", "--max-time", "8", "--noproxy", "*", "--interface", from];
        command.extend(["--cacert", authority.to_str().unwrap(), "-w", "%{http_code}"]);
        command.extend(["--connect-to", &elsewhere, url]);
        self.run("pupil", &command).await
    }

    /// Speaks to UDP port 443 as a browser's QUIC does: `answered`, `refused` or `silence`.
    pub(super) async fn quic(&self, at: &str) -> String {
        let said = self.run("pupil", &["python3", helper("quic.py").to_str().unwrap(), at]).await;
        said.out.trim().to_owned()
    }

    /// Loads one of the project's firewall rule files into the gateway's box, as it stands.
    pub(super) async fn load(&self, rules: &str) {
        let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/nftables").join(rules);
        let said = self.run("gw", &["nft", "-f", rules.to_str().unwrap()]).await;
        assert_eq!(said.code, Some(0), "{said:?}");
    }

    /// The routing that the first lines of `config/nftables/tproxy.nft` ask for.
    pub(super) async fn route_marked(&self) {
        for family in ["-4", "-6"] {
            let rule = ["rule", "add", "fwmark", "0x5347", "lookup", "5347", "priority", "5347"];
            let route = ["route", "add", "local", "default", "dev", "lo", "table", "5347"];
            for what in [rule, route] {
                let said = self.run("gw", &[&["ip", family], &what[..]].concat()).await;
                assert_eq!(said.code, Some(0), "{what:?}: {said:?}");
            }
        }
    }

    /// Starts the gateway on its box.
    pub(super) async fn serve(&self) -> Program {
        let mut command = on_machine(&self.holder, "gw");
        command.arg(env!("CARGO_BIN_EXE_schoolgate")).arg("serve");
        command.arg("--config").arg(self.site.file("schoolgate.toml"));
        Program::start(&mut command).await
    }

    /// Takes everything down and waits for it.
    pub(super) async fn end(mut self) {
        self.origin.kill().await.unwrap();
        self.holder.kill().await.unwrap();
    }
}

impl Said {
    /// The status and the page, where one came.
    pub(super) fn page(&self) -> (&str, &str) {
        let (body, status) = self.out.split_at(self.out.len().saturating_sub(3));
        (status, body.trim_end())
    }
}

/// A command that runs on a machine. `nsenter` and `ip netns exec` become the command itself, so
/// that a signal to the child reaches it.
fn on_machine(holder: &Child, machine: &str) -> Command {
    let mut command = Command::new("nsenter");
    command.args(["--preserve-credentials", "--user", "--mount", "--net", "--target"]);
    command.arg(holder.id().unwrap().to_string()).args(["--", "ip", "netns", "exec", machine]);
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// An authority, and a certificate of its for the names of the rig, as openssl makes them.
async fn certificates() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    let said = within(command.args(["-c", CERTIFICATES]).current_dir(folder.path()).output()).await.unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    folder
}

fn helper(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/netns").join(name)
}
