//! A value apart from the text that it stood in: to be kept, compared, and written again.
//!
//! **Invariant:** what is written reads back as the same value.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::value::{FromValue, Mismatch, Node, Value};
use super::{Document, Faults};

/// A value. Dates and fractions are none: nobody's texts need them outside quotes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Plain {
    /// `true` or `false`
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Text.
    Text(String),
    /// A list; its order is kept.
    List(Vec<Plain>),
    /// A table; its keys stand in the order of the alphabet.
    Table(BTreeMap<String, Plain>),
}

/// The segments of a dotted key, `groups."year.5".name`; `None` when it is no key.
#[must_use]
pub fn dotted(key: &str) -> Option<Vec<String>> {
    let document = Document::new("key", format!("{key} = 0"));
    let mut faults = Faults::new();
    let entries: Vec<_> = document.root(&mut faults)?.entries::<Plain>(&mut faults);
    let mut entries: Vec<(String, Plain)> =
        entries.into_iter().map(|(key, value)| (key.value, value.value)).collect();
    let mut segments = Vec::new();
    while let Some((segment, value)) = entries.pop().filter(|_| entries.is_empty()) {
        segments.push(segment);
        match value {
            Plain::Table(table) => entries = table.into_iter().collect(),
            Plain::Integer(0) => return Some(segments),
            Plain::Boolean(_) | Plain::Integer(_) | Plain::Text(_) | Plain::List(_) => return None,
        }
    }
    None
}

/// A segment of a dotted key as it is written: bare where it may be.
#[must_use]
pub fn segment(key: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if !key.is_empty() && key.bytes().all(bare) { key.to_owned() } else { quoted(key) }
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut written = String::with_capacity(text.len() + 2);
    written.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => written.extend(['\\', letter]),
            _ if letter.is_control() => written.push_str(&format!("\\u{:04X}", u32::from(letter))),
            _ => written.push(letter),
        }
    }
    written.push('"');
    written
}

impl fmt::Display for Plain {
    /// As TOML, on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Plain::Boolean(value) => value.fmt(f),
            Plain::Integer(number) => number.fmt(f),
            Plain::Text(text) => f.write_str(&quoted(text)),
            Plain::List(list) => {
                let items: Vec<String> = list.iter().map(Plain::to_string).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Plain::Table(table) if table.is_empty() => f.write_str("{}"),
            Plain::Table(table) => {
                let entry = |(key, value): (&String, &Plain)| format!("{} = {value}", segment(key));
                let entries: Vec<String> = table.iter().map(entry).collect();
                write!(f, "{{ {} }}", entries.join(", "))
            }
        }
    }
}

impl FromValue for Plain {
    fn from_value(node: &Node<'_>) -> Result<Plain, Mismatch> {
        match &node.value {
            Value::Text(text) => Ok(Plain::Text(text.to_string())),
            Value::Boolean(value) => Ok(Plain::Boolean(*value)),
            Value::Integer(_) => i64::from_value(node).map(Plain::Integer),
            Value::List(list) => {
                list.iter().map(Plain::from_value).collect::<Result<_, _>>().map(Plain::List)
            }
            Value::Table(entries) => {
                let entry = |entry: &super::value::Entry<'_>| {
                    Ok((entry.key.value.clone(), Plain::from_value(&entry.node)?))
                };
                entries.iter().map(entry).collect::<Result<_, _>>().map(Plain::Table)
            }
            Value::Float(_) => Err(node.mismatch("a whole number")),
            Value::Moment => Err(node.mismatch("text")),
        }
    }
}
