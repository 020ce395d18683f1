//! Verifies a trail: names every record that is not as it was written.
//!
//! **Invariant:** any edit, deletion, insertion or reordering of lines is found without outside
//! help; a truncated or wholly rewritten trail is found given one older head.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::{fmt, io};

use crate::audit::chain::{Anchor, Head, LineHash};
use crate::audit::line::{Link, MAX_LINE, Place};
use crate::audit::packed;
use crate::audit::segment::{Forward, Piece, Segment};

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
    /// The trail ends before a head that was noted.
    Truncated {
        /// The sequence of that head.
        head: u64,
    },
}

/// Reads the whole trail under `dir`, and looks for each of the `known` heads: ones noted
/// earlier, or the last line before what retention removed.
///
/// # Errors
/// When a segment can't be read.
pub fn verify(dir: &Path, known: &[Anchor]) -> io::Result<Report> {
    let known = known.iter().map(|anchor| (anchor.sequence, anchor.hash)).collect();
    let mut check = Check { known, ..Check::default() };
    let segments = Segment::list(dir)?;
    let mut day = "";
    for segment in &segments {
        let before = check.report.events;
        check.segment(segment)?;
        if check.report.events > before && segment.day != day {
            check.report.days += 1;
            day = &segment.day;
        }
    }
    check.end(dir, segments.last());
    Ok(check.report)
}

/// The state of a verification.
#[derive(Default)]
struct Check {
    report: Report,
    known: HashMap<u64, LineHash>,
    /// The line before.
    last: Option<Last>,
    time: String,
}

/// The last line that was in its place.
#[derive(Clone, Copy)]
struct Last {
    sequence: u64,
    /// What the next line may name as its predecessor: the line's hash as stated and as
    /// computed. `None` when that line can't be read.
    hashes: Option<[LineHash; 2]>,
}

impl Check {
    fn segment(&mut self, segment: &Segment) -> io::Result<()> {
        let mut reader = Forward::open(&segment.path)?;
        if segment.is_packed() && (reader.is_damaged() || !packed::is_sealed(&segment.path)?) {
            self.fault(segment, 0, None, FaultKind::Damaged);
        }
        let mut number = 0;
        while let Some(piece) = reader.next()? {
            number += 1;
            self.report.events += 1;
            self.piece(segment, number, &piece);
        }
        Ok(())
    }

    fn piece(&mut self, segment: &Segment, number: u64, piece: &Piece<'_>) {
        let line = piece.complete && piece.bytes.len() <= MAX_LINE;
        let read = if line { Place::read(piece.bytes).zip(Link::read(piece.bytes)) } else { None };
        let expected = self.last.map(|last| last.sequence + 1);
        let Some((place, link)) = read else {
            self.fault(segment, number, expected, FaultKind::Malformed);
            self.pass(Last { sequence: expected.unwrap_or(segment.first), hashes: None });
            return;
        };
        let computed = link.computed();
        if computed != link.hash {
            let sequence = expected.unwrap_or(segment.first);
            self.fault(segment, number, Some(sequence), FaultKind::Edited);
            self.pass(Last { sequence, hashes: Some([link.hash, computed]) });
            return;
        }
        let wrong = self.place(place.sequence, link);
        if wrong == Some(FaultKind::OutOfPlace) {
            self.fault(segment, number, Some(place.sequence), FaultKind::OutOfPlace);
            return;
        }
        let misnamed = number == 1 && place.sequence != segment.first;
        let untimely = !place.time.starts_with(&segment.day) || place.time < self.time.as_str();
        let rewritten = self.known.get(&place.sequence).is_some_and(|hash| *hash != link.hash);
        let further = [
            misnamed.then_some(FaultKind::Misnamed),
            untimely.then_some(FaultKind::Untimely),
            rewritten.then_some(FaultKind::Rewritten),
        ];
        for what in wrong.into_iter().chain(further.into_iter().flatten()) {
            self.fault(segment, number, Some(place.sequence), what);
        }
        self.time.clear();
        self.time.push_str(place.time);
    }

    /// Whether the line is where it belongs, and what is wrong if it is not.
    fn place(&mut self, sequence: u64, link: Link<'_>) -> Option<FaultKind> {
        let this = Last { sequence, hashes: Some([link.hash; 2]) };
        let Some(last) = self.last else {
            self.pass(this);
            return (!self.is_beginning(sequence, link.prev)).then_some(FaultKind::NoBeginning);
        };
        let Some(hashes) = last.hashes else {
            // The unreadable line was this one's predecessor, or was put in between.
            if sequence < last.sequence {
                return Some(FaultKind::OutOfPlace);
            }
            self.pass(this);
            return (sequence > last.sequence + 1).then_some(FaultKind::Missing { from: last.sequence + 1 });
        };
        if sequence <= last.sequence {
            return Some(FaultKind::OutOfPlace);
        }
        self.pass(this);
        if sequence > last.sequence + 1 {
            return Some(FaultKind::Missing { from: last.sequence + 1 });
        }
        (!hashes.contains(&link.prev)).then_some(FaultKind::Unlinked)
    }

    fn pass(&mut self, line: Last) {
        self.report.first.get_or_insert(line.sequence);
        self.last = Some(line);
    }

    fn is_beginning(&self, sequence: u64, prev: LineHash) -> bool {
        let known = |before| self.known.get(&before) == Some(&prev);
        (sequence == 1 && prev == LineHash::NONE) || sequence.checked_sub(1).is_some_and(known)
    }

    fn fault(&mut self, segment: &Segment, line: u64, sequence: Option<u64>, what: FaultKind) {
        self.list(Fault { file: segment.path.clone(), line, sequence, what });
    }

    fn list(&mut self, fault: Fault) {
        if self.report.faults.len() < LISTED {
            self.report.faults.push(fault);
        } else {
            self.report.further_faults += 1;
        }
    }

    fn end(&mut self, dir: &Path, last: Option<&Segment>) {
        let end = self.last.map_or(Head::NONE.sequence, |line| line.sequence);
        self.report.last = self.last.map(|line| line.sequence);
        self.report.head = self.last.and_then(|line| line.hashes).map(|[stated, _]| stated);
        let file = last.map_or(dir, |segment| &segment.path).to_owned();
        let mut beyond: Vec<u64> = self.known.keys().copied().filter(|sequence| *sequence > end).collect();
        beyond.sort_unstable();
        for head in beyond {
            let what = FaultKind::Truncated { head };
            self.list(Fault { file: file.clone(), line: 0, sequence: Some(end + 1), what });
        }
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
            FaultKind::Truncated { head } => write!(f, "the trail ends before the noted head {head}"),
        }
    }
}
