//! Walks segments' whole lines in either direction, and judges each.

use std::io;
use std::path::Path;

use crate::audit::query::filter::{Judged, Matcher};
use crate::audit::query::{Order, Record};
use crate::audit::segment::{Backward, Forward, Piece, Segment};

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    On,
    Stop,
}

/// A walk through one segment.
enum Walk {
    Oldest(Forward),
    Newest(Backward),
}

impl Walk {
    fn open(path: &Path, order: Order) -> io::Result<Walk> {
        match order {
            Order::OldestFirst => Forward::open(path).map(Walk::Oldest),
            Order::NewestFirst => Backward::open(path).map(Walk::Newest),
        }
    }

    /// The next piece; one that is still being written is no line, and matches nothing.
    fn next(&mut self) -> io::Result<Option<Piece<'_>>> {
        match self {
            Walk::Oldest(reader) => reader.next(),
            Walk::Newest(reader) => reader.next(),
        }
    }
}

/// Hands what matches in these segments, which are in the order asked for, to `each`.
pub(super) fn walk(
    matcher: &Matcher<'_>,
    segments: &[Segment],
    order: Order,
    each: &mut dyn FnMut(Record) -> Flow,
) -> io::Result<Flow> {
    for segment in segments {
        if lines(matcher, Walk::open(&segment.path, order)?, each)? == Flow::Stop {
            return Ok(Flow::Stop);
        }
    }
    Ok(Flow::On)
}

/// As [`walk`], oldest first, from a line of one segment on.
pub(super) fn walk_from(
    matcher: &Matcher<'_>,
    segment: &Segment,
    offset: u64,
    each: &mut dyn FnMut(Record) -> Flow,
) -> io::Result<Flow> {
    lines(matcher, Walk::Oldest(Forward::open_at(&segment.path, offset)?), each)
}

fn lines(matcher: &Matcher<'_>, mut walk: Walk, each: &mut dyn FnMut(Record) -> Flow) -> io::Result<Flow> {
    while let Some(piece) = walk.next()? {
        match matcher.judge(piece) {
            Judged::Match(record) => {
                if each(*record) == Flow::Stop {
                    return Ok(Flow::Stop);
                }
            }
            Judged::Pass => {}
            Judged::Beyond => return Ok(Flow::Stop),
        }
    }
    Ok(Flow::On)
}
