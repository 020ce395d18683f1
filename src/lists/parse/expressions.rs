//! Lists of patterns: squidGuard's expressions, Pi-hole's regular expressions, v2fly's keywords.

use crate::lists::parse::intake::{Intake, Written};
use crate::lists::parse::word::without_comment;
use crate::lists::parse::{RejectReason, Said, translate};
use crate::lists::{Effect, Pattern, PatternFault, PatternSubject, Scope};

/// A line of squidGuard's `expressions`.
pub(super) fn url(intake: &mut Intake<'_>, text: &str) -> Result<Said, RejectReason> {
    if text.is_empty() || text.starts_with('#') {
        return Ok(Said::Nothing);
    }
    intake.pattern(translate::pattern(PatternSubject::Url, text)?, Effect::Lists)?;
    Ok(Said::Entries)
}

/// A line of Pi-hole's regular expressions, with `;option=…` behind it.
pub(super) fn pihole(intake: &mut Intake<'_>, text: &str) -> Result<Said, RejectReason> {
    if text.is_empty() || text.starts_with('#') {
        return Ok(Said::Nothing);
    }
    let mut parts = text.split(';');
    let expression = parts.next().unwrap_or_default();
    for option in parts {
        match option.split_once('=').map_or(option, |(key, _)| key).trim() {
            "querytype" | "invert" => return Ok(Said::Skipped(RejectReason::SomeQueries)),
            // How the answer looks: here it is the block page.
            "reply" => intake.repaired(),
            _ => return Err(RejectReason::Grammar),
        }
    }
    intake.pattern(translate::pattern(PatternSubject::Host, expression)?, Effect::Lists)?;
    Ok(Said::Entries)
}

/// A line of v2fly's or mosdns's lists, with `@attribute` behind it.
pub(super) fn v2fly(intake: &mut Intake<'_>, text: &str) -> Result<Said, RejectReason> {
    let line = without_comment(text);
    if line.is_empty() || line.starts_with('#') {
        return Ok(Said::Nothing);
    }
    let mut words = line.split_whitespace();
    let first = words.next().unwrap_or_default();
    if words.any(|word| !word.starts_with(['@', '&'])) {
        return Err(RejectReason::SeveralWords);
    }
    let (key, value) = first.split_once(':').unwrap_or(("domain", first));
    let value = value.split(":@").next().unwrap_or_default();
    match key {
        "include" => return Ok(Said::Skipped(RejectReason::Include)),
        "domain" => intake.host(value, Written::Bare(Scope::Subtree), Effect::Lists)?,
        "full" => intake.host(value, Written::Marked(Scope::Exact), Effect::Lists)?,
        "keyword" if value.contains(char::is_whitespace) => return Err(RejectReason::SeveralWords),
        "keyword" => intake.pattern(Pattern::keyword(PatternSubject::Host, value)?, Effect::Lists)?,
        "regexp" if value.is_empty() => return Err(PatternFault::MatchesAll.into()),
        "regexp" => intake.pattern(translate::pattern(PatternSubject::Host, value)?, Effect::Lists)?,
        _ => return Err(RejectReason::Grammar),
    }
    Ok(Said::Entries)
}
