//! The part of a URL behind `?`, read strictly.
//!
//! **Invariant:** what may stand there is what the API's description says, since both come from
//! one type.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::Query as Pairs;
use axum::http::{StatusCode, Uri};
use serde_json::{Map, Value};
use utoipa::IntoParams;

use crate::model::Timestamp;
use crate::web::problem::Problem;

/// The longest value, in characters.
const MAX_VALUE: usize = 4096;

/// Named values; empty ones count as absent.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the query of `uri`, which may hold each parameter of `P` once and nothing else.
    pub(super) fn read<P: IntoParams>(uri: &Uri) -> Result<Query, Problem> {
        Query::of::<P>(pairs(uri)?)
    }

    /// The same of pairs that came in a body.
    pub(super) fn of<P: IntoParams>(mut pairs: Vec<(String, String)>) -> Result<Query, Problem> {
        let known = P::into_params(|| None);
        for (at, (name, value)) in pairs.iter().enumerate() {
            if !known.iter().any(|parameter| parameter.name == *name) {
                return Err(unknown(name));
            }
            if pairs[..at].iter().any(|(other, _)| other == name) {
                return Err(Problem::invalid(name, format!("`{name}` stands here twice")));
            }
            if value.chars().any(char::is_control) || value.chars().count() > MAX_VALUE {
                let detail = format!("`{name}` holds control characters or is longer than {MAX_VALUE}");
                return Err(Problem::invalid(name, detail));
            }
        }
        pairs.retain(|(_, value)| !value.trim().is_empty());
        Ok(Query(pairs))
    }

    /// Refuses whatever stands behind `?`.
    pub(super) fn none(uri: &Uri) -> Result<(), Problem> {
        pairs(uri)?.first().map_or(Ok(()), |(name, _)| Err(unknown(name)))
    }

    /// A value as text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.trim())
    }

    /// A value, read.
    pub(super) fn parsed<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>, Problem> {
        let read = |text: &str| {
            text.parse().map_err(|fault: T::Err| Problem::invalid(name, plainly(name, &fault.to_string())))
        };
        self.text(name).map(read).transpose()
    }

    /// One of `all`, by the name that `name_of` gives it.
    pub(super) fn one_of<T: Copy>(
        &self,
        name: &str,
        all: &[T],
        name_of: fn(T) -> &'static str,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match all.iter().find(|known| name_of(**known) == text) {
            Some(found) => Ok(Some(*found)),
            None => {
                let known: Vec<&str> = all.iter().map(|known| name_of(*known)).collect();
                Err(Problem::invalid(name, format!("`{name}` is one of {}", known.join(", "))))
            }
        }
    }

    /// Whether it is asked for: `true`; `false`, or nothing, when it is not.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Problem> {
        Ok(self.one_of(name, &["true", "false"], |word| word)? == Some("true"))
    }

    /// From when, and until when; 422 where there is no time between.
    pub(super) fn span(&self) -> Result<(Option<Timestamp>, Option<Timestamp>), Problem> {
        let (from, to) = (self.parsed("from")?, self.parsed("to")?);
        if from.zip(to).is_some_and(|(from, to): (Timestamp, Timestamp)| from >= to) {
            return Err(Problem::invalid("to", "`from` is not before `to`: there is no time between them"));
        }
        Ok((from, to))
    }

    /// How many items a page may have.
    pub(super) fn limit(&self, most: usize) -> Result<usize, Problem> {
        let asked = self.parsed::<usize>("limit")?.unwrap_or(100.min(most));
        if (1..=most).contains(&asked) {
            return Ok(asked);
        }
        Err(Problem::invalid("limit", format!("`limit` is a number from 1 to {most}")))
    }

    /// What was asked for, for the record; paging and the reason are not part of it.
    pub(super) fn asked(&self) -> Map<String, Value> {
        let paging = |name: &str| ["limit", "cursor", "reason"].contains(&name);
        let asked = self.0.iter().filter(|(name, _)| !paging(name));
        asked.map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect()
    }

    /// The same query with another cursor, as it stands in a URL.
    pub(super) fn going_on(&self, cursor: &str) -> String {
        let others = self.0.iter().filter(|(name, _)| name != "cursor");
        let pairs = others.map(|(name, value)| (name.as_str(), value.as_str())).chain([("cursor", cursor)]);
        let pairs: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        format!("?{}", pairs.join("&"))
    }
}

/// What a parser says of a value, in words for whoever wrote it.
fn plainly(name: &str, text: &str) -> String {
    let says = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
    if says(&["invalid digit found", "number too", "cannot parse integer"]) {
        return format!("`{name}` is a whole number from 0");
    }
    if says(&["failed to parse", "parsed date", "digit year", "digit month", "digit day", "separator"]) {
        return format!("`{name}` is a day such as 2026-11-24");
    }
    if says(&["UUID", "group length", "group count", "invalid character", "invalid length"]) {
        return format!("`{name}` is an id, as it was answered");
    }
    text.to_owned()
}

fn pairs(uri: &Uri) -> Result<Vec<(String, String)>, Problem> {
    let Pairs(pairs) = Pairs::<Vec<(String, String)>>::try_from_uri(uri).map_err(|_| {
        Problem::new(StatusCode::BAD_REQUEST, "malformed", "what stands behind `?` can't be read")
    })?;
    Ok(pairs)
}

fn unknown(name: &str) -> Problem {
    Problem::invalid(name, format!("there is no `{name}` here"))
}

/// All but the unreserved characters of RFC 3986 section 2.3 as `%XX`.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' => {
                escaped.push(char::from(byte));
            }
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_value_is_said_in_its_own_words() {
        let said = |text: &str| plainly("x", text);
        let number = |text: &str| said(&text.parse::<u64>().unwrap_err().to_string());
        let day = |text: &str| said(&text.parse::<jiff::civil::Date>().unwrap_err().to_string());
        let id = |text: &str| said(&text.parse::<uuid::Uuid>().unwrap_err().to_string());
        for wrong in ["", "-1", "a", "99999999999999999999999"] {
            assert_eq!(number(wrong), "`x` is a whole number from 0", "{wrong}");
        }
        for wrong in ["yesterday", "2026", "2026-13-01", "2026-02-31", "2026-1x-01"] {
            assert_eq!(day(wrong), "`x` is a day such as 2026-11-24", "{wrong}");
        }
        for wrong in ["", "7", "zzzzzzzz-0000-0000-0000-000000000000", "0199-0", "0-0-0-0-0"] {
            assert_eq!(id(wrong), "`x` is an id, as it was answered", "{wrong}");
        }
        let other = "not a name".to_owned();
        assert_eq!(said(&other), other);
    }
}
