//! Which terms a text holds, read in each of its views.
//!
//! **Invariant:** a term counts where each of its parts stands in one view, outside what the
//! exceptions of its list cover there.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::line::LineEffect;
use super::normal::views;
use super::terms::{TermMatch, Terms};

/// The fewest letters of a term that is looked for inside a longer run of spelled-out letters.
const INSIDE: usize = 6;

/// A term or an exception of a list.
#[derive(Debug)]
pub(super) struct Term {
    pub(super) list: u16,
    pub(super) line: u32,
    pub(super) parts: usize,
    pub(super) effect: LineEffect,
}

/// A phrase, and the terms with the number of the part that it is of.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) text: String,
    pub(super) uses: Vec<(usize, usize)>,
}

/// Where the parts of a term stand.
type Hits = BTreeMap<usize, Vec<Vec<Range<usize>>>>;

pub(super) fn find(terms: &Terms, text: &str) -> Vec<TermMatch> {
    let read = views(text);
    let mut found = BTreeSet::new();
    for view in &read.views {
        in_view(terms, view, &mut found);
    }
    for word in &read.spelled {
        in_spelled(terms, word, &mut found);
    }
    found.into_iter().collect()
}

fn in_view(terms: &Terms, view: &str, found: &mut BTreeSet<TermMatch>) {
    let hits = hits(terms, view);
    let mut covered: BTreeMap<u16, Vec<Range<usize>>> = BTreeMap::new();
    for (term, parts) in whole(terms, &hits, LineEffect::Exception) {
        covered.entry(term.list).or_default().extend(parts.iter().flatten().cloned());
    }
    for (term, parts) in whole(terms, &hits, LineEffect::Term) {
        let covers = covered.get(&term.list).map_or(&[][..], Vec::as_slice);
        let stands = |span: &Range<usize>| {
            !covers.iter().any(|cover| cover.start <= span.start && span.end <= cover.end)
        };
        if parts.iter().all(|spans| spans.iter().any(stands)) {
            found.insert(TermMatch { list: term.list, line: term.line });
        }
    }
}

fn hits(terms: &Terms, view: &str) -> Hits {
    let mut hits = Hits::new();
    let Some(words) = &terms.words else { return hits };
    for hit in words.find_overlapping_iter(view) {
        let Some(pattern) = terms.patterns.get(hit.pattern().as_usize()) else { continue };
        for (term, part) in &pattern.uses {
            let parts = terms.terms.get(*term).map_or(0, |term| term.parts);
            let spans = hits.entry(*term).or_insert_with(|| vec![Vec::new(); parts]);
            spans[*part].push(hit.range());
        }
    }
    hits
}

/// The terms of one effect whose parts all stand somewhere.
fn whole<'h>(
    terms: &'h Terms,
    hits: &'h Hits,
    effect: LineEffect,
) -> impl Iterator<Item = (&'h Term, &'h Vec<Vec<Range<usize>>>)> {
    hits.iter()
        .filter_map(|(number, parts)| Some((terms.terms.get(*number)?, parts)))
        .filter(move |(term, parts)| term.effect == effect && parts.iter().all(|spans| !spans.is_empty()))
}

/// Terms inside a run of letters that were typed one by one, with no telling where words end.
fn in_spelled(terms: &Terms, word: &str, found: &mut BTreeSet<TermMatch>) {
    let Some(spelled) = &terms.spelled else { return };
    for hit in spelled.find_overlapping_iter(word).filter(|hit| hit.len() >= INSIDE) {
        let uses = terms.patterns.get(hit.pattern().as_usize()).into_iter().flat_map(|pattern| &pattern.uses);
        for (number, _) in uses {
            let term = terms.terms.get(*number);
            let alone = |term: &&Term| term.parts == 1 && term.effect == LineEffect::Term;
            found.extend(term.filter(alone).map(|term| TermMatch { list: term.list, line: term.line }));
        }
    }
}
