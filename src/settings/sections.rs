//! One reader a section, with every default.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::words::{Address, Domain, Language, Length, Loosening, Network, Pattern, Socket, Zone};
use super::{
    Admin, Audit, AuditSync, Hosts, Limits, Listen, Lists, Pair, Policy, Resolver, Site, Source, State,
    Statutory, Syslog, Upstream,
};
use crate::document::{Faults, Spanned, Table};
use crate::model::DeviceName;

/// A section's table and the folder that its relative paths start from.
pub(super) type Section<'a, 'd> = (Table<'d>, &'a Path);

impl Site {
    pub(super) fn read((mut table, _): Section<'_, '_>, faults: &mut Faults) -> Option<Site> {
        let name: Option<Spanned<String>> = table.take("name", faults);
        if let Some(name) = name.as_ref().filter(|name| name.value.trim().is_empty()) {
            faults.push(name.at.fault("the school's name is empty"));
        }
        let gateway = parsed_or(&mut table, "gateway", "schoolgate", faults);
        let zone = parsed_or(&mut table, "timezone", "Europe/London", faults);
        let at = table.at("languages");
        let languages: Option<Vec<Spanned<Language>>> = table.take_parsed_list("languages", faults);
        if let (Some(at), Some([])) = (at, languages.as_deref()) {
            faults.push(at.fault("at least one language is needed").help("write [\"en\"]"));
        }
        let domains: Option<Vec<Spanned<Domain>>> = table.take_parsed_list("domains", faults);
        table.finish(faults);
        let domains = domains.unwrap_or_default().into_iter().map(|domain| domain.value.0).collect();
        let (gateway, Zone(timezone)): (DeviceName, Zone) = (gateway?, zone?);
        let name = name.map_or_else(|| "Our school".to_owned(), |name| name.value);
        let languages = languages.map_or_else(|| vec![Language::English, Language::Welsh], values);
        Some(Site { name, gateway, timezone, languages, domains })
    }
}

impl State {
    pub(super) fn read((mut table, base): Section<'_, '_>, faults: &mut Faults) -> State {
        let dir = path_or(&mut table, "dir", "/var/lib/schoolgate", base, faults);
        table.finish(faults);
        State { dir }
    }
}

impl Listen {
    pub(super) fn read((mut table, _): Section<'_, '_>, faults: &mut Faults) -> Listen {
        let mut taken = Vec::new();
        let mut addresses = |key, default: [u8; 4], port| {
            let found: Option<Vec<Spanned<Socket>>> = table.take_parsed_list(key, faults);
            let Some(found) = found else { return vec![SocketAddr::from((default, port))] };
            for Spanned { value: Socket(address), at } in &found {
                if address.port() != 0 && taken.contains(address) {
                    faults.push(at.fault(format!("{address} is listened on twice")));
                }
                taken.push(*address);
            }
            found.into_iter().map(|socket| socket.value.0).collect()
        };
        let (any, own) = ([0, 0, 0, 0], [127, 0, 0, 1]);
        let listen = Listen {
            explicit: addresses("explicit", any, 3128),
            transparent_http: addresses("transparent_http", any, 3129),
            transparent_tls: addresses("transparent_tls", any, 3130),
            admin: addresses("admin", any, 8443),
            metrics: addresses("metrics", own, 9090),
        };
        only_empty(&mut table, "dns", "this version filters no DNS: write []", faults);
        let problem = "this version doesn't speak the PROXY protocol: write []";
        only_empty(&mut table, "proxy_protocol_from", problem, faults);
        table.finish(faults);
        listen
    }
}

impl Policy {
    pub(super) fn read((mut table, base): Section<'_, '_>, faults: &mut Faults) -> Policy {
        let file = path_or(&mut table, "file", "policy.toml", base, faults);
        let loosening = table.take_parsed("loosening", faults).unwrap_or_default();
        table.finish(faults);
        Policy { file, loosening }
    }
}

impl Lists {
    pub(super) fn read((mut table, base): Section<'_, '_>, faults: &mut Faults) -> Lists {
        let dir = path_or(&mut table, "dir", "blocklists", base, faults);
        let max_shrink_percent = table.take_within("max_shrink_percent", 0..=100, faults).unwrap_or(20);
        let loosening: Loosening = table.take_parsed("loosening", faults).unwrap_or_default();
        let sources = Source::read_lists(&mut table, base, faults);
        table.finish(faults);
        Lists { dir, max_shrink_percent, loosening, sources }
    }
}

