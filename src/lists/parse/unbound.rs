//! unbound: `local-zone: "name" TYPE` and `local-data: "name A 0.0.0.0"`.

use std::net::IpAddr;

use crate::lists::parse::hosts::is_sink;
use crate::lists::parse::intake::{Intake, Written};
use crate::lists::parse::word::without_comment;
use crate::lists::parse::{RejectReason, Said};
use crate::lists::{Effect, Scope};

/// A line of an unbound configuration.
pub(super) fn line(intake: &mut Intake<'_>, text: &str) -> Result<Said, RejectReason> {
    let line = without_comment(text);
    if line.is_empty() || line.starts_with('#') {
        return Ok(Said::Nothing);
    }
    let Some((key, value)) = line.split_once(':') else { return Err(RejectReason::Grammar) };
    let value = value.trim();
    match key.trim() {
        "local-zone" => zone(intake, value),
        "local-data" => data(intake, value.trim_matches(['"', '\''])),
        "include" | "include-toplevel" => Ok(Said::Skipped(RejectReason::Include)),
        key if key.bytes().all(|byte| byte.is_ascii_lowercase() || b"-_0123456789".contains(&byte)) => {
            Ok(Said::Skipped(RejectReason::Setting))
        }
        _ => Err(RejectReason::Grammar),
    }
}

fn zone(intake: &mut Intake<'_>, value: &str) -> Result<Said, RejectReason> {
    let mut words = value.split_whitespace().map(|word| word.trim_matches(['"', '\'']));
    let (Some(name), Some(kind), None) = (words.next(), words.next(), words.next()) else {
        return Err(RejectReason::Grammar);
    };
    let effect = match kind {
        "always_null" | "always_refuse" | "always_nxdomain" | "always_nodata" | "always_deny" | "static"
        | "refuse" | "deny" | "redirect" | "inform_deny" | "inform_redirect" => Effect::Lists,
        "transparent" | "typetransparent" | "always_transparent" | "inform" | "nodefault" => Effect::Excepts,
        "block_a" | "noview" | "ipset" => return Ok(Said::Skipped(RejectReason::SomeQueries)),
        _ => return Err(RejectReason::Grammar),
    };
    intake.host(name, Written::Bare(Scope::Subtree), effect)?;
    Ok(Said::Entries)
}

/// `name [TTL] [IN] A 0.0.0.0`: that name alone.
fn data(intake: &mut Intake<'_>, record: &str) -> Result<Said, RejectReason> {
    let mut words = record.split_whitespace();
    let Some(name) = words.next() else { return Err(RejectReason::Grammar) };
    let is_ttl = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    let mut words = words.skip_while(|word| is_ttl(word) || word.eq_ignore_ascii_case("in"));
    let (kind, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if !kind.eq_ignore_ascii_case("a") && !kind.eq_ignore_ascii_case("aaaa") {
        return Ok(Said::Skipped(RejectReason::ZoneRecord));
    }
    if is_sink(target) {
        intake.host(name, Written::Bare(Scope::Exact), Effect::Lists)?;
        return Ok(Said::Entries);
    }
    match target.parse::<IpAddr>() {
        Ok(_) => Ok(Said::Skipped(RejectReason::Rewrite)),
        Err(_) => Err(RejectReason::Grammar),
    }
}
