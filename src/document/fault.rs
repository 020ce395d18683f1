//! What is wrong in a text, shown as rustc would: file, line, column, the line itself.
//!
//! **Invariant:** quoted text can't drive the terminal: control and direction characters are
//! replaced when it is shown.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file, or the environment variable.
    pub file: String,
    /// The line, from 1; 0 where the fault is of the file as a whole.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
    /// The offending line.
    pub text: String,
    /// How many characters of it are meant.
    pub width: u32,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// All that is wrong, in the order of files and lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Fault {
    /// A fault of a file as a whole.
    #[must_use]
    pub fn of_file(file: &str, problem: impl Into<String>) -> Fault {
        let (file, problem) = (file.to_owned(), problem.into());
        Fault { file, line: 0, column: 0, text: String::new(), width: 0, problem, help: None }
    }

    /// The same fault with a word on what to do.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Fault {
        Fault { help: Some(help.into()), ..self }
    }
}

impl Faults {
    /// No faults so far.
    #[must_use]
    pub fn new() -> Faults {
        Faults::default()
    }

    /// One more, put where it belongs in the order.
    pub fn push(&mut self, fault: Fault) {
        let place = |fault: &Fault| (fault.file.clone(), fault.line, fault.column);
        let at = self.0.partition_point(|other| place(other) <= place(&fault));
        self.0.insert(at, fault);
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Each, in the order of files and lines.
    pub fn iter(&self) -> std::slice::Iter<'_, Fault> {
        self.0.iter()
    }

    /// `value` when nothing is wrong.
    ///
    /// # Errors
    /// The faults, when there are any.
    pub fn or<T>(self, value: T) -> Result<T, Faults> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl Extend<Fault> for Faults {
    fn extend<I: IntoIterator<Item = Fault>>(&mut self, more: I) {
        more.into_iter().for_each(|fault| self.push(fault));
    }
}

impl IntoIterator for Faults {
    type Item = Fault;
    type IntoIter = std::vec::IntoIter<Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Faults {
    type Item = &'a Fault;
    type IntoIter = std::slice::Iter<'a, Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl std::error::Error for Fault {}

impl std::error::Error for Faults {}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.0.iter().enumerate() {
            let gap = if at == 0 { "" } else { "\n\n" };
            write!(f, "{gap}{fault}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, text) = (harmless(&self.file), harmless(&self.text));
        let mut group = Group::with_title(Level::ERROR.primary_title(harmless(&self.problem)));
        group = if self.line == 0 {
            group.element(Origin::path(file))
        } else {
            let annotation = AnnotationKind::Primary.span(self.bytes(&text));
            let line = usize::try_from(self.line).unwrap_or(usize::MAX);
            group.element(Snippet::source(text).line_start(line).path(file).annotation(annotation))
        };
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(harmless(help)));
        }
        f.write_str(&Renderer::plain().render(&[group]))
    }
}

impl Fault {
    /// Column and width as bytes of the line as shown.
    fn bytes(&self, text: &str) -> Range<usize> {
        let byte = |character: u32| {
            let nth = usize::try_from(character).unwrap_or(usize::MAX);
            text.char_indices().nth(nth).map_or(text.len(), |(at, _)| at)
        };
        let start = self.column.saturating_sub(1);
        byte(start)..byte(start.saturating_add(self.width))
    }
}

/// The text without characters that drive a terminal or turn the reading direction; each is
/// replaced by one character, so that columns stay true.
fn harmless(text: &str) -> String {
    let show = |c: char| match c {
        '\t' => '\t',
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        _ if c.is_control() || turns_direction(c) => '\u{fffd}',
        _ => c,
    };
    text.chars().map(show).collect()
}

/// Marks, overrides and isolates of bidirectional text, joiners and line separators.
fn turns_direction(c: char) -> bool {
    let ranges =
        ['\u{61c}'..='\u{61c}', '\u{200d}'..='\u{200f}', '\u{2028}'..='\u{202e}', '\u{2066}'..='\u{2069}'];
    ranges.iter().any(|range| range.contains(&c))
}
