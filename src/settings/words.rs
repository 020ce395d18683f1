//! Texts in settings that must parse, each with a fault that says how to write it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use jiff::SignedDuration;
use jiff::tz::TimeZone;

use crate::model::{Host, Name};

/// A language that pages are shown in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// `en`
    English,
    /// `cy`
    Welsh,
}

impl Language {
    /// As a language tag (BCP 47).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Welsh => "cy",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Language {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Language, Self::Err> {
        match text {
            "en" => Ok(Language::English),
            "cy" => Ok(Language::Welsh),
            _ => Err("pages are in \"en\" (English) and \"cy\" (Welsh)"),
        }
    }
}

/// What becomes of an edit of the school's lists that opens something: an allow entry that is
/// new, a block entry that is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Loosening {
    /// `held`: it waits until a second person approves.
    #[default]
    Held,
    /// `at_once`: it is in force on reload; the school's choice, recorded at every start and reload.
    AtOnce,
}

impl Loosening {
    /// As written in settings and in the record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Loosening::Held => "held",
            Loosening::AtOnce => "at_once",
        }
    }
}

impl FromStr for Loosening {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Loosening, Self::Err> {
        match text {
            "held" => Ok(Loosening::Held),
            "at_once" => Ok(Loosening::AtOnce),
            _ => Err("write \"held\" (a second person approves) or \"at_once\""),
        }
    }
}

/// A domain of the school's own.
pub(super) struct Domain(pub(super) Name);

impl FromStr for Domain {
    type Err = String;

    fn from_str(text: &str) -> Result<Domain, String> {
        match Host::parse(text) {
            Ok(Host::Name(name)) if name.as_str().contains('.') => Ok(Domain(name)),
            Ok(Host::Name(_)) => {
                Err("a single word; write the whole domain, as st-example.sch.uk".to_owned())
            }
            Ok(Host::Address(_)) => Err("an address; write the domain, as st-example.sch.uk".to_owned()),
            Err(fault) => Err(fault.to_string()),
        }
    }
}

/// An address and a port.
#[derive(Debug)]
pub(super) struct Socket(pub(super) SocketAddr);

impl FromStr for Socket {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Socket, Self::Err> {
        text.parse().map(Socket).map_err(
            |_| "not an address with a port; write 127.0.0.1:3128, or [::1]:3128 (a name can't stand here)",
        )
    }
}

/// An address.
pub(super) struct Address(pub(super) IpAddr);

impl FromStr for Address {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Address, Self::Err> {
        text.parse().map(Address).map_err(|_| "not an address; write 10.1.2.3 or 2001:db8::1, without a port")
    }
}

/// A network, with no bits set beyond its prefix.
pub(super) struct Network(pub(super) IpNet);

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Network, String> {
        let network: IpNet =
            text.parse().map_err(|_| "not a network; write 10.1.2.0/24 or 2001:db8::/32".to_owned())?;
        if network != network.trunc() {
            return Err(format!("an address inside a network; the network is {}", network.trunc()));
        }
        Ok(Network(network))
    }
}

/// A time zone of the IANA database.
pub(super) struct Zone(pub(super) TimeZone);

impl FromStr for Zone {
    type Err = String;

    fn from_str(text: &str) -> Result<Zone, String> {
        TimeZone::get(text).map(Zone).map_err(|_| {
            format!("there is no time zone “{text}” here; write Europe/London (package tzdata holds them)")
        })
    }
}

/// A length of time with its unit.
pub(super) struct Length(pub(super) Duration);

impl FromStr for Length {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Length, Self::Err> {
        let length: Option<SignedDuration> = text.parse().ok();
        let positive = length.and_then(|length| Duration::try_from(length).ok());
        positive.map(Length).ok_or("not a length of time; write 10s, 500ms or 2m")
    }
}

/// A name, or all names below one.
pub(super) enum Pattern {
    Exact(Name),
    Below(Name),
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Pattern, String> {
        let name = |text: &str| match Host::parse(text) {
            Ok(Host::Name(name)) => Ok(name),
            Ok(Host::Address(_)) => Err("an address needs no entry; write a host name".to_owned()),
            Err(fault) => Err(fault.to_string()),
        };
        match text.strip_prefix("*.") {
            Some(parent) => name(parent).map(Pattern::Below),
            None => name(text).map(Pattern::Exact),
        }
    }
}
