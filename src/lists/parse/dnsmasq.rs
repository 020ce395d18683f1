//! dnsmasq: `address=/name/`, `server=/name/`, `local=/name/`, several names a line.

use std::net::IpAddr;

use crate::lists::parse::hosts::is_sink;
use crate::lists::parse::intake::Intake;
use crate::lists::parse::word::{without_comment, written};
use crate::lists::parse::{RejectReason, Said};
use crate::lists::{Effect, PatternFault, Scope};

/// A line of a dnsmasq configuration.
pub(super) fn line(intake: &mut Intake<'_>, text: &str) -> Result<Said, RejectReason> {
    let line = without_comment(text);
    if line.is_empty() || line.starts_with('#') {
        return Ok(Said::Nothing);
    }
    let Some((key, value)) = line.trim_start_matches("--").split_once('=') else {
        return flag(line);
    };
    let names = value.trim().strip_prefix('/').and_then(|rest| rest.rsplit_once('/'));
    let (key, Some((names, target))) = (key.trim(), names) else {
        return Ok(Said::Skipped(RejectReason::Setting));
    };
    let effect = match (key, target) {
        ("address", "" | "#") | ("server" | "local", "") => Effect::Lists,
        ("address", target) if is_sink(target) => Effect::Lists,
        // The usual servers: an exception from a shorter name.
        ("server" | "local", "#") => Effect::Excepts,
        ("address", target) if target.parse::<IpAddr>().is_ok() => {
            return Ok(Said::Skipped(RejectReason::Rewrite));
        }
        ("address", _) => return Err(RejectReason::Grammar),
        _ => return Ok(Said::Skipped(RejectReason::Setting)),
    };
    intake.several(names.split('/'), |intake, name| self::name(intake, name, effect))?;
    Ok(Said::Entries)
}

fn name(intake: &mut Intake<'_>, name: &str, effect: Effect) -> Result<(), RejectReason> {
    if name == "#" {
        return Err(PatternFault::MatchesAll.into());
    }
    let (scope, bare) = written(name, Scope::Subtree);
    intake.host(bare, scope, effect)
}

/// `domain-needed` and the like; a name alone is not dnsmasq's.
fn flag(line: &str) -> Result<Said, RejectReason> {
    let is_flag = line.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte.is_ascii_digit());
    if is_flag { Ok(Said::Skipped(RejectReason::Setting)) } else { Err(RejectReason::Grammar) }
}
