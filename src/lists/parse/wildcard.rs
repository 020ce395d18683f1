//! Wildcard lists: `*.name`, and the marks of DNSCrypt: `=name`, `ads.*`, `*sex*`, `ad[0-9]*.name`.
//!
//! `*.name` covers the name itself too, as every publisher of such lists means it.

use crate::lists::parse::hosts;
use crate::lists::parse::intake::Intake;
use crate::lists::parse::word::{Slash, without_comment, written};
use crate::lists::parse::{RejectReason, Said, translate};
use crate::lists::{Effect, Pattern, PatternFault, PatternSubject, Scope};

/// A line of a wildcard list.
pub(super) fn line(intake: &mut Intake<'_>, text: &str) -> Result<Said, RejectReason> {
    let line = without_comment(text);
    if line.is_empty() || line.starts_with('#') {
        return Ok(Said::Nothing);
    }
    match line.split_once(char::is_whitespace) {
        None => word(intake, line)?,
        Some((first, names)) if hosts::is_sink(first) => {
            intake.repaired();
            hosts::names(intake, names.split_whitespace(), Scope::Subtree)?;
        }
        Some((_, rest)) if rest.trim_start().starts_with('@') => {
            return Ok(Said::Skipped(RejectReason::Timed));
        }
        Some(_) => return Err(RejectReason::SeveralWords),
    }
    Ok(Said::Entries)
}

fn word(intake: &mut Intake<'_>, word: &str) -> Result<(), RejectReason> {
    let (scope, name) = written(word, Scope::Subtree);
    if is_pattern(name) {
        return pattern(intake, word, Effect::Lists);
    }
    if name.len() == word.len() {
        return intake.word(word, Scope::Subtree, Slash::Network, Effect::Lists);
    }
    intake.place(name, scope, Slash::Network, Effect::Lists)
}

fn is_pattern(name: &str) -> bool {
    name.contains('*') || (name.contains(['?', '[']) && !name.contains(['/', ':']))
}

/// A text with stars, held against the host.
pub(super) fn pattern(intake: &mut Intake<'_>, text: &str, effect: Effect) -> Result<(), RejectReason> {
    let text = text.to_ascii_lowercase();
    let (start, inner) = text.strip_prefix('*').map_or(("^", &*text), |inner| ("", inner));
    let (inner, end) = inner.strip_suffix('*').map_or((inner, "$"), |inner| (inner, ""));
    if !inner.bytes().any(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii()) {
        return Err(PatternFault::MatchesAll.into());
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let pattern = if start.is_empty() && end.is_empty() && inner.chars().all(plain) {
        Pattern::keyword(PatternSubject::Host, inner)?
    } else {
        if !inner.chars().all(|c| plain(c) || "*?[]^!".contains(c)) {
            return Err(RejectReason::Character);
        }
        Pattern::regex(PatternSubject::Host, &format!("{start}{}{end}", translate::glob(inner)?))?
    };
    intake.pattern(pattern, effect)
}
