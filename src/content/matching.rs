//! Which terms a text holds, read in each of its views.
//!
//! **Invariant:** a term counts where each of its parts stands in one view, on no word that an
//! exception of its list covers there; one that is a concern alone, where it is the whole view.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::line::{Effect, Need};
use super::normal::views;
use super::terms::{TermMatch, Terms};

/// The fewest letters of a word that is read as several written together.
const TOGETHER: usize = 7;
/// The longest word that is.
const LONGEST: usize = 80;

/// A term or an exception of a list.
#[derive(Debug)]
pub(super) struct Term {
    pub(super) list: u16,
    pub(super) line: u32,
    pub(super) parts: usize,
    pub(super) effect: Effect,
}

/// One of a term's parts.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) term: usize,
    /// Which of its parts this is.
    pub(super) number: usize,
    pub(super) slots: Vec<Place>,
}

/// A place in a part, by the numbers of the words that may stand there.
#[derive(Debug)]
pub(super) struct Place {
    /// Single words.
    pub(super) words: BTreeSet<u32>,
    /// Several words in a row.
    pub(super) phrases: Vec<Vec<u32>>,
    pub(super) need: Need,
}

/// How a view was made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Made {
    /// As the text has its words.
    AsWritten,
    /// By taking long words apart: one word of several is no sign, or `Scunthorpe` were one.
    TakenApart,
}

/// Where the parts of a term stand, by the number of the term.
type Hits = BTreeMap<usize, Vec<Vec<Range<usize>>>>;

pub(super) fn find(terms: &Terms, text: &str) -> Vec<TermMatch> {
    let mut found = BTreeSet::new();
    for view in views(text) {
        in_view(terms, &numbered(terms, &view), Made::AsWritten, &mut found);
        if let Some(apart) = taken_apart(terms, &view) {
            in_view(terms, &numbered(terms, &apart), Made::TakenApart, &mut found);
        }
    }
    found.into_iter().collect()
}

fn numbered(terms: &Terms, view: &[String]) -> Vec<Option<u32>> {
    view.iter().map(|word| terms.words.get(word.as_str()).copied()).collect()
}

fn in_view(terms: &Terms, view: &[Option<u32>], made: Made, found: &mut BTreeSet<TermMatch>) {
    let hits = hits(terms, view);
    let mut covered: BTreeSet<(u16, usize)> = BTreeSet::new();
    for (term, parts) in whole(terms, &hits, Effect::Exception) {
        covered.extend(parts.iter().flatten().cloned().flatten().map(|word| (term.list, word)));
    }
    for (term, parts) in whole(terms, &hits, Effect::Alone) {
        if parts.iter().flatten().any(|span| *span == (0..view.len())) {
            found.insert(TermMatch { list: term.list, line: term.line });
        }
    }
    for (term, parts) in whole(terms, &hits, Effect::Term) {
        let stands = |span: &Range<usize>| {
            let whole = span.clone().all(|word| !covered.contains(&(term.list, word)));
            whole && (made == Made::AsWritten || span.len() > 1)
        };
        if parts.iter().all(|spans| spans.iter().any(stands)) {
            found.insert(TermMatch { list: term.list, line: term.line });
        }
    }
}

fn hits(terms: &Terms, view: &[Option<u32>]) -> Hits {
    let mut hits = Hits::new();
    for (at, word) in view.iter().enumerate() {
        let starting = word.and_then(|word| terms.starts.get(&word)).into_iter().flatten();
        for part in starting.filter_map(|part| terms.parts.get(*part)) {
            if let Some(end) = end(&part.slots, view, at) {
                let count = terms.terms.get(part.term).map_or(0, |term| term.parts);
                let spans = hits.entry(part.term).or_insert_with(|| vec![Vec::new(); count]);
                spans[part.number].push(at..end);
            }
        }
    }
    hits
}

/// Where a reading of the places that starts here ends, what may be left out taken where it
/// stands; `None` where there is none.
fn end(slots: &[Place], view: &[Option<u32>], at: usize) -> Option<usize> {
    let Some((slot, rest)) = slots.split_first() else { return Some(at) };
    let word = view.get(at).copied().flatten().filter(|word| slot.words.contains(word)).map(|_| 1);
    let phrases = slot.phrases.iter().filter(|phrase| stands(phrase, view, at)).map(Vec::len);
    let with = phrases.chain(word).find_map(|length| end(rest, view, at + length));
    match slot.need {
        Need::Required => with,
        Need::Optional => with.or_else(|| end(rest, view, at)),
    }
}

fn stands(phrase: &[u32], view: &[Option<u32>], at: usize) -> bool {
    let here = view.get(at..at + phrase.len());
    here.is_some_and(|here| here.iter().zip(phrase).all(|(word, wanted)| *word == Some(*wanted)))
}

/// The terms of one effect whose parts all stand somewhere.
fn whole<'h>(
    terms: &'h Terms,
    hits: &'h Hits,
    effect: Effect,
) -> impl Iterator<Item = (&'h Term, &'h Vec<Vec<Range<usize>>>)> {
    hits.iter()
        .filter_map(|(number, parts)| Some((terms.terms.get(*number)?, parts)))
        .filter(move |(term, parts)| term.effect == effect && parts.iter().all(|spans| !spans.is_empty()))
}

/// The view with words that no list knows taken apart into such as they do; `None` where none is.
fn taken_apart(terms: &Terms, view: &[String]) -> Option<Vec<String>> {
    let mut changed = false;
    let mut apart = Vec::with_capacity(view.len());
    for word in view {
        let long = (TOGETHER..=LONGEST).contains(&word.len()) && !terms.words.contains_key(word.as_str());
        match long.then(|| pieces(terms, word)).flatten() {
            Some(pieces) => {
                changed = true;
                apart.extend(pieces);
            }
            None => apart.push(word.clone()),
        }
    }
    changed.then_some(apart)
}

/// The fewest known words that make this one.
fn pieces(terms: &Terms, word: &str) -> Option<Vec<String>> {
    let ends: Vec<usize> = word.char_indices().map(|(at, _)| at).skip(1).chain([word.len()]).collect();
    let mut best: BTreeMap<usize, Vec<&str>> = BTreeMap::from([(0, Vec::new())]);
    for end in ends {
        let shortest = best
            .iter()
            .filter_map(|(start, pieces)| word.get(*start..end).map(|piece| (piece, pieces)))
            .filter(|(piece, _)| (piece.len() > 1 || *piece == "i") && terms.words.contains_key(*piece))
            .min_by_key(|(_, pieces)| pieces.len());
        if let Some((piece, pieces)) = shortest {
            let pieces = pieces.iter().copied().chain([piece]).collect();
            best.insert(end, pieces);
        }
    }
    best.remove(&word.len()).map(|pieces| pieces.into_iter().map(str::to_owned).collect())
}
