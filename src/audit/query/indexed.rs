//! Answers a day through its index, and by a scan what is not in it.
//!
//! **Invariant:** where index and trail do not fit together the index is not trusted any more, and
//! the rest of the day is scanned: the answer is the same.

use std::io;

use crate::audit::index::{DayReader, Index, Spot};
use crate::audit::line::Place;
use crate::audit::query::filter::{Judged, Matcher};
use crate::audit::query::scan::{self, Flow};
use crate::audit::query::{Filter, Order, QueryError, Record};
use crate::audit::segment::{Forward, Piece, Segment};

/// How many lines are looked up at first, and at most, at once.
const FEW: usize = 128;
const MANY: usize = 2048;
/// Up to how far ahead, in bytes, a line is read on to rather than sought.
const NEAR: u64 = 128 * 1024;

/// The segments of a day.
pub(super) struct Day<'a> {
    name: &'a str,
    /// All of them, oldest first.
    all: Vec<&'a Segment>,
    /// Those that may hold a match, in the order asked for.
    asked: &'a [Segment],
    /// The day's last sequence, where another day follows.
    last: Option<u64>,
}

/// Reads lines at their places, oldest first.
pub(super) struct Lines<'a> {
    segments: &'a [&'a Segment],
    open: Option<(usize, Forward, u64)>,
}

impl<'a> Day<'a> {
    pub(super) fn new(name: &'a str, all: &'a [Segment], asked: &'a [Segment]) -> Day<'a> {
        let next = all.iter().find(|segment| segment.day.as_str() > name);
        Day {
            name,
            all: all.iter().filter(|segment| segment.day == name).collect(),
            asked,
            last: next.map(|next| next.first.saturating_sub(1)),
        }
    }

    /// All segments of the day.
    pub(super) fn lines(&self) -> Lines<'_> {
        Lines { segments: &self.all, open: None }
    }

    /// Whether the day may have lines that are not indexed.
    pub(super) fn has_more(&self, reader: &DayReader) -> bool {
        self.last != Some(reader.reached())
    }
}

impl Lines<'_> {
    /// The line at a spot; `None` where another one stands there.
    pub(super) fn read(&mut self, spot: Spot) -> io::Result<Option<Vec<u8>>> {
        let after = self.segments.partition_point(|segment| segment.first <= spot.sequence);
        let Some(at) = after.checked_sub(1) else { return Ok(None) };
        let mut reader = match self.open.take().filter(|(open, ..)| *open == at) {
            Some((_, mut reader, end)) => {
                if !(end..=end.saturating_add(NEAR)).contains(&spot.offset) {
                    reader.seek(spot.offset)?;
                }
                reader
            }
            None => Forward::open_at(&self.segments[at].path, spot.offset)?,
        };
        while let Some(piece) = reader.next()? {
            if piece.offset < spot.offset {
                continue;
            }
            let right = piece.complete && piece.offset == spot.offset;
            let right =
                right && Place::read(piece.bytes).is_some_and(|place| place.sequence == spot.sequence);
            let (line, end) = (piece.bytes.to_vec(), piece.offset + piece.bytes.len() as u64 + 1);
            self.open = Some((at, reader, end));
            return Ok(right.then_some(line));
        }
        Ok(None)
    }
}

/// Hands what matches in a day to `each`.
pub(super) fn walk(
    day: &Day<'_>,
    index: &Index,
    reader: &DayReader,
    filter: &Filter,
    each: &mut dyn FnMut(Record) -> Flow,
) -> Result<Flow, QueryError> {
    let reached = reader.reached();
    let has_tail = day.has_more(reader) && filter.before.is_none_or(|before| before > reached + 1);
    let tail = Filter { after: Some(filter.after.unwrap_or(0).max(reached)), ..filter.clone() };
    match filter.order {
        Order::NewestFirst => {
            if has_tail
                && part(index, &tail, each, |matcher, each| {
                    scan::walk(matcher, day.asked, filter.order, each)
                })? == Flow::Stop
            {
                return Ok(Flow::Stop);
            }
            through(day, index, reader, filter, each)
        }
        Order::OldestFirst => {
            if through(day, index, reader, filter, each)? == Flow::Stop {
                return Ok(Flow::Stop);
            }
            match has_tail {
                true => part(index, &tail, each, |matcher, each| onward(day, reader, matcher, each)),
                false => Ok(Flow::On),
            }
        }
    }
}

