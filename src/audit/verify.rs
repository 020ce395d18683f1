//! Verifies a trail: names every record that is not as it was written.
//!
//! **Invariant:** any edit, deletion, insertion or reordering of lines is found without outside
//! help; a truncated or wholly rewritten trail is found given one older head, or the public key.

mod check;
mod lines;
mod sealed;

use std::path::{Path, PathBuf};
use std::thread::{self, available_parallelism};
use std::{fmt, io};

use crate::audit::chain::{Anchor, LineHash};
use crate::audit::key::Key;
use crate::audit::query::{Halt, QueryError};
use crate::audit::segment::Segment;
use crate::model::Timestamp;
pub(super) use check::segment_name;
use check::{Check, Closed};
use lines::Lines;

/// Most faults that are listed; further ones are counted.
const LISTED: usize = 1000;

/// What a verification found.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// How many lines were read.
    pub events: u64,
    /// The first line's sequence.
    pub first: Option<u64>,
    /// The last line's sequence.
    pub last: Option<u64>,
    /// The last line's hash.
    pub head: Option<LineHash>,
    /// How many days have lines.
    pub days: u64,
    /// How many lines retention removed.
    pub removed: u64,
    /// How many checkpoints were read.
    pub checkpoints: u64,
    /// What is not as it was written; at most 1,000.
    pub faults: Vec<Fault>,
    /// How many further faults there are.
    pub further_faults: u64,
}

/// A record that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// The segment.
    pub file: PathBuf,
    /// The line, from 1; 0 where it is about the segment or what follows it.
    pub line: u64,
    /// The record's sequence, where it is known.
    pub sequence: Option<u64>,
    /// What is wrong.
    pub what: FaultKind,
}

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The compressed segment is not, byte for byte, as it was written.
    Damaged,
    /// The line has not the form of an event, or is not ended.
    Malformed,
    /// The line's bytes don't make its hash: it was edited.
    Edited,
    /// The records from this sequence up to the one before the line are gone.
    Missing {
        /// The first that is gone.
        from: u64,
    },
    /// The line belongs elsewhere: copied, moved or inserted.
    OutOfPlace,
    /// The line does not follow the one before it: that one was replaced.
    Unlinked,
    /// The line's time is before its predecessor's, or not of its folder's day.
    Untimely,
    /// The segment's name is not its first line's sequence.
    Misnamed,
    /// The trail starts in the middle, and no known head leads up to it.
    NoBeginning,
    /// The line is not the one of which a head was noted: all was rewritten from there on.
    Rewritten,
    /// These bytes are no checkpoint.
    Stray,
    /// The checkpoint is signed by no key that is known.
    Unsigned,
    /// The checkpoint was signed over other lines than these, or over lines that are gone. Which of them
    /// was changed, a chain that was made anew from there on does not tell.
    Contradicted {
        /// The last record that is as it was signed, as far as checkpoints tell.
        after: u64,
    },
    /// The segment has ended, and no checkpoint covers its last line.
    Unsealed,
    /// Lines were removed, and no later record tells of it.
    Unexplained,
    /// The trail ends before a head that was noted.
    Truncated {
        /// The sequence of that head.
        head: u64,
    },
    /// There is not one line: no trail, or all of it is gone.
    NoTrail,
}

/// What a verification is to look for.
#[derive(Clone, Default)]
pub struct Options<'a> {
    /// Heads noted earlier, or the last line before days that are gone.
    pub known: Vec<Anchor>,
    /// Starts with the day of this moment, or with the last one before it, trusting the signed checkpoint before it.
    pub since: Option<Timestamp>,
    /// The keys of checkpoints; none for those in the trail's own folder.
    pub keys: Vec<Key>,
    /// Breaks it off when it is called.
    pub halt: Halt,
    /// Told how many segments of how many were read.
    pub progress: Option<&'a dyn Fn(usize, usize)>,
}

impl Options<'_> {
    /// All of it, and that these heads still stand.
    #[must_use]
    pub fn knowing(known: &[Anchor]) -> Options<'static> {
        Options { known: known.to_vec(), ..Options::default() }
    }
}

