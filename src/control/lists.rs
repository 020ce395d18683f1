//! The lists on disk: found, checked, read, imported.
//!
//! **Invariant:** a list that is missing, damaged, emptied or shrunk past the limit is a fault;
//! nothing is then put in force, and what was in force stays (invariant 3).

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::content::Terms;
use crate::document::Faults;
use crate::lists::{
    Catalogue, Format, Index, IndexBuilder, Item, Origin, ReadOptions, Reading, Statutory, parse,
};
use crate::model::{Name, Timestamp};

mod accepted;
mod compiled;
mod difference;
mod exempt;
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
mod terms;
mod told;

pub use accepted::{accept_sizes, keys_in_force, sizes_in_force, statutory_sizes};
pub use compiled::{Kept, Made};
pub use difference::{DifferenceError, Differing, ListDifference, Showing, Side, between, since_previous};
pub use exempt::Exempt;
pub(super) use held::{Read as StatutoryRead, standing_now, take_fetched};
pub use held::{Standing, is_in_slot};
pub use import::{Effect, FileRow, ImportError, ImportOptions, MAX_REJECTED_PERCENT, Report, Shrunk, import};
use ingredients::Ingredient;
pub use lookup::{Covered, Lookup, lookup};
pub use overblocking::{BlockedSite, Overblocked, Sites, matrix, overblocking, unknown_groups};
pub use protected::{Protected, ProtectedHit, ProtectedKind, ProtectedName};
pub use ranked::{Listing, MustOpen, RankedSite, Ranks, must_open, ranked};
pub(super) use status::taken;
pub use status::{Kind, Status, status};
pub(super) use technician::school_in_force;
pub use told::Imported;

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
    /// The hosts that are not decrypted.
    pub exempt: Exempt,
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

/// The school's lists as they last were in force, for a start at which something can't be read;
/// the categories' are in the compiled file.
pub(super) struct LastGood {
    pub(super) allow: String,
    pub(super) block: String,
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
    /// What is as it last was in force, because what there is now is faulty.
    pub stood_in: Vec<String>,
    /// Statutory lists that a person has let go.
    pub(super) retired: Vec<String>,
    /// The help lines.
    pub lifeline: Arc<Index>,
    /// The hosts that are not decrypted.
    pub no_inspect: Arc<Index>,
    /// The terms that searches are looked through for.
    pub terms: Arc<Terms>,
    /// The text of `school/allow.txt`.
    pub allow_text: String,
    /// The text of `school/block.txt`.
    pub block_text: String,
}

impl Loaded {
    /// Whether a list of that id is held: `ut1/games`, `terms/self-harm`.
    #[must_use]
    pub fn holds(&self, id: &str) -> bool {
        match id.strip_prefix("terms/") {
            Some(name) => self.terms.holds(name),
            None => self.catalogue.list(id).is_some(),
        }
    }

