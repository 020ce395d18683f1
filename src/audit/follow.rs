//! Follows the trail in its order, as it grows: what the index, the stream, syslog and the alerts
//! read.
//!
//! **Invariant:** a follower reads the files, and the writer knows nothing of it: who is slow
//! falls behind, holds up nobody and misses nothing. A line is shown once the writer stands by it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;

use crate::audit::chain::Head;
use crate::audit::line::Place;
use crate::audit::segment::{Forward, Segment};

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

/// Reads the trail on from a sequence.
#[derive(Debug)]
pub struct Follower {
    dir: PathBuf,
    /// The last sequence that was read.
    last: u64,
    head: watch::Receiver<Head>,
    at: Option<At>,
}

/// A place in a segment.
#[derive(Debug)]
struct At {
    segment: Arc<Segment>,
    reader: Forward,
    /// Where the next line starts.
    offset: u64,
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
    pub(super) fn new(dir: &Path, after: u64, head: watch::Receiver<Head>) -> Follower {
        Follower { dir: dir.to_owned(), last: after, head, at: None }
    }

    /// Another follower of the same trail.
    pub(super) fn again(&self, after: u64) -> Follower {
        Follower::new(&self.dir, after, self.head.clone())
    }

    /// The last sequence that is written.
    pub(super) fn head(&self) -> u64 {
        self.head.borrow().sequence
    }

    /// The sequence of the last line that was read.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Whether there is more to read now.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.head.borrow().sequence > self.last
    }

    /// Waits until there is more to read; false when the trail was closed and all is read.
    pub async fn more(&mut self) -> bool {
        let last = self.last;
        self.head.wait_for(|head| head.sequence > last).await.is_ok()
    }

    /// The next lines, at most `most`; none when all that is written was read. Blocks on the disk.
    ///
    /// # Errors
    /// When a folder or segment can't be read; reading on goes on at the same line.
    pub fn read(&mut self, most: usize) -> io::Result<Vec<Written>> {
        let head = self.head.borrow().sequence;
        let mut lines = Vec::new();
        while lines.len() < most && self.last < head {
            let Some(mut at) = self.at.take().map_or_else(|| self.find(), |at| Ok(Some(at)))? else { break };
            match at.next(self.last, head)? {
                Next::Line(line) => {
                    self.last = line.sequence;
                    lines.push(line);
                    self.at = Some(at);
                }
                Next::Passed => self.at = Some(at),
                Next::End => match self.following(&at)? {
                    Some(following) => self.at = Some(following),
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
    fn find(&self) -> io::Result<Option<At>> {
        let segments = Segment::list(&self.dir)?;
        let from = segments.partition_point(|segment| segment.first <= self.last + 1).saturating_sub(1);
        segments.into_iter().nth(from).map(At::start).transpose()
    }

    /// The segment after one that was read to its end.
    fn following(&self, at: &At) -> io::Result<Option<At>> {
        let segments = Segment::list(&self.dir)?;
        let mut later = segments.into_iter().filter(|segment| segment.is_after(&at.segment));
        later.next().map(At::start).transpose()
    }
}

impl At {
    fn start(segment: Segment) -> io::Result<At> {
        let reader = Forward::open(&segment.path)?;
        Ok(At { segment: Arc::new(segment), reader, offset: 0 })
    }

    /// What is half-written, or beyond `head`, is read again later: the writer may take it back.
    fn next(&mut self, last: u64, head: u64) -> io::Result<Next> {
        let Some(piece) = self.reader.next()? else { return Ok(Next::End) };
        let place = Place::read(piece.bytes);
        if !piece.complete || place.is_some_and(|place| place.sequence > head) {
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
        self.offset = piece.offset + piece.bytes.len() as u64 + 1;
        Ok(next)
    }
}
