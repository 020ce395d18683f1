//! What a version of a list adds and removes.
//!
//! **Invariant:** entries are compared in their normal form, so that order, remarks and spelling
//! change nothing; and statutory lists are never compared, since what is added or gone would be
//! shown.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::control::lists::ingredients::Ingredient;
use crate::control::lists::ranked::Ranks;
use crate::control::lists::source::{self, PREVIOUS};
use crate::control::lists::{Places, reading};
use crate::document::{Fault, Faults};
use crate::lists::{Entry, Form, Item, Reading, Scope, parse};

/// What became of one list from one version to the next.
#[derive(Clone, Debug, Serialize)]
pub struct ListDifference {
    /// The list: `ut1/games`; or the new file.
    pub list: String,
    /// How many entries it had.
    pub before: usize,
    /// How many it has.
    pub after: usize,
    /// What is new.
    pub added: Side,
    /// What is gone.
    pub removed: Side,
}

/// One side of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Side {
    /// How many, whatever is shown.
    pub count: usize,
    /// The first of them.
    pub entries: Vec<Differing>,
}

/// An entry that one version has and the other has not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Differing {
    /// How popular its site is.
    pub rank: Option<u64>,
    /// The entry in its normal form; `@@` before it where it takes something off the list.
    pub entry: String,
}

/// How it is to be shown.
#[derive(Clone, Debug)]
pub struct Showing {
    /// Popular sites first, where ranks are known; else short names first.
    pub ranks: Ranks,
    /// The most entries of each side.
    pub limit: usize,
}

/// Why there is no comparison.
#[derive(Debug, thiserror::Error)]
pub enum DifferenceError {
    /// It is statutory.
    #[error(
        "statutory lists are never compared: what is added or gone would be shown, and nobody may read them; \
         `lists status` tells their version and size"
    )]
    Statutory,
    /// It is no imported source, nor a list of one.
    #[error(
        "{0} was not imported: name a source or a list of one (`lists status` shows them), or two files; of \
         school/allow and school/block `changes list` and the audit trail tell every edit"
    )]
    NotImported(String),
    /// There is no earlier version.
    #[error("no earlier version of {0} is kept: it was imported once")]
    NoPrevious(String),
    /// A file or note can't be read.
    #[error("{0}")]
    Faults(Faults),
}

/// Compares a source, or a list of one (`ut1`, `ut1/games`), with what was imported before it.
///
/// # Errors
/// [`DifferenceError`]
pub fn since_previous(
    places: &Places,
    name: &str,
    showing: &Showing,
) -> Result<Vec<ListDifference>, DifferenceError> {
    let (source, list) = name.split_once('/').map_or((name, None), |(source, list)| (source, Some(list)));
    if source == "statutory" || places.fetched.iter().any(|fetched| fetched == name) {
        return Err(DifferenceError::Statutory);
    }
    let (own, previous) = (places.imported.join(source), places.imported.join(format!("{source}{PREVIOUS}")));
    if !source::is_word(source) || !own.exists() {
        return Err(DifferenceError::NotImported(name.to_owned()));
    }
    if !previous.exists() {
        return Err(DifferenceError::NoPrevious(source.to_owned()));
    }
    let (before, after) = (lists_of(&previous)?, lists_of(&own)?);
    let mut names: Vec<&str> = before.iter().chain(&after).map(|list| &*list.head.id).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|id| list.is_none_or(|list| id.strip_prefix(source) == Some(&format!("/{list}"))));
    if names.is_empty() {
        return Err(DifferenceError::NotImported(name.to_owned()));
    }
    let entries = |lists: &[Ingredient], id: &str| {
        let list = lists.iter().find(|list| &*list.head.id == id);
        list.map(listed).unwrap_or_default()
    };
    Ok(names.iter().map(|id| compared(id, &entries(&before, id), &entries(&after, id), showing)).collect())
}

/// Compares two files, each in whatever format it is.
///
/// # Errors
/// [`DifferenceError`]
pub fn between(
    places: &Places,
    (old, new): (&Path, &Path),
    showing: &Showing,
) -> Result<ListDifference, DifferenceError> {
    let read = |path: &Path| {
        if is_statutory(places, path) {
            return Err(DifferenceError::Statutory);
        }
        let name = path.display().to_string();
        let bytes = reading::bytes(path).map_err(one)?;
        let (format, _) = parse::detect(&name, &bytes).map_err(|why| one(reading::not_a_list(path, why)))?;
        let mut entries = Vec::new();
        take(&Form::of(format), Reading::Block, &bytes, &mut entries);
        Ok(sorted(entries))
    };
    let (before, after) = (read(old)?, read(new)?);
    Ok(compared(&new.display().to_string(), &before, &after, showing))
}

