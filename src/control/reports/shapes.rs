//! A report as a page, as a spreadsheet and as data: the same tables in each.
//!
//! **Invariant:** no cell of a spreadsheet is a formula, whoever wrote what stands in it.

use askama::Template;
use serde::{Deserialize, Serialize};

use crate::audit::unreckoned;
use crate::control::mail::Letter;
use crate::control::reports::days::Kind;
use crate::model::visible;

/// By which spreadsheets know UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Which kind.
    pub kind: Kind,
    /// What it is.
    pub title: String,
    /// Of which days.
    pub span: String,
    /// When it was made.
    pub made_at: String,
    /// Its tables.
    pub sections: Vec<Section>,
}

/// A table of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// What it says.
    pub title: String,
    /// How to read it.
    pub note: Option<String>,
    /// What its columns are called.
    pub columns: Vec<String>,
    /// Its rows, a cell a column.
    pub rows: Vec<Vec<String>>,
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
}

impl Section {
    pub(super) fn new<const N: usize>(title: &str, columns: [&str; N], rows: Vec<[String; N]>) -> Section {
        Section {
            title: title.to_owned(),
            note: None,
            columns: columns.map(str::to_owned).to_vec(),
            rows: rows.into_iter().map(Vec::from).collect(),
        }
    }

    pub(super) fn noted(self, note: &str) -> Section {
        Section { note: Some(note.to_owned()), ..self }
    }
}

impl Report {
    /// As a page that can be printed.
    #[must_use]
    pub fn html(&self) -> String {
        Page { report: self }.render().unwrap_or_default()
    }

    /// As a spreadsheet: one table below the other.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut writer = csv::WriterBuilder::new()
            .flexible(true)
            .terminator(csv::Terminator::CRLF)
            .from_writer(Vec::new());
        let heads =
            [vec![self.title.as_str()], vec![self.span.as_str()], vec!["made", self.made_at.as_str()]];
        let sections = self.sections.iter().flat_map(|section| {
            let columns = section.columns.iter().map(String::as_str).collect();
            let rows = section.rows.iter().map(|row| row.iter().map(String::as_str).collect());
            [vec![""], vec![section.title.as_str()], columns].into_iter().chain(rows)
        });
        for row in heads.into_iter().chain(sections) {
            // Writing to memory does not fail.
            let _ = writer.write_record(row.into_iter().map(|cell| unreckoned(&visible(cell))));
        }
        let bytes = writer.into_inner().unwrap_or_default();
        format!("{BYTE_ORDER_MARK}{}", String::from_utf8_lossy(&bytes))
    }

    /// As text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{}\n{}\n", self.title, self.span);
        for section in &self.sections {
            text.push_str(&format!("\n{}\n", section.title));
            if let Some(note) = &section.note {
                text.push_str(&format!("({note})\n"));
            }
            if section.rows.is_empty() {
                text.push_str("  none\n");
            }
            for row in &section.rows {
                let cells = section.columns.iter().zip(row).map(|(column, cell)| format!("{column}: {cell}"));
                text.push_str(&format!("  {}\n", cells.collect::<Vec<_>>().join(" · ")));
            }
        }
        text
    }

    pub(super) fn letter(&self) -> Letter {
        Letter { subject: format!("{}: {}", self.title, self.span), text: self.text(), html: self.html() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let rows = vec![
            ["=HYPERLINK(\"http://x.example\")".to_owned(), "1, 2\n3".to_owned()],
            ["-1".into(), "<b>&".into()],
        ];
        Report {
            kind: Kind::Daily,
            title: "Daily report".to_owned(),
            span: "Wed 1 Jul 2026".to_owned(),
            made_at: "Thu 2 Jul 2026, 07:30".to_owned(),
            sections: vec![Section::new("Things", ["what", "how many"], rows).noted("as counted")],
        }
    }

    #[test]
    fn a_spreadsheet_holds_text_alone() {
        let csv = report().csv();
        assert!(csv.starts_with('\u{feff}') && csv.ends_with("\r\n"), "{csv:?}");
        assert!(
            csv.contains("\"'=HYPERLINK(\"\"http://x.example\"\")\",\"1, 2\\u000a3\"\r\n'-1,<b>&\r\n"),
            "{csv}"
        );
    }

    #[test]
    fn a_page_holds_text_alone() {
        let html = report().html();
        assert!(
            !html.contains("<b>") && html.contains("as counted") && html.contains("@media print"),
            "{html}"
        );
        assert_eq!(
            serde_json::from_value::<Report>(serde_json::to_value(report()).unwrap()).unwrap(),
            report()
        );
    }
}
