//! Follows the trail in its order, as it grows: what the index, the stream, syslog and the alerts
//! read.
//!
//! **Invariant:** a follower reads the files, and the writer knows nothing of it: who is slow
//! falls behind, holds up nobody and misses nothing. A line is shown once the writer stands by it:
//! of the segment that is written nothing behind the end of the head's line, of an older one nothing
//! that belongs to the next. What stands there, or stood there when it was read, was refused.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;

use crate::audit::chain::Head;
use crate::audit::line::Place;
use crate::audit::segment::{Forward, Segment};

/// Within how many bytes the place of a sequence is sought line by line: as much as is read at once.
const NEAR: u64 = 256 * 1024;

/// A line as it stands in the trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// `event.sequence`
    pub sequence: u64,
    /// The line, without its line end.
    pub line: String,
    /// The segment it stands in.
    pub(super) segment: Arc<Segment>,
    /// Where it starts in the plain segment.
    pub(super) offset: u64,
}

/// How far the trail stands.
#[derive(Clone, Debug)]
pub(super) struct Reach {
    /// Its last line.
    pub(super) head: Head,
    /// The segment that is written, and where the last line ends in it that stands.
    pub(super) open: Option<(Arc<Segment>, u64)>,
}

/// Reads the trail on from a sequence.
#[derive(Debug)]
pub struct Follower {
    dir: PathBuf,
    /// The last sequence that was read.
    last: u64,
    reach: watch::Receiver<Reach>,
    at: Option<At>,
}

/// A place in a segment.
#[derive(Debug)]
struct At {
    segment: Arc<Segment>,
    reader: Forward,
    /// Where the next line starts.
    offset: u64,
    bound: Bound,
}

/// Up to where a segment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    /// Up to this length: it is being written.
    Length(u64),
    /// Up to the line of this sequence, which begins the next one.
    Before(u64),
    /// Not known: nothing follows it, and nobody writes.
    Head,
}

/// What stands next in a segment.
enum Next {
    Line(Written),
    /// A line that was read before, or that is no event: naming it is `verify`'s part.
    Passed,
    /// Nothing yet.
    End,
}

impl Follower {
    pub(super) fn new(dir: &Path, after: u64, reach: watch::Receiver<Reach>) -> Follower {
        Follower { dir: dir.to_owned(), last: after, reach, at: None }
    }

    /// Another follower of the same trail.
    pub(super) fn again(&self, after: u64) -> Follower {
        Follower::new(&self.dir, after, self.reach.clone())
    }

    /// The last sequence that is written.
    pub(super) fn head(&self) -> u64 {
        self.reach.borrow().head.sequence
    }

