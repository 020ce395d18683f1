//! Lists of terms that are a concern, and where a text holds one.
//!
//! **Invariant:** a match names its list and line; what an exception of the same list covers is no
//! match. A list with a fault is not taken in part.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind};

use super::line::{self, Line, LineEffect};
use super::matching::{self, Pattern, Term};
use crate::document::{Fault, Faults};

/// The fewest letters of a phrase that is also looked for written as one word.
const COMPACT: usize = 7;

/// Term lists, compiled.
#[derive(Debug, Default)]
pub struct Terms {
    lists: Vec<TermList>,
    pub(super) terms: Vec<Term>,
    pub(super) patterns: Vec<Pattern>,
    /// Finds `patterns` in a text of words.
    pub(super) words: Option<AhoCorasick>,
    /// Finds them, without their spaces, in letters that were spelled out.
    pub(super) spelled: Option<AhoCorasick>,
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
        let mut faults = Faults::new();
        let mut list = TermList {
            name: name.to_owned(),
            version: version.to_owned(),
            file: file.to_owned(),
            languages: Vec::new(),
            terms: 0,
        };
        let Ok(number) = u16::try_from(self.lists.len()) else {
            faults.push(Fault::of_file(file, "there are more than 65,536 term lists"));
            return Err(faults);
        };
        let mut lines = Vec::new();
        for (at, text) in (1_u32..).zip(text.trim_start_matches('\u{feff}').lines()) {
            if let Some(comment) = text.trim_start().strip_prefix('#') {
                header(comment, &mut list);
                continue;
            }
            if text.trim().is_empty() {
                continue;
            }
            match line::read(text) {
                Ok(line) => lines.push((number, at, line)),
                Err((byte, problem)) => faults.push(fault(file, at, text, byte, &problem.to_string())),
            }
        }
        list.terms = lines.iter().filter(|(_, _, line)| line.effect == LineEffect::Term).count();
        if list.terms == 0 && faults.is_empty() {
            faults.push(Fault::of_file(file, "the list holds no term"));
        }
        faults.or(())?;
        self.lists.push(list);
        self.lines.append(&mut lines);
        Ok(())
    }

    /// Compiles the lists.
    ///
    /// # Errors
    /// One fault when they are too many to compile.
    pub fn build(self) -> Result<Terms, Faults> {
        let mut numbers: HashMap<String, usize> = HashMap::new();
        let mut patterns: Vec<Pattern> = Vec::new();
        let mut terms = Vec::new();
        for (list, at, line) in self.lines {
            let term = terms.len();
            terms.push(Term { list, line: at, parts: line.parts.len(), effect: line.effect });
            for (part, phrases) in line.parts.into_iter().enumerate() {
                for phrase in phrases.into_iter().flat_map(with_compact) {
                    let number = *numbers.entry(phrase.clone()).or_insert_with(|| {
                        patterns.push(Pattern { text: phrase, uses: Vec::new() });
                        patterns.len() - 1
                    });
                    if !patterns[number].uses.contains(&(term, part)) {
                        patterns[number].uses.push((term, part));
                    }
                }
            }
        }
        let words = automaton(patterns.iter().map(|pattern| pattern.text.clone()))?;
        let spelled = automaton(patterns.iter().map(|pattern| pattern.text.replace(' ', "")))?;
        Ok(Terms { lists: self.lists, terms, patterns, words, spelled })
    }
}

/// The phrase, and where it is long enough the same as one word: `self harm`, `selfharm`.
fn with_compact(phrase: String) -> Vec<String> {
    let compact = phrase.replace(' ', "");
    let one_word = phrase.trim().len() == compact.len();
    if one_word || compact.chars().count() < COMPACT {
        return vec![phrase];
    }
    vec![phrase, format!(" {compact} ")]
}

/// A search for all of them at once; `None` for none.
fn automaton(patterns: impl Iterator<Item = String>) -> Result<Option<AhoCorasick>, Faults> {
    let patterns: Vec<String> = patterns.collect();
    if patterns.is_empty() {
        return Ok(None);
    }
    let kind = Some(AhoCorasickKind::ContiguousNFA);
    AhoCorasickBuilder::new().kind(kind).build(patterns).map(Some).map_err(|problem| {
        let mut faults = Faults::new();
        faults.push(Fault::of_file("terms", format!("the term lists can't be compiled: {problem}")));
        faults
    })
}

/// `# language: en`
fn header(comment: &str, list: &mut TermList) {
    let Some(language) = comment.trim().strip_prefix("language:").map(str::trim) else { return };
    if !language.is_empty() && !list.languages.iter().any(|known| known == language) {
        list.languages.push(language.to_owned());
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
            "write words, `a & b` for words that stand apart, or `!words` for what is harmless".into(),
        ),
        ..Fault::of_file(file, problem)
    }
}
