//! One matter for people: a page to open in a browser and to print.
//!
//! **Invariant:** nothing of an event is taken for a part of the page.

use std::io::{self, Write};

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde_json::{Map, Value};

use crate::audit::export::cells::{COLUMNS, Cell};
use crate::model::visible;

/// What is said of the matter: a title, and where the manifest has it.
const ABOUT: [(&str, &str); 14] = [
    ("School", "/school"),
    ("Person", "/query/user"),
    ("Device", "/query/device"),
    ("Address of the device", "/query/client"),
    ("From", "/query/from"),
    ("Until", "/query/to"),
    ("Around record", "/event"),
    ("What for", "/reason"),
    ("Asked for by", "/asked_by"),
    ("Asked from", "/asked_from"),
    ("Asked for at", "/asked_at"),
    ("That it was asked for is record", "/audit_seq"),
    ("The record then ended with", "/head/anchor"),
    ("Made by", "/product"),
];

/// The columns: what each is called, and what stands in it, by the titles of the spreadsheets' columns.
const SHOWN: [(&str, &[&str]); 6] = [
    ("Record", &["Record"]),
    ("When", &["When"]),
    ("Who", &["Person", "Device", "Address of device"]),
    ("What happened", &["What happened"]),
    ("Where", &["Page", "Site", "Searched for", "Was typing", "Came from"]),
    ("Why", &["Why"]),
];
const HEAD: &str = include_str!("matter-head.html");

/// Writes the page.
pub(super) struct Matter<W: Write> {
    to: W,
    /// The event that it is about.
    event: Option<u64>,
}

impl<W: Write> Matter<W> {
    /// Begins with who asked, when, why and for what; times are those of the school's clock.
    pub(super) fn begin(mut to: W, about: &Map<String, Value>, zone: &TimeZone) -> io::Result<Matter<W>> {
        to.write_all(HEAD.as_bytes())?;
        let about = Value::Object(about.clone());
        writeln!(to, "<dl>")?;
        for (title, place) in ABOUT {
            if let Some(said) = about.pointer(place).and_then(|value| said(value, zone)) {
                writeln!(to, "<dt>{title}</dt><dd>{}</dd>", escaped(&said))?;
            }
        }
        writeln!(to, "</dl>\n<table><thead><tr>")?;
        SHOWN.iter().try_for_each(|(title, _)| writeln!(to, "<th>{title}</th>"))?;
        writeln!(to, "</tr></thead><tbody>")?;
        let event = about.pointer("/event").and_then(Value::as_u64);
        Ok(Matter { to, event })
    }

    /// Puts one row on the end.
    pub(super) fn row(&mut self, cells: &[Cell]) -> io::Result<()> {
        let own = self.event.is_some_and(|event| cells.first() == Some(&Cell::Count(event)));
        write!(self.to, "{}", if own { "<tr class=\"own\">" } else { "<tr>" })?;
        for (_, titles) in SHOWN {
            write!(self.to, "<td>{}</td>", lines(cells, titles).join("<br>"))?;
        }
        writeln!(self.to, "</tr>")
    }

    /// All of it.
    pub(super) fn end(mut self) -> io::Result<W> {
        writeln!(self.to, "</tbody></table></body></html>")?;
        Ok(self.to)
    }
}

/// A value of the manifest in words; none, where nothing is said.
fn said(value: &Value, zone: &TimeZone) -> Option<String> {
    match value {
        Value::String(text) => Some(match text.parse::<Timestamp>() {
            Ok(time) => clock(&time.to_zoned(zone.clone())),
            Err(_) => visible(text),
        }),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// What a cell of the page says, line by line; what is not what the column is called says what it is.
fn lines(cells: &[Cell], titles: &[&str]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for title in titles {
        let at = COLUMNS.iter().position(|column| column.title == *title);
        let text = at.and_then(|at| cells.get(at)).map(written).unwrap_or_default();
        if text.is_empty() {
            continue;
        }
        match *title {
            // A page says whose it is.
            "Site" if !lines.is_empty() => {}
            "What happened" => lines.push(happened(&text).to_owned()),
            "Site" | "Page" | "Person" | "Record" | "When" | "Why" => lines.push(text),
            other => lines.push(format!("<small>{other}:</small> {text}")),
        }
    }
    lines
}

/// What became of an access, in words; what staff did stands as it is.
fn happened(action: &str) -> &str {
    match action {
        "block" => "refused",
        "allow" => "let pass",
        "alert" => "let pass, with an alert",
        "warn" => "let pass after a warning",
        other => other,
    }
}

fn written(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => escaped(text),
        Cell::Time(time) => clock(time),
        Cell::Count(count) => count.to_string(),
        Cell::Seconds(seconds) => format!("{seconds:.1}"),
        Cell::Empty => String::new(),
    }
}

fn clock(time: &Zoned) -> String {
    time.strftime("%a %-d %b %Y, %H:%M:%S").to_string()
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