impl Statutory {
    pub(super) fn read((mut table, base): Section<'_, '_>, lists: &Lists, faults: &mut Faults) -> Statutory {
        let dir = path(&mut table, "dir", base, faults).unwrap_or_else(|| lists.dir.join("statutory"));
        let unlicensed = table.take("unlicensed", faults).unwrap_or(false);
        let sources = Source::read_statutory(&mut table, base, faults);
        table.finish(faults);
        Statutory { dir, unlicensed, sources }
    }
}

impl Resolver {
    pub(super) fn read((mut table, _): Section<'_, '_>, faults: &mut Faults) -> Resolver {
        let servers: Option<Vec<Spanned<Socket>>> = table.take_parsed_list("servers", faults);
        let hosts = Hosts::read(table.table_or_empty("hosts"), faults);
        table.finish(faults);
        let servers = servers.unwrap_or_default().into_iter().map(|server| server.value.0).collect();
        Resolver { servers, hosts }
    }
}

impl Hosts {
    fn read(mut table: Table<'_>, faults: &mut Faults) -> Hosts {
        let mut hosts = Hosts::default();
        for key in table.keys() {
            let found: Vec<Spanned<Address>> = table.take_one_or_more(&key.value, faults).unwrap_or_default();
            let addresses: Vec<_> = found.into_iter().map(|address| address.value.0).collect();
            let twice = match key.value.parse() {
                Ok(Pattern::Exact(name)) => hosts.exact.insert(name, addresses),
                Ok(Pattern::Below(name)) => hosts.below.insert(name, addresses),
                Err(problem) => {
                    faults.push(key.at.fault(problem));
                    None
                }
            };
            if twice.is_some() {
                faults.push(key.at.fault("this host is named twice, in two spellings"));
            }
        }
        table.finish(faults);
        hosts
    }
}

impl Upstream {
    pub(super) fn read((mut table, base): Section<'_, '_>, faults: &mut Faults) -> Upstream {
        let private: Option<Vec<Spanned<Network>>> = table.take_parsed_list("allow_private", faults);
        let roots: Option<Vec<Spanned<String>>> = table.take_list("extra_roots", faults);
        let ports = read_ports(table.table_or_empty("ports"), faults);
        let at = table.at("connect_timeout");
        let timeout: Option<Length> = table.take_parsed("connect_timeout", faults);
        let connect_timeout = timeout.map_or(Duration::from_secs(10), |length| length.0);
        let sane = Duration::from_secs(1)..=Duration::from_secs(120);
        if let Some(at) = at.filter(|_| !sane.contains(&connect_timeout)) {
            faults.push(at.fault("out of range").help("write a time from 1s to 2m"));
        }
        table.finish(faults);
        Upstream {
            allow_private: private.unwrap_or_default().into_iter().map(|network| network.value.0).collect(),
            extra_roots: roots.unwrap_or_default().iter().map(|root| beside(base, &root.value)).collect(),
            ports,
            connect_timeout,
        }
    }
}

impl Limits {
    pub(super) fn read((mut table, _): Section<'_, '_>, faults: &mut Faults) -> Limits {
        let mut number =
            |key, default: usize, range| table.take_within(key, range, faults).unwrap_or(default);
        let connections = number("connections", 50_000, 16..=1_000_000);
        let header_bytes = number("header_bytes", 65_536, 1024..=1_048_576);
        let at = table.at("per_client");
        let per_client: Option<usize> = table.take_within("per_client", 1..=1_000_000, faults);
        if let Some(at) = at.filter(|_| per_client.is_some_and(|own| own > connections)) {
            faults.push(at.fault(format!("one client may not hold more than all of them, {connections}")));
        }
        let mut seconds = |key, default: u64, range| {
            Duration::from_secs(table.take_within(key, range, faults).unwrap_or(default))
        };
        let limits = Limits {
            connections,
            per_client: per_client.unwrap_or(512).min(connections),
            header_bytes,
            hello: seconds("hello_seconds", 10, 1..=120),
            head: seconds("head_seconds", 10, 1..=120),
            idle: seconds("idle_seconds", 300, 1..=86_400),
            drain: seconds("drain_seconds", 15, 0..=600),
        };
        table.finish(faults);
        limits
    }
}

