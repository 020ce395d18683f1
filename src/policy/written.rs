//! What a policy text says before anything is inherited: the keys and their values, apart from
//! layout and remarks.
//!
//! **Invariant:** what is rendered reads back as the same; and all edits from one text to another,
//! made on the one, give the other.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::{Document, Faults, Plain, Table, rewritten};

mod edit;
mod render;

pub use edit::{Edit, Stale};

/// The tables whose order counts: of equals the first wins, among groups and among categories.
const ORDERED: [&str; 2] = ["groups", "categories"];
/// The tables of a group that are the same empty and not there, and are told key by key. Of any
/// other table that comes or goes, the whole is one edit: an empty one may differ from none.
const BY_KEY: [&str; 3] = ["categories", "search_terms", "file_kinds"];

/// The keys of a table and what they are set to.
type Keys = BTreeMap<String, Plain>;

/// A policy text in its normal form.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// The ordered tables, each with its members.
    ordered: BTreeMap<&'static str, Ordered>,
    /// All else.
    rest: Keys,
}

/// Named tables in an order.
#[derive(Clone, Debug, Default)]
struct Ordered {
    /// Every name in its place; some may have no table yet, or no longer.
    order: Vec<String>,
    tables: BTreeMap<String, Keys>,
}

impl Written {
    /// Reads a text; whether it makes sense is for [`super::read_text`] to say.
    ///
    /// # Errors
    /// Faults of syntax, and values that no policy text holds.
    pub fn read(document: &Document) -> Result<Written, Faults> {
        let mut faults = Faults::new();
        let Some(mut root) = document.root(&mut faults) else { return Err(faults) };
        let mut written = Written::default();
        for section in ORDERED {
            let mut members = Ordered::default();
            for (name, table) in root.tables(section) {
                members.put(name.value, keys(table, &mut faults));
            }
            written.ordered.insert(section, members);
        }
        written.rest = keys(root, &mut faults);
        faults.or(written)
    }

    /// The text as TOML, sections in their order: for a person to read and to edit.
    #[must_use]
    pub fn render(&self) -> String {
        render::text(self)
    }

    /// The same as a version of `text`, whose remarks and layout stay where nothing is changed. Where that
    /// can't be done, as where groups change places, it is rendered anew: what is said comes first.
    #[must_use]
    pub fn render_over(&self, text: &str) -> String {
        let whole = |tables: &Ordered| {
            let members = tables.iter().map(|(name, keys)| (name.to_owned(), Plain::Table(keys.clone())));
            Plain::Table(members.collect())
        };
        let mut wanted = self.rest.clone();
        let sections = self.ordered.iter().filter(|(_, tables)| tables.iter().next().is_some());
        wanted.extend(sections.map(|(section, tables)| ((*section).to_owned(), whole(tables))));
        let says_so = |text: &String| {
            Written::read(&Document::new("policy", text.clone())).is_ok_and(|read| read == *self)
        };
        rewritten(text, &wanted).filter(says_so).unwrap_or_else(|| self.render())
    }

    /// What must be done to this text for it to say what `after` says.
    #[must_use]
    pub fn edits_to(&self, after: &Written) -> Vec<Edit> {
        edit::between(self, after)
    }

    /// This text with one edit made.
    ///
    /// # Errors
    /// [`Stale`] when what the edit is to replace is not what stands there.
    pub fn with(&self, edit: &Edit) -> Result<Written, Stale> {
        let mut written = self.clone();
        edit.apply(&mut written).ok_or_else(|| Stale(edit.key.clone()))?;
        Ok(written)
    }

    /// What a dotted key is set to, if it is: `groups.ks2.categories.games`.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<Plain> {
        let path = crate::document::dotted(key)?;
        let whole = |table: &Keys| Plain::Table(table.clone());
        let (first, rest) = path.split_first()?;
        let (root, rest) = match self.section(first) {
            Some((_, members)) => {
                let (name, rest) = rest.split_first()?;
                (whole(members.tables.get(name)?), rest)
            }
            None => (whole(&self.rest), &path[..]),
        };
        rest.iter().try_fold(root, |value, name| match value {
            Plain::Table(mut table) => table.remove(name),
            Plain::Boolean(_) | Plain::Integer(_) | Plain::Text(_) | Plain::List(_) => None,
        })
    }

    /// What this text says other than `before`, a sentence each; empty when nothing.
    #[must_use]
    pub fn changes_since(&self, before: &Written) -> Vec<String> {
        before.edits_to(self).iter().map(Edit::to_string).collect()
    }

    /// Forgets the places of what is not there.
    pub(super) fn settle(&mut self) {
        for Ordered { order, tables } in self.ordered.values_mut() {
            order.retain(|name| tables.contains_key(name));
        }
    }

    fn section(&self, name: &str) -> Option<(&'static str, &Ordered)> {
        self.ordered
            .iter()
            .find(|(section, _)| **section == name)
            .map(|(section, members)| (*section, members))
    }
}

impl PartialEq for Written {
    /// Whether both say the same in the same order.
    fn eq(&self, other: &Written) -> bool {
        self.rest == other.rest
            && ORDERED.iter().all(|section| {
                let members = |written: &Written| -> Vec<(String, Keys)> {
                    let ordered = written.ordered.get(section);
                    let members = ordered.into_iter().flat_map(Ordered::iter);
                    members.map(|(name, table)| (name.to_owned(), table.clone())).collect()
                };
                members(self) == members(other)
            })
    }
}

impl Eq for Written {}

impl Ordered {
    /// The members that have a table, in their order.
    fn iter(&self) -> impl Iterator<Item = (&str, &Keys)> {
        self.order.iter().filter_map(|name| Some((name.as_str(), self.tables.get(name)?)))
    }

    fn names(&self) -> Vec<&str> {
        self.iter().map(|(name, _)| name).collect()
    }

    /// Adds a member: where the order has a place for it, else behind all others.
    fn put(&mut self, name: String, mut table: Keys) {
        table.retain(|key, value| !BY_KEY.contains(&key.as_str()) || *value != Plain::Table(Keys::new()));
        if !self.order.contains(&name) {
            self.order.push(name.clone());
        }
        self.tables.insert(name, table);
    }

    fn remove(&mut self, name: &str) {
        self.order.retain(|other| other != name);
        self.tables.remove(name);
    }

    /// Puts the names in this order, and those that it does not name behind them.
    fn arrange(&mut self, order: Vec<String>) {
        let named: BTreeSet<&String> = order.iter().collect();
        let behind: Vec<String> = self.order.iter().filter(|name| !named.contains(name)).cloned().collect();
        self.order = order;
        self.order.extend(behind);
    }
}

fn keys(mut table: Table<'_>, faults: &mut Faults) -> Keys {
    let entries = table.entries::<Plain>(faults);
    table.finish(faults);
    entries.into_iter().map(|(key, value)| (key.value, value.value)).collect()
}
