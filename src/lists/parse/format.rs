//! The formats that lists are written in, each with one stable name.

use serde::{Deserialize, Serialize};

/// How a file is written, and so what its lines mean.
///
/// A name that a line marks in no way covers what the format says ([`Scoping`] can say otherwise):
/// the name alone (*exact*) or the name and everything below it (*subtree*). On a block list it
/// covers its `www` twin as well.
///
/// [`Scoping`]: crate::lists::parse::Scoping
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "&str", try_from = "String")]
pub enum Format {
    /// One name, address or network a line, as UT1, squidGuard and people write it; subtree.
    Domains,
    /// One `host[:port]/path[?query]` a line, the scheme optional. A page covers what lies below
    /// it; `http://host/`, with neither path nor query, is the whole host; subtree.
    Urls,
    /// `0.0.0.0 name [name …]`; exact.
    Hosts,
    /// `*.name`, `name`, and what DNSCrypt adds: `=name`, `ads.*`, `*sex*`; subtree.
    Wildcard,
    /// `address=/name/`, `server=/name/`, `local=/name/`; `server=/name/#` excepts; subtree.
    Dnsmasq,
    /// `local-zone: "name" always_nxdomain`, `local-data:`; `transparent` excepts; subtree.
    Unbound,
    /// A response policy zone: `name CNAME .`; `rpz-passthru.` excepts; exact.
    Rpz,
    /// Adblock and `AdGuard` DNS rules: `||name^`; `@@` excepts; a bare name is exact.
    Adblock,
    /// Squid's `dstdomain`: `.name` is the subtree, a bare name is exact.
    Squid,
    /// Pi-hole's regular expressions, held against the host.
    PiholeRegex,
    /// POSIX extended regular expressions of squidGuard, UT1 and ufdbGuard, held against the URL.
    Expressions,
    /// `domain:`, `full:`, `keyword:`, `regexp:`, as v2fly and mosdns have it; subtree.
    V2fly,
    /// A spreadsheet with a header row; subtree.
    Csv,
    /// An array of texts, or of objects with the names of a spreadsheet's columns; subtree.
    Json,
    /// One address, network, `address/mask` or `from-to` a line.
    Networks,
    /// One public suffix or top-level domain a line, listed on purpose; subtree.
    Suffixes,
    /// e2guardian and `DansGuardian`: sites; subtree.
    E2Sites,
    /// e2guardian and `DansGuardian`: addresses of sites.
    E2SiteIps,
    /// e2guardian and `DansGuardian`: pages; a bare name is the whole host; subtree.
    E2Urls,
    /// e2guardian and `DansGuardian`: Perl regular expressions, held against the URL.
    E2RegexUrls,
}

/// A text that names no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no list format {0:?}; the formats are {all}", all = names())]
pub struct UnknownFormat(pub String);

impl Format {
    /// Every format.
    pub const ALL: [Format; 20] = [
        Format::Domains,
        Format::Urls,
        Format::Hosts,
        Format::Wildcard,
        Format::Dnsmasq,
        Format::Unbound,
        Format::Rpz,
        Format::Adblock,
        Format::Squid,
        Format::PiholeRegex,
        Format::Expressions,
        Format::V2fly,
        Format::Csv,
        Format::Json,
        Format::Networks,
        Format::Suffixes,
        Format::E2Sites,
        Format::E2SiteIps,
        Format::E2Urls,
        Format::E2RegexUrls,
    ];

    /// Whether a name that a line marks in no way covers that host alone.
    #[must_use]
    pub fn is_exact(self) -> bool {
        matches!(self, Format::Hosts | Format::Rpz | Format::Squid)
    }

    /// The name in settings, commands and notes.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Domains => "domains",
            Format::Urls => "urls",
            Format::Hosts => "hosts",
            Format::Wildcard => "wildcard",
            Format::Dnsmasq => "dnsmasq",
            Format::Unbound => "unbound",
            Format::Rpz => "rpz",
            Format::Adblock => "adblock",
            Format::Squid => "squid",
            Format::PiholeRegex => "pihole-regex",
            Format::Expressions => "expressions",
            Format::V2fly => "v2fly",
            Format::Csv => "csv",
            Format::Json => "json",
            Format::Networks => "networks",
            Format::Suffixes => "suffixes",
            Format::E2Sites => "e2-sites",
            Format::E2SiteIps => "e2-site-ips",
            Format::E2Urls => "e2-urls",
            Format::E2RegexUrls => "e2-regex-urls",
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Format, UnknownFormat> {
        let found = Format::ALL.into_iter().find(|format| format.as_str() == text);
        found.ok_or_else(|| UnknownFormat(text.to_owned()))
    }
}

impl From<Format> for &str {
    fn from(format: Format) -> Self {
        format.as_str()
    }
}

impl TryFrom<String> for Format {
    type Error = UnknownFormat;

    fn try_from(text: String) -> Result<Format, UnknownFormat> {
        text.parse()
    }
}

fn names() -> String {
    Format::ALL.map(Format::as_str).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_found_by_its_name() {
        for format in Format::ALL {
            assert_eq!(format.as_str().parse(), Ok(format));
        }
        let fault = "host".parse::<Format>().unwrap_err().to_string();
        assert!(
            fault.starts_with("there is no list format \"host\"; the formats are domains, urls,"),
            "{fault}"
        );
    }
}
