//! Options that are read; what is wrong with one is told in words of ours.

use std::fmt;
use std::str::FromStr;

use clap::builder::PossibleValuesParser;
use uuid::Uuid;

use crate::model::Timestamp;

/// An identifier, as lists print them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id(pub(super) Uuid);

/// A whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub(super) struct Count(pub(super) u32);

/// A day, as it is written: 2027-07-01.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub(super) struct Day(String);

/// One of these words.
pub(super) fn one_of<const N: usize>(words: [&'static str; N]) -> PossibleValuesParser {
    PossibleValuesParser::new(words)
}

impl FromStr for Id {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Id, &'static str> {
        text.parse().map(Id).map_err(
            |_| "no identifier: `list` prints them whole, such as 0199d0c8-53a1-7b42-9d51-5b0e8f6f1c11",
        )
    }
}

impl FromStr for Count {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Count, &'static str> {
        text.parse().map(Count).map_err(|_| "no whole number, such as 30")
    }
}

impl FromStr for Day {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Day, &'static str> {
        let is_day = text.len() == 10 && format!("{text}T00:00:00Z").parse::<Timestamp>().is_ok();
        if is_day { Ok(Day(text.to_owned())) } else { Err("no day, such as 2027-07-01") }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Day {
    /// As written.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_in_our_words() {
        for text in ["", "7", "2027-13-01", "2027-7-1", "tomorrow!!", "2027-02-30"] {
            assert!(text.parse::<Day>().is_err_and(|why| why.contains("2027-07-01")), "{text}");
        }
        assert_eq!("2027-07-01".parse::<Day>().map(|day| day.0), Ok("2027-07-01".to_owned()));
        assert!("12".parse::<Id>().is_err_and(|why| why.starts_with("no identifier")));
        assert!("-30".parse::<Count>().is_err_and(|why| why.starts_with("no whole number")));
    }
}