    /// How many entries each list has.
    #[must_use]
    pub fn sizes(&self) -> Sizes {
        let categories = self.catalogue.lists().iter().map(|list| (list.id.to_string(), list.entries));
        let statutory =
            self.statutory.lists().iter().map(|list| (format!("statutory/{}", list.name), list.entries));
        categories.chain(statutory).chain(terms::sizes(&self.terms)).collect()
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
    if faults.is_empty() {
        faults.extend(shrink::faults(places, &of_kind(sizes, Kind::Statutory), &read.sizes()));
    }
    faults.or(read)
}

/// Reads every list.
///
/// # Errors
/// Every fault found: the file, the line, what is wrong, what to do.
pub fn load(places: &Places, keys: &Keys, sizes: &Sizes, progress: &Progress<'_>) -> Result<Loaded, Faults> {
    load_or(places, keys, sizes, None, progress)
}

/// As [`load`], but what can't be read is as it was when it last was in force, and told.
pub(super) fn load_or(
    places: &Places,
    keys: &Keys,
    sizes: &Sizes,
    last: Option<&LastGood>,
    progress: &Progress<'_>,
) -> Result<Loaded, Faults> {
    let (mut faults, mut stood_in) = (Faults::new(), Vec::new());
    let mut own = Faults::new();
    let categories = technician::categories(&places.lists, &mut own);
    let sources = source::sources(&places.imported, &mut own);
    let names = held::names(places, &mut faults);
    let imported = sources.iter().map(|(_, source)| source.lists.len()).sum::<usize>();
    let steps = Steps::new(categories.len() + imported + names.len() + 2, progress);

    let lists = gathered(&categories, &sources, &mut own);
    let catalogue = lists.and_then(|lists| catalogue(places, sizes, &lists, &steps, &mut own));
    let kept = last.and_then(|_| places.compiled.last().ok());
    let catalogue = or_last(catalogue, kept, own, &mut stood_in, &mut faults);
    let statutory = held::read(&names, (places, keys, sizes), &|id| steps.done(id), &mut faults);
    let mut school = |file: &str, reading, last: Option<&String>| {
        let mut own = Faults::new();
        let read = technician::school(&places.lists.join("school").join(file), reading, keys.index, &mut own);
        steps.done(&format!("school/{file}"));
        match last.filter(|_| !own.is_empty()) {
            Some(text) => {
                stood_in.extend(instead(&own));
                Some(technician::school_as_it_was(reading, keys.index, text))
            }
            None => {
                faults.extend(own);
                read
            }
        }
    };
    let allow = school("allow.txt", Reading::Allow, last.map(|last| &last.allow));
    let block = school("block.txt", Reading::Block, last.map(|last| &last.block));
    let (Some(allow), Some(block), Some((catalogue, made))) = (allow, block, catalogue) else {
        return Err(faults);
    };
    if faults.is_empty() {
        faults.extend(shrink::faults(places, &of_kind(sizes, Kind::Statutory), &statutory.sizes()));
    }
    let terms = terms::load(places, sizes, last, &mut stood_in, &mut faults);
    let no_inspect = exempt::read(&places.exempt, keys.index, &mut faults);
    faults.or(Loaded {
        catalogue: Arc::new(catalogue),
        made,
        school_allow: allow.catalogue,
        school_block: block.catalogue,
        statutory: Arc::new(statutory.statutory),
        held: statutory.held,
        standing: statutory.standing,
        told: statutory.told,
        stood_in,
        retired: statutory.retired,
        lifeline: Arc::new(lifeline(keys.index)),
        no_inspect: Arc::new(no_inspect),
        terms: Arc::new(terms),
        allow_text: allow.text,
        block_text: block.text,
    })
}

/// The category lists; kept compiled only where nothing is wrong with any of them.
fn catalogue(
    places: &Places,
    sizes: &Sizes,
    lists: &[Ingredient],
    steps: &Steps<'_>,
    own: &mut Faults,
) -> Option<(Catalogue, Made)> {
    let (catalogue, made) = ingredients::catalogue(lists, &places.compiled, steps, own)?;
    // A list that can't be read was not emptied: its own fault says what it is.
    if own.is_empty() {
        let now = catalogue.lists().iter().map(|list| (list.id.to_string(), list.entries)).collect();
        own.extend(shrink::faults(places, &of_kind(sizes, Kind::Category), &now));
    }
    match made {
        Made::Built if own.is_empty() => Some(places.compiled.keep(catalogue)),
        Made::Built => Some((catalogue, Made::InMemory(None))),
        Made::Mapped | Made::InMemory(_) | Made::LastGood => Some((catalogue, made)),
    }
}

/// The category lists as they were read, or as they last were where they have faults.
fn or_last(
    read: Option<(Catalogue, Made)>,
    kept: Option<Catalogue>,
    own: Faults,
    stood_in: &mut Vec<String>,
    faults: &mut Faults,
) -> Option<(Catalogue, Made)> {
    match kept.filter(|_| !own.is_empty()) {
        Some(kept) => {
            stood_in.extend(instead(&own));
            Some((kept, Made::LastGood))
        }
        None => {
            faults.extend(own);
            read
        }
    }
}

/// The sizes of the statutory lists, of the term lists, or of the others.
fn of_kind(sizes: &Sizes, kind: Kind) -> Sizes {
    let of = |id: &str| match id.split_once('/') {
        Some(("statutory", _)) => Kind::Statutory,
        Some(("terms", _)) => Kind::Terms,
        Some(_) | None => Kind::Category,
    };
    let wanted = |id: &str| of(id) == kind;
    sizes.iter().filter(|(id, _)| wanted(id)).map(|(id, entries)| (id.clone(), *entries)).collect()
}

/// What a person should know of a part that is as it was.
pub(super) fn instead(own: &Faults) -> Vec<String> {
    told(own, "what was in force last is in force")
}

fn told(own: &Faults, instead: &str) -> Vec<String> {
    let told = |fault: &crate::document::Fault| {
        let place = match fault.line {
            0 => fault.file.clone(),
            line => format!("{}:{line}", fault.file),
        };
        format!("{place}: {}; {instead}", fault.problem)
    };
    own.iter().take(20).map(told).collect()
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
