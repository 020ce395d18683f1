//! A gateway under test: `Gateway::new().start().await`, then `browser("ks2").get(url)`.

mod browser;
mod certificates;
mod files;
mod frames;
mod hello;
mod origin;
mod over_http2;
mod postbox;
mod program;
mod publisher;
mod raw_http2;
mod readiness;
mod redirected;
mod secure;
mod skipped;
mod talk;
mod told;
mod visit;
mod websocket;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use schoolgate::app::{self, Running};
use schoolgate::audit::{self, Filter, Order, Record};
use schoolgate::proxy::Door;
use schoolgate::settings::Settings;
use tempfile::TempDir;

pub(crate) use browser::{AT_ONCE, Answer, Browser, PATIENCE, within};
pub(crate) use certificates::AUTHORITY;
pub(crate) use frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, Frames, HEADERS, Outcome, PING, Poured, RST_STREAM,
    SETTINGS, WINDOW_UPDATE, block, frame, proper, request,
};
pub(crate) use hello::{Dripped, hello, in_records};
pub(crate) use origin::{Origin, never_reached};
pub(crate) use postbox::{Hook, Login, Mood, Postbox, Shown, Tls};
pub(crate) use program::{Program, Site, follow};
pub(crate) use publisher::{Publisher, Reply, fetch};
pub(crate) use skipped::skipped;
pub(crate) use talk::Talk;
pub(crate) use told::ten_mebibytes;
pub(crate) use visit::{BOTH, Page, Visit};

/// The policy of the tests: a walled garden, a key stage, staff; unknown clients besides.
pub(crate) const POLICY: &str = r#"
[groups.pupils]
name = "Pupils"
default = "allow"
uncategorised = "allow"
unclassified = "block"
[groups.pupils.categories]
games = "block"
adult = "block"
filter_test = "block"

[groups.eyfs_ks1]
name = "Early years and Key Stage 1"
inherits = "pupils"
default = "block"
subnets = ["127.1.1.0/24"]
[groups.eyfs_ks1.categories]
early_years = "allow"

[groups.ks2]
name = "Key Stage 2"
inherits = "pupils"
subnets = ["127.1.2.0/24", "fd00:2::/64"]

[groups.staff]
name = "Staff"
default = "allow"
unclassified = "allow"
subnets = ["127.1.8.0/24"]
[groups.staff.categories]
adult = "block"
filter_test = "block"

[categories.adult]
name = "Adult"
unblockable = false
sources = ["seed/adult"]
[categories.games]
name = "Games"
unblockable = true
sources = ["seed/games"]
[categories.early_years]
name = "Early years"
sources = ["seed/early-years"]
[categories.filter_test]
name = "Filter test"
unblockable = false
sources = ["seed/filter-test"]

[unblock.caps]
teacher = { hours = 2, approval = "needed" }
headteacher = { hours = 24, approval = "not_needed" }
"#;

/// A gateway under test with its origin and its state.
pub(crate) struct Gateway {
    pub(crate) running: Running,
    pub(crate) origin: Origin,
    pub(crate) settings: Settings,
    folder: TempDir,
}

/// What is to be other than usual.
pub(crate) struct Builder {
    policy: String,
    settings: Vec<(String, String)>,
    files: Vec<(String, String)>,
    redirected: Option<SocketAddr>,
}

impl Gateway {
    /// A gateway as usual; say what is to be other, then `start`.
    #[expect(clippy::new_ret_no_self, reason = "`Gateway::new().start()` reads as it happens")]
    pub(crate) fn new() -> Builder {
        Builder { policy: POLICY.to_owned(), settings: Vec::new(), files: Vec::new(), redirected: None }
    }

    /// A client in the subnet of a group; any other word is a client that nobody knows.
    pub(crate) fn browser(&self, group: &str) -> Browser {
        Browser::new(address_of(group), self.door(Door::Explicit), vec![self.origin.authority.clone()])
    }

    /// The same on a device that the school manages: it trusts the school's authority as well.
    pub(crate) fn managed(&self, group: &str) -> Browser {
        let trusted = vec![self.origin.authority.clone(), self.authority()];
        Browser::new(address_of(group), self.door(Door::Explicit), trusted)
    }

