//! A table of a document, from which keys are taken one by one.
//!
//! **Invariant:** [`Table::finish`] names every key that nobody asked for.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::nearest::nearest;
use super::value::{Entry, FromValue, Mismatch, Node, Value};
use super::{Document, Fault, Faults, Span, Spanned, parse};

/// A table whose keys are being taken.
#[derive(Debug)]
#[must_use = "a table must be finished, or its unknown keys go unnoticed"]
pub struct Table<'d> {
    name: String,
    header: Span,
    entries: Vec<Entry<'d>>,
    asked: Vec<String>,
    /// Wrong types found where there were no faults to push to; told by `finish`.
    late: Vec<Fault>,
}

impl<'d> Table<'d> {
    pub(super) fn new(name: String, header: Span, entries: Vec<Entry<'d>>) -> Table<'d> {
        Table { name, header, entries, asked: Vec::new(), late: Vec::new() }
    }

    /// The dotted name, `groups.ks2`; empty for the document itself.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the table starts: its name in the first header that has it.
    #[must_use]
    pub fn header(&self) -> &Span {
        &self.header
    }

    /// Where the value of a key that is not yet taken stands.
    #[must_use]
    pub fn at(&self, key: &str) -> Option<Span> {
        self.entries.iter().find(|entry| entry.key.value == key).map(|entry| entry.node.at.clone())
    }

    /// Makes a key known without taking it, so that [`Table::finish`] names it among those there are.
    pub fn note(&mut self, key: &str) {
        self.asked.push(key.to_owned());
    }

    /// The keys that are not yet taken, in the order of the file.
    #[must_use]
    pub fn keys(&self) -> Vec<Spanned<String>> {
        self.entries.iter().map(|entry| entry.key.clone()).collect()
    }

    /// A value; `None` when the key is absent or, with a fault, of the wrong type.
    pub fn take<T: FromValue>(&mut self, key: &str, faults: &mut Faults) -> Option<T> {
        let node = self.pull(key)?;
        read(&node, faults)
    }

    /// A number that lies in a range.
    pub fn take_within<T>(&mut self, key: &str, range: RangeInclusive<T>, faults: &mut Faults) -> Option<T>
    where
        T: FromValue + PartialOrd + Display,
    {
        let node = self.pull(key)?;
        // A number that the type can't hold is out of range too: its range is nobody's concern.
        let outside = match (T::from_value(&node), &node.value) {
            (Ok(number), _) if range.contains(&number) => return Some(number),
            (Ok(number), _) => number.to_string(),
            (Err(_), Value::Integer(number)) => number.to_string(),
            (Err(mismatch), _) => {
                faults.push(fault(&node.at, mismatch));
                return None;
            }
        };
        let (low, high) = (range.start(), range.end());
        let fault = node.at.fault(format!("{outside} is out of range"));
        faults.push(fault.help(format!("write a number from {low} to {high}")));
        None
    }

    /// A list of values; those of the wrong type are faults and left out.
    pub fn take_list<T: FromValue>(&mut self, key: &str, faults: &mut Faults) -> Option<Vec<Spanned<T>>> {
        let nodes = self.pull_list(key, faults)?;
        Some(nodes.iter().filter_map(|node| read(node, faults)).collect())
    }

    /// A text that must parse; the fault is what its type says.
    pub fn take_parsed<T>(&mut self, key: &str, faults: &mut Faults) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        let node = self.pull(key)?;
        parsed(&node, faults).map(|spanned| spanned.value)
    }

    /// A list of texts that must parse; those that don't are faults and left out.
    pub fn take_parsed_list<T>(&mut self, key: &str, faults: &mut Faults) -> Option<Vec<Spanned<T>>>
    where
        T: FromStr<Err: Display>,
    {
        let nodes = self.pull_list(key, faults)?;
        Some(nodes.iter().filter_map(|node| parsed(node, faults)).collect())
    }

