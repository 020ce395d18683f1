//! Which rows of a table name a host: `name`, `*.name`, and `name.<set>` for each suffix of a set.
//!
//! **Invariant:** a host is named at label boundaries only: `google.evil.example` and
//! `notgoogle.com` are nobody's.

use std::collections::{BTreeMap, HashMap};

use crate::model::Host;

/// Names and the rows that hold them.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    exact: HashMap<Box<str>, Vec<usize>>,
    below: HashMap<Box<str>, Vec<usize>>,
}

impl Hosts {
    /// Adds a row's pattern.
    ///
    /// # Errors
    /// The set of suffixes that the pattern names and nobody has written.
    pub(super) fn add(
        &mut self,
        pattern: &str,
        suffixes: &BTreeMap<String, Vec<String>>,
        row: usize,
    ) -> Result<(), String> {
        let (stem, set) = match pattern.strip_suffix('>').and_then(|pattern| pattern.split_once('<')) {
            Some((stem, set)) => (stem, Some(set)),
            None => (pattern, None),
        };
        let Some(set) = set else {
            self.put(stem.to_owned(), row);
            return Ok(());
        };
        let set = suffixes.get(set).ok_or_else(|| format!("there is no set of suffixes “{set}”"))?;
        for suffix in set {
            self.put(format!("{stem}{suffix}"), row);
        }
        Ok(())
    }

    fn put(&mut self, name: String, row: usize) {
        let rows = match name.strip_prefix("*.") {
            Some(parent) => self.below.entry(parent.into()).or_default(),
            None => self.exact.entry(name.into()).or_default(),
        };
        rows.push(row);
    }

    /// The rows that name the host, in the order of the table.
    pub(super) fn rows(&self, host: &Host) -> Vec<usize> {
        let Some(name) = host.name() else { return Vec::new() };
        let exact = self.exact.get(name.as_str());
        let below = name.suffixes().skip(1).filter_map(|parent| self.below.get(parent));
        let mut rows: Vec<usize> = exact.into_iter().chain(below).flatten().copied().collect();
        rows.sort_unstable();
        rows.dedup();
        rows
    }

    /// Whether any row names the host.
    pub(super) fn holds(&self, host: &Host) -> bool {
        host.name().is_some_and(|name| {
            self.exact.contains_key(name.as_str())
                || name.suffixes().skip(1).any(|parent| self.below.contains_key(parent))
        })
    }

    #[cfg(test)]
    pub(super) fn exact(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.exact.iter().map(|(name, rows)| (&**name, &**rows))
    }
}
