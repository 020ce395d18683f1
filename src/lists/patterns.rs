//! Patterns: what neither a name nor a page can say.
//!
//! **Invariant:** linear time. Every pattern is run by an automaton that never backtracks, and
//! one whose automaton would be large is refused when it is read, not when it is used.

mod set;

use std::fmt;

use regex::bytes::RegexBuilder;
use serde::{Deserialize, Serialize};

pub(super) use set::{PatternPosting, Patterns};

/// The longest pattern, in bytes.
pub const MAX_PATTERN: usize = 4096;
/// The largest automaton of one pattern, in bytes.
const MAX_AUTOMATON: usize = 256 * 1024;
/// How deep groups may nest.
const MAX_NEST: u32 = 50;

/// A pattern of a list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pattern(Box<Parts>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Parts {
    subject: PatternSubject,
    syntax: PatternSyntax,
    text: Box<str>,
}

/// What a pattern is held against, always in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PatternSubject {
    /// The host alone: `www.games.example`.
    Host,
    /// The URL, decoded, with and without its scheme: `http://www.games.example/a?b` and
    /// `www.games.example/a?b`. Where only the host is known, the root of the host.
    Url,
}

/// How a pattern is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PatternSyntax {
    /// A regular expression in the syntax of the `regex` crate, ASCII, case ignored.
    Regex,
    /// The text itself, anywhere, case ignored.
    Keyword,
}

/// Why a pattern can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PatternFault {
    /// Over [`MAX_PATTERN`] bytes.
    #[error("the pattern is longer than 4096 bytes")]
    TooLong,
    /// Its automaton would be too large, or its groups nest too deep.
    #[error("the pattern would need too much memory to match")]
    TooLarge,
    /// It matches the empty text, and so everything.
    #[error("the pattern matches everything")]
    MatchesAll,
    /// It is no pattern in this syntax.
    #[error("this is not a regular expression that can be matched in linear time")]
    Syntax,
}

impl Pattern {
    /// A regular expression.
    ///
    /// # Errors
    /// [`PatternFault`] says why it can't be used.
    pub fn regex(subject: PatternSubject, text: &str) -> Result<Pattern, PatternFault> {
        if text.len() > MAX_PATTERN {
            return Err(PatternFault::TooLong);
        }
        let built = builder(text).build().map_err(|fault| match fault {
            regex::Error::CompiledTooBig(_) => PatternFault::TooLarge,
            regex::Error::Syntax(_) | _ => PatternFault::Syntax,
        })?;
        if built.is_match(b"") {
            return Err(PatternFault::MatchesAll);
        }
        Ok(Pattern::of(subject, PatternSyntax::Regex, text))
    }

    /// A text that may stand anywhere.
    ///
    /// # Errors
    /// [`PatternFault`] if it is empty or too long.
    pub fn keyword(subject: PatternSubject, text: &str) -> Result<Pattern, PatternFault> {
        match text.len() {
            0 => Err(PatternFault::MatchesAll),
            1..=MAX_PATTERN => Ok(Pattern::of(subject, PatternSyntax::Keyword, &text.to_ascii_lowercase())),
            _ => Err(PatternFault::TooLong),
        }
    }

    /// What it is held against.
    #[must_use]
    pub fn subject(&self) -> PatternSubject {
        self.0.subject
    }

    /// How it is written.
    #[must_use]
    pub fn syntax(&self) -> PatternSyntax {
        self.0.syntax
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.text
    }

    fn of(subject: PatternSubject, syntax: PatternSyntax, text: &str) -> Pattern {
        Pattern(Box::new(Parts { subject, syntax, text: text.into() }))
    }
}

impl fmt::Display for Pattern {
    /// `/expression/`, or `*keyword*`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.syntax() {
            PatternSyntax::Regex => write!(f, "/{}/", self.text()),
            PatternSyntax::Keyword => write!(f, "*{}*", self.text()),
        }
    }
}

fn builder(text: &str) -> RegexBuilder {
    let mut builder = RegexBuilder::new(text);
    builder.unicode(false).case_insensitive(true).size_limit(MAX_AUTOMATON).nest_limit(MAX_NEST);
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_a_pattern_is_named() {
        let long = "a".repeat(MAX_PATTERN + 1);
        let cases = [
            ("(a", PatternFault::Syntax),
            (r"(a)\1", PatternFault::Syntax),
            ("a*", PatternFault::MatchesAll),
            ("", PatternFault::MatchesAll),
            ("((a{100}){100}){100}", PatternFault::TooLarge),
            (&long, PatternFault::TooLong),
        ];
        for (text, fault) in cases {
            assert_eq!(Pattern::regex(PatternSubject::Url, text), Err(fault), "{text:.40}");
        }
        assert_eq!(Pattern::keyword(PatternSubject::Host, ""), Err(PatternFault::MatchesAll));
    }
}
