//! The import's folder: written aside, made durable, put in place by renaming.
//!
//! **Invariant:** at every moment the folder of a source, or the one put aside, is whole; what a
//! crash leaves behind is hidden from reading and cleared by the next import.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::control::lists::import::ImportError;
use crate::control::lists::import::material::{Found, FoundFile, Material, Others};
use crate::control::lists::import::reckon::Reckoned;
use crate::control::lists::reading;
use crate::control::lists::source::{self, Meant, NOTE, PREVIOUS, Source, SourceFile, SourceList};
use crate::model::Timestamp;

/// Keeps other imports away for as long as the file stays open; makes the folder.
pub(super) fn lock(imported: &Path) -> Result<File, ImportError> {
    fs::create_dir_all(imported).map_err(unwritable(imported))?;
    let lock = imported.join(".lock");
    let held = File::create(&lock).map_err(unwritable(&lock))?;
    match held.try_lock() {
        Ok(()) => Ok(held),
        Err(TryLockError::WouldBlock) => Err(ImportError::Busy),
        Err(TryLockError::Error(fault)) => Err(unwritable(&lock)(fault)),
    }
}

/// Puts an import in the place of the one before; gives its folder.
pub(super) fn put(
    imported: &Path,
    material: &Material<'_>,
    reckoned: &Reckoned,
    before: Option<&Source>,
    now: Timestamp,
) -> Result<PathBuf, ImportError> {
    let own = imported.join(&material.source);
    let previous = imported.join(format!("{}{PREVIOUS}", material.source));
    let new = imported.join(format!(".{}.new", material.source));
    clear(&new)?;
    fs::create_dir(&new).map_err(unwritable(&new))?;
    let mut note = note(material, reckoned, now);
    write_lists(&new, material)?;
    if material.others == Others::Kept
        && let Some(before) = before
    {
        keep_others(&source::folder(imported, &material.source), &new, before, &mut note)?;
    }
    let text = serde_json::to_vec_pretty(&note).map_err(|fault| unwritable(&new)(fault.into()))?;
    write(&new.join(NOTE), &text)?;
    sync_folders(&new)?;
    if own.exists() {
        clear(&previous)?;
        fs::rename(&own, &previous).map_err(unwritable(&previous))?;
    }
    fs::rename(&new, &own).map_err(unwritable(&own))?;
    sync(imported)?;
    Ok(own)
}

fn note(material: &Material<'_>, reckoned: &Reckoned, now: Timestamp) -> Source {
    let entries = |id: &str, file: &str| {
        let row = reckoned.files.iter().find(|row| row.list == id && row.file == file);
        row.map_or(0, |row| row.kept)
    };
    let list = |(name, found): (&String, &Found<'_>)| {
        let id = format!("{}/{name}", material.source);
        let file = |file: &FoundFile<'_>| {
            let held = SourceFile {
                form: file.form.clone(),
                blake3: reading::digest(&file.bytes),
                entries: entries(&id, &file.name),
            };
            (file.name.clone(), held)
        };
        let held = SourceList {
            title: found.title.clone(),
            version: material.version.clone(),
            imported_at: now,
            meant: Meant::of(found.reading),
            protected: reckoned
                .protected
                .iter()
                .filter(|hit| hit.list == id)
                .map(|hit| hit.name.clone())
                .collect(),
            files: found.files.iter().map(file).collect(),
        };
        (name.clone(), held)
    };
    Source {
        name: material.source.clone(),
        licence: material.licence.clone(),
        lists: material.lists.iter().map(list).collect(),
    }
}

fn write_lists(new: &Path, material: &Material<'_>) -> Result<(), ImportError> {
    for (name, found) in &material.lists {
        for file in &found.files {
            write(&new.join(name).join(&file.name), &file.bytes)?;
        }
    }
    Ok(())
}

/// Takes the source's other lists over as they are.
fn keep_others(from: &Path, to: &Path, before: &Source, note: &mut Source) -> Result<(), ImportError> {
    note.licence.clone_from(&before.licence);
    for (name, held) in &before.lists {
        if note.lists.contains_key(name) {
            continue;
        }
        for (file_name, file) in &held.files {
            let path = from.join(name).join(file_name);
            let bytes = reading::bytes(&path).map_err(|fault| ImportError::Before(fault.problem))?;
            if reading::digest(&bytes) != file.blake3 {
                return Err(ImportError::Before(format!("{}/{name}", before.name)));
            }
            write(&to.join(name).join(file_name), &bytes)?;
        }
        note.lists.insert(name.clone(), held.clone());
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), ImportError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(unwritable(folder))?;
    }
    let mut file = File::create_new(path).map_err(unwritable(path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(unwritable(path))
}

/// Takes away what a cut-off import left, or what was put aside two imports ago.
fn clear(folder: &Path) -> Result<(), ImportError> {
    match fs::remove_dir_all(folder) {
        Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => Err(unwritable(folder)(fault)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn sync_folders(folder: &Path) -> Result<(), ImportError> {
    for entry in fs::read_dir(folder).map_err(unwritable(folder))?.flatten() {
        if entry.path().is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    sync(folder)
}

fn sync(folder: &Path) -> Result<(), ImportError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(unwritable(folder))
}

fn unwritable(path: &Path) -> impl Fn(std::io::Error) -> ImportError {
    move |fault| ImportError::Unwritable { path: path.to_owned(), fault }
}
