//! e2guardian and `DansGuardian`: their comments, notes and includes, and what the lines between
//! them say.

use crate::lists::parse::intake::Intake;
use crate::lists::parse::word::{Slash, without_comment};
use crate::lists::parse::{RejectReason, Said, addresses, translate};
use crate::lists::{Effect, PatternSubject, Scope};

/// A line of a list of sites.
pub(super) fn site(intake: &mut Intake<'_>, text: &str) -> Result<Said, RejectReason> {
    line(intake, text, |intake, text| name(intake, text, Slash::Network))
}

/// A line of a list of pages.
pub(super) fn url(intake: &mut Intake<'_>, text: &str) -> Result<Said, RejectReason> {
    line(intake, text, |intake, text| name(intake, text, Slash::Page))
}

/// A line of a list of addresses.
pub(super) fn site_ip(intake: &mut Intake<'_>, text: &str) -> Result<Said, RejectReason> {
    line(intake, text, addresses::network)
}

/// A line of a list of Perl regular expressions.
pub(super) fn regex_url(intake: &mut Intake<'_>, text: &str) -> Result<Said, RejectReason> {
    line(intake, text, |intake, text| {
        intake.pattern(translate::pattern(PatternSubject::Url, text)?, Effect::Lists)?;
        Ok(Said::Entries)
    })
}

fn line(
    intake: &mut Intake<'_>,
    text: &str,
    entry: impl FnOnce(&mut Intake<'_>, &str) -> Result<Said, RejectReason>,
) -> Result<Said, RejectReason> {
    if text.starts_with("#time:") {
        return Ok(Said::Skipped(RejectReason::Timed));
    }
    if text.starts_with("#listcategory:") {
        return Ok(Said::Skipped(RejectReason::ListCategory));
    }
    if text.starts_with(".Include<") {
        return Ok(Said::Skipped(RejectReason::Include));
    }
    let line = without_comment(text);
    if line.is_empty() || line.starts_with('#') {
        return Ok(Said::Nothing);
    }
    if ["**", "*ip", "**s", "**ips", "*ips"].contains(&line) {
        return Ok(Said::Skipped(RejectReason::Blanket));
    }
    entry(intake, line)
}

fn name(intake: &mut Intake<'_>, text: &str, slash: Slash) -> Result<Said, RejectReason> {
    if text.contains(char::is_whitespace) {
        return Err(RejectReason::SeveralWords);
    }
    intake.word(text, Scope::Subtree, slash, Effect::Lists)?;
    Ok(Said::Entries)
}
