//! Finds the lines that end accesses.
//!
//! **Invariant:** how an access ended is found or not found whatever it is asked for with; a day is
//! opened only where an end may stand in it.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use crate::audit::index::{DayReader, Index};
use crate::audit::line::Place;
use crate::audit::query::indexed::Day;
use crate::audit::query::scan::Flow;
use crate::audit::query::{Halt, QueryError, Record};
use crate::audit::segment::{Forward, Segment};
use crate::model::Timestamp;

/// How long after an access its end is looked for.
const HORIZON: Duration = Duration::from_secs(24 * 60 * 60);

/// Accesses whose ends are looked for.
pub(in crate::audit) struct Ends {
    /// By `event.sequence`, in which order they pass the horizon: `event.id` and `@timestamp`.
    open: BTreeMap<u64, (Uuid, Timestamp)>,
    /// `event.id` → `event.sequence`
    sequences: HashMap<Uuid, u64>,
    /// Below this sequence.
    before: u64,
}

/// Takes an end: of which access, its own sequence, and its line; false once enough is known.
type Each<'a> = &'a mut dyn FnMut(Uuid, u64, &[u8]) -> bool;

/// A trail to look in, and what takes each end.
struct Way<'a> {
    index: Option<&'a Index>,
    halt: Halt,
    until: String,
    each: Each<'a>,
}

impl Ends {
    /// None yet; ends are looked for below this sequence.
    pub(in crate::audit) fn before(before: Option<u64>) -> Ends {
        let before = before.unwrap_or(u64::MAX);
        Ends { open: BTreeMap::new(), sequences: HashMap::new(), before }
    }

    /// Takes in an event; its id, where it is an access that does not say how it ended.
    pub(in crate::audit) fn add(&mut self, sequence: u64, event: &Value) -> Option<Uuid> {
        let access = event["event"]["dataset"] == "schoolgate.access";
        if !access || !event["schoolgate"]["closed_by"].is_null() {
            return None;
        }
        let id = event["event"]["id"].as_str()?.parse().ok()?;
        let time = event["@timestamp"].as_str()?.parse().ok()?;
        self.open.insert(sequence, (id, time));
        self.sequences.insert(id, sequence);
        Some(id)
    }

    /// Reads on from the first access until every end is found, through the index where there is
    /// one, and hands each to `each`, in order, until that answers false.
    ///
    /// # Errors
    /// As [`super::query`].
    pub(in crate::audit) fn find(
        mut self,
        dir: &Path,
        index: Option<&Index>,
        each: Each<'_>,
    ) -> Result<(), QueryError> {
        let latest = self.open.values().map(|(_, time)| *time).max();
        let (Some((first, _)), Some(latest)) = (self.open.first_key_value(), latest) else { return Ok(()) };
        let halt = index.map(|index| index.halt().clone()).unwrap_or_default();
        let mut way = Way { index, halt: halt.clone(), until: latest.plus(HORIZON).to_string(), each };
        let segments = Segment::list(dir)?;
        let from = segments.partition_point(|segment| segment.first <= *first).saturating_sub(1);
        for day in segments[from..].chunk_by(|a, b| a.day == b.day) {
            self.pass(&day[0].day);
            let Some((first, _)) = self.open.first_key_value() else { break };
            let next = segments.get(segments.partition_point(|segment| segment.day <= day[0].day));
            let is_before = next.is_some_and(|next| next.first <= *first);
            if !is_before && self.in_day(&segments, day, &mut way)? == Flow::Stop {
                break;
            }
        }
        if halt.is_called() { Err(QueryError::Halted) } else { Ok(()) }
    }

    /// Gives up those whose end is not looked for on this day any more.
    fn pass(&mut self, day: &str) {
        while let Some(first) = self.open.first_entry() {
            let (id, time) = first.get();
            if time.plus(HORIZON).day().as_str() >= day {
                break;
            }
            self.sequences.remove(id);
            first.remove();
        }
    }