/// Reads the trail under `dir`, and holds it against itself, its checkpoints and the known heads.
///
/// # Errors
/// [`QueryError`] when a segment or the keys can't be read, and when it is broken off.
pub fn verify(dir: &Path, options: &Options<'_>) -> Result<Report, QueryError> {
    let keys = keys(dir, options)?;
    let known = options.known.iter().map(|anchor| (anchor.sequence, anchor.hash)).collect();
    let mut check = Check::new(dir, &keys, known);
    let mut segments = Segment::list(dir)?;
    // Something is read in any case.
    let last = segments.last().map(|segment| segment.day.clone()).unwrap_or_default();
    let since = options.since.map(|since| since.day().min(last)).unwrap_or_default();
    if !since.is_empty() {
        let later = segments.partition_point(|segment| segment.day < since);
        let days: Vec<&str> =
            segments[..later].chunk_by(|a, b| a.day == b.day).map(|day| day[0].day.as_str()).collect();
        if later > 0 {
            check.leaves_out_earlier();
        }
        if let Some(trusted) = sealed::before(dir, &days, &keys)? {
            check.starts_after(&trusted);
        }
        segments.drain(..later);
    }
    let mut day = "";
    let mut read = 0;
    for together in segments.chunks(available_parallelism().map_or(1, usize::from)) {
        // Checkpoints first: what they cover is on disk by then, even of a trail that grows.
        check.looks_ahead(together)?;
        for (segment, lines) in together.iter().zip(read_all(together, &options.halt)) {
            check.enters(&segment.day)?;
            let before = check.report.events + check.report.removed;
            read += 1;
            let closed = if read == segments.len() { Closed::No } else { Closed::Yes };
            check.segment(segment, closed, lines?.ok_or(QueryError::Halted)?);
            if check.report.events + check.report.removed > before && segment.day != day {
                check.report.days += 1;
                day = &segment.day;
            }
            if let Some(progress) = options.progress {
                progress(read, segments.len());
            }
        }
    }
    let is_left = |day: &String| segments.iter().all(|segment| segment.day != *day);
    for day in Segment::days(dir)?.into_iter().filter(|day| *day >= since).filter(is_left) {
        check.enters(&day)?;
    }
    Ok(check.end(segments.last()))
}

fn keys(dir: &Path, options: &Options<'_>) -> io::Result<Vec<Key>> {
    let file = dir.join(Key::FILE);
    if !options.keys.is_empty() || !file.exists() {
        return Ok(options.keys.clone());
    }
    Key::read(&file).map_err(io::Error::other)
}

/// Reads segments at once, each in a thread of its own; none of what is broken off.
fn read_all(segments: &[Segment], halt: &Halt) -> Vec<io::Result<Option<Lines>>> {
    match segments {
        [one] => vec![Lines::read(one, halt)],
        several => thread::scope(|scope| {
            let reading: Vec<_> =
                several.iter().map(|segment| scope.spawn(|| Lines::read(segment, halt))).collect();
            let panicked = || Err(io::Error::other("a reader had panicked"));
            reading.into_iter().map(|reader| reader.join().unwrap_or_else(|_| panicked())).collect()
        }),
    }
}

impl Report {
    /// Whether the trail is as it was written.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }
}

impl fmt::Display for Fault {
    /// `FILE:LINE: record N: what is wrong`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file.display(), self.line)?;
        if let Some(sequence) = self.sequence {
            write!(f, "record {sequence}: ")?;
        }
        match self.what {
            FaultKind::Damaged => f.write_str("the compressed segment was changed"),
            FaultKind::Malformed => f.write_str("the line has not the form of an event"),
            FaultKind::Edited => f.write_str("the line was edited: it does not make its hash"),
            FaultKind::Missing { from } => write!(f, "the records from {from} up to this one are gone"),
            FaultKind::OutOfPlace => f.write_str("the line belongs elsewhere: copied, moved or inserted"),
            FaultKind::Unlinked => f.write_str("the line before was replaced"),
            FaultKind::Untimely => f.write_str("the time is out of order, or not of the folder's day"),
            FaultKind::Misnamed => f.write_str("the segment's name is not its first record"),
            FaultKind::NoBeginning => f.write_str("the trail starts here, in its middle"),
            FaultKind::Rewritten => f.write_str("this is not the record of which the head was noted"),
            FaultKind::Stray => f.write_str("this is no checkpoint"),
            FaultKind::Unsigned => f.write_str("the checkpoint is signed by no known key"),
            FaultKind::Contradicted { after } => {
                write!(
                    f,
                    "of the records after {after} up to this one, some are gone or changed since they were signed"
                )
            }
            FaultKind::Unsealed => f.write_str("the segment has ended, and no checkpoint covers its end"),
            FaultKind::Unexplained => f.write_str("records were removed, and no later record tells of it"),
            FaultKind::Truncated { head } => write!(f, "the trail ends before the noted head {head}"),
            FaultKind::NoTrail => f.write_str("there is no trail here: not one record"),
        }
    }
}
