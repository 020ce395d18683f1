//! Finds how the accesses of a page ended, and says so in them.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::audit::line::Place;
use crate::audit::query::Record;
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

    /// Reads on from the page's first access until every end is found.
    pub(super) fn join(mut self, dir: &Path, records: &mut [Record]) -> io::Result<()> {
        let segments = Segment::list(dir)?;
        let from = segments.partition_point(|segment| segment.first <= self.first).saturating_sub(1);
        for segment in &segments[from..] {
            let mut lines = Forward::open(&segment.path)?;
            while let Some(piece) = lines.next()? {
                if self.open.is_empty() {
                    return Ok(());
                }
                let Some(place) = Place::read(piece.bytes).filter(|_| piece.complete) else { continue };
                if place.time > self.until.as_str() {
                    return Ok(());
                }
                if place.dataset == "schoolgate.close"
                    && let Some(at) = self.open.remove(place.id)
                    && let Ok(close) = serde_json::from_slice(piece.bytes)
                {
                    end(&mut records[at].event, &close);
                }
            }
        }
        Ok(())
    }
}

fn end(access: &mut Value, close: &Value) {
    for name in ["bytes_up", "bytes_down", "closed_by"] {
        access["schoolgate"][name] = close["schoolgate"][name].clone();
    }
    access["event"]["duration"] = close["event"]["duration"].clone();
}
