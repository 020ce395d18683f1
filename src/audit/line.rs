//! One line of the trail: how it is put together and read back by position, without a JSON
//! parser.
//!
//! **Invariant:** what stands before `event.sequence` and after the last `,"prev":"` is this
//! gateway's own text of known length, so no field's content can be taken for either.

use crate::audit::chain::{Head, LineHash};
use crate::audit::json::Json;
use crate::model::Timestamp;

/// The longest line that is written or read, in bytes.
pub(super) const MAX_LINE: usize = 1 << 20;
/// What position, chain and observer may take of it.
const ROOM: usize = 4096;

const OPENING: &[u8] = b"{\"@timestamp\":\"";
const TO_ID: &[u8] = b"\",\"ecs\":{\"version\":\"8.17\"},\"event\":{\"id\":\"";
const TO_SEQUENCE: &[u8] = b"\",\"sequence\":";
const TO_DATASET: &[u8] = b",\"kind\":\"event\",\"dataset\":\"";
const TO_PREV: &[u8] = b",\"prev\":\"";
const TO_HASH: &[u8] = b",\"hash\":\"";
const CLOSING: &[u8] = b"\"}}";
const TIME: usize = 24;
const ID: usize = 36;
const HEX: usize = 64;
const END: usize = TO_HASH.len() + HEX + CLOSING.len();

/// An event rendered but for time, sequence and chain, which the writer knows.
#[derive(Debug)]
pub(super) struct Draft {
    /// When it happened; the line's own time is never before its predecessor's.
    pub(super) time: Timestamp,
    /// `event.id`
    pub(super) id: uuid::Uuid,
    /// `{"kind":…}`: what follows in `event`.
    event: Json,
    /// `{…,"schoolgate":{…}}`: what stands behind `observer`.
    rest: Json,
}

/// Where a line stands and what it is about, read by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place<'a> {
    /// `@timestamp`; orders as text.
    pub(super) time: &'a str,
    /// `event.id`
    pub(super) id: &'a str,
    /// `event.sequence`
    pub(super) sequence: u64,
    /// `event.dataset`
    pub(super) dataset: &'a str,
}

/// The chained end of a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link<'a> {
    /// The hash of the line before, as this one says.
    pub(super) prev: LineHash,
    /// The hash of this line, as it says.
    pub(super) hash: LineHash,
    hashed: &'a [u8],
}

impl Draft {
    /// `None` when it would make a line longer than [`MAX_LINE`].
    pub(super) fn new(time: Timestamp, id: uuid::Uuid, event: Json, rest: Json) -> Option<Draft> {
        let fits = event.len() + rest.len() + ROOM <= MAX_LINE;
        fits.then_some(Draft { time, id, event, rest })
    }

    /// Writes the line that follows `head` to `out`, and answers the head it makes.
    pub(super) fn write(&self, head: Head, observer: &Json, out: &mut Vec<u8>) -> Head {
        let start = out.len();
        let time = self.time.max(head.time);
        let sequence = head.sequence + 1;
        out.extend_from_slice(OPENING);
        out.extend_from_slice(time.to_string().as_bytes());
        out.extend_from_slice(TO_ID);
        out.extend_from_slice(self.id.hyphenated().encode_lower(&mut [0; ID]).as_bytes());
        out.extend_from_slice(TO_SEQUENCE);
        out.extend_from_slice(sequence.to_string().as_bytes());
        out.push(b',');
        out.extend_from_slice(self.event.inside().as_bytes());
        out.extend_from_slice(b"},\"observer\":{");
        out.extend_from_slice(observer.inside().as_bytes());
        out.extend_from_slice(b"},");
        let rest = self.rest.inside();
        out.extend_from_slice(rest.strip_suffix('}').unwrap_or(rest).as_bytes());
        out.extend_from_slice(TO_PREV);
        out.extend_from_slice(&head.hash.hex());
        out.push(b'"');
        let hash = LineHash::of(&out[start..]);
        out.extend_from_slice(TO_HASH);
        out.extend_from_slice(&hash.hex());
        out.extend_from_slice(CLOSING);
        out.push(b'\n');
        Head { sequence, hash, time }
    }
}

impl<'a> Place<'a> {
    /// Reads the start of a line (without its line end).
    pub(super) fn read(line: &'a [u8]) -> Option<Place<'a>> {
        let (time, rest) = line.strip_prefix(OPENING)?.split_at_checked(TIME)?;
        let (id, rest) = rest.strip_prefix(TO_ID)?.split_at_checked(ID)?;
        let rest = rest.strip_prefix(TO_SEQUENCE)?;
        let digits = rest.iter().position(|byte| !byte.is_ascii_digit())?;
        let (digits, rest) = rest.split_at(digits);
        let rest = rest.strip_prefix(TO_DATASET)?;
        let dataset = &rest[..rest.iter().position(|byte| *byte == b'"')?];
        let text = |bytes| std::str::from_utf8(bytes).ok();
        let sequence = text(digits)?.parse().ok()?;
        Some(Place { time: text(time)?, id: text(id)?, sequence, dataset: text(dataset)? })
    }
}

impl<'a> Link<'a> {
    /// Reads the end of a line (without its line end).
    pub(super) fn read(line: &'a [u8]) -> Option<Link<'a>> {
        let (hashed, end) = line.split_at_checked(line.len().checked_sub(END)?)?;
        let hash = end.strip_prefix(TO_HASH)?.strip_suffix(CLOSING)?;
        let prev = &hashed[hashed.len().checked_sub(TO_PREV.len() + HEX + 1)?..];
        let prev = prev.strip_prefix(TO_PREV)?.strip_suffix(b"\"")?;
        Some(Link { prev: LineHash::read(prev)?, hash: LineHash::read(hash)?, hashed })
    }

    /// The hash that the line's bytes make.
    pub(super) fn computed(&self) -> LineHash {
        LineHash::of(self.hashed)
    }
}
