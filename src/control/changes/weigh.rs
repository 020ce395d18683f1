//! The text of a school list held against the one in force: what of it may be in force, and what
//! is held. Pure.
//!
//! **Invariant:** an entry of the allow list is in force only if it was before, or was let
//! through; an entry of the block list that was in force stays so until it is let go.

use std::collections::{BTreeMap, BTreeSet};

use crate::control::changes::{Op, SchoolList};
use crate::lists::{Format, ReadOptions, Reading, parse};

/// What stands above the entries that a block list holds on to, in the text that is kept.
const HELD: &str = "# Taken out of block.txt, and in force until a second person approves:";
/// The longest remark that is kept, in characters.
const MAX_REMARK: usize = 200;

/// An entry, where it stands and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stated {
    pub(super) entry: String,
    pub(super) line: u32,
    pub(super) remark: Option<String>,
}

/// What is let through besides what was in force.
pub(super) enum Passed {
    Nothing,
    /// The settings say so.
    Everything,
    /// It was approved.
    One(String),
}

/// What becomes of a list's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Weighed {
    /// The text without what must not be in force; the lines keep their numbers.
    pub(super) text: String,
    /// What is held: entries to be added (allow) or removed (block).
    pub(super) held: Vec<Stated>,
}

impl SchoolList {
    /// What a held change of this list would do.
    pub(super) fn held_op(self) -> Op {
        match self {
            SchoolList::Allow => Op::Add,
            SchoolList::Block => Op::Remove,
        }
    }

    /// Weighs the text of the file against the text in force.
    pub(super) fn weigh(self, before: &str, file: &str, passed: &Passed) -> Weighed {
        match self {
            SchoolList::Allow => allow(before, file, passed),
            SchoolList::Block => block(before, file, passed),
        }
    }
}

impl Weighed {
    /// The first text of all: taken as it is.
    pub(super) fn whole(file: &str) -> Weighed {
        Weighed { text: file.to_owned(), held: Vec::new() }
    }

    /// One text that says all that is in force; the next one is weighed against it.
    pub(super) fn in_force(&self, list: SchoolList) -> String {
        let mut text = self.text.clone();
        if list == SchoolList::Allow || self.held.is_empty() {
            return text;
        }
        if !text.is_empty() && !text.ends_with(['\n', '\r']) {
            text.push('\n');
        }
        text.push_str(HELD);
        for held in &self.held {
            let remark = held.remark.as_ref().map(|remark| format!("; {remark}")).unwrap_or_default();
            text.push_str(&format!("\n{} # line {}{remark}", written(&held.entry), held.line));
        }
        text.push('\n');
        text
    }
}

impl Passed {
    fn lets(&self, entry: &str) -> bool {
        match self {
            Passed::Nothing => false,
            Passed::Everything => true,
            Passed::One(unit) => unit.split(' ').any(|passed| passed == entry),
        }
    }
}

/// The entries of a text in their normal form.
pub(in crate::control) fn entries(text: &str) -> BTreeSet<String> {
    by_line(text).into_values().flatten().collect()
}

/// Every entry of a text, where it stands and what the line says of it.
pub(super) fn stated(text: &str) -> Vec<Stated> {
    let mut lines = by_line(text);
    let of_line = |piece: Piece<'_>| {
        let (line, remark) = (piece.number, remark(piece.text()));
        let entries = lines.remove(&line).unwrap_or_default();
        let stated = move |entry| Stated { entry, line, remark: remark.clone() };
        entries.into_iter().map(stated).collect::<Vec<_>>()
    };
    pieces(text).flat_map(of_line).collect()
}

fn allow(before: &str, file: &str, passed: &Passed) -> Weighed {
    let before = entries(before);
    let mut new = by_line(file);
    // A line that says several things is in force when all of them may be.
    new.retain(|_, entries| entries.iter().any(|entry| !before.contains(entry) && !passed.lets(entry)));
    let text =
        pieces(file).map(|piece| if new.contains_key(&piece.number) { piece.end } else { piece.whole });
    let text = text.collect();
    let mut held: Vec<Stated> = Vec::new();
    for piece in pieces(file) {
        let Some(entries) = new.get(&piece.number) else { continue };
        let entry = entries.join(" ");
        if !held.iter().any(|other| other.entry == entry) {
            held.push(Stated { entry, line: piece.number, remark: remark(piece.text()) });
        }
    }
    Weighed { text, held }
}

fn block(before: &str, file: &str, passed: &Passed) -> Weighed {
    let now = entries(file);
    let lines: BTreeMap<u32, Piece<'_>> = pieces(before).map(|piece| (piece.number, piece)).collect();
    let mut gone = BTreeSet::new();
    let mut held = Vec::new();
    for (line, entries) in by_line(before) {
        for entry in entries {
            if !now.contains(&entry) && !passed.lets(&entry) && gone.insert(entry.clone()) {
                let remark = lines.get(&line).and_then(|piece| remark(piece.text()));
                held.push(Stated { entry, line, remark });
            }
        }
    }
    Weighed { text: file.to_owned(), held }
}

/// An entry as a line that reads back as the same: a page of an address (`10.0.0.1/8`) would else be
/// taken for a network.
fn written(entry: &str) -> String {
    if entries(entry).contains(entry) { entry.to_owned() } else { format!("http://{entry}") }
}

/// Every line that says something, with its entries. Names are taken as they stand, without the
/// twins that a block list adds.
fn by_line(text: &str) -> BTreeMap<u32, Vec<String>> {
    let mut lines: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for item in parse::read(&ReadOptions::of(Reading::Allow), Format::Domains, text.as_bytes()).items {
        lines.entry(item.line).or_default().push(item.entry.to_string());
    }
    lines
}

/// A line with its end.
struct Piece<'t> {
    number: u32,
    whole: &'t str,
    end: &'t str,
}

impl<'t> Piece<'t> {
    fn text(&self) -> &'t str {
        &self.whole[..self.whole.len() - self.end.len()]
    }
}

/// The lines as the parser counts them: CR LF, LF and CR each end one.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    (1..).map_while(move |number| {
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let after = if rest[end..].starts_with("\r\n") { end + 2 } else { rest.len().min(end + 1) };
        let (whole, others) = rest.split_at(after);
        rest = others;
        Some(Piece { number, whole, end: &whole[end..] })
    })
}

/// What stands behind a `#` that follows a space.
fn remark(line: &str) -> Option<String> {
    let marks = line.match_indices('#').map(|(at, _)| at);
    let at = marks.into_iter().find(|at| line[..*at].ends_with(char::is_whitespace))?;
    let text = line[at..].trim_matches(|c: char| c == '#' || c.is_whitespace());
    let shown: String = text.chars().filter(|c| !c.is_control()).take(MAX_REMARK).collect();
    (!shown.is_empty()).then_some(shown)
}
