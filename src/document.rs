//! A TOML text that a person wrote, read value by value, with the place of every value.
//!
//! **Invariant:** reading never stops at the first fault: all of them are collected, each with
//! file, line and column, and a key that nobody asked for is a fault.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

mod fault;
mod nearest;
mod parse;
mod plain;
mod rewrite;
mod table;
mod value;

pub use fault::{Fault, Faults};
pub use plain::{Plain, dotted, segment};
pub use rewrite::rewritten;
pub use table::Table;
pub use value::{FromValue, Mismatch, Node};

/// A text and the name under which people know it.
#[derive(Clone, Debug)]
pub struct Document {
    source: Arc<Source>,
}

/// A place in a [`Document`]; keeps the text alive, so that a fault can be made of it alone.
#[derive(Clone)]
pub struct Span {
    source: Arc<Source>,
    start: usize,
    end: usize,
}

/// A value with the place where it was written.
#[derive(Clone, Debug)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub at: Span,
}

#[derive(Debug)]
struct Source {
    file: String,
    text: String,
}

impl Document {
    /// A text, and the name that its faults show: a path, or the name of an environment variable.
    #[must_use]
    pub fn new(file: &str, text: String) -> Document {
        Document { source: Arc::new(Source { file: file.to_owned(), text }) }
    }

    /// The text as a TOML document; `None` after syntax faults, of which several are reported.
    pub fn root<'d>(&'d self, faults: &mut Faults) -> Option<Table<'d>> {
        let (entries, errors) = parse::document(self);
        if errors.is_empty() {
            return Some(Table::new(String::new(), self.span(0..0), entries));
        }
        faults.extend(errors);
        None
    }

    /// A fault of the file as a whole, such as one that can't be read.
    #[must_use]
    pub fn fault(&self, problem: impl Into<String>) -> Fault {
        Fault::of_file(&self.source.file, problem)
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.source.text
    }

    fn span(&self, bytes: Range<usize>) -> Span {
        let end = bytes.end.min(self.source.text.len());
        Span { source: Arc::clone(&self.source), start: bytes.start.min(end), end }
    }
}

impl Span {
    /// A fault at this place.
    #[must_use]
    pub fn fault(&self, problem: impl Into<String>) -> Fault {
        let text = &self.source.text;
        let line_start = text[..self.start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[self.start..].find('\n').map_or(text.len(), |at| self.start + at);
        let line = text[line_start..line_end].trim_end_matches('\r').trim_start_matches('\u{feff}');
        let count = |part: &str| part.trim_start_matches('\u{feff}').chars().count();
        let shown = self.end.min(line_end).max(self.start);
        Fault {
            file: self.source.file.clone(),
            line: number(text[..line_start].matches('\n').count() + 1),
            column: number(count(&text[line_start..self.start]) + 1),
            text: line.to_owned(),
            width: number(text[self.start..shown].trim_end_matches('\r').chars().count().max(1)),
            problem: problem.into(),
            help: None,
        }
    }

    /// What is written there, quotes and all.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.source.text[self.start..self.end]
    }
}

impl fmt::Debug for Span {
    /// `file:line:column`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = self.fault("");
        write!(f, "{}:{}:{}", fault.file, fault.line, fault.column)
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