/// Scans a part of the day; stops only when `each` says so.
fn part(
    index: &Index,
    filter: &Filter,
    each: &mut dyn FnMut(Record) -> Flow,
    scan: impl FnOnce(&Matcher<'_>, &mut dyn FnMut(Record) -> Flow) -> io::Result<Flow>,
) -> Result<Flow, QueryError> {
    let mut flow = Flow::On;
    scan(&filter.matcher(index.halt())?, &mut |record| {
        flow = each(record);
        flow
    })?;
    Ok(flow)
}

/// What stands behind the last line that is indexed.
fn onward(
    day: &Day<'_>,
    reader: &DayReader,
    matcher: &Matcher<'_>,
    each: &mut dyn FnMut(Record) -> Flow,
) -> io::Result<Flow> {
    let last = reader.last().ok().flatten().unwrap_or(Spot { sequence: 0, offset: 0 });
    for (at, segment) in day.all.iter().enumerate() {
        let next = day.all.get(at + 1);
        if next.is_some_and(|next| next.first <= last.sequence) {
            continue;
        }
        let offset = if segment.first <= last.sequence { last.offset } else { 0 };
        if scan::walk_from(matcher, segment, offset, each)? == Flow::Stop {
            return Ok(Flow::Stop);
        }
    }
    Ok(Flow::On)
}

/// The indexed part of the day.
fn through(
    day: &Day<'_>,
    index: &Index,
    reader: &DayReader,
    filter: &Filter,
    each: &mut dyn FnMut(Record) -> Flow,
) -> Result<Flow, QueryError> {
    let mut last = None;
    if let Some(flow) = led(day, index, reader, filter, &mut last, each)? {
        return Ok(flow);
    }
    index.distrust(day.name);
    let beyond = Some(filter.before.unwrap_or(u64::MAX).min(reader.reached() + 1));
    let rest = match filter.order {
        Order::NewestFirst => Filter { before: last.or(beyond), ..filter.clone() },
        Order::OldestFirst => Filter { after: last.or(filter.after), before: beyond, ..filter.clone() },
    };
    part(index, &rest, each, |matcher, each| scan::walk(matcher, day.asked, filter.order, each))
}

/// Goes where the index leads, and notes in `last` how far it came; `None` where that is astray.
fn led(
    day: &Day<'_>,
    index: &Index,
    reader: &DayReader,
    filter: &Filter,
    last: &mut Option<u64>,
    each: &mut dyn FnMut(Record) -> Flow,
) -> Result<Option<Flow>, QueryError> {
    let matcher = filter.matcher(index.halt())?;
    let mut search = match reader.search(filter) {
        Ok(Some(search)) => search,
        Ok(None) => return Ok(Some(Flow::On)),
        Err(_) => return Ok(None),
    };
    let (mut lines, mut most) = (day.lines(), FEW);
    loop {
        let Ok(spots) = reader.next(&mut search, most) else { return Ok(None) };
        if spots.is_empty() {
            return Ok(Some(Flow::On));
        }
        let Some(found) = read(&mut lines, &spots) else { return Ok(None) };
        for (spot, line) in spots.iter().zip(&found) {
            let piece = Piece { offset: spot.offset, bytes: line, complete: true };
            match matcher.judge(piece) {
                Judged::Match(record) => {
                    if each(*record) == Flow::Stop {
                        return Ok(Some(Flow::Stop));
                    }
                }
                Judged::Pass => {}
                Judged::Beyond => return Ok(Some(Flow::On)),
            }
            *last = Some(spot.sequence);
        }
        most = MANY.min(most * 2);
    }
}

/// The lines at these spots, in the spots' order; `None` where one does not stand where it should.
fn read(lines: &mut Lines<'_>, spots: &[Spot]) -> Option<Vec<Vec<u8>>> {
    let falling = spots.first().zip(spots.last()).is_some_and(|(first, last)| first.sequence > last.sequence);
    let mut line = |spot: &Spot| lines.read(*spot).ok().flatten();
    // A file is read onwards, whichever way is asked for.
    if falling {
        let mut found: Vec<Vec<u8>> = spots.iter().rev().map(&mut line).collect::<Option<_>>()?;
        found.reverse();
        return Some(found);
    }
    spots.iter().map(line).collect()
}
