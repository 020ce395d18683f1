//! What the writer keeps of the open segment so that it can be signed: the edge of its tree.
//!
//! **Invariant:** the edge holds just the lines that the writer stands by, in their order; the
//! last word for a segment covers its last line.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::audit::chain::Head;
use crate::audit::checkpoint::{self, Checkpoint, Signed, Statement};
use crate::audit::force::Handle;
use crate::audit::line::{Link, Place};
use crate::audit::merkle::{Edge, Subtree};
use crate::audit::notary::{Answer, Notary, SealError};
use crate::audit::segment::{Forward, Segment};
use crate::model::Timestamp;

/// The open segment's tree, and who signs it.
#[derive(Debug)]
pub(super) struct Ledger {
    /// `None` for a trail that is not signed.
    notary: Option<Notary>,
    open: Option<Measured>,
    /// When the last checkpoint was asked for.
    last: Option<Timestamp>,
    /// How long lines may be without one.
    every: Duration,
}

/// A segment and the tree over its lines.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    /// The segment.
    pub(super) segment: Segment,
    handle: Option<Handle>,
    edge: Edge,
    head: Head,
    /// How many lines the last checkpoint covers that was asked for.
    asked: u64,
}

/// What a start finds of the trail's segments.
#[derive(Debug)]
pub(super) struct Found {
    /// The segment to go on with, where it is as it was signed.
    pub(super) open: Option<Measured>,
    /// Closed segments whose last line no checkpoint covers yet.
    pub(super) missed: Vec<Measured>,
}

impl Ledger {
    /// Has what a start found missing signed, and goes on with the open segment.
    pub(super) fn new(notary: Option<Notary>, found: Found, now: Timestamp, every: Duration) -> Ledger {
        for missed in found.missed {
            if let Some(notary) = &notary {
                notary.sign(missed.statement(now), Vec::new());
            }
        }
        Ledger { notary, open: found.open, last: None, every }
    }

    /// The writer wrote these lines to the end of the segment.
    pub(super) fn took(
        &mut self,
        segment: Option<(&Segment, &Handle)>,
        heads: impl Iterator<Item = Head>,
        now: Timestamp,
    ) {
        let (Some((segment, handle)), true) = (segment, self.notary.is_some()) else { return };
        if self.open.as_ref().is_none_or(|open| open.segment != *segment) {
            self.seal(Vec::new(), now);
            self.open = Some(Measured::empty(segment));
        }
        let Some(open) = &mut self.open else { return };
        open.handle = Some(handle.clone());
        heads.for_each(|head| open.push(head));
        self.look(now);
    }

    /// Has the lines so far signed, where it is time.
    pub(super) fn look(&mut self, now: Timestamp) {
        if self.last.is_none_or(|last| now.since(last) >= self.every) {
            self.seal(Vec::new(), now);
        }
    }

    /// Has the lines so far signed; told is who waits for it.
    pub(super) fn seal(&mut self, answers: Vec<Answer>, now: Timestamp) {
        let open = self.open.as_mut().filter(|open| open.edge.size() > 0);
        match (&self.notary, open) {
            (Some(_), Some(open)) if answers.is_empty() && open.asked == open.edge.size() => {}
            (Some(notary), Some(open)) => {
                notary.sign(open.statement(now), answers);
                open.asked = open.edge.size();
                self.last = Some(now);
            }
            (Some(_) | None, _) => {
                for answer in answers {
                    drop(answer.send(Err(SealError::Nothing)));
                }
            }
        }
    }

    /// Has the last lines signed, and waits for it.
    pub(super) fn finish(&mut self, now: Timestamp) {
        self.seal(Vec::new(), now);
        self.open = None;
        if let Some(notary) = self.notary.take() {
            notary.finish();
        }
    }
}

impl Measured {
    fn empty(segment: &Segment) -> Measured {
        Measured { segment: segment.clone(), handle: None, edge: Edge::default(), head: Head::NONE, asked: 0 }
    }

