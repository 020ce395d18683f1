//! A list from outside, taken in: read, reckoned up, and put in its place whole or not at all.
//!
//! **Invariant:** nothing of an import is seen by [`super::load`] before all of it is on disk; an
//! import that is cut off, refused or only tried leaves what was there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::control::lists::source::{self, Source};
use crate::control::lists::{Places, Progress, ProtectedHit, shrink};
use crate::document::Faults;
use crate::lists::archive::ArchiveFault;
use crate::lists::e2guardian::IncludeFault;
use crate::lists::{Format, ListFormat, NotAList, Reading, Rejected, Scoping, Suffixes};
use crate::model::{Timestamp, counted};

mod material;
mod place;
mod reckon;
mod sort;

/// How an import is to be done.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// The list that a single file becomes: `local/CATEGORY`.
    pub category: Option<String>,
    /// How the file is written, where that should not be guessed.
    pub format: Option<ListFormat>,
    /// What a single file is meant for.
    pub reading: Reading,
    /// What names cover that their lines mark in no way.
    pub scoping: Scoping,
    /// Whether public suffixes are taken.
    pub suffixes: Suffixes,
    /// What the source is called, where its own name will not do.
    pub name: Option<String>,
    /// Licence and attribution of a single file, if known.
    pub licence: String,
    /// Whether anything is written.
    pub effect: Effect,
    /// The lists that may shrink as they like.
    pub accept_shrink: BTreeSet<String>,
    /// Protected names that a new version may block all the same.
    pub accept_protected: BTreeSet<String>,
    /// How many of a file's lines may be no entries, in percent.
    pub max_rejected_percent: u8,
    /// The lists that the policy's categories are made of, where the policy can be read.
    pub used: Option<BTreeSet<String>>,
    /// What time it is.
    pub now: Timestamp,
}

/// The share of lines that may be no entries, in percent: more, and the file is hardly a list of
/// this format.
pub const MAX_REJECTED_PERCENT: u8 = 50;

/// Whether an import writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It does.
    Write,
    /// It only says what it would do.
    DryRun,
}

/// What became of an import.
#[derive(Clone, Debug)]
pub struct Report {
    /// The source's name: `ut1`.
    pub source: String,
    /// Its version: the day in a list's head, else of the file.
    pub version: String,
    /// Its licence, if known.
    pub licence: String,
    /// Where it was put; `None` after a dry run.
    pub written_to: Option<PathBuf>,
    /// A row for every file.
    pub files: Vec<FileRow>,
    /// Second names of lists, with the list that each leads to; they are not lists of their own.
    pub aliases: Vec<(String, String)>,
    /// What a person should know of files that are no lists, and of changes that changed nothing.
    pub notes: Vec<String>,
    /// The lists of it that no category of the policy uses.
    pub unused: Vec<String>,
    /// Entries that would block a protected name.
    pub protected: Vec<ProtectedHit>,
}

/// What became of one file.
#[derive(Clone, Debug)]
pub struct FileRow {
    /// The list: `ut1/games`.
    pub list: String,
    /// The file in it: `domains`.
    pub file: String,
    /// How it is written.
    pub format: Format,
    /// How that is known.
    pub why: &'static str,
    /// Lines that are neither blank nor a comment.
    pub read: usize,
    /// Entries that came of them.
    pub kept: usize,
    /// Of those, how many take off the list what they cover.
    pub exceptions: usize,
    /// Lines taken after a repair.
    pub repaired: usize,
    /// Entries that say nothing new: there before, or within a wider one of the same file.
    pub merged: usize,
    /// Lines that mean nothing at a gateway.
    pub skipped: usize,
    /// Lines not taken.
    pub rejected: usize,
    /// Lines that would cover far too much.
    pub dangerous: usize,
    /// The first lines not taken.
    pub first_rejected: Vec<Rejected>,
    /// The first lines that mean nothing here.
    pub first_skipped: Vec<Rejected>,
}

