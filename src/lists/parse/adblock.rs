//! Adblock and `AdGuard` DNS rules, as far as a gateway can keep them.
//!
//! **Invariant:** a rule that a gateway can't hold in full is skipped and reported, never
//! taken in part: without its modifier it would block what its author let pass.
//!
//! See <https://adguard-dns.io/kb/general/dns-filtering-syntax/> and
//! <https://help.adblockplus.org/hc/en-us/articles/360062733293>.

mod pattern;
mod rule;

use std::collections::HashSet;

use crate::lists::parse::hosts;
use crate::lists::parse::intake::{Intake, Written};
use crate::lists::parse::lines::{Text, lines};
use crate::lists::parse::word::without_comment;
use crate::lists::parse::{Parsed, RejectReason, Said};
use crate::lists::{Effect, Scope};
use rule::{Rule, Terms};

/// Reads every rule.
pub(super) fn read(bytes: &[u8], mut intake: Intake<'_>) -> Parsed {
    let (mut parsed, rules) = (Parsed::default(), Rules::of(bytes));
    parsed.take_lines(&mut intake, &['!', '#'], bytes, |intake, text| rules.line(intake, text));
    parsed
}

/// What is known about a file before its rules are read.
struct Rules {
    /// What its `$badfilter` rules take back.
    taken_back: HashSet<String>,
}

impl Rules {
    /// Looks for rules that take others back.
    fn of(bytes: &[u8]) -> Rules {
        let lines = lines(bytes).map(Text::of);
        let taken_back = |line: Text<'_>| {
            let text = line.read(&[]).ok().filter(|text| text.contains("badfilter"))?;
            let rule = Rule::of(text);
            rule.takes_back().then(|| rule.key())
        };
        Rules { taken_back: lines.filter_map(taken_back).collect() }
    }

    /// A line of the file.
    fn line(&self, intake: &mut Intake<'_>, text: &str) -> Result<Said, RejectReason> {
        if text.is_empty() || is_comment(text) {
            return Ok(Said::Nothing);
        }
        if is_cosmetic(text) {
            return Ok(Said::Skipped(RejectReason::Cosmetic));
        }
        if let Some((first, names)) = text.split_once(char::is_whitespace)
            && hosts::is_sink(first)
        {
            hosts::names(intake, without_comment(names).split_whitespace(), Scope::Exact)?;
            return Ok(Said::Entries);
        }
        let rule = Rule::of(text);
        if rule.takes_back() {
            return Ok(Said::Skipped(RejectReason::TakesBack));
        }
        if !self.taken_back.is_empty() && self.taken_back.contains(&rule.key()) {
            return Ok(Said::Skipped(RejectReason::TakenBack));
        }
        match rule.terms() {
            Ok(terms) => take(intake, &rule, &terms),
            Err(reason) => Ok(Said::Skipped(reason)),
        }
    }
}

fn take(intake: &mut Intake<'_>, rule: &Rule<'_>, terms: &Terms<'_>) -> Result<Said, RejectReason> {
    match pattern::read(intake, rule.pattern, terms.effect()) {
        Err(RejectReason::AnyHost) => return Ok(Said::Skipped(RejectReason::AnyHost)),
        outcome => outcome?,
    }
    if !terms.spared.is_empty() {
        let spared: Effect = terms.spared_effect();
        intake.several(terms.spared.iter().copied(), |intake, name| {
            intake.host(name, Written::Marked(Scope::Subtree), spared)
        })?;
    }
    Ok(Said::Entries)
}

/// `! …`, `[Adblock Plus 2.0]`, `# …`.
fn is_comment(text: &str) -> bool {
    let is_head = text.starts_with('[') && text.ends_with(']');
    let is_hash = text.starts_with('#') && !is_cosmetic(text);
    text.starts_with('!') || is_head || is_hash
}

fn is_cosmetic(text: &str) -> bool {
    // A heading made of `#` is a comment.
    if text.trim_start_matches('#').starts_with(char::is_whitespace) || text.bytes().all(|b| b == b'#') {
        return false;
    }
    let signs = ["##", "#@#", "#?#", "#@?#", "#$#", "#@$#", "#$?#", "#@$?#", "#%#", "#@%#", "$$", "$@$"];
    let is_regex = text.starts_with('/') && text.len() > 1;
    !is_regex && (text.starts_with("[$") || signs.iter().any(|sign| text.contains(sign)))
}
