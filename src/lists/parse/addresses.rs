//! Lists of addresses, and lists of public suffixes: nothing else is taken from either.

use std::net::IpAddr;

use psl::Psl as _;

use crate::lists::Effect;
use crate::lists::parse::intake::{Intake, is_local, is_public_suffix};
use crate::lists::parse::{RejectReason, Said};
use crate::model::Host;

/// A line of a list of networks; a second column is a note.
pub(super) fn network(intake: &mut Intake<'_>, text: &str) -> Result<Said, RejectReason> {
    let line = text.split(['#', ';']).next().unwrap_or_default().trim();
    if line.is_empty() {
        return Ok(Said::Nothing);
    }
    let word = line.trim_matches(['"', '\'']);
    if !intake.networks(word, Effect::Lists)? {
        let address = word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(word);
        let address = address.parse::<IpAddr>().map_err(|_| RejectReason::NotANetwork)?;
        intake.address(address, Effect::Lists)?;
    }
    Ok(Said::Entries)
}

/// A line of a list of suffixes: `zip`, `.zip`, `*.zip`, `co.uk`.
pub(super) fn suffix(intake: &mut Intake<'_>, text: &str) -> Result<Said, RejectReason> {
    let line = text.split(char::is_whitespace).next().unwrap_or_default();
    if line.is_empty() || line.starts_with('#') || line.starts_with("//") {
        return Ok(Said::Nothing);
    }
    if line.len() != text.len() && !text[line.len()..].trim_start().starts_with(['#', '/']) {
        return Err(RejectReason::SeveralWords);
    }
    let name = line.strip_prefix('*').unwrap_or(line).trim_matches('.');
    let host = match Host::parse(name)? {
        Host::Name(host) => host,
        Host::Address(_) => return Err(RejectReason::NotASuffix),
    };
    if is_local(host.as_str()) {
        return Err(RejectReason::LocalName);
    }
    let is_known = psl::List
        .suffix(host.as_str().as_bytes())
        .is_some_and(|found| found.is_known() && found.as_bytes().len() == host.as_str().len());
    if host.as_str().contains('.') && !is_known && !is_public_suffix(host.as_str()) {
        return Err(RejectReason::NotASuffix);
    }
    if host.as_str().len() != name.len() {
        intake.repaired();
    }
    intake.suffix(host);
    Ok(Said::Entries)
}
