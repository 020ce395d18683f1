//! A line of a term list, read: a term in its parts, or an exception.
//!
//! **Invariant:** a line that would match nearly everything, or nothing, is a fault.

use super::normal::plain;

/// The fewest letters of a term that is one word.
const FEWEST: usize = 3;

/// A line that is no comment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// What must all occur, each as its words in their order.
    pub(super) parts: Vec<Vec<Slot>>,
    /// What it says of such a text.
    pub(super) effect: Effect,
}

/// A place in a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// Any of these stands there: a word, or several in a row.
    pub(super) choices: Vec<Vec<String>>,
    /// Or none, where it may be left out.
    pub(super) need: Need,
}

/// Whether something must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Required,
    Optional,
}

/// What a line does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Its text is a concern.
    Term,
    /// Its text is a concern where there is nothing else.
    Alone,
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
    #[error("a part starts with a word that may be left out, which changes nothing")]
    StartsOptional,
}

/// Reads a line; the error says how many bytes in the fault is.
pub(super) fn read(line: &str) -> Result<Line, (usize, LineError)> {
    let text = line.trim_start();
    let start = line.len() - text.len();
    let (text, effect, start) = match text.split_at_checked(1) {
        Some(("!", rest)) => (rest, Effect::Exception, start + 1),
        Some(("=", rest)) => (rest, Effect::Alone, start + 1),
        Some(_) | None => (text, Effect::Term, start),
    };
    let mut parts = Vec::new();
    let mut at = start;
    for part in text.split('&') {
        let part_start = at + part.len() - part.trim_start().len();
        parts.push(slots(part).map_err(|fault| (part_start, fault))?);
        at += part.len() + 1;
    }
    let required = parts[0].iter().filter(|slot| slot.need == Need::Required).count();
    if effect == Effect::Term && parts.len() == 1 && required == 1 && has_short(&parts[0][0]) {
        return Err((start, LineError::Short));
    }
    Ok(Line { parts, effect })
}

fn has_short(slot: &Slot) -> bool {
    slot.choices.iter().any(|words| words.iter().map(|word| word.chars().count()).sum::<usize>() < FEWEST)
}

/// The places of a part: `my dad|mum|step-dad always? hits me`.
fn slots(part: &str) -> Result<Vec<Slot>, LineError> {
    let mut slots: Vec<Slot> = Vec::new();
    for text in part.split_whitespace() {
        let (text, need) = match text.strip_suffix('?') {
            Some(text) => (text, Need::Optional),
            None => (text, Need::Required),
        };
        let choices: Vec<Vec<String>> =
            text.split('|').map(plain).filter(|words| !words.is_empty()).collect();
        if choices.is_empty() {
            return Err(LineError::Empty);
        }
        slots.push(Slot { choices, need });
    }
    match slots.first().map(|slot| slot.need) {
        None => Err(LineError::Empty),
        Some(Need::Optional) => Err(LineError::StartsOptional),
        Some(Need::Required) => Ok(slots),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> String {
        let slot = |slot: &Slot| {
            let choices: Vec<String> = slot.choices.iter().map(|words| words.join("-")).collect();
            let mark = if slot.need == Need::Optional { "?" } else { "" };
            format!("{}{mark}", choices.join("|"))
        };
        let part = |part: &Vec<Slot>| part.iter().map(slot).collect::<Vec<_>>().join(" ");
        match read(line) {
            Err((at, fault)) => format!("{at}: {fault:?}"),
            Ok(line) => {
                let parts: Vec<String> = line.parts.iter().map(part).collect();
                format!("{:?} {}", line.effect, parts.join(" & "))
            }
        }
    }

    #[test]
    fn a_line_is_a_term_or_says_what_is_wrong() {
        let cases = [
            ("self-harm", "Term self-harm"),
            ("aaa|bbb Don\u{2019}t?", "Term aaa|bbb dont?"),
            ("make|buy & gun", "Term make|buy & gun"),
            ("! bath Bomb", "Exception bath bomb"),
            ("=ab", "Alone ab"),
            ("ab & cd", "Term ab & cd"),
            ("", "0: Empty"),
            ("--- ", "0: Empty"),
            ("gun & ", "6: Empty"),
            ("  ab", "2: Short"),
            ("ab cd?", "0: Short"),
            ("a? b", "0: StartsOptional"),
            ("gun self-harm|cut a-b?", "Term gun self-harm|cut a-b?"),
        ];
        for (line, expected) in cases {
            assert_eq!(told(line), expected, "{line:?}");
        }
    }
}
