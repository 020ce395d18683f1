//! A host as it is judged, dialled and recorded: one spelling for each.
//!
//! **Invariant:** two spellings that a browser would treat as one host make equal values:
//! case, IDNA (UTS 46), root dots, numeric IPv4 forms and IPv4-mapped IPv6 are folded.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The longest name in its text form (RFC 1035 section 2.3.4, without the root dot).
const MAX_NAME: usize = 253;
/// The longest label (RFC 1035 section 2.3.4).
const MAX_LABEL: usize = 63;

/// A host name in lower-case A-labels, without a root dot; never an address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<str>);

/// A host: a name or an address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// A name to be resolved.
    Name(Name),
    /// An address literal; IPv4-mapped IPv6 is held as IPv4.
    Address(IpAddr),
}

/// Why a text is not a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Nothing is left once root dots are taken off.
    #[error("the host is empty")]
    Empty,
    /// A character no host may hold (spaces, `%`, controls, `<>^|`, …) or text IDNA refuses.
    #[error("the host holds a character that no host name may hold")]
    Character,
    /// Two dots in a row, or a leading dot.
    #[error("the host has an empty label")]
    EmptyLabel,
    /// A label of more than 63 bytes, or a name of more than 253.
    #[error("the host is longer than DNS allows")]
    TooLong,
    /// A last label that looks like a number but makes no IPv4 address (WHATWG).
    #[error("the host looks like an address but is none")]
    Address,
}

impl Name {
    /// The name as text: lower case, A-labels, no root dot.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name and each of its parents, longest first: `a.b.uk`, `b.uk`, `uk`.
    pub fn suffixes(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(self.as_str()), |name| name.split_once('.').map(|(_, parent)| parent))
    }

    /// Whether this name is `parent` or lies below it.
    #[must_use]
    pub fn is_within(&self, parent: &Name) -> bool {
        self.0.strip_suffix(parent.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

impl Host {
    /// Reads a host as it stands in a `Host` field, a CONNECT target, an SNI or a list: IPv6
    /// with or without brackets, nothing percent-decoded.
    ///
    /// # Errors
    /// [`HostError`] names what no host may be.
    pub fn parse(text: &str) -> Result<Host, HostError> {
        if let Some(address) = bracketed_or_bare_v6(text) {
            return Ok(Host::from(IpAddr::V6(address)));
        }
        if text.contains('%') {
            return Err(HostError::Character);
        }
        let undotted = text.trim_end_matches(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}']);
        if undotted.is_empty() {
            return Err(HostError::Empty);
        }
        match ::url::Host::parse(undotted) {
            Ok(::url::Host::Domain(name)) => checked_name(&name).map(Host::Name),
            Ok(::url::Host::Ipv4(address)) => Ok(Host::from(IpAddr::V4(address))),
            Ok(::url::Host::Ipv6(address)) => Ok(Host::from(IpAddr::V6(address))),
            Err(::url::ParseError::InvalidIpv4Address) => Err(HostError::Address),
            Err(_) => Err(HostError::Character),
        }
    }

    /// The name, if this is one.
    #[must_use]
    pub fn name(&self) -> Option<&Name> {
        match self {
            Host::Name(name) => Some(name),
            Host::Address(_) => None,
        }
    }

    /// The address, if this is one.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Host::Name(_) => None,
            Host::Address(address) => Some(*address),
        }
    }
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Host {
        Host::Address(address.to_canonical())
    }
}

impl From<Ipv4Addr> for Host {
    fn from(address: Ipv4Addr) -> Host {
        Host::Address(IpAddr::V4(address))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Host {
    /// As it stands in a URL's authority: IPv6 in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => name.fmt(f),
            Host::Address(IpAddr::V4(address)) => address.fmt(f),
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

fn bracketed_or_bare_v6(text: &str) -> Option<Ipv6Addr> {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    inner.parse().ok()
}

fn checked_name(name: &str) -> Result<Name, HostError> {
    let name = name.trim_end_matches('.');
    if name.is_empty() {
        return Err(HostError::Empty);
    }
    if name.len() > MAX_NAME || name.split('.').any(|label| label.len() > MAX_LABEL) {
        return Err(HostError::TooLong);
    }
    if name.split('.').any(str::is_empty) {
        return Err(HostError::EmptyLabel);
    }
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    if !name.bytes().all(plain) {
        return Err(HostError::Character);
    }
    Ok(Name(name.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(host: &str) -> String {
        Host::parse(host).map_or_else(|fault| format!("{fault:?}"), |host| host.to_string())
    }

    #[test]
    fn every_spelling_of_a_host_is_one_value() {
        let cases = [
            ("Example.ORG", "example.org"),
            ("example.org.", "example.org"),
            ("example.org..", "example.org"),
            ("münchen.example", "xn--mnchen-3ya.example"),
            ("XN--MNCHEN-3YA.example", "xn--mnchen-3ya.example"),
            ("blocked。example", "blocked.example"),
            ("games_16.example", "games_16.example"),
            ("192.0.2.5", "192.0.2.5"),
            ("3221225989", "192.0.2.5"),
            ("0xc0.0x0.0x2.0x5", "192.0.2.5"),
            ("0300.0.2.5", "192.0.2.5"),
            ("192.0.517", "192.0.2.5"),
            ("[::ffff:192.0.2.5]", "192.0.2.5"),
            ("::ffff:c000:205", "192.0.2.5"),
            ("[2001:DB8::1]", "[2001:db8::1]"),
        ];
        for (written, judged) in cases {
            assert_eq!(text(written), judged, "{written}");
        }
    }

    #[test]
    fn what_is_no_host_is_named() {
        let long_label = format!("{}.example", "x".repeat(64));
        let long_name = "a.".repeat(130) + "example";
        let cases = [
            ("", HostError::Empty),
            (".", HostError::Empty),
            ("a..example", HostError::EmptyLabel),
            (".example", HostError::EmptyLabel),
            ("blocked%2eexample", HostError::Character),
            ("blocked.example\0.ok.example", HostError::Character),
            ("two words", HostError::Character),
            ("a/b", HostError::Character),
            ("user@host", HostError::Character),
            ("1.192.0.2.5", HostError::Address),
            ("256.256.256.256", HostError::Address),
            (&long_label, HostError::TooLong),
            (&long_name, HostError::TooLong),
        ];
        for (written, fault) in cases {
            assert_eq!(Host::parse(written), Err(fault), "{written:?}");
        }
    }

    #[test]
    fn suffixes_walk_up_and_within_minds_the_label_boundary() {
        let Ok(Host::Name(name)) = Host::parse("a.b.example") else { panic!("a name") };
        assert_eq!(name.suffixes().collect::<Vec<_>>(), ["a.b.example", "b.example", "example"]);
        let Ok(Host::Name(parent)) = Host::parse("b.example") else { panic!("a name") };
        let Ok(Host::Name(other)) = Host::parse("ab.example") else { panic!("a name") };
        assert!(name.is_within(&parent) && parent.is_within(&parent));
        assert!(!other.is_within(&parent) && !parent.is_within(&name));
    }
}
