//! A verification's look at checkpoints: each against its signature, and against the lines.

use std::io;
use std::path::{Path, PathBuf};

use crate::audit::checkpoint::{self, Checkpoint, Signed};
use crate::audit::key::Key;
use crate::audit::verify::{Fault, FaultKind};

/// The checkpoints of one day.
#[derive(Debug)]
pub(super) struct Day {
    /// The folder's name.
    pub(super) name: String,
    /// The file.
    pub(super) file: PathBuf,
    /// Those that are signed, and their lines in the file.
    signed: Vec<(u64, Checkpoint)>,
    /// How many there are.
    pub(super) count: u64,
}

impl Day {
    /// Reads a day's checkpoints, and what is wrong with them by themselves.
    pub(super) fn read(dir: &Path, name: &str, keys: &[Key]) -> io::Result<(Day, Vec<Fault>)> {
        let folder = dir.join(name);
        let file = folder.join(checkpoint::FILE);
        let mut day = Day { name: name.to_owned(), file, signed: Vec::new(), count: 0 };
        let mut faults = Vec::new();
        let text = checkpoint::lines(&folder)?;
        for (number, line) in (1..).zip(text.split_inclusive('\n')) {
            let read = line.strip_suffix('\n').and_then(Signed::read);
            let Some(signed) = read else {
                faults.push(day.fault(number, None, FaultKind::Stray));
                continue;
            };
            day.count += 1;
            if signed.is_by(keys) {
                day.signed.push((number, signed.checkpoint));
            } else {
                faults.push(day.fault(number, Some(signed.checkpoint.sequence), FaultKind::Unsigned));
            }
        }
        Ok((day, faults))
    }

    /// Takes out what was signed of a segment, in the order of what is covered.
    pub(super) fn of(&mut self, segment: u64) -> Vec<(u64, Checkpoint)> {
        let signed = std::mem::take(&mut self.signed);
        let (mut mine, others): (Vec<_>, Vec<_>) =
            signed.into_iter().partition(|(_, checkpoint)| checkpoint.segment == segment);
        self.signed = others;
        mine.sort_by_key(|(_, checkpoint)| checkpoint.size);
        mine
    }

    /// Whether somebody has signed the end of this segment meanwhile.
    pub(super) fn is_signed_now(&self, segment: u64, size: u64, keys: &[Key]) -> bool {
        let text = self.file.parent().and_then(|folder| checkpoint::lines(folder).ok()).unwrap_or_default();
        text.lines().filter_map(Signed::read).any(|signed| {
            (signed.checkpoint.segment, signed.checkpoint.size) == (segment, size) && signed.is_by(keys)
        })
    }

    /// What was signed of segments that are not there.
    pub(super) fn left(&self) -> Vec<Fault> {
        let gone = |(number, checkpoint): &(u64, Checkpoint)| {
            let after = checkpoint.segment.saturating_sub(1);
            self.fault(*number, Some(checkpoint.sequence), FaultKind::Contradicted { after })
        };
        self.signed.iter().map(gone).collect()
    }

    pub(super) fn fault(&self, line: u64, sequence: Option<u64>, what: FaultKind) -> Fault {
        Fault { file: self.file.clone(), line, sequence, what }
    }
}

/// The last checkpoint before a day: what a verification that starts there can trust.
pub(super) fn before(dir: &Path, days: &[&str], keys: &[Key]) -> io::Result<Option<Checkpoint>> {
    for day in days.iter().rev() {
        let (Day { signed, .. }, _) = Day::read(dir, day, keys)?;
        let last = signed.into_iter().map(|(_, checkpoint)| checkpoint).max_by_key(|last| last.sequence);
        if last.is_some() {
            return Ok(last);
        }
    }
    Ok(None)
}
