//! From the `toml` crate's tree to the module's own, in the order of the file.

use toml::Spanned as At;
use toml::de::{DeInteger, DeTable, DeValue};

use super::value::{Entry, Node, Value};
use super::{Document, Fault, Spanned};

/// The entries of a document and its syntax faults.
pub(super) fn document(document: &Document) -> (Vec<Entry<'_>>, Vec<Fault>) {
    let (table, errors) = DeTable::parse_recoverable(&document.source.text);
    let faults = errors.iter().map(|error| fault(document, error)).collect();
    (entries(document, table.into_inner()), faults)
}

/// The whole text as one value: TOML where it is TOML, else plain text.
pub(super) fn value(document: &Document) -> Node<'_> {
    let text = document.source.text.as_str();
    match DeValue::parse(text) {
        Ok(value) => node(document, value),
        Err(_) => Node { value: Value::Text(text.into()), at: document.span(0..text.len()) },
    }
}

fn fault(document: &Document, error: &toml::de::Error) -> Fault {
    let end = document.source.text.len();
    let at = document.span(error.span().unwrap_or(end..end));
    at.fault(error.message())
}

fn entries<'d>(document: &Document, table: DeTable<'d>) -> Vec<Entry<'d>> {
    let mut entries: Vec<Entry<'d>> = table
        .into_iter()
        .map(|(key, value)| {
            let at = document.span(key.span());
            Entry { key: Spanned { value: key.into_inner().into_owned(), at }, node: node(document, value) }
        })
        .collect();
    entries.sort_by_key(|entry| entry.key.at.start);
    entries
}

fn node<'d>(document: &Document, value: At<DeValue<'d>>) -> Node<'d> {
    let at = document.span(value.span());
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(text),
        DeValue::Integer(number) => Value::Integer(integer(&number)),
        DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(value) => Value::Boolean(value),
        DeValue::Datetime(_) => Value::Moment,
        DeValue::Array(list) => Value::List(list.into_iter().map(|value| node(document, value)).collect()),
        DeValue::Table(table) => Value::Table(entries(document, table)),
    };
    Node { value, at }
}

/// Wide enough that what doesn't fit is out of any range.
fn integer(number: &DeInteger<'_>) -> i128 {
    i128::from_str_radix(number.as_str(), number.radix()).unwrap_or(i128::MAX)
}
