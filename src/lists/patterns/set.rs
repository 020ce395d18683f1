//! All patterns at once: which of them match this host or URL?
//!
//! **Invariant:** one pass over the text for every 256 expressions and one for all keywords, in
//! time linear in the text.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use regex::bytes::{RegexSet, RegexSetBuilder};
use serde::{Deserialize, Serialize};

use crate::lists::keys;
use crate::lists::origin::Place;
use crate::lists::patterns::{MAX_NEST, Pattern, PatternSubject, PatternSyntax};
use crate::lists::{Asked, Effect, Match, OriginId, Specificity};
use crate::model::Url;

/// How many expressions share an automaton: more would make it large, fewer make more passes.
const SHARED: usize = 256;
/// The largest automaton of so many, in bytes.
const MAX_SHARED_AUTOMATON: usize = 64 * 1024 * 1024;
/// The longest text that is looked through, in bytes: a URL, decoded.
const MAX_TEXT: usize = 16 * 1024;

/// Where a pattern is listed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::lists) struct PatternPosting {
    pub(in crate::lists) pattern: Pattern,
    pub(in crate::lists) origin: u16,
    pub(in crate::lists) effect: u8,
    pub(in crate::lists) line: u32,
}

/// Listed patterns, immutable.
pub(in crate::lists) struct Patterns {
    postings: Box<[PatternPosting]>,
    host: Subject,
    url: Subject,
}

/// The patterns that are held against one text.
#[derive(Default)]
struct Subject {
    /// Each with the number of its first posting in `expressions`.
    sets: Vec<RegexSet>,
    expressions: Vec<u32>,
    keywords: Option<AhoCorasick>,
    words: Vec<u32>,
}

impl Patterns {
    /// Makes the automata. A pattern that was read can be run; were one not, it is left out and
    /// counted by the caller as missing.
    pub(in crate::lists) fn of(postings: Vec<PatternPosting>) -> Patterns {
        let subject = |subject| Subject::of(&postings, subject);
        Patterns {
            host: subject(PatternSubject::Host),
            url: subject(PatternSubject::Url),
            postings: postings.into(),
        }
    }

    /// Appends a match for every pattern that fits what is asked.
    pub(in crate::lists) fn find(&self, asked: &Asked<'_>, matches: &mut Vec<Match>) {
        if self.postings.is_empty() {
            return;
        }
        let mut numbers = Vec::new();
        let host = asked.host.to_string();
        self.host.find(host.as_bytes(), &mut numbers);
        if !self.url.is_empty() {
            let (scheme, rest) = asked.url.map_or_else(|| ("", format!("{host}/")), |url| text(&host, url));
            self.url.find(rest.as_bytes(), &mut numbers);
            if !scheme.is_empty() {
                self.url.find(format!("{scheme}://{rest}").as_bytes(), &mut numbers);
            }
        }
        numbers.sort_unstable();
        numbers.dedup();
        matches.extend(numbers.into_iter().map(|number| {
            let posting = &self.postings[number as usize];
            Match {
                origin: OriginId(posting.origin),
                effect: Effect::of(posting.effect),
                specificity: Specificity::of_pattern(),
                place: Place::Pattern(number),
            }
        }));
    }

    pub(in crate::lists) fn text(&self, number: u32) -> String {
        self.postings.get(number as usize).map(|posting| posting.pattern.to_string()).unwrap_or_default()
    }

    pub(in crate::lists) fn line(&self, number: u32) -> u32 {
        self.postings.get(number as usize).map_or(0, |posting| posting.line)
    }
}

impl Subject {
    fn of(postings: &[PatternPosting], subject: PatternSubject) -> Subject {
        let of = |syntax| {
            let mine = move |posting: &&PatternPosting| {
                posting.pattern.subject() == subject && posting.pattern.syntax() == syntax
            };
            (0u32..).zip(postings).filter(move |(_, posting)| mine(posting))
        };
        let mut made = Subject::default();
        let expressions: Vec<(u32, &PatternPosting)> = of(PatternSyntax::Regex).collect();
        for shared in expressions.chunks(SHARED) {
            let texts = shared.iter().map(|(_, posting)| posting.pattern.text());
            let set = RegexSetBuilder::new(texts)
                .unicode(false)
                .case_insensitive(true)
                .nest_limit(MAX_NEST)
                .size_limit(MAX_SHARED_AUTOMATON)
                .build();
            // Each of them was built alone within 1/256 of this size.
            made.sets.push(set.expect("expressions that fit alone fit together"));
            made.expressions.extend(shared.iter().map(|(number, _)| number));
        }
        let keywords: Vec<(u32, &PatternPosting)> = of(PatternSyntax::Keyword).collect();
        if !keywords.is_empty() {
            let texts = keywords.iter().map(|(_, posting)| posting.pattern.text());
            let automaton = AhoCorasickBuilder::new()
                .match_kind(MatchKind::Standard)
                .ascii_case_insensitive(true)
                .build(texts);
            made.keywords = Some(automaton.expect("keywords are short and far fewer than 4 Gi"));
            made.words = keywords.into_iter().map(|(number, _)| number).collect();
        }
        made
    }

    fn is_empty(&self) -> bool {
        self.sets.is_empty() && self.keywords.is_none()
    }

    fn find(&self, text: &[u8], numbers: &mut Vec<u32>) {
        let text = &text[..text.len().min(MAX_TEXT)];
        for (set, first) in self.sets.iter().zip((0..).step_by(SHARED)) {
            numbers.extend(set.matches(text).iter().map(|at| self.expressions[first + at]));
        }
        let keywords = self.keywords.iter().flat_map(|keywords| keywords.find_overlapping_iter(text));
        numbers.extend(keywords.map(|found| self.words[found.pattern().as_usize()]));
    }
}

/// The scheme, and the URL without it, decoded and in lower case.
fn text(host: &str, url: &Url) -> (&'static str, String) {
    let mut text = format!("{host}{}", keys::readable(url.path()));
    if let Some(query) = url.query() {
        text.push('?');
        text.push_str(&keys::readable(query));
    }
    (url.scheme().as_str(), text.to_ascii_lowercase())
}
