//! A policy text from its normal form.
//!
//! **Invariant:** the same policy gives the same text, byte for byte.

use super::{Keys, ORDERED, Written};
use crate::document::{Plain, segment};

/// The longest line that a list may make.
const WIDTH: usize = 100;
/// The keys that come first, in the order in which a person would say them.
const FIRST: [&str; 17] = [
    "name",
    "inherits",
    "subnets",
    "default",
    "uncategorised",
    "unclassified",
    "ports",
    "inspect",
    "inspect_hosts",
    "safe_search",
    "youtube",
    "unblockable",
    "programs",
    "sources",
    "optional_sources",
    "hours",
    "approval",
];

/// The whole text.
pub(super) fn text(written: &Written) -> String {
    let mut text = String::new();
    section(&mut text, &[], &scalars(&written.rest), 0);
    for name in ORDERED {
        for (member, keys) in written.ordered.get(name).into_iter().flat_map(super::Ordered::iter) {
            section(&mut text, &[name, member], keys, 3);
        }
    }
    for (name, value) in &written.rest {
        if let Plain::Table(keys) = value {
            section(&mut text, &[name], keys, 2);
        }
    }
    text
}

/// The keys of a table, then the tables in it: with a heading down to a depth, in braces below.
fn section(text: &mut String, path: &[&str], keys: &Keys, depth: usize) {
    let mut entries: Vec<(&String, &Plain)> = keys.iter().collect();
    entries.sort_by_key(|(key, _)| FIRST.iter().position(|first| first == key).unwrap_or(FIRST.len()));
    let (tables, lines): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|(_, value)| path.len() < depth && matches!(value, Plain::Table(_)));
    if !path.is_empty() && (!lines.is_empty() || tables.is_empty()) {
        let gap = if text.is_empty() { "" } else { "\n" };
        let heading: Vec<String> = path.iter().map(|part| segment(part)).collect();
        text.push_str(&format!("{gap}[{}]\n", heading.join(".")));
    }
    for (key, value) in lines {
        text.push_str(&line(key, value));
    }
    for (key, value) in tables {
        if let Plain::Table(keys) = value {
            section(text, &[path, &[key.as_str()]].concat(), keys, depth);
        }
    }
}

fn line(key: &str, value: &Plain) -> String {
    let whole = format!("{} = {value}\n", segment(key));
    match value {
        Plain::List(items) if whole.chars().count() > WIDTH => {
            let items: String = items.iter().map(|item| format!("    {item},\n")).collect();
            format!("{} = [\n{items}]\n", segment(key))
        }
        Plain::Boolean(_) | Plain::Integer(_) | Plain::Text(_) | Plain::List(_) | Plain::Table(_) => whole,
    }
}

fn scalars(keys: &Keys) -> Keys {
    let scalar = |(_, value): &(&String, &Plain)| !matches!(value, Plain::Table(_));
    keys.iter().filter(scalar).map(|(key, value)| (key.clone(), value.clone())).collect()
}