    /// The school's authority, as the technician finds it.
    pub(crate) fn authority(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.file("var/ca/authority.pem")).unwrap()
    }

    /// Where a door is.
    pub(crate) fn door(&self, door: Door) -> SocketAddr {
        self.running.doors.iter().find(|(kind, _)| *kind == door).unwrap().1
    }

    /// Where the API is.
    pub(crate) fn admin(&self) -> SocketAddr {
        self.running.admin[0]
    }

    /// A file of this gateway's folder, such as `blocklists/school/block.txt`.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes a file and reloads; the faults, if there were any.
    pub(crate) async fn rewrite(&self, path: &str, text: &str) -> Result<(), String> {
        std::fs::write(self.file(path), text).unwrap();
        let reloaded = self.running.control.reload(audit::Actor::System, Some("test"), &|_, _, _| {}).await;
        reloaded.map(|_| ()).map_err(|fault| fault.to_string())
    }

    /// Every event of a dataset so far, oldest first, ends joined.
    pub(crate) fn events(&self, dataset: &str) -> Vec<Record> {
        events(&app::audit_dir(&self.settings), dataset)
    }

    /// The accesses so far.
    pub(crate) fn accesses(&self) -> Vec<Record> {
        self.events("schoolgate.access")
    }

    /// The only access so far.
    pub(crate) fn only_access(&self) -> serde_json::Value {
        let accesses = self.accesses();
        assert_eq!(accesses.len(), 1, "{accesses:#?}");
        accesses[0].event.clone()
    }

    /// Waits until an access of the record is closed; its close is written behind it.
    pub(crate) async fn closed(&self, at: usize) -> serde_json::Value {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let accesses = self.accesses();
            let closed_by = |event: &serde_json::Value| event.pointer("/schoolgate/closed_by").cloned();
            if let Some(record) = accesses.get(at)
                && closed_by(&record.event).is_some_and(|by| by.is_string())
            {
                return record.event.clone();
            }
            assert!(tokio::time::Instant::now() < deadline, "never closed: {:#?}", accesses.get(at));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Every line of the trail, as it lies on disk.
    pub(crate) fn trail(&self) -> String {
        let lines = self.running.recorder.follow(0).read(usize::MAX).unwrap();
        lines.into_iter().map(|written| written.line + "\n").collect()
    }

    /// A number of `/metrics`, labels summed.
    pub(crate) fn metric(&self, name: &str) -> i64 {
        let text = self.running.counters().render().unwrap();
        let lines = text.lines().filter(|line| line.starts_with(&format!("schoolgate_{name}")));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<i64>().unwrap()).sum()
    }

    /// Waits until `seen` says so.
    pub(crate) async fn eventually(&self, what: &str, seen: impl Fn(&Gateway) -> bool) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !seen(self) {
            assert!(tokio::time::Instant::now() < deadline, "never came: {what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Stops in order; the trail must verify afterwards.
    pub(crate) async fn stop(self) {
        self.stop_within(Duration::from_secs(5)).await;
    }

    /// Stops in order and starts again on the same state.
    pub(crate) async fn restarted(self) -> Gateway {
        self.running.stop(Duration::from_secs(5)).await.unwrap();
        let running = app::start(&self.settings, &|_, _, _| {}).await.unwrap();
        Gateway { running, ..self }
    }

    /// As `restarted`, with another setting: `("LISTS__LOOSENING", "held")`.
    pub(crate) async fn restarted_with(mut self, key: &str, value: &str) -> Gateway {
        let set = (format!("SCHOOLGATE__{key}"), value.to_owned());
        self.settings = Settings::load(&self.file("schoolgate.toml"), std::iter::once(set)).unwrap();
        self.restarted().await
    }

    /// As `stop`, with so long to drain; the folder stays for as long as it is held.
    pub(crate) async fn stop_within(self, drain: Duration) -> TempDir {
        let dir = app::audit_dir(&self.settings);
        self.running.stop(drain).await.unwrap();
        let report = audit::verify(&dir, &audit::Options::default()).unwrap();
        assert!(report.is_sound(), "{:#?}", report.faults);
        self.folder
    }
}

impl Builder {
    /// Another policy text.
    pub(crate) fn policy(mut self, text: &str) -> Builder {
        self.policy = text.to_owned();
        self
    }

    /// A setting as the environment would give it: `("LIMITS__HEAD_SECONDS", "1")`.
    pub(crate) fn setting(mut self, key: &str, value: &str) -> Builder {
        self.settings.push((format!("SCHOOLGATE__{key}"), value.to_owned()));
        self
    }

    /// A file of its own: `("blocklists/school/block.txt", "…")`.
    pub(crate) fn file(mut self, path: &str, text: &str) -> Builder {
        self.files.push((path.to_owned(), text.to_owned()));
        self
    }

    /// Writes everything, starts the origin, starts the gateway.
    pub(crate) async fn start(self) -> Gateway {
        self.try_start().await.unwrap_or_else(|fault| panic!("{fault}"))
    }

    /// As `start`, for gateways that must not start.
    pub(crate) async fn try_start(self) -> Result<Gateway, String> {
        let folder = tempfile::tempdir().unwrap();
        let origin = Origin::start().await;
        self.write(folder.path(), &origin);
        let settings = Settings::load(&folder.path().join("schoolgate.toml"), self.settings.into_iter())
            .map_err(|faults| faults.to_string())?;
        let running = app::start(&settings, &|_, _, _| {}).await.map_err(|fault| format!("{fault:#}"))?;
        Ok(Gateway { running, origin, settings, folder })
    }

    fn write(&self, folder: &Path, origin: &Origin) {
        let put = |path: &str, text: &str| {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        put("schoolgate.toml", &settings_text(origin, self.redirected));
        put("policy.toml", &self.policy_text());
        put("origin.pem", &origin.authority_pem);
        put("blocklists/categories/adult.txt", "adult.example\nxn--mnchen-3ya.example\n");
        put("blocklists/categories/games.txt", "games.example\n192.0.2.66\nmixed.example/games/\n");
        put("blocklists/categories/early-years.txt", "phonics.example\n");
        put("blocklists/categories/filter-test.txt", "blocked.schoolgate.test\n");
        put("blocklists/school/allow.txt", "times-tables.games.example\n");
        put("blocklists/school/block.txt", "school-blocked.example\n");
        put(
            "blocklists/statutory/synthetic-test.txt",
            "# schoolgate: synthetic\nstatutory.example\nshared.example/listed/page\n198.51.100.7\n",
        );
        for (path, text) in &self.files {
            put(path, text);
        }
    }
}

/// All files below a folder, one behind the other.
pub(crate) fn gather(path: &Path, into: &mut Vec<u8>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            gather(&entry.unwrap().path(), into);
        }
    } else if path.is_file() {
        into.extend(std::fs::read(path).unwrap());
    }
}

