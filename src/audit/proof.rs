//! Proofs: that a line is one of those that a checkpoint was signed over, without the others.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::audit::chain::LineHash;
use crate::audit::checkpoint::{self, Checkpoint, Signed};
use crate::audit::key::Key;
use crate::audit::line::{Link, Place};
use crate::audit::merkle::{Subtree, Tree, root_of};
use crate::audit::removed::Removed;
use crate::audit::segment::{Forward, Segment};

/// That a line is covered by a checkpoint: enough to check it with the line and the public key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The line's sequence.
    pub sequence: u64,
    /// Its segment: the first line's sequence.
    pub segment: u64,
    /// The line's place among the segment's lines, from 0.
    pub index: u64,
    /// How many lines the checkpoint covers.
    pub size: u64,
    /// The hashes beside the way up from the line to the root (RFC 9162, section 2.1.3).
    pub path: Vec<LineHash>,
    /// The checkpoint's line as it stands.
    pub checkpoint: String,
}

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// A folder or segment can't be read.
    #[error("the audit trail can't be read: {0}")]
    Unreadable(#[from] io::Error),
    /// No line has that sequence, or it was removed.
    #[error("there is no record {0}")]
    Unknown(u64),
    /// No checkpoint covers the line yet.
    #[error("record {0} is not covered by a checkpoint yet: one is written every minute")]
    Uncovered(u64),
    /// The segment's lines don't make the root that was signed.
    #[error("the lines around record {0} are not those that were signed: run `schoolgate audit verify`")]
    Spoilt(u64),
}

/// Why a proof does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// The line's bytes don't make its hash, or it is another line.
    #[error("the line is not the record that the proof is about")]
    Line,
    /// The checkpoint is not signed by this key, or is about other lines.
    #[error("the checkpoint is not signed by this key, or not about this segment")]
    Checkpoint,
    /// The path does not lead from the line to the root that was signed.
    #[error("the line is not among those that were signed")]
    Path,
}

/// Proves lines of a trail; a segment is read once for all of its lines that are asked for in a row.
#[derive(Debug)]
pub struct Prover {
    segments: Vec<Segment>,
    at: Option<Grown>,
}

/// A segment made ready.
#[derive(Debug)]
struct Grown {
    first: u64,
    tree: Tree,
    /// Its checkpoints as they stand, the newest first.
    checkpoints: Vec<(String, Checkpoint)>,
}

/// The proof of the line with this sequence, by the last checkpoint that covers it.
///
/// # Errors
/// [`ProveError`]; for a line that is not covered yet, ask [`super::Recorder::seal`] first.
pub fn prove(dir: &Path, sequence: u64) -> Result<Proof, ProveError> {
    Prover::new(dir)?.prove(sequence)
}

impl Prover {
    /// Of the trail under `dir`, as it is now.
    ///
    /// # Errors
    /// When a folder can't be read.
    pub fn new(dir: &Path) -> io::Result<Prover> {
        Ok(Prover { segments: Segment::list(dir)?, at: None })
    }

    /// As [`prove`].
    ///
    /// # Errors
    /// [`ProveError`].
    pub fn prove(&mut self, sequence: u64) -> Result<Proof, ProveError> {
        let mut holding = self.segments.iter().rev().filter(|segment| segment.first <= sequence);
        let segment = holding.next().ok_or(ProveError::Unknown(sequence))?;
        let at = match self.at.take().filter(|at| at.first == segment.first) {
            Some(at) => at,
            None => Grown::read(segment)?,
        };
        let proof = at.prove(sequence);
        self.at = Some(at);
        proof
    }
}

impl Grown {
    fn read(segment: &Segment) -> io::Result<Grown> {
        // Before the lines: a checkpoint that is written meanwhile covers more of them.
        let lines = segment.path.parent().map(checkpoint::lines).transpose()?.unwrap_or_default();
        let read = |line: &str| Some((line.to_owned(), Signed::read(line)?.checkpoint));
        let of_it = lines.lines().rev().filter_map(read).filter(|(_, said)| said.segment == segment.first);
        let checkpoints = of_it.collect();
        Ok(Grown { first: segment.first, tree: grown(segment)?, checkpoints })
    }

    fn prove(&self, sequence: u64) -> Result<Proof, ProveError> {
        let index = sequence - self.first;
        if index >= self.tree.size() {
            return Err(ProveError::Unknown(sequence));
        }
        let covering = self.checkpoints.iter().find(|(_, checkpoint)| index < checkpoint.size);
        let (line, checkpoint) = covering.ok_or(ProveError::Uncovered(sequence))?;
        let size = checkpoint.size;
        if size > self.tree.size() || self.tree.root(size) != Some(checkpoint.root) {
            return Err(ProveError::Spoilt(sequence));
        }
        let path = self.tree.path(index, size).ok_or(ProveError::Spoilt(sequence))?;
        Ok(Proof { sequence, segment: self.first, index, size, path, checkpoint: line.clone() })
    }
}

impl Proof {
    /// Checks that `line` (without its line end) is covered by a checkpoint of this key.
    ///
    /// # Errors
    /// [`Unproven`] says what is not as it should be.
    pub fn holds(&self, line: &str, key: &Key) -> Result<(), Unproven> {
        let place = Place::read(line.as_bytes()).filter(|place| place.sequence == self.sequence);
        let link = Link::read(line.as_bytes()).filter(|link| link.computed() == link.hash);
        let (_, link) = place.zip(link).ok_or(Unproven::Line)?;
        let signed = Signed::read(&self.checkpoint).filter(|signed| signed.is_by(std::slice::from_ref(key)));
        let said = signed.ok_or(Unproven::Checkpoint)?.checkpoint;
        let about = said.segment == self.segment
            && said.size == self.size
            && self.segment.checked_add(self.index) == Some(self.sequence);
        if !about {
            return Err(Unproven::Checkpoint);
        }
        let root = root_of(link.hash, self.index, self.size, &self.path);
        if root == Some(said.root) { Ok(()) } else { Err(Unproven::Path) }
    }
}

/// The tree over a segment's whole lines, by the hashes that they state.
fn grown(segment: &Segment) -> io::Result<Tree> {
    let mut tree = Tree::default();
    let mut reader = Forward::open(&segment.path)?;
    while let Some(piece) = reader.next()? {
        let line = Link::read(piece.bytes).map(|link| vec![Subtree::line(link.hash)]);
        let removed = || Removed::read(piece.bytes)?.subtrees(segment.first);
        let Some(grown) = line.or_else(removed).filter(|_| piece.complete) else { break };
        if !grown.into_iter().all(|subtree| tree.push(subtree)) {
            break;
        }
    }
    Ok(tree)
}
