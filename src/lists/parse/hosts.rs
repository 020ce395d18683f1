//! Hosts files: an address that leads nowhere, and the names that it is given to.

use std::net::IpAddr;

use crate::lists::parse::intake::{Intake, is_local};
use crate::lists::parse::word::{Slash, without_comment};
use crate::lists::parse::{RejectReason, Said};
use crate::lists::{Effect, Scope};
use crate::model::Host;

/// A line of a hosts file.
pub(super) fn line(intake: &mut Intake<'_>, text: &str) -> Result<Said, RejectReason> {
    let line = without_comment(text);
    if line.is_empty() || line.starts_with('#') {
        return Ok(Said::Nothing);
    }
    let (first, others) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    if others.is_empty() && !is_local(line) {
        intake.word(line, Scope::Exact, Slash::Network, Effect::Lists)?;
        return Ok(Said::Entries);
    }
    if !others.is_empty() && !is_sink(first) {
        let address = first.split('%').next().unwrap_or_default().parse::<IpAddr>();
        return address.map(|_| Said::Skipped(RejectReason::Rewrite)).map_err(|_| RejectReason::SeveralWords);
    }
    let mut listed = others.split_whitespace().filter(|name| !is_local(name) && !is_sink(name)).peekable();
    if listed.peek().is_none() {
        return Ok(Said::Skipped(RejectReason::LocalName));
    }
    names(intake, listed, Scope::Exact)?;
    Ok(Said::Entries)
}

/// The names behind the address.
pub(super) fn names<'l>(
    intake: &mut Intake<'_>,
    names: impl Iterator<Item = &'l str>,
    bare: Scope,
) -> Result<(), RejectReason> {
    intake.several(names, |intake, name| intake.word(name, bare, Slash::Network, Effect::Lists))
}

/// Where a hosts file sends a listed name: `0.0.0.0`, `127.1`, `::`, `fe80::1%lo0`, …
pub(super) fn is_sink(word: &str) -> bool {
    let word = word.split('%').next().unwrap_or_default();
    let numeric = word.starts_with(|c: char| c.is_ascii_digit()) && !word.contains(['-', '_', '/']);
    let address = match word.parse::<IpAddr>() {
        Ok(address) => Some(address),
        Err(_) if numeric => Host::parse(word).ok().and_then(|host| host.address()),
        Err(_) => None,
    };
    address.is_some_and(|address| match address {
        IpAddr::V4(v4) => v4.is_unspecified() || v4.is_loopback() || v4.is_broadcast(),
        IpAddr::V6(v6) => {
            v6.is_unspecified() || v6.is_loopback() || v6.is_multicast() || v6.is_unicast_link_local()
        }
    })
}
