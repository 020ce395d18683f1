//! One name, address or network a line; one page or host a line.

use crate::lists::parse::hosts;
use crate::lists::parse::intake::Intake;
use crate::lists::parse::word::{Slash, without_comment};
use crate::lists::parse::{RejectReason, Said};
use crate::lists::{Effect, Scope};

/// A line of a domain list.
pub(super) fn domain(intake: &mut Intake<'_>, text: &str) -> Result<Said, RejectReason> {
    line(intake, text, Slash::Network)
}

/// A line of a URL list.
pub(super) fn url(intake: &mut Intake<'_>, text: &str) -> Result<Said, RejectReason> {
    line(intake, text, Slash::Page)
}

fn line(intake: &mut Intake<'_>, text: &str, slash: Slash) -> Result<Said, RejectReason> {
    let line = without_comment(text);
    if line.is_empty() || line.starts_with('#') {
        return Ok(Said::Nothing);
    }
    let is_one = line.is_ascii() && !line.bytes().any(|byte| byte.is_ascii_whitespace());
    let split = if is_one { None } else { line.split_once(char::is_whitespace) };
    let (first, others) = split.unwrap_or((line, ""));
    if others.is_empty() {
        intake.word(line, Scope::Subtree, slash, Effect::Lists)?;
    } else if hosts::is_sink(first) {
        intake.repaired();
        hosts::names(intake, others.split_whitespace(), Scope::Subtree)?;
    } else {
        words(intake, line, first, others, slash)?;
    }
    Ok(Said::Entries)
}

fn words(
    intake: &mut Intake<'_>,
    line: &str,
    first: &str,
    others: &str,
    slash: Slash,
) -> Result<(), RejectReason> {
    match slash {
        Slash::Network if intake.networks(line, Effect::Lists)? => Ok(()),
        Slash::Network => Err(RejectReason::SeveralWords),
        // squidGuard's second column is where to send the browser; we refuse instead.
        Slash::Page if others.contains("://") => {
            intake.repaired();
            intake.word(first, Scope::Subtree, slash, Effect::Lists)
        }
        Slash::Page => intake.word(line, Scope::Subtree, slash, Effect::Lists),
    }
}
