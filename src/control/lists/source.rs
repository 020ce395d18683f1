//! What was imported: one folder a source, with a note of what must be in it.
//!
//! **Invariant:** what is read is what was imported, byte for byte: every file is held against
//! the digest in the note, and a file or a note that is gone or other is a fault.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::control::lists::ingredients::{Care, Ingredient, IngredientFile};
use crate::control::lists::reading::{self, file_fault};
use crate::document::{Fault, Faults};
use crate::lists::{Form, ListHead, Reading};
use crate::model::Timestamp;

/// The note's name.
pub(super) const NOTE: &str = "source.json";
/// What the folder of the import before is called besides the source's name.
pub(super) const PREVIOUS: &str = ".previous";

/// The note: one source as it was imported.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) licence: String,
    pub(super) lists: BTreeMap<String, SourceList>,
}

/// One list of a source.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SourceList {
    pub(super) title: String,
    pub(super) version: String,
    pub(super) imported_at: Timestamp,
    pub(super) meant: Meant,
    /// The protected names that it was taken in with, so that only others are news.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) protected: BTreeSet<String>,
    /// By name.
    pub(super) files: BTreeMap<String, SourceFile>,
}

/// One file of a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SourceFile {
    #[serde(flatten)]
    pub(super) form: Form,
    pub(super) blake3: String,
    pub(super) entries: usize,
}

/// What the publisher means a list for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Meant {
    Block,
    Allow,
}

impl Meant {
    pub(super) fn of(reading: Reading) -> Meant {
        match reading {
            Reading::Block => Meant::Block,
            Reading::Allow => Meant::Allow,
        }
    }

    pub(super) fn reading(self) -> Reading {
        match self {
            Meant::Block => Reading::Block,
            Meant::Allow => Reading::Allow,
        }
    }
}

impl SourceList {
    /// How many entries were taken at the import.
    pub(super) fn entries(&self) -> usize {
        self.files.values().map(|file| file.entries).sum()
    }
}

/// Every source that was imported, with its folder.
pub(super) fn sources(imported: &Path, faults: &mut Faults) -> Vec<(PathBuf, Source)> {
    // Nothing was ever imported: that is no fault; lists that were held are missed elsewhere.
    if !imported.exists() {
        return Vec::new();
    }
    let folders = reading::entries(imported).map_err(|fault| faults.push(fault)).unwrap_or_default();
    let mut sources = Vec::new();
    for folder in folders.into_iter().filter(|folder| folder.is_dir() && !is_put_aside(folder)) {
        match note(&folder) {
            Ok(source) => sources.push((folder, source)),
            Err(fault) => faults.push(fault),
        }
    }
    sources
}

/// The folder that holds a source: its own, or the one before where an import was cut off
/// between putting the one aside and the other in its place.
pub(super) fn folder(imported: &Path, name: &str) -> PathBuf {
    let (own, previous) = (imported.join(name), imported.join(format!("{name}{PREVIOUS}")));
    if !own.exists() && previous.exists() { previous } else { own }
}

/// Whether another folder stands for this one.
fn is_put_aside(path: &Path) -> bool {
    let own = path.to_str().and_then(|path| path.strip_suffix(PREVIOUS));
    own.is_some_and(|own| Path::new(own).exists())
}

/// The note in a source's folder.
pub(super) fn note(folder: &Path) -> Result<Source, Fault> {
    let path = folder.join(NOTE);
    let damaged = |why: String| {
        file_fault(&path, format!("the imported source is damaged or missing: {why}"))
            .help("import it again: `schoolgate lists import`")
    };
    let bytes = reading::bytes(&path).map_err(|fault| damaged(fault.problem))?;
    let source: Source = serde_json::from_slice(&bytes).map_err(|fault| damaged(fault.to_string()))?;
    let called = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if called.strip_suffix(PREVIOUS).unwrap_or(called) != source.name {
        return Err(damaged("it is the note of another source".to_owned()));
    }
    let files = source.lists.values().flat_map(|list| list.files.keys());
    if source.lists.keys().all(|name| is_list_name(name)) && files.into_iter().all(|name| is_word(name)) {
        Ok(source)
    } else {
        Err(damaged("it names a list or a file that can't be".to_owned()))
    }
}

/// One list of a source, read into memory and held against the note.
pub(super) fn list(
    folder: &Path,
    source: &Source,
    name: &str,
    held: &SourceList,
) -> Result<Ingredient, Fault> {
    let id = format!("{}/{name}", source.name);
    let mut files = Vec::new();
    for (file_name, file) in &held.files {
        let path = folder.join(name).join(file_name);
        let sound = reading::bytes(&path).ok().filter(|bytes| reading::digest(bytes) == file.blake3);
        let bytes = sound.ok_or_else(|| damaged(&path, &id))?;
        let form = file.form.clone();
        files.push(IngredientFile { name: format!("{name}/{file_name}"), path, form, bytes });
    }
    let head = ListHead {
        id: id.into(),
        title: held.title.as_str().into(),
        version: held.version.as_str().into(),
        licence: source.licence.as_str().into(),
        reading: held.meant.reading(),
    };
    Ok(Ingredient { head, files, care: Care::Imported })
}

/// The fault of an imported list that is not as it was imported.
pub(super) fn damaged(path: &Path, id: &str) -> Fault {
    file_fault(path, format!("the list {id} is damaged or missing: import it again"))
        .help("`schoolgate lists import`")
}

/// Whether this can be a folder below a source's, and nothing else: `games`, `hobby/games-online`.
pub(super) fn is_list_name(name: &str) -> bool {
    name.split('/').all(is_word)
}

/// Whether this can be the name of one folder.
pub(super) fn is_word(word: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !word.is_empty() && word.len() <= 64 && !word.starts_with('.') && word.bytes().all(allowed)
}
