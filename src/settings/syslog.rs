//! `[[audit.syslog]]`: where the trail is sent as it grows.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::sections::path;
use crate::document::{Faults, Spanned, Table};
use crate::model::Host;

/// What an event may be about, as `event.dataset` has it behind `schoolgate.`.
pub const DATASETS: [&str; 9] =
    ["access", "close", "change", "unblock", "read", "auth", "alert", "selftest", "system"];

/// The events that tell of safeguarding alerts.
const ALERTS: &str = "schoolgate.alert";

/// A collector of the school's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Syslog {
    /// What it is called in metrics, the record and the state folder.
    pub name: String,
    /// Where it listens.
    pub address: Collector,
    /// How it is spoken to.
    pub transport: Transport,
    /// The authority of its certificate (PEM); the system's when absent.
    pub ca: Option<PathBuf>,
    /// Whether it gets people's names.
    pub names: SyslogNames,
    /// Which events it gets, `schoolgate.access`, …; empty for all.
    pub datasets: BTreeSet<String>,
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collector {
    /// The host: in its certificate too.
    pub host: Host,
    /// The port.
    pub port: u16,
}

/// How a collector is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// RFC 5425.
    Tls,
    /// RFC 6587 with octet counts: in clear.
    Tcp,
}

/// Which names a collector gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyslogNames {
    /// `full`: people's own, and the lines as they stand in the trail.
    #[default]
    Full,
    /// `pseudonyms`: what technicians see, and no alerts.
    Pseudonyms,
}

impl Syslog {
    /// Every `[[audit.syslog]]`.
    pub(super) fn read_all(audit: &mut Table<'_>, base: &Path, faults: &mut Faults) -> Vec<Syslog> {
        let (mut all, mut names) = (Vec::new(), BTreeSet::new());
        for mut table in audit.array_of_tables("syslog") {
            let at = table.at("name");
            let read = read(&mut table, base, faults);
            table.finish(faults);
            let Some(syslog) = read else { continue };
            if let Some(at) = at.filter(|_| !names.insert(syslog.name.clone())) {
                faults.push(at.fault(format!("there is another collector called {}", syslog.name)));
            }
            all.push(syslog);
        }
        all
    }
}

fn read(table: &mut Table<'_>, base: &Path, faults: &mut Faults) -> Option<Syslog> {
    let name = table.require("name", faults).and_then(|name: Spanned<String>| {
        let letters = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let good = (1..=64).contains(&name.value.len()) && name.value.chars().all(letters);
        if !good {
            faults.push(name.at.fault("not a name").help("1 to 64 letters, digits, - and _"));
        }
        good.then_some(name.value)
    });
    let address = table.require_parsed("address", faults);
    let transport: Option<Transport> = table.require_parsed("transport", faults);
    let ca_at = table.at("ca");
    let ca = path(table, "ca", base, faults);
    if let (Some(Transport::Tcp), Some(at)) = (transport, ca_at) {
        faults.push(at.fault("there are no certificates without TLS").help("write transport = \"tls\""));
    }
    let names: SyslogNames = table.take_parsed("names", faults).unwrap_or_default();
    let datasets: Option<Vec<Spanned<Dataset>>> = table.take_parsed_list("datasets", faults);
    let datasets = datasets.unwrap_or_default();
    let is_alerts = |dataset: &&Spanned<Dataset>| dataset.value.0 == ALERTS;
    if let (SyslogNames::Pseudonyms, Some(alerts)) = (names, datasets.iter().find(is_alerts)) {
        let fault = alerts.at.fault("whoever gets pseudonyms is told of no alerts");
        faults.push(fault.help("write names = \"full\", or leave out \"alert\""));
    }
    let datasets = datasets.into_iter().map(|dataset| dataset.value.0).collect();
    Some(Syslog { name: name?, address: address?, transport: transport?, ca, names, datasets })
}

/// `schoolgate.access`
struct Dataset(String);

impl FromStr for Dataset {
    type Err = String;

    fn from_str(text: &str) -> Result<Dataset, String> {
        let name = text.strip_prefix("schoolgate.").unwrap_or(text);
        match DATASETS.contains(&name) {
            true => Ok(Dataset(format!("schoolgate.{name}"))),
            false => Err(format!("no kind of event; write one of {}", DATASETS.join(", "))),
        }
    }
}

impl FromStr for Collector {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Collector, Self::Err> {
        let problem = "not a host with a port; write \"collector.school.county.sch.uk:6514\"";
        let (host, port) = text.rsplit_once(':').ok_or(problem)?;
        let host = Host::parse(host.trim_start_matches('[').trim_end_matches(']')).map_err(|_| problem)?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or(problem)?;
        Ok(Collector { host, port })
    }
}

impl FromStr for SyslogNames {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<SyslogNames, Self::Err> {
        match text {
            "full" => Ok(SyslogNames::Full),
            "pseudonyms" => Ok(SyslogNames::Pseudonyms),
            _ => Err("write \"full\", or \"pseudonyms\" for a collector that technicians run"),
        }
    }
}

impl FromStr for Transport {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Transport, Self::Err> {
        match text {
            "tls" => Ok(Transport::Tls),
            "tcp" => Ok(Transport::Tcp),
            _ => Err("write \"tls\" (RFC 5425), or \"tcp\" (octet-counted, in clear)"),
        }
    }
}
