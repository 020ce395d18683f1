//! Rows as an Excel workbook: real dates and numbers, filters, a header that stays.
//!
//! **Invariant:** what is a text in the event is a text in its cell: never a formula, never a link.

use std::io;
use std::path::Path;

use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, XlsxError};

use crate::audit::export::Rows;
use crate::audit::export::cells::{Cell, columns};

/// The last row that a sheet has.
pub(super) const LAST_ROW: u32 = 1_048_575;

/// Writes rows, with none of them kept in memory.
pub(super) struct Sheet {
    book: Workbook,
    rows: Rows,
    time: Format,
    row: u32,
}

impl Sheet {
    /// Begins with the titles; `scratch` is a folder for what does not fit into memory.
    pub(super) fn begin(scratch: &Path, rows: Rows) -> io::Result<Sheet> {
        let mut book = Workbook::new();
        begin(&mut book, scratch, rows).map_err(failed)?;
        Ok(Sheet { book, rows, time: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"), row: 0 })
    }

    /// Puts one row on the end.
    pub(super) fn row(&mut self, cells: &[Cell]) -> io::Result<()> {
        self.row += 1;
        self.put(cells).map_err(failed)
    }

    fn put(&mut self, cells: &[Cell]) -> Result<(), XlsxError> {
        let sheet = self.book.worksheet_from_index(0)?;
        for (at, cell) in (0_u16..).zip(cells) {
            match cell {
                Cell::Text(text) => drop(sheet.write_string(self.row, at, text)?),
                Cell::Time(time) => {
                    let day = ExcelDateTime::from_ymd(
                        u16::try_from(time.year()).unwrap_or(1900),
                        u8::try_from(time.month()).unwrap_or(1),
                        u8::try_from(time.day()).unwrap_or(1),
                    )?;
                    let hour = u16::try_from(time.hour()).unwrap_or(0);
                    let (minute, second) = (time.minute().unsigned_abs(), time.second().unsigned_abs());
                    let moment = day.and_hms(hour, minute, second)?;
                    sheet.write_datetime_with_format(self.row, at, &moment, &self.time)?;
                }
                // Counts are far below what a double holds exactly.
                #[allow(clippy::cast_precision_loss, reason = "as above")]
                Cell::Count(count) => drop(sheet.write_number(self.row, at, *count as f64)?),
                Cell::Seconds(seconds) => drop(sheet.write_number(self.row, at, *seconds)?),
                Cell::Empty => {}
            }
        }
        Ok(())
    }

    /// Writes all of it.
    pub(super) fn end(mut self, to: impl io::Write + Send) -> io::Result<()> {
        let last = u16::try_from(columns(self.rows).count() - 1).unwrap_or(u16::MAX);
        let rows = self.row;
        let end = || {
            self.book.worksheet_from_index(0)?.autofilter(0, 0, rows, last)?;
            self.book.save_to_writer(to)
        };
        end().map_err(failed)
    }
}

fn begin(book: &mut Workbook, scratch: &Path, rows: Rows) -> Result<(), XlsxError> {
    book.set_tempdir(scratch)?;
    let sheet = book.add_worksheet_with_constant_memory()?;
    sheet.set_name(match rows {
        Rows::Events => "Events",
        Rows::Pages => "Pages",
    })?;
    sheet.set_freeze_panes(1, 0)?;
    let bold = Format::new().set_bold();
    for (at, column) in (0_u16..).zip(columns(rows)) {
        sheet.set_column_width(at, column.width)?;
        sheet.write_string_with_format(0, at, column.title, &bold)?;
    }
    Ok(())
}

fn failed(fault: XlsxError) -> io::Error {
    if let XlsxError::IoError(fault) = fault {
        return fault;
    }
    io::Error::other(fault.to_string())
}
