//! What is to be imported, whatever it came in: a folder, an archive, a file.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Component, Path};

use crate::control::lists::import::{ImportError, ImportOptions};
use crate::control::lists::reading;
use crate::lists::archive::{self, Alias, ArchiveFault, ArchiveFile, Packing, Unpacked};
use crate::lists::{Form, ListFormat, Reading};

/// The bytes of it.
pub(super) enum Read {
    Tree(Unpacked),
    /// A single file: its name and its bytes.
    File(String, Vec<u8>),
}

/// What it holds, by list.
pub(super) struct Material<'a> {
    pub(super) source: String,
    pub(super) version: String,
    pub(super) licence: String,
    pub(super) lists: BTreeMap<String, Found<'a>>,
    pub(super) aliases: Vec<(String, String)>,
    /// What a person should know of files that are no lists, and of changes that changed nothing.
    pub(super) notes: Vec<String>,
    pub(super) others: Others,
}

/// One list.
pub(super) struct Found<'a> {
    pub(super) title: String,
    pub(super) reading: Reading,
    pub(super) files: Vec<FoundFile<'a>>,
}

/// One file of a list.
pub(super) struct FoundFile<'a> {
    /// What it is called where it is kept: `domains`.
    pub(super) name: String,
    pub(super) form: Form,
    /// How its format is known.
    pub(super) why: &'static str,
    pub(super) bytes: Cow<'a, [u8]>,
}

/// What becomes of the other lists of the source.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Others {
    /// They go: a tree is the whole of its source.
    Replaced,
    /// They stay: a file is one list of several.
    Kept,
}

/// Reads all of it into memory, within the bounds of an archive.
pub(super) fn read(path: &Path, options: &ImportOptions) -> Result<Read, ImportError> {
    let unreadable = |fault| ImportError::Unreadable { path: path.to_owned(), fault };
    let is_folder = fs::metadata(path).map_err(unreadable)?.is_dir();
    let read = if is_folder {
        Read::Tree(folder(path)?.inflated(archive::MAX_EXPANDED)?)
    } else {
        let bytes = reading::bytes(path).map_err(|fault| unreadable(std::io::Error::other(fault.problem)))?;
        unpacked(path, bytes)?
    };
    match (&read, options.format) {
        (Read::Tree(_), Some(ListFormat::File(_))) => Err(ImportError::OwnCategories),
        (Read::Tree(_), _) if options.category.is_some() => Err(ImportError::OwnCategories),
        (Read::File(..), Some(ListFormat::Ut1 | ListFormat::E2guardian)) => {
            Err(ImportError::NoTree(path.display().to_string()))
        }
        (Read::Tree(_) | Read::File(..), _) => Ok(read),
    }
}

/// A packed file is what is in it; one file alone is that file.
fn unpacked(path: &Path, bytes: Vec<u8>) -> Result<Read, ImportError> {
    let name = path.display().to_string();
    if Packing::of(&bytes).is_none() {
        return Ok(Read::File(name, bytes));
    }
    let mut tree = archive::open(&name, &bytes)?;
    let alone = tree.files.len() == 1 && tree.aliases.is_empty() && !tree.files[0].path.contains('/');
    match tree.files.pop() {
        Some(file) if alone => Ok(Read::File(file.path, file.bytes)),
        last => {
            tree.files.extend(last);
            Ok(Read::Tree(tree))
        }
    }
}

/// A folder as if it had been an archive.
fn folder(root: &Path) -> Result<Unpacked, ImportError> {
    let mut unpacked = Unpacked::default();
    let mut left = archive::MAX_EXPANDED;
    let mut waiting = vec![root.to_owned()];
    while let Some(folder) = waiting.pop() {
        let unreadable = |fault| ImportError::Unreadable { path: folder.clone(), fault };
        for entry in fs::read_dir(&folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(unreadable)?);
            if kind.is_dir() {
                waiting.push(path);
            } else if kind.is_symlink() {
                unpacked.aliases.push(alias(root, &path)?);
            } else if kind.is_file() {
                let bytes = bounded(&path, &mut left)?;
                unpacked.files.push(ArchiveFile { path: below(root, &path)?, bytes });
            } else {
                return Err(ArchiveFault::Special(path.display().to_string()).into());
            }
            if unpacked.files.len() + unpacked.aliases.len() > archive::MAX_FILES {
                return Err(ArchiveFault::TooMany(archive::MAX_FILES).into());
            }
        }
    }
    let mut unpacked = unpacked.inflated(archive::MAX_EXPANDED)?;
    unpacked.files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(unpacked)
}

fn bounded(path: &Path, left: &mut u64) -> Result<Vec<u8>, ImportError> {
    let unreadable = |fault| ImportError::Unreadable { path: path.to_owned(), fault };
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(unreadable)?;
    file.take(left.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    *left = left.checked_sub(length).ok_or(ArchiveFault::TooLarge(archive::MAX_EXPANDED))?;
    Ok(bytes)
}

/// A link of the folder; it is never followed, and must not lead outside.
fn alias(root: &Path, path: &Path) -> Result<Alias, ImportError> {
    let unreadable = |fault| ImportError::Unreadable { path: path.to_owned(), fault };
    let outside = || ArchiveFault::LinkLeavesRoot(path.display().to_string());
    let link = fs::read_link(path).map_err(unreadable)?;
    let name = below(root, path)?;
    let mut parts: Vec<&str> = name.split('/').collect();
    parts.pop();
    for part in link.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(parts.pop().ok_or_else(outside)?),
            Component::Normal(part) => parts.push(part.to_str().ok_or_else(outside)?),
            Component::RootDir | Component::Prefix(_) => return Err(outside().into()),
        }
    }
    let target = parts.join("/");
    Ok(Alias { name, target })
}

fn below(root: &Path, path: &Path) -> Result<String, ImportError> {
    let text = path.strip_prefix(root).ok().and_then(Path::to_str);
    let outside = || ArchiveFault::PathLeavesRoot(path.display().to_string());
    Ok(text.ok_or_else(outside)?.to_owned())
}
