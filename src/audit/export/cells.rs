//! An event as a row of a spreadsheet: the columns that a safeguarding lead reads.
//!
//! **Invariant:** a row is one line whatever stands in the event: control characters, line ends of
//! every kind and characters that hide or turn text round stand in their `\u` form.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde_json::Value;

use crate::audit::export::Rows;
use crate::model::{hides, spelt};

/// The longest text of a cell, in UTF-16 units as shown: a little less than what a spreadsheet takes.
pub(super) const MOST: usize = 32_000;

/// What stands in a cell.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    /// A text, fit to be shown.
    Text(String),
    /// A moment on the school's own clock.
    Time(Box<Zoned>),
    /// A whole number.
    Count(u64),
    /// A length of time, in seconds.
    Seconds(f64),
    /// Nothing.
    Empty,
}

/// A column: what it is called, how wide it is shown, and where its cell comes from.
pub(super) struct Column {
    pub(super) title: &'static str,
    /// In characters.
    pub(super) width: f64,
    from: Source,
}

/// Where a cell comes from.
enum Source {
    /// `event.sequence`
    Sequence,
    /// `@timestamp` on the school's clock.
    Local,
    /// `@timestamp` as it stands.
    Stamp,
    /// The dataset, without what they all begin with.
    Kind,
    /// The first of these that is a text.
    First(&'static [&'static str]),
    /// A whole number.
    Count(&'static str),
    /// Nanoseconds, as seconds.
    Nanos(&'static str),
    /// The texts of an array.
    All(&'static str),
    /// Whatever it is, as JSON.
    Json(&'static str),
}

/// Every column of an event, what matters first.
pub(super) const COLUMNS: [Column; 27] = [
    column("Record", 10.0, Source::Sequence),
    column("When", 20.0, Source::Local),
    column("When (UTC)", 25.0, Source::Stamp),
    column("Kind", 9.0, Source::Kind),
    column("What happened", 16.0, Source::First(&["/event/action"])),
    column("Outcome", 9.0, Source::First(&["/event/outcome"])),
    column("Person", 18.0, Source::First(&["/user/name"])),
    column("Group", 12.0, Source::First(&["/user/group/name"])),
    column("Device", 16.0, Source::First(&["/host/name"])),
    column("Address of device", 16.0, Source::First(&["/source/ip"])),
    column("Site", 30.0, Source::First(&["/url/domain", "/destination/domain", "/destination/ip"])),
    column("Page", 50.0, Source::First(&["/url/full"])),
    column("Searched for", 30.0, Source::First(&["/schoolgate/search"])),
    column("Was typing", 20.0, Source::First(&["/schoolgate/suggestion"])),
    column("Category", 16.0, Source::First(&["/rule/category"])),
    column("Other categories", 20.0, Source::All("/schoolgate/categories")),
    column("Why", 50.0, Source::First(&["/event/reason"])),
    column("Decided by", 16.0, Source::First(&["/schoolgate/rung"])),
    column("Rule", 20.0, Source::First(&["/rule/name"])),
    column("List", 24.0, Source::First(&["/rule/ruleset"])),
    column("Came from", 40.0, Source::First(&["/http/request/referrer"])),
    column("Seen of it", 10.0, Source::First(&["/schoolgate/visibility"])),
    column("Sent (bytes)", 12.0, Source::Count("/schoolgate/bytes_up")),
    column("Received (bytes)", 14.0, Source::Count("/schoolgate/bytes_down")),
    column("Lasted (seconds)", 14.0, Source::Nanos("/event/duration")),
    column("Ended by", 10.0, Source::First(&["/schoolgate/closed_by"])),
    column("Details", 60.0, Source::Json("/schoolgate/details")),
];

/// What page views have besides.
const OF_PAGES: [Column; 8] = [
    column("Events of it", 10.0, Source::Count("/page/events")),
    column("Records of it", 40.0, Source::First(&["/page/records"])),
    column("Until (UTC)", 25.0, Source::First(&["/page/until"])),
    column("Sites of it", 40.0, Source::All("/page/hosts")),
    column("Further sites", 10.0, Source::Count("/page/further_hosts")),
    column("Refused of it", 10.0, Source::Count("/page/blocked")),
    column("Received in all (bytes)", 14.0, Source::Count("/page/bytes_down")),
    column("By itself", 10.0, Source::Json("/page/background")),
];

const fn column(title: &'static str, width: f64, from: Source) -> Column {
    Column { title, width, from }
}

/// Every column of such rows.
pub(super) fn columns(rows: Rows) -> impl Iterator<Item = &'static Column> {
    let more: &[Column] = match rows {
        Rows::Events => &[],
        Rows::Pages => &OF_PAGES,
    };
    COLUMNS.iter().chain(more)
}

/// The cells of an event, one for each column.
pub(super) fn cells(event: &Value, zone: &TimeZone, rows: Rows) -> Vec<Cell> {
    columns(rows).map(|column| column.from.cell(event, zone)).collect()
}

impl Source {
    fn cell(&self, event: &Value, zone: &TimeZone) -> Cell {
        let text = |place: &str| event.pointer(place).and_then(Value::as_str);
        match self {
            Source::Sequence => count(event, "/event/sequence"),
            Source::Local => match text("/@timestamp").and_then(|time| time.parse::<Timestamp>().ok()) {
                Some(time) => Cell::Time(Box::new(time.to_zoned(zone.clone()))),
                None => Cell::Empty,
            },
            Source::Stamp => shown(text("/@timestamp")),
            Source::Kind => {
                shown(text("/event/dataset").map(|name| name.strip_prefix("schoolgate.").unwrap_or(name)))
            }
            Source::First(places) => shown(places.iter().find_map(|place| text(place))),
            Source::Count(place) => count(event, place),
            Source::Nanos(place) => match event.pointer(place).and_then(Value::as_u64) {
                Some(nanos) => Cell::Seconds(std::time::Duration::from_nanos(nanos).as_secs_f64()),
                None => Cell::Empty,
            },
            Source::All(place) => {
                let all = event.pointer(place).and_then(Value::as_array).into_iter().flatten();
                let all: Vec<&str> = all.filter_map(Value::as_str).collect();
                shown(Some(all.join(", ").as_str()).filter(|text| !text.is_empty()))
            }
            Source::Json(place) => {
                let found = event.pointer(place).filter(|value| !is_nothing(value));
                shown(found.map(ToString::to_string).as_deref())
            }
        }
    }
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty)
}

fn count(event: &Value, place: &str) -> Cell {
    event.pointer(place).and_then(Value::as_u64).map_or(Cell::Empty, Cell::Count)
}

fn shown(text: Option<&str>) -> Cell {
    text.map_or(Cell::Empty, |text| Cell::Text(visible(text)))
}

/// A text on one line, in which everything shows, cut where a spreadsheet would refuse it.
pub(super) fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    let mut units = 0;
    for letter in text.chars() {
        let spelt = hides(letter).then(|| spelt(letter));
        units += spelt.as_ref().map_or(letter.len_utf16(), String::len);
        if units > MOST {
            visible.push('…');
            break;
        }
        match spelt {
            Some(spelt) => visible.push_str(&spelt),
            None => visible.push(letter),
        }
    }
    visible
}
