//! The last good form of each statutory list, in the state folder.
//!
//! **Invariant:** a file here is whole or not there: it is written aside, made durable and
//! renamed; and it is the service's alone (0600).

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use crate::control::lists::reading;
use crate::lists::Sealed;
use crate::whole;

/// What is kept of a list.
pub(super) enum Kept {
    Absent,
    Sound(Box<Sealed>),
    /// Why it can't be used.
    Unusable(String),
}

/// What is kept under a name.
pub(super) fn open(folder: &Path, name: &str, key: [u8; 32]) -> Kept {
    let path = folder.join(name);
    if !path.exists() {
        return Kept::Absent;
    }
    let bytes = match reading::bytes(&path) {
        Ok(bytes) => bytes,
        Err(fault) => return Kept::Unusable(fault.problem),
    };
    match Sealed::open(key, &bytes) {
        Ok(sealed) if *sealed.list.about().name == *name => Kept::Sound(Box::new(sealed)),
        Ok(_) => Kept::Unusable("it is another list's".to_owned()),
        Err(fault) => Kept::Unusable(fault.to_string()),
    }
}

/// The names of all that are kept.
pub(super) fn names(folder: &Path) -> Vec<String> {
    let paths = reading::entries(folder).unwrap_or_default().into_iter();
    let name = |path: &Path| path.file_name()?.to_str().map(str::to_owned);
    paths.filter(|path| path.is_file()).filter_map(|path| name(&path)).collect()
}

/// Keeps a list in the place of the one before.
pub(super) fn put(folder: &Path, sealed: &Sealed, key: [u8; 32]) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let name = &sealed.list.about().name;
    let aside = folder.join(format!(".{name}.new"));
    let bytes = sealed.seal(key);
    whole::write_by(&aside, &folder.join(&**name), 0o600, |mut file| file.write_all(&bytes))
}

/// Keeps a list no longer.
pub(super) fn remove(folder: &Path, name: &str) -> io::Result<()> {
    fs::remove_file(folder.join(name))?;
    File::open(folder)?.sync_all()
}
