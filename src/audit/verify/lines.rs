//! A segment's lines as a verification sees them; hashing them is most of its work, and is done
//! for several segments at once.

use std::io;

use sha2::{Digest, Sha256};

use crate::audit::chain::LineHash;
use crate::audit::line::{Link, MAX_LINE, Place};
use crate::audit::packed;
use crate::audit::query::Halt;
use crate::audit::removed::Removed;
use crate::audit::segment::{Forward, Piece, Segment};

/// The dataset of lines that tell of the trail itself.
const SYSTEM: &str = "schoolgate.system";

/// A segment as it was read.
#[derive(Debug)]
pub(super) struct Lines {
    /// Its lines in order.
    pub(super) seen: Vec<Seen>,
    /// Whether its compressed form is not as it was written.
    pub(super) damaged: bool,
    /// The SHA-256 of its lines, where some were removed.
    pub(super) digest: Option<String>,
}

/// A line.
#[derive(Debug)]
pub(super) enum Seen {
    /// One that has the form of an event.
    Event(Box<Event>),
    /// What stands for lines that were removed.
    Removed(Box<Removed>),
    /// Anything else.
    Malformed,
}

/// What of an event can be held against others.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) sequence: u64,
    pub(super) time: String,
    pub(super) prev: LineHash,
    /// The hash that it states.
    pub(super) stated: LineHash,
    /// The hash that its bytes make.
    pub(super) computed: LineHash,
    /// What it tells of the trail.
    pub(super) tells: Tells,
}

/// What an event tells of the trail itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tells {
    /// Nothing.
    Nothing,
    /// From here on segments end in checkpoints.
    Signing,
    /// Lines of this segment were removed, which left lines of this SHA-256.
    Removed(String, String),
}

impl Lines {
    /// `None` when it was broken off.
    pub(super) fn read(segment: &Segment, halt: &Halt) -> io::Result<Option<Lines>> {
        let mut reader = Forward::open(&segment.path)?;
        let mut seen = Vec::new();
        let mut damaged = false;
        while let Some(piece) = reader.next()? {
            if halt.is_called() {
                return Ok(None);
            }
            seen.push(Seen::read(&piece));
        }
        if segment.is_packed() {
            damaged = reader.is_damaged() || !packed::is_sealed(&segment.path)?;
        }
        let holed = seen.iter().any(|line| matches!(line, Seen::Removed(_)));
        let digest = if holed { Some(digest(segment)?) } else { None };
        Ok(Some(Lines { seen, damaged, digest }))
    }
}

impl Seen {
    fn read(piece: &Piece<'_>) -> Seen {
        if !piece.complete || piece.bytes.len() > MAX_LINE {
            return Seen::Malformed;
        }
        if let Some(removed) = Removed::read(piece.bytes) {
            return Seen::Removed(Box::new(removed));
        }
        let Some((place, link)) = Place::read(piece.bytes).zip(Link::read(piece.bytes)) else {
            return Seen::Malformed;
        };
        Seen::Event(Box::new(Event {
            sequence: place.sequence,
            time: place.time.to_owned(),
            prev: link.prev,
            stated: link.hash,
            computed: link.computed(),
            tells: if place.dataset == SYSTEM { Tells::read(piece.bytes) } else { Tells::Nothing },
        }))
    }
}

impl Tells {
    fn read(line: &[u8]) -> Tells {
        let Ok(event) = serde_json::from_slice::<serde_json::Value>(line) else { return Tells::Nothing };
        let detail = |name: &str| event["schoolgate"]["details"][name].as_str().map(str::to_owned);
        match event["event"]["action"].as_str() {
            Some("audit.signing") => Tells::Signing,
            Some("audit.removed") => match detail("segment").zip(detail("sha256")) {
                Some((segment, digest)) => Tells::Removed(segment, digest),
                None => Tells::Nothing,
            },
            Some(_) | None => Tells::Nothing,
        }
    }
}

/// The SHA-256 of a segment's lines, line ends and all.
pub(in crate::audit) fn digest(segment: &Segment) -> io::Result<String> {
    let mut reader = Forward::open(&segment.path)?;
    let mut digest = Sha256::new();
    while let Some(piece) = reader.next()? {
        digest.update(piece.bytes);
        if piece.complete {
            digest.update(b"\n");
        }
    }
    Ok(LineHash::from_bytes(digest.finalize().into()).to_string())
}
