//! What is remembered of each source between looks and between starts.
//!
//! **Invariant:** it says when and how it went, never what a list holds; a file that can't be read
//! costs nothing but one look more at each source.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::control::feeds::alarm::Alarm;
use crate::model::Timestamp;
use crate::settings::Source;
use crate::whole;

/// All of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Memory {
    #[serde(default)]
    pub(super) sources: BTreeMap<String, Seen>,
    #[serde(default)]
    pub(super) alarms: Vec<Alarm>,
}

/// One source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Seen {
    /// A digest of the source's settings: with others, what was seen says nothing.
    pub(super) settings: String,
    /// When it was last looked at, and when that last went well.
    pub(super) tried: Option<Timestamp>,
    pub(super) looked: Option<Timestamp>,
    /// When it last brought something new.
    pub(super) changed: Option<Timestamp>,
    pub(super) next: Option<Timestamp>,
    pub(super) failures: u32,
    /// What is wrong, until it is mended.
    pub(super) problem: Option<String>,
    /// What the server called its answer.
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
    /// A digest of what was taken; never of a statutory list.
    pub(super) content: Option<String>,
    /// Whether what was taken is not in force yet.
    pub(super) waiting: bool,
}

impl Memory {
    /// What was kept; nothing where nothing was, or it can't be read.
    pub(super) fn read(path: &Path) -> Memory {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Memory::default(),
            Err(fault) => {
                tracing::warn!(%fault, "what is remembered of the lists' sources can't be read");
                return Memory::default();
            }
        };
        serde_json::from_slice(&bytes).unwrap_or_else(|fault| {
            tracing::warn!(%fault, "what is remembered of the lists' sources is damaged");
            Memory::default()
        })
    }

    /// Keeps it.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        whole::write(path, &serde_json::to_vec_pretty(self)?, 0o600)
    }

    /// What was seen of a source as it is set now.
    pub(super) fn seen(&self, source: &Source) -> Option<&Seen> {
        self.sources.get(&source.id()).filter(|seen| seen.settings == settings(source))
    }
}

/// A digest of all that is set of a source.
pub(super) fn settings(source: &Source) -> String {
    blake3::hash(format!("{source:?}").as_bytes()).to_hex()[..16].to_owned()
}
