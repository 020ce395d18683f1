//! Rows as CSV that opens in a spreadsheet as what it is.
//!
//! **Invariant:** no cell is taken for a formula.

use std::io::{self, Write};

use csv::{QuoteStyle, Terminator, Writer, WriterBuilder};

use crate::audit::export::Rows;
use crate::audit::export::cells::{Cell, columns};

/// By this a spreadsheet knows the text to be UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";
/// What makes a spreadsheet take a text for a formula; what East Asian keyboards write for it, too.
const FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];

/// Writes rows.
pub(super) struct Commas<W: Write>(Writer<W>);

impl<W: Write> Commas<W> {
    /// Begins with the titles.
    pub(super) fn begin(mut to: W, rows: Rows) -> io::Result<Commas<W>> {
        to.write_all(BOM)?;
        let mut writer = WriterBuilder::new()
            .terminator(Terminator::CRLF)
            .quote_style(QuoteStyle::NonNumeric)
            .from_writer(to);
        writer.write_record(columns(rows).map(|column| column.title))?;
        Ok(Commas(writer))
    }

    /// Puts one row on the end.
    pub(super) fn row(&mut self, cells: &[Cell]) -> io::Result<()> {
        Ok(self.0.write_record(cells.iter().map(written))?)
    }

    /// All of it.
    pub(super) fn end(self) -> io::Result<W> {
        self.0.into_inner().map_err(|fault| io::Error::other(fault.to_string()))
    }
}

/// A text that no spreadsheet takes for a formula.
#[must_use]
pub fn unreckoned(text: &str) -> String {
    if text.starts_with(FORMULA) { format!("'{text}") } else { text.to_owned() }
}

fn written(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => unreckoned(text),
        Cell::Time(time) => time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Cell::Count(count) => count.to_string(),
        Cell::Seconds(seconds) => format!("{seconds:.3}"),
        Cell::Empty => String::new(),
    }
}
