//! Events on their way to people: spreadsheets to read, lines to check, and what it takes to check
//! them without this program.
//!
//! **Invariant:** who sees pseudonyms gets neither a line of the trail nor a hash of one; every file
//! of an archive is named with its SHA-256, and the list of them with the rest.

mod archive;
mod cells;
mod check;
mod commas;
mod matter;
mod rows;
mod sheet;
mod views;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::Path;
use std::str::FromStr;

use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use crate::audit::key::{Key, KeyError};
use crate::audit::{Filter, Index, ProveError, QueryError, reserve};

pub use check::{Checked, Tampered, check_export};
pub use commas::unreckoned;

/// How events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// The lines of the trail as they stand, with a proof of each.
    Jsonl,
    /// Commas, for any spreadsheet.
    Csv,
    /// An Excel workbook.
    Xlsx,
}

/// What a row of a spreadsheet is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rows {
    /// An event.
    #[default]
    Events,
    /// A page view: the event that leads it, and the records of all that belong to it. Lines and
    /// proofs are those of the events all the same.
    Pages,
}

/// Whose names the events are written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// People's own.
    Own,
    /// What stands for them: no line of the trail is written, and nothing that one could be guessed by.
    Pseudonyms,
}

/// A further file of the archive.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// What it is, for the manifest.
    pub what: &'static str,
    /// What stands in it.
    pub text: String,
}

/// Says how the decision of an event came about, where it was one.
type Explain = dyn Fn(&Value) -> Option<Value>;

/// What is to be written.
pub struct Exporting<'a> {
    /// The trail, by its index.
    pub index: &'a Index,
    /// Which events.
    pub filter: Filter,
    /// As what.
    pub formats: BTreeSet<Format>,
    /// What a row is.
    pub rows: Rows,
    /// With whose names.
    pub names: Names,
    /// An event as whoever asks may see it; none, when it is not asked for.
    pub show: &'a dyn Fn(Value) -> Option<Value>,
    /// How the decision of an event is explained; for the evidence of one matter.
    pub explain: Option<&'a Explain>,
    /// Where the school's clock is at home.
    pub zone: TimeZone,
    /// A folder for what is being written; nothing stays there.
    pub scratch: &'a Path,
    /// Who asked, when, why and for what: the beginning of the manifest.
    pub about: Map<String, Value>,
    /// Further files.
    pub parts: Vec<Part>,
    /// Most events.
    pub most: u64,
    /// How much of the disk stays free for the trail, in bytes.
    pub least_free: u64,
}

/// An archive that is written.
#[derive(Debug)]
pub struct Exported {
    /// The archive, to be read from its start. It has no name any more.
    pub file: File,
    /// How long it is, in bytes.
    pub length: u64,
    /// The SHA-256 of its manifest, as 64 hex digits.
    pub manifest: String,
    /// How many events are in it.
    pub events: u64,
}

/// Why there is no archive.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// More events match than may be written at once.
    #[error("more than {most} events match: ask for a shorter time, or for less")]
    TooMany {
        /// How many may be.
        most: u64,
    },
    /// The trail can't be read.
    #[error(transparent)]
    Trail(#[from] QueryError),
    /// A line can't be proven.
    #[error(transparent)]
    Proof(#[from] ProveError),
    /// The public keys can't be read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The disk is needed for the trail.
    #[error("there is too little room on the disk for an archive: free some, or ask for less")]
    NoRoom,
    /// Something can't be written.
    #[error("the archive can't be written: {0}")]
    Unwritten(#[from] io::Error),
}

impl Rows {
    /// Most events of one archive: page views are made of all of them together.
    #[must_use]
    pub fn most(self) -> u64 {
        match self {
            Rows::Events => 1_000_000,
            Rows::Pages => 200_000,
        }
    }
}

impl Format {
    /// Every one.
    pub const ALL: [Format; 3] = [Format::Jsonl, Format::Csv, Format::Xlsx];

    /// As it is asked for.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Jsonl => "jsonl",
            Format::Csv => "csv",
            Format::Xlsx => "xlsx",
        }
    }
}

impl FromStr for Format {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Format, Self::Err> {
        let mut all = Format::ALL.into_iter();
        all.find(|format| format.as_str() == text).ok_or("write jsonl, csv or xlsx")
    }
}

impl Exporting<'_> {
    /// Whether so many more bytes may be written.
    fn room_for(&self, more: u64) -> Result<(), ExportError> {
        let free = reserve::free(self.scratch)?;
        if free < self.least_free.saturating_add(more) { Err(ExportError::NoRoom) } else { Ok(()) }
    }
}

/// Writes an archive. Blocks on the disk.
///
/// # Errors
/// [`ExportError`]; nothing is left behind.
pub fn export(wanted: Exporting<'_>) -> Result<Exported, ExportError> {
    std::fs::create_dir_all(wanted.scratch)?;
    let keys = match wanted.names {
        Names::Own => std::fs::read_to_string(wanted.index.dir().join(Key::FILE))?,
        Names::Pseudonyms => String::new(),
    };
    let written = rows::write(&wanted)?;
    archive::pack(wanted, written, &keys)
}
