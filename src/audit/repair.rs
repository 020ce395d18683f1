//! Where the trail ends, found at start; what a crash left half-written is set aside.
//!
//! **Invariant:** nothing is thrown away: bytes cut from a segment are kept beside it, and the
//! cut itself becomes an event.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::audit::chain::{Head, LineHash};
use crate::audit::line::{Link, Place};
use crate::audit::segment::{Backward, Piece, Segment};
use crate::model::Timestamp;

/// The end of the trail.
#[derive(Debug)]
pub(super) struct Tail {
    /// The last good line.
    pub(super) head: Head,
    /// The last segment and its length.
    pub(super) segment: Option<(Segment, u64)>,
    /// What was cut off.
    pub(super) repairs: Vec<Repair>,
}

/// A tail that was cut off.
#[derive(Debug)]
pub(super) struct Repair {
    /// The segment.
    pub(super) segment: PathBuf,
    /// Where its bytes are kept.
    pub(super) kept: PathBuf,
    /// How many bytes.
    pub(super) bytes: u64,
    /// How many lines, the torn one included.
    pub(super) lines: u64,
}

/// How much of a segment is good.
struct Good {
    head: Option<Head>,
    length: u64,
    cut_lines: u64,
}

/// A line as the chain sees it.
struct Line {
    head: Head,
    prev: LineHash,
    intact: bool,
    end: u64,
}

/// Finds the last good line and cuts off what follows it.
pub(super) fn recover(dir: &Path, now: Timestamp) -> io::Result<Tail> {
    let mut segments = Segment::list(dir)?;
    let mut tail = Tail { head: Head::NONE, segment: None, repairs: Vec::new() };
    while let Some(segment) = segments.pop() {
        let good = examine(&segment)?;
        let length = fs::metadata(&segment.path)?.len();
        // What is compressed was whole once; what is wrong with it now is `verify`'s part.
        if good.length < length && !segment.is_packed() {
            let kept = cut(&segment, good.length, now)?;
            tail.repairs.push(Repair {
                segment: segment.path.clone(),
                kept,
                bytes: length - good.length,
                lines: good.cut_lines,
            });
        }
        if tail.segment.is_none() {
            tail.segment = Some((segment, good.length));
        }
        if let Some(head) = good.head {
            tail.head = head;
            break;
        }
    }
    Ok(tail)
}

/// From the end, the first line whose hash is right and that follows the line before it.
fn examine(segment: &Segment) -> io::Result<Good> {
    let mut reader = Backward::open(&segment.path)?;
    let mut cut_lines = 0;
    let mut candidate: Option<Line> = None;
    while let Some(piece) = reader.next()? {
        let line = if piece.complete { Line::read(&piece) } else { None };
        if let Some(last) = candidate.take() {
            if line.as_ref().is_some_and(|before| last.follows(before)) {
                return Ok(Good { head: Some(last.head), length: last.end, cut_lines });
            }
            cut_lines += 1;
        }
        candidate = line.filter(|line| line.intact);
        cut_lines += u64::from(candidate.is_none());
    }
    match candidate {
        Some(only) if only.head.sequence == segment.first => {
            Ok(Good { head: Some(only.head), length: only.end, cut_lines })
        }
        Some(_) => Ok(Good { head: None, length: 0, cut_lines: cut_lines + 1 }),
        None => Ok(Good { head: None, length: 0, cut_lines }),
    }
}

impl Line {
    fn read(piece: &Piece<'_>) -> Option<Line> {
        let (place, link) = (Place::read(piece.bytes)?, Link::read(piece.bytes)?);
        let time = place.time.parse().ok()?;
        Some(Line {
            head: Head { sequence: place.sequence, hash: link.hash, time },
            prev: link.prev,
            intact: link.computed() == link.hash,
            end: piece.offset + piece.bytes.len() as u64 + 1,
        })
    }

    fn follows(&self, before: &Line) -> bool {
        self.prev == before.head.hash && self.head.sequence == before.head.sequence + 1
    }
}

/// Keeps what follows `length` in a file beside the segment, then cuts it off.
fn cut(segment: &Segment, length: u64, now: Timestamp) -> io::Result<PathBuf> {
    let kept = segment.torn(now);
    let mut from = File::open(&segment.path)?;
    from.seek(SeekFrom::Start(length))?;
    let mut to = OpenOptions::new().write(true).create_new(true).mode(0o640).open(&kept)?;
    if let Err(error) = io::copy(&mut from, &mut to).and_then(|_| to.sync_all()) {
        // Half of what is to be kept would only take room.
        fs::remove_file(&kept)?;
        return Err(error);
    }
    let whole = OpenOptions::new().write(true).open(&segment.path)?;
    whole.set_len(length)?;
    whole.sync_all()?;
    Ok(kept)
}
