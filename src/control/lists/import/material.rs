//! What is to be imported, whatever it came in: a folder, an archive, a file.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::control::lists::import::{ImportError, ImportFormat, ImportOptions};
use crate::control::lists::reading;
use crate::control::lists::source::{self, FileKind, PREVIOUS};
use crate::lists::archive::{self, Alias, ArchiveFault, ArchiveFile, Unpacked};
use crate::lists::parse::detect;
use crate::lists::ut1::{self, ListFile};
use crate::lists::{Format, Reading};
use crate::model::Timestamp;

/// The source that single files become lists of.
const LOCAL: &str = "local";
/// Names that mean something else.
const RESERVED: [&str; 5] = ["seed", "school", "statutory", "lifeline", "unblock"];

/// The bytes of it.
pub(super) enum Read {
    Tree(Unpacked),
    File(Vec<u8>),
}

/// What it holds, by list.
pub(super) struct Material<'a> {
    pub(super) source: String,
    pub(super) version: String,
    pub(super) licence: &'static str,
    pub(super) lists: BTreeMap<String, Found<'a>>,
    pub(super) aliases: Vec<(String, String)>,
    pub(super) expressions: usize,
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
    pub(super) kind: FileKind,
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
    let is_packed = !is_folder && starts_packed(path).map_err(unreadable)?;
    let is_tree = is_folder || is_packed;
    match options.format {
        Some(ImportFormat::Domains | ImportFormat::Urls) if is_tree => Err(ImportError::OwnCategories),
        Some(_) | None if is_tree && options.category.is_some() => Err(ImportError::OwnCategories),
        Some(ImportFormat::Ut1) if !is_tree => Err(ImportError::NotAList {
            file: path.display().to_string(),
            why: crate::lists::NotAList::Binary,
        }),
        Some(_) | None if is_folder => folder(path).map(Read::Tree),
        Some(_) | None if is_packed => {
            Ok(Read::Tree(archive::unpack(fs::File::open(path).map_err(unreadable)?)?))
        }
        Some(_) | None => match reading::bytes(path) {
            Ok(bytes) => Ok(Read::File(bytes)),
            Err(fault) => Err(unreadable(std::io::Error::other(fault.problem))),
        },
    }
}

impl Read {
    /// Sorts it into lists.
    pub(super) fn material(&self, path: &Path, options: &ImportOptions) -> Result<Material<'_>, ImportError> {
        match self {
            Read::Tree(tree) => self::tree(tree, path, options),
            Read::File(bytes) => single(bytes, path, options),
        }
    }
}

fn tree<'a>(tree: &'a Unpacked, path: &Path, options: &ImportOptions) -> Result<Material<'a>, ImportError> {
    let is_ut1 = tree.files.iter().any(|file| file.path.rsplit('/').next() == Some("global_usage"));
    let own = if is_ut1 { "ut1".to_owned() } else { stem(path) };
    let source = source_name(options.name.clone().unwrap_or(own))?;
    let licence = if is_ut1 { ut1::LICENCE } else { "" };
    let mut material = Material {
        source,
        version: day(path)?,
        licence,
        lists: BTreeMap::new(),
        aliases: Vec::new(),
        expressions: 0,
        others: Others::Replaced,
    };
    for category in ut1::categories(tree) {
        let expressions = category.expressions.as_ref().map_or(0, ListFile::lines);
        material.expressions += expressions + category.left_out;
        let named = |alias: String| (alias, category.name.clone());
        material.aliases.extend(category.aliases.iter().cloned().map(named));
        let kinds = [(FileKind::Domains, category.domains), (FileKind::Urls, category.urls)];
        let found = |(kind, file): (FileKind, Option<ListFile<'a>>)| {
            let why = match kind {
                FileKind::Domains => "the file is called domains",
                FileKind::Urls => "the file is called urls",
            };
            file.map(|file| FoundFile { kind, why, bytes: file.bytes })
        };
        let files: Vec<_> = kinds.into_iter().filter_map(found).collect();
        if files.is_empty() {
            continue;
        }
        if !source::is_list_name(&category.name) {
            return Err(ImportError::Name(category.name));
        }
        let (title, reading) = (category.title, category.kind.reading());
        material.lists.insert(category.name, Found { title, reading, files });
    }
    material.aliases.sort();
    Ok(material)
}

fn single<'a>(bytes: &'a [u8], path: &Path, options: &ImportOptions) -> Result<Material<'a>, ImportError> {
    let category = options.category.clone().ok_or(ImportError::NoCategory)?;
    if !source::is_word(&category) {
        return Err(ImportError::Name(category));
    }
    let source = source_name(options.name.clone().unwrap_or_else(|| LOCAL.to_owned()))?;
    let file = path.display().to_string();
    let guessed = detect(&file, bytes).map_err(|why| ImportError::NotAList { file, why })?;
    let (kind, why) = match (options.format, guessed) {
        (Some(ImportFormat::Domains), _) => (FileKind::Domains, "--format says so"),
        (Some(ImportFormat::Urls), _) => (FileKind::Urls, "--format says so"),
        (Some(ImportFormat::Ut1) | None, (Format::Urls, why)) => (FileKind::Urls, why),
        (Some(ImportFormat::Ut1) | None, (_, why)) => (FileKind::Domains, why),
    };
    let files = vec![FoundFile { kind, why, bytes: Cow::Borrowed(bytes) }];
    let found = Found { title: category.clone(), reading: Reading::Block, files };
    Ok(Material {
        source,
        version: reading::dated(bytes).map_or_else(|| day(path), Ok)?,
        licence: "",
        lists: BTreeMap::from([(category, found)]),
        aliases: Vec::new(),
        expressions: 0,
        others: Others::Kept,
    })
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

fn starts_packed(path: &Path) -> std::io::Result<bool> {
    let mut head = Vec::new();
    fs::File::open(path)?.take(2).read_to_end(&mut head)?;
    Ok(head == b"\x1f\x8b")
}

fn source_name(name: String) -> Result<String, ImportError> {
    let fits = source::is_word(&name) && !name.ends_with(PREVIOUS) && !RESERVED.contains(&&*name);
    if fits { Ok(name) } else { Err(ImportError::Name(name)) }
}

/// `shalla` of `shalla.tar.gz`.
fn stem(path: &Path) -> String {
    let path = fs::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path));
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.trim_end_matches(".gz").trim_end_matches(".tgz").trim_end_matches(".tar").to_owned()
}

/// The day on which a file was last changed.
fn day(path: &Path) -> Result<String, ImportError> {
    let changed = fs::metadata(path).and_then(|about| about.modified());
    let changed = changed.map_err(|fault| ImportError::Unreadable { path: path.to_owned(), fault })?;
    let millis = changed.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    Ok(Timestamp::from_millis(i64::try_from(millis).unwrap_or_default()).day())
}
