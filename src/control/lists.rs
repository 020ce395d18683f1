//! The lists on disk: found, checked, read, imported.
//!
//! **Invariant:** a list that is missing, damaged, emptied or shrunk past the limit is a fault;
//! nothing is then put in force, and what was in force stays (invariant 3).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::document::Faults;
use crate::lists::{Catalogue, Index, Statutory};

/// The folders of the lists.
#[derive(Clone, Debug)]
pub struct Places {
    /// The technician's: `categories/`, `school/`.
    pub lists: PathBuf,
    /// What was imported, one folder a source.
    pub imported: PathBuf,
    /// Statutory lists.
    pub statutory: PathBuf,
    /// By how much a list may shrink at once, in percent.
    pub max_shrink_percent: u8,
}

/// This gateway's keys for its indexes.
#[derive(Clone)]
pub struct Keys {
    /// For host and URL indexes.
    pub index: [u8; 16],
    /// For statutory entries.
    pub statutory: [u8; 32],
}

/// How many entries each list had when it was last in force.
pub type Sizes = BTreeMap<String, usize>;

/// Told of every list that is read: its id, and how many of how many are done.
pub type Progress<'p> = dyn Fn(&str, usize, usize) + Send + Sync + 'p;

/// What statutory lists are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// At least one that is not the synthetic test list.
    Licensed,
    /// Only the synthetic test list, which does not count.
    SyntheticOnly,
    /// None.
    Nothing,
}

/// All lists, read and sound.
#[derive(Clone)]
pub struct Loaded {
    /// The category lists.
    pub catalogue: Arc<Catalogue>,
    /// The school's allow list.
    pub school_allow: Arc<Catalogue>,
    /// The school's block list.
    pub school_block: Arc<Catalogue>,
    /// The statutory lists.
    pub statutory: Arc<Statutory>,
    /// Whether those count.
    pub held: Held,
    /// The help lines.
    pub lifeline: Arc<Index>,
    /// The text of `school/allow.txt`.
    pub allow_text: String,
    /// The text of `school/block.txt`.
    pub block_text: String,
}

impl Loaded {
    /// How many entries each list has.
    #[must_use]
    pub fn sizes(&self) -> Sizes {
        let categories = self.catalogue.lists().iter().map(|list| (list.id.to_string(), list.entries));
        let statutory =
            self.statutory.lists().iter().map(|list| (format!("statutory/{}", list.name), list.entries));
        categories.chain(statutory).collect()
    }
}

/// Reads every list.
///
/// # Errors
/// Every fault found: the file, the line, what is wrong, what to do.
pub fn load(places: &Places, keys: &Keys, sizes: &Sizes, progress: &Progress<'_>) -> Result<Loaded, Faults> {
    let _ = (places, keys, sizes, progress);
    Err(Faults::new())
}
