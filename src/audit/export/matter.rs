//! One matter for people: a page to open in a browser and to print.
//!
//! **Invariant:** nothing of an event is taken for a part of the page.

use std::io::{self, Write};

use serde_json::{Map, Value};

use crate::audit::export::cells::{COLUMNS, Cell, visible};

/// What is shown, by the titles of the columns.
const SHOWN: [&str; 11] = [
    "Record",
    "When",
    "What happened",
    "Person",
    "Device",
    "Site",
    "Page",
    "Searched for",
    "Came from",
    "Why",
    "Decided by",
];
const HEAD: &str = include_str!("matter-head.html");

/// Writes the page.
pub(super) struct Matter<W: Write>(W);

impl<W: Write> Matter<W> {
    /// Begins with who asked, when, why and for what.
    pub(super) fn begin(mut to: W, about: &Map<String, Value>) -> io::Result<Matter<W>> {
        to.write_all(HEAD.as_bytes())?;
        writeln!(to, "<dl>")?;
        for (name, value) in about {
            let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
            writeln!(
                to,
                "<dt>{}</dt><dd>{}</dd>",
                escaped(&name.replace('_', " ")),
                escaped(&visible(&text))
            )?;
        }
        writeln!(to, "</dl>\n<table><thead><tr>")?;
        SHOWN.iter().try_for_each(|title| writeln!(to, "<th>{title}</th>"))?;
        writeln!(to, "</tr></thead><tbody>")?;
        Ok(Matter(to))
    }

    /// Puts one row on the end.
    pub(super) fn row(&mut self, cells: &[Cell]) -> io::Result<()> {
        write!(self.0, "<tr>")?;
        for title in SHOWN {
            let at = COLUMNS.iter().position(|column| column.title == title);
            let cell = at.and_then(|at| cells.get(at)).unwrap_or(&Cell::Empty);
            write!(self.0, "<td>{}</td>", written(cell))?;
        }
        writeln!(self.0, "</tr>")
    }

    /// All of it.
    pub(super) fn end(mut self) -> io::Result<W> {
        writeln!(self.0, "</tbody></table></body></html>")?;
        Ok(self.0)
    }
}

fn written(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => escaped(text),
        Cell::Time(time) => time.strftime("%a %d %b %Y %H:%M:%S").to_string(),
        Cell::Count(count) => count.to_string(),
        Cell::Seconds(seconds) => format!("{seconds:.1}"),
        Cell::Empty => String::new(),
    }
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
