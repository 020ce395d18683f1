//! A TOML text made to say something else, with what a person wrote around it left standing.
//!
//! **Invariant:** what stays as it is stays byte for byte, remarks and layout too. Whether the result
//! says what it was to say is for the caller to see: it is read again.

use std::collections::BTreeMap;

use toml_edit::{Array, DocumentMut, Item, Table, TableLike, Value};

use super::Plain;

/// How deep tables that come stand under a heading of their own; further in they stand in braces.
const HEADED: usize = 3;

/// The text, made to say what `wanted` says; `None` where it is no TOML.
pub fn rewritten(text: &str, wanted: &BTreeMap<String, Plain>) -> Option<String> {
    let (head, rest) = text.split_at(head(text));
    let mut document: DocumentMut = rest.parse().ok()?;
    sync(document.as_table_mut(), wanted, 1)?;
    Some(format!("{head}{document}"))
}

/// How long the remarks are that stand at the top of the whole text, apart from what follows: they go
/// with no key.
fn head(text: &str) -> usize {
    let mut end = 0;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        at += line.len();
        match line.trim() {
            "" => end = at,
            remark if remark.starts_with('#') => {}
            _ => break,
        }
    }
    end
}

fn sync(table: &mut dyn TableLike, wanted: &BTreeMap<String, Plain>, depth: usize) -> Option<()> {
    // An empty table often says no more than none, and may have remarks in it.
    let stands = table.iter().filter(|(_, item)| item.as_table_like().is_none_or(|table| !table.is_empty()));
    let gone: Vec<String> =
        stands.map(|(key, _)| key.to_owned()).filter(|key| !wanted.contains_key(key)).collect();
    for key in gone {
        table.remove(&key);
    }
    for (key, value) in wanted {
        match table.get_mut(key).filter(|item| !item.is_none()) {
            Some(item) => set(item, value, depth + 1)?,
            None => {
                table.insert(key, item(value, depth + 1)?);
            }
        }
    }
    Some(())
}

/// Makes what stands there say `value`.
fn set(item: &mut Item, value: &Plain, depth: usize) -> Option<()> {
    if plain(item).as_ref() == Some(value) {
        return Some(());
    }
    match (item, value) {
        (item, Plain::Table(keys)) if item.is_table_like() => sync(item.as_table_like_mut()?, keys, depth),
        (Item::Value(Value::Array(array)), Plain::List(list)) => set_list(array, list),
        (Item::Value(old), value) => {
            let decor = old.decor().clone();
            *old = written(value)?;
            *old.decor_mut() = decor;
            Some(())
        }
        (old @ (Item::None | Item::Table(_) | Item::ArrayOfTables(_)), value) => {
            *old = self::item(value, depth)?;
            Some(())
        }
    }
}

/// Takes out what is gone and puts what has come behind the rest; where that is not the order, the whole
/// list is written anew.
fn set_list(array: &mut Array, list: &[Plain]) -> Option<()> {
    let own = |value: &Value| of_value(value).filter(|value| list.contains(value));
    for place in (0..array.len()).rev() {
        if own(array.get(place)?).is_none() {
            array.remove(place);
        }
    }
    let kept: Vec<Plain> = array.iter().filter_map(of_value).collect();
    let Some(come) = list.strip_prefix(&*kept) else {
        let decor = array.decor().clone();
        *array = list.iter().map(written).collect::<Option<Array>>()?;
        *array.decor_mut() = decor;
        return Some(());
    };
    let prefix = array.iter().last().and_then(|last| last.decor().prefix()?.as_str());
    let indent = prefix.and_then(|prefix| prefix.rfind('\n').map(|at| prefix[at..].to_owned()));
    for value in come {
        let value = written(value)?;
        match &indent {
            Some(indent) => array.push_formatted(value.decorated(indent.clone(), "")),
            None => array.push(value),
        }
    }
    Some(())
}

/// A value that comes.
fn item(value: &Plain, depth: usize) -> Option<Item> {
    let Plain::Table(keys) = value else { return written(value).map(Item::Value) };
    if depth > HEADED {
        return written(value).map(Item::Value);
    }
    let mut table = Table::new();
    let is_table = |value: &&Plain| matches!(value, Plain::Table(_));
    // Without a line of its own it needs no heading.
    table.set_implicit(!keys.is_empty() && keys.values().filter(is_table).count() == keys.len());
    for (key, value) in keys {
        table.insert(key, item(value, depth + 1)?);
    }
    Some(Item::Table(table))
}

fn written(value: &Plain) -> Option<Value> {
    value.to_string().parse().ok()
}

fn plain(item: &Item) -> Option<Plain> {
    match item {
        Item::Value(value) => of_value(value),
        Item::Table(table) => of_table(table),
        Item::None | Item::ArrayOfTables(_) => None,
    }
}

fn of_value(value: &Value) -> Option<Plain> {
    match value {
        Value::String(text) => Some(Plain::Text(text.value().clone())),
        Value::Integer(number) => Some(Plain::Integer(*number.value())),
        Value::Boolean(value) => Some(Plain::Boolean(*value.value())),
        Value::Array(list) => list.iter().map(of_value).collect::<Option<_>>().map(Plain::List),
        Value::InlineTable(table) => of_table(table),
        Value::Float(_) | Value::Datetime(_) => None,
    }
}

fn of_table(table: &dyn TableLike) -> Option<Plain> {
    let entries = table.iter().map(|(key, item)| Some((key.to_owned(), plain(item)?)));
    entries.collect::<Option<_>>().map(Plain::Table)
}
