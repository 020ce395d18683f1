//! What somebody searches for, read from a request.
//!
//! **Invariant:** total: any request is read without a panic. Fields that stand twice are all
//! read, for services differ in which one they take.

use super::body::queries;
use super::facts::{FACTS, QueryBody, SearchRow};
use super::parameter::fields;
use super::path::{Covered, segments};
use crate::model::Host;
use crate::model::Url;

/// How many bytes of a body are held back to read a query in it.
pub const MAX_QUERY_BODY: usize = 64 * 1024;

/// A search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// The engine: `google`.
    pub engine: &'static str,
    /// The words, decoded, with one space between them.
    pub query: String,
    /// Whether somebody asked, or is still typing.
    pub kind: SearchKind,
}

/// Whether somebody asked, or is still typing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SearchKind {
    /// A search.
    Search,
    /// A request for suggestions, sent with each key press.
    Suggestion,
}

/// Whether searches are made at this host, so that its URLs tell what is searched for.
#[must_use]
pub fn is_search_host(host: &Host) -> bool {
    FACTS.searches.hosts.holds(host)
}

/// The search that a request is, with as much of its body as is held.
#[must_use]
pub fn search(method: &str, url: &Url, content_type: Option<&str>, body: Option<&[u8]>) -> Option<Search> {
    let path = segments(url.path());
    FACTS.searches.of(url.host()).find_map(|row| {
        let covered = covered(row, &path)?;
        let mut words: Vec<String> = Vec::new();
        if let Covered::Query(query) = covered {
            words.push(query);
        }
        words.extend(chosen(row, fields(url.query().unwrap_or_default())));
        if let Some(body) = body.filter(|_| row.body != QueryBody::None && has_body(method)) {
            words.extend(chosen(row, queries(row.body, content_type, body)));
        }
        let query = for_people(&words)?;
        Some(Search { engine: &row.engine, query, kind: row.kind })
    })
}

/// Whether a request's body is what holds its query, so that the start of it must be held back.
#[must_use]
pub fn wants_body(method: &str, url: &Url) -> bool {
    if !has_body(method) {
        return false;
    }
    let path = segments(url.path());
    FACTS.searches.of(url.host()).any(|row| row.body != QueryBody::None && covered(row, &path).is_some())
}

fn has_body(method: &str) -> bool {
    method.eq_ignore_ascii_case("POST") || method.eq_ignore_ascii_case("PUT")
}

fn covered(row: &SearchRow, path: &[String]) -> Option<Covered> {
    row.paths.iter().find_map(|pattern| pattern.covers(path))
}

fn chosen(row: &SearchRow, fields: Vec<(String, String)>) -> impl Iterator<Item = String> {
    fields.into_iter().filter(|(name, _)| row.parameters.contains(name)).map(|(_, value)| value)
}

/// Each text once, without controls, one space between words; `None` when no word is left.
fn for_people(texts: &[String]) -> Option<String> {
    let mut shown: Vec<String> = Vec::new();
    for text in texts {
        let visible = text.replace(|c: char| c.is_control(), " ");
        let text = visible.split_whitespace().collect::<Vec<_>>().join(" ");
        if !text.is_empty() && !shown.contains(&text) {
            shown.push(text);
        }
    }
    (!shown.is_empty()).then(|| shown.join(" "))
}
