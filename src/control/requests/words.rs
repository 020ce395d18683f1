//! What a request says in words: the reason, the lesson. Pure.

use crate::control::ControlError;
use crate::model::{Justification, JustificationError};
use crate::policy::{LessonName, Policy};

/// The longest lesson name, in characters.
const MAX_LESSON: usize = 100;
/// Fewest letters that a reason has besides the target and the lesson.
const MIN_OWN: usize = 8;

/// A reason that says something besides what is asked for and for which lesson.
pub(super) fn reason(text: &str, target: &str, lesson: Option<&str>) -> Result<Justification, ControlError> {
    let reason = Justification::parse(text).map_err(|fault| {
        let text = match fault {
            JustificationError::Blank | JustificationError::TooShort | JustificationError::Filler => {
                format!("{fault}; here, what the class will use the site for")
            }
            JustificationError::TooLong | JustificationError::Control => fault.to_string(),
        };
        ControlError::Invalid("reason", text)
    })?;
    if repeats(reason.as_str(), &[target, lesson.unwrap_or_default()]) {
        let text =
            "the reason repeats the site or the lesson alone: say what the class will use the site for";
        return Err(ControlError::Invalid("reason", text.to_owned()));
    }
    Ok(reason)
}

/// The lesson's name, if one is given; a fault where the school asks for it and none is.
pub(super) fn lesson(text: Option<&str>, policy: &Policy) -> Result<Option<String>, ControlError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return match policy.draft().unblocks.lesson {
            LessonName::Optional => Ok(None),
            LessonName::Needed => {
                Err(ControlError::Invalid("lesson", "say which lesson it is for: this school asks".into()))
            }
        };
    };
    if text.chars().count() > MAX_LESSON || text.chars().any(char::is_control) {
        return Err(ControlError::Invalid(
            "lesson",
            "the lesson's name is too long or holds control characters".into(),
        ));
    }
    Ok(Some(text.to_owned()))
}

/// Whether two reasons are one text, whatever their case, spaces and full stops.
pub(in crate::control) fn is_same_reason(one: &Justification, other: &Justification) -> bool {
    words(one.as_str()).eq(words(other.as_str()))
}

/// Whether what is left of `text` without the words of `said` is next to nothing.
fn repeats(text: &str, said: &[&str]) -> bool {
    let said: Vec<String> = said.iter().flat_map(|text| words(text)).collect();
    let own = words(text).filter(|word| !said.contains(word) && !FILLING.contains(&word.as_str()));
    own.map(|word| word.chars().count()).sum::<usize>() < MIN_OWN
}

/// Words that say nothing beside the site or the lesson.
const FILLING: [&str; 14] =
    ["a", "an", "the", "for", "in", "of", "on", "to", "we", "need", "needed", "lesson", "please", "unblock"];

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_says_more_than_what_is_asked_for() {
        let (target, lesson) = ("https://www.games.example/chess/openings", Some("Y5 maths period 2"));
        let table = [
            ("https://www.games.example/chess/openings", false),
            ("www.games.example chess openings please", false),
            ("Y5 maths, period 2. Y5 maths!", false),
            ("we need games.example for Y5 maths", false),
            ("openings for the chess tournament on Friday", true),
            ("Gwers hanes blwyddyn pump", true),
        ];
        for (text, good) in table {
            assert_eq!(reason(text, target, lesson).is_ok(), good, "{text}");
        }
        let one = Justification::parse("Openings for the chess  tournament").unwrap();
        let other = Justification::parse("openings for the Chess tournament.").unwrap();
        assert!(is_same_reason(&one, &other));
        assert!(!is_same_reason(&one, &Justification::parse("Openings for the chess tournaments").unwrap()));
    }
}
