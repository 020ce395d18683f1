//! Finds how the accesses of a page ended, and says so in them.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::audit::index::{DayReader, Index};
use crate::audit::line::Place;
use crate::audit::query::Record;
use crate::audit::query::indexed::Day;
use crate::audit::segment::{Forward, Segment};
use crate::model::Timestamp;

/// How long after the page's last access its end is looked for.
const HORIZON: Duration = Duration::from_secs(24 * 60 * 60);

/// The accesses whose end is looked for.
pub(super) struct Ends {
    /// `event.id` → place in the page.
    open: HashMap<String, usize>,
    first: u64,
    until: String,
}

impl Ends {
    pub(super) fn of(records: &[Record]) -> Ends {
        let mut ends = Ends { open: HashMap::new(), first: u64::MAX, until: String::new() };
        let mut latest = Timestamp::from_millis(0);
        for (at, record) in records.iter().enumerate() {
            let access = record.event["event"]["dataset"] == "schoolgate.access";
            let unended = record.event["schoolgate"]["closed_by"].is_null();
            let (Some(id), true) = (record.event["event"]["id"].as_str(), access && unended) else {
                continue;
            };
            ends.open.insert(id.to_owned(), at);
            ends.first = ends.first.min(record.sequence);
            let time = record.event["@timestamp"].as_str().and_then(|time| time.parse().ok());
            latest = latest.max(time.unwrap_or(latest));
        }
        ends.until = latest.plus(HORIZON).to_string();
        ends
    }

    /// Reads on from the page's first access until every end is found, through the index where
    /// there is one.
    pub(super) fn join(
        mut self,
        dir: &Path,
        index: Option<&Index>,
        records: &mut [Record],
    ) -> io::Result<()> {
        if self.open.is_empty() {
            return Ok(());
        }
        let segments = Segment::list(dir)?;
        let from = segments.partition_point(|segment| segment.first <= self.first).saturating_sub(1);
        for day in segments[from..].chunk_by(|a, b| a.day == b.day) {
            let name = day[0].day.as_str();
            if self.open.is_empty() || name > &self.until[..name.len()] {
                return Ok(());
            }
            let reader = index.and_then(|index| index.day(name));
            let mut from = 0;
            if let Some(reader) = reader {
                let whole = Day::new(name, &segments, day);
                from = self.look_up(&whole, &reader, records);
                if from > 0 && !whole.has_more(&reader) {
                    continue;
                }
            }
            self.read_on(day, from, records)?;
        }
        Ok(())
    }

    /// Looks the ends up in a day's index; answers up to which line that says all, 0 where index
    /// and trail do not fit together.
    fn look_up(&mut self, day: &Day<'_>, reader: &DayReader, records: &mut [Record]) -> u64 {
        let mut spots = Vec::new();
        for at in self.open.values() {
            match reader.close(records[*at].sequence) {
                Ok(spot) => spots.extend(spot.filter(|spot| spot.sequence <= reader.reached())),
                Err(_) => return 0,
            }
        }
        spots.sort_unstable_by_key(|spot| spot.sequence);
        let mut lines = day.lines();
        for spot in spots {
            let Ok(Some(line)) = lines.read(spot) else { return 0 };
            self.take(&line, records);
        }
        reader.reached()
    }

    /// Reads on in a day, from the line after `reached`.
    fn read_on(&mut self, day: &[Segment], reached: u64, records: &mut [Record]) -> io::Result<()> {
        let from = day.partition_point(|segment| segment.first <= reached + 1).saturating_sub(1);
        for segment in &day[from..] {
            let mut lines = Forward::open(&segment.path)?;
            while let Some(piece) = lines.next()? {
                let Some(place) = Place::read(piece.bytes).filter(|_| piece.complete) else { continue };
                if self.open.is_empty() || place.time > self.until.as_str() {
                    return Ok(());
                }
                if place.sequence > reached && place.dataset == "schoolgate.close" {
                    self.take(piece.bytes, records);
                }
            }
        }
        Ok(())
    }

    /// Takes a line that ends an access into its access, if that is looked for.
    fn take(&mut self, line: &[u8], records: &mut [Record]) {
        let place = Place::read(line).filter(|place| place.time <= self.until.as_str());
        if let Some(at) = place.and_then(|place| self.open.remove(place.id))
            && let Ok(close) = serde_json::from_slice(line)
        {
            end(&mut records[at].event, &close);
        }
    }
}

fn end(access: &mut Value, close: &Value) {
    for name in ["bytes_up", "bytes_down", "closed_by"] {
        access["schoolgate"][name] = close["schoolgate"][name].clone();
    }
    access["event"]["duration"] = close["event"]["duration"].clone();
}
