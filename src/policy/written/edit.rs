//! One thing that one policy text says other than another.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{BY_KEY, Keys, ORDERED, Ordered, Written};
use crate::document::{Plain, dotted, segment};

/// A key that is set, changed or taken away. A whole group or category is one edit, and so is a
/// list; the key `groups` or `categories` alone is their order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// The dotted key: `groups.ks2.categories.games`.
    pub key: String,
    /// What it was set to, if it was.
    pub before: Option<Plain>,
    /// What it is set to, if it is.
    pub after: Option<Plain>,
}

/// What an edit is to replace is not what stands there: somebody else changed it since.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not what it was when the change was written")]
pub struct Stale(pub String);

/// The edits from one text to another, in the order of the texts.
pub(super) fn between(before: &Written, after: &Written) -> Vec<Edit> {
    let mut edits = Vec::new();
    let none = Ordered::default();
    for section in ORDERED {
        let members = |written| Written::section(written, section).map_or(&none, |(_, members)| members);
        of_members(section, (members(before), members(after)), &mut edits);
    }
    of_keys(&[], (&before.rest, &after.rest), &mut edits);
    edits
}

fn of_members(section: &str, (before, after): (&Ordered, &Ordered), edits: &mut Vec<Edit>) {
    let whole = |table: &Keys| Some(Plain::Table(table.clone()));
    for (name, is) in after.iter() {
        match before.tables.get(name) {
            Some(was) => of_keys(&[section, name], (was, is), edits),
            None => edits.push(Edit { key: dot(&[section, name]), before: None, after: whole(is) }),
        }
    }
    for (name, was) in before.iter().filter(|(name, _)| !after.tables.contains_key(*name)) {
        edits.push(Edit { key: dot(&[section, name]), before: whole(was), after: None });
    }
    let stayed: Vec<&str> =
        before.names().into_iter().filter(|name| after.tables.contains_key(*name)).collect();
    let (order, came) = (after.names(), after.tables.len() - stayed.len());
    // Two that came may be added in either order, so that their order must be said.
    if came > 1 || !order.starts_with(&stayed) {
        let list =
            |names: Vec<&str>| Plain::List(names.into_iter().map(|name| Plain::Text(name.into())).collect());
        edits.push(Edit { key: section.to_owned(), before: Some(list(stayed)), after: Some(list(order)) });
    }
}

fn of_keys(above: &[&str], (before, after): (&Keys, &Keys), edits: &mut Vec<Edit>) {
    let none = Keys::new();
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for name in names {
        let (was, is) = (before.get(name), after.get(name));
        let path = [above, &[name.as_str()]].concat();
        match (was, is) {
            (Some(Plain::Table(was)), Some(Plain::Table(is))) => of_keys(&path, (was, is), edits),
            (Some(Plain::Table(was)), None) if is_by_key(&path) => of_keys(&path, (was, &none), edits),
            (None, Some(Plain::Table(is))) if is_by_key(&path) => of_keys(&path, (&none, is), edits),
            _ if was == is => {}
            _ => edits.push(Edit { key: dot(&path), before: was.cloned(), after: is.cloned() }),
        }
    }
}

impl Edit {
    /// Makes the edit; `None` when it does not fit.
    pub(super) fn apply(&self, written: &mut Written) -> Option<()> {
        let path = dotted(&self.key)?;
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let (first, inner) = path.split_first()?;
        let Some(section) = written.section(first).map(|(section, _)| section) else {
            return self.replace(&mut written.rest, &path, &[]);
        };
        let members = written.ordered.get_mut(section)?;
        match inner {
            [] => self.arrange(members),
            [name] => self.replace_member(members, name),
            [name, inner @ ..] => self.replace(members.tables.get_mut(*name)?, inner, &[first, name]),
        }
    }

    fn arrange(&self, members: &mut Ordered) -> Option<()> {
        let (was, is) = (names(self.before.as_ref()?)?, names(self.after.as_ref()?)?);
        let stands: Vec<&str> =
            members.names().into_iter().filter(|name| was.iter().any(|known| known == name)).collect();
        if stands != was {
            return None;
        }
        members.arrange(is);
        Some(())
    }

    fn replace_member(&self, members: &mut Ordered, name: &str) -> Option<()> {
        let stands = members.tables.get(name).map(|table| Plain::Table(table.clone()));
        if stands != self.before {
            return None;
        }
        match &self.after {
            Some(Plain::Table(table)) => members.put(name.to_owned(), table.clone()),
            None => members.remove(name),
            Some(Plain::Boolean(_) | Plain::Integer(_) | Plain::Text(_) | Plain::List(_)) => return None,
        }
        Some(())
    }

    fn replace(&self, keys: &mut Keys, path: &[&str], above: &[&str]) -> Option<()> {
        let (name, inner) = path.split_first()?;
        if inner.is_empty() {
            if keys.get(*name) != self.before.as_ref() {
                return None;
            }
            match &self.after {
                Some(value) => keys.insert((*name).to_owned(), value.clone()),
                None => keys.remove(*name),
            };
            return Some(());
        }
        let above = [above, &[*name]].concat();
        let by_key = is_by_key(&above);
        if by_key && !keys.contains_key(*name) {
            keys.insert((*name).to_owned(), Plain::Table(Keys::new()));
        }
        let Some(Plain::Table(table)) = keys.get_mut(*name) else { return None };
        let done = self.replace(table, inner, &above);
        if by_key && table.is_empty() {
            keys.remove(*name);
        }
        done
    }
}

impl fmt::Display for Edit {
    /// A sentence for the record.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        match (&self.before, &self.after) {
            (Some(was), Some(is)) if ORDERED.contains(&key.as_str()) => {
                write!(f, "{key}: the order was {was}, is {is}")
            }
            (Some(was), Some(is)) => write!(f, "{key}: was {was}, is {is}"),
            (None, Some(is)) => write!(f, "{key}: was not set, is {is}"),
            (Some(was), None) => write!(f, "{key}: was {was}, is not set"),
            (None, None) => write!(f, "{key}: is not set"),
        }
    }
}

/// Whether a table of this key is told key by key also where it comes or goes.
fn is_by_key(path: &[&str]) -> bool {
    matches!(path, ["groups", _, table] if BY_KEY.contains(table))
}

fn dot(path: &[&str]) -> String {
    path.iter().map(|part| segment(part)).collect::<Vec<_>>().join(".")
}

fn names(list: &Plain) -> Option<Vec<String>> {
    let Plain::List(list) = list else { return None };
    let name = |value: &Plain| if let Plain::Text(name) = value { Some(name.clone()) } else { None };
    list.iter().map(name).collect()
}
