//! Lists of terms that are a concern, and where a text holds one.
//!
//! **Invariant:** a match names its list and line; what an exception of the same list covers is no
//! match. A list with a fault is not taken in part.

use std::collections::{BTreeSet, HashMap};

use super::line::{self, Effect, Line, Slot};
use super::matching::{self, Part, Place, Term};
use crate::document::{Fault, Faults};

/// Term lists, compiled.
#[derive(Debug, Default)]
pub struct Terms {
    lists: Vec<TermList>,
    pub(super) terms: Vec<Term>,
    pub(super) parts: Vec<Part>,
    /// Every word of every list, numbered: a line with many choices is no larger than its text.
    pub(super) words: HashMap<Box<str>, u32>,
    /// The parts that may start with a word.
    pub(super) starts: HashMap<u32, Vec<usize>>,
}

/// A term list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TermList {
    /// `self-harm`
    pub name: String,
    /// The version, as its keeper names it.
    pub version: String,
    /// `terms/self-harm.txt`
    pub file: String,
    /// The languages that its header lines name: `en`.
    pub languages: Vec<String>,
    /// How many terms it has, exceptions apart.
    pub terms: usize,
}

/// A term that a text holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TermMatch {
    /// The number of the list; [`Terms::list`] says which that is.
    pub list: u16,
    /// The line of the term, from 1.
    pub line: u32,
}

/// Term lists while they are read.
#[derive(Debug, Default)]
pub struct TermsBuilder {
    lists: Vec<TermList>,
    lines: Vec<(u16, u32, Line)>,
}

impl Terms {
    /// Every term that the text holds, in the order of lists and lines.
    #[must_use]
    pub fn find(&self, text: &str) -> Vec<TermMatch> {
        matching::find(self, text)
    }

    /// Every list, in the order in which they were added.
    #[must_use]
    pub fn lists(&self) -> &[TermList] {
        &self.lists
    }

    /// The list that a match is of.
    #[must_use]
    pub fn list(&self, found: TermMatch) -> Option<&TermList> {
        self.lists.get(usize::from(found.list))
    }

    /// Whether a list of that name is held.
    #[must_use]
    pub fn holds(&self, name: &str) -> bool {
        self.lists.iter().any(|list| list.name == name)
    }
}

impl TermsBuilder {
    /// Nothing so far.
    #[must_use]
    pub fn new() -> TermsBuilder {
        TermsBuilder::default()
    }

    /// Adds a list.
    ///
    /// # Errors
    /// Every line that is no term; none of the list is taken then.
    pub fn add_list(&mut self, name: &str, version: &str, file: &str, text: &str) -> Result<(), Faults> {
        let (list, lines, faults) = read(name, version, (file, file), text);
        let taken = faults.or((list, lines))?;
        self.take(taken);
        Ok(())
    }

    /// Adds the lines of a list that are terms, and tells every one that is none. The file goes by
    /// one name in the list and by another, a path perhaps, in the faults.
    #[must_use]
    pub fn add_sound(&mut self, name: &str, version: &str, file: (&str, &str), text: &str) -> Faults {
        let (list, lines, faults) = read(name, version, file, text);
        self.take((list, lines));
        faults
    }

    fn take(&mut self, (list, lines): (TermList, Vec<(u32, Line)>)) {
        // There are never so many lists that their number does not fit.
        let number = u16::try_from(self.lists.len()).unwrap_or(u16::MAX);
        self.lists.push(list);
        self.lines.extend(lines.into_iter().map(|(at, line)| (number, at, line)));
    }

    /// Compiles the lists.
    #[must_use]
    pub fn build(self) -> Terms {
        let mut terms = Terms { lists: self.lists, ..Terms::default() };
        for (list, at, line) in self.lines {
            let term = terms.terms.len();
            terms.terms.push(Term { list, line: at, parts: line.parts.len(), effect: line.effect });
            for (number, slots) in line.parts.into_iter().enumerate() {
                let slots = slots.into_iter().map(|slot| terms.place(slot)).collect();
                terms.add(Part { term, number, slots });
            }
        }
        terms
    }
}

impl Terms {
    fn place(&mut self, slot: Slot) -> Place {
        let mut number = |word: String| {
            let next = u32::try_from(self.words.len()).unwrap_or(u32::MAX);
            *self.words.entry(word.into()).or_insert(next)
        };
        let choices = slot.choices.into_iter().map(|words| words.into_iter().map(&mut number).collect());
        let (words, phrases): (Vec<Vec<u32>>, Vec<Vec<u32>>) =
            choices.partition(|words: &Vec<u32>| words.len() == 1);
        Place { words: words.into_iter().flatten().collect(), phrases, need: slot.need }
    }

    fn add(&mut self, part: Part) {
        let number = self.parts.len();
        let place = part.slots.first().into_iter();
        let first = place.flat_map(|place| {
            place.words.iter().chain(place.phrases.iter().filter_map(|words| words.first()))
        });
        for word in first.copied().collect::<BTreeSet<u32>>() {
            self.starts.entry(word).or_default().push(number);
        }
        self.parts.push(part);
    }
}

fn read(
    name: &str,
    version: &str,
    (file, path): (&str, &str),
    text: &str,
) -> (TermList, Vec<(u32, Line)>, Faults) {
    let (mut lines, mut languages, mut faults) = (Vec::new(), Vec::new(), Faults::new());
    for (at, text) in (1_u32..).zip(text.trim_start_matches('\u{feff}').lines()) {
        if let Some(comment) = text.trim_start().strip_prefix('#') {
            header(comment, &mut languages);
        } else if !text.trim().is_empty() {
            match line::read(text) {
                Ok(line) => lines.push((at, line)),
                Err((byte, problem)) => faults.push(fault(path, at, text, byte, &problem.to_string())),
            }
        }
    }
    let terms = lines.iter().filter(|(_, line)| line.effect != Effect::Exception).count();
    if terms == 0 && faults.is_empty() {
        faults.push(Fault::of_file(path, "the list holds no term"));
    }
    let (name, version, file) = (name.to_owned(), version.to_owned(), file.to_owned());
    (TermList { name, version, file, languages, terms }, lines, faults)
}

/// `# language: en`
fn header(comment: &str, languages: &mut Vec<String>) {
    let Some(language) = comment.trim().strip_prefix("language:").map(str::trim) else { return };
    if !language.is_empty() && !languages.iter().any(|known| known == language) {
        languages.push(language.to_owned());
    }
}

fn fault(file: &str, line: u32, text: &str, byte: usize, problem: &str) -> Fault {
    let column = text.get(..byte).map_or(0, |before| before.chars().count()) + 1;
    Fault {
        line,
        column: u32::try_from(column).unwrap_or(u32::MAX),
        text: text.to_owned(),
        width: 1,
        help: Some(
            "write words, `a & b` for words that stand apart, `=words` for a whole search, or `!words` for what is harmless".into(),
        ),
        ..Fault::of_file(file, problem)
    }
}
