//! The digest beside a finished index, and whether it is right.
//!
//! **Invariant:** an index that is being written to has no digest, so that what a crash leaves is
//! never taken for whole.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::whole;

/// The index of a day, in the day's folder.
const FILE: &str = "index.db";
/// Its digest.
const SUM: &str = "index.sum";
/// What SQLite keeps beside it while it is written, and reads into it again after a crash.
const LOGS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// How a day's index stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seal {
    /// The digest is that of the file.
    Right,
    /// There is no digest, or no index: being written, never made, or left by a crash.
    None,
    /// The digest is not that of the file, or a log stands beside it whose lines would be read in.
    Wrong,
}

/// The file of a day's index.
pub(super) fn file(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// Reads the whole index and compares.
pub(super) fn look(folder: &Path) -> io::Result<Seal> {
    let stated = match fs::read(folder.join(SUM)) {
        Ok(stated) => stated,
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(Seal::None),
        Err(fault) => return Err(fault),
    };
    if has_log(folder) {
        return Ok(Seal::Wrong);
    }
    match digest(&file(folder)) {
        Ok(found) if found.as_bytes() == stated.trim_ascii_end() => Ok(Seal::Right),
        Ok(_) => Ok(Seal::Wrong),
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(Seal::None),
        Err(fault) => Err(fault),
    }
}

/// Whether there is an index with a digest, right or wrong.
pub(super) fn is_finished(folder: &Path) -> bool {
    file(folder).exists() && folder.join(SUM).exists()
}

/// Whether something stands beside the index that SQLite would read into it: never so of a
/// finished one.
pub(super) fn has_log(folder: &Path) -> bool {
    LOGS.iter().any(|ending| folder.join(format!("{FILE}{ending}")).exists())
}

/// Puts the digest beside a finished index.
pub(super) fn put(folder: &Path) -> io::Result<()> {
    let path = file(folder);
    File::open(&path)?.sync_all()?;
    let text = format!("{}\n", digest(&path)?);
    whole::write(&folder.join(SUM), text.as_bytes(), 0o640)
}

/// Takes the digest away: the index is about to be written to.
pub(super) fn take(folder: &Path) -> io::Result<()> {
    remove(&folder.join(SUM))?;
    File::open(folder)?.sync_all()
}

/// Takes the index away, with all that stands beside it.
pub(super) fn discard(folder: &Path) -> io::Result<()> {
    make_room(folder)?;
    for ending in [".new", ".new-journal"] {
        remove(&folder.join(format!("{FILE}{ending}")))?;
    }
    Ok(())
}

/// Takes the index away, and the logs that belong to it and not to the one that comes.
pub(super) fn make_room(folder: &Path) -> io::Result<()> {
    take(folder)?;
    remove(&file(folder))?;
    LOGS.iter().try_for_each(|ending| remove(&folder.join(format!("{FILE}{ending}"))))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(fault) if fault.kind() != io::ErrorKind::NotFound => Err(fault),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn digest(path: &Path) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok(hasher.finalize().to_hex().to_string())
}