    /// As [`Table::take_parsed_list`], but a single text stands for a list of one.
    pub fn take_one_or_more<T>(&mut self, key: &str, faults: &mut Faults) -> Option<Vec<Spanned<T>>>
    where
        T: FromStr<Err: Display>,
    {
        let node = self.pull(key)?;
        let nodes = match node.value {
            Value::List(nodes) => nodes,
            Value::Text(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Moment
            | Value::Table(_) => vec![node],
        };
        Some(nodes.iter().filter_map(|node| parsed(node, faults)).collect())
    }

    /// As [`Table::take`]; an absent key is a fault at the table's header.
    pub fn require<T: FromValue>(&mut self, key: &str, faults: &mut Faults) -> Option<T> {
        self.expect(key, faults);
        self.take(key, faults)
    }

    /// As [`Table::take_list`]; an absent key is a fault at the table's header.
    pub fn require_list<T: FromValue>(&mut self, key: &str, faults: &mut Faults) -> Option<Vec<Spanned<T>>> {
        self.expect(key, faults);
        self.take_list(key, faults)
    }

    /// As [`Table::take_parsed`]; an absent key is a fault at the table's header.
    pub fn require_parsed<T>(&mut self, key: &str, faults: &mut Faults) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        self.expect(key, faults);
        self.take_parsed(key, faults)
    }

    /// As [`Table::take_parsed_list`]; an absent key is a fault at the table's header.
    pub fn require_parsed_list<T>(&mut self, key: &str, faults: &mut Faults) -> Option<Vec<Spanned<T>>>
    where
        T: FromStr<Err: Display>,
    {
        self.expect(key, faults);
        self.take_parsed_list(key, faults)
    }

