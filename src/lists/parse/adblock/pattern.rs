//! The pattern of a rule: which hosts or pages it means.

use std::net::IpAddr;

use crate::lists::parse::intake::{Intake, Written};
use crate::lists::parse::word::{self, Slash};
use crate::lists::parse::{RejectReason, translate, wildcard};
use crate::lists::{Effect, Entry, Pattern, PatternFault, PatternSubject, Scope};
use crate::model::Host;

/// Where a pattern is held.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Anchor {
    /// `||`: a label of the host starts here.
    Label,
    /// `|`, `://`: the host starts here.
    Host,
    /// Anywhere.
    None,
}

/// Reads a pattern without its `@@` and modifiers.
pub(super) fn read(intake: &mut Intake<'_>, text: &str, effect: Effect) -> Result<(), RejectReason> {
    if let Some(regex) = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
        return expression(intake, regex, effect);
    }
    if text.contains(char::is_whitespace) {
        return Err(RejectReason::SeveralWords);
    }
    let (anchor, rest) = anchored(text);
    if anchor == Anchor::None && intake.networks(text, effect)? {
        return Ok(());
    }
    let end = rest.find(['/', '^', '?', '|']).unwrap_or(rest.len());
    let (host, tail) = rest.split_at(end);
    let tail = tail.trim_end_matches(['^', '|', '*']);
    if host.trim_matches('*').is_empty() && anchor != Anchor::None {
        return Err(PatternFault::MatchesAll.into());
    }
    if anchor == Anchor::None && !is_host(host) {
        let is_all = text.bytes().all(|byte| b"*^|".contains(&byte));
        return Err(if is_all { PatternFault::MatchesAll.into() } else { RejectReason::AnyHost });
    }
    match tail {
        "" | "/" | "^" => whole(intake, anchor, rest, host, effect),
        _ => page(intake, anchor, host, tail, effect),
    }
}

/// `/expression/`, held against the host unless it looks at a path.
fn expression(intake: &mut Intake<'_>, regex: &str, effect: Effect) -> Result<(), RejectReason> {
    let subject = if regex.contains('/') { PatternSubject::Url } else { PatternSubject::Host };
    intake.pattern(translate::pattern(subject, regex)?, effect)
}

fn anchored(text: &str) -> (Anchor, &str) {
    if let Some(rest) = text.strip_prefix("||") {
        return (Anchor::Label, without_scheme(rest));
    }
    let rest = text.strip_prefix('|').unwrap_or(text);
    let bare = without_scheme(rest);
    if bare.len() == text.len() { (Anchor::None, text) } else { (Anchor::Host, bare) }
}

/// Without `http://`, `*://`, `://` or `//`.
fn without_scheme(text: &str) -> &str {
    let schemes = ["http://", "https://", "*://", "ws://", "wss://", "://", "//"];
    let cut = |scheme: &&str| text.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme));
    schemes.iter().find(|scheme| cut(scheme)).map_or(text, |scheme| &text[scheme.len()..])
}

/// Whether a pattern without an anchor starts with what can only be a host: not `-ads.` or `.gif`.
fn is_host(text: &str) -> bool {
    let text = text.strip_prefix("*.").unwrap_or(text);
    let text = text.trim_start_matches('.');
    let starts = text.starts_with(|c: char| c.is_alphanumeric() || c == '*' || c == '[');
    starts && (text.contains(['.', '*', ':'])) && !text.contains(['&', '=', ',', ';'])
}

/// A rule for whole hosts.
fn whole(
    intake: &mut Intake<'_>,
    anchor: Anchor,
    rest: &str,
    host: &str,
    effect: Effect,
) -> Result<(), RejectReason> {
    let is_bare = anchor == Anchor::None && rest.len() == host.len();
    let name = without_port(intake, host);
    if let Some(parent) = name.strip_prefix("*.")
        && !parent.contains('*')
    {
        return intake.host(parent, Written::Marked(Scope::Subtree), effect);
    }
    if name.contains('*') {
        return stars(intake, anchor, name, effect);
    }
    if let (Anchor::None, Some(parent)) = (anchor, name.strip_prefix('.')) {
        return intake.host(parent, Written::Marked(Scope::Children), effect);
    }
    if is_bare {
        return intake.word(host, Scope::Exact, Slash::Page, effect);
    }
    let scope = if anchor == Anchor::Host { Scope::Exact } else { Scope::Subtree };
    intake.host(name, Written::Marked(scope), effect)
}

/// `||ads*.site.example^`: names with stars, by whole labels where the rule says so.
fn stars(intake: &mut Intake<'_>, anchor: Anchor, name: &str, effect: Effect) -> Result<(), RejectReason> {
    let start = match anchor {
        Anchor::None => {
            return wildcard::pattern(intake, &format!("*{}", name.trim_start_matches('*')), effect);
        }
        Anchor::Label => r"(?:^|\.)",
        Anchor::Host => "^",
    };
    let name = name.to_ascii_lowercase();
    let (inner, end) = name.strip_suffix('*').map_or((&*name, "$"), |inner| (inner, ""));
    let regex = format!("{start}{}{end}", translate::glob(inner)?);
    intake.pattern(Pattern::regex(PatternSubject::Host, &regex)?, effect)
}

/// A rule for pages of a host.
fn page(
    intake: &mut Intake<'_>,
    anchor: Anchor,
    host: &str,
    tail: &str,
    effect: Effect,
) -> Result<(), RejectReason> {
    let is_plain = !host.contains('*') && !tail.contains(['*', '^', '|']);
    if is_plain {
        return match word::page(&format!("{host}{tail}"))? {
            Ok(page) => {
                intake.entry(Entry::Url(page), effect);
                Ok(())
            }
            Err(Host::Name(name)) => intake.name(name, Written::Marked(Scope::Subtree), effect),
            Err(Host::Address(address)) => intake.address(address, effect),
        };
    }
    let start = match anchor {
        Anchor::Label | Anchor::None => r"^(?:[a-z]+://)?(?:[^/?]*\.)?",
        Anchor::Host => "^(?:[a-z]+://)?",
    };
    let body = separators(&format!("{host}{tail}").to_ascii_lowercase());
    intake.pattern(Pattern::regex(PatternSubject::Url, &format!("{start}{body}"))?, effect)
}

/// `*` is anything, `^` a separator or the end; `|` inside stands for itself.
fn separators(text: &str) -> String {
    let parts: Vec<String> = text.split('^').map(stars_alone).collect();
    parts.join("(?:[^a-z0-9_.%-]|$)")
}

fn stars_alone(text: &str) -> String {
    let parts: Vec<String> = text.split('*').map(regex::escape).collect();
    parts.join(".*")
}

/// A listed port is left out: the host is meant.
fn without_port<'h>(intake: &mut Intake<'_>, host: &'h str) -> &'h str {
    match host.rsplit_once(':') {
        Some((name, port))
            if host.parse::<IpAddr>().is_err()
                && !port.is_empty()
                && port.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            intake.repaired();
            name
        }
        Some(_) | None => host,
    }
}