impl From<Faults> for DifferenceError {
    fn from(faults: Faults) -> DifferenceError {
        DifferenceError::Faults(faults)
    }
}

fn one(fault: Fault) -> DifferenceError {
    let mut faults = Faults::new();
    faults.push(fault);
    faults.into()
}

/// Whether a file lies where statutory lists do.
fn is_statutory(places: &Places, path: &Path) -> bool {
    let whole = |path: &Path| -> Option<PathBuf> { std::fs::canonicalize(path).ok() };
    let slots = [&places.statutory, &places.kept].map(|slot| whole(slot));
    whole(path).is_some_and(|path| slots.into_iter().flatten().any(|slot| path.starts_with(slot)))
}

fn lists_of(folder: &Path) -> Result<Vec<Ingredient>, DifferenceError> {
    let source = source::note(folder).map_err(one)?;
    let lists = source.lists.iter().map(|(name, held)| source::list(folder, &source, name, held));
    lists.collect::<Result<_, _>>().map_err(one)
}

fn listed(list: &Ingredient) -> Vec<Box<str>> {
    let mut entries = Vec::new();
    for file in &list.files {
        take(&file.form, list.head.reading, &file.bytes, &mut entries);
    }
    sorted(entries)
}

/// The entries of a file, without the `www` twins that names bring.
fn take(form: &Form, reading: Reading, bytes: &[u8], entries: &mut Vec<Box<str>>) {
    let mut last: Option<Item> = None;
    let mut keep = |item: Item| {
        if let Some(before) = last.take().filter(|before| !is_twin(before, &item)) {
            entries.push(text(&before));
        }
        last = Some(item);
    };
    parse::read_each(&form.options(reading), form.format, bytes, &mut keep);
    entries.extend(last.as_ref().map(text));
}

fn is_twin(twin: &Item, item: &Item) -> bool {
    match (&twin.entry, &item.entry) {
        (Entry::Host { host: bare, scope: Scope::Exact }, Entry::Host { host, .. }) => {
            let (bare, host) = (bare.as_str(), host.as_str());
            let is_www = |one: &str, other: &str| one.strip_prefix("www.") == Some(other);
            twin.line == item.line && (is_www(host, bare) || is_www(bare, host))
        }
        _ => false,
    }
}

fn text(item: &Item) -> Box<str> {
    let mark = if item.effect.excepts() { "@@" } else { "" };
    format!("{mark}{}", item.entry).into()
}

fn sorted(mut entries: Vec<Box<str>>) -> Vec<Box<str>> {
    entries.sort_unstable();
    entries.dedup();
    entries
}

/// One walk over both, side by side.
fn compared(list: &str, before: &[Box<str>], after: &[Box<str>], showing: &Showing) -> ListDifference {
    let (mut added, mut removed) = (Vec::new(), Vec::new());
    let (mut old, mut new) =
        (before.iter().map(|entry| &**entry).peekable(), after.iter().map(|entry| &**entry).peekable());
    loop {
        match (old.peek(), new.peek()) {
            (None, None) => break,
            (Some(_), None) => removed.extend(old.next()),
            (None, Some(_)) => added.extend(new.next()),
            (Some(was), Some(is)) => match was.cmp(is) {
                std::cmp::Ordering::Less => removed.extend(old.next()),
                std::cmp::Ordering::Greater => added.extend(new.next()),
                std::cmp::Ordering::Equal => {
                    old.next();
                    new.next();
                }
            },
        }
    }
    let (added, removed) = (showing.side(&added), showing.side(&removed));
    ListDifference { list: list.to_owned(), before: before.len(), after: after.len(), added, removed }
}

impl Showing {
    fn side(&self, entries: &[&str]) -> Side {
        let mut order: Vec<(u64, usize, &str)> =
            entries.iter().map(|entry| (self.rank(entry).unwrap_or(u64::MAX), entry.len(), *entry)).collect();
        order.sort_unstable();
        let shown = order.iter().take(self.limit).map(|(rank, _, entry)| Differing {
            rank: (*rank != u64::MAX).then_some(*rank),
            entry: (*entry).to_owned(),
        });
        Side { count: entries.len(), entries: shown.collect() }
    }

    fn rank(&self, entry: &str) -> Option<u64> {
        let name = entry.trim_start_matches("@@").trim_start_matches("*.").trim_start_matches('=');
        self.ranks.rank(name.split(['/', '?']).next().unwrap_or_default())
    }
}
