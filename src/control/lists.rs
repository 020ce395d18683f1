//! The lists on disk: found, checked, read, imported.
//!
//! **Invariant:** a list that is missing, damaged, emptied or shrunk past the limit is a fault;
//! nothing is then put in force, and what was in force stays (invariant 3).

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::document::Faults;
use crate::lists::{
    Catalogue, Format, Index, IndexBuilder, Item, Origin, Reading, Statutory, StatutoryBuilder, parse,
};

mod accepted;
mod compiled;
mod difference;
mod held;
mod import;
mod ingredients;
mod lookup;
mod overblocking;
mod protected;
mod ranked;
mod reading;
mod shrink;
mod source;
mod status;
mod technician;

pub use accepted::{accept_sizes, sizes_in_force};
pub use compiled::{Kept, Made};
pub use difference::{DifferenceError, Differing, ListDifference, Showing, Side, between, since_previous};
pub use import::{
    Effect, FileRow, HelpLine, ImportError, ImportFormat, ImportOptions, Report, Shrunk, import,
};
use ingredients::Ingredient;
pub use lookup::{Covered, Lookup, lookup};
pub use overblocking::{BlockedSite, Overblocked, Sites, matrix, overblocking, unknown_groups};
pub use protected::{Protected, ProtectedHit, ProtectedKind, ProtectedName};
pub use ranked::{Listing, MustOpen, RankedSite, Ranks, must_open, ranked};
pub use status::{Kind, Status, status};
pub(super) use technician::school_in_force;

/// The help lines' text.
const LIFELINE: &[u8] = include_bytes!("../../blocklists/lifeline/uk.txt");

/// The folders of the lists.
#[derive(Clone, Debug)]
pub struct Places {
    /// The technician's: `categories/`, `school/`.
    pub lists: PathBuf,
    /// What was imported, one folder a source.
    pub imported: PathBuf,
    /// Statutory lists.
    pub statutory: PathBuf,
    /// What the category lists are compiled to.
    pub compiled: Kept,
    /// By how much a list may shrink at once, in percent.
    pub max_shrink_percent: u8,
}

/// This gateway's keys for its indexes.
#[derive(Clone)]
pub struct Keys {
    /// For host and URL indexes that are not kept.
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
    /// Where they were taken from.
    pub made: Made,
    /// The school's allow list.
    pub school_allow: Arc<Catalogue>,
    /// The school's block list.
    pub school_block: Arc<Catalogue>,
    /// The statutory lists.
    pub statutory: Arc<Statutory>,
    /// Whether those count.
    pub held: Held,
    /// The names of those that don't.
    pub synthetic: Vec<String>,
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
    let mut faults = Faults::new();
    let categories = technician::categories(&places.lists, &mut faults);
    let sources = source::sources(&places.imported, &mut faults);
    let statutory = held::files(&places.statutory, &mut faults);
    let imported = sources.iter().map(|(_, source)| source.lists.len()).sum::<usize>();
    let steps = Steps::new(categories.len() + imported + statutory.len() + 2, progress);

    let catalogue = gathered(&categories, &sources, &mut faults)
        .and_then(|lists| ingredients::catalogue(&lists, &places.compiled, &steps, &mut faults));
    let (statutory, held, synthetic) = read_statutory(&statutory, keys, &steps, &mut faults);
    let school = places.lists.join("school");
    let allow = technician::school(&school.join("allow.txt"), Reading::Allow, keys.index, &mut faults);
    steps.done("school/allow");
    let block = technician::school(&school.join("block.txt"), Reading::Block, keys.index, &mut faults);
    steps.done("school/block");
    let (Some(allow), Some(block), Some((catalogue, made))) = (allow, block, catalogue) else {
        return Err(faults);
    };

    let loaded = Loaded {
        catalogue: Arc::new(catalogue),
        made,
        school_allow: allow.catalogue,
        school_block: block.catalogue,
        statutory: Arc::new(statutory),
        held,
        synthetic,
        lifeline: Arc::new(lifeline(keys.index)),
        allow_text: allow.text,
        block_text: block.text,
    };
    // A list that can't be read was not emptied: its own fault says what it is.
    if faults.is_empty() {
        faults.extend(shrink::faults(places, sizes, &loaded.sizes()));
    }
    faults.or(loaded)
}

/// Every category list as bytes, or the faults of those that can't be read.
fn gathered(
    categories: &[(String, PathBuf)],
    sources: &[(PathBuf, source::Source)],
    faults: &mut Faults,
) -> Option<Vec<Ingredient>> {
    let own = categories.iter().map(|(stem, path)| technician::category(stem, path));
    let imported = sources.iter().flat_map(|(folder, source)| {
        source.lists.iter().map(move |(name, held)| source::list(folder, source, name, held))
    });
    let mut lists = Vec::new();
    let mut whole = true;
    for list in own.chain(imported) {
        match list {
            Ok(list) => lists.push(list),
            Err(fault) => {
                whole = false;
                faults.push(fault);
            }
        }
    }
    whole.then_some(lists)
}

/// The help lines that are compiled into the program.
#[must_use]
pub fn lifeline(key: [u8; 16]) -> Index {
    let mut builder = IndexBuilder::new(key);
    let origin = builder.add_origin(Origin {
        list: "lifeline/uk".into(),
        version: reading::version(LIFELINE).into(),
        file: "lifeline/uk.txt".into(),
    });
    for item in lifeline_items() {
        builder.add(origin, item);
    }
    builder.build()
}

fn lifeline_items() -> Vec<Item> {
    parse::read_for(Reading::Allow, Format::Domains, LIFELINE).items
}

/// How far reading has come.
struct Steps<'p> {
    all: usize,
    done: Cell<usize>,
    progress: &'p Progress<'p>,
}

impl<'p> Steps<'p> {
    fn new(all: usize, progress: &'p Progress<'p>) -> Steps<'p> {
        Steps { all, done: Cell::new(0), progress }
    }

    fn done(&self, id: &str) {
        self.done.set(self.done.get() + 1);
        (self.progress)(id, self.done.get(), self.all);
    }
}

fn read_statutory(
    files: &[(String, PathBuf)],
    keys: &Keys,
    steps: &Steps<'_>,
    faults: &mut Faults,
) -> (Statutory, Held, Vec<String>) {
    let mut builder = StatutoryBuilder::new(keys.statutory);
    let (mut all, mut synthetic) = (Held::Nothing, Vec::new());
    for (name, path) in files {
        let held = held::read(&mut builder, name, path, faults);
        if held == Held::SyntheticOnly {
            synthetic.push(name.clone());
        }
        all = all.and(held);
        steps.done(&format!("statutory/{name}"));
    }
    (builder.build(), all, synthetic)
}

#[cfg(test)]
mod tests;
