//! How far a collector has come: kept in the state folder, replaced as a whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::shipping::ShippingError;
use crate::whole;

/// The place of a collector.
#[derive(Clone, Debug)]
pub(super) struct Cursor {
    file: PathBuf,
    sequence: u64,
}

/// As it is written.
#[derive(Serialize, Deserialize)]
struct Written {
    sequence: u64,
}

impl Cursor {
    /// The place of `name`; after `began` for one that has none yet, or one of another trail.
    pub(super) fn open(state_dir: &Path, name: &str, began: u64, head: u64) -> Result<Cursor, ShippingError> {
        let file = state_dir.join(format!("syslog-{name}.json"));
        let unreadable = |fault| ShippingError::Place { name: name.to_owned(), file: file.clone(), fault };
        let sequence = match fs::read(&file) {
            Ok(text) => {
                let Written { sequence } =
                    serde_json::from_slice(&text).map_err(|fault| unreadable(fault.into()))?;
                if sequence > head {
                    tracing::warn!(
                        sink = name,
                        sequence,
                        head,
                        "a collector was further than the trail is: was it restored?"
                    );
                }
                if sequence > head { began } else { sequence }
            }
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => began,
            Err(fault) => return Err(unreadable(fault)),
        };
        let cursor = Cursor { file: file.clone(), sequence };
        cursor.keep().map_err(unreadable)?;
        Ok(cursor)
    }

    /// Everything up to this line has been sent for good.
    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Moves on, and keeps that. Blocks on the disk.
    pub(super) fn advance(&mut self, sequence: u64) -> io::Result<()> {
        self.sequence = sequence;
        self.keep()
    }

    fn keep(&self) -> io::Result<()> {
        let mut text = serde_json::to_vec(&Written { sequence: self.sequence })?;
        text.push(b'\n');
        whole::write(&self.file, &text, 0o640)
    }
}
