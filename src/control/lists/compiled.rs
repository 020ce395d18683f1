//! The compiled catalogue: kept beside the state, mapped at a restart, made anew when the lists
//! are others.
//!
//! **Invariant:** a file is used only if its digest fits and its stamp names the very bytes that
//! the lists have now. It is written aside, made durable and renamed; a cut-off write is never
//! seen. Whatever is wrong with it, the lists are read again: it decides nothing by itself.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::lists::{Catalogue, Compiled, ListHead, NotCompiled, Reading, parse};
use crate::mapped;
use crate::whole;

/// The file's name.
const NAME: &str = "catalogue.lists";

/// Where compiled lists are kept, and what may be done there.
#[derive(Clone, Debug)]
pub enum Kept {
    /// Read and written: the gateway, and `lists build`.
    Written(PathBuf),
    /// Read only: commands that look.
    Read(PathBuf),
}

/// How the catalogue in force came to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    /// Mapped from the file that was kept.
    Mapped,
    /// Read from the lists, kept, and mapped.
    Built,
    /// Mapped from the file that was kept, of lists as they were: those of now have faults.
    LastGood,
    /// Read from the lists and held in memory: it was not to be kept, or could not be, and why.
    InMemory(Option<String>),
}

impl Kept {
    /// The same place, to be written to.
    #[must_use]
    pub fn written(self) -> Kept {
        match self {
            Kept::Written(folder) | Kept::Read(folder) => Kept::Written(folder),
        }
    }

    fn file(&self) -> PathBuf {
        match self {
            Kept::Written(folder) | Kept::Read(folder) => folder.join(NAME),
        }
    }

    /// The catalogue that was kept, whatever it was made of.
    ///
    /// # Errors
    /// Why it can't be used.
    pub(super) fn last(&self) -> Result<Catalogue, NotCompiled> {
        let mut file = File::open(self.file())?;
        Compiled::verify(&mut file)?;
        Catalogue::open(&mapped::map(&file)?)
    }

    /// The catalogue that was kept of exactly these lists.
    pub(super) fn of(&self, stamp: &str) -> Option<Catalogue> {
        self.last().ok().filter(|catalogue| catalogue.stamp() == stamp)
    }

    /// Keeps a catalogue and gives it back mapped, so that its memory is the file's.
    pub(super) fn keep(&self, built: Catalogue) -> (Catalogue, Made) {
        let Kept::Written(folder) = self else { return (built, Made::InMemory(None)) };
        let mapped = write(folder, built.compiled()).map_err(|fault| fault.to_string());
        match mapped.and_then(|()| self.last().map_err(|fault| fault.to_string())) {
            Ok(catalogue) => (catalogue, Made::Built),
            Err(why) => (built, Made::InMemory(Some(why))),
        }
    }
}

/// Names what a catalogue is made of: how lists are read, what is said of each, and every byte.
pub(super) struct Stamp(blake3::Hasher);

impl Stamp {
    pub(super) fn new() -> Stamp {
        let mut stamp = Stamp(blake3::Hasher::new());
        stamp.add(env!("CARGO_PKG_VERSION").as_bytes());
        stamp.add(&parse::RULES.to_le_bytes());
        stamp
    }

    pub(super) fn add_list(&mut self, head: &ListHead) {
        for part in [&head.id, &head.title, &head.version, &head.licence] {
            self.add(part.as_bytes());
        }
        self.add(match head.reading {
            Reading::Block => b"block",
            Reading::Allow => b"allow",
        });
    }

    /// A part of any length; what is one part can't be read as two.
    pub(super) fn add(&mut self, part: &[u8]) {
        self.0.update(&(part.len() as u64).to_le_bytes());
        self.0.update(part);
    }

    pub(super) fn text(&self) -> String {
        self.0.finalize().to_hex().to_string()
    }
}

fn write(folder: &Path, compiled: &Compiled) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let aside = folder.join(format!("{NAME}.new"));
    whole::write_by(&aside, &folder.join(NAME), 0o600, |file| {
        let mut out = BufWriter::with_capacity(1 << 20, file);
        compiled.write(&mut out)?;
        out.flush()
    })
}