/// A list that would lose more than it may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shrunk {
    /// The list: `ut1/games`.
    pub list: String,
    /// How many entries it has.
    pub before: usize,
    /// How many it would have.
    pub now: usize,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file or folder can't be read.
    #[error("{} can't be read: {fault}", path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        fault: std::io::Error,
    },
    /// A folder of the lists can't be written.
    #[error("{} can't be written: {fault}", path.display())]
    Unwritable {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        fault: std::io::Error,
    },
    /// The archive is damaged, or not to be trusted.
    #[error(transparent)]
    Archive(#[from] ArchiveFault),
    /// A file of it is no list.
    #[error("{file}: {why}")]
    NotAList {
        /// The file.
        file: String,
        /// What it is.
        why: NotAList,
    },
    /// A tree is expected, and this is one file.
    #[error("{0} is a single file: a folder or an archive of lists is needed for this format")]
    NoTree(String),
    /// Two files of a folder would become one list.
    #[error("two files would become the list {0:?}: rename one")]
    Twice(String),
    /// Included files that are not there.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Includes(Vec<IncludeFault>),
    /// Nothing in it could be used.
    #[error("{0} holds no entry that can be used")]
    NoEntry(String),
    /// A single file, and nothing to say what it lists.
    #[error("say what the file lists: --category NAME")]
    NoCategory,
    /// A category was named for a whole tree, which has its own.
    #[error("a folder or an archive has its own categories: leave --category and --format out")]
    OwnCategories,
    /// A name that can't be a folder, or is taken.
    #[error(
        "{0:?} can't be the name of a source or a list: letters, digits, - and _; not seed, school, statutory"
    )]
    Name(String),
    /// Lists would lose more than they may.
    #[error("{}", shrunk(.0))]
    Shrunk(Vec<Shrunk>),
    /// A new version would newly block protected names.
    #[error("{}", newly_blocked(.0))]
    Protected(Vec<ProtectedHit>),
    /// The lists of protected names have faults.
    #[error("{0}")]
    ProtectedNames(Faults),
    /// Most lines of a file are no entries.
    #[error(
        "{list}/{file}: {rejected} of {read} lines can't be used; is it {format}? Name the format (--format), \
         or add --max-rejected 100"
    )]
    Rejected {
        /// The list.
        list: String,
        /// The file in it.
        file: String,
        /// What it was read as.
        format: Format,
        /// Lines not taken.
        rejected: usize,
        /// Lines read.
        read: usize,
    },
    /// What was imported before is damaged, so that the file can't be added to it.
    #[error("what was imported before is damaged: {0}")]
    Before(String),
    /// Another import is at work.
    #[error("another import is at work")]
    Busy,
}

/// Imports a UT1 tree (a folder or a `.tar.gz`) or a single list.
///
/// # Errors
/// [`ImportError`]; nothing was changed then.
pub fn import(
    path: &Path,
    options: &ImportOptions,
    places: &Places,
    key: [u8; 16],
    progress: &Progress<'_>,
) -> Result<Report, ImportError> {
    let read = material::read(path, options)?;
    let material = sort::sort(&read, path, options)?;
    let reckoned = reckon::reckon(&material, places, key, progress)?;
    let _lock = match options.effect {
        Effect::Write => Some(place::lock(&places.imported)?),
        Effect::DryRun => None,
    };
    usable(&reckoned.files, options.max_rejected_percent)?;
    let before = before(places, &material)?;
    let shrank = guard(lost(&material, &reckoned, before.as_ref(), places), options)?;
    spares_protected(&material, &reckoned, before.as_ref(), options)?;
    let written_to = match options.effect {
        Effect::DryRun => None,
        Effect::Write => {
            Some(place::put(&places.imported, &material, &reckoned, before.as_ref(), options.now)?)
        }
    };
    let ids = || material.lists.keys().map(|name| format!("{}/{name}", material.source));
    Ok(Report {
        written_to,
        unused: options
            .used
            .as_ref()
            .map(|used| ids().filter(|id| !used.contains(id)).collect())
            .unwrap_or_default(),
        source: material.source.clone(),
        version: material.version.clone(),
        licence: material.licence.clone(),
        files: reckoned.files,
        aliases: material.aliases.clone(),
        notes: material.notes.iter().cloned().chain(shrank).collect(),
        protected: reckoned.protected,
    })
}

/// Refuses what is hardly a list.
fn usable(files: &[FileRow], max_rejected_percent: u8) -> Result<(), ImportError> {
    let hardly = |row: &&FileRow| row.rejected * 100 > row.read * usize::from(max_rejected_percent);
    let Some(row) = files.iter().find(hardly) else { return Ok(()) };
    Err(ImportError::Rejected {
        list: row.list.clone(),
        file: row.file.clone(),
        format: row.format,
        rejected: row.rejected,
        read: row.read,
    })
}

