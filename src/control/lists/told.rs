//! What is recorded of an import by hand: who writes to the state folder need not tell the gateway what
//! lists it is to have, and what they do is on record all the same.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::audit::{Act, Actor, Outcome};
use crate::control::lists::{ImportError, Report};

/// The longest refusal that is recorded, in characters.
const MAX_REASON: usize = 1000;

/// An import by hand, as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Imported {
    /// What was taken in.
    path: String,
    /// Its SHA-256, where it is one file.
    sha256: Option<String>,
    /// The source that it became.
    source: Option<String>,
    /// How many entries each of its lists has.
    lists: BTreeMap<String, usize>,
    /// Why nothing was taken.
    refused: Option<String>,
}

impl Imported {
    /// What came of the import of `path`.
    ///
    /// # Errors
    /// When the file, which was read a moment ago, can't be read.
    pub fn of(path: &Path, outcome: &Result<Report, ImportError>) -> io::Result<Imported> {
        let mut told = Imported {
            path: path.display().to_string(),
            sha256: if path.is_file() { Some(digest(path)?) } else { None },
            source: None,
            lists: BTreeMap::new(),
            refused: None,
        };
        match outcome {
            Ok(report) => {
                told.source = Some(report.source.clone());
                for row in &report.files {
                    *told.lists.entry(row.list.clone()).or_default() += row.kept;
                }
            }
            Err(fault) => told.refused = Some(fault.to_string().chars().take(MAX_REASON).collect()),
        }
        Ok(told)
    }

    /// The same as it is recorded.
    #[must_use]
    pub fn act(self) -> Act {
        let action = if self.refused.is_some() { "list.refused" } else { "list.refreshed" };
        let entries: usize = self.lists.values().sum();
        let act = Act::new(Actor::Local, action).with("by", "import").with("path", self.path);
        let act = self.sha256.into_iter().fold(act, |act, sha256| act.with("sha256", sha256));
        match (self.refused, self.source) {
            (Some(refused), _) => Act { reason: Some(refused), outcome: Outcome::Failure, ..act },
            (None, source) => act
                .with("source", source)
                .with("entries", entries)
                .with("lists", serde_json::to_value(self.lists).unwrap_or_default()),
        }
    }
}

fn digest(path: &Path) -> io::Result<String> {
    let (mut file, mut hasher, mut piece) = (File::open(path)?, Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut piece)? {
            0 => break,
            read => hasher.update(&piece[..read]),
        }
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
