//! Tables: as wide as what they hold, or as the terminal is.
//!
//! **Invariant:** nothing is lost where it is narrow, and no identifier is torn: lines fold at
//! spaces, and what fits no table is told field by field.

use std::fmt;

use comfy_table::{ColumnConstraint, ContentArrangement, Width, presets};
use serde_json::Value;

use super::moment;
use crate::model::visible;

/// How wide words may stay when a table must fold; the first that fits is taken.
const WORDS: [usize; 5] = [40, 24, 16, 12, 10];
/// The width of an identifier.
const IDENTIFIER: usize = 36;

/// A column of a list: its heading, and what of an item stands in it.
pub(in crate::cli) type Column = (&'static str, Cell);

/// What of an item stands in a column.
#[derive(Clone, Copy)]
pub(in crate::cli) enum Cell {
    /// A field: text, a number, or texts.
    Of(&'static str),
    /// A field that is a moment; the heading says that it is told in UTC.
    At(&'static str),
    /// Made of the item.
    Made(fn(&Value) -> String),
}

/// A table of text.
#[derive(Default)]
pub(in crate::cli) struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// An empty table.
pub(in crate::cli) fn table() -> Table {
    Table::default()
}

impl Table {
    /// A table of items.
    pub(in crate::cli) fn of<'a>(columns: &[Column], items: impl IntoIterator<Item = &'a Value>) -> Table {
        let mut table = table();
        table.set_header(columns.iter().map(|(heading, cell)| match cell {
            Cell::At(_) => format!("{heading} (UTC)"),
            Cell::Of(_) | Cell::Made(_) => (*heading).to_owned(),
        }));
        for item in items {
            table.add_row(columns.iter().map(|(_, cell)| cell.text(item)));
        }
        table
    }

    /// What stands above the columns.
    pub(in crate::cli) fn set_header(&mut self, header: impl IntoIterator<Item: Into<String>>) {
        self.header = cells(header);
    }

    /// One more row.
    pub(in crate::cli) fn add_row(&mut self, row: impl IntoIterator<Item: Into<String>>) {
        self.rows.push(cells(row));
    }

    /// Whether it has no row.
    pub(in crate::cli) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The text of it, as wide as what it holds.
    pub(in crate::cli) fn whole(&self) -> String {
        self.laid(None)
    }

    /// The text of it, no wider than that many columns where that can be.
    fn drawn(&self, width: Option<usize>) -> String {
        let whole = self.whole();
        let Some(width) = width.filter(|width| widest(&whole) > *width) else { return whole };
        let filled = self.filled();
        let folded = WORDS.iter().map(|word| filled.laid(Some((width, *word))));
        let mut fitting = folded.filter(|text| widest(text) <= width);
        fitting.next().unwrap_or_else(|| self.told(width))
    }

    /// The same without the columns in which nothing stands.
    fn filled(&self) -> Table {
        let is_filled =
            |at: usize| self.rows.iter().any(|row| row.get(at).is_some_and(|cell| !cell.is_empty()));
        let of = |row: &Vec<String>| -> Vec<String> {
            row.iter().enumerate().filter(|(at, _)| is_filled(*at)).map(|(_, cell)| cell.clone()).collect()
        };
        Table { header: of(&self.header), rows: self.rows.iter().map(of).collect() }
    }

    /// As a table; of a width, and with words that are left whole up to another.
    fn laid(&self, bounds: Option<(usize, usize)>) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED);
        if !self.header.is_empty() {
            table.set_header(&self.header);
        }
        table.add_rows(&self.rows);
        if let Some((width, word)) = bounds {
            table.set_width(fixed(width)).set_content_arrangement(ContentArrangement::Dynamic);
            let least = (0..table.column_count()).map(|column| self.least(column, word)).collect::<Vec<_>>();
            table.set_constraints(
                least
                    .into_iter()
                    .map(|least| ColumnConstraint::LowerBoundary(Width::Fixed(fixed(least + 2)))),
            );
        }
        table.trim_fmt()
    }

    /// Field by field, an empty line between two rows.
    fn told(&self, width: usize) -> String {
        let told = self.rows.iter().map(|row| {
            let mut fields = comfy_table::Table::new();
            fields.load_style(presets::NOTHING);
            fields.set_width(fixed(width)).set_content_arrangement(ContentArrangement::Dynamic);
            let named =
                (0..row.len()).map(|at| [self.header.get(at).cloned().unwrap_or_default(), row[at].clone()]);
            fields.add_rows(named.filter(|[_, text]| !text.is_empty()));
            fields.set_constraints([ColumnConstraint::ContentWidth]);
            fields.trim_fmt()
        });
        told.collect::<Vec<_>>().join("\n\n")
    }

    /// How narrow a column may be, where words up to that width are left whole.
    fn least(&self, column: usize, word: usize) -> usize {
        let texts = self.rows.iter().chain([&self.header]).filter_map(|row| row.get(column));
        let words = texts.flat_map(|text| text.split_whitespace());
        let widths = words.map(|text| {
            let width = console::measure_text_width(text);
            if uuid::Uuid::try_parse(text).is_ok() { width.max(IDENTIFIER) } else { width.min(word) }
        });
        widths.max().unwrap_or(0)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.drawn(terminal()))
    }
}