    fn in_day(&mut self, all: &[Segment], day: &[Segment], way: &mut Way<'_>) -> io::Result<Flow> {
        let name = day[0].day.as_str();
        let reader = way.index.and_then(|index| Some((index, index.day(name)?)));
        let mut reached = 0;
        if let Some((index, reader)) = reader {
            let whole = Day::new(name, all, day);
            match self.look_up(&whole, &reader, way) {
                Some(Flow::Stop) => return Ok(Flow::Stop),
                Some(Flow::On) if !whole.has_more(&reader) => return Ok(Flow::On),
                Some(Flow::On) => reached = reader.reached(),
                None => index.distrust(name),
            }
        }
        self.read_on(day, reached, way)
    }

    /// Looks the ends up in a day's index; `None` where index and trail do not fit together.
    fn look_up(&mut self, day: &Day<'_>, reader: &DayReader, way: &mut Way<'_>) -> Option<Flow> {
        let mut spots = Vec::new();
        // What came later has not ended by then.
        for (access, _) in self.open.range(..=reader.reached()) {
            if way.halt.is_called() {
                return Some(Flow::Stop);
            }
            spots.extend(reader.close(*access).ok()?.filter(|spot| spot.sequence <= reader.reached()));
        }
        spots.sort_unstable_by_key(|spot| spot.sequence);
        let mut lines = day.lines();
        for spot in spots {
            let line = lines.read(spot).ok()??;
            if self.take(&line, way)? == Flow::Stop {
                return Some(Flow::Stop);
            }
        }
        Some(Flow::On)
    }

    /// Reads on in a day, from the line after `reached`.
    fn read_on(&mut self, day: &[Segment], reached: u64, way: &mut Way<'_>) -> io::Result<Flow> {
        let from = day.partition_point(|segment| segment.first <= reached + 1).saturating_sub(1);
        for segment in &day[from..] {
            let mut lines = Forward::open(&segment.path)?;
            while let Some(piece) = lines.next()? {
                let Some(place) = Place::read(piece.bytes).filter(|_| piece.complete) else { continue };
                if self.open.is_empty() || way.halt.is_called() || place.time > way.until.as_str() {
                    return Ok(Flow::Stop);
                }
                let is_end = place.sequence > reached && place.dataset == "schoolgate.close";
                if is_end && self.take(piece.bytes, way) == Some(Flow::Stop) {
                    return Ok(Flow::Stop);
                }
            }
        }
        Ok(Flow::On)
    }

    /// Takes a line that ends an access, if that is looked for; `None` where it is another's end.
    fn take(&mut self, line: &[u8], way: &mut Way<'_>) -> Option<Flow> {
        let place = Place::read(line)?;
        let past = place.time > way.until.as_str() || place.sequence >= self.before;
        if way.halt.is_called() || past {
            return Some(Flow::Stop);
        }
        let id = place.id.parse().ok()?;
        let (_, time) = self.open.remove(&self.sequences.remove(&id)?)?;
        let in_time = place.time <= time.plus(HORIZON).to_string().as_str();
        let more = (!in_time || (way.each)(id, place.sequence, line)) && !self.open.is_empty();
        Some(if more { Flow::On } else { Flow::Stop })
    }
}

/// Finds how the accesses of a page ended, and says so in them.
pub(super) fn join(dir: &Path, index: Option<&Index>, records: &mut [Record]) -> Result<(), QueryError> {
    let mut ends = Ends::before(None);
    let open = records.iter().enumerate();
    let places: HashMap<Uuid, usize> =
        open.filter_map(|(at, record)| Some((ends.add(record.sequence, &record.event)?, at))).collect();
    ends.find(dir, index, &mut |id, _, line| {
        if let (Some(at), Ok(close)) = (places.get(&id), serde_json::from_slice(line)) {
            end(&mut records[*at].event, &close);
        }
        true
    })
}

fn end(access: &mut Value, close: &Value) {
    for name in ["bytes_up", "bytes_down", "closed_by"] {
        access["schoolgate"][name] = close["schoolgate"][name].clone();
    }
    access["event"]["duration"] = close["event"]["duration"].clone();
}
