//! How this box runs: `schoolgate.toml` and the environment, read into types that can't be wrong.
//!
//! **Invariant:** settings never say what is blocked, and no key here can turn the statutory
//! rung off. What this version can't do is refused, so that nobody believes it is on.
//!
//! A relative path is relative to the folder of the settings file, wherever it is written.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use jiff::tz::TimeZone;

use crate::document::{Document, Fault, Faults, Table};
use crate::model::{DeviceName, Name};

mod alerts;
mod environment;
mod inspect;
mod sections;
mod sources;
mod syslog;
mod words;

pub use alerts::{Alerts, Login, MailAddress, Smtp, SmtpTls, Webhook};
pub use inspect::NO_INSPECT;
pub use sources::{Delivers, Place, Source, Sum, digest};
pub use syslog::{Collector, DATASETS, Syslog, SyslogNames, Transport};
pub use words::{Language, Loosening};

/// Everything that `schoolgate.toml` says.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Which school and which box.
    pub site: Site,
    /// Where state is kept.
    pub state: State,
    /// Where clients and staff reach the gateway.
    pub listen: Listen,
    /// The policy as text.
    pub policy: Policy,
    /// The category and school lists.
    pub lists: Lists,
    /// The statutory lists.
    pub statutory: Statutory,
    /// Decryption.
    pub inspect: Inspect,
    /// How names become addresses.
    pub resolver: Resolver,
    /// How origins are reached.
    pub upstream: Upstream,
    /// What one client, and all of them, may use up.
    pub limits: Limits,
    /// The record.
    pub audit: Audit,
    /// The console's TLS.
    pub admin: Admin,
    /// Safeguarding alerts: about whom, to whom.
    pub alerts: Alerts,
    /// The server that takes the gateway's mail; none: no mail is sent.
    pub smtp: Option<Smtp>,
}

/// `[site]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The school, as pupils and staff call it.
    pub name: String,
    /// This box, as the audit record calls it.
    pub gateway: DeviceName,
    /// Where timetables are at home.
    pub timezone: TimeZone,
    /// The school's languages, the preferred first; at least one. Pages are in both, whatever it says.
    pub languages: Vec<Language>,
    /// The school's own domains: no new version of a list may newly block them unasked.
    pub domains: Vec<Name>,
}

/// `[state]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The folder of everything that the gateway writes.
    pub dir: PathBuf,
}

/// `[listen]`: an empty list is off. No address stands twice, but port 0 may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The proxy that clients are configured for: HTTP and CONNECT.
    pub explicit: Vec<SocketAddr>,
    /// Port 80, redirected here.
    pub transparent_http: Vec<SocketAddr>,
    /// Port 443, redirected here.
    pub transparent_tls: Vec<SocketAddr>,
    /// Console and API.
    pub admin: Vec<SocketAddr>,
    /// `/metrics`, `/healthz`, `/readyz`.
    pub metrics: Vec<SocketAddr>,
}

/// `[policy]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Read into the journal at first start, proposed from afterwards.
    pub file: PathBuf,
    /// What becomes of an edit of the policy that opens something.
    pub loosening: Loosening,
}

/// `[lists]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lists {
    /// The folder with `categories/` and `school/`.
    pub dir: PathBuf,
    /// A new list that is smaller than the last by more than this is not put in force, 0 to 100.
    pub max_shrink_percent: u8,
    /// Where lists are fetched from; no two of one name.
    pub sources: Vec<Source>,
    /// What becomes of an edit of the school's lists that opens something.
    pub loosening: Loosening,
}

/// `[statutory]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statutory {
    /// The folder of the statutory lists.
    pub dir: PathBuf,
    /// The school says that this box holds no IWF or CTIRU list; audited and shown everywhere.
    pub unlicensed: bool,
    /// Where statutory lists are fetched from; no two of one name.
    pub sources: Vec<Source>,
}

/// `[inspect]`: with whose signature the gateway decrypts, and what it never does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspect {
    /// The authority's certificate and key; none: the pair in the state folder, made at first start.
    pub authority: Option<Pair>,
    /// The list of hosts that are never decrypted; none: the shipped one.
    pub no_inspect: Option<PathBuf>,
    /// Domains that an authority is made unable to sign for, with all below them. Those of an
    /// authority that is there stand in its certificate.
    pub never: Vec<Name>,
}

/// `[resolver]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolver {
    /// DNS servers; the system's when empty.
    pub servers: Vec<SocketAddr>,
    /// Names that are answered from here.
    pub hosts: Hosts,
}

/// Names with fixed addresses, for tests and split horizons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    exact: BTreeMap<Name, Vec<IpAddr>>,
    below: BTreeMap<Name, Vec<IpAddr>>,
}

/// `[upstream]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Private or loopback networks that may be reached all the same.
    pub allow_private: Vec<IpNet>,
    /// PEM files with further roots for verifying origins.
    pub extra_roots: Vec<PathBuf>,
    /// Destination ports that are dialled as others; for tests, and said at start.
    pub ports: BTreeMap<u16, u16>,
    /// How long a connection to an origin may take to stand, 1 s to 2 min.
    pub connect_timeout: Duration,
}

/// `[limits]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at one time.
    pub connections: usize,
    /// Connections of one client at one time; not above `connections`.
    pub per_client: usize,
    /// The longest request head, in bytes.
    pub header_bytes: usize,
    /// How long a client may take over its TLS hello.
    pub hello: Duration,
    /// How long a client may take over a request head.
    pub head: Duration,
    /// How long a connection may carry nothing.
    pub idle: Duration,
    /// How long open connections are given at a stop.
    pub drain: Duration,
}