    /// The sequence of the last line that was read.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Whether there is more to read now.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.head() > self.last
    }

    /// Waits until there is more to read; false when the trail was closed and all is read.
    pub async fn more(&mut self) -> bool {
        let last = self.last;
        self.reach.wait_for(|reach| reach.head.sequence > last).await.is_ok()
    }

    /// The next lines, at most `most`; none when all that is written was read. Blocks on the disk.
    ///
    /// # Errors
    /// When a folder or segment can't be read; reading on goes on at the same line.
    pub fn read(&mut self, most: usize) -> io::Result<Vec<Written>> {
        let reach = self.reach.borrow().clone();
        let head = reach.head.sequence;
        let mut lines = Vec::new();
        // Whoever has read all keeps their place: nothing is looked for anew with the next line.
        if self.last >= head {
            return Ok(lines);
        }
        if let Some(mut at) = self.at.take() {
            self.bind(&mut at, &reach)?;
            self.at = Some(at);
        }
        while lines.len() < most && self.last < head {
            let at = self.at.take().map_or_else(|| self.find(&reach), |at| Ok(Some(at)));
            let Some(mut at) = at? else { break };
            match at.next(self.last, head)? {
                Next::Line(line) => {
                    self.last = line.sequence;
                    lines.push(line);
                    self.at = Some(at);
                }
                Next::Passed => self.at = Some(at),
                Next::End => match self.following(&at.segment)? {
                    Some(following) => self.at = Some(self.start(following, &reach)?),
                    None => {
                        self.at = Some(at);
                        break;
                    }
                },
            }
        }
        Ok(lines)
    }

    /// The segment that holds the line after the last, or the first one after it.
    fn find(&self, reach: &Reach) -> io::Result<Option<At>> {
        let segments = Segment::list(&self.dir)?;
        let from = segments.partition_point(|segment| segment.first <= self.last + 1).saturating_sub(1);
        segments.into_iter().nth(from).map(|segment| self.start(segment, reach)).transpose()
    }

    /// The segment after one.
    fn following(&self, segment: &Segment) -> io::Result<Option<Segment>> {
        Ok(Segment::list(&self.dir)?.into_iter().find(|other| other.is_after(segment)))
    }

    fn start(&self, segment: Segment, reach: &Reach) -> io::Result<At> {
        let mut reader = Forward::open(&segment.path)?;
        let offset = if segment.first > self.last { 0 } else { near(&mut reader, self.last)? };
        let mut at = At { segment: Arc::new(segment), reader, offset, bound: Bound::Head };
        self.bind(&mut at, reach)?;
        Ok(at)
    }

    /// Sets up to where the segment stands. What was read ahead behind the old bound is forgotten: it
    /// may have been taken back since.
    fn bind(&self, at: &mut At, reach: &Reach) -> io::Result<()> {
        let bound = match (&reach.open, at.bound) {
            (Some((open, length)), _) if open.is(&at.segment) => Bound::Length(*length),
            (_, Bound::Before(first)) => Bound::Before(first),
            (_, Bound::Length(_) | Bound::Head) => {
                self.following(&at.segment)?.map_or(Bound::Head, |following| Bound::Before(following.first))
            }
        };
        if bound != at.bound || bound == Bound::Head {
            at.reader.seek(at.offset)?;
            at.bound = bound;
        }
        Ok(())
    }
}

#[cfg(test)]
impl Follower {
    /// Whether the next line is read where the last one ended.
    pub(super) fn keeps_its_place(&self) -> bool {
        self.at.is_some()
    }
}

impl At {
    /// What is half-written, or beyond `head`, is read again later: the writer may take it back.
    fn next(&mut self, last: u64, head: u64) -> io::Result<Next> {
        let Some(piece) = self.reader.next()? else { return Ok(Next::End) };
        let place = Place::read(piece.bytes);
        let end = piece.offset + piece.bytes.len() as u64 + 1;
        let stands = match self.bound {
            Bound::Length(length) => end <= length,
            Bound::Before(first) => place.is_none_or(|place| place.sequence < first),
            Bound::Head => true,
        };
        if !piece.complete || !stands || place.is_some_and(|place| place.sequence > head) {
            self.reader = Forward::open_at(&self.segment.path, self.offset)?;
            return Ok(Next::End);
        }
        let next = match place.zip(std::str::from_utf8(piece.bytes).ok()) {
            Some((place, line)) if place.sequence > last => {
                let (line, segment) = (line.to_owned(), Arc::clone(&self.segment));
                Next::Line(Written { sequence: place.sequence, line, segment, offset: piece.offset })
            }
            Some(_) | None => Next::Passed,
        };
        self.offset = end;
        Ok(next)
    }
}

/// Where a line starts that is not after this sequence, and not far from it: a segment's lines are in
/// order, so that half of what is left is passed over at once.
pub(super) fn near(reader: &mut Forward, sequence: u64) -> io::Result<u64> {
    let (mut low, mut high) = (0, reader.length()?);
    while high - low > NEAR {
        let middle = low + (high - low) / 2;
        match line_from(reader, middle, high)? {
            Some((offset, found)) if found <= sequence => low = offset,
            Some(_) | None => high = middle,
        }
    }
    Ok(low)
}

/// The first event that starts behind `from` and before `to`, and its sequence.
fn line_from(reader: &mut Forward, from: u64, to: u64) -> io::Result<Option<(u64, u64)>> {
    reader.seek(from)?;
    // The rest of a line, most likely.
    let _ = reader.next()?;
    while let Some(piece) = reader.next()?.filter(|piece| piece.offset < to) {
        if let Some(place) = Place::read(piece.bytes) {
            return Ok(Some((piece.offset, place.sequence)));
        }
    }
    Ok(None)
}
