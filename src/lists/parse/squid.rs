//! Squid's `dstdomain`: a file of names, or `acl` lines of `squid.conf`.

use crate::lists::parse::intake::{Intake, Written};
use crate::lists::parse::word::without_comment;
use crate::lists::parse::{RejectReason, Said};
use crate::lists::{Effect, Scope};

/// A line of a file that `acl … dstdomain` names, or of the configuration itself.
pub(super) fn line(intake: &mut Intake<'_>, text: &str) -> Result<Said, RejectReason> {
    let line = without_comment(text);
    if line.is_empty() || line.starts_with('#') {
        return Ok(Said::Nothing);
    }
    let words: Vec<&str> = line.split_whitespace().map(|word| word.trim_matches('"')).collect();
    let names = match words[..] {
        [_] => &words[..],
        ["acl", _, "dstdomain", ..] => &words[3..],
        _ => return Ok(Said::Skipped(RejectReason::Setting)),
    };
    if names.iter().any(|name| name.starts_with('/')) {
        return Ok(Said::Skipped(RejectReason::Include));
    }
    let names = names.iter().copied().filter(|name| !name.starts_with('-'));
    intake.several(names, name)?;
    Ok(Said::Entries)
}

fn name(intake: &mut Intake<'_>, name: &str) -> Result<(), RejectReason> {
    match name.strip_prefix('.') {
        Some(parent) => intake.host(parent, Written::Marked(Scope::Subtree), Effect::Lists),
        None if intake.networks(name, Effect::Lists)? => Ok(()),
        None => intake.host(name, Written::Bare(Scope::Exact), Effect::Lists),
    }
}