impl Cell {
    fn text(self, item: &Value) -> String {
        match self {
            Cell::Of(field) => told(&item[field]),
            Cell::At(field) => moment(&told(&item[field])),
            Cell::Made(made) => made(item),
        }
    }
}

/// A field for people.
fn told(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(told).collect::<Vec<_>>().join(", "),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

/// Cells of a row, each on one line; what would drive the terminal is spelt out before it is measured.
fn cells(texts: impl IntoIterator<Item: Into<String>>) -> Vec<String> {
    texts.into_iter().map(|text| visible(&text.into())).collect()
}

fn widest(text: &str) -> usize {
    text.lines().map(console::measure_text_width).max().unwrap_or(0)
}

fn fixed(width: usize) -> u16 {
    u16::try_from(width).unwrap_or(u16::MAX)
}

/// How wide the terminal is, where stdout is one: `COLUMNS` says so before the terminal does.
fn terminal() -> Option<usize> {
    let stdout = console::Term::stdout();
    if !stdout.is_term() {
        return None;
    }
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    said.filter(|columns| *columns > 0)
        .or_else(|| stdout.size_checked().map(|(_, columns)| usize::from(columns)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "0199d0c8-53a1-7b42-9d51-5b0e8f6f1c11";

    fn wide(columns: &[Column]) -> Table {
        let url = "https://learning.example/years/5/history/tudors?chapter=3&page=17";
        let item = json!({
            "id": ID, "state": "active", "target": url, "groups": ["ks2", "staff"],
            "from": "2026-11-24T09:00:31.250Z", "until": "2026-11-24T10:00:00.000Z", "requester": "m.jones",
            "reason": "Year 5 topic on the Tudors, sources for the timeline task",
        });
        Table::of(columns, [&item, &item])
    }

    const LIST: &[Column] = &[
        ("id", Cell::Of("id")),
        ("state", Cell::Of("state")),
        ("target", Cell::Of("target")),
        ("for", Cell::Of("groups")),
        ("from", Cell::At("from")),
        ("until", Cell::At("until")),
        ("asked by", Cell::Of("requester")),
        ("reason", Cell::Of("reason")),
    ];

    #[test]
    fn no_table_is_wider_than_the_terminal_and_none_tears_an_identifier() {
        for columns in [LIST, &LIST[1..], &LIST[..3], &LIST[6..]] {
            for width in [60, 80, 100, 120, 132, 160, 200, 300] {
                let text = wide(columns).drawn(Some(width));
                assert!(widest(&text) <= width, "{width}:\n{text}");
                assert!(columns[0].0 != "id" || text.matches(ID).count() == 2, "{width}:\n{text}");
                assert!(text.contains("Tudors,") || columns.len() == 3, "{width}:\n{text}");
            }
        }
    }

    #[test]
    fn what_fits_no_table_is_told_field_by_field() {
        let text = wide(LIST).drawn(Some(80));
        assert!(text.starts_with(&format!(" id           {ID}\n state        active\n")), "{text}");
        assert!(text.contains("\n from (UTC)   2026-11-24 09:00\n"), "{text}");
    }

    #[test]
    fn a_narrow_table_has_no_empty_columns() {
        let item = json!({ "state": "active", "reason": "Year 5 topic on the Tudors and their times" });
        let table = Table::of(&LIST[1..], [&item]);
        assert!(table.drawn(None).contains("asked by"));
        let narrow = table.drawn(Some(40));
        assert!(narrow.starts_with('┌') && !narrow.contains("asked"), "{narrow}");
    }

    #[test]
    fn what_is_piped_is_not_folded() {
        let text = wide(LIST).drawn(None);
        assert_eq!(text.lines().count(), 6, "{text}");
        assert!(text.contains("chapter=3&page=17"), "{text}");
    }

    #[test]
    fn cells_are_measured_as_they_are_printed() {
        let mut table = table();
        table.set_header(["a"]);
        table.add_row(["\u{1b}[31mred"]);
        let text = table.drawn(None);
        let widths: Vec<usize> = text.lines().map(console::measure_text_width).collect();
        assert!(text.contains("\\u001b[31mred") && widths.iter().all(|width| *width == 17), "{text}");
    }
}