    /// Reads a segment's lines up to `length`. `None` when they are not what can be signed: a line
    /// that is none, a place that is not its own, or another tree than `signed` says.
    fn read(segment: &Segment, length: u64, signed: Option<&Checkpoint>) -> io::Result<Option<Measured>> {
        let mut measured = Measured::empty(segment);
        let mut reader = Forward::open(&segment.path)?;
        let mut end = 0;
        let mut confirmed = signed.is_none();
        while end < length {
            let Some(piece) = reader.next()? else { break };
            end = piece.offset + piece.bytes.len() as u64 + 1;
            let (place, link) = (Place::read(piece.bytes), Link::read(piece.bytes));
            let next = segment.first + measured.edge.size();
            match place.zip(link).zip(place.and_then(|place| place.time.parse().ok())) {
                Some(((place, link), time)) if place.sequence == next && piece.complete => {
                    measured.push(Head { sequence: next, hash: link.hash, time });
                }
                Some(_) | None => return Ok(None),
            }
            if let Some(signed) = signed.filter(|signed| signed.size == measured.edge.size()) {
                confirmed = signed.root == measured.edge.root();
                measured.asked = signed.size;
            }
        }
        Ok(confirmed.then_some(measured))
    }

    fn push(&mut self, head: Head) {
        // A line can stand anywhere.
        let _ = self.edge.push(Subtree::line(head.hash));
        self.head = head;
    }

    fn statement(&self, time: Timestamp) -> Statement {
        Statement {
            segment: self.segment.clone(),
            handle: self.handle.clone(),
            head: self.head,
            size: self.edge.size(),
            root: self.edge.root(),
            time,
        }
    }
}

impl Found {
    /// Nothing is gone on with, nothing was missed.
    pub(super) const NONE: Found = Found { open: None, missed: Vec::new() };

    /// Reads what the last checkpoints and the segments after them say. `last` is the last segment
    /// and its length, `head` the last line of the trail.
    pub(super) fn read(dir: &Path, last: Option<&(Segment, u64)>, head: Head) -> io::Result<Found> {
        let segments = Segment::list(dir)?;
        let newest = newest(&segments)?;
        let mut found = Found::NONE;
        if let Some((segment, length)) = last {
            let signed = newest.as_ref().filter(|(at, _)| at == segment).map(|(_, signed)| signed);
            found.open = Measured::read(segment, *length, signed)?
                .filter(|open| open.segment.first + open.edge.size() == head.sequence + 1);
        }
        let Some((from, signed)) = newest else { return Ok(found) };
        for segment in segments.iter().filter(|segment| !from.is_after(segment)) {
            let is_open = found.open.as_ref().is_some_and(|open| open.segment == *segment);
            let signed = Some(&signed).filter(|_| *segment == from);
            let closed = if is_open { None } else { Measured::read(segment, u64::MAX, signed)? };
            let covered = |closed: &Measured| {
                closed.edge.size() == 0 || signed.is_some_and(|signed| signed.size == closed.edge.size())
            };
            found.missed.extend(closed.filter(|closed| !covered(closed)));
        }
        Ok(found)
    }
}

/// The last checkpoint of all, and its segment.
fn newest(segments: &[Segment]) -> io::Result<Option<(Segment, Checkpoint)>> {
    let mut looked = None;
    for segment in segments.iter().rev() {
        if looked == Some(segment.day.as_str()) {
            continue;
        }
        looked = Some(segment.day.as_str());
        let lines = segment.path.parent().map(checkpoint::lines).transpose()?.unwrap_or_default();
        let last = lines.lines().rev().find_map(Signed::read).map(|signed| signed.checkpoint);
        if let Some(last) = last {
            let of = |segment: &&Segment| {
                segment.day == looked.unwrap_or_default() && segment.first == last.segment
            };
            return Ok(segments.iter().find(of).cloned().map(|segment| (segment, last)));
        }
    }
    Ok(None)
}
