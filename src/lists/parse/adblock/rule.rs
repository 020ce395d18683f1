//! One rule: `[@@]pattern[$modifier,…]`.

use crate::lists::Effect;
use crate::lists::parse::RejectReason;

/// How many `$` of a line are tried for the one that starts the modifiers.
const TRIED: usize = 8;

/// A rule in its parts.
pub(super) struct Rule<'l> {
    excepts: bool,
    pub(super) pattern: &'l str,
    modifiers: Vec<&'l str>,
}

/// What the modifiers come to.
pub(super) struct Terms<'l> {
    excepts: bool,
    important: bool,
    /// The names that `$denyallow` spares.
    pub(super) spared: Vec<&'l str>,
}

impl<'l> Rule<'l> {
    pub(super) fn of(text: &'l str) -> Rule<'l> {
        let (excepts, text) = text.strip_prefix("@@").map_or((false, text), |rest| (true, rest));
        let signs = text.rmatch_indices('$').take(TRIED);
        let sign = signs.map(|(at, _)| at).find(|&at| are_modifiers(&text[at + 1..]));
        let (pattern, modifiers) = match sign {
            Some(at) => (&text[..at], text[at + 1..].split(',').map(str::trim).collect()),
            None => (text, Vec::new()),
        };
        Rule { excepts, pattern, modifiers }
    }

    /// Whether it is there to take another one back.
    pub(super) fn takes_back(&self) -> bool {
        self.modifiers.contains(&"badfilter")
    }

    /// What it and the rule that takes it back have in common.
    pub(super) fn key(&self) -> String {
        let mut modifiers = self.modifiers.clone();
        modifiers.retain(|modifier| *modifier != "badfilter");
        modifiers.sort_unstable();
        let sign = if self.excepts { "@@" } else { "" };
        format!("{sign}{}${}", self.pattern.to_ascii_lowercase(), modifiers.join(","))
    }

    /// What the modifiers come to.
    ///
    /// # Errors
    /// Why a gateway can't keep the rule.
    pub(super) fn terms(&self) -> Result<Terms<'l>, RejectReason> {
        let mut terms = Terms { excepts: self.excepts, important: false, spared: Vec::new() };
        for &modifier in &self.modifiers {
            let (name, value) = modifier.split_once('=').unwrap_or((modifier, ""));
            match name {
                "important" => terms.important = true,
                "all" | "document" | "doc" | "match-case" | "_" | "" => {}
                "denyallow" if !self.excepts => {
                    terms.spared = value.split('|').filter(|name| !name.is_empty()).collect();
                }
                "client" | "ctag" | "dnstype" | "dnsrewrite" => return Err(RejectReason::SomeQueries),
                _ => return Err(RejectReason::Context),
            }
        }
        Ok(terms)
    }
}

impl Terms<'_> {
    pub(super) fn effect(&self) -> Effect {
        match (self.excepts, self.important) {
            (false, false) => Effect::Lists,
            (false, true) => Effect::ListsImportant,
            (true, false) => Effect::ExceptsAll,
            (true, true) => Effect::ExceptsImportant,
        }
    }

    /// What sparing a name takes: it must outrank the rule, and no more than that.
    pub(super) fn spared_effect(&self) -> Effect {
        if self.important { Effect::ExceptsImportant } else { Effect::Excepts }
    }
}

/// `name`, `~name` or `name=value`, separated by commas.
fn are_modifiers(text: &str) -> bool {
    let is_modifier = |part: &str| {
        let name = part.trim().trim_start_matches('~').split('=').next().unwrap_or_default();
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    !text.is_empty() && text.split(',').all(|part| is_modifier(part) || part.contains(['|', ';', '"']))
}
