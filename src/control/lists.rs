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
    Catalogue, Format, Index, IndexBuilder, Item, Origin, ReadOptions, Reading, Statutory, parse,
};
use crate::model::{Name, Timestamp};

mod accepted;
mod compiled;
mod held;
mod import;
mod ingredients;
mod lookup;
mod protected;
mod reading;
mod shrink;
mod source;
mod status;
mod technician;

pub use accepted::{accept_sizes, keys_in_force, sizes_in_force, statutory_sizes};
pub use compiled::{Kept, Made};
pub(super) use held::{Read as StatutoryRead, standing_now, take_fetched};
pub use held::{Standing, is_in_slot};
pub use import::{Effect, FileRow, ImportError, ImportOptions, MAX_REJECTED_PERCENT, Report, Shrunk, import};
use ingredients::Ingredient;
pub use lookup::{Covered, Lookup, lookup};
pub use protected::{Protected, ProtectedHit, ProtectedKind, ProtectedName};
pub(super) use status::taken;
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
    /// The slot: statutory lists as files.
    pub statutory: PathBuf,
    /// What the category lists are compiled to.
    pub compiled: Kept,
    /// The last good form of each statutory list, hashed.
    pub kept: PathBuf,
    /// The statutory lists that come from sources.
    pub fetched: Vec<String>,
    /// The school's own domains, which no new version of a list may newly block.
    pub own: Vec<Name>,
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
    /// How each of those lists stands.
    pub standing: Vec<Standing>,
    /// What a person should know of the last good forms.
    pub told: Vec<String>,
    /// Statutory lists that a person has let go.
    pub(super) retired: Vec<String>,
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

/// Keeps the last good form of the statutory lists that have come in force, and no longer that of
/// lists that were let go; says how each stands.
pub(super) fn keep(
    places: &Places,
    keys: &Keys,
    (standing, retired): (&[Standing], &[String]),
    now: Timestamp,
) -> Vec<Standing> {
    let mut standing = standing.to_vec();
    held::keep((places, keys), &mut standing, retired, now);
    standing
}

/// Reads the statutory lists alone.
pub(super) fn read_statutory(places: &Places, keys: &Keys, sizes: &Sizes) -> Result<StatutoryRead, Faults> {
    let mut faults = Faults::new();
    let names = held::names(places, &mut faults);
    let read = held::read(&names, (places, keys, sizes), &|_| {}, &mut faults);
    let before: Sizes =
        sizes.iter().filter(|(id, _)| id.starts_with("statutory/")).map(|(id, n)| (id.clone(), *n)).collect();
    if faults.is_empty() {
        faults.extend(shrink::faults(places, &before, &read.sizes()));
    }
    faults.or(read)
}

/// Reads every list.
///
/// # Errors
/// Every fault found: the file, the line, what is wrong, what to do.
pub fn load(places: &Places, keys: &Keys, sizes: &Sizes, progress: &Progress<'_>) -> Result<Loaded, Faults> {
    let mut faults = Faults::new();
    let categories = technician::categories(&places.lists, &mut faults);
    let sources = source::sources(&places.imported, &mut faults);
    let statutory = held::names(places, &mut faults);
    let imported = sources.iter().map(|(_, source)| source.lists.len()).sum::<usize>();
    let steps = Steps::new(categories.len() + imported + statutory.len() + 2, progress);

    let catalogue = gathered(&categories, &sources, &mut faults)
        .and_then(|lists| ingredients::catalogue(&lists, &places.compiled, &steps, &mut faults));
    let done = |id: &str| steps.done(id);
    let statutory = held::read(&statutory, (places, keys, sizes), &done, &mut faults);
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
        statutory: Arc::new(statutory.statutory),
        held: statutory.held,
        standing: statutory.standing,
        told: statutory.told,
        retired: statutory.retired,
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
    parse::read(&ReadOptions::of(Reading::Allow), Format::Domains, LIFELINE).items
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

#[cfg(test)]
mod tests;
