//! JSON: an array of texts, or of objects with the names of a spreadsheet's columns; or such
//! objects one after another.

use serde_json::{Deserializer, Value};

use crate::lists::parse::intake::Intake;
use crate::lists::parse::lines::{LineOf, Text};
use crate::lists::parse::rows::{Column, EntryColumn, Row};
use crate::lists::parse::{Parsed, RejectReason};

/// Takes an element, with its line and the text of it.
type KeepElement<'k> = dyn FnMut(u32, &[u8], Result<Value, RejectReason>) + 'k;

/// Reads every element.
pub(super) fn read(bytes: &[u8], mut intake: Intake<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    elements(bytes, &mut |line, raw, element| {
        let text = Text::of(raw);
        let element = match element {
            Ok(element) => element,
            Err(reason) => return parsed.take(&mut intake, line, &text, |_| Err(reason)),
        };
        match row(&element) {
            Some(row) if !row.is_wanted(intake.options) => {}
            Some(row) => parsed.take(&mut intake, line, &text, |intake| row.read(intake)),
            None => parsed.take(&mut intake, line, &text, |_| Err(RejectReason::NoEntry)),
        }
    });
    parsed
}

/// Hands over the categories of every element.
pub(super) fn categories(bytes: &[u8], keep: &mut dyn FnMut(String)) {
    elements(bytes, &mut |_, _, element| {
        if let Ok(element) = element
            && let Some(row) = row(&element)
        {
            row.into_categories().into_iter().for_each(&mut *keep);
        }
    });
}

fn elements(bytes: &[u8], keep: &mut KeepElement<'_>) {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut line_of = LineOf::new(bytes);
    let inside = bytes.trim_ascii_start();
    let mut rest = inside.strip_prefix(b"[").unwrap_or(inside);
    loop {
        rest = after_comma(rest);
        // What follows is looked at once, when the end is there: rows by rows it would be quadratic.
        if rest.is_empty() || (rest[0] == b']' && rest[1..].trim_ascii().is_empty()) {
            return;
        }
        let line = line_of.byte(bytes.len() - rest.len());
        let mut values = Deserializer::from_slice(rest).into_iter::<Value>();
        let value = values.next();
        let end = values.byte_offset();
        match value {
            Some(Ok(value)) => {
                keep(line, first_line(&rest[..end]), Ok(value));
                rest = &rest[end..];
            }
            Some(Err(_)) | None => return keep(line, first_line(rest), Err(RejectReason::Json)),
        }
    }
}

fn row(element: &Value) -> Option<Row<'_>> {
    let mut row = Row::default();
    match element {
        Value::String(text) => row.put(Column::Entry(EntryColumn::Url), text),
        Value::Object(cells) => {
            for (name, cell) in cells {
                put(&mut row, Column::of(name), cell);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => return None,
    }
    Some(row)
}

/// A cell, or several categories in an array.
fn put<'v>(row: &mut Row<'v>, column: Column, cell: &'v Value) {
    match cell {
        Value::String(text) => row.put(column, text),
        Value::Array(names) if column == Column::Category => {
            names.iter().filter_map(Value::as_str).for_each(|name| row.put(column, name));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {}
    }
}

fn after_comma(rest: &[u8]) -> &[u8] {
    let rest = rest.trim_ascii_start();
    rest.strip_prefix(b",").unwrap_or(rest).trim_ascii_start()
}

fn first_line(element: &[u8]) -> &[u8] {
    element.split(|&byte| byte == b'\n' || byte == b'\r').next().unwrap_or_default()
}
