//! A line of a term list, read: a term in its parts, or an exception.
//!
//! **Invariant:** a line that would match nearly everything, or nothing, is a fault.

use super::normal::plain;

/// How many phrases a part may come to once its choices are written out.
const MAX_PHRASES: usize = 1024;
/// The fewest letters of a term that is one word.
const FEWEST: usize = 3;

/// A line that is no comment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// What must all occur, each in one of its phrases; a phrase has a space on each side.
    pub(super) parts: Vec<Vec<String>>,
    /// Whether it says what is harmless.
    pub(super) effect: LineEffect,
}

/// What a line does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineEffect {
    /// Its text is a concern.
    Term,
    /// Text that it covers is none.
    Exception,
}

/// Why a line is no term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum LineError {
    #[error("there is no word here")]
    Empty,
    #[error("one word of fewer than three letters would match harmless searches")]
    Short,
    #[error("every word of this part may be left out")]
    AllOptional,
    #[error("its choices come to more than 1,024 phrases")]
    TooMany,
}

/// Reads a line; the error says how many bytes in the fault is.
pub(super) fn read(line: &str) -> Result<Line, (usize, LineError)> {
    let text = line.trim_start();
    let start = line.len() - text.len();
    let (text, effect, start) = match text.strip_prefix('!') {
        Some(rest) => (rest, LineEffect::Exception, start + 1),
        None => (text, LineEffect::Term, start),
    };
    let mut parts = Vec::new();
    let mut at = start;
    for part in text.split('&') {
        parts.push(phrases(part).map_err(|fault| (at + part.len() - part.trim_start().len(), fault))?);
        at += part.len() + 1;
    }
    let short = |phrase: &String| phrase.trim().chars().count() < FEWEST;
    if effect == LineEffect::Term && parts.len() == 1 && parts[0].iter().any(short) {
        return Err((start, LineError::Short));
    }
    Ok(Line { parts, effect })
}

/// Every phrase that a part stands for: `my dad|mum always? hits me`.
fn phrases(part: &str) -> Result<Vec<String>, LineError> {
    let mut phrases = vec![String::from(" ")];
    let mut required = false;
    for word in part.split_whitespace() {
        let (word, optional) = match word.strip_suffix('?') {
            Some(word) => (word, true),
            None => (word, false),
        };
        let choices: Vec<String> =
            word.split('|').map(plain).filter(|choice| !choice.trim().is_empty()).collect();
        if choices.is_empty() {
            return Err(LineError::Empty);
        }
        required |= !optional;
        let mut longer: Vec<String> = if optional { phrases.clone() } else { Vec::new() };
        for phrase in &phrases {
            longer.extend(choices.iter().map(|choice| format!("{phrase}{}", choice.trim_start())));
        }
        if longer.len() > MAX_PHRASES {
            return Err(LineError::TooMany);
        }
        phrases = longer;
    }
    match (phrases.len(), required) {
        (1, _) if phrases[0] == " " => Err(LineError::Empty),
        (_, false) => Err(LineError::AllOptional),
        (_, true) => Ok(phrases),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> String {
        match read(line) {
            Err((at, fault)) => format!("{at}: {fault:?}"),
            Ok(line) => {
                let parts: Vec<String> = line.parts.iter().map(|part| part.join("|")).collect();
                format!("{:?} {}", line.effect, parts.join("&"))
            }
        }
    }

    #[test]
    fn a_line_is_a_term_or_says_what_is_wrong() {
        let cases = [
            ("self-harm", "Term  self harm "),
            ("aaa|bbb c?", "Term  aaa | bbb | aaa c | bbb c "),
            ("make|buy & gun", "Term  make | buy & gun "),
            ("! bath Bomb", "Exception  bath bomb "),
            ("", "0: Empty"),
            ("--- ", "0: Empty"),
            ("gun & ", "6: Empty"),
            ("  ab", "2: Short"),
            ("a? b?", "0: AllOptional"),
            ("ab & cd", "Term  ab & cd "),
        ];
        for (line, expected) in cases {
            assert_eq!(told(line), expected, "{line:?}");
        }
        let many = "a|b|c|d|e|f ".repeat(4);
        assert_eq!(told(&many), "0: TooMany");
    }
}
