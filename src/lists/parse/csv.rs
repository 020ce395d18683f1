//! Spreadsheets: CSV with `,`, `;` or tabs, its columns known by their names.
//!
//! Without a row of names, the first column holds the entries.

use csv::{ByteRecord, ReaderBuilder};

use crate::lists::parse::intake::Intake;
use crate::lists::parse::lines::{LineOf, Text, lines};
use crate::lists::parse::rows::{Column, EntryColumn, Row};
use crate::lists::parse::{Parsed, RejectReason};

/// The columns of a file.
struct Sheet<'b> {
    columns: Vec<Column>,
    /// What comes after the names of the columns.
    body: &'b [u8],
    delimiter: u8,
}

/// Takes a row, with its line and the text of it.
type KeepRow<'k> = dyn FnMut(u32, &[u8], Result<Row<'_>, RejectReason>) + 'k;

/// Reads every row.
pub(super) fn read(bytes: &[u8], mut intake: Intake<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    rows(bytes, &mut |line, raw, row| match row {
        Ok(row) if !row.is_wanted(intake.options) => {}
        Ok(row) => parsed.take(&mut intake, line, &Text::of(raw), |intake| row.read(intake)),
        Err(reason) => parsed.take(&mut intake, line, &Text::of(raw), |_| Err(reason)),
    });
    parsed
}

/// Hands over the categories of every row.
pub(super) fn categories(bytes: &[u8], keep: &mut dyn FnMut(String)) {
    rows(bytes, &mut |_, _, row| {
        if let Ok(row) = row {
            row.into_categories().into_iter().for_each(&mut *keep);
        }
    });
}

fn rows(bytes: &[u8], keep: &mut KeepRow<'_>) {
    let sheet = Sheet::of(bytes);
    let mut reader = ReaderBuilder::new();
    reader.has_headers(false).flexible(true).delimiter(sheet.delimiter).comment(Some(b'#'));
    let mut reader = reader.from_reader(sheet.body);
    let (mut record, mut line_of) = (ByteRecord::new(), LineOf::new(bytes));
    let before = bytes.len() - sheet.body.len();
    // Reading from memory into a record of bytes can't fail.
    while let Ok(true) = reader.read_byte_record(&mut record) {
        let at = |byte: u64| usize::try_from(byte).unwrap_or(usize::MAX).min(sheet.body.len());
        let start = at(record.position().map_or(0, csv::Position::byte));
        let (first, raw) = record_text(&sheet.body[start..at(reader.position().byte())]);
        let cells: Vec<Text<'_>> = record.iter().map(Text::of).collect();
        let mut row = Row::default();
        let mut fault = None;
        for (cell, column) in cells.iter().zip(&sheet.columns) {
            match cell.read(&[]) {
                Ok(text) => row.put(*column, text),
                Err(reason) if *column != Column::Other => drop(fault.get_or_insert(reason)),
                Err(_) => {}
            }
        }
        let is_blank = record.iter().all(|cell| cell.trim_ascii().is_empty());
        if !is_blank || fault.is_some() {
            keep(line_of.byte(before + start + first), raw, fault.map_or(Ok(row), Err));
        }
    }
}

impl<'b> Sheet<'b> {
    fn of(bytes: &'b [u8]) -> Sheet<'b> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut rest = bytes;
        let mut delimiter = None;
        // Blank lines, comments and Excel's `sep=;` come before the names.
        let head = loop {
            let Some(line) = lines(rest).next() else { break &[][..] };
            let text = line.trim_ascii();
            let is_separator = text.len() == 5 && text[..4].eq_ignore_ascii_case(b"sep=");
            if is_separator {
                delimiter = Some(text[4]);
            } else if !text.is_empty() && !text.starts_with(b"#") {
                break line;
            }
            rest = rest.get(line.len() + 1..).unwrap_or_default();
        };
        let delimiter = delimiter.unwrap_or_else(|| delimiter_of(head));
        let columns: Vec<Column> = cells(head, delimiter).iter().map(|cell| Column::of(cell)).collect();
        if columns.iter().any(|column| matches!(column, Column::Entry(_))) {
            return Sheet { columns, body: &rest[head.len()..], delimiter };
        }
        Sheet { columns: vec![Column::Entry(EntryColumn::Url)], body: rest, delimiter }
    }
}

/// Whether this line names the columns of a sheet that holds entries.
pub(super) fn is_head(line: &[u8]) -> bool {
    let columns = cells(line, delimiter_of(line)).iter().map(|cell| Column::of(cell)).collect::<Vec<_>>();
    columns.iter().any(|column| matches!(column, Column::Entry(_)))
}

/// What the names are separated by: the sign that stands most often.
fn delimiter_of(head: &[u8]) -> u8 {
    let count = |sign: u8| head.iter().filter(|&&byte| byte == sign).count();
    b",;\t".iter().copied().rev().max_by_key(|&sign| count(sign)).unwrap_or(b',')
}

fn cells(line: &[u8], delimiter: u8) -> Vec<String> {
    let mut reader = ReaderBuilder::new();
    let mut reader = reader.has_headers(false).flexible(true).delimiter(delimiter).from_reader(line);
    let mut record = ByteRecord::new();
    match reader.read_byte_record(&mut record) {
        Ok(true) => record.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect(),
        Ok(false) | Err(_) => Vec::new(),
    }
}

/// The record without the blank lines and comments before it, and how many bytes those are.
fn record_text(raw: &[u8]) -> (usize, &[u8]) {
    let mut start = 0;
    for line in lines(raw) {
        let text = line.trim_ascii();
        if !text.is_empty() && !text.starts_with(b"#") {
            break;
        }
        start += line.len();
        let end = &raw[start..];
        start += if end.starts_with(b"\r\n") { 2 } else { usize::from(!end.is_empty()) };
    }
    let record = &raw[start..];
    (start, record.split(|&byte| byte == b'\n' || byte == b'\r').next().unwrap_or_default())
}