/// Events of a dataset in a trail, oldest first.
pub(crate) fn events(dir: &Path, dataset: &str) -> Vec<Record> {
    let filter = Filter {
        dataset: Some(dataset.to_owned()),
        order: Order::OldestFirst,
        limit: 100_000,
        ..Filter::default()
    };
    audit::query(dir, &filter).unwrap().records
}

/// The address of a client in a group's subnet.
pub(crate) fn address_of(group: &str) -> IpAddr {
    let net = match group {
        "eyfs_ks1" => 1,
        "ks2" => 2,
        "staff" => 8,
        _ => 99,
    };
    IpAddr::V4(Ipv4Addr::new(127, 1, net, 7))
}

fn settings_text(origin: &Origin, redirected: Option<SocketAddr>) -> String {
    let door = redirected::address(redirected);
    let besides = redirected::port(redirected, origin.tls);
    format!(
        r#"
[site]
name = "Test School"
gateway = "test"
[state]
dir = "var"
[listen]
explicit = ["127.0.0.1:0"]
transparent_http = ["127.0.0.1:0"]
transparent_tls = ["{door}"]
admin = ["127.0.0.1:0"]
metrics = ["127.0.0.1:0"]
[policy]
file = "policy.toml"
# What is held is for the tests of that alone.
loosening = "at_once"
[lists]
dir = "blocklists"
loosening = "at_once"
[statutory]
unlicensed = true
[resolver.hosts]
"*.example" = "127.0.0.1"
"*.schoolgate.test" = "127.0.0.1"
"rebound.test" = "10.0.0.1"
"loopback.test" = "127.0.0.2"
[upstream]
allow_private = ["127.0.0.1/32"]
extra_roots = ["origin.pem"]
ports = {{ 80 = {http}, {besides}443 = {tls} }}
connect_timeout = "2s"
[limits]
head_seconds = 10
hello_seconds = 10
"#,
        http = origin.http.port(),
        tls = origin.tls.port()
    )
}
