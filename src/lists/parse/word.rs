//! One word of a list, in whatever way a person or a tool wrote it: a host, an address, a network
//! or a page.
//!
//! **Invariant:** a repair never widens what the word says.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Subnets, Ipv6Subnets};

use crate::lists::parse::RejectReason;
use crate::lists::parse::intake::{Intake, Written};
use crate::lists::{Effect, Entry, Scope, UrlEntry};
use crate::model::{Host, HostError, Url, UrlError};

/// What `192.0.2.1/24` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slash {
    /// A network.
    Network,
    /// A page called `24`.
    Page,
}

impl Intake<'_> {
    /// A word as people write it: quoted or not, with or without scheme, port and marks.
    pub(super) fn word(
        &mut self,
        word: &str,
        bare: Scope,
        slash: Slash,
        effect: Effect,
    ) -> Result<(), RejectReason> {
        let text = word.trim_matches(['"', '\'']);
        let is_network = match slash {
            Slash::Network => self.networks(text, effect)?,
            Slash::Page => text.contains(':') && self.networks(text, effect)?,
        };
        if !is_network {
            let (written, name) = written(text, bare);
            self.place(name, written, slash, effect)?;
            if name.len() != text.len() {
                self.repaired();
            }
        }
        if text.len() != word.len() {
            self.repaired();
        }
        Ok(())
    }

    /// A host or a page, the marks taken off.
    pub(super) fn place(
        &mut self,
        text: &str,
        written: Written,
        slash: Slash,
        effect: Effect,
    ) -> Result<(), RejectReason> {
        // `site.example/*` is all of it, as people mean it: without the star it covers that. A
        // browser takes `\` for `/`.
        if let Some(folder) = text.strip_suffix('*').filter(|folder| folder.ends_with(['/', '\\'])) {
            self.repaired();
            return self.place(folder, written, slash, effect);
        }
        let is_plain = !text.bytes().any(|byte| b"/\\?#@:%".contains(&byte));
        if is_plain || text.parse::<IpAddr>().is_ok() {
            return self.host(text, written, effect);
        }
        match page(text)? {
            Ok(page) => {
                if slash == Slash::Network || text.contains("://") {
                    self.repaired();
                }
                self.entry(Entry::Url(page), effect);
                Ok(())
            }
            Err(Host::Name(name)) => {
                self.repaired();
                self.name(name, written, effect)
            }
            Err(Host::Address(address)) => {
                if !text.starts_with('[') || !text.ends_with(']') {
                    self.repaired();
                }
                self.address(address, effect)
            }
        }
    }

    /// A network, if the word is one: `192.0.2.0/24`, `192.0.2.0/255.255.255.0`,
    /// `192.0.2.1-192.0.2.9`.
    pub(super) fn networks(&mut self, word: &str, effect: Effect) -> Result<bool, RejectReason> {
        if let Some((address, length)) = word.split_once('/') {
            let Ok(address) = address.parse::<IpAddr>() else { return Ok(false) };
            let network = match length.parse::<u8>() {
                Ok(length) => IpNet::new(address, length).ok(),
                Err(_) => length.parse().ok().and_then(|mask| IpNet::with_netmask(address, mask).ok()),
            };
            return match network {
                Some(network) => self.network(network, effect).map(|()| true),
                None => Ok(false),
            };
        }
        let Some((first, last)) = word.split_once('-') else { return Ok(false) };
        match (first.trim_end().parse::<IpAddr>(), last.trim_start().parse::<IpAddr>()) {
            (Ok(first), Ok(last)) => self.range(first, last, effect).map(|()| true),
            (Ok(_) | Err(_), _) => Ok(false),
        }
    }

    /// Every address from the first to the last, as networks.
    fn range(&mut self, first: IpAddr, last: IpAddr, effect: Effect) -> Result<(), RejectReason> {
        match (first, last) {
            (IpAddr::V4(first), IpAddr::V4(last)) if first <= last => {
                if u32::from(last) - u32::from(first) >= 1 << 16 {
                    return Err(RejectReason::TooWide);
                }
                Ipv4Subnets::new(first, last, 0).try_for_each(|net| self.network(net.into(), effect))
            }
            (IpAddr::V6(first), IpAddr::V6(last)) if first <= last => {
                if u128::from(last) - u128::from(first) >= 1 << 96 {
                    return Err(RejectReason::TooWide);
                }
                Ipv6Subnets::new(first, last, 0).try_for_each(|net| self.network(net.into(), effect))
            }
            (IpAddr::V4(_) | IpAddr::V6(_), _) => Err(RejectReason::NotANetwork),
        }
    }
}

/// `=name` is the name alone; `*.name` and `.name` are the subtree, as people mean it.
pub(super) fn written(word: &str, bare: Scope) -> (Written, &str) {
    if let Some(name) = word.strip_prefix('=') {
        return (Written::Marked(Scope::Exact), name);
    }
    let name = word.strip_prefix('*').unwrap_or(word).trim_start_matches('.');
    if name.len() == word.len() {
        return (Written::Bare(bare), word);
    }
    (Written::Marked(Scope::Subtree), name)
}

/// Reads `[scheme://]host[:port][/path][?query][#fragment]`: a page, or a host if neither path
/// nor query is there.
pub(super) fn page(text: &str) -> Result<Result<UrlEntry, Host>, RejectReason> {
    let rest = match text.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => {
            let carried = ["http", "https", "ftp", "ws", "wss"];
            if !carried.iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
                return Err(RejectReason::Scheme);
            }
            rest
        }
        Some(_) | None => text,
    };
    let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    // A browser would skip the slashes and take the first folder for the host.
    if authority.is_empty() {
        return Err(RejectReason::Empty);
    }
    if is_mail(text, authority) {
        return Err(RejectReason::MailAddress);
    }
    let url = Url::parse(&format!("http://{rest}"))?;
    Ok(UrlEntry::of(&url).ok_or_else(|| url.host().clone()))
}

/// The line up to a `#` after white space; any other `#` starts a fragment.
pub(super) fn without_comment(text: &str) -> &str {
    let comment = text.match_indices('#').find(|&(at, _)| text[..at].ends_with(char::is_whitespace));
    comment.map_or(text, |(at, _)| text[..at].trim_end())
}

fn is_mail(text: &str, authority: &str) -> bool {
    let head = text.get(..7).unwrap_or_default();
    head.eq_ignore_ascii_case("mailto:")
        || (text.len() == authority.len() && authority.contains('@') && !authority.contains(':'))
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

impl From<UrlError> for RejectReason {
    fn from(fault: UrlError) -> RejectReason {
        match fault {
            UrlError::TooLong => RejectReason::TooLong,
            UrlError::Scheme => RejectReason::Scheme,
            UrlError::Host(fault) => fault.into(),
            UrlError::Port => RejectReason::Port,
            UrlError::Text => RejectReason::Url,
        }
    }
}

impl From<HostError> for RejectReason {
    fn from(fault: HostError) -> RejectReason {
        match fault {
            HostError::Empty => RejectReason::Empty,
            HostError::Character => RejectReason::Character,
            HostError::EmptyLabel => RejectReason::EmptyLabel,
            HostError::TooLong => RejectReason::TooLong,
            HostError::Address => RejectReason::Address,
        }
    }
}
