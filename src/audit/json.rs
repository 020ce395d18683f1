//! JSON text for the trail.
//!
//! **Invariant:** whatever a user wrote, one event stays on one line in every reader: control
//! characters, line separators, invisible and direction-changing characters are escaped, and
//! lengths are bounded.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use serde_json::{Map, Value};

use crate::model::{hides, spelt};

/// Names under which details never keep a value.
const SECRETS: [&str; 11] = [
    "authorization",
    "body",
    "cookie",
    "csrf",
    "passphrase",
    "password",
    "private_key",
    "proxy-authorization",
    "secret",
    "set-cookie",
    "totp",
];
/// What stands for such a value.
const REDACTED: &str = "[redacted]";

/// One JSON object as text, on one line.
#[derive(Clone, Debug)]
pub(super) struct Json(String);

impl Json {
    /// Renders what serialises as an object.
    pub(super) fn object(value: &impl Serialize) -> Result<Json, serde_json::Error> {
        Ok(Json(text(value)?))
    }

    /// The members, without the outer braces.
    pub(super) fn inside(&self) -> &str {
        self.0.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(&self.0)
    }

    /// How many bytes it takes.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Renders any value as the trail does; a needle for searching it.
pub(super) fn text(value: &(impl Serialize + ?Sized)) -> Result<String, serde_json::Error> {
    let mut bytes = Vec::with_capacity(1024);
    value.serialize(&mut Serializer::with_formatter(&mut bytes, OneLine))?;
    String::from_utf8(bytes).map_err(serde::ser::Error::custom)
}

/// At most `max` characters of `text`; says in `cut` when some were left off.
pub(super) fn capped(text: &str, max: usize, cut: &mut bool) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => {
            *cut = true;
            text[..end].to_owned()
        }
        None => text.to_owned(),
    }
}

/// The same details without what must never be recorded.
pub(super) fn redacted(details: Map<String, Value>) -> Map<String, Value> {
    let clean = |(name, value): (String, Value)| {
        let secret = SECRETS.iter().any(|secret| name.eq_ignore_ascii_case(secret));
        let value = if secret { Value::from(REDACTED) } else { redacted_value(value) };
        (name, value)
    };
    details.into_iter().map(clean).collect()
}

fn redacted_value(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(redacted(map)),
        Value::Array(values) => Value::Array(values.into_iter().map(redacted_value).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

/// Compact JSON that escapes more than JSON asks for.
struct OneLine;

impl Formatter for OneLine {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, out: &mut W, text: &str) -> io::Result<()> {
        let mut plain = 0;
        for (at, character) in text.char_indices().filter(|(_, character)| hides(*character)) {
            out.write_all(&text.as_bytes()[plain..at])?;
            out.write_all(spelt(character).as_bytes())?;
            plain = at + character.len_utf8();
        }
        out.write_all(&text.as_bytes()[plain..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_on_one_line_and_reads_back() {
        let nasty =
            "a\nb\r\u{1b}[31m\u{7f}\u{85}\u{2028}\u{2029}\u{202e}\u{feff}\u{e0041}\"\\,\"hash\":\"é😀";
        let written = text(nasty).unwrap();
        assert!(written.chars().all(|c| !hides(c)), "{written}");
        assert!(written.contains("\\u2028\\u2029\\u202e\\ufeff\\udb40\\udc41") && written.contains("é😀"));
        assert!(!written.contains(",\"hash\":\""));
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), nasty);
    }

    #[test]
    fn what_must_never_be_recorded_is_taken_out() {
        let details = serde_json::json!({"Password": "x", "deep": [{"cookie": {"a": 1}}], "name": "y"});
        let Value::Object(details) = details else { unreachable!() };
        let clean =
            serde_json::json!({"Password": "[redacted]", "deep": [{"cookie": "[redacted]"}], "name": "y"});
        assert_eq!(Value::Object(redacted(details)), clean);
    }

    #[test]
    fn a_cap_counts_characters_and_says_so() {
        let mut cut = false;
        assert_eq!((capped("münchen", 7, &mut cut), cut), ("münchen".into(), false));
        assert_eq!((capped("münchen", 2, &mut cut), cut), ("mü".into(), true));
    }
}