impl Audit {
    pub(super) fn read((mut table, base): Section<'_, '_>, faults: &mut Faults) -> Audit {
        let mut days = |name: &str, default| table.take_within(name, 1..=3650, faults).unwrap_or(default);
        let (retention_days, acts_days) = (days("retention_days", 365), days("acts_days", 2555));
        let (alerts_days, system_days) = (days("alerts_days", 2555), days("system_days", 365));
        let sync: Option<Spanned<String>> = table.take("sync", faults);
        if let Some(sync) = sync.filter(|sync| sync.value != "group") {
            faults.push(sync.at.fault("events are written in groups alone").help("write \"group\""));
        }
        let syslog = Syslog::read_all(&mut table, base, faults);
        table.finish(faults);
        Audit { retention_days, acts_days, alerts_days, system_days, sync: AuditSync::Group, syslog }
    }
}

impl Admin {
    pub(super) fn read((mut table, base): Section<'_, '_>, faults: &mut Faults) -> Admin {
        let tls = pair(&mut table, ["certificate", "key"], base, faults);
        table.finish(faults);
        Admin { tls }
    }
}

fn read_ports(mut table: Table<'_>, faults: &mut Faults) -> BTreeMap<u16, u16> {
    let mut ports = BTreeMap::new();
    for key in table.keys() {
        let to = table.take_within(&key.value, 1..=u16::MAX, faults);
        match (key.value.parse(), to) {
            (Ok(1..), None) => {}
            (Ok(from @ 1..), Some(to)) => drop(ports.insert(from, to)),
            (Ok(0) | Err(_), _) => faults.push(key.at.fault("not a port; write a number from 1 to 65535")),
        }
    }
    table.finish(faults);
    ports
}

fn only_empty(table: &mut Table<'_>, key: &str, problem: &str, faults: &mut Faults) {
    let found: Option<Vec<Spanned<String>>> = table.take_list(key, faults);
    faults.extend(found.into_iter().flatten().take(1).map(|first| first.at.fault(problem)));
}

fn parsed_or<T>(table: &mut Table<'_>, key: &str, default: &str, faults: &mut Faults) -> Option<T>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    if table.at(key).is_some() {
        return table.take_parsed(key, faults);
    }
    table.note(key);
    let fault = |problem: T::Err| faults.push(table.header().fault(format!("`{key}`: {problem}")));
    default.parse().map_err(fault).ok()
}

fn path_or(table: &mut Table<'_>, key: &str, default: &str, base: &Path, faults: &mut Faults) -> PathBuf {
    path(table, key, base, faults).unwrap_or_else(|| beside(base, default))
}

pub(super) fn path(table: &mut Table<'_>, key: &str, base: &Path, faults: &mut Faults) -> Option<PathBuf> {
    let text: Spanned<String> = table.take(key, faults)?;
    if text.value.is_empty() || text.value.contains('\0') {
        faults.push(text.at.fault("not a path"));
    }
    Some(beside(base, &text.value))
}

/// A path as it is seen from a folder: `config` and `../var` make `var`, so that what is printed can
/// be read. Behind a link, `..` is elsewhere, and stays.
fn beside(base: &Path, path: &str) -> PathBuf {
    let (mut base, mut path) = (base, Path::new(path));
    while let (Ok(rest), Some(above)) = (path.strip_prefix(".."), base.parent()) {
        let is_plain = base.file_name().is_some() && !base.is_symlink();
        if !is_plain || rest.as_os_str().is_empty() {
            break;
        }
        (base, path) = (above, rest);
    }
    base.join(path)
}

/// A certificate and its key: both or neither.
pub(super) fn pair(table: &mut Table<'_>, keys: [&str; 2], base: &Path, faults: &mut Faults) -> Option<Pair> {
    let [certificate, key] = keys;
    let at = table.at(certificate).or(table.at(key));
    let found = (path(table, certificate, base, faults), path(table, key, base, faults));
    match found {
        (Some(certificate), Some(key)) => Some(Pair { certificate, key }),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            let problem = format!("`{certificate}` and `{key}` go together: one is missing");
            faults.extend(at.map(|at| at.fault(problem)));
            None
        }
    }
}

fn values<T>(list: Vec<Spanned<T>>) -> Vec<T> {
    list.into_iter().map(|spanned| spanned.value).collect()
}
