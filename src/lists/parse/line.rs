//! One line of a list, in whatever way a person or a tool wrote it.
//!
//! **Invariant:** a repair never widens what the line says, except that a name with `www` also
//! covers the bare name alone (its twin), as people mean it.

use std::net::IpAddr;

use ipnet::IpNet;
use psl::Psl as _;

use crate::lists::keys::without_www;
use crate::lists::parse::{Format, RejectReason};
use crate::lists::{Entry, Reading, Scope, UrlEntry};
use crate::model::{Host, HostError, Name, Url, UrlError};

/// The widest networks taken: a wider one is a slip of the pen or an attack.
const WIDEST_V4: u8 = 16;
const WIDEST_V6: u8 = 32;

/// What became of a line.
pub(super) enum Taken {
    /// Blank, or a comment.
    Nothing,
    /// At least one entry.
    Entry { repaired: bool, dangerous: Option<RejectReason> },
}

/// A place on a line: a host, or a page of one.
enum Place {
    Host(Host),
    Page(UrlEntry),
}

/// Reads one trimmed line without control characters.
pub(super) fn read(
    format: Format,
    reading: Reading,
    text: &str,
    keep: &mut dyn FnMut(Entry),
) -> Result<Taken, RejectReason> {
    let line = without_comment(text);
    if line.is_empty() || line.starts_with('#') {
        return Ok(Taken::Nothing);
    }
    let (first, others) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    if others.is_empty() {
        return word(format, reading, line, keep);
    }
    if is_sink(first) {
        return hosts_line(reading, others, keep);
    }
    match format {
        Format::Domains => Err(RejectReason::SeveralWords),
        // squidGuard's second column is where to send the browser; we refuse instead.
        Format::Urls if others.contains("://") => word(format, reading, first, keep).map(as_repaired),
        Format::Urls => word(format, reading, line, keep),
    }
}

/// A single address as the network that holds just it, if it is not one of those that hosts
/// files point listed names at.
fn address_entry(address: IpAddr) -> Result<Entry, RejectReason> {
    if address.is_unspecified() {
        return Err(RejectReason::LocalName);
    }
    Ok(Entry::Network(IpNet::from(address)))
}

/// Reads `[scheme://]host[:port][/path][?query][#fragment]`: a page, or a host if neither path
/// nor query is there.
fn page_entry(text: &str) -> Result<Result<UrlEntry, Host>, RejectReason> {
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
    let url = Url::parse(&format!("http://{rest}")).map_err(url_reason)?;
    Ok(UrlEntry::of(&url).ok_or_else(|| url.host().clone()))
}

fn word(
    format: Format,
    reading: Reading,
    word: &str,
    keep: &mut dyn FnMut(Entry),
) -> Result<Taken, RejectReason> {
    let bare = word.trim_matches(['"', '\'']);
    if let Some(network) = network(format, bare)? {
        keep(network);
        return Ok(Taken::Entry { repaired: bare != word, dangerous: None });
    }
    let (scope, name) = scope(bare);
    match place(name)? {
        Place::Host(Host::Address(address)) => {
            keep(address_entry(address)?);
            let plain = address.to_string() == word || format!("[{address}]") == word;
            Ok(Taken::Entry { repaired: !plain, dangerous: None })
        }
        Place::Host(Host::Name(host)) => {
            let repaired = name.len() != word.len() || host.as_str().len() != name.len();
            let dangerous = named(reading, host, scope, keep)?;
            Ok(Taken::Entry { repaired, dangerous })
        }
        Place::Page(entry) => {
            keep(Entry::Url(entry));
            let repaired = format == Format::Domains || name.len() != word.len() || name.contains("://");
            Ok(Taken::Entry { repaired, dangerous: None })
        }
    }
}

/// `IP name [name …]`, as hosts files have it, standing in another list.
fn hosts_line(reading: Reading, names: &str, keep: &mut dyn FnMut(Entry)) -> Result<Taken, RejectReason> {
    let mut outcome = Err(RejectReason::Empty);
    for name in names.split_whitespace() {
        match (word(Format::Domains, reading, name, keep), &outcome) {
            (Ok(taken), _) => outcome = Ok(as_repaired(taken)),
            (Err(_), Ok(_)) => {}
            (Err(reason), Err(_)) => outcome = Err(reason),
        }
    }
    outcome
}

/// Keeps a name; says whether it is a suffix that an allow list may hold and should not.
fn named(
    reading: Reading,
    host: Name,
    scope: Scope,
    keep: &mut dyn FnMut(Entry),
) -> Result<Option<RejectReason>, RejectReason> {
    let dangerous = match (name_fault(host.as_str()), reading) {
        (None, _) => None,
        (Some(RejectReason::PublicSuffix), Reading::Allow) if host.as_str().contains('.') => {
            Some(RejectReason::PublicSuffix)
        }
        (Some(reason), _) => return Err(reason),
    };
    let twin = without_www(host.as_str()).filter(|rest| name_fault(rest).is_none());
    if reading == Reading::Block
        && let Some(Host::Name(twin)) = twin.and_then(|rest| Host::parse(rest).ok())
    {
        keep(Entry::Host { host: twin, scope: Scope::Exact });
    }
    keep(Entry::Host { host, scope });
    Ok(dangerous)
}