/// `[audit]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// How many days accesses and their ends are kept.
    pub retention_days: u16,
    /// How many days acts of staff are kept: changes, unblocks, what they read, when they signed in.
    pub acts_days: u16,
    /// How many days alerts are kept, and what became of them.
    pub alerts_days: u16,
    /// How many days is kept what the gateway tells of itself.
    pub system_days: u16,
    /// When an event counts as written.
    pub sync: AuditSync,
    /// Where it is sent as it grows; no two of one name.
    pub syslog: Vec<Syslog>,
}

/// When an event counts as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditSync {
    /// One flush to disk for all that came in meanwhile.
    Group,
}

/// `[admin]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// Certificate and key of the console; none: a self-signed pair is made at first start when
    /// a listener is not on loopback.
    pub tls: Option<Pair>,
}

/// A certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// PEM, leaf first.
    pub certificate: PathBuf,
    /// PEM.
    pub key: PathBuf,
}

impl Settings {
    /// Reads a settings file, overridden by `SCHOOLGATE__SECTION__KEY` of the environment.
    ///
    /// # Errors
    /// Every fault of file and environment at once.
    pub fn load(path: &Path, env: impl Iterator<Item = (String, String)>) -> Result<Settings, Faults> {
        sound(Settings::survey(path, env))
    }

    /// Reads settings from a text; `path` names it in faults and gives relative paths their base.
    ///
    /// # Errors
    /// Every fault of text and environment at once.
    pub fn parse(
        path: &Path,
        text: String,
        env: impl Iterator<Item = (String, String)>,
    ) -> Result<Settings, Faults> {
        sound(Settings::survey_text(path, text, env))
    }

    /// Reads a settings file as far as it goes: the faults, and settings with defaults in their
    /// place, so that what the settings point to can be looked at too. Nothing is served by them.
    pub fn survey(path: &Path, env: impl Iterator<Item = (String, String)>) -> (Option<Settings>, Faults) {
        let name = path.display().to_string();
        let unreadable = |problem: &str, help: &str| {
            let mut faults = Faults::new();
            faults.push(Fault::of_file(&name, problem).help(help));
            (None, faults)
        };
        match fs::read(path).map(String::from_utf8) {
            Ok(Ok(text)) => Settings::survey_text(path, text, env),
            Ok(Err(_)) => unreadable("is not UTF-8 text", "save it as UTF-8; is it the settings file?"),
            Err(_) if path.is_dir() => {
                unreadable("is a folder", "name the file in it: --config FOLDER/schoolgate.toml")
            }
            Err(fault) => unreadable(&format!("can't be read: {fault}"), "name the file with --config FILE"),
        }
    }

    fn survey_text(
        path: &Path,
        text: String,
        env: impl Iterator<Item = (String, String)>,
    ) -> (Option<Settings>, Faults) {
        let mut faults = Faults::new();
        let overrides = environment::overrides(env, &mut faults);
        let document = Document::new(&path.display().to_string(), text);
        let Some(mut root) = document.root(&mut faults) else { return (None, faults) };
        for (keys, value) in &overrides {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            root.overlay(&keys, value);
        }
        let base = path.parent().unwrap_or(Path::new(""));
        let settings = Settings::from_table(&mut root, base, &mut faults);
        root.finish(&mut faults);
        (settings, faults)
    }

    fn from_table(root: &mut Table<'_>, base: &Path, faults: &mut Faults) -> Option<Settings> {
        let mut section = |name: &str| (root.table_or_empty(name), base);
        let site = Site::read(section("site"), faults);
        let state = State::read(section("state"), faults);
        let listen = Listen::read(section("listen"), faults);
        let policy = Policy::read(section("policy"), faults);
        let lists = Lists::read(section("lists"), faults);
        let statutory = Statutory::read(section("statutory"), &lists, faults);
        let inspect = Inspect::read(section("inspect"), faults);
        let resolver = Resolver::read(section("resolver"), faults);
        let upstream = Upstream::read(section("upstream"), faults);
        let limits = Limits::read(section("limits"), faults);
        let audit = Audit::read(section("audit"), faults);
        let admin = Admin::read(section("admin"), faults);
        let alerts = Alerts::read(section("alerts"), faults);
        let smtp = Smtp::read(section("smtp"), faults);
        let site = site?;
        Some(Settings {
            site,
            state,
            listen,
            policy,
            lists,
            statutory,
            inspect,
            resolver,
            upstream,
            limits,
            audit,
            admin,
            alerts,
            smtp,
        })
    }
}

impl Listen {
    /// Whether the console can be reached from this machine alone, so that it may go without TLS.
    #[must_use]
    pub fn admin_is_local(&self) -> bool {
        self.admin.iter().all(|address| address.ip().to_canonical().is_loopback())
    }
}

impl Hosts {
    /// The addresses of a name: its own entry, else the longest `*.suffix` that it lies below.
    #[must_use]
    pub fn addresses(&self, name: &Name) -> Option<&[IpAddr]> {
        let below = || self.below.iter().filter(|(parent, _)| name.is_within(parent) && name != *parent);
        let longest = || below().max_by_key(|(parent, _)| parent.as_str().len()).map(|(_, found)| found);
        self.exact.get(name).or_else(longest).map(Vec::as_slice)
    }

    /// Whether nothing is answered from here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.below.is_empty()
    }
}

/// Settings without a fault, or the faults.
fn sound((settings, faults): (Option<Settings>, Faults)) -> Result<Settings, Faults> {
    match settings {
        Some(settings) => faults.or(settings),
        None => Err(faults),
    }
}

#[cfg(test)]
mod tests;
