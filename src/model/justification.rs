//! The written reason for an unblock, a change or a block: "auditable, with clear reasons for the need".

use std::collections::HashSet;
use std::fmt;

/// Fewest characters of a reason.
const MIN_CHARS: usize = 15;
/// Most characters of a reason.
const MAX_CHARS: usize = 1000;
/// Fewest different words of two letters or more.
const MIN_WORDS: usize = 3;

/// A reason that says something.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Justification(Box<str>);

/// Why a text is no reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JustificationError {
    /// Nothing but space.
    #[error("a reason is needed: say why")]
    Blank,
    /// Under 15 characters.
    #[error("the reason is too short: say why, in 15 characters or more")]
    TooShort,
    /// Over 1,000 characters.
    #[error("the reason is longer than 1,000 characters")]
    TooLong,
    /// Too few different words, or one key held down.
    #[error("the reason reads like filler: say why")]
    Filler,
    /// Control characters other than line breaks.
    #[error("the reason holds control characters")]
    Control,
}

impl Justification {
    /// Reads a reason: trimmed, white space folded to single spaces.
    ///
    /// # Errors
    /// [`JustificationError`] in words that can be shown to the person who wrote it.
    pub fn parse(text: &str) -> Result<Justification, JustificationError> {
        let folded = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let chars = folded.chars().count();
        if chars == 0 {
            return Err(JustificationError::Blank);
        }
        if folded.chars().any(char::is_control) {
            return Err(JustificationError::Control);
        }
        if chars < MIN_CHARS {
            return Err(JustificationError::TooShort);
        }
        if chars > MAX_CHARS {
            return Err(JustificationError::TooLong);
        }
        if is_filler(&folded) {
            return Err(JustificationError::Filler);
        }
        Ok(Justification(folded.into()))
    }

    /// The reason as text, on one line.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Justification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_filler(text: &str) -> bool {
    let words: HashSet<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().count() >= 2 && !is_one_key(word))
        .map(str::to_lowercase)
        .collect();
    words.len() < MIN_WORDS
}

fn is_one_key(word: &str) -> bool {
    let mut letters = word.chars();
    let first = letters.next();
    letters.all(|letter| Some(letter) == first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use JustificationError::*;

    #[test]
    fn a_reason_says_something() {
        let good = "Year 5 topic on the Tudors,\n sources for the timeline task";
        assert_eq!(
            Justification::parse(good).map(|reason| reason.to_string()),
            Ok("Year 5 topic on the Tudors, sources for the timeline task".into())
        );
        assert!(Justification::parse("Gwers hanes blwyddyn pump").is_ok());
        let cases = [
            ("", Blank),
            (" \u{a0}\t\n", Blank),
            ("for lesson", TooShort),
            ("aaaaaaaaaaaaaaaaaaaaaa", Filler),
            ("test test test test test", Filler),
            ("xxx yyy zzz xxx yyy zzz", Filler),
            ("....................", Filler),
            ("a reason with a \u{1b}[31m colour", Control),
        ];
        for (text, fault) in cases {
            assert_eq!(Justification::parse(text), Err(fault), "{text:?}");
        }
        assert_eq!(Justification::parse(&"many words here ".repeat(80)), Err(TooLong));
    }
}