fn network(format: Format, word: &str) -> Result<Option<Entry>, RejectReason> {
    let Some((_, length)) = word.split_once('/') else { return Ok(None) };
    // `192.0.2.1/24` in a URL list is a page called `24`.
    if format == Format::Urls && !word.contains(':') || length.is_empty() {
        return Ok(None);
    }
    let Ok(network) = word.parse::<IpNet>() else { return Ok(None) };
    let widest = if network.addr().is_ipv4() { WIDEST_V4 } else { WIDEST_V6 };
    if network.prefix_len() < widest {
        return Err(RejectReason::TooWide);
    }
    Ok(Some(Entry::Network(network.trunc())))
}

/// `=name` is the name alone; `*.name` and `.name` are the subtree, as is the name by itself.
fn scope(word: &str) -> (Scope, &str) {
    if let Some(name) = word.strip_prefix('=') {
        return (Scope::Exact, name);
    }
    (Scope::Subtree, word.strip_prefix('*').unwrap_or(word).trim_start_matches('.'))
}

fn place(word: &str) -> Result<Place, RejectReason> {
    if word.is_empty() {
        return Err(RejectReason::Empty);
    }
    if word.parse::<IpAddr>().is_err() && word.contains(['/', '\\', '?', '#', '@', ':', '%']) {
        return page_entry(word).map(|read| read.map_or_else(Place::Host, Place::Page));
    }
    Host::parse(word).map(Place::Host).map_err(host_reason)
}

fn name_fault(name: &str) -> Option<RejectReason> {
    let local = ["localhost", "localhost.localdomain", "local", "broadcasthost"];
    if local.contains(&name) || (name.starts_with("ip6-") && !name.contains('.')) {
        return Some(RejectReason::LocalName);
    }
    match (is_public_suffix(name), name.contains('.')) {
        (true, _) => Some(RejectReason::PublicSuffix),
        (false, false) => Some(RejectReason::SingleLabel),
        (false, true) => None,
    }
}

/// Whether the name is an ICANN suffix, or all below it are (`sch.uk`, of which the list says
/// `*.sch.uk`). Suffixes in its private section (`blogspot.com`) are companies' and can be listed.
fn is_public_suffix(name: &str) -> bool {
    let labels = || name.rsplit('.').map(str::as_bytes);
    let is_icann = |found: psl::Info, len: usize| found.typ == Some(psl::Type::Icann) && found.len == len;
    is_icann(psl::List.find(labels()), name.len())
        || is_icann(psl::List.find(labels().chain([&b"*"[..]])), name.len() + 2)
}

/// The line up to a `#` after white space; any other `#` starts a fragment.
fn without_comment(text: &str) -> &str {
    let comment = text.match_indices('#').find(|&(at, _)| text[..at].ends_with(char::is_whitespace));
    comment.map_or(text, |(at, _)| text[..at].trim_end())
}

/// Where a hosts file sends a listed name.
fn is_sink(word: &str) -> bool {
    let address = word.split('%').next().unwrap_or_default().parse::<IpAddr>();
    address.is_ok_and(|address| match address {
        IpAddr::V4(v4) => v4.is_unspecified() || v4.is_loopback() || v4.is_broadcast(),
        IpAddr::V6(v6) => {
            v6.is_unspecified() || v6.is_loopback() || v6.is_multicast() || v6.is_unicast_link_local()
        }
    })
}

fn is_mail(text: &str, authority: &str) -> bool {
    let head = text.get(..7).unwrap_or_default();
    head.eq_ignore_ascii_case("mailto:")
        || (text.len() == authority.len() && authority.contains('@') && !authority.contains(':'))
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

fn as_repaired(taken: Taken) -> Taken {
    match taken {
        Taken::Nothing => Taken::Nothing,
        Taken::Entry { repaired: _, dangerous } => Taken::Entry { repaired: true, dangerous },
    }
}

fn url_reason(fault: UrlError) -> RejectReason {
    match fault {
        UrlError::TooLong => RejectReason::TooLong,
        UrlError::Scheme => RejectReason::Scheme,
        UrlError::Host(fault) => host_reason(fault),
        UrlError::Port => RejectReason::Port,
        UrlError::Text => RejectReason::Url,
    }
}

fn host_reason(fault: HostError) -> RejectReason {
    match fault {
        HostError::Empty => RejectReason::Empty,
        HostError::Character => RejectReason::Character,
        HostError::EmptyLabel => RejectReason::EmptyLabel,
        HostError::TooLong => RejectReason::TooLong,
        HostError::Address => RejectReason::Address,
    }
}