    /// The sub-table of that name; what is no table is told by [`Table::finish`].
    pub fn table(&mut self, key: &str) -> Option<Table<'d>> {
        self.asked.push(key.to_owned());
        let entry = self.remove(key)?;
        self.sub_table(entry)
    }

    /// As [`Table::table`]; an absent one is read as if it stood there empty.
    pub fn table_or_empty(&mut self, key: &str) -> Table<'d> {
        let empty = Table::new(self.name_of(key), self.header.clone(), Vec::new());
        self.table(key).unwrap_or(empty)
    }

    /// A key that must not be there, whatever its value, and why.
    pub fn refuse(&mut self, key: &str, problem: &str, faults: &mut Faults) {
        faults.extend(self.remove(key).map(|entry| entry.key.at.fault(problem)));
    }

    /// The sub-tables below a name, in the order of the file: `[groups.ks2]`, `[groups.ks3]`.
    pub fn tables(&mut self, key: &str) -> Vec<(Spanned<String>, Table<'d>)> {
        let Some(mut parent) = self.table(key) else { return Vec::new() };
        let mut tables = Vec::new();
        for entry in std::mem::take(&mut parent.entries) {
            let name = entry.key.clone();
            tables.extend(parent.sub_table(entry).map(|table| (name, table)));
        }
        self.late.append(&mut parent.late);
        tables
    }

    /// The tables of a list of tables, `[[lists.source]]`.
    pub fn array_of_tables(&mut self, key: &str) -> Vec<Table<'d>> {
        let Some(node) = self.pull(key) else { return Vec::new() };
        let at = node.at.clone();
        let nodes = node.into_list().unwrap_or_else(|mismatch| {
            self.late.push(fault(&at, mismatch));
            Vec::new()
        });
        let mut tables = Vec::new();
        for node in nodes {
            let key = Spanned { value: key.to_owned(), at: node.at.clone() };
            tables.extend(self.sub_table(Entry { key, node }));
        }
        tables
    }

    /// All remaining keys with their values: `[groups.ks2.categories]`.
    pub fn entries<T: FromValue>(&mut self, faults: &mut Faults) -> Vec<(Spanned<String>, Spanned<T>)> {
        let entries = std::mem::take(&mut self.entries).into_iter();
        entries.filter_map(|entry| Some((entry.key, read(&entry.node, faults)?))).collect()
    }

    /// All remaining keys with their texts, which must parse.
    pub fn entries_parsed<T>(&mut self, faults: &mut Faults) -> Vec<(Spanned<String>, Spanned<T>)>
    where
        T: FromStr<Err: Display>,
    {
        let entries = std::mem::take(&mut self.entries).into_iter();
        entries.filter_map(|entry| Some((entry.key, parsed(&entry.node, faults)?))).collect()
    }

    /// Puts a value from elsewhere (the environment) in the place that a path of keys names. The
    /// document's whole text is the value: TOML where it is TOML, else plain text.
    pub fn overlay(&mut self, path: &[&str], document: &'d Document) {
        let Some((last, parents)) = path.split_last() else { return };
        let node = parse::value(document);
        let mut entries = &mut self.entries;
        for parent in parents {
            let at = entries.iter().position(|entry| entry.key.value == *parent).unwrap_or(entries.len());
            if at == entries.len() {
                let key = Spanned { value: (*parent).to_owned(), at: node.at.clone() };
                let table = Node { value: Value::Table(Vec::new()), at: node.at.clone() };
                entries.push(Entry { key, node: table });
            }
            let found = &mut entries[at].node;
            let mismatch = fault(&found.at, found.mismatch("a table"));
            let Value::Table(inner) = &mut found.value else {
                self.late.push(mismatch);
                return;
            };
            entries = inner;
        }
        entries.retain(|entry| entry.key.value != *last);
        entries.push(Entry { key: Spanned { value: (*last).to_owned(), at: node.at.clone() }, node });
    }

    /// Ends the reading: every key that nobody took is a fault.
    pub fn finish(self, faults: &mut Faults) {
        faults.extend(self.late);
        for entry in &self.entries {
            let fault = entry.key.at.fault(unknown(&entry.key.value, &self.asked));
            faults.push(if self.asked.is_empty() {
                fault
            } else {
                fault.help(format!("{} has {}", place(&self.name), self.asked.join(", ")))
            });
        }
    }

    fn expect(&mut self, key: &str, faults: &mut Faults) {
        if !self.entries.iter().any(|entry| entry.key.value == key) {
            faults.push(self.header.fault(format!("{} lacks the key `{key}`", place(&self.name))));
        }
    }

    fn pull(&mut self, key: &str) -> Option<Node<'d>> {
        self.asked.push(key.to_owned());
        self.remove(key).map(|entry| entry.node)
    }

    fn pull_list(&mut self, key: &str, faults: &mut Faults) -> Option<Vec<Node<'d>>> {
        let node = self.pull(key)?;
        let at = node.at.clone();
        node.into_list().map_err(|mismatch| faults.push(fault(&at, mismatch))).ok()
    }

    fn remove(&mut self, key: &str) -> Option<Entry<'d>> {
        let at = self.entries.iter().position(|entry| entry.key.value == key)?;
        Some(self.entries.remove(at))
    }

    fn name_of(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    fn sub_table(&mut self, entry: Entry<'d>) -> Option<Table<'d>> {
        let name = self.name_of(&entry.key.value);
        let at = entry.node.at.clone();
        match entry.node.into_table() {
            Ok(entries) => Some(Table::new(name, entry.key.at, entries)),
            Err(mismatch) => {
                self.late.push(fault(&at, mismatch));
                None
            }
        }
    }
}

fn read<T: FromValue>(node: &Node<'_>, faults: &mut Faults) -> Option<T> {
    T::from_value(node).map_err(|mismatch| faults.push(fault(&node.at, mismatch))).ok()
}

fn parsed<T: FromStr<Err: Display>>(node: &Node<'_>, faults: &mut Faults) -> Option<Spanned<T>> {
    let at = node.at.clone();
    match node.as_text().map(str::parse) {
        Ok(Ok(value)) => Some(Spanned { value, at }),
        Ok(Err(problem)) => {
            faults.push(at.fault(problem.to_string()));
            None
        }
        Err(mismatch) => {
            faults.push(fault(&at, mismatch));
            None
        }
    }
}

fn fault(at: &Span, mismatch: Mismatch) -> Fault {
    Fault { help: mismatch.help, ..at.fault(mismatch.problem) }
}

fn unknown(key: &str, asked: &[String]) -> String {
    match nearest(key, asked) {
        Some(meant) => format!("unknown key `{key}`; did you mean `{meant}`?"),
        None => format!("unknown key `{key}`"),
    }
}

fn place(name: &str) -> String {
    if name.is_empty() { "the file".to_owned() } else { format!("[{name}]") }
}
