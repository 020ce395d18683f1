//! A segment without the lines that are past their time.

use std::collections::BTreeMap;
use std::io;

use crate::audit::chain::LineHash;
use crate::audit::line::{Link, Place};
use crate::audit::merkle::{Subtree, Tree};
use crate::audit::removed::Removed;
use crate::audit::retention::{Due, sha256};
use crate::audit::segment::{Forward, Segment};
use crate::audit::verify::segment_name;

/// What is left of a segment.
pub(super) struct Rewritten {
    /// Its lines, line ends and all.
    pub(super) lines: Vec<u8>,
    /// What was taken out.
    pub(super) due: Due,
}

/// What a segment comes to.
#[derive(Default)]
struct Pieces {
    items: Vec<Item>,
    tree: Tree,
    /// The last line's sequence and hash.
    last: Option<(u64, LineHash)>,
    due: BTreeMap<String, u64>,
    span: Option<(u64, u64)>,
}

/// A line that stays, or lines that go.
enum Item {
    Kept(Vec<u8>),
    Gone { from: u64, to: u64, prev: LineHash, hash: LineHash },
}

impl Rewritten {
    /// Takes out all that `keep` does not keep. `None` for a segment that is not as it was written.
    pub(super) fn of(
        segment: &Segment,
        mut keep: impl FnMut(&Place<'_>, &[u8]) -> bool,
    ) -> io::Result<Option<Rewritten>> {
        let mut pieces = Pieces::default();
        let mut reader = Forward::open(&segment.path)?;
        while let Some(piece) = reader.next()? {
            let sound = piece.complete
                && match Removed::read(piece.bytes) {
                    Some(removed) => pieces.gone(segment, removed),
                    None => pieces.line(segment, piece.bytes, &mut keep),
                };
            if !sound {
                return Ok(None);
            }
        }
        if reader.is_damaged() {
            return Ok(None);
        }
        Ok(pieces.written(segment))
    }
}

impl Pieces {
    /// Takes an event; false where it is not what stood there.
    fn line(
        &mut self,
        segment: &Segment,
        line: &[u8],
        keep: &mut impl FnMut(&Place<'_>, &[u8]) -> bool,
    ) -> bool {
        let Some((place, link)) = Place::read(line).zip(Link::read(line)) else { return false };
        let follows = self.last.is_none_or(|(_, hash)| hash == link.prev);
        let is_next = place.sequence == segment.first + self.tree.size();
        if !follows || !is_next || link.computed() != link.hash {
            return false;
        }
        self.last = Some((place.sequence, link.hash));
        if keep(&place, line) {
            self.items.push(Item::Kept(line.to_vec()));
        } else {
            *self.due.entry(place.dataset.to_owned()).or_default() += 1;
            let (from, _) = self.span.unwrap_or((place.sequence, place.sequence));
            self.span = Some((from, place.sequence));
            self.run(place.sequence, place.sequence, link.prev, link.hash);
        }
        self.tree.push(Subtree::line(link.hash))
    }

    /// Takes what stands for lines that went before.
    fn gone(&mut self, segment: &Segment, removed: Removed) -> bool {
        let follows = self.last.is_none_or(|(_, hash)| hash == removed.prev);
        let is_next = removed.from == segment.first + self.tree.size();
        let Some(subtrees) = removed.subtrees(segment.first).filter(|_| follows && is_next) else {
            return false;
        };
        self.last = Some((removed.to, removed.hash));
        self.run(removed.from, removed.to, removed.prev, removed.hash);
        subtrees.into_iter().all(|subtree| self.tree.push(subtree))
    }

    /// Lines that go, one run with those just before them.
    fn run(&mut self, first: u64, last: u64, before: LineHash, end: LineHash) {
        if let Some(Item::Gone { to, hash, .. }) = self.items.last_mut() {
            (*to, *hash) = (last, end);
        } else {
            self.items.push(Item::Gone { from: first, to: last, prev: before, hash: end });
        }
    }

    fn written(self, segment: &Segment) -> Option<Rewritten> {
        let mut lines = Vec::new();
        for item in self.items {
            match item {
                Item::Kept(line) => lines.extend_from_slice(&line),
                Item::Gone { from, to, prev, hash } => {
                    let cover = self.tree.cover(from - segment.first, to - segment.first + 1)?;
                    let removed = Removed { from, to, prev, hash, cover };
                    lines.extend_from_slice(removed.write().ok()?.as_bytes());
                }
            }
            lines.push(b'\n');
        }
        let (from, to) = self.span.unwrap_or_default();
        let (segment, sha256) = (segment_name(&segment.path), sha256(&lines));
        Some(Rewritten { lines, due: Due { segment, from, to, datasets: self.due, sha256 } })
    }
}