/// What is held of this source; a whole tree may replace what is damaged, a file is added to it.
fn before(places: &Places, material: &material::Material<'_>) -> Result<Option<Source>, ImportError> {
    let folder = source::folder(&places.imported, &material.source);
    if !folder.exists() {
        return Ok(None);
    }
    match (source::note(&folder), material.others) {
        (Ok(note), _) => Ok(Some(note)),
        (Err(_), material::Others::Replaced) => Ok(None),
        (Err(fault), material::Others::Kept) => Err(ImportError::Before(fault.problem)),
    }
}

/// The lists that lose more than a guarded one may.
fn lost(
    material: &material::Material<'_>,
    reckoned: &reckon::Reckoned,
    before: Option<&Source>,
    places: &Places,
) -> Vec<Shrunk> {
    let mut now: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &reckoned.files {
        *now.entry(row.list.as_str()).or_default() += row.kept;
    }
    let mut lost = Vec::new();
    for (name, held) in before.iter().flat_map(|source| &source.lists) {
        let list = format!("{}/{name}", material.source);
        let (was, is) = (held.entries(), now.get(list.as_str()).copied());
        let is = match (is, material.others) {
            (None, material::Others::Kept) => was,
            (is, material::Others::Kept | material::Others::Replaced) => is.unwrap_or(0),
        };
        if !shrink::keeps_enough(was, is, places.max_shrink_percent) || (is == 0 && was > 0) {
            lost.push(Shrunk { list, before: was, now: is });
        }
    }
    lost
}

/// Refuses when a list would lose more than it may; what a short one loses is noted.
fn guard(lost: Vec<Shrunk>, options: &ImportOptions) -> Result<Vec<String>, ImportError> {
    let is_guarded = |list: &Shrunk| list.before >= shrink::GUARDED_FROM || list.now == 0;
    let (guarded, short): (Vec<Shrunk>, Vec<Shrunk>) = lost.into_iter().partition(is_guarded);
    let refused: Vec<Shrunk> =
        guarded.into_iter().filter(|list| !options.accept_shrink.contains(&list.list)).collect();
    if !refused.is_empty() {
        return Err(ImportError::Shrunk(refused));
    }
    let note = |Shrunk { list, before, now }: Shrunk| {
        let from = shrink::GUARDED_FROM;
        format!("{list} shrank from {before} to {now} entries: only lists of {from} and more are guarded")
    };
    Ok(short.into_iter().map(note).collect())
}

/// Refuses a new version that blocks a protected name which the version before did not. What the
/// first version of a list blocks is shown to whoever takes it in.
fn spares_protected(
    material: &material::Material<'_>,
    reckoned: &reckon::Reckoned,
    before: Option<&Source>,
    options: &ImportOptions,
) -> Result<(), ImportError> {
    let held = |hit: &ProtectedHit| {
        let name = hit.list.strip_prefix(&material.source)?.strip_prefix('/')?;
        before?.lists.get(name)
    };
    let is_new = |hit: &&ProtectedHit| {
        held(hit).is_some_and(|list| !list.protected.contains(&hit.name))
            && !options.accept_protected.contains(&hit.name)
    };
    let hits: Vec<ProtectedHit> = reckoned.protected.iter().filter(is_new).cloned().collect();
    if hits.is_empty() { Ok(()) } else { Err(ImportError::Protected(hits)) }
}

fn newly_blocked(hits: &[ProtectedHit]) -> String {
    let each = |hit: &ProtectedHit| {
        format!("{} by {} ({}/{}:{})", hit.name, hit.entry, hit.list, hit.file, hit.line)
    };
    let names: BTreeSet<&str> = hits.iter().map(|hit| &*hit.name).collect();
    format!(
        "the new version would block protected names: {}; if that is meant, add{}",
        hits.iter().map(each).collect::<Vec<_>>().join(", "),
        names.iter().map(|name| format!(" --accept-protected {name}")).collect::<String>()
    )
}

fn shrunk(lists: &[Shrunk]) -> String {
    let each =
        |list: &Shrunk| format!("{} from {} to {}", list.list, list.before, counted(list.now, "entry"));
    let accept = |list: &Shrunk| format!(" --accept-shrink {}", list.list);
    format!(
        "lists would shrink more than they may: {}; if that is meant, add{}",
        lists.iter().map(each).collect::<Vec<_>>().join(", "),
        lists.iter().map(accept).collect::<String>()
    )
}
